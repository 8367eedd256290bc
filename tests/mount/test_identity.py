"""Random stacks: whatever their shape, type, layout, compression, byte order, chunks and codec, every
voxel is the one that tifffile reads, and every level the cascade from there, whatever its ladder and method.

NGFFUSE_IDENTITY: how many (default 100). NGFFUSE_SEED: the first one's seed (default: by the clock). A
failure names the seed of the stack; NGFFUSE_SEED=that NGFFUSE_IDENTITY=1 makes it again.
"""

import itertools
import os
import random
import time

import cascade
import numpy as np
import pytest
import tifffile
from conftest import Mount
from make_stacks import DTYPES, GRAY, Layout, pixels, write_tiff
from reading import assert_same, axes_of, here, plain

pytestmark = pytest.mark.fuse

COUNT = int(os.environ.get("NGFFUSE_IDENTITY", "100"))
SEED = int(os.environ.get("NGFFUSE_SEED", str(int(time.time()))))
BATCHES = min(COUNT, 10)

LOSSLESS = ("none", "lzw", "deflate", "old-deflate", "packbits", "zstd", "lzma")
CODECS = ("none", "auto", "blosc-lz4", "blosc-lz4hc", "blosc-zstd", "zlib", "gzip", "zstd")


def random_layout(rng, dtype, height, width, samples, planar=None):
    how = rng.choice(LOSSLESS)
    predictor = 1
    if how in ("lzw", "deflate", "old-deflate", "zstd", "lzma") and rng.random() < 0.5:
        predictor = rng.choice([2, 3, 3]) if dtype[0] == "f" else 2
    layout = {
        "compression": how, "predictor": predictor, "byteorder": rng.choice("<>"),
        "bigtiff": rng.random() < 0.25, "planar": samples > 1 and rng.random() < 0.5 if planar is None else planar,
        "fillorder": 2 if rng.random() < 0.1 else 1,
        "photometric": 0 if samples >= 3 else GRAY,
    }
    if rng.random() < (0.5 if planar is None else 0.8):  # mixed files are mostly tiled
        layout["tile"] = (16 * rng.randint(1, 4), 16 * rng.randint(1, 4))
    else:
        layout["rows"] = rng.choice([0, 1, 2, 3, 8, 16, 32, rng.randint(1, height), height + 5])
    across = -(-height // layout["tile"][0]) * -(-width // layout["tile"][1]) if "tile" in layout \
        else -(-height // (layout["rows"] or height))
    units = across * (samples if layout["planar"] else 1)
    # A lone raw strip that is left out reads as the file's header in tifffile: no witness there.
    if rng.random() < 0.15 and (units > 1 or how != "none"):
        layout["sparse"] = frozenset(n for n in range(units) if rng.random() < 0.3)
    return Layout(**layout)


def random_stack(rng, folder):
    """Writes a stack. Returns (its axes, what tifffile reads, a line about it)."""
    outer = "".join(a for a in "tcz" if rng.random() < {"t": 0.3, "c": 0.4, "z": 0.8}[a])
    sizes = [rng.randint(2, {"t": 4, "c": 3, "z": 12}[a]) for a in outer]
    height, width = rng.randint(1, 90), rng.randint(1, 110)
    samples = rng.choice([1, 1, 1, 1, 2, 3, 4]) if "c" not in outer else 1
    dtype = rng.choice(DTYPES)
    layout = random_layout(rng, dtype, height, width, samples)
    mixed = rng.random() < 0.3  # each file has a layout of its own
    name = {"t": "t{:02d}", "c": "c{}", "z": rng.choice(["z{:03d}", "{:03d}", "slice{}"])}
    start = {a: rng.choice([0, 1, 17]) for a in "tz"} | {"c": 0}
    step = {a: rng.choice([1, 1, 3]) for a in "tz"} | {"c": 1}
    paged = outer in ("z", "tz") and rng.random() < 0.4
    shape = (height, width) if samples == 1 else (height, width, samples)
    planes, sets = {}, list(itertools.product(*map(range, sizes)))
    for n, index in enumerate(sets):
        planes[index] = pixels(shape, dtype, seed=rng.randrange(1 << 30))
    folder.mkdir()
    named = outer.replace("z", "") if paged else outer
    read = np.empty((*sizes, *((samples,) if samples > 1 else ()), height, width), f"<{dtype}")
    for index in itertools.product(*(range(s) for a, s in zip(outer, sizes) if a in named)):
        text = [name[a].format(start[a] + step[a] * i) for a, i in zip(named, index)]
        path = folder / ("_".join(["im", *text]) + ".tif")
        pages = [planes[index + (z,)] for z in range(sizes[-1])] if paged else [planes[index]]
        own = random_layout(rng, dtype, height, width, samples, layout.planar) if mixed else layout
        write_tiff(path, pages, own)
        with tifffile.TiffFile(path) as tif:
            for z, page in enumerate(tif.pages):
                voxels = page.asarray()
                if samples > 1 and page.axes != "SYX":
                    voxels = np.moveaxis(voxels, -1, 0)
                read[index + ((z,) if paged else ())] = voxels
    axes = outer + ("s" if samples > 1 else "") + "yx"
    if samples > 1:
        wanted = "".join(a for a in "tszyx" if a in axes)
        read = np.transpose(read, [axes.index(a) for a in wanted])
        axes = wanted.replace("s", "c")
    return axes, np.ascontiguousarray(read), f"{axes} {read.shape} {dtype} {'paged ' if paged else ''}" \
        f"{'mixed, first ' if mixed else ''}{layout}"


def random_options(rng, axes, voxels):
    args = ["--codec", rng.choice(CODECS), "--threads", str(rng.randint(1, 3))]
    if rng.random() < 0.4 and args[1] != "zlib":
        args += ["--ngff", "0.5"]
    if rng.random() < 0.7:
        side = rng.choice([8, 32, 64, 128])
        shape = [rng.randint(1, 20) if "z" in axes else 1, rng.randint(1, side), rng.randint(1, side)]
        if rng.random() < 0.4:  # on the edges of tiles, but not of all
            shape[1:] = [16 * rng.randint(1, 4), 8 * rng.randint(2, 9)]
        # Tens of thousands of chunks would test patience.
        while voxels > 3000 * shape[0] * shape[1] * shape[2]:
            shape[rng.choice([1, 2])] *= 2
        args += ["--chunk-shape", ",".join(map(str, shape))]
    if rng.random() < 0.3:
        args += ["--memory", "64M"]
    return args


# Voxel sizes x,y,z; the last ones lead to steps of 4.
VOXELS = ((1, 1, 1), (11.24, 11.24, 25), (4, 4, 40), (100, 100, 30), (1, 2, 4), (1, 2.1, 4), (4, 2.1, 1))
METHODS = ("median", "mean", "mode", "nearest", "min", "max")


def random_pyramid(rng, axes, voxels):
    """Options, and the levels that they ask for."""
    voxel = rng.choice(VOXELS)
    mode = rng.choice(["anisotropic", "anisotropic", "isotropic", "constant_z", "explicit"])
    if mode == "explicit":
        steps = [tuple(rng.randint(1, 2) if a != "z" or "z" in axes else 1 for a in "zyx") for _ in range(3)]
        mode = ":".join(",".join(map(str, s)) for s in steps if s != (1, 1, 1)) or "1,2,2"
    max_mag = rng.choice(["1", "4", "8", "16"])
    method, preview = rng.choice(METHODS), rng.random() < 0.15
    size = ",".join(map(str, voxel if "z" in axes else voxel[:2]))
    args = ["--voxel-size", size, "--sampling-mode", mode, "--max-mag", max_mag, "--interpolation-mode", method,
            "--preview", "always" if preview else "never"]
    flat = voxels if "z" in axes else np.expand_dims(voxels, -3)
    zyx = voxel[::-1] if "z" in axes else (1, *voxel[1::-1])
    mags = [level.mag for level in cascade.ladder(flat.shape[-3:], zyx, mode, max_mag)]
    levels = cascade.decimated(flat, mags) if preview else cascade.cascade(flat, mags, method)
    return args, [level if "z" in axes else level.squeeze(-3) for level in levels]


def identity(seed, folder):
    rng = random.Random(seed)
    axes, read, about = random_stack(rng, folder)
    args = random_options(rng, axes, read.size)
    more, levels = random_pyramid(rng, axes, read)
    args += more
    what = f"NGFFUSE_SEED={seed}: {about} {' '.join(args)}"
    try:
        with Mount(folder, *args) as m:
            image = m.path / f"{folder.name}.zarr"
            assert axes_of(image) == axes
            order = list(range(len(levels)))
            rng.shuffle(order)
            for k in order:
                got, what_level = plain(image, str(k)), f"level {k} of {len(levels)}"
                if k == 0 or read.dtype.kind != "f":
                    assert_same(got, levels[k], what_level)
                else:  # which NaN, and the sign of a zero, is no matter
                    np.testing.assert_array_equal(got, levels[k], what_level, strict=True)
            readers = [r for r in here("0.5" in args) if r.name not in ("plain", "ome-zarr", "napari")]
            if readers:
                reader = rng.choice(readers)
                assert_same(reader.read(image), read, reader.name)
    except Exception as e:
        raise AssertionError(f"{what}: {e}") from e


@pytest.mark.parametrize("batch", range(BATCHES))
def test_identity(batch, ngffuse, tmp_path, capsys):
    if batch == 0:
        with capsys.disabled():
            print(f"\nidentity: NGFFUSE_SEED={SEED} NGFFUSE_IDENTITY={COUNT}")
    seeds = range(SEED + batch * COUNT // BATCHES, SEED + (batch + 1) * COUNT // BATCHES)
    for seed in seeds:
        identity(seed, tmp_path / f"s{seed}x")
