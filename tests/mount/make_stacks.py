"""Writes TIFF stacks of every kind that ngffuse reads, byte by byte, so that a test decides each of
their properties. What a file means is for tifffile to say (see `truth`), never for this module.

usage: make_stacks.py FOLDER     every kind of `KINDS` in a folder of its own, to look at
"""

import lzma
import struct
import sys
import zlib
from dataclasses import dataclass
from pathlib import Path

import imagecodecs
import numpy as np
import tifffile

COMPRESSION = {
    "none": 1, "lzw": 5, "jpeg": 7, "deflate": 8, "packbits": 32773, "old-deflate": 32946,
    "lerc": 34887, "lzma": 34925, "zstd": 50000, "webp": 50001,
}
DTYPES = ("u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8")
GRAY, RGB, YCBCR = 1, 2, 6
ASCII, SHORT, LONG, UNDEFINED, LONG8 = 2, 3, 4, 7, 16
LETTERS = {ASCII: "B", SHORT: "H", LONG: "I", UNDEFINED: "B", LONG8: "Q"}


@dataclass(frozen=True)
class Layout:
    """How a page is stored. rows: rows a strip, 0 for one strip a page; tile: (height, width).
    sparse: numbers of the units that get offset 0 and count 0. directory_first: the directory of a
    file's one page stands before its pixels, as libtiff's rewriting and many cameras do."""

    rows: int = 0
    tile: tuple = ()
    compression: str = "none"
    predictor: int = 1
    byteorder: str = "<"
    bigtiff: bool = False
    planar: bool = False
    fillorder: int = 1
    photometric: int = 0
    sparse: frozenset = frozenset()
    jpeg_tables: bool = False
    subsampling: tuple = (1, 1)
    full_last_strip: bool = False
    directory_first: bool = False
    short_counts: bool = False
    description: str = ""


def write_tiff(path, pages, layout=Layout()):
    """pages: arrays (y, x) or (y, x, sample), all stored by `layout`. Returns for each page the
    list of (offset, count) of its units."""
    out = bytearray()
    end = layout.byteorder
    magic = b"II" if end == "<" else b"MM"
    if layout.bigtiff:
        out += magic + struct.pack(end + "HHHQ", 43, 8, 0, 0)
    else:
        out += magic + struct.pack(end + "HI", 42, 0)
    link = 8 if layout.bigtiff else 4
    word = "Q" if layout.bigtiff else "I"
    tables = []
    for page in pages:
        page = page if page.ndim == 3 else page[:, :, None]
        blobs, extra = _stored(page, layout)
        if layout.directory_first:
            assert len(pages) == 1
            nowhere = [(0, len(b)) for b in blobs]
            tags = sorted(_page_tags(page, layout, nowhere) + extra)
            room = bytearray(out)
            _store_ifd(room, tags, layout)
            rest = bytearray(len(room))
            units = _place(rest, blobs, layout)
            struct.pack_into(end + word, out, link, len(out))
            _store_ifd(out, sorted(_page_tags(page, layout, units) + extra), layout)
            out += rest[len(out) :]
        else:
            units = _place(out, blobs, layout)
            out += bytes(-len(out) % 8)
            struct.pack_into(end + word, out, link, len(out))
            link = _store_ifd(out, sorted(_page_tags(page, layout, units) + extra), layout)
        tables.append(units)
    Path(path).write_bytes(out)
    return tables


def _stored(page, layout):
    """The bytes of each unit, and the tags that go with them."""
    blobs, extra = [_encode(unit, layout) for unit in _units(page, layout)], []
    if layout.jpeg_tables:
        tables = [_split_jpeg(b) for b in blobs]
        extra = [(347, UNDEFINED, tables[0][0])]
        assert all(t[0] == tables[0][0] for t in tables)
        blobs = [t[1] for t in tables]
    if layout.fillorder == 2:
        blobs = [blob.translate(REVERSED) for blob in blobs]
    return blobs, extra


def _place(out, blobs, layout):
    """Appends the units; returns their (offset, count)."""
    units = []
    for n, blob in enumerate(blobs):
        if n in layout.sparse:
            units.append((0, 0))
            continue
        out += bytes(len(out) % 2)
        units.append((len(out), len(blob)))
        out += blob
    return units


REVERSED = bytes(int(f"{i:08b}"[::-1], 2) for i in range(256))


def _units(page, layout):
    """The strips or tiles of a page in the order of its table, tiles padded by repeating."""
    height, width, samples = page.shape
    planes = [page[:, :, s : s + 1] for s in range(samples)] if layout.planar else [page]
    for plane in planes:
        if layout.tile:
            ty, tx = layout.tile
            padded = np.pad(plane, ((0, -height % ty), (0, -width % tx), (0, 0)), mode="edge")
            for y in range(0, height, ty):
                for x in range(0, width, tx):
                    yield padded[y : y + ty, x : x + tx]
        else:
            rows = layout.rows or height
            for y in range(0, height, rows):
                strip = plane[y : y + rows]
                if layout.full_last_strip and len(strip) < rows:
                    strip = np.pad(strip, ((0, rows - len(strip)), (0, 0), (0, 0)), mode="edge")
                yield strip


def _encode(unit, layout):
    """The stored bytes of a strip or tile (rows, columns, samples)."""
    height, width, samples = unit.shape
    how = layout.compression
    if how in ("jpeg", "webp", "lerc"):
        return _encode_image(unit, layout)
    bits = np.dtype(f"u{unit.itemsize}")
    if layout.predictor == 3:
        raw = np.ascontiguousarray(unit).astype(unit.dtype.newbyteorder(">")).view("u1")
        planes = raw.reshape(height, width * samples, unit.itemsize).transpose(0, 2, 1)
        flat = np.ascontiguousarray(planes).reshape(height, -1)
        raw = flat.copy()
        raw[:, samples:] -= flat[:, :-samples]
        rows = raw
    else:
        raw = np.ascontiguousarray(unit).view(bits).reshape(unit.shape)
        if layout.predictor == 2:
            flat = raw
            raw = flat.copy()
            raw[:, 1:] -= flat[:, :-1]
        rows = raw.astype(bits.newbyteorder(layout.byteorder)).reshape(height, -1)
    data = rows.tobytes()
    if how == "none":
        return data
    if how == "packbits":
        return b"".join(imagecodecs.packbits_encode(row.tobytes()) for row in rows)
    if how == "lzw":
        return imagecodecs.lzw_encode(data)
    if how in ("deflate", "old-deflate"):
        return zlib.compress(data, 6)
    if how == "zstd":
        return imagecodecs.zstd_encode(data, 3)
    if how == "lzma":
        return lzma.compress(data, format=lzma.FORMAT_XZ, preset=1)
    raise ValueError(how)


def _encode_image(unit, layout):
    image = np.ascontiguousarray(unit[:, :, 0] if unit.shape[2] == 1 else unit)
    if layout.compression == "webp":
        return imagecodecs.webp_encode(image, lossless=True)
    if layout.compression == "lerc":
        return imagecodecs.lerc_encode(image, level=0)
    color = {GRAY: "gray", RGB: "rgb", YCBCR: "ycbcr"}[layout.photometric]
    return imagecodecs.jpeg8_encode(
        image, level=90, colorspace="gray" if color == "gray" else "rgb", outcolorspace=color,
        subsampling=layout.subsampling, optimize=False,
    )


def _split_jpeg(blob):
    """A JPEG stream as (its tables alone, the rest of it), as libtiff stores them."""
    tables, rest = bytearray(b"\xff\xd8"), bytearray(b"\xff\xd8")
    at = 2
    while True:
        marker, size = blob[at + 1], int.from_bytes(blob[at + 2 : at + 4], "big")
        if marker == 0xDA:
            return bytes(tables + b"\xff\xd9"), bytes(rest + blob[at:])
        (tables if marker in (0xDB, 0xC4) else rest).extend(blob[at : at + 2 + size])
        at += 2 + size


def _page_tags(page, layout, units):
    height, width, samples = page.shape
    kind = {"u": 1, "i": 2, "f": 3}[page.dtype.kind]
    photometric = layout.photometric or (RGB if samples >= 3 else GRAY)
    wide = LONG8 if layout.bigtiff else LONG
    narrow = SHORT if layout.short_counts else wide
    offsets, counts = [o for o, _ in units], [n for _, n in units]
    tags = [
        (256, LONG, [width]), (257, LONG, [height]),
        (258, SHORT, [page.itemsize * 8] * samples), (259, SHORT, [COMPRESSION[layout.compression]]),
        (262, SHORT, [photometric]), (277, SHORT, [samples]),
        (284, SHORT, [2 if layout.planar else 1]), (339, SHORT, [kind] * samples),
    ]
    if layout.tile:
        tags += [(322, SHORT, [layout.tile[1]]), (323, SHORT, [layout.tile[0]]),
                 (324, wide, offsets), (325, narrow, counts)]
    else:
        tags += [(278, LONG, [layout.rows or height]), (273, wide, offsets), (279, narrow, counts)]
    if layout.fillorder != 1:
        tags.append((266, SHORT, [layout.fillorder]))
    if layout.predictor != 1:
        tags.append((317, SHORT, [layout.predictor]))
    extra = samples - (1 if photometric == GRAY else 3)
    if extra > 0:
        tags.append((338, SHORT, [2 if extra == 1 and samples == 4 else 0] * extra))
    if photometric == YCBCR:
        tags.append((530, SHORT, list(layout.subsampling)))
    if layout.compression == "lerc":
        tags.append((50674, LONG, [4, 0]))
    if layout.description:
        tags.append((270, ASCII, layout.description.encode() + b"\0"))
    return tags


def _store_ifd(out, tags, layout):
    """Appends a directory and its long values; returns where the offset of the next one goes."""
    end, word = layout.byteorder, "Q" if layout.bigtiff else "I"
    inline = struct.calcsize("<" + word)
    entry = 12 if not layout.bigtiff else 20
    head = struct.pack(end + ("Q" if layout.bigtiff else "H"), len(tags))
    behind = len(out) + len(head) + entry * len(tags) + inline
    entries, values = b"", b""
    for tag, kind, value in tags:
        data = struct.pack(f"{end}{len(value)}{LETTERS[kind]}", *value)
        if len(data) <= inline:
            where = data.ljust(inline, b"\0")
        else:
            values += bytes(-(behind + len(values)) % 8)
            where = struct.pack(end + word, behind + len(values))
            values += data
        entries += struct.pack(end + "HH" + word, tag, kind, len(value)) + where
    out += head + entries
    link = len(out)
    out += bytes(inline) + values
    return link


# --- pixels


def pixels(shape, dtype, seed=0, odd=True):
    """Waves with noise, so that every codec has something to do, and the extremes of the type.
    odd: with NaN, infinity and -0.0 where the type has them."""
    rng = np.random.default_rng(seed)
    dtype = np.dtype(dtype)
    wave = np.zeros(shape)
    for axis, size in enumerate(shape):
        steps = np.arange(size, dtype=float).reshape([-1 if a == axis else 1 for a in range(len(shape))])
        wave = wave + np.sin(steps / (5 + 2 * axis) + seed)
    wave = wave / len(shape) + rng.normal(0, 0.02, shape)
    if dtype.kind == "f":
        out = (wave * 1000).astype(dtype)
        extremes = [np.finfo(dtype).max, np.finfo(dtype).tiny]
        extremes += [np.nan, np.inf, -0.0] if odd else []
    else:
        info = np.iinfo(dtype)
        middle, reach = (int(info.max) + int(info.min) + 1) // 2, min(int(info.max) // 2, 20000)
        # Sums of 64 bits wrap to what they should be.
        out = np.clip(wave * reach / 2, -reach, reach).astype("i8").astype(dtype) + np.array(middle).astype(dtype)
        extremes = [info.min, info.max]
    flat = out.reshape(-1)
    for value in extremes:
        flat[rng.integers(0, flat.size, max(1, flat.size // 500))] = value
    return out


# --- stacks


def write_stack(folder, volume, layout=Layout(), name="slice_{:04d}.tif", numbers=None):
    """One file a plane of volume (z, y, x) or (z, y, x, sample); numbers: those in the names."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for z, plane in enumerate(volume):
        path = folder / name.format(z if numbers is None else numbers[z])
        write_tiff(path, [plane], layout)
        paths.append(path)
    return paths


def truth(paths, by_libtiff=False):
    """What tifffile (by_libtiff: libtiff) reads: (z, y, x), or (z, c, y, x) with samples."""
    planes = []
    for path in paths:
        if by_libtiff:
            data = Path(path).read_bytes()
            with tifffile.TiffFile(path) as tif:
                count = len(tif.pages)
            planes += [_channels_first(imagecodecs.tiff_decode(data, index=i), False) for i in range(count)]
            continue
        with tifffile.TiffFile(path) as tif:
            for page in tif.pages:
                planes.append(_channels_first(page.asarray(), page.axes == "SYX"))
    out = np.stack(planes)
    return out.astype(out.dtype.newbyteorder("<"))


def _channels_first(plane, already):
    if plane.ndim == 2 or already:
        return plane
    return np.ascontiguousarray(np.moveaxis(plane, -1, 0))


@dataclass(frozen=True)
class Kind:
    """shape: (z, y, x) or (z, y, x, sample). pages: all planes in one file. judge: whose reading of
    the files counts: tifffile's, libtiff's (lossy kinds), or, where both fail, what was written."""

    layout: Layout
    dtype: str = "u2"
    shape: tuple = (5, 61, 83)
    pages: bool = False
    judge: str = "tifffile"
    odd: bool = True

    @property
    def axes(self):
        """Of the image that these files are."""
        return "czyx" if len(self.shape) == 4 else "zyx"

    def write(self, folder):
        folder = Path(folder)
        volume = pixels(self.shape, self.dtype, seed=sum(folder.name.encode()), odd=self.odd)
        if not self.pages:
            return write_stack(folder, volume, self.layout, name="s{:03d}.tif")
        folder.mkdir(parents=True, exist_ok=True)
        write_tiff(folder / "stack.tif", list(volume), self.layout)
        return [folder / "stack.tif"]

    def written(self, folder):
        """The pixels that `write` stores there, (z, c, y, x) where there are samples."""
        folder = Path(folder)
        volume = pixels(self.shape, self.dtype, seed=sum(folder.name.encode()), odd=self.odd)
        for n in self.layout.sparse:
            assert not self.layout.tile and not self.layout.planar, "only strips are known here"
            rows = self.layout.rows or self.shape[1]
            volume[:, n * rows : (n + 1) * rows] = 0
        return np.moveaxis(volume, -1, 1) if volume.ndim == 4 else volume

    def truth(self, paths):
        if self.judge == "writer":
            volume = self.written(paths[0].parent)
            return volume.astype(volume.dtype.newbyteorder("<"))
        return truth(paths, self.judge == "libtiff")


def _kinds():
    kinds = {}

    def add(name, dtype="u2", shape=(5, 61, 83), pages=False, judge="tifffile", odd=True, **layout):
        assert name not in kinds
        kinds[name] = Kind(Layout(**layout), dtype, shape, pages, judge, odd)

    layouts = {
        "row1": {"rows": 1}, "row3": {"rows": 3}, "row32": {"rows": 32}, "page": {"rows": 0},
        "tile": {"tile": (32, 16)}, "bigtile": {"tile": (96, 128)},
    }
    for place, layout in layouts.items():
        for how in ("none", "lzw", "deflate", "old-deflate", "packbits", "zstd", "lzma"):
            if how == "lzma" and place == "row1":
                continue
            add(f"{place}-{how}", compression=how, **layout)
    for dtype in DTYPES:
        add(f"type-{dtype}-raw", dtype, rows=7)
        add(f"type-{dtype}-raw-be", dtype, rows=7, byteorder=">")
        add(f"type-{dtype}-tile-be", dtype, tile=(16, 48), byteorder=">")
        for how in ("lzw", "deflate", "zstd"):
            add(f"type-{dtype}-{how}-p2", dtype, rows=16, compression=how, predictor=2)
        add(f"type-{dtype}-lzw-p2-be", dtype, tile=(32, 32), compression="lzw", predictor=2, byteorder=">")
        add(f"type-{dtype}-deflate-big", dtype, rows=9, compression="deflate", bigtiff=True)
        if dtype[0] == "f":
            for how in ("lzw", "deflate", "zstd", "lzma"):
                for order, mark in (("<", "le"), (">", "be")):
                    add(f"type-{dtype}-{how}-p3-{mark}", dtype, rows=16, compression=how, predictor=3,
                        byteorder=order)
            add(f"type-{dtype}-tile-p3", dtype, tile=(16, 32), compression="deflate", predictor=3)
    for dtype in ("u1", "i1", "u2", "i2", "u4", "i4", "f4", "f8"):
        add(f"lerc-{dtype}", dtype, rows=20, compression="lerc", odd=False)
    color = (3, 61, 83, 3)
    for how in ("none", "lzw", "deflate", "packbits"):
        add(f"rgb-{how}", "u1", color, rows=10, compression=how)
        add(f"rgb-planar-{how}", "u1", color, rows=10, compression=how, planar=True)
    for dtype in DTYPES:
        for how in ("lzw", "zstd"):
            add(f"rgb-{dtype}-{how}-p2", dtype, color, rows=10, compression=how, predictor=2)
    add("rgb-f8-p3", "f8", color, rows=10, compression="zstd", predictor=3)
    add("rgb-u2-p2-be", "u2", color, rows=10, compression="deflate", predictor=2, byteorder=">")
    add("rgb-planar-p2", "u2", color, tile=(32, 32), compression="lzw", predictor=2, planar=True)
    add("rgb-f4-p3", "f4", color, rows=10, compression="deflate", predictor=3)
    add("rgb-planar-f4-p3", "f4", color, rows=10, compression="lzw", predictor=3, planar=True, byteorder=">")
    add("rgb-tile", "u1", color, tile=(32, 48))
    add("rgb-planar-tile", "u2", color, tile=(32, 48), planar=True)
    add("rgb-planar-onestrip", "u2", color, planar=True, byteorder=">")
    rgba = (3, 61, 83, 4)
    add("rgba-none", "u1", rgba, rows=11)
    add("rgba-planar-zstd", "u2", rgba, rows=11, compression="zstd", planar=True)
    add("rgba-tile-deflate", "u2", rgba, tile=(16, 16), compression="deflate", predictor=2)
    add("five-samples", "u2", (3, 61, 83, 5), rows=8, photometric=GRAY, compression="lzw")
    add("two-samples-planar", "f4", (3, 61, 83, 2), rows=8, photometric=GRAY, planar=True)
    add("webp-rgb", "u1", color, rows=16, compression="webp")
    add("webp-rgba-tile", "u1", rgba, tile=(64, 64), compression="webp", judge="libtiff")
    for tables in (False, True):
        mark = "-tables" if tables else ""
        jpeg = {"compression": "jpeg", "jpeg_tables": tables, "judge": "libtiff"}
        add(f"jpeg-gray{mark}", "u1", rows=16, photometric=GRAY, **jpeg)
        add(f"jpeg-gray-tile{mark}", "u1", tile=(32, 32), photometric=GRAY, **jpeg)
        add(f"jpeg-rgb{mark}", "u1", color, rows=16, photometric=RGB, **jpeg)
        add(f"jpeg-ycbcr{mark}", "u1", color, rows=16, photometric=YCBCR, **jpeg)
        add(f"jpeg-ycbcr-22{mark}", "u1", color, rows=16, photometric=YCBCR, subsampling=(2, 2), **jpeg)
        add(f"jpeg-ycbcr-21-tile{mark}", "u1", color, tile=(64, 32), photometric=YCBCR, subsampling=(2, 1), **jpeg)
    add("fill2-none", "u1", rows=5, fillorder=2)
    add("fill2-none-u2", "u2", rows=5, fillorder=2)
    add("fill2-lzw", "u2", rows=5, fillorder=2, compression="lzw", predictor=2)
    add("fill2-deflate", "u2", tile=(16, 16), fillorder=2, compression="deflate")
    add("fill2-packbits", "u1", rows=5, fillorder=2, compression="packbits")
    add("fill2-zstd", "f4", rows=5, fillorder=2, compression="zstd", byteorder=">")
    for how in ("none", "lzw", "deflate", "zstd", "packbits", "lzma"):
        add(f"sparse-strips-{how}", rows=10, compression=how, sparse=frozenset({0, 2, 6}))
        add(f"sparse-tiles-{how}", tile=(16, 16), compression=how, sparse=frozenset({0, 5, 23}))
    add("sparse-all", rows=10, sparse=frozenset(range(7)))
    add("sparse-one-strip", compression="lzw", sparse=frozenset({0}))
    # tifffile hands out the header of the file as pixels, or fails; so does libtiff.
    add("sparse-one-raw-strip", judge="writer", sparse=frozenset({0}))
    add("sparse-planar", "u1", color, rows=31, planar=True, sparse=frozenset({1, 4}))
    add("full-last-none", rows=16, full_last_strip=True)
    add("full-last-lzw", rows=16, full_last_strip=True, compression="lzw")
    # tifffile refuses this one; libtiff 4.5 and 4.7 get its last voxel wrong.
    add("full-last-deflate", rows=16, judge="writer", full_last_strip=True, compression="deflate")
    add("directory-first", rows=10, compression="lzw", directory_first=True)
    add("directory-first-big", tile=(16, 16), bigtiff=True, byteorder=">", directory_first=True)
    add("short-counts", rows=2, compression="packbits", short_counts=True)
    add("rows-above-height", rows=4096)
    for how in ("none", "lzw", "zstd"):
        add(f"pages-{how}", "u2", (7, 61, 83), pages=True, rows=16, compression=how)
        add(f"pages-tile-big-{how}", "u1", (7, 61, 83), pages=True, tile=(32, 32), compression=how, bigtiff=True)
    add("pages-f8-be", "f8", (3, 40, 50), pages=True, rows=16, byteorder=">", compression="deflate", predictor=3)
    # Descriptions that claim no more than the pages show.
    claims = {
        "imagej-z": "ImageJ=1.53t\nimages=4\nslices=4\n",
        "shaped": '{"shape": [4, 20, 30]}',
    }
    for name, text in claims.items():
        add(f"pages-{name}", "u2", (4, 20, 30), pages=True, rows=7, description=text)
    add("pages-rgb", "u1", color, pages=True, rows=10)
    for dtype in ("u1", "u2", "f4"):
        add(f"odd-{dtype}", dtype, (61, 125, 246), rows=32, compression="lzw", predictor=2 if dtype != "f4" else 3)
    add("odd-tile", "u1", (61, 125, 246), tile=(64, 64), compression="deflate")
    add("one-pixel", "u2", (3, 1, 1))
    add("one-row", "u2", (3, 1, 517), rows=1, compression="lzw")
    add("one-column", "u2", (3, 517, 1), rows=8, compression="deflate", predictor=2)
    return kinds


KINDS = _kinds()
__all__ = ["KINDS", "DTYPES", "Kind", "Layout", "pixels", "truth", "write_stack", "write_tiff"]


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    for kind_name, each in KINDS.items():
        each.write(Path(sys.argv[1]) / kind_name)
