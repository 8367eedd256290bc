"""Random stacks with damaged strips and tiles: at every level a chunk is exactly what the cascade makes of good voxels,
or EIO; and EIO are exactly those chunks with a voxel that depends on a damaged one.

Environment: NGFFUSE_DAMAGED (how many stacks, 24)."""

import errno
import os
import random

import cascade
import numpy as np
import pytest
from make_stacks import Layout, pixels, truth, write_stack, write_tiff
from reading import chunk_indices, chunk_path, chunk_region, describe, multiscale

pytestmark = pytest.mark.fuse

# Tiles are wider than any step, so that none lies between two voxels that a level keeps.
MAX_MAG = 8
VOXELS = {(1, 1, 1): "1,1,1", (25, 11.24, 11.24): "11.24,11.24,25", (4, 2.1, 1): "1,2.1,4"}


def random_layout(r):
    tile = r.choice([(), (16, 16), (32, 48)])
    compression = r.choice(["lzw", "deflate", "zstd", "none"])
    return Layout(rows=0 if tile else r.randrange(1, 50), tile=tile, compression=compression, directory_first=True)


def unit_boxes(shape, layout):
    """Of a page: the slices of each strip or tile."""
    height, width = layout.tile or (layout.rows, shape[1])
    return [(slice(y, y + height), slice(x, x + width)) for y in range(0, shape[0], height)
            for x in range(0, shape[1], width)]


def damage(r, path, plane, layout, bad):
    """Units that no decoder takes, or the file's end is missing from a unit on."""
    (units,) = write_tiff(path, [plane], layout)
    boxes = unit_boxes(plane.shape, layout)
    assert len(units) == len(boxes)
    first = r.randrange(len(units))
    if layout.compression == "none" or r.random() < 0.3:
        os.truncate(path, units[first][0])
        broken = range(first, len(units))
    else:
        broken = sorted({first, r.randrange(len(units))})
        with open(path, "r+b") as f:
            for unit in broken:
                f.seek(units[unit][0])
                f.write(b"\xff" * units[unit][1])
    for unit in broken:
        bad[boxes[unit]] = True


def read_or_errno(path):
    try:
        return path.read_bytes()
    except OSError as e:
        return e.errno


@pytest.mark.parametrize("seed", range(int(os.environ.get("NGFFUSE_DAMAGED", "24"))))
def test_random_damage(seed, mount, tmp_path):
    r = random.Random(seed)
    shape = (r.randrange(1, 30), r.randrange(20, 150), r.randrange(20, 150))
    layout, dtype = random_layout(r), r.choice(["u1", "u2", "i2", "f4"])
    volume = pixels(shape, dtype, seed=seed)
    paths = write_stack(tmp_path / "s", volume, layout)
    assert cascade.same(truth(paths), volume).all()
    bad = np.zeros(shape, bool)
    for z in sorted({r.randrange(shape[0]) for _ in range(r.randrange(1, 4))}):
        damage(r, paths[z], volume[z], layout, bad[z])
    voxel, words = r.choice(list(VOXELS.items()))
    chunk = (r.randrange(1, 9), r.randrange(8, 60), r.randrange(8, 60))
    method, preview = r.choice(cascade.METHODS), r.random() < 0.3
    options = ["--voxel-size", words, "--max-mag", MAX_MAG, "--chunk-shape", ",".join(map(str, chunk)), "--codec", "none",
               "--interpolation-mode", method, "--preview", "always" if preview else "never",
               "--threads", r.randrange(1, 4)]
    mags = [level.mag for level in cascade.ladder(shape, voxel, "anisotropic", str(MAX_MAG))]
    single = preview or method == "nearest"
    levels = cascade.decimated(volume, mags) if preview else cascade.cascade(volume, mags, method)
    lost = cascade.decimated(bad, mags) if single else cascade.cascade(bad, mags, "max")
    m = mount(tmp_path / "s", *options)
    image = m.path / "s.zarr"
    assert len(multiscale(image)["datasets"]) == len(mags)
    chunks = {k: describe(image / str(k))[1] for k in range(len(mags))}
    names = [(k, index) for k in chunks for index in chunk_indices(levels[k].shape, chunks[k])]
    r.shuffle(names)
    failed = 0
    for k, index in [*names, *names]:
        got = read_or_errno(chunk_path(image / str(k), index))
        what = f"{layout}, {options}, level {k}, {index}"
        region = chunk_region(index, levels[k].shape, chunks[k])
        if lost[k][region].any():
            assert got == errno.EIO, what
            failed += 1
            continue
        assert isinstance(got, bytes), f"{what}: {os.strerror(got)}"
        inside = tuple(slice(0, one.stop - one.start) for one in region)
        voxels = np.frombuffer(got, np.dtype(dtype).newbyteorder("<")).reshape(chunks[k])[inside]
        assert cascade.same(voxels, levels[k][region]).all(), what
    assert failed > 0
