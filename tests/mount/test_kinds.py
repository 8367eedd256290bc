"""Every kind of TIFF of make_stacks.py, as images of one mount, with several codecs: what tifffile
(or libtiff, for lossy kinds) reads and what the mount shows is the same."""

import json
import os

import numpy as np
import pytest
import tifffile
from conftest import Mount
from make_stacks import KINDS, Layout, pixels, truth, write_stack, write_tiff
from reading import along, assert_same, axes_of, chunk_path, here, plain

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
    v3 = "0.5" in all_kinds.args
    readers = [r for r in here(v3) if r.name not in ("plain", "napari", "ome-zarr")]
    if not readers:
        pytest.skip("no library here reads Zarr v3")
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


# --- how files lie together


def test_links(mount, kinds, truths, tmp_path):
    """A folder of links to slices elsewhere, mounted through a link to it: the name is the link's."""
    (tmp_path / "real").mkdir()
    for path in kinds[1]["tile-lzw"]:
        (tmp_path / "real" / path.name).symlink_to(path)
    (tmp_path / "link").symlink_to("real")
    image = mount(tmp_path / "link").path / "link.zarr"
    assert_same(plain(image), truths["tile-lzw"])


def test_relative_and_odd_names(ngffuse, kinds, truths, tmp_path, monkeypatch):
    """`.`, `..`, a trailing slash, and a folder that is called almost anything."""
    odd = tmp_path / "mice, 2nd \u00e9t\u00e9 (10%) #1"
    KINDS["row3-none"].write(odd)
    wanted = KINDS["row3-none"].truth(sorted(odd.glob("*.tif")))
    (odd / "sub").mkdir()
    for here_is, source in ((odd, "."), (odd / "sub", ".."), (tmp_path, f"{odd.name}/"), (tmp_path, odd)):
        monkeypatch.chdir(here_is)
        with Mount(source) as m:
            (image,) = m.path.glob("*.zarr")
            assert image.name == odd.name + ".zarr"
            assert_same(plain(image), wanted, f"{source} in {here_is}")


def test_mount_point_inside_the_source(ngffuse, kinds, tmp_path):
    """The mount is no part of its source, nor hides the files it shows."""
    paths = KINDS["row3-lzw"].write(tmp_path / "em")
    wanted = KINDS["row3-lzw"].truth(paths)
    with Mount(tmp_path / "em", mountpoint=tmp_path / "em" / "mnt") as m:
        assert [p.name for p in m.path.iterdir() if p.is_dir()] == ["em.zarr"]
        assert_same(plain(m.path / "em.zarr"), wanted)


def test_numbered_files_of_pages(mount, tmp_path):
    """Unnamed numbers of files with pages: t by the file, z by the page."""
    volume = pixels((3, 5, 20, 30), "u2")
    (tmp_path / "em").mkdir()
    for t in range(3):
        write_tiff(tmp_path / "em" / f"em_{t}.tif", list(volume[t]), Layout(rows=8, compression="lzw"))
    wanted = np.stack([truth([tmp_path / "em" / f"em_{t}.tif"]) for t in range(3)])
    image = mount(tmp_path / "em").path / "em.zarr"
    assert axes_of(image) == "tzyx"
    assert_same(plain(image), wanted)


@pytest.mark.parametrize("chunk", ["1,128,192", "3,50,100", "2,128,64", "1,256,640"])
def test_files_of_different_layouts(mount, tmp_path, chunk):
    """Each file has strips or tiles of its own; chunks that begin in the middle of a tile of some of them."""
    layouts = [Layout(tile=(128, 128)), Layout(tile=(128, 256), compression="lzw"), Layout(tile=(64, 192)),
               Layout(rows=7, compression="deflate"), Layout(tile=(128, 256)), Layout(compression="lzw"),
               Layout(rows=3, byteorder=">"), Layout(tile=(128, 128), byteorder=">")]
    volume = pixels((len(layouts), 256, 640), "u2")
    (tmp_path / "em").mkdir()
    paths = [tmp_path / "em" / f"em_{z}.tif" for z in range(len(layouts))]
    for path, plane, layout in zip(paths, volume, layouts):
        write_tiff(path, [plane], layout)
    wanted = truth(paths)
    m = mount(tmp_path / "em", "--chunk-shape", chunk, "--codec", "none")
    assert_same(plain(m.path / "em.zarr"), wanted)


def test_channels_and_slices_by_pattern(mount, tmp_path):
    """{c}/{z}: folders are channels, in natural order."""
    wanted = []
    for name in ("ch1", "ch2", "ch10"):
        paths = write_stack(tmp_path / "em" / name, pixels((4, 20, 30), "u1", seed=len(wanted)), name="{:d}.tif")
        wanted.append(truth(paths))
    m = mount(tmp_path / "em", "--pattern", "{c}/{z}.tif")
    assert axes_of(m.path / "em.zarr") == "czyx"
    assert_same(plain(m.path / "em.zarr"), np.stack(wanted))


def test_hole_in_a_grid(mount, tmp_path):
    """c x z with one file missing: fill_value there, nothing shifts."""
    paths = {}
    for c in range(2):
        volume = pixels((8, 20, 30), "u2", seed=c)
        paths[c] = write_stack(tmp_path / "em", volume, name=f"em_c{c}_z{{:03d}}.tif")
    wanted = np.stack([truth(paths[c]) for c in range(2)])
    paths[1][3].unlink()
    wanted[1, 3] = 0
    image = mount(tmp_path / "em").path / "em.zarr"
    assert axes_of(image) == "czyx"
    assert_same(plain(image), wanted)


def test_strangers_are_left_out(mount, kinds, tmp_path):
    """A TIFF without a number beside a series, other files, hidden ones, a pipe."""
    paths = KINDS["row3-lzw"].write(tmp_path / "em")
    wanted = KINDS["row3-lzw"].truth(paths)
    write_tiff(tmp_path / "em" / "overview.tif", [pixels((9, 9), "u1")])
    write_tiff(tmp_path / "em" / "._s001.tif", [pixels((9, 9), "u1")])
    (tmp_path / "em" / "readme.txt").write_text("about")
    os.mkfifo(tmp_path / "em" / "s005.tif")
    m = mount(tmp_path / "em")
    assert [p.name for p in m.path.iterdir() if p.is_dir()] == ["em.zarr"]
    assert_same(plain(m.path / "em.zarr"), wanted)


def test_two_series_are_two_images(mount, tmp_path):
    wanted = {}
    for name in ("DAPI", "GFP"):
        wanted[name] = truth(write_stack(tmp_path / "em", pixels((4, 20, 30), "u1"), name=name + "_{:03d}.tif"))
    m = mount(tmp_path / "em")
    assert sorted(p.name for p in m.path.iterdir() if p.is_dir()) == ["DAPI.zarr", "GFP.zarr"]
    for name, voxels in wanted.items():
        assert_same(plain(m.path / f"{name}.zarr"), voxels)


def test_a_raw_strip_of_two_gigabytes(mount, tmp_path):
    """Rows of a page in one strip are read by themselves, however large the strip (the file is mostly a hole)."""
    path = tmp_path / "em" / "s_0.tif"
    path.parent.mkdir()
    page = tifffile.memmap(path, shape=(33000, 33000), dtype="u2", photometric="minisblack")
    places = [(0, 0), (16000, 20000), (32999, 32999), (32999, 0)]
    for y, x in places:
        page[y, x] = y // 2 + x // 2 + 1
    page.flush()
    del page
    with tifffile.TiffFile(path) as tif:
        assert tif.pages[0].rowsperstrip == 33000
    m = mount(tmp_path / "em", "--codec", "none", "--chunk-shape", "1,256,256")
    read = tifffile.memmap(path)
    for y, x in places:
        ty, tx = y // 256, x // 256
        data = chunk_path(m.path / "em.zarr" / "0", (0, ty, tx)).read_bytes()
        chunk = np.frombuffer(data, "<u2").reshape(256, 256)
        part = read[256 * ty:256 * ty + 256, 256 * tx:256 * tx + 256]
        assert (chunk[:part.shape[0], :part.shape[1]] == part).all() and part[y % 256, x % 256] != 0


def test_hints_hold(mount, run, tmp_path):
    """The pattern that `info` offers for folders that look like channels makes one image of them."""
    for name in ("ch1", "ch2"):
        write_stack(tmp_path / "em" / name, pixels((4, 20, 30), "u1"), name="im{:d}.tif")
    said = run("info", tmp_path / "em").stdout
    assert "hint: --pattern 'ch{c}/im{z}.tif' would make one image of the folders" in said, said
    m = mount(tmp_path / "em", "--pattern", "ch{c}/im{z}.tif")
    assert axes_of(m.path / "em.zarr") == "czyx"


def test_duplicates_and_gaps_are_named(run, tmp_path):
    write_stack(tmp_path / "em", pixels((30, 20, 30), "u1"), numbers=[*range(20), *range(22, 32)], name="s{:04d}.tif")
    write_stack(tmp_path / "em", pixels((1, 20, 30), "u1"), numbers=[7], name="s{:03d}.tif")
    said = run("info", tmp_path / "em").stdout
    assert "s007.tif   (a duplicate of s0007.tif)" in said, said
    assert "2 planes are missing and filled: z 20..21" in said, said
    write_stack(tmp_path / "times", pixels((11, 20, 30), "u1"), numbers=[*range(7), *range(8, 12)], name="a_t{:02d}.tif")
    said = run("info", tmp_path / "times").stdout
    assert "1 plane is missing and filled: t 7\n" in said, said


def test_windows_from_tags(mount, tmp_path):
    """280 and 281, or 340 and 341, where they are less than the whole type; the option comes first."""
    cases = {"u2": ("u2", [(280, "H", 5), (281, "H", 4095)], (5, 4095)),
             "u1": ("u1", [(280, "H", 5), (281, "H", 99)], (5, 99)),
             "u1-all": ("u1", [(280, "H", 0), (281, "H", 255)], (0, 255)),
             "i2": ("i2", [(340, "h", -300), (341, "h", 700)], (-300, 700)),
             "f4": ("f4", [(340, "f", -0.5), (341, "f", 1.5)], (-0.5, 1.5)),
             "outside": ("u2", [(280, "I", 5), (281, "I", 70000)], None)}
    for name, (dtype, tags, _) in cases.items():
        (tmp_path / "src" / name).mkdir(parents=True)
        tifffile.imwrite(tmp_path / "src" / name / "s_0.tif", pixels((30, 40), dtype), photometric="minisblack",
                         metadata=None, extratags=[(tag, kind, 1, value, True) for tag, kind, value in tags])
    m = mount(tmp_path / "src")
    for name, (_, _, wanted) in cases.items():
        attributes = json.loads((m.path / f"{name}.zarr" / ".zattrs").read_text())
        window = attributes["omero"]["channels"][0]["window"]
        if wanted is not None:
            assert (window["start"], window["end"]) == wanted, name
        else:
            assert window["end"] <= 65535


def test_what_else_tells_the_planes(mount, run, tmp_path):
    """An index beside the files that cannot be used is said, and their names decide; each series of a file is an image."""
    write_stack(tmp_path / "em", pixels((3, 20, 30), "u1"))
    (tmp_path / "em" / "em.companion.ome").write_text("<OME></OME>")
    done = run("info", tmp_path / "em")
    assert done.returncode == 0 and "em.companion.ome" in done.stdout
    m = mount(tmp_path / "em")
    assert plain(m.path / "em.zarr").shape == (3, 20, 30)
    (tmp_path / "two").mkdir()
    with tifffile.TiffWriter(tmp_path / "two" / "two.tif") as out:
        for n in (5, 4):
            out.write(pixels((n, 20, 30), "u1"), photometric="minisblack")
    with tifffile.TiffFile(tmp_path / "two" / "two.tif") as tif:
        assert [series.shape for series in tif.series] == [(5, 20, 30), (4, 20, 30)]
    m = mount(tmp_path / "two" / "two.tif")
    with tifffile.TiffFile(tmp_path / "two" / "two.tif") as tif:
        for k, series in enumerate(tif.series):
            assert_same(plain(m.path / f"two_{k}.zarr"), series.asarray())


def test_what_is_ignored_is_said(run, tmp_path):
    """Broken OME-XML and a shape that does not fit the pages."""
    for name, text in (("ome", "<?xml version='1.0'?><OME><Image></OME>"), ("shape", '{"shape": [2, 2, 20, 30]}')):
        path = tmp_path / f"{name}.tif"
        with tifffile.TiffWriter(path) as out:
            for page in pixels((6, 20, 30), "u1"):
                out.write(page, photometric="minisblack", metadata=None, contiguous=False,
                          description=text if page is not None else None)
                text = None
        said = run("info", path).stdout
        assert "6 x 20 x 30" in said and "ignored" in said, said


def test_the_step_is_said(run, tmp_path):
    write_stack(tmp_path / "em", pixels((5, 20, 30), "u1"), numbers=range(0, 45, 9))
    assert "every 9th number is there" in run("info", tmp_path / "em").stdout


def test_filled_damage_is_listed(mount, run, tmp_path):
    """With --damaged fill the image says which planes are not data."""
    paths = write_stack(tmp_path / "em", pixels((6, 20, 30), "u1"), numbers=[0, 1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12][:6])
    paths[-1].write_bytes(b"")
    for damaged, planes in (("error", 1), ("fill", 2)):
        with mount.within(tmp_path / "em", "--damaged", damaged, "--gaps", "fill") as m:
            filled = json.loads((m.path / "em.zarr" / ".zattrs").read_text())["ngffuse"]["filled"]
            assert filled["planes"] == planes, filled
            assert ("1 DAMAGED, filled" in m.log) == (damaged == "fill"), m.log
