"""Sets of TIFFs whose planes each tell by their pixels which file and which page they are, so that a plane in
the wrong place is seen. What a set is to become stands beside it as `Set`; written byte by byte, without tifffile.

usage: make_planes.py FOLDER     every set of `NUMBERED` and `PAGED` in a folder of its own, to look at
"""

import struct
import sys
import zlib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

ASCII, SHORT, LONG, RATIONAL, LONG8 = 2, 3, 4, 5, 16
LETTERS = {1: "B", ASCII: "B", SHORT: "H", LONG: "I", RATIONAL: "I", 7: "B", 12: "d", LONG8: "Q"}
REDUCED, MASK = 1, 4
SIZE = (10, 14)
DAMAGED = "damaged"


def plane(file, page=0, size=SIZE, dtype="u2", samples=0):
    """The pixels of a page: its numbers in the first row, and behind them what no other page has."""
    rows, columns = np.indices(size)
    seed = zlib.crc32(f"{file},{page},{size}".encode())
    out = (rows * 131 + columns * 17 + seed) % (251 if np.dtype(dtype).itemsize == 1 else 65521)
    out[0, :3] = (7, file, page) if size[1] >= 3 else 0
    if samples:
        out = np.stack([out + s for s in range(samples)], axis=-1)
    return out.astype(dtype)


def place_of(pixels):
    """For messages: which page these pixels are."""
    if isinstance(pixels, str):
        return pixels
    if not np.asarray(pixels).any():
        return "zeros"
    return f"file {pixels[0, 1]}, page {pixels[0, 2]}" if pixels[0, 0] == 7 else "no plane of the set"


# --- files


@dataclass(frozen=True)
class Page:
    """behind: planes whose pixels follow those of this page without directories of their own. tags: (tag, kind,
    values). below: pages of its sub-IFDs. offset: what the directory tells instead of where its strip lies."""

    pixels: np.ndarray
    description: str | bytes = ""
    kind: int = 0
    tags: tuple = ()
    below: tuple = ()
    behind: tuple = ()
    deflate: bool = False
    photometric: int = -1


def write_pages(path, pages, byteorder="<", bigtiff=False, cut=0):
    """Returns the offsets of the directories of the main chain. cut: the file ends before that page's one; 0: whole."""
    out = bytearray(b"II" if byteorder == "<" else b"MM")
    out += struct.pack(byteorder + ("HHHQ" if bigtiff else "HI"), *((43, 8, 0, 0) if bigtiff else (42, 0)))
    link, found = 8 if bigtiff else 4, []
    for page in pages:
        at, next_link = _store(out, page, byteorder, bigtiff)
        struct.pack_into(byteorder + ("Q" if bigtiff else "I"), out, link, at)
        link = next_link
        found.append(at)
    Path(path).write_bytes(out[: found[cut]] if cut else out)
    return found


def _store(out, page, byteorder, bigtiff):
    below = []
    for child in page.below:
        below.append(_store(out, child, byteorder, bigtiff)[0])
    stored = [_bytes(p, byteorder, page.deflate) for p in (page.pixels, *page.behind)]
    out += bytes(-len(out) % 8)
    offset = len(out)
    out += b"".join(stored)
    out += bytes(-len(out) % 8)
    return _store_directory(out, sorted(_tags(page, offset, len(stored[0]), below)), byteorder, bigtiff)


def _bytes(pixels, byteorder, deflate):
    data = np.ascontiguousarray(pixels, dtype=pixels.dtype.newbyteorder(byteorder)).tobytes()
    return zlib.compress(data) if deflate else data


def _tags(page, offset, count, below):
    pixels = page.pixels if page.pixels.ndim == 3 else page.pixels[:, :, None]
    height, width, samples = pixels.shape
    photometric = page.photometric if page.photometric >= 0 else 2 if samples == 3 else 1
    tags = [
        (256, LONG, [width]), (257, LONG, [height]), (258, SHORT, [pixels.itemsize * 8] * samples),
        (259, SHORT, [8 if page.deflate else 1]), (262, SHORT, [photometric]), (273, LONG, [offset]),
        (277, SHORT, [samples]), (278, LONG, [height]), (279, LONG, [count]),
        (339, SHORT, [{"u": 1, "i": 2, "f": 3}[pixels.dtype.kind]] * samples), *page.tags,
    ]
    if page.description:
        text = page.description
        tags.append((270, ASCII, (text.encode() if isinstance(text, str) else text) + b"\0"))
    if page.kind:
        tags.append((254, LONG, [page.kind]))
    if below:
        tags.append((330, LONG, below))
    if samples > 1 and photometric == 1:
        tags.append((338, SHORT, [0] * (samples - 1)))
    return tags


def _store_directory(out, tags, end, bigtiff):
    """-> where it lies, and where the offset of the next one goes."""
    at, word = len(out), "Q" if bigtiff else "I"
    inline = struct.calcsize("<" + word)
    head = struct.pack(end + ("Q" if bigtiff else "H"), len(tags))
    link = at + len(head) + (20 if bigtiff else 12) * len(tags)
    entries, values = b"", b""
    for tag, kind, value in tags:
        data = struct.pack(f"{end}{len(value)}{LETTERS[kind]}", *value)
        count = len(value) // (2 if kind == RATIONAL else 1)
        if len(data) > inline:
            values += bytes(-len(values) % 8)
            where = struct.pack(end + word, link + inline + len(values))
            values += data
        else:
            where = data.ljust(inline, b"\0")
        entries += struct.pack(end + "HH" + word, tag, kind, count) + where
    out += head + entries + bytes(inline) + values
    return at, link


# --- sets


@dataclass(frozen=True)
class Set:
    """images: {id: (axes, sizes of the outer axes, c without samples, planes in C order)}; a plane is "NAME" or
    "NAME#PAGE", None for a gap, DAMAGED. Every file that is named there is written with pages 0 to the last one that is
    named, unless `files` says otherwise: {name: number of pages, bytes, or write(path, number of the file)}. The number
    of a file is its rank by name. source: of several files that one, "" for their folder. sizes: {page: its size} of
    those that differ."""

    images: dict
    why: str
    files: dict = field(default_factory=dict)
    options: tuple = ()
    source: str = ""
    size: tuple = SIZE
    sizes: dict = field(default_factory=dict)
    dtype: str = "u2"
    samples: int = 0

    def names(self):
        """{name: number of pages that the images need}"""
        need = {name: 0 for name in self.files}
        for _, _, planes in self.images.values():
            for one in planes:
                if one not in (None, DAMAGED):
                    name, page = split(one)
                    need[name] = max(need.get(name, 0), page + 1)
        return dict(sorted(need.items()))

    def write(self, folder):
        """-> SOURCE"""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        for number, (name, pages) in enumerate(self.names().items()):
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            what = self.files.get(name, pages)
            if isinstance(what, bytes):
                path.write_bytes(what)
            elif callable(what):
                what(path, number)
            else:
                write_pages(path, [Page(self.plane(number, k)) for k in range(what)])
        return folder / self.source if self.source else folder

    def plane(self, number, page):
        return plane(number, page, self.sizes.get(page, self.size), self.dtype, self.samples)

    def wanted(self, image):
        """[pixels, with samples first, or DAMAGED] in C order of the outer axes without the samples'."""
        numbers = {name: k for k, name in enumerate(self.names())}
        found = []
        for one in self.images[image][2]:
            if one == DAMAGED:
                found.append(one)
                continue
            pixels = self.plane(0, 0) * 0 if one is None else self.plane(numbers[split(one)[0]], split(one)[1])
            found.append(np.moveaxis(pixels, -1, 0) if self.samples else pixels)
        return found


def split(one):
    """"a.tif#3" -> ("a.tif", 3)"""
    name, _, page = one.partition("#")
    return name, int(page or 0)


def one(axes, sizes, planes, why, **more):
    """A set of one image, which has the folder's name (a file's stem)."""
    stem = more.get("source", "").split(".")[0] or "src"
    return Set({stem: (axes, sizes, list(planes))}, why, **more)


def numbers(pattern, *values):
    """pattern.format of all combinations, the last varying fastest."""
    out = [()]
    for axis in values:
        out = [(*head, v) for head in out for v in axis]
    return [pattern.format(*v) for v in out]


def pages(name, n):
    return [f"{name}#{k}" for k in range(n)]


def each(names, n):
    """n pages of each of the names."""
    return [f"{name}#{k}" for name in names for k in range(n)]


def _numbered():
    """Rules 2.1 to 2.4: one page a file, the names tell."""
    s = {}
    s["by value"] = one("zyx", (11,), numbers("a_{}.tif", range(1, 12)), "2.3.9: by value, not by text")
    s["starts at 2700"] = one("zyx", (16,), numbers("iso_{}.tif", range(2700, 2716)), "2.3.9: the start is no index")
    s["every ninth"] = one("zyx", (30,), numbers("image_{:04}.tif", range(0, 262, 9)), "2.3.9: a step is no gap")
    ten = numbers("s_{:02}.tif", range(1, 12))
    s["one gap of eleven"] = one("zyx", (11,), [None if n == 4 else x for n, x in enumerate(ten)],
                                 "2.3.9: up to a tenth is filled, nothing shifts")
    step = numbers("s_{:03}.tif", range(0, 120, 10))
    s["step with a gap"] = one("zyx", (12,), [None if n == 5 else x for n, x in enumerate(step)],
                               "2.3.9: one in twelve steps of 10")
    s["closed"] = one("zyx", (4,), ["s_1.tif", "s_2.tif", "s_4.tif", "s_10.tif"], "--gaps close: index = rank",
                      options=("--gaps", "close"))
    s["filled"] = one("zyx", (10,), ["s_1.tif", "s_2.tif", None, "s_4.tif", *[None] * 5, "s_10.tif"],
                      "--gaps fill: however many", options=("--gaps", "fill"))
    s["mixed padding"] = one("zyx", (12,), [f"p_{n}.tif" if n % 2 else f"p_{n:03}.tif" for n in range(1, 13)],
                             "2.3.12: padding plays no part")
    s["mixed suffixes"] = one("zyx", (4,), ["a_1.TIF", "a_2.tiff", "a_3.tif", "a_4.btf"], "2.2: one class")
    s["c and z"] = one("czyx", (2, 3), numbers("im_ch{:02}_z{:03}.TIF", range(2), range(3)), "2.3.5")
    s["z before c in the name"] = one(
        "czyx", (2, 3), [f"Series014_z{z:03}_ch{c:02}.tif" for c in range(2) for z in range(3)], "2.3.5, Leica")
    s["t, c, z"] = one("tczyx", (3, 2, 4), numbers("e_t{:02}_c{}_z{:03}.tif", range(1, 4), range(2), range(5, 9)),
                       "2.3.5, starts differ")
    s["z, t by capitals"] = one("tzyx", (2, 3), [f"ScanZ{z:03}T{t:02}.tif" for t in range(2) for z in range(3)],
                                "2.3.5: ScanZ -> z")
    s["channels far apart"] = one("cyx", (3,), ["w_c5.tif", "w_c90.tif", "w_c400.tif"], "2.3.9: c is a rank")
    s["33 channels"] = one("zyx", (33,), numbers("c_{:03}.tif", range(33)), "2.3.5: more than 32 are unlabelled")
    s["lone frame"] = one("zyx", (5,), numbers("frame_{:03}.tif", range(5)), "design 4: a lone frame is z")
    s["times"] = one("tyx", (4,), numbers("t{:03}.tif", range(4)), "2.3.5")
    s["two numbers of one axis"] = one("zyx", (4,), [f"slice{z:03}_z{z * 5}.tif" for z in range(4)],
                                       "2.3.7: a function of each other")
    s["time stamps"] = one("zyx", (4,), [f"z{z:03}_20230914_{120000 + 7 * z * z}.tif" for z in range(4)],
                           "2.3.8: the label tells all apart, the rest is decoration")
    s["number and time stamp"] = one("zyx", (4,), [f"{z:03}_20230914_{12000 + 21 * z}.tif" for z in range(4)],
                                     "2.3.8: the smaller step")
    s["two series"] = Set({name: ("zyx", (3,), numbers(name + "_{:03}.tif", range(3))) for name in ("DAPI", "GFP")},
                          "2.3.11: two series of three are two images")
    s["positions"] = Set({f"Pos{p}": ("yx", (), [f"Pos{p}.tif"]) for p in range(3)}, "2.3.5: i")
    s["positions of stacks"] = Set(
        {f"im_channel000_position{p:03}": ("tzyx", (2, 3), numbers(
            f"im_channel000_position{p:03}_time{{:09}}_z{{:03}}.tif", range(2), range(3))) for p in range(2)}, "2.3.6")
    s["Micro-Manager 1"] = one(
        "tczyx", (2, 2, 3),
        [f"img_{t:09}_{c}_{z:03}.tif" for t in range(2) for c in ("Cy5_1", "DAPI") for z in range(3)],
        "2.3.1: built-in shape, text channels")
    s["MetaMorph"] = Set({f"exp_s{p}": ("tcyx", (2, 2), [f"exp_w{w}_s{p}_t{t}.tif" for t in (1, 2) for w in (1, 2)])
                          for p in (1, 2)}, "2.3.1: built-in shape")
    s["MetaMorph with names"] = one(
        "tcyx", (3, 2), [f"e_w{w}_t{t}.tif" for t in (1, 2, 3) for w in ("1DAPI", "2GFP")], "2.3.1")
    s["a hole in a grid"] = one(
        "czyx", (2, 8), [None if (c, z) == (1, 3) else f"g_c{c}_z{z}.tif" for c in range(2) for z in range(8)],
        "2.3.9: holes count against the whole grid")
    s["strangers"] = one("zyx", (4,), numbers("a_{}.tif", range(4)), "2.3.11: left out",
                         files={"overview.tif": 1, "b_1.tif": 1, ".a_9.tif": 1, "a_5.tif~": 1, "._a_1.tif": 1,
                                "notes.txt": b"x"})
    s["thumbnails"] = one("zyx", (3,), numbers("a_{}.tif", range(3)), "2.3.11: thumb goes always",
                          files={f"a_{n}_thumb.tif": 1 for n in range(3)})
    s["duplicates"] = one("zyx", (12,), numbers("s_{:02}.tif", range(12)), "2.3.10: the majority's spelling",
                          files={"s_1.tif": 1})
    s["an empty file"] = one("zyx", (5,), ["a_0.tif", "a_1.tif", DAMAGED, "a_3.tif", "a_4.tif"],
                             "2.2: it keeps its place and is damaged", files={"a_2.tif": b""})
    s["no TIFF"] = one("zyx", (5,), ["a_0.tif", DAMAGED, *numbers("a_{}.tif", (2, 3, 4))],
                       "2.2: not a TIFF header", files={"a_1.tif": b"PNG and more of it"})
    s["a dangling link"] = one("zyx", (4,), [*numbers("a_{}.tif", range(3)), DAMAGED], "2.2",
                               files={"a_3.tif": lambda path, n: path.symlink_to("away.tif")})
    s["another size"] = one("zyx", (70,), [DAMAGED if n == 2 else f"a_{n:02}.tif" for n in range(70)],
                            "2.3: a later mismatch is damage", files={"a_02.tif": lambda path, n: write_pages(
                                path, [Page(plane(n, 0, (10, 15)))])})
    s["folders"] = Set({"ch0": ("zyx", (3,), numbers("ch0/{:03}.tif", range(3))),
                        "ch1": ("zyx", (3,), numbers("ch1/{:03}.tif", range(3)))}, "2.4: not guessed across folders")
    s["RGB by numbers"] = one("czyx", (1, 4), numbers("a_{}.tif", range(4)), "2.6: samples are c",
                              samples=3, dtype="u1")
    return s


def _by_pattern():
    """Rule 2.5, each term once."""
    s = {}

    def add(name, pattern, *args, **more):
        s[name] = one(*args, options=("--pattern", pattern, *more.pop("also", ())), **more)

    add("folders are channels", "{c}/{z}.tif", "czyx", (3, 2),
        [f"ch{c}/{z}.tif" for c in (1, 2, 10) for z in range(2)], "{c}: natural order")
    s["folders are images"] = Set({f"{i}": ("tczyx", (2, 2, 2), numbers(
        f"Pos{i}/img_{{}}_{{}}_{{}}.tif", range(2), range(2), range(2))) for i in range(2)},
        "{i}: one image each, its text the id", options=("--pattern", "Pos{i}/img_{t}_{c}_{z}.tif"))
    add("touching", "s{t:3}{z:3}.tif", "tzyx", (2, 3), numbers("s{:03}{:03}.tif", range(2), range(3)), "{t:3}{z:3}")
    add("decimals", "z_{z:f}um.tif", "zyx", (4,), ["z_-1.5um.tif", "z_-0.25um.tif", "z_+0.5um.tif", "z_10um.tif"],
        "{z:f}: by value, index = rank")
    add("any text", "run_{t:*}.tif", "tyx", (3,),
        ["run_2023-09-14 22h.tif", "run_2023-09-15 1h.tif", "run_2023-09-15 10h.tif"], "{t:*}: natural order")
    add("ignored", "a_{z}_{}.tif", "zyx", (3,), ["a_0_x.tif", "a_1_yy.tif", "a_2_17.tif"], "{}: any text")
    add("braces", "a{{{z}}}.tif", "zyx", (3,), ["a{0}.tif", "a{1}.tif", "a{2}.tif"], "{{ and }}")
    add("gap by pattern", "v{z}.tif", "zyx", (4,), ["v1.tif", "v2.tif", None, "v4.tif"], "gaps as in 2.3.9",
        also=("--gaps", "fill"))
    add("pages z, c", "f.tif#{z,c=2}", "czyx", (2, 3), [f"f.tif#{z * 2 + c}" for c in range(2) for z in range(3)],
        "#{z,c=2}: page = z*2 + c")
    add("pages t, z of numbered files", "f_{c}.tif#{t,z=3}", "tczyx", (2, 2, 3),
        [f"f_{c}.tif#{t * 3 + z}" for t in range(2) for c in range(2) for z in range(3)], "c by the path")
    add("pages continue z", "f_{z}.tif", "zyx", (8,), [*each(["f_1.tif", "f_2.tif"], 3), *pages("f_3.tif", 2)],
        "index = rank * pages + page; the last may be shorter")
    add("left out", "a_{z}.tif", "zyx", (3,), numbers("a_{}.tif", range(3)), "what does not match is left out",
        files={"b_0.tif": 1, "b_1.tif": 1, "b_2.tif": 1, "b_3.tif": 1})
    s["time or channel"] = one("tyx", (3,), numbers("Channel_{}.tif", range(3)), "the user decides",
                               options=("--pattern", "Channel_{t}.tif"))
    return s


NUMBERED = {**_numbered(), **_by_pattern()}


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    from make_pages import PAGED

    for set_name, each_set in {**NUMBERED, **PAGED}.items():
        each_set.write(Path(sys.argv[1]) / set_name)
