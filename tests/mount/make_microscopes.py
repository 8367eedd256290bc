"""Files as microscopes' programs write them, byte by byte: MMStack and NDTiff of Micro-Manager, Zeiss LSM, MetaMorph STK.
Each plane's pixels tell which one it is. Each function writes into a folder and returns a list of (path of what is to be
mounted, relative to the folder; what it should become as `Expected`).

usage: make_microscopes.py FOLDER     all of them, to look at
"""

import json
import struct
import sys
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path

import imagecodecs
import numpy as np

BYTE, ASCII, SHORT, LONG, RATIONAL = 1, 2, 3, 4, 5
SIZE = (12, 16)
GAP, DAMAGED = "gap", "damaged"


@dataclass(frozen=True)
class Expected:
    """images: {key that tells the images of one source apart, "" of the only one: number of the image in the pixels}.
    sizes: of t, c and z; with `samples` c stands for the samples of a page. missing: {(image, t, c, z): GAP or
    DAMAGED}, c being 0 where it counts samples. voxel: z, y, x in micrometer, 0 where it is not told; step: seconds."""

    images: dict
    sizes: tuple
    samples: bool = False
    missing: dict = field(default_factory=dict)
    voxel: tuple = (0, 0, 0)
    step: float = 0
    channels: tuple = ()
    colors: tuple = ()

    def plane(self, image, t, c, z):
        """What reads there: pixels, zeros of a gap, or DAMAGED."""
        what = self.missing.get((image, t, 0 if self.samples else c, z))
        return what if what == DAMAGED else plane(image, t, c, z) * (what != GAP)


def plane(image, t, c, z):
    """The numbers in the first row, and behind them what no other plane has."""
    rows, columns = np.indices(SIZE)
    out = (rows * 131 + columns * 17 + image * 7919 + t * 6007 + c * 4001 + z * 2003) % 65521
    out[0, :5] = (7, image, t, c, z)
    return out.astype("<u2")


class Tiff:
    """A little-endian classic TIFF that grows; `at` is where the next bytes go."""

    def __init__(self, head=b""):
        self.out = bytearray(b"II" + struct.pack("<HI", 42, 0)) + head
        self.link = 4

    @property
    def at(self):
        return len(self.out)

    def add(self, data):
        """-> its offset"""
        self.out += bytes(-self.at % 2)
        where = self.at
        self.out += data
        return where

    def page(self, tags):
        """tags: {tag: (type, values or bytes)}, of which a value of (count, offset) stands as it is. -> offset of the
        IFD, to which the one before leads."""
        entries = b""
        for tag, (kind, values) in sorted(tags.items()):
            if isinstance(values, tuple):
                count, where = values[0], struct.pack("<I", values[1])
            else:
                count = len(values) // (2 if kind == RATIONAL else 1)
                letter = {BYTE: "B", ASCII: "B", SHORT: "H", LONG: "I", RATIONAL: "I"}[kind]
                data = struct.pack(f"<{len(values)}{letter}", *values)
                where = data.ljust(4, b"\0") if len(data) <= 4 else struct.pack("<I", self.add(data))
            entries += struct.pack("<HHI", tag, kind, count) + where
        ifd = self.add(struct.pack("<H", len(tags)) + entries + bytes(4))
        struct.pack_into("<I", self.out, self.link, ifd)
        self.link = ifd + 2 + len(entries)
        return ifd

    def write(self, path):
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_bytes(self.out)


def gray_tags(offset):
    height, width = SIZE
    return {
        256: (LONG, [width]), 257: (LONG, [height]), 258: (SHORT, [16]), 259: (SHORT, [1]), 262: (SHORT, [1]),
        273: (LONG, [offset]), 277: (SHORT, [1]), 278: (LONG, [height]), 279: (LONG, [2 * width * height]),
    }


# --- Micro-Manager MMStack

SUMMARY = {
    "MicroManagerVersion": "2.0.0", "Prefix": "run", "UUID": "5f0c", "PixelSize_um": 0.5, "z-step_um": 2.0,
    "Interval_ms": 1500.0, "ChNames": ["DAPI", "GFP"], "ChColors": [-13421569, 65280], "ChContrastMin": [10, 20],
    "ChContrastMax": [3000, 4000], "BitDepth": 16, "Width": SIZE[1], "Height": SIZE[0],
}
MM_FACTS = {"voxel": (2, 0.5, 0.5), "step": 1.5, "channels": ("DAPI", "GFP"), "colors": ("3333FF", "00FF00")}


def _write_mmstack(path, planes, summary, index=True):
    """planes: (position, t, c, z) in the order of the file. index: with an index map, as a run that ended well."""
    text = json.dumps(summary).encode()
    file = Tiff(struct.pack("<8I", 0, 0, 0, 0, 0, 0, 2355492, len(text)) + text)
    entries = b""
    for position, t, c, z in planes:
        said = json.dumps({"ChannelIndex": c, "SliceIndex": z, "FrameIndex": t, "PositionIndex": position}).encode()
        pixels = plane(position, t, c, z).tobytes()
        # As others rely on: 13 entries, and the pixels right behind them.
        at = file.at + file.at % 2 + 2 + 13 * 12 + 4
        behind = at + len(pixels)
        tags = {
            **gray_tags(at), 282: (RATIONAL, (1, behind)), 283: (RATIONAL, (1, behind + 8)), 296: (SHORT, [3]),
            51123: (ASCII, (len(said), behind + 16)),
        }
        ifd = file.page(tags)
        file.add(pixels + struct.pack("<4I", 20000, 1, 20000, 1) + said)
        entries += struct.pack("<5I", c, z, t, position, ifd)
    if index:
        where = file.add(struct.pack("<2I", 3453623, len(planes)) + entries)
        struct.pack_into("<2I", file.out, 8, 54773648, where)
    file.write(path)


def mmstack(folder):
    folder, (T, C, Z) = Path(folder), (2, 2, 3)
    sizes = {"Frames": T, "Channels": C, "Slices": Z, "Positions": 1}
    every = [(0, t, c, z) for t, z, c in product(range(T), range(Z), range(C))]
    missing = {(0, 0, 1, 1): GAP, (0, 1, 0, 2): GAP}
    written = [p for p in every if p not in missing]
    _write_mmstack(folder / "one/run_MMStack.ome.tif", written, {**SUMMARY, **sizes})
    _write_mmstack(folder / "crashed/run_MMStack.ome.tif", every[::-1][2:], {**SUMMARY, **sizes, "Frames": T}, False)
    lost = {p: GAP for p in every[-2:]}

    # Two positions, over files that each begin where the one before was full.
    places = {**sizes, "Positions": 2, "StagePositions": [{"Label": "left"}, {"Label": "right"}]}
    both = [(p, t, c, z) for t, p, z, c in product(range(T), range(2), range(Z), range(C))]
    for k in range(3):
        name = "run_MMStack" + (f"_{k}" if k else "") + ".ome.tif"
        _write_mmstack(folder / "files" / name, both[8 * k:8 * k + 8], {**SUMMARY, **places})
    # Stopped early: of the three announced time points one was written.
    _write_mmstack(folder / "stopped/run_MMStack.ome.tif", every[:C * Z], {**SUMMARY, **sizes, "Frames": 3})
    # Far more was announced than either of two files holds.
    for k in range(2):
        name = "run_MMStack" + (f"_{k}" if k else "") + ".ome.tif"
        _write_mmstack(folder / "long" / name, every[6 * k:6 * k + 6], {**SUMMARY, **sizes, "Frames": 20000})
    return [
        ("one", Expected({"": 0}, (T, C, Z), missing=missing, **MM_FACTS)),
        ("long", Expected({"": 0}, (T, C, Z), **MM_FACTS)),
        ("crashed", Expected({"": 0}, (T, C, Z), missing=lost, **MM_FACTS)),
        ("files", Expected({"left": 0, "right": 1}, (T, C, Z), **MM_FACTS)),
        ("stopped", Expected({"": 0}, (1, C, Z), **MM_FACTS)),
    ]


# --- NDTiff


class NDTiff:
    """A dataset that grows by planes; `files` of at most `most` planes."""

    def __init__(self, folder, name, most=1000, summary=None):
        self.folder, self.name, self.most = Path(folder), name, most
        self.summary = json.dumps(summary or {"PixelSize_um": 0.5, "z-step_um": 2.0, "Interval_ms": 1500.0}).encode()
        self.index, self.files, self.count = b"", [], 0

    def add(self, axes, pixels, channel=None):
        if self.count % self.most == 0:
            head = struct.pack("<5I", 483729, 3, 3, 2355492, len(self.summary))
            self.files.append(Tiff(head + self.summary))
        self.count += 1
        file, number = self.files[-1], len(self.files) - 1
        offset = file.add(pixels.tobytes())
        said = json.dumps({"Axes": axes, **({"Channel": channel} if channel else {})}).encode()
        meta = file.add(said)
        file.page({**gray_tags(offset), 51123: (ASCII, (len(said), meta))})
        text, name = json.dumps(axes).encode(), self.file_name(number).encode()
        self.index += struct.pack("<I", len(text)) + text + struct.pack("<I", len(name)) + name
        self.index += struct.pack("<IiiiiIii", offset, SIZE[1], SIZE[0], 1, 0, meta, len(said), 0)

    def file_name(self, number):
        return self.name + "_NDTiffStack" + (f"_{number}" if number else "") + ".tif"

    def write(self, cut=0):
        for number, file in enumerate(self.files):
            file.write(self.folder / self.file_name(number))
        (self.folder / "NDTiff.index").write_bytes(self.index[:len(self.index) - cut])


def ndtiff(folder):
    folder, (T, C, Z) = Path(folder), (2, 2, 4)
    facts = {"voxel": (2, 0.5, 0.5), "step": 1.5, "channels": ("GFP", "DAPI")}
    display = {name: {"Min": 5, "Max": 900, "Color": color} for name, color in (("DAPI", -13421569), ("GFP", 65280))}
    # Depths from -2 to 1, names of channels in the index, several files, and planes that were never taken.
    missing = {(0, 0, 1, 2): GAP, (0, 1, 0, 0): GAP}
    d = NDTiff(folder / "depths", "run", most=5)
    for t, z, c in product(range(T), range(Z), range(C)):
        if (0, t, c, z) not in missing:
            d.add({"time": t, "z": z - 2, "channel": ("GFP", "DAPI")[c]}, plane(0, t, c, z))
    d.write()
    (folder / "depths/display_settings.txt").write_text(json.dumps(display))

    # Tiles, with an overview beside them; one of four is not there, and the last record broke off.
    full, small = (NDTiff(folder / "tiles" / f, "run") for f in ("Full resolution", "Downsampled_x2"))
    images = {"row0-column0": 0, "row0-column1": 1, "row1-column0": 2}
    for c, number in product(range(C), range(3)):
        axes = {"column": number % 2, "row": number // 2, "channel": c}
        full.add(axes, plane(number, 0, c, 0), ("GFP", "DAPI")[c])
        small.add(axes, plane(9, 9, 9, 9))
    full.add({"column": 1, "row": 1, "channel": 0}, plane(3, 0, 0, 0))
    full.write(cut=7)
    small.write()
    (folder / "tiles/display_settings.txt").write_text(json.dumps(display))
    colors = ("00FF00", "3333FF")
    return [
        ("depths", Expected({"": 0}, (T, C, Z), missing=missing, colors=colors, **facts)),
        ("tiles", Expected(images, (1, C, 1), colors=colors, **facts)),
    ]


# --- Zeiss LSM

LSM_FACTS = {"voxel": (0.5, 0.2, 0.1), "step": 2.5, "channels": ("Ch1", "Ch2"), "colors": ("FF0000", "00FF80")}


def _lsm_header(file, sizes, positions):
    """-> offset and length of what tag 34412 holds"""
    (t, c, z), scan = sizes, 6
    names = b"".join(struct.pack("<I", len(n) + 1) + n + b"\0" for n in (b"Ch1", b"Ch2"))
    colors = struct.pack("<8B", 255, 0, 0, 0, 0, 255, 128, 0)
    block = struct.pack("<6I", 24 + len(colors) + len(names), 2, 2, 24, 24 + len(colors), 0) + colors + names
    colors_at = file.add(block)
    head = bytearray(512)
    struct.pack_into("<IIiiiiii", head, 0, 0x0400494C, len(head), SIZE[1], SIZE[0], z, c, t, 2)
    struct.pack_into("<ddd", head, 40, 1e-7, 2e-7, 5e-7)
    struct.pack_into("<H", head, 88, scan)
    struct.pack_into("<I", head, 108, colors_at)
    struct.pack_into("<d", head, 112, 2.5)
    struct.pack_into("<ii", head, 264, positions, 1 if positions else 0)
    return file.add(head), len(head)


def _lsm_tags(offsets, counts, size, thumbnail, bits, compression=1):
    return {
        254: (LONG, [int(thumbnail)]), 256: (LONG, [size[1]]), 257: (LONG, [size[0]]),
        258: (SHORT, (2, bits[thumbnail])), 259: (SHORT, [compression]), 262: (SHORT, [1]),
        273: (LONG, offsets), 277: (SHORT, [len(offsets)]), 278: (LONG, [size[0]]), 279: (LONG, counts),
        284: (SHORT, [2]),
    }


def _write_lsm(path, sizes, positions=0, lzw=False, spread=0):
    """Strips first, one for each channel, and `spread` bytes that nobody wrote behind each page's. Of LZW the counts are
    those of the pixels."""
    t_n, c_n, z_n = sizes
    file = Tiff()
    header = _lsm_header(file, sizes, positions)
    order = list(product(range(max(positions, 1)), range(t_n), range(z_n)))
    # Positions were visited in turn at each time.
    stored, strips = {}, []
    at = (file.at + 4096 + 400 * len(order)) // 4096 * 4096
    for p, t, z in sorted(order, key=lambda k: (k[1], k[0], k[2])):
        offsets = []
        for c in range(c_n):
            pixels = plane(p, t, c, z).tobytes()
            data = imagecodecs.lzw_encode(pixels) if lzw else pixels
            strips.append((at, data))
            offsets.append(at % 2**32)
            at += len(data)
        strips.append((at, b"\x55" * (4 * 4 * c_n)))
        stored[p, t, z] = offsets, [(at + 16 * c) % 2**32 for c in range(c_n)]
        at += 16 * c_n + spread
    # Two numbers of bits would fit into their entry, but lie elsewhere.
    bits = {thumbnail: file.add(struct.pack("<2H", *[8 if thumbnail else 16] * 2)) for thumbnail in (False, True)}
    for number, key in enumerate(order):
        offsets, small = stored[key]
        more = {34412: (BYTE, (header[1], header[0]))} if number == 0 else {}
        file.page({**_lsm_tags(offsets, [2 * SIZE[0] * SIZE[1]] * c_n, SIZE, False, bits, 5 if lzw else 1), **more})
        file.page(_lsm_tags(small, [16] * c_n, (4, 4), True, bits))
    assert file.at <= strips[0][0]
    file.write(path)
    with open(path, "r+b") as f:
        for offset, data in strips:
            f.seek(offset)
            f.write(data)
        f.truncate(at)


def lsm(folder, beyond=True):
    """beyond: also a file of more than 8 GiB, nearly all of which are holes."""
    folder, sizes = Path(folder), (2, 2, 3)
    found = [("plain.lsm", {}), ("lzw.lsm", {"lzw": True}), ("places.lsm", {"positions": 2})]
    if beyond:
        found += [("large.lsm", {"spread": 3 * 2**29}), ("large_places.lsm", {"positions": 2, "spread": 3 * 2**29})]
    for name, options in found:
        _write_lsm(folder / name, sizes, **options)
    return [
        (name, Expected({"P0-M0": 0, "P1-M0": 1} if "positions" in options else {"": 0}, sizes, True, **LSM_FACTS))
        for name, options in found
    ]


# --- MetaMorph STK


def _write_stk(path, planes, distance=0, absolute=(), times=(), waves=()):
    file = Tiff()
    count, (height, width) = len(planes), SIZE
    first = file.add(b"".join(p.tobytes() for p in planes))
    pairs = file.add(struct.pack("<4I", 3, 4, 3, 4))
    unit = file.add(struct.pack("<I", 3) + b"um\0")
    uic1 = [0, 0, 1, 100, 2, 5000, 3, 1, 4, pairs, 5, pairs + 8, 6, unit]
    uic2 = b"".join(struct.pack("<6I", distance, 10, 2459000, t, 0, 0) for t in (times or [0] * count))
    more = {
        33628: (LONG, (len(uic1) // 2, file.add(struct.pack(f"<{len(uic1)}I", *uic1)))),
        33629: (RATIONAL, (count, file.add(uic2))),
    }
    if waves:
        more[33630] = (RATIONAL, (count, file.add(b"".join(struct.pack("<2I", w, 1) for w in waves))))
    if absolute:
        depths = struct.pack("<H", 40) + b"".join(struct.pack("<iI", z, 10) for z in absolute)
        depths += struct.pack("<H", 46) + bytes(8 * count) + bytes(2)
        more[33631] = (LONG, (count, file.add(depths)))
    rows = 5
    offsets = [first + 2 * width * y for y in range(0, height, rows)]
    counts = [2 * width * min(rows, height - y) for y in range(0, height, rows)]
    file.page({**gray_tags(first), 273: (LONG, offsets), 278: (LONG, [rows]), 279: (LONG, counts), **more})
    file.write(path)


def stk(folder):
    folder, n = Path(folder), 4
    facts = {"voxel": (0, 0.75, 0.75)}
    deep, late, colored = ([plane(0, *(k if a == axis else 0 for a in range(3))) for k in range(n)] for axis in (2, 0, 1))
    _write_stk(folder / "distances.stk", deep, distance=15)
    _write_stk(folder / "depths.stk", deep, absolute=[5 - 20 * k for k in range(n)], times=range(n))
    _write_stk(folder / "times.stk", late, times=[1000 + 250 * k for k in range(n)])
    waves = [405, 488, 561, 640]
    _write_stk(folder / "waves.stk", colored, waves=waves, times=range(n))
    return [
        ("distances.stk", Expected({"": 0}, (1, 1, n), voxel=(1.5, 0.75, 0.75))),
        ("depths.stk", Expected({"": 0}, (1, 1, n), voxel=(2, 0.75, 0.75))),
        ("times.stk", Expected({"": 0}, (n, 1, 1), step=0.25, **facts)),
        ("waves.stk", Expected({"": 0}, (1, n, 1), channels=tuple(f"{w} nm" for w in waves), **facts)),
    ]


KINDS = {"mmstack": mmstack, "ndtiff": ndtiff, "lsm": lsm, "stk": stk}

if __name__ == "__main__":
    for name, make in KINDS.items():
        for path, expected in make(Path(sys.argv[1]) / name):
            print(f"{name}/{path}: {expected}")
