"""Every kind of TIFF of make_stacks.py, as images of one mount, with several codecs: what tifffile
(or libtiff, for lossy kinds) reads and what the mount shows is the same."""

import numpy as np
import pytest
from conftest import Mount
from make_stacks import KINDS
from reading import along, assert_same, axes_of, here, plain

pytestmark = pytest.mark.fuse

# Options of a mount of all kinds.
MOUNTS = {
    "none": ["--codec", "none"],
    "blosc-lz4, small chunks": ["--codec", "blosc-lz4", "--chunk-shape", "3,17,32"],
    "zstd, 0.5, one thread, small memory": [
        "--codec", "zstd", "--ngff", "0.5", "--threads", "1", "--memory", "64M", "--chunk-shape", "64,64,64",
    ],
}


@pytest.fixture(scope="session")
def kinds(tmp_path_factory):
    """Every kind, written: (their folder, {name: [paths]})"""
    top = tmp_path_factory.mktemp("kinds")
    return top, {name: kind.write(top / name) for name, kind in KINDS.items()}


@pytest.fixture(scope="session")
def truths(kinds):
    """{name: voxels (z, y, x) or (z, c, y, x)}, by tifffile or libtiff"""
    return {name: KINDS[name].truth(paths) for name, paths in kinds[1].items()}


@pytest.fixture(scope="module", params=MOUNTS)
def all_kinds(request, ngffuse, kinds):
    with Mount(kinds[0], *MOUNTS[request.param]) as m:
        yield m


def expected(kind, truth):
    return along(truth, "zcyx" if truth.ndim == 4 else "zyx", kind.axes)


def test_the_generator_is_understood(kinds, truths):
    """tifffile reads the very pixels that were meant, so that the truths are no accident. (Lossy
    kinds: nearly; tiles that are left out are not followed here.)"""
    for name, kind in KINDS.items():
        if kind.layout.sparse and (kind.layout.tile or kind.layout.planar):
            continue
        meant, read = kind.written(kinds[0] / name), truths[name]
        if kind.layout.compression == "jpeg":
            assert read.shape == meant.shape
            assert np.abs(read.astype(float) - meant).mean() < 4, name
        else:
            assert_same(read, meant, name)


def test_every_kind_is_an_image(all_kinds):
    images = {p.name for p in all_kinds.path.iterdir() if p.suffix == ".zarr"}
    assert images == {f"{name}.zarr" for name in KINDS}


@pytest.mark.parametrize("name", KINDS)
def test_kind(name, all_kinds, truths):
    image = all_kinds.path / f"{name}.zarr"
    assert axes_of(image) == KINDS[name].axes
    assert_same(plain(image), expected(KINDS[name], truths[name]), name)


def test_by_a_library(all_kinds, truths):
    """The readers take turns, so that each sees many kinds."""
    readers = [r for r in here("0.5" in all_kinds.args) if r.name not in ("plain", "napari", "ome-zarr")]
    for turn, (name, truth) in enumerate(truths.items()):
        reader = readers[turn % len(readers)]
        got = reader.read(all_kinds.path / f"{name}.zarr")
        assert_same(got, expected(KINDS[name], truth), f"{name}, {reader.name}")


def test_alone(mount, kinds, truths, run):
    """Kinds mounted one at a time, and by `cat`, are the same images."""
    for name in ("rgb-planar-lzw", "pages-tile-big-zstd", "sparse-strips-none"):
        image = mount(kinds[0] / name).path / f"{name}.zarr"
        assert_same(plain(image), expected(KINDS[name], truths[name]), name)
        chunk = "0/0/0/0/0" if KINDS[name].axes == "czyx" else "0/0/0/0"
        done = run("cat", kinds[0] / name, f"{name}.zarr/{chunk}", text=False)
        assert done.returncode == 0, done.stderr
        assert done.stdout == (image / chunk).read_bytes()


def test_file_as_source(mount, kinds, truths):
    """A multi-page file by itself: its stem is the image's name."""
    image = mount(kinds[0] / "pages-lzw" / "stack.tif").path / "stack.zarr"
    assert axes_of(image) == "zyx"
    assert_same(plain(image), truths["pages-lzw"])


def test_folders_to_a_depth_of_four(mount, kinds, tmp_path):
    """Folders of folders are images, named by their path; the fifth level is not looked at."""
    deep = tmp_path / "src" / "a" / "b" / "c" / "d"
    for folder in (tmp_path / "src" / "top", deep, deep / "too-deep"):
        KINDS["row3-lzw"].write(folder)
    m = mount(tmp_path / "src")
    assert sorted(p.name for p in m.path.iterdir() if p.is_dir()) == ["a_b_c_d.zarr", "top.zarr"]
    for name, folder in (("a_b_c_d", deep), ("top", tmp_path / "src" / "top")):
        wanted = KINDS["row3-lzw"].truth(sorted(folder.glob("*.tif")))
        assert_same(plain(m.path / f"{name}.zarr"), wanted, name)


def test_group_none(mount, kinds, truths):
    """--group none: each numbered file is an image."""
    m = mount(kinds[0] / "row3-lzw", "--group", "none")
    for z, plane in enumerate(truths["row3-lzw"]):
        image = m.path / f"s{z:03d}.zarr"
        voxels = plain(image)
        assert voxels.size == plane.size
        assert_same(voxels.reshape(plane.shape), plane)
