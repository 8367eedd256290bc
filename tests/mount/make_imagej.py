"""Sets of files whose first description says what the pages are: ImageJ's hyperstacks and tifffile's shapes. Rules
2.7 and 2.14."""

import json
import struct
from itertools import permutations

import numpy as np
from make_planes import DAMAGED, SIZE, Page, Set, numbers, one, pages, plane, write_pages

VERSION = "ImageJ=1.53t\n"


def hyperstack(images=0, version=VERSION, **keys):
    """The text of an ImageJ file; keys in the order in which ImageJ writes them."""
    lines = [f"images={images}"] if images else []
    order = ["channels", "slices", "frames", "hyperstack"]
    lines += [f"{k}={keys[k]}" for k in [*order, *sorted(set(keys) - set(order))] if k in keys]
    return version + "".join(f"{line}\n" for line in lines)


def described(description, n, behind=0, samples=0, deflate=False, **how):
    """n pages, the first with this description (or each with one of a list); `behind` more planes stand behind the
    first page's pixels, and are pages n.. by their pixels."""

    def write(path, number):
        texts = description if isinstance(description, list) else [description] + [""] * (n - 1)
        kind = {"dtype": "u1", "samples": samples} if samples else {}
        rest = tuple(plane(number, n + k, **kind) for k in range(behind))
        made = [Page(plane(number, k, **kind), texts[k], behind=rest if k == 0 else (), deflate=deflate)
                for k in range(n)]
        write_pages(path, made, **how)

    return write


def directory_first(path, description, planes, byteorder=">", present=None):
    """As ImageJ writes a stack: one directory at offset 8, then its description, then the pixels of all planes.
    planes: how many are claimed, or pixels. present: {plane: pixels} of a file that is a hole elsewhere."""
    pixels = planes if isinstance(planes, list) else None
    first = pixels[0] if pixels else present[0]
    text = description.encode() + b"\0"
    tags = [(254, 4, 1, 0), (256, 4, 1, first.shape[1]), (257, 4, 1, first.shape[0]), (258, 3, 1, first.itemsize * 8),
            (259, 3, 1, 1), (262, 3, 1, 1), (270, 2, len(text), None), (273, 4, 1, None), (277, 3, 1, 1),
            (278, 3, 1, first.shape[0]), (279, 4, 1, first.nbytes)]
    behind = 8 + 2 + 12 * len(tags) + 4
    where = {270: behind, 273: behind + len(text)}
    out = (b"II" if byteorder == "<" else b"MM") + struct.pack(byteorder + "HIH", 42, 8, len(tags))
    for tag, kind, count, value in tags:
        value = where.get(tag, value)
        # SHORTs are left-justified in their four bytes.
        out += struct.pack(byteorder + "HHI", tag, kind, count)
        out += struct.pack(byteorder + ("HH" if kind == 3 else "I"), *((value, 0) if kind == 3 else (value,)))
    out += bytes(4) + text
    with open(path, "wb") as f:
        f.write(out)
        for k, p in enumerate(pixels) if pixels else present.items():
            f.seek(where[273] + k * first.nbytes)
            f.write(p.astype(p.dtype.newbyteorder(byteorder)).tobytes())
        if not pixels:
            f.truncate(where[273] + planes * first.nbytes)


def contiguous(c, z, t, byteorder):
    """c, z, t planes behind one directory, as ImageJ does it."""

    def write(path, number):
        n = c * z * t
        text = hyperstack(n, channels=c, slices=z, frames=t, hyperstack="true")
        directory_first(path, text, [plane(number, k) for k in range(n)], byteorder)

    return write


def cut_short(path, number):
    """The last bytes of the fifth of six planes, and the sixth, are missing."""
    directory_first(path, hyperstack(6, slices=6), [plane(number, k) for k in range(6)])
    path.write_bytes(path.read_bytes()[: -plane(0).nbytes - 6])


def czt(name, c, z, t):
    """Pages in ImageJ's order, c fastest, then z, then t, as t, c, z asks for them."""
    return [f"{name}#{i + c * (j + z * k)}" for k in range(t) for i in range(c) for j in range(z)]


def _imagej():
    s = {}

    def add(name, text, axes, sizes, planes, why, n, **how):
        samples = how.get("samples", 0)
        s[name] = one(axes, sizes, planes, why, files={"a.tif": described(text, n, **how)}, samples=samples,
                      dtype="u1" if samples else "u2")

    for mark, end in (("little", "<"), ("big", ">")):
        text = hyperstack(24, channels=2, slices=3, frames=4, hyperstack="true")
        add(f"hyperstack, {mark}-endian", text, "tczyx", (4, 2, 3), czt("a.tif", 2, 3, 4), "2.7: c, then z, then t", 24,
            byteorder=end)
        s[f"one directory, {mark}-endian"] = one("tczyx", (4, 2, 3), czt("a.tif", 2, 3, 4), "2.7: planes behind it",
                                                 files={"a.tif": contiguous(2, 3, 4, end)})
        add(f"one directory and a few more, {mark}-endian", text, "tczyx", (4, 2, 3),
            ["a.tif#0" if p == "a.tif#0" else f"a.tif#{int(p[6:]) + 2}" for p in czt("a.tif", 2, 3, 4)],
            "2.7: P < N, the others lie behind the first", 3, behind=23, byteorder=end)
    add("slices", hyperstack(5, slices=5), "zyx", (5,), pages("a.tif", 5), "2.7", 5)
    add("frames", hyperstack(5, frames=5), "tyx", (5,), pages("a.tif", 5), "2.7", 5)
    add("channels", hyperstack(3, channels=3), "cyx", (3,), pages("a.tif", 3), "2.7", 3)
    add("channels and slices", hyperstack(6, channels=2, slices=3), "czyx", (2, 3), czt("a.tif", 2, 3, 1), "2.7", 6)
    add("channels and frames", hyperstack(6, channels=2, frames=3), "tcyx", (3, 2), czt("a.tif", 2, 1, 3), "2.7", 6)
    add("slices and frames", hyperstack(6, slices=2, frames=3), "tzyx", (3, 2), czt("a.tif", 1, 2, 3), "2.7", 6)
    add("no images", hyperstack(0, channels=2, slices=3), "czyx", (2, 3), czt("a.tif", 2, 3, 1), "2.7: N == P", 6)
    add("SCIFIO", hyperstack(6, "SCIFIO=0.29.0\n", channels=2, slices=3), "czyx", (2, 3), czt("a.tif", 2, 3, 1),
        "2.7: the same keys", 6)
    add("slices in time", hyperstack(4, slices=4, finterval=0.5), "zyx", (4,), pages("a.tif", 4),
        "2.7: z, with a note", 4)
    add("of all pages only some", hyperstack(4, slices=4), "zyx", (6,), pages("a.tif", 6), "2.7.4: z = P", 6)
    add("sizes that do not fit", hyperstack(6, channels=2, slices=2), "zyx", (6,), pages("a.tif", 6), "2.7.3: z = n", 6)
    add("more claimed, compressed", hyperstack(9, slices=9), "zyx", (4,), pages("a.tif", 4), "2.7.4: z = P", 4,
        deflate=True)
    add("cut between pages, compressed", hyperstack(6, channels=2, slices=3), "czyx", (2, 3),
        ["a.tif#0", "a.tif#2", DAMAGED, "a.tif#1", "a.tif#3", DAMAGED], "2.7: behind the end is damaged", 6,
        deflate=True, cut=4)
    s["a file cut short"] = one("zyx", (6,), [*pages("a.tif", 4), DAMAGED, DAMAGED],
                                "2.7: behind the end is damaged", files={"a.tif": cut_short})
    add("RGB slices", hyperstack(4, slices=4), "czyx", (1, 4), pages("a.tif", 4), "2.7: S = 3 and slices", 4, samples=3)
    add("RGB as channels", hyperstack(4, channels=3, slices=4), "czyx", (1, 4), pages("a.tif", 4),
        "2.7.1: the samples are the channels", 4, samples=3)
    add("RGB, one directory", hyperstack(4, slices=4), "czyx", (1, 4), pages("a.tif", 4), "2.7", 1, behind=3, samples=3)
    for order in map("".join, permutations("czt")):
        # letters from fastest to slowest
        size, step, at = {"c": 2, "z": 3, "t": 4}, {}, 1
        for letter in order:
            step[letter] = at
            at *= size[letter]
        planes = [f"a.tif#{i * step['c'] + j * step['z'] + k * step['t']}"
                  for k in range(4) for i in range(2) for j in range(3)]
        add(f"order={order}", hyperstack(24, channels=2, slices=3, frames=4, order=order), "tczyx", (4, 2, 3), planes,
            "2.7: order, fastest first", 24)
    three = numbers("a_{}.tif", range(3))
    files = {name: described(hyperstack(4, slices=4), 4) for name in three}
    s["numbered ImageJ stacks"] = one("tzyx", (3, 4), [p for name in three for p in pages(name, 4)],
                                      "2.6, last row: z is taken, so t", files=files)
    files = {name: described(hyperstack(2, channels=2), 2) for name in three}
    s["numbered ImageJ channels"] = one("czyx", (2, 3), [f"{name}#{c}" for c in range(2) for name in three],
                                        "2.6, last row: unlabelled is z", files=files)
    timed = numbers("a_t{}.tif", range(3))
    files = {name: described(hyperstack(6, channels=2, slices=3), 6) for name in timed}
    s["ImageJ by times"] = one("tczyx", (3, 2, 3), [p for name in timed for p in czt(name, 2, 3, 1)],
                               "2.6, last row: labelled t", files=files)
    files = {name: described(hyperstack(3, frames=3), 3) for name in timed}
    s["ImageJ of the numbers' axis"] = Set({f"a_t{n}": ("tyx", (3,), pages(f"a_t{n}.tif", 3)) for n in range(3)},
                                           "2.1: the file is right, the number becomes i", files=files)
    return s


LONG = {0: plane(0, 0, (2048, 2048)), 511: plane(0, 511, (2048, 2048)), 512: plane(0, 512, (2048, 2048)),
        549: plane(0, 549, (2048, 2048))}


def past_4_gib(path):
    """550 planes of 8 MiB behind one directory, of which those in LONG are not zero; c = 2, z = 55, t = 5."""
    directory_first(path, hyperstack(550, channels=2, slices=55, frames=5, hyperstack="true"), 550, present=LONG)


def shape(*sizes, **more):
    return json.dumps({"shape": [*sizes, *SIZE], **more})


def _shaped():
    s = {}

    def add(name, text, axes, sizes, planes, why, n, **more):
        s[name] = one(axes, sizes, planes, why, files={"a.tif": described(text, n, **more)})

    add("shaped, axes named", shape(2, 3, axes="TZYX"), "tzyx", (2, 3), pages("a.tif", 6), "2.14", 6)
    add("shaped, axes in another order", shape(2, 3, axes="ZCYX"), "czyx", (3, 2),
        [f"a.tif#{z * 3 + c}" for c in range(3) for z in range(2)], "2.14: into t,c,z", 6)
    add("shaped, one unknown axis", shape(4), "zyx", (4,), pages("a.tif", 4), "2.14: z", 4)
    add("shaped, older", f"shape=(4, {SIZE[0]}, {SIZE[1]})", "zyx", (4,), pages("a.tif", 4), "2.14: older text", 4)
    add("shaped, a letter that is unknown", shape(4, axes="QYX"), "zyx", (4,), pages("a.tif", 4),
        "2.14: Q is unknown", 4)
    add("shaped, one directory", shape(2, 3, axes="CZYX"), "czyx", (2, 3), pages("a.tif", 6), "2.14: contiguous", 1,
        behind=5)
    add("shaped, one directory, big-endian", shape(5, axes="TYX"), "tyx", (5,), pages("a.tif", 5), "2.14", 1, behind=4,
        byteorder=">")
    add("shaped, another number of pages", shape(7, axes="TYX"), "zyx", (4,), pages("a.tif", 4), "2.14: ignored", 4)
    add("shaped, cut between pages", shape(2, 3, axes="TZYX"), "tzyx", (2, 3),
        [*pages("a.tif", 4), DAMAGED, DAMAGED], "2.14: behind the end is damaged", 6, deflate=True, cut=4)
    s["shaped, two series"] = Set(
        {"a_0": ("tyx", (2,), pages("a.tif", 2)), "a_1": ("zyx", (3,), [f"a.tif#{k}" for k in (2, 3, 4)])},
        "2.14: a description on a later page starts an image",
        files={"a.tif": described([shape(2, axes="TYX"), "", shape(3, axes="ZYX"), "", ""], 5)})
    return s


IMAGEJ, SHAPED = _imagej(), _shaped()
