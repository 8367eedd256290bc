"""Sets of files with several pages: pages alone and numbered, stored pyramids, thumbnails, masks. Rules 2.6,
2.15."""

import os

from make_planes import MASK, REDUCED, SIZE, Page, Set, each, numbers, one, pages, plane, write_pages

HALF, ODD = (5, 7), (6, 9)
RAW_PARTS = int(1.95 * (1 << 30))


def file_of(*kinds, **how):
    """write(path, number) of a file with these pages; a kind is (size, NewSubfileType), or a size alone."""

    def write(path, number):
        made = []
        for k, kind in enumerate(kinds):
            size, flag = kind if isinstance(kind[0], tuple) else (kind, 0)
            made.append(Page(plane(number, k, size), kind=flag))
        write_pages(path, made, **how)

    return write


def long_part(path, number, n):
    """More than 1.9 GiB by its size, nearly all of it a hole."""
    write_pages(path, [Page(plane(number, k)) for k in range(n)])
    os.truncate(path, RAW_PARTS)


def with_loop(path, number):
    """Three pages; the last directory names the first as the next one."""
    found = write_pages(path, [Page(plane(number, k)) for k in range(3)])
    data = bytearray(path.read_bytes())
    n = int.from_bytes(data[found[2] : found[2] + 2], "little")
    at = found[2] + 2 + 12 * n
    data[at : at + 4] = found[0].to_bytes(4, "little")
    path.write_bytes(data)


def with_zero_page(path, number):
    """The middle one of three pages has no rows."""
    found = write_pages(path, [Page(plane(number, k)) for k in range(3)])
    data = bytearray(path.read_bytes())
    at = data.index(b"\x01\x01\x04\x00\x01\x00\x00\x00", found[1])
    data[at + 8 : at + 12] = bytes(4)
    path.write_bytes(data)


def below(path, number):
    """Each of three pages has two overviews in sub-IFDs."""
    write_pages(path, [Page(plane(number, k), below=(Page(plane(number, 90), kind=REDUCED),
                                                     Page(plane(number, 91, HALF), kind=REDUCED))) for k in range(3)])


def dated(path, number):
    stamps = [f"2024:05:01 10:00:{k:02}\0".encode() for k in range(4)]
    write_pages(path, [Page(plane(number, k), tags=((306, 2, list(stamps[k])),)) for k in range(4)])


def colored(path, number):
    write_pages(path, [Page(plane(number, k, dtype="u1", samples=3)) for k in range(3)])


def _pages():
    s = {}
    s["pages"] = one("zyx", (5,), pages("a.tif", 5), "2.6: z")
    s["pages of a file as source"] = one("zyx", (5,), pages("stack.tif", 5), "2.9: the stem", source="stack.tif")
    s["two pages"] = one("zyx", (2,), pages("a.tif", 2), "2.6: whatever n")
    s["pages with times"] = one("zyx", (4,), pages("a.tif", 4), "2.6: DateTime decides nothing", files={"a.tif": dated})
    s["pages of RGB"] = one("czyx", (1, 3), pages("a.tif", 3), "2.6: samples are c", files={"a.tif": colored},
                            samples=3, dtype="u1")
    s["big-endian BigTIFF"] = one("zyx", (3,), pages("a.tif", 3), "2.6", files={
        "a.tif": file_of(SIZE, SIZE, SIZE, byteorder=">", bigtiff=True)})
    s["a loop"] = one("zyx", (3,), pages("a.tif", 3), "2.6: loops are cut", files={"a.tif": with_loop})
    s["a page without rows"] = one("zyx", (2,), ["a.tif#0", "a.tif#2"], "2.6: left out", files={"a.tif": with_zero_page})
    s["an odd page behind"] = one("zyx", (3,), pages("a.tif", 3), "2.6: the one group is the image",
                                  files={"a.tif": file_of(SIZE, SIZE, SIZE, ODD)})
    s["an odd page between"] = one("zyx", (3,), ["a.tif#0", "a.tif#2", "a.tif#3"], "2.6: nothing shifts",
                                   files={"a.tif": file_of(SIZE, ODD, SIZE, SIZE)})
    # numbered
    s["t of z"] = one("tzyx", (3, 4), each(numbers("a_t{}.tif", range(3)), 4), "2.6: labelled t")
    s["z of c"] = one("czyx", (2, 3), [f"a_z{z}.tif#{c}" for c in range(2) for z in range(3)],
                      "2.6: labelled z, n <= 4")
    s["c of z"] = one("czyx", (2, 5), each(numbers("a_ch{}.tif", range(2)), 5), "2.6: labelled c")
    s["t, c of z"] = one("tczyx", (2, 2, 3), each(numbers("a_t{}_c{}.tif", range(2), range(2)), 3), "2.6")
    s["positions of z"] = Set({f"a_pos{p}": ("zyx", (3,), pages(f"a_pos{p}.tif", 3)) for p in range(3)},
                              "2.6: i, each file an image")
    s["unlabelled of z"] = one("tzyx", (3, 4), each(numbers("a_{}.tif", range(3)), 4), "2.6: t x z")
    s["unequal pages"] = Set({f"a_{n}": ("zyx", (2 + n,), pages(f"a_{n}.tif", 2 + n)) for n in range(3)},
                             "2.6: page counts differ, each file an image")
    s["cut in parts"] = one("zyx", (8,), [*each(["a_1.tif", "a_2.tif"], 3), *pages("a_3.tif", 2)],
                            "2.6: smaller last one, each above 1.9 GiB: z continues", files={
                                f"a_{n}.tif": lambda path, k: long_part(path, k, 3) for n in (1, 2)} | {"a_3.tif": 2})
    return s


def _pyramids():
    s = {}
    s["overviews of a COG"] = one("yx", (), ["a.tif"], "2.15: by tag", files={
        "a.tif": file_of(SIZE, (HALF, REDUCED), ((3, 4), REDUCED))})
    s["overviews by size"] = one("yx", (), ["a.tif"], "2.15: B's size divided by 2 and 4", size=(64, 96), files={
        "a.tif": file_of((64, 96), (32, 48), (16, 24))})
    s["overviews by size, largest last"] = one(
        "yx", (), ["a.tif#2"], "2.15: B is the largest page", size=(64, 96),
        files={"a.tif": file_of((16, 24), (32, 48), (64, 96))})
    s["overviews in sub-IFDs"] = one("zyx", (3,), pages("a.tif", 3), "2.15: 330", files={"a.tif": below})
    s["thumbnails after each page"] = one(
        "zyx", (3,), ["a.tif#0", "a.tif#2", "a.tif#4"], "2.6: NewSubfileType 1 goes",
        files={"a.tif": file_of(*[SIZE, (HALF, REDUCED)] * 3)})
    s["only reduced pages"] = one("zyx", (3,), pages("a.tif", 3), "2.6: unless that would leave none",
                                  files={"a.tif": file_of(*[(SIZE, REDUCED)] * 3)})
    s["a mask"] = one("yx", (), ["a.tif"], "2.15: bit 2", files={"a.tif": file_of(SIZE, (SIZE, MASK))})
    s["masks of each page"] = one("zyx", (2,), ["a.tif#0", "a.tif#2"], "2.15: bit 2",
                                  files={"a.tif": file_of(SIZE, (SIZE, MASK), SIZE, (SIZE, MASK))})
    s["two focal planes with overviews"] = one(
        "zyx", (2,), ["a.tif#0", "a.tif#2"], "2.15: equal pages with overviews", size=(64, 96),
        files={"a.tif": file_of((64, 96), (32, 48), (64, 96), (32, 48))})
    s["numbered pyramids"] = one("zyx", (3,), numbers("a_{}.tif", range(3)), "2.15: overviews are no planes", files={
        f"a_{n}.tif": file_of(SIZE, (HALF, REDUCED)) for n in range(3)})
    s["two unlike pages"] = Set({"a_0": ("yx", (), ["a.tif#0"]), "a_1": ("yx", (), ["a.tif#1"])},
                               "2.6: each page an image", sizes={1: ODD})
    return s


PAGED = {**_pages(), **_pyramids()}
