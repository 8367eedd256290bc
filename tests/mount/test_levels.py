"""Every level of a mount is the cascade of the level before (cascade.py) from what tifffile reads: all methods,
types, ladders and kinds of TIFF; where levels lie; what damage does to them; that listing them costs nothing."""

import errno
import itertools
import json
import os
import random
import subprocess
from concurrent.futures import ThreadPoolExecutor

import cascade
import numpy as np
import pytest
from make_stacks import DTYPES, KINDS, Layout, pixels, truth, write_stack, write_tiff
from reading import (
    along, assert_same, axes_of, chunk_indices, chunk_path, chunk_region, decode_chunk, describe, multiscale, plain,
)
from workbench import chunk_paths

pytestmark = pytest.mark.fuse

# What is asked for, and the voxel size (z, y, x) that leads to the steps in the name.
LADDERS = {
    "1,2,2 then 2,2,2": ((25, 11.24, 11.24), "anisotropic", "8"),
    "2,2,2": ((1, 1, 1), "anisotropic", None),
    "2,1,1": ((30, 100, 100), "anisotropic", None),
    "4 on y": ((4, 2.1, 1), "anisotropic", "8"),
    "isotropic": ((25, 11.24, 11.24), "isotropic", "8"),
    "constant_z": ((25, 11.24, 11.24), "constant_z", "8"),
    "explicit": ((25, 11.24, 11.24), "2,1,1:1,2,2:2,1,2", "8"),
}


def options(ladder, method=None, *more):
    voxel, mode, max_mag = LADDERS[ladder]
    words = ["--voxel-size", ",".join(map(str, reversed(voxel)))]
    if mode != "anisotropic":
        words += ["--sampling-mode", mode]
    if max_mag:
        words += ["--max-mag", max_mag]
    if method:
        words += ["--interpolation-mode", method]
    return [*words, *more]


class Expected:
    """Of an image: .ladder and .levels, the voxels of each. voxels: level 0, with the axes of the letters."""

    def __init__(self, voxels, axes, ladder, method="median", decimated=False):
        voxel, mode, max_mag = LADDERS[ladder]
        self.axes, self.method = axes, "nearest" if decimated else method
        self.flat = "z" not in axes
        if self.flat:
            voxels, voxel = np.expand_dims(voxels, -3), (1, *voxel[1:])
        self.ladder = cascade.ladder(voxels.shape[-3:], voxel, mode, max_mag)
        mags = [level.mag for level in self.ladder]
        levels = cascade.decimated(voxels, mags) if decimated else cascade.cascade(voxels, mags, self.method)
        self.levels = [level.squeeze(-3) if self.flat else level for level in levels]

    def spatial(self, values):
        return list(values[1:] if self.flat else values)

    def check_voxels(self, image, what=""):
        """Levels from 1 on; level 0 has tests of its own."""
        paths = [dataset["path"] for dataset in multiscale(image)["datasets"]]
        assert paths == [str(k) for k in range(len(self.levels))], what
        for k in range(1, len(self.levels)):
            check_equal(plain(image, str(k)), self.levels[k], f"{what}, level {k}")

    def check_places(self, image, what=""):
        """Scale and translation of each level, as doubles that are the very same."""
        outer = len(self.axes) - len(self.spatial((1, 1, 1)))
        assert axes_of(image) == self.axes, what
        doc = multiscale(image)
        assert doc["type"] == self.method and doc["metadata"]["description"], what
        datasets = doc["datasets"]
        assert len(datasets) == len(self.ladder), f"{what}: {datasets}"
        for k, (dataset, level) in enumerate(zip(datasets, self.ladder)):
            scale, *rest = dataset["coordinateTransformations"]
            assert scale["type"] == "scale", what
            assert scale["scale"][outer:] == self.spatial(level.scale), f"{what}, level {k}"
            assert scale["scale"][:outer] == [1] * outer, f"{what}, level {k}"
            wanted = [] if k == 0 or self.method == "nearest" else \
                [{"type": "translation", "translation": [0] * outer + self.spatial(level.translation)}]
            assert rest == wanted, f"{what}, level {k}"


def check_equal(got, wanted, what):
    assert (got.shape, got.dtype) == (wanted.shape, wanted.dtype.newbyteorder("<")), f"{what}: {got.shape} {got.dtype}"
    same = cascade.same(got, wanted)
    if not same.all():
        at = tuple(int(i) for i in np.argwhere(~same)[0])
        raise AssertionError(f"{what}: {np.count_nonzero(~same)} of {got.size} voxels differ, the first at {at}: "
                             f"{got[at]!r}, should be {wanted[at]!r}")


# --- methods, types, ladders

# How each type is stored, by turns.
STORED = [Layout(rows=5), Layout(rows=32, compression="lzw"), Layout(tile=(32, 48), compression="deflate"),
          Layout(compression="zstd"), Layout(rows=1)]
SIZES = {"large": (61, 125, 246), "small": (1, 7, 5), "odd": (5, 31, 9)}


@pytest.fixture(scope="session")
def types(tmp_path_factory):
    """Images of every type and size: (their folder, {name: voxels})"""
    top, voxels = tmp_path_factory.mktemp("types"), {}
    for (n, dtype), size in itertools.product(enumerate(DTYPES), SIZES):
        name = f"{dtype}-{size}"
        # Few values, so that the mode has something to count.
        volume = pixels(SIZES[size], dtype, seed=n)
        volume[:, ::3] = volume[:, ::3] // 1000 * 1000 if dtype[0] == "f" else volume[:, ::3] // 8 * 8
        write_stack(top / name, volume, STORED[n % len(STORED)])
        voxels[name] = volume
    return top, voxels


@pytest.mark.parametrize("method", cascade.METHODS)
@pytest.mark.parametrize("ladder", LADDERS)
def test_every_type(ladder, method, types, mount):
    top, voxels = types
    m = mount(top, *options(ladder, method))
    # Of the large ones a third for each method and ladder, by turns.
    turn = list(LADDERS).index(ladder) + cascade.METHODS.index(method)
    for name, volume in voxels.items():
        if name.endswith("large") and (DTYPES.index(name[:2]) + turn) % 3:
            continue
        expected = Expected(volume, "zyx", ladder, method)
        expected.check_places(m.path / f"{name}.zarr", name)
        expected.check_voxels(m.path / f"{name}.zarr", name)


def test_default_method(types, mount):
    """Without --interpolation-mode an image is reduced by the median."""
    top, voxels = types
    m = mount(top / "u2-odd", *options("2,2,2"))
    expected = Expected(voxels["u2-odd"], "zyx", "2,2,2", "median")
    expected.check_places(m.path / "u2-odd.zarr")
    expected.check_voxels(m.path / "u2-odd.zarr")


def test_preview_always(types, mount):
    """Decimated straight from level 0, without translations, and said so."""
    top, voxels = types
    m = mount(top, *options("1,2,2 then 2,2,2", "median", "--preview", "always"))
    for name in ("u1-large", "f4-odd", "i2-small"):
        image = m.path / f"{name}.zarr"
        expected = Expected(voxels[name], "zyx", "1,2,2 then 2,2,2", decimated=True)
        expected.check_voxels(image, name)
        datasets = multiscale(image)["datasets"]
        assert all(len(dataset["coordinateTransformations"]) == 1 for dataset in datasets)
        assert "preview" in json.loads((image / ".zattrs").read_text())["ngffuse"]
        for k in range(1, len(datasets)):
            assert describe(image / str(k))[1][0] == 1, "chunks one plane deep"


def test_ladders_that_do_not_exist(types, run, tmp_path):
    top, _ = types
    for words in (["--max-mag", "8-8-1"], ["--max-mag", "3"], ["--sampling-mode", "1,1,1"],
                  ["--sampling-mode", "1,2,2:1,1,1"], ["--sampling-mode", "3,1,1"], ["--sampling-mode", "2,2"],
                  ["--sampling-mode", "wide"], ["--interpolation-mode", "bicubic"], ["--preview", "sometimes"]):
        done = run("-f", "--voxel-size", "11.24,11.24,25", *words, top / "u1-large", tmp_path / "mnt", timeout=30)
        assert done.returncode != 0 and done.stdout == "", words
        assert len(done.stderr.splitlines()) == 1, done.stderr


# --- kinds of TIFF

MOUNTS = {
    "auto": ("1,2,2 then 2,2,2", "median", []),
    "odd chunks": ("2,2,2", "mean", ["--chunk-shape", "3,50,70", "--codec", "zstd"]),
    "small chunks": ("4 on y", "median", ["--chunk-shape", "2,13,29", "--memory", "64M", "--threads", "1"]),
    "0.5": ("2,1,1", "nearest", ["--ngff", "0.5", "--codec", "blosc-lz4", "--chunk-shape", "1,32,64"]),
}


@pytest.fixture(scope="session")
def kinds(tmp_path_factory):
    """Every kind of make_stacks.py: (their folder, {name: voxels}, in the axes of the kind)"""
    top, voxels = tmp_path_factory.mktemp("kinds"), {}
    for name, kind in KINDS.items():
        read = kind.truth(kind.write(top / name))
        voxels[name] = along(read, "zcyx" if read.ndim == 4 else "zyx", kind.axes)
    return top, voxels


@pytest.mark.parametrize("how", MOUNTS)
def test_every_kind(how, kinds, mount):
    top, voxels = kinds
    ladder, method, words = MOUNTS[how]
    m = mount(top, *options(ladder, method, *words))
    for name, volume in voxels.items():
        image = m.path / f"{name}.zarr"
        expected = Expected(volume, KINDS[name].axes, ladder, method)
        expected.check_places(image, name)
        expected.check_voxels(image, name)


def write_tiff_in(folder, name, plane):
    folder.mkdir(parents=True, exist_ok=True)
    write_tiff(folder / name, [plane], Layout(rows=8, compression="lzw"))


# Axes of an image by its files' names.
NAMES = {"t": "t{:03d}", "c": "c{}", "z": "z{:04d}"}


@pytest.mark.parametrize("axes", ["yx", "cyx", "tyx", "czyx", "tczyx"])
def test_channels_and_times(axes, mount, tmp_path):
    """Every channel and time point is reduced by itself; an image without z never grows one."""
    sizes = {"t": 2, "c": 3, "z": 5, "y": 37, "x": 50}
    volume = pixels([sizes[a] for a in axes], "u2")
    (tmp_path / "s").mkdir()
    for index in np.ndindex(volume.shape[:-2]):
        name = "_".join(["img", *(NAMES[a].format(i) for a, i in zip(axes, index))])
        write_tiff(tmp_path / "s" / f"{name}.tif", [volume[index]], Layout(rows=8, compression="lzw"))
    for ladder in ("1,2,2 then 2,2,2", "isotropic"):
        voxel = ["--voxel-size", "11.24,11.24"] if "z" not in axes else []
        with mount.within(tmp_path / "s", *options(ladder), *voxel) as m:
            (image,) = m.path.glob("*.zarr")
            expected = Expected(volume, axes, ladder)
            expected.check_places(image, axes)
            expected.check_voxels(image, axes)


@pytest.mark.parametrize("axes", ["yx", "cyx"])
def test_a_depth_where_there_is_no_z(axes, mount, tmp_path):
    """--chunk-shape has three numbers; chunks of an image without z are as long as their array says."""
    volume = pixels({"yx": (37, 50), "cyx": (2, 37, 50)}[axes], "u2")
    for c, plane in enumerate(volume.reshape(-1, 37, 50)):
        write_tiff_in(tmp_path / "s", f"img_c{c}.tif" if axes == "cyx" else "img.tif", plane)
    for more in ([], ["--preview", "always"], ["--interpolation-mode", "nearest"]):
        with mount.within(tmp_path / "s", *options("1,2,2 then 2,2,2"), "--chunk-shape", "5,16,32", *more) as m:
            (image,) = m.path.glob("*.zarr")
            assert describe(image / "1")[1] == [*[1] * (len(axes) - 2), 16, 32]
            assert_same(plain(image), volume)
            method = "nearest" if more else "median"
            Expected(volume, axes, "1,2,2 then 2,2,2", method, "always" in more).check_voxels(image, f"{axes} {more}")


@pytest.mark.parametrize("codec", ["auto", "none", "blosc-lz4", "blosc-zstd", "zlib", "gzip", "zstd"])
def test_codecs(codec, types, mount):
    """By default a coarse chunk is as long as its voxels, so that its size is known without making it."""
    top, voxels = types
    m = mount(top / "i4-odd", *options("2,2,2", None, "--codec", codec))
    image = m.path / "i4-odd.zarr"
    Expected(voxels["i4-odd"], "zyx", "2,2,2").check_voxels(image, codec)
    for k in (1, 2):
        compressor = json.loads((image / str(k) / ".zarray").read_text())["compressor"]
        assert (compressor is None) == (codec in ("auto", "none")), compressor


# --- order

ORDERS = {
    "coarse first": lambda names: sorted(names, reverse=True),
    "fine first": sorted,
    "shuffled": lambda names: random.Random(1).sample(names, len(names)),
}


@pytest.fixture(scope="session")
def crossing(tmp_path_factory):
    """Runs of 21 rows, chunks of 3 x 50 x 70: windows cross runs on every axis. (folder, voxels)"""
    volume = pixels((23, 211, 246), "u2", seed=5)
    folder = tmp_path_factory.mktemp("crossing") / "s"
    write_stack(folder, volume, Layout(rows=21, compression="lzw"))
    return folder, volume


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("words", [[], ["--memory", "64M", "--threads", "1"]])
def test_chunks_in_any_order(order, words, crossing, mount):
    """By eight readers at once, each level's chunks and all levels mixed."""
    folder, volume = crossing
    for ladder in ("4 on y", "1,2,2 then 2,2,2"):
        with mount.within(folder, *options(ladder, "median", "--chunk-shape", "3,50,70", *words)) as m:
            image = m.path / "s.zarr"
            expected = Expected(volume, "zyx", ladder)
            metas = [describe(image / str(k)) for k in range(len(expected.levels))]
            names = [(k, index) for k, (shape, chunks, *_) in enumerate(metas)
                     for index in chunk_indices(shape, chunks)]
            with ThreadPoolExecutor(8) as pool:
                order_of = ORDERS[order](names)
                read = dict(zip(order_of, pool.map(lambda n: chunk_path(image / str(n[0]), n[1]).read_bytes(), order_of)))
        for (k, index), data in read.items():
            shape, chunks, dtype, codec = metas[k]
            region = chunk_region(index, shape, chunks)
            inside = tuple(slice(0, r.stop - r.start) for r in region)
            got = decode_chunk(data, chunks, dtype, codec)[inside]
            check_equal(got, expected.levels[k][region], f"{ladder}, level {k}, chunk {index}")


def test_one_chunk_alone(crossing, run):
    """`cat` of a lone chunk in the middle of every level."""
    folder, volume = crossing
    expected = Expected(volume, "zyx", "4 on y")
    words = options("4 on y", "median", "--chunk-shape", "3,50,70")
    for k, level in enumerate(expected.levels[1:], 1):
        index = [s // c // 2 for s, c in zip(level.shape, (3, 50, 70))]
        done = run("cat", *words, folder, f"s.zarr/{k}/" + "/".join(map(str, index)), text=False)
        assert done.returncode == 0, done.stderr
        region = chunk_region(index, level.shape, (3, 50, 70))
        inside = tuple(slice(0, r.stop - r.start) for r in region)
        got = np.frombuffer(done.stdout, "<u2").reshape(3, 50, 70)[inside]
        check_equal(got, level[region], f"level {k}, chunk {index}")


# --- where things lie


def place(image, k, index):
    """Of a voxel of a level, by what the metadata say."""
    scale, *rest = multiscale(image)["datasets"][k]["coordinateTransformations"]
    shift = rest[0]["translation"] if rest else [0] * len(index)
    return [i * s + t for i, s, t in zip(index, scale["scale"], shift)]


@pytest.mark.parametrize("ladder", LADDERS)
def test_a_bright_block_stays_where_it_is(ladder, mount, tmp_path):
    """A block that fills one window of the coarsest level: the middle of what is bright is the same in each."""
    ladder_here = Expected(np.zeros((33, 70, 90), "u1"), "zyx", ladder).ladder
    mag = ladder_here[-1].mag
    volume = np.zeros((33, 70, 90), "u1")
    block = tuple(slice(m * at, m * (at + 1)) for m, at in zip(mag, (1, 3, 5)))
    volume[block] = 200
    write_stack(tmp_path / "s", volume)
    for method in ("median", "mean", "mode", "min", "max"):
        with mount.within(tmp_path / "s", *options(ladder, method)) as m:
            image = m.path / "s.zarr"
            middles = []
            for k in range(len(ladder_here)):
                bright = np.argwhere(plain(image, str(k)) == 200)
                assert len(bright) == np.prod([c // f for c, f in zip(mag, ladder_here[k].mag)])
                middles.append(place(image, k, bright.mean(axis=0)))
            assert np.allclose(middles, middles[0], rtol=1e-12), (method, middles)


@pytest.mark.parametrize("words", [["--interpolation-mode", "nearest"], ["--preview", "always"]])
@pytest.mark.parametrize("ladder", LADDERS)
def test_a_bright_voxel_stays_where_it_is(ladder, words, mount, tmp_path):
    mag = Expected(np.zeros((33, 70, 90), "u1"), "zyx", ladder).ladder[-1].mag
    volume = np.zeros((33, 70, 90), "u1")
    at = tuple(m * k for m, k in zip(mag, (2, 3, 5)))
    volume[at] = 200
    write_stack(tmp_path / "s", volume)
    with mount.within(tmp_path / "s", *options(ladder), *words) as m:
        image = m.path / "s.zarr"
        for k in range(len(multiscale(image)["datasets"])):
            ((index),) = np.argwhere(plain(image, str(k)))
            assert place(image, k, index) == pytest.approx(place(image, 0, at), rel=1e-12)


# --- documents


@pytest.mark.parametrize("ngff", ["0.4", "0.5"])
def test_documents_of_levels(ngff, types, mount):
    """Every level has the type of the image and a chunk shape that fits; dimensions whose size is another one
    than at level 0 have another name (0.4); consolidated metadata say what the files say."""
    top, voxels = types
    for name, ladder in (("u2-large", "1,2,2 then 2,2,2"), ("u2-large", "2,1,1"), ("f8-small", "2,2,2")):
        with mount.within(top / name, *options(ladder, None, "--ngff", ngff)) as m:
            image = m.path / f"{name}.zarr"
            expected = Expected(voxels[name], "zyx", ladder)
            expected.check_places(image, name)
            for k, level in enumerate(expected.levels):
                shape, _, dtype, _ = describe(image / str(k))
                assert (tuple(shape), dtype) == (level.shape, level.dtype)
                check_dimension_names(image / str(k), k, level.shape, expected.levels[0].shape)
            assert not (image / str(len(expected.levels))).exists()
            if ngff == "0.4":
                check_consolidated(image, len(expected.levels))


def check_dimension_names(array, k, shape, full):
    if (array / "zarr.json").exists():
        assert json.loads((array / "zarr.json").read_text())["dimension_names"] == list("zyx")
        return
    names = json.loads((array / ".zattrs").read_text())["_ARRAY_DIMENSIONS"]
    assert names == [a if s == f else f"{a}_{k}" for a, s, f in zip("zyx", shape, full)]


def check_consolidated(image, levels):
    consolidated = json.loads((image / ".zmetadata").read_text())["metadata"]
    wanted = {f"{k}/{name}" for k in range(levels) for name in (".zarray", ".zattrs")} | {".zgroup", ".zattrs"}
    assert set(consolidated) == wanted
    for name in wanted:
        assert consolidated[name] == json.loads((image / name).read_text()), name


def test_no_levels(types, mount):
    top, voxels = types
    m = mount(top / "u1-large", "--max-mag", "1")
    image = m.path / "u1-large.zarr"
    assert [d["path"] for d in multiscale(image)["datasets"]] == ["0"]
    assert not (image / "1").exists()


def test_info_tells_the_levels(types, run):
    top, _ = types
    done = run("info", *options("1,2,2 then 2,2,2"), top / "u1-large")
    assert done.returncode == 0
    for level in cascade.ladder(SIZES["large"], *LADDERS["1,2,2 then 2,2,2"])[1:]:
        assert level.name in done.stdout, done.stdout


# --- listing


@pytest.mark.parametrize("command", [["ls", "-lR"], ["du", "-a"], ["find", ".", "-size", "+0"]])
def test_listing_levels_makes_nothing(command, crossing, mount):
    folder, volume = crossing
    m = mount(folder, *options("1,2,2 then 2,2,2"))
    image = m.path / "s.zarr"
    plain(image, "3")
    before = m.status()
    for k in (1, 2, 3):
        done = subprocess.run(command, cwd=image / str(k), capture_output=True, text=True, check=True)
        names = chunk_paths(image / str(k))
        assert len(done.stdout.splitlines()) >= len(names) > 0
        _, chunks, dtype, _ = describe(image / str(k))
        sizes = {os.stat(image / str(k) / name).st_size for name in names}
        assert sizes == {int(np.prod(chunks)) * dtype.itemsize}
    after = m.status()
    for count in ("planes_decoded", "strips_decoded", "bytes_fetched"):
        assert after[count] == before[count], count
    made = [{one["level"]: one["made"] for one in status["levels"]} for status in (before, after)]
    assert made[0] == made[1]


# --- damage

BAD = 13
DAMAGES = {
    "whole plane": (0, slice(None)),
    "strips 8 and on": (8, slice(168, None)),
}


@pytest.fixture(params=DAMAGES)
def damaged(request, tmp_path):
    """A stack with a plane that is bad from a strip on: (folder, voxels with zeros there, where it is bad)"""
    strip, rows = DAMAGES[request.param]
    volume = pixels((23, 211, 246), "u2", seed=6)
    layout = Layout(rows=21, compression="lzw", directory_first=True)
    paths = write_stack(tmp_path / "s", volume, layout)
    assert np.array_equal(truth(paths), volume)
    (units,) = write_tiff(paths[BAD], [volume[BAD]], layout)
    os.truncate(paths[BAD], units[strip][0] + units[strip][1] // 2 if strip else 0)
    bad = np.zeros(volume.shape, bool)
    bad[BAD, rows] = True
    volume[bad] = 0
    return tmp_path / "s", volume, bad


def read_or_errno(path):
    fd = os.open(path, os.O_RDONLY)
    try:
        return os.read(fd, 1 << 20)
    except OSError as e:
        return e.errno
    finally:
        os.close(fd)


@pytest.mark.parametrize("order", ["coarse first", "fine first"])
@pytest.mark.parametrize("method", ["median", "nearest"])
def test_coarse_chunks_over_damage(method, order, damaged, mount):
    """EIO at read for the chunks that need what is bad, and for no other; again the same."""
    folder, volume, bad = damaged
    ladder = "1,2,2 then 2,2,2"
    expected = Expected(volume, "zyx", ladder, method)
    mags = [level.mag for level in expected.ladder]
    lost = cascade.cascade(bad, mags, "nearest" if method == "nearest" else "max")
    m = mount(folder, *options(ladder, method, "--chunk-shape", "3,50,70"))
    image = m.path / "s.zarr"
    names = [(k, index) for k in range(1, len(mags))
             for index in chunk_indices(expected.levels[k].shape, (3, 50, 70))]
    failed = 0
    for k, index in [*ORDERS[order](names), *ORDERS[order](names)]:
        got = read_or_errno(chunk_path(image / str(k), index))
        region = chunk_region(index, expected.levels[k].shape, (3, 50, 70))
        if lost[k][region].any():
            assert got == errno.EIO, f"level {k}, {index}: {got if isinstance(got, int) else 'bytes'}"
            failed += 1
        else:
            assert isinstance(got, bytes), f"level {k}, {index}: {os.strerror(got)}"
            inside = tuple(slice(0, r.stop - r.start) for r in region)
            voxels = np.frombuffer(got, "<u2").reshape(3, 50, 70)[inside]
            check_equal(voxels, expected.levels[k][region], f"level {k}, {index}")
    assert 0 < failed < 2 * len(names) or method == "nearest"
    lines = [line for line in m.log.splitlines() if line.startswith("ngffuse: ") and f"{BAD:04d}" in line]
    assert len(lines) == len(set(lines)), m.log


def test_damage_filled(damaged, mount):
    folder, volume, _ = damaged
    m = mount(folder, *options("1,2,2 then 2,2,2", "median", "--damaged", "fill", "--chunk-shape", "3,50,70"))
    Expected(volume, "zyx", "1,2,2 then 2,2,2").check_voxels(m.path / "s.zarr")
