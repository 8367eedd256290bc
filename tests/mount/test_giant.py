"""30,000 planes of 20,000 x 20,000: the coarsest level opens in the time that `info` said, in bounded memory. The files
are few, with many names; those of raw rows are holes for the most part."""

import json
import os
import re
import time
from concurrent.futures import ThreadPoolExecutor

import cascade
import imagecodecs
import numpy as np
import pytest
import tifffile
from reading import chunk_indices, chunk_path, chunk_region, decode_chunk, describe
from workbench import before_others, peak_rss, picture, sanitized

pytestmark = pytest.mark.fuse

PLANES, SIDE, ROWS = 30000, 20000, 32
MIB = 1 << 20
VOXEL = (4, 4, 4)
MAG = cascade.mags((PLANES, SIDE, SIDE), VOXEL)[-1]


def sparse_plane(path, rows, row):
    """A raw plane that has `row` in some rows and holes in between."""
    tifffile.imwrite(path, shape=(SIDE, SIDE), dtype="u1", photometric="minisblack", rowsperstrip=ROWS, metadata=None)
    with tifffile.TiffFile(path) as t:
        start = t.pages[0].dataoffsets[0]
    with open(path, "r+b") as f:
        for y in rows:
            f.seek(start + y * SIDE)
            f.write(row.tobytes())


def raw(folder):
    """-> for the number of a file the voxels of its plane that the coarsest level has"""
    rows = picture((37, SIDE), "u1")
    for i, row in enumerate(rows):
        sparse_plane(folder / f"plane_{i}", [MAG[1] * 3, SIDE - 1], row)

    def kept(i):
        plane = np.zeros((-(-SIDE // MAG[1]), -(-SIDE // MAG[2])), "u1")
        plane[3] = rows[i][::MAG[2]]
        return plane

    return len(rows), kept


def lzw(folder):
    strips = picture((5, ROWS, SIDE), "u1", noise=40)
    coded = [imagecodecs.lzw_encode(strip.tobytes()) for strip in strips]
    tifffile.imwrite(folder / "plane_0", (coded[i % 5] for i in range(SIDE // ROWS)), shape=(SIDE, SIDE), dtype="u1",
                     photometric="minisblack", rowsperstrip=ROWS, compression="lzw", metadata=None)
    kept = np.stack([strips[y // ROWS % 5, y % ROWS, ::MAG[2]] for y in range(0, SIDE, MAG[1])])
    return 1, lambda _: kept


@pytest.fixture(scope="module", params=[raw, lzw], ids=["raw", "lzw"])
def stack(request, tmp_path_factory):
    top = tmp_path_factory.mktemp("giant")
    n, kept = request.param(top)
    (top / "s").mkdir()
    for z in range(PLANES):
        os.link(top / f"plane_{z % n}", top / "s" / f"s_{z:05d}.tif")
    return top / "s", lambda z: kept(z % n)


def read_level(array, kept):
    """Compares all chunks; -> seconds that reading them took."""
    shape, chunks, dtype, codec = describe(array)
    indices = list(chunk_indices(shape, chunks))
    start = time.monotonic()
    with ThreadPoolExecutor(8) as threads:
        data = list(threads.map(lambda i: chunk_path(array, i).read_bytes(), indices))
    took = time.monotonic() - start
    assert tuple(shape) == cascade.level_shape((PLANES, SIDE, SIDE), MAG)
    for index, encoded in zip(indices, data):
        z, y, x = chunk_region(index, shape, chunks)
        wanted = np.stack([kept(k * MAG[0])[y, x] for k in range(z.start, z.stop)])
        voxels = decode_chunk(encoded, chunks, dtype, codec)
        np.testing.assert_array_equal(voxels[:wanted.shape[0], :wanted.shape[1], :wanted.shape[2]], wanted)
    return took


def test_the_coarsest_level(stack, run, ngffuse, mount):
    folder, kept = stack
    words = ["--voxel-size", ",".join(map(str, reversed(VOXEL)))]
    errors = []
    for _ in range(3):
        with before_others():
            start = time.monotonic()
            done = run("info", "--json", *words, folder)
            told = time.monotonic() - start
            view = json.loads(done.stdout)["images"][0]["first_view"]
            start = time.monotonic()
            with mount.within(folder, *words) as m:
                ready = time.monotonic() - start
                took = read_level(m.path / "s.zarr" / str(view["level"]), kept)
                rss, status = peak_rss(m.pid), m.status()
        print(f"level {view['level']} ({view['made']}): info took {told:.1f} s and said {view['seconds']:.2f} s to "
              f"read {view['reads'] / MIB:.0f} MiB, true: {view['other']['seconds'] / 86400:.1f} days; mounted in "
              f"{ready:.1f} s, opened in {took:.2f} s; peak resident {rss / MIB:.0f} MiB, budget "
              f"{status['memory']['budget'] / MIB:.0f} MiB; {status['strips_decoded']} strips decoded, "
              f"{status['bytes_fetched'] / MIB:.0f} MiB read")
        assert view["made"] == "preview"
        assert sanitized(ngffuse) or rss <= status["memory"]["budget"] + 64 * MIB
        errors.append(max(view["seconds"] / took, took / view["seconds"]))
        if errors[-1] < 2:
            break
    assert min(errors) < 2


def test_info_in_words(stack, run):
    line = next(line for line in run("info", stack[0]).stdout.splitlines() if line.startswith("  first view "))
    print(line)
    assert re.search(r"level \d+, a PREVIEW: reads [0-9.]+ [MG]iB.* here; true \(--preview never\): reads [0-9.]+ TiB",
                     line)
