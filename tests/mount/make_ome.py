"""Sets of OME-TIFFs: XML written as text, so that what no library writes can be tried. Rule 2.8."""

import re
from itertools import product

from make_planes import DAMAGED, REDUCED, SIZE, Page, Set, numbers, one, pages, plane, write_pages

# Which plane of its Image lies at z, c, t: the axis named first varies fastest.
INDEX = {
    "XYZCT": lambda z, c, t, Z, C, T: z + Z * (c + C * t),
    "XYZTC": lambda z, c, t, Z, C, T: z + Z * (t + T * c),
    "XYCZT": lambda z, c, t, Z, C, T: c + C * (z + Z * t),
    "XYCTZ": lambda z, c, t, Z, C, T: c + C * (t + T * z),
    "XYTZC": lambda z, c, t, Z, C, T: t + T * (z + Z * c),
    "XYTCZ": lambda z, c, t, Z, C, T: t + T * (c + C * z),
}
NAMESPACE = "http://www.openmicroscopy.org/Schemas/OME/2016-06"
GENERIC = "http://www.openmicroscopy.org/Schemas/"


def ordered(name, order, z, c, t, first=0):
    """The pages of one file, from `first` on, as t, c, z asks for them."""
    return [f"{name}#{first + INDEX[order](k, j, i, z, c, t)}"
            for i, j, k in product(range(t), range(c), range(z))]


def tiff_data(*, uuid="", file="", **attributes):
    inner = ""
    if uuid or file:
        name = f' FileName="{file}"' if file else ""
        inner = f"<UUID{name}>{uuid and 'urn:uuid:' + uuid}</UUID>"
    words = "".join(f' {k}="{v}"' for k, v in attributes.items())
    return f"<TiffData{words}>{inner}</TiffData>"


def image(z=1, c=1, t=1, order="XYZCT", data=("<TiffData/>",), channels=None, number=0, size=SIZE, more=""):
    """channels: samples of each; None: one channel for each c."""
    made = [1] * c if channels is None else channels
    made = "".join(f'<Channel ID="Channel:{number}:{k}" SamplesPerPixel="{n}"/>' for k, n in enumerate(made))
    return (f'<Image ID="Image:{number}" Name="img {number}"><Pixels ID="Pixels:{number}" DimensionOrder="{order}" '
            f'Type="uint16" SizeX="{size[1]}" SizeY="{size[0]}" SizeZ="{z}" SizeC="{c}" SizeT="{t}"{more}>'
            f'{made}{"".join(data)}</Pixels></Image>')


def ome(*images, uuid="", space=NAMESPACE, head='<?xml version="1.0" encoding="UTF-8"?>'):
    own = f' UUID="urn:uuid:{uuid}"' if uuid else ""
    return f'{head}<OME xmlns="{space}"{own}>{"".join(images)}</OME>'


def binary_only(companion, uuid=""):
    return ome(f'<BinaryOnly MetadataFile="{companion}" UUID="urn:uuid:companion"/>', uuid=uuid)


def tiff(xml, n=1, samples=0, flags=None, odd=None, below=False, **how):
    """write(path, number) of n pages, the first with the XML. flags, odd (sizes): {page: ..} of those that differ."""

    def write(path, number):
        made = []
        for k in range(n):
            kind = {"dtype": "u1", "samples": samples} if samples else {}
            small = (Page(plane(number, 90 + k, (5, 7)), kind=REDUCED),) if below else ()
            made.append(Page(plane(number, k, (odd or {}).get(k, SIZE), **kind), xml if k == 0 else "", below=small,
                             kind=(flags or {}).get(k, 0)))
        write_pages(path, made, **how)

    return write


def _one_file():
    s = {}

    def add(name, axes, sizes, planes, why, xml, n, **how):
        s[name] = one(axes, sizes, planes, why, files={"a.ome.tif": tiff(xml, n, **how)},
                      samples=how.get("samples", 0), dtype="u1" if how.get("samples") else "u2")

    for order, (mark, end) in product(INDEX, (("little", "<"), ("big", ">"))):
        add(f"{order}, {mark}-endian", "tczyx", (4, 2, 3), ordered("a.ome.tif", order, 3, 2, 4), "2.8: the table",
            ome(image(3, 2, 4, order)), 24, byteorder=end)
    add("one axis", "tyx", (5,), pages("a.ome.tif", 5), "2.8: sizes above 1", ome(image(t=5)), 5)
    add("no TiffData", "czyx", (2, 3), ordered("a.ome.tif", "XYCZT", 3, 2, 1), "2.8: IFDs in order",
        ome(image(3, 2, 1, "XYCZT", data=())), 6)
    mixed = [tiff_data(FirstZ=z, FirstC=c, IFD=(5 * (z * 2 + c) + 2) % 6) for z in range(3) for c in range(2)]
    add("IFDs in any order", "czyx", (2, 3), [f"a.ome.tif#{(5 * (z * 2 + c) + 2) % 6}" for c in range(2)
                                               for z in range(3)],
        "2.8: plane[FirstZ, FirstC, FirstT] = IFD", ome(image(3, 2, data=mixed)), 6)
    add("blocks", "tzyx", (2, 3), [*[f"a.ome.tif#{k}" for k in (3, 4, 5)], *pages("a.ome.tif", 3)],
        "2.8: PlaneCount", ome(image(3, 1, 2, data=[tiff_data(FirstT=1, IFD=0, PlaneCount=3),
                                                     tiff_data(FirstT=0, IFD=3, PlaneCount=3)])), 6)
    add("NumPlanes", "zyx", (4,), pages("a.ome.tif", 4), "2.8: older schemas",
        ome(image(4, data=[tiff_data(IFD=0, NumPlanes=4)]), space=GENERIC + "OME/2007-06"), 4)
    add("a gap", "zyx", (4,), ["a.ome.tif#0", None, "a.ome.tif#1", "a.ome.tif#2"], "2.8: planes without TiffData",
        ome(image(4, data=[tiff_data(FirstZ=z, IFD=k) for k, z in enumerate((0, 2, 3))])), 3)
    add("count 0", "zyx", (3,), ["a.ome.tif#0", None, "a.ome.tif#2"], "2.8: none",
        ome(image(3, data=[tiff_data(FirstZ=0, IFD=0), tiff_data(FirstZ=1, IFD=1, PlaneCount=0),
                           tiff_data(FirstZ=2, IFD=2)])), 3)
    add("first z is 1", "zyx", (3,), pages("a.ome.tif", 3), "2.8: never 0 and reaching the size: 1-based",
        ome(image(3, data=[tiff_data(FirstZ=z + 1, IFD=z) for z in range(3)])), 3)
    add("no such IFD", "zyx", (3,), ["a.ome.tif#0", "a.ome.tif#1", DAMAGED], "2.8: damaged",
        ome(image(3, data=[tiff_data(FirstZ=z, IFD=(0, 1, 7)[z]) for z in range(3)])), 2)
    add("times that were not recorded", "tzyx", (2, 3), pages("a.ome.tif", 6), "2.8: trailing times are cut off",
        ome(image(3, 1, 5, data=[tiff_data(FirstT=t, IFD=3 * t, PlaneCount=3) for t in range(2)])), 6)
    claims = {"all pages": ["<TiffData/>"], "a count": [tiff_data(IFD=0, PlaneCount=6)], "no TiffData": []}
    for how, data in claims.items():
        add(f"cut between pages, {how}", "zyx", (6,), [*pages("a.ome.tif", 4), DAMAGED, DAMAGED],
            "2.8: claimed, so damaged", ome(image(6, data=data)), 6, cut=4)
    add("times cut off", "tzyx", (3, 2), [*pages("a.ome.tif", 3), *[DAMAGED] * 3], "2.8: claimed, so damaged",
        ome(image(2, 1, 3)), 6, cut=3)
    add("more pages than planes", "zyx", (3,), pages("a.ome.tif", 3), "2.8: ignored", ome(image(3)), 5)
    add("a page of another size", "zyx", (3,), ["a.ome.tif#0", DAMAGED, "a.ome.tif#2"], "2.8: damaged",
        ome(image(3)), 3,
        odd={1: (6, 9)})
    add("sizes of another image", "zyx", (3,), pages("a.ome.tif", 3), "2.8: the TIFF is right",
        ome(image(3, size=(99, 98))), 3)
    add("reduced pages count", "zyx", (3,), ["a.ome.tif#0", "a.ome.tif#2", "a.ome.tif#3"],
        "2.8: IFDs of the main chain",
        ome(image(3, data=[tiff_data(FirstZ=z, IFD=(0, 2, 3)[z]) for z in range(3)])), 4, flags={1: REDUCED})
    add("overviews in sub-IFDs", "zyx", (3,), pages("a.ome.tif", 3), "2.8: sub-IFDs are overviews", ome(image(3)), 3,
        below=True)
    prefixed = re.sub(r"<(/?)(?=\w)", r"<\1o:", ome(image(3, t=2))).replace("xmlns=", "xmlns:o=")
    add("a namespace's prefix", "tzyx", (2, 3), pages("a.ome.tif", 6), "2.8: prefixes are ignored", prefixed, 6)
    add("renamed", "czyx", (2, 3), pages("a.ome.tif", 6), "2.8: the only file that is named is this one", ome(
        image(3, 2, data=[tiff_data(uuid="u", file="before.ome.tif", FirstC=c, IFD=3 * c, PlaneCount=3)
                          for c in range(2)])), 6)
    add("RGB", "czyx", (1, 4), pages("a.ome.tif", 4), "2.8: one channel of 3 samples", ome(
        image(4, 3, channels=[3])), 4, samples=3)
    add("RGB that claims channels", "czyx", (1, 4), pages("a.ome.tif", 4), "2.8: XML says 1, the TIFF has 3", ome(
        image(4, 3)), 4, samples=3)
    add("two channels of RGB", "czyx", (2, 3), ordered("a.ome.tif", "XYCZT", 3, 2, 1), "2.8: samples within channels",
        ome(image(3, 6, 1, "XYCZT", channels=[3, 3])), 6, samples=3)
    text = ome(image(3, 2))
    wrong = {"not well-formed": text.replace("</Pixels>", ""), "cut": text[: len(text) // 2] + " OME>",
             "no Pixels": ome('<Image ID="Image:0"/>'), "an unknown order": text.replace("XYZCT", "XYZQT"),
             "a DTD": text.replace("?><OME", '?><!DOCTYPE OME [<!ENTITY n "3">]><OME'),
             "an outer entity": text.replace("?><OME", '?><!DOCTYPE OME [<!ENTITY n SYSTEM "/etc/hosts">]><OME')
             .replace('Name="img 0"', 'Name="&n;"'),
             "MetadataOnly": ome(image(3, 2, data=["<MetadataOnly/>"]))}
    for name, xml in wrong.items():
        add(f"wrong XML: {name}", "zyx", (6,), pages("a.ome.tif", 6), "2.8: warning, and on with pages", xml, 6)
    s["several images"] = Set(
        {"a_0": ("zyx", (3,), pages("a.ome.tif", 3)),
         "a_1": ("tcyx", (2, 2), [f"a.ome.tif#{k}" for k in (3, 4, 5, 6)])},
        "2.8: each Image an image", files={"a.ome.tif": tiff(ome(
            image(3, data=[tiff_data(IFD=0, PlaneCount=3)]),
            image(1, 2, 2, data=[tiff_data(IFD=3, PlaneCount=4)], number=1)), 7)})
    s["several images without TiffData"] = Set(
        {"a_0": ("zyx", (3,), pages("a.ome.tif", 3)), "a_1": ("zyx", (2,), ["a.ome.tif#3", "a.ome.tif#4"])},
        "2.8: Images one after another",
        files={"a.ome.tif": tiff(ome(image(3, data=()), image(2, data=(), number=1)), 5)})
    return s


def split_by_time(t, names, z=3, missing=()):
    """{name: write} of files that each hold the z planes of a time, all telling the same."""
    data = [tiff_data(uuid=f"u{k}", file=names[k], FirstT=k, IFD=0, PlaneCount=z) for k in range(t)]
    return {name: tiff(ome(image(z, 1, t, data=data), uuid=f"u{k}"), z) for k, name in enumerate(names)
            if k not in missing}


def _several_files():
    s = {}
    names = [f"x{n}.ome.tif" for n in (7, 3, 9)]  # the XML's order, not that of the names
    planes = [p for name in names for p in pages(name, 3)]
    s["files by time"] = one("tzyx", (3, 3), planes, "2.8: UUIDs with names, whatever the numbers",
                             files=split_by_time(3, names))
    s["a file of the set as source"] = Set({"x3": ("tzyx", (3, 3), planes)}, "2.8: it names the others",
                                           files=split_by_time(3, names), source="x3.ome.tif")
    s["a missing member"] = one("tzyx", (3, 3), [*planes[:6], *[DAMAGED] * 3], "2.8: claimed, so damaged",
                                files=split_by_time(3, names, missing={2}))
    s["a first number that is empty"] = one(
        "tzyx", (3, 3), [*planes[:3], *[DAMAGED] * 3, *planes[6:]], "2.8: the first readable file tells it",
        files=split_by_time(3, names) | {"x3.ome.tif": b""})
    data = [tiff_data(uuid=f"u{c}", file=f"sub/c{c}.ome.tif" if c else "a.ome.tif", FirstC=c, IFD=0, PlaneCount=2)
            for c in range(2)]
    xml = ome(image(2, 2, data=data), uuid="u0")
    s["a member in a folder below"] = one("czyx", (2, 2), [*pages("a.ome.tif", 2), *pages("sub/c1.ome.tif", 2)],
                                          "2.8: relative to the XML's folder",
                                          files={"a.ome.tif": tiff(xml, 2), "sub/c1.ome.tif": 2})
    drive = [data[0], tiff_data(uuid="u1", file="D:\\run 1\\b.ome.tif", FirstC=1, IFD=0, PlaneCount=2)]
    drive = ome(image(2, 2, data=drive), uuid="u0")
    s["a path of another system"] = one("czyx", (2, 2), [*pages("a.ome.tif", 2), *pages("b.ome.tif", 2)],
                                        "2.8: its last part", files={"a.ome.tif": tiff(drive, 2), "b.ome.tif": 2})
    outside = {"by dots": "../out.ome.tif", "by a link": "link.ome.tif", "by an absolute path": "/{}/out.ome.tif"}
    for how, file in outside.items():
        def write(path, number, file=file, own=data[0]):
            write_pages(path.parent.parent / "out.ome.tif", [Page(plane(77, k)) for k in range(2)])
            if file == "link.ome.tif":
                (path.parent / file).symlink_to("../out.ome.tif")
            told = file.format(str(path.parent.parent).strip("/"))
            two = [own, tiff_data(uuid="u1", file=told, FirstC=1, IFD=0, PlaneCount=2)]
            tiff(ome(image(2, 2, data=two), uuid="u0"), 2)(path, number)

        s[f"a member outside {how}"] = one("czyx", (2, 2), [*pages("a.ome.tif", 2), DAMAGED, DAMAGED],
                                           "2.8: a path that leaves SOURCE is damaged", files={"a.ome.tif": write})
    data = [tiff_data(uuid=f"id{t}", FirstT=t, IFD=0, PlaneCount=2) for t in range(3)]
    xml = [ome(image(2, 1, 3, data=data), uuid=f"id{t}") for t in range(3)]
    s["UUIDs without names"] = one("tzyx", (3, 2), [p for n in ("p", "n", "m") for p in pages(f"{n}.ome.tif", 2)],
                                   "2.8: compared with those of the files beside",
                                   files={f"{n}.ome.tif": tiff(xml[t], 2) for t, n in enumerate("pnm")})
    files = split_by_time(3, names)
    s["a set beside a series"] = Set({"x": ("tzyx", (3, 3), planes),
                                      "b": ("zyx", (4,), numbers("b_{}.tif", range(4)))},
                                     "2.1: what the set names is consumed, the rest goes by names", files=files)
    s.update(_companions())
    s.update(_numbered())
    return s


def _companions():
    s = {}
    names = [f"multi-Z{z}.ome.tif" for z in range(1, 6)]
    data = [tiff_data(uuid=f"u{z}", file=name, FirstZ=4 - z, IFD=0, PlaneCount=1) for z, name in enumerate(names)]
    files = {name: tiff(binary_only("multi.companion.ome", f"u{z}")) for z, name in enumerate(names)}
    companion = ome(image(5, data=data), uuid="companion").encode()
    upward = names[::-1]
    s["a companion"] = one("zyx", (5,), upward, "2.8: it is read instead",
                           files=files | {"multi.companion.ome": companion})
    s["a file that has a companion"] = Set({"multi-Z2": ("zyx", (5,), upward)}, "2.8: BinaryOnly names it",
                                           files=files | {"multi.companion.ome": companion}, source=names[1])
    s["a companion as source"] = one("zyx", (5,), upward, "2.8: or SOURCE is the companion",
                                     files=files | {"multi.companion.ome": companion}, source="multi.companion.ome")
    s["no companion"] = one("zyx", (5,), names, "2.8: missing: names and pages", files=files)
    s["a companion and a missing member"] = one(
        "zyx", (5,), [*upward[:2], DAMAGED, *upward[3:]], "2.8", files={
            **{n: w for n, w in files.items() if n != upward[2]}, "multi.companion.ome": companion})
    return s


def _numbered():
    """Files that name only themselves."""
    s = {}
    alone = {f"a_{k}.ome.tif": tiff(ome(image(1), uuid=f"u{k}")) for k in range(4)}
    s["numbered, one plane each"] = one("zyx", (4,), list(alone), "2.8: goes on by numbers", files=alone)
    deep = {f"a_t{k}.ome.tif": tiff(ome(image(3, 2), uuid=f"u{k}"), 6) for k in range(2)}
    s["numbered by t, stacks inside"] = one("tczyx", (2, 2, 3), [p for n in deep for p in pages(n, 6)],
                                            "2.6, last row: t is 1 inside", files=deep)
    mixed = {f"a_{k}.ome.tif": tiff(ome(image(3, 2, order=order)), 6) for k, order in enumerate(
        ("XYZCT", "XYCZT", "XYZCT", "XYZCT"))}
    s["numbered, orders of their own"] = one(
        "tczyx", (4, 2, 3), [p for name, order in zip(mixed, ("XYZCT", "XYCZT", "XYZCT", "XYZCT"))
                             for p in ordered(name, order, 3, 2, 1)], "2.6, last row: each file tells its own order",
        files=mixed)
    both = {f"a_t{t}_c{c}.ome.tif": tiff(ome(image(3)), 3) for t in range(2) for c in range(2)}
    s["numbered by t and c, z inside"] = one("tczyx", (2, 2, 3), [p for n in both for p in pages(n, 3)],
                                             "2.6, last row", files=both)
    taken = {f"a_z{k}.ome.tif": tiff(ome(image(3)), 3) for k in range(3)}
    s["numbered by z, z inside"] = Set({f"a_z{k}": ("zyx", (3,), pages(f"a_z{k}.ome.tif", 3)) for k in range(3)},
                                       "2.1: the file is right, the number becomes i", files=taken)
    gap = {f"a_{k}.ome.tif": tiff(ome(image(2)), 2) for k in range(11) if k != 4}
    s["numbered stacks with a gap"] = one(
        "tzyx", (11, 2), [None if k == 4 else f"a_{k}.ome.tif#{z}" for k in range(11) for z in range(2)],
        "2.3.9: a tenth is filled", files=gap)
    return s


def _entangled():
    """Several Images over several files, and sets that want the same file."""
    s = {}
    data = [tiff_data(uuid=f"u{k}", file=f"p{k}.ome.tif", IFD=0, PlaneCount=3) for k in range(2)]
    xml = [ome(image(3, data=data[:1]), image(3, data=data[1:], number=1), uuid=f"u{k}") for k in range(2)]
    s["a file an Image"] = Set({f"p_{k}": ("zyx", (3,), pages(f"p{k}.ome.tif", 3)) for k in range(2)},
                               "2.8: each Image an image", files={f"p{k}.ome.tif": tiff(xml[k], 3) for k in range(2)})
    data = [tiff_data(uuid="u0", file="a.ome.tif"), tiff_data(uuid="u1", file="b.ome.tif", FirstC=1)]
    s["whole files"] = one("czyx", (2, 3), [*pages("a.ome.tif", 3), *pages("b.ome.tif", 3)],
                           "2.8: neither IFD nor count: all IFDs of that file",
                           files={"a.ome.tif": tiff(ome(image(3, 2, data=data), uuid="u0"), 3), "b.ome.tif": 3})
    data = [tiff_data(uuid=f"u{t}", file=f"{'abc'[t]}.ome.tif", FirstT=t, IFD=0, PlaneCount=2) for t in range(3)]
    xml = [ome(image(2, 1, 3, data=data), uuid=f"u{t}") for t in range(3)]
    good = {f"{'abc'[t]}.ome.tif": tiff(xml[t], 2) for t in (0, 2)}
    want = [*pages("a.ome.tif", 2), DAMAGED, DAMAGED, *pages("c.ome.tif", 2)]
    for how, file in {"no TIFF": b"no TIFF at all", "empty": b"", "a folder": lambda path, n: path.mkdir(),
                      "a dangling link": lambda path, n: path.symlink_to("x")}.items():
        s[f"a member that is {how}"] = one("tzyx", (3, 2), want, "2.8: claimed, so damaged",
                                           files={**good, "b.ome.tif": file})
    s["a member of another size"] = one("tzyx", (3, 2), want, "2.8: sizes are checked", files={
        **good, "b.ome.tif": lambda path, n: write_pages(path, [Page(plane(n, k, (11, 14))) for k in range(2)])})
    s["a member of another type"] = one("tzyx", (3, 2), want, "2.8: types are checked", files={
        **good, "b.ome.tif": lambda path, n: write_pages(path, [Page(plane(n, k, dtype="u1")) for k in range(2)])})
    s["a first file that is damaged"] = one(
        "tzyx", (3, 2), [DAMAGED, DAMAGED, *pages("b.ome.tif", 2), *pages("c.ome.tif", 2)],
        "2.8: any readable file of the set tells it", files={
            "a.ome.tif": b"", **{f"{'abc'[t]}.ome.tif": tiff(xml[t], 2) for t in (1, 2)}})
    own = [tiff_data(uuid="u0", file="a.ome.tif", IFD=0, PlaneCount=2)]
    other = [tiff_data(uuid="ub", file="b.ome.tif", IFD=0, PlaneCount=2)]
    both = tiff_data(uuid="us", file="s.ome.tif", FirstT=1, IFD=0, PlaneCount=2)
    s["two sets that claim one file"] = Set(
        {"src": ("tzyx", (2, 2), [*pages("a.ome.tif", 2), *pages("s.ome.tif", 2)]),
         "src_2": ("tzyx", (2, 2), [*pages("b.ome.tif", 2), DAMAGED, DAMAGED])}, "2.8: the first in natural order keeps it",
        files={"a.ome.tif": tiff(ome(image(2, 1, 2, data=[*own, both]), uuid="u0"), 2),
               "b.ome.tif": tiff(ome(image(2, 1, 2, data=[*other, both]), uuid="ub"), 2), "s.ome.tif": 2})
    s["sets in folders"] = Set(
        {f"day{d}": ("tzyx", (3, 2), [p for n in "abc" for p in pages(f"day{d}/{n}.ome.tif", 2)]) for d in range(2)},
        "2.4", files={f"day{d}/{'abc'[t]}.ome.tif": tiff(xml[t], 2) for d in range(2) for t in range(3)})
    s["unnumbered, each alone"] = Set(
        {n: ("zyx", (2,), pages(f"{n}.ome.tif", 2)) for n in ("east", "north")}, "2.1: a file alone", files={
            f"{n}.ome.tif": tiff(ome(image(2), uuid=n), 2) for n in ("east", "north")})
    return s


OME = {**_one_file(), **_several_files(), **_entangled()}
