"""Coarse chunks over what cannot be read: info, the log and the status count them, and the count is that of the chunks
whose reading fails."""

import itertools
import json
import os
import re

import numpy as np
import pytest
import tifffile
from make_stacks import Layout, pixels, write_stack, write_tiff

pytestmark = pytest.mark.fuse

SHAPE = (21, 150, 170)
OPTIONS = ["--voxel-size", "1,1,1", "--chunk-shape", "4,16,16", "--max-mag", "8", "--name", "em"]
LAYOUTS = {
    "strips": Layout(rows=16, compression="lzw"),
    "tiles": Layout(tile=(32, 48), compression="lzw"),
    "raw": Layout(rows=7),
}
WAYS = {
    "median": [],
    "nearest": ["--interpolation-mode", "nearest"],
    "preview": ["--preview", "always"],
    "steps of four": ["--sampling-mode", "anisotropic", "--voxel-size", "1,1,16"],
    "both layouts": ["--layout", "both"],
}


def empty(path):
    os.truncate(path, 0)


def other_size(path):
    path.unlink()
    write_tiff(path, [pixels((SHAPE[1], SHAPE[2] + 1), "u1")], Layout(rows=16))


def cut(path):
    """The last unit ends behind the file's end; the directory stands in front."""
    with tifffile.TiffFile(path) as tif:
        page = tif.pages[0]
        end = page.dataoffsets[-1] + page.databytecounts[-1] // 2
    os.truncate(path, end)


def scramble(path):
    """What only a decoder finds."""
    with tifffile.TiffFile(path) as tif:
        page = tif.pages[0]
        at, n = page.dataoffsets[3], page.databytecounts[3]
    with open(path, "r+b") as f:
        f.seek(at + n // 4)
        f.write(b"\xff" * (n // 2))


# By the number of the plane; what info finds without decoding.
DAMAGE = {2: (empty, True), 9: (cut, True), 20: (other_size, True), 14: (scramble, False)}


def coarse_chunks(image):
    """(level, path) of every chunk above level 0, from the arrays' own metadata."""
    for level in range(1, 64):
        array = image / str(level)
        if not array.exists():
            return
        meta = json.loads((array / ".zarray").read_text())
        grid = [-(-n // c) for n, c in zip(meta["shape"], meta["chunks"])]
        for index in itertools.product(*map(range, grid)):
            yield level, array.joinpath(*map(str, index))


def failing(image):
    n = 0
    for _, path in coarse_chunks(image):
        try:
            path.read_bytes()
        except OSError:
            n += 1
    return n


@pytest.fixture
def make(tmp_path):
    def make(layout, which=tuple(DAMAGE)):
        folder = tmp_path / "scan"
        paths = write_stack(folder, pixels(SHAPE, "u1"), Layout(**{**vars(LAYOUTS[layout]), "directory_first": True}))
        for z in which:
            DAMAGE[z][0](paths[z])
        return folder

    return make


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_count_is_that_of_failing_chunks(layout, way, make, mount):
    decoded = layout != "raw"
    folder = make(layout, [z for z in DAMAGE if decoded or z != 14])
    m = mount(folder, *OPTIONS, *WAYS[way])
    n = failing(m.path / "em.zarr")
    assert n > 0
    image = m.status()["images"][0]
    assert image["lost"] == n
    failed = sum(level["failed"] for level in m.status()["levels"] if level["level"] > 0)
    assert failed >= n


@pytest.mark.parametrize("z", [z for z in DAMAGE if DAMAGE[z][1]])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_info_counts(layout, z, make, mount, run):
    """What can be seen without decoding is counted before anything is read."""
    folder = make(layout, [z])
    report = json.loads(run("info", "--json", *OPTIONS, str(folder)).stdout)["images"][0]
    m = mount(folder, *OPTIONS)
    assert report["lost"] == failing(m.path / "em.zarr") > 0
    warning = next(w for w in report["warnings"] if "coarser levels" in w)
    assert f" {report['lost']} of {len(list(coarse_chunks(m.path / 'em.zarr')))} " in warning
    assert "--damaged fill" in warning


def test_log_tells_when_it_is_found(make, mount):
    """Once, with what it costs; by the sample at the mount or by the first reader."""
    folder = make("strips", [14])
    m = mount(folder, *OPTIONS)
    n = failing(m.path / "em.zarr")
    said = {e["kind"]: e["message"] for e in m.status()["errors"]}
    assert set(said) == {"damaged", "lost"} and len(m.status()["errors"]) == 2
    assert "--damaged fill" in said["lost"]
    assert int(re.match(r"(\d+) chunks of coarser levels are lost", said["lost"])[1]) == n


def test_fill_loses_nothing(make, mount, run):
    folder = make("strips")
    args = [*OPTIONS, "--damaged", "fill"]
    report = json.loads(run("info", "--json", *args, str(folder)).stdout)["images"][0]
    assert report["lost"] == 0 and not any("coarser" in w for w in report["warnings"])
    m = mount(folder, *args)
    assert failing(m.path / "em.zarr") == 0
    status = m.status()
    assert status["images"][0]["lost"] == 0
    assert not any("--damaged fill" in e["message"] for e in status["errors"])
    level = np.fromfile(m.path / "em.zarr/1/0/0/0", "u1")
    assert level.any()
