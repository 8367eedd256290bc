"""WEBKNOSSOS's own library and command line (the environment `wk`): the reference of the pyramid computes what they
compute; and a mount with --layout webknossos is to them what their own converter would have written."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import cascade
import numpy as np
import pytest
import tifffile
from conftest import Mount
from make_stacks import Layout, pixels, write_stack, write_tiff

webknossos = pytest.importorskip("webknossos", reason="webknossos is not installed here: the environment wk has it")
from cluster_tools import get_executor  # noqa: E402

VOXEL = (25, 11.24, 11.24)
XYZ = "11.24,11.24,25"
SEQUENTIAL = ["--distribution-strategy", "sequential"]
# Folder below stacks/: category.
STACKS = {
    "em_fibsem_medulla": "color",
    "em_fibsem_cube_with_labels/raw": "color",
    "em_fibsem_cube_with_labels/labels": "segmentation",
    "mouse_brain_u16": "color",
    "webknossos_color_tiff": "color",
}


def cli(*words, code=0):
    """`webknossos WORDS..`, to its end; what it printed."""
    program = Path(sys.executable).with_name("webknossos")
    done = subprocess.run([program, *map(str, words)], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=120, check=False, env={**os.environ, "COLUMNS": "300"})
    assert done.returncode == code, f"{words}: {done.returncode}: {done.stdout}{done.stderr}"
    return done.stdout


def convert(source, target, category, layer=None):
    cli("convert", "--voxel-size", XYZ, "--data-format", "zarr", "--chunk-shape", "32,32,32", "--layer-name",
        layer or category, "--category", category, *SEQUENTIAL, source, target)
    return target


def options(category="color", *more):
    method = {"color": "median", "segmentation": "mode"}[category]
    return ["--layout", "webknossos", "--chunk-shape", "32,32,32", "--voxel-size", XYZ, "--category", category,
            "--layer-name", category, "--interpolation-mode", method, *more]


def levels_of(volume, category="color", voxel=VOXEL, mode="anisotropic", method=None):
    """[(name of the mag, voxels)] by the reference. volume: z, y, x."""
    mags = cascade.mags(volume.shape, voxel, mode)
    method = method or {"color": "median", "segmentation": "mode"}[category]
    return [(cascade.mag_name(mag), voxels) for mag, voxels in zip(mags, cascade.cascade(volume, mags, method))]


def read(layer, mag):
    """The voxels of a mag as z, y, x."""
    box = layer.bounding_box.align_with_mag(webknossos.Mag(mag), ceil=True)
    (volume,) = layer.get_mag(mag).read(absolute_bounding_box=box)
    return volume.transpose(2, 1, 0)


def check_layer(layer, levels):
    """Every mag of the ladder and no other, voxel for voxel."""
    assert [mag.to_layer_name() for mag in layer.mags] == [name for name, _ in levels]
    for name, wanted in levels:
        got = read(layer, name)
        assert (got.shape, got.dtype) == (wanted.shape, wanted.dtype), name
        assert cascade.same(got, wanted).all(), name


# --- the reference

SIZES = [(61, 125, 246), (1, 7, 5), (5, 9, 7)]
LADDERS = {"1,2,2": VOXEL, "2,2,2": (1, 1, 1), "2,1,1": (30, 100, 100), "4 on y": (4, 2.1, 1)}
METHODS = {
    "median": ("u1", "u2", "u4", "i1", "i2", "i4", "f4"),
    "mode": ("u1", "u2", "u4", "u8", "i1", "i2", "i4", "i8"),
    "min": ("u1", "i4", "f4"),
    "max": ("u2", "i1", "f4"),
}


def by_webknossos(folder, volume, voxel, method, mode):
    """A layer with its mags, made by the library."""
    size = tuple(reversed(volume.shape))
    dataset = webknossos.Dataset(folder, voxel_size=tuple(reversed(voxel)))
    layer = dataset.add_layer("layer", "segmentation" if method == "mode" else "color", dtype=volume.dtype,
                              data_format="zarr", bounding_box=webknossos.BoundingBox((0, 0, 0), size))
    layer.add_mag(1, chunk_shape=32).write(volume.transpose(2, 1, 0), absolute_offset=(0, 0, 0))
    with get_executor("sequential") as executor:
        layer.downsample(interpolation_mode=method, sampling_mode=mode, executor=executor)
    return layer


@pytest.mark.parametrize("ladder", LADDERS)
@pytest.mark.parametrize("method", METHODS)
def test_reference(method, ladder, tmp_path):
    """Edges included. Small images with every ladder, large ones by turns."""
    for n, dtype in enumerate(METHODS[method]):
        turn = n + list(LADDERS).index(ladder)
        for size in SIZES[turn % 4 > 0:]:
            volume = pixels(size, dtype, seed=n, odd=False)
            if method == "mode":
                volume %= 5
            for mode in ("anisotropic", "isotropic", "constant_z") if turn % 4 == 1 else ("anisotropic",):
                layer = by_webknossos(tmp_path / f"{dtype}-{size[0]}-{mode}", volume, LADDERS[ladder], method, mode)
                check_layer(layer, levels_of(volume, voxel=LADDERS[ladder], mode=mode, method=method))


def test_reference_by_the_command(tmp_path):
    volume = pixels((33, 130, 150), "u2")
    folder = tmp_path / "s"
    write_stack(folder, volume)
    target = convert(folder, tmp_path / "out", "color")
    check_layer(webknossos.Dataset.open(target).get_layer("color"), levels_of(volume))


# --- mounts of real stacks


@pytest.fixture(scope="module", params=STACKS)
def stack(request, shared, ngffuse, tmp_path_factory):
    """(mount, category, voxels, what `webknossos convert` made of the stack)"""
    folder, category = shared / "stacks" / request.param, STACKS[request.param]
    paths = sorted(p for p in folder.iterdir() if p.suffix in (".tif", ".tiff"))
    volume = np.stack([tifffile.imread(path) for path in paths])
    converted = convert(folder, tmp_path_factory.mktemp("converted") / folder.name, category)
    with Mount(folder, *options(category)) as m:
        yield m, category, volume, converted


def properties(dataset):
    return json.loads((dataset / "datasource-properties.json").read_text())


def test_check_equality(stack):
    m, category, _, converted = stack
    assert "are equal" in cli("check-equality", converted, m.path, *SEQUENTIAL)


def test_properties_are_those_of_the_converter(stack):
    """But for what it measured over all voxels."""
    m, _, _, converted = stack
    ours, theirs = properties(m.path), properties(converted)
    measured = {}
    for name, doc in (("ours", ours), ("theirs", theirs)):
        (layer,) = doc["dataLayers"]
        measured[name] = [layer.pop("defaultViewConfiguration", None), layer.pop("largestSegmentId", None)]
        doc["id"]["name"] = doc["id"]["name"].rstrip("_")
        for mag in layer["mags"]:
            mag["path"] = os.path.normpath(mag["path"])
    assert ours == theirs
    assert measured["ours"][1] is None, "never invented"
    view = measured["ours"][0]
    assert (view is None) == (measured["theirs"][0] is None)
    assert view is None or set(view) <= {"color", "alpha", "intensityRange", "min", "max", "isDisabled"}, view


def test_read(stack):
    """Whole mags, and boxes inside, across and at the end of the layer."""
    m, category, volume, _ = stack
    dataset = webknossos.Dataset.open(m.path)
    assert tuple(dataset.voxel_size) == tuple(reversed(VOXEL))
    layer = dataset.get_layer(category)
    assert tuple(layer.bounding_box.size) == tuple(reversed(volume.shape))
    levels = levels_of(volume, category)
    check_layer(layer, levels)
    rng = np.random.default_rng(1)
    for name, wanted in levels:
        mag = cascade.mag_of(name)
        for _ in range(5):
            start = [int(rng.integers(0, n)) for n in wanted.shape]
            size = [int(rng.integers(1, n - s + 1)) for n, s in zip(wanted.shape, start)]
            box = webknossos.BoundingBox([s * f for s, f in zip(reversed(start), reversed(mag))],
                                         [s * f for s, f in zip(reversed(size), reversed(mag))])
            (got,) = layer.get_mag(name).read(absolute_bounding_box=box)
            region = tuple(slice(s, s + n) for s, n in zip(start, size))
            assert np.array_equal(got.transpose(2, 1, 0), wanted[region]), (name, region)


def test_copy_dataset(stack, tmp_path):
    m, category, volume, _ = stack
    cli("copy-dataset", m.path, tmp_path / "copy", *SEQUENTIAL)
    layer = webknossos.Dataset.open(tmp_path / "copy").get_layer(category)
    assert layer.category == category
    check_layer(layer, levels_of(volume, category))


@pytest.mark.parametrize("mag", ["1", "2-2-1"])
def test_export_as_tiff(mag, stack, tmp_path):
    m, category, volume, _ = stack
    wanted = dict(levels_of(volume, category))[mag]
    cli("export-as-tiff", "--layer-name", category, "--mag", mag, *SEQUENTIAL, m.path, tmp_path / "tiff")
    paths = sorted((tmp_path / "tiff").rglob("*.tif*"))
    assert len(paths) == len(wanted)
    for path, plane in zip(paths, wanted):
        assert np.array_equal(tifffile.imread(path), plane), path


def test_convert_zarr(stack, tmp_path):
    m, category, volume, _ = stack
    cli("convert-zarr", "--voxel-size", XYZ, "--data-format", "zarr", "--shard-shape", "32", "--no-downsample",
        "--layer-name", "volume", *(["--is-segmentation-layer"] if category == "segmentation" else []), *SEQUENTIAL,
        m.path / "xyz/1", tmp_path / "out")
    layer = webknossos.Dataset.open(tmp_path / "out").get_layer("volume")
    assert np.array_equal(read(layer, "1"), volume)


def test_arrays(stack):
    """4-D c,x,y,z in F order of the true size; xyz without c, in the same mags."""
    m, category, volume, _ = stack
    for name, voxels in levels_of(volume, category):
        four = json.loads((m.path / category / name / ".zarray").read_text())
        three = json.loads((m.path / "xyz" / name / ".zarray").read_text())
        size = list(reversed(voxels.shape))
        assert (four["shape"], four["chunks"]) == ([1, *size], [1, 32, 32, 32])
        assert (three["shape"], three["chunks"]) == (size, [32, 32, 32])
        for meta in (four, three):
            assert (meta["order"], meta["dimension_separator"], meta["fill_value"]) == ("F", "/", 0)
        last = [(s - 1) // 32 for s in size]
        chunk = "/".join(map(str, last))
        assert (m.path / category / name / "0" / chunk).read_bytes() == (m.path / "xyz" / name / chunk).read_bytes()
        assert not (m.path / category / name / "1").exists()


# --- other layouts, layers and names


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    volume = pixels((9, 70, 50), "u2")
    folder = tmp_path_factory.mktemp("small") / "em"
    write_stack(folder, volume, Layout(rows=8, compression="lzw"))
    return folder, volume


def test_both(small, mount):
    """The dataset beside the image; the bytes of a chunk are the same in all three, and made once."""
    folder, volume = small
    m = mount(folder, *options(), "--layout", "both", "--codec", "blosc-lz4")
    assert {"em", "em.zarr"} <= {p.name for p in m.path.iterdir()}
    check_layer(webknossos.Dataset.open(m.path / "em").get_layer("color"), levels_of(volume))
    for k, (name, voxels) in enumerate(levels_of(volume)):
        for index in np.ndindex(*(-(-s // 32) for s in voxels.shape)):
            by_view = {(m.path / place / "/".join(map(str, at))).read_bytes() for place, at in (
                (f"em.zarr/{k}", index), (f"em/color/{name}/0", index[::-1]), (f"em/xyz/{name}", index[::-1]))}
            assert len(by_view) == 1, (name, index)
    counts = m.status()["levels"]
    assert sum(one["remade"] for one in counts) == 0, counts
    chunks = sum(int(np.prod([-(-s // 32) for s in voxels.shape])) for _, voxels in levels_of(volume))
    assert sum(one["made"] for one in counts) <= chunks, counts


def test_check_equality_by_processes(small, mount, tmp_path):
    folder, _ = small
    assert "are equal" in cli("check-equality", mount(folder, *options()).path, convert(folder, tmp_path / "out", "color"))


def test_rgb(mount, tmp_path):
    """A layer for each channel, as the converter does it."""
    volume = pixels((5, 70, 50, 3), "u1")
    write_stack(tmp_path / "rgb", volume, Layout(rows=8))
    converted = convert(tmp_path / "rgb", tmp_path / "out", "color")
    m = mount(tmp_path / "rgb", *options())
    assert "are equal" in cli("check-equality", converted, m.path, *SEQUENTIAL)
    dataset = webknossos.Dataset.open(m.path)
    assert list(dataset.layers) == [f"color__channel{c}" for c in range(3)]
    for c in range(3):
        layer = dataset.get_layer(f"color__channel{c}")
        check_layer(layer, levels_of(volume[..., c]))
        assert layer.default_view_configuration.color == tuple(255 * (i == c) for i in range(3))
        three = m.path / f"xyz/color__channel{c}/1/.zarray"
        assert json.loads(three.read_text())["shape"] == [50, 70, 5]


@pytest.mark.parametrize("axes", ["tzyx", "tczyx"])
def test_times(axes, mount, tmp_path):
    """A layer for each time point (and channel): in Zarr v2 the library knows no t."""
    sizes = {"t": 2, "c": 2, "z": 4, "y": 40, "x": 50}
    names = {"t": "t{:03d}", "c": "c{}", "z": "z{:04d}"}
    volume = pixels([sizes[a] for a in axes], "u2")
    (tmp_path / "s").mkdir()
    for index in np.ndindex(volume.shape[:-2]):
        name = "_".join(["img", *(names[a].format(i) for a, i in zip(axes, index))])
        write_tiff(tmp_path / "s" / f"{name}.tif", [volume[index]], Layout(rows=8))
    dataset = webknossos.Dataset.open(mount(tmp_path / "s", *options()).path)
    found = set(dataset.layers)
    for index in np.ndindex(volume.shape[:-3]):
        at = dict(zip(axes, index))
        suffix = f"channel{at['c']}_timepoint{at['t']}" if "c" in at else f"timepoint{at['t']}"
        check_layer(dataset.get_layer(f"color__{suffix}"), levels_of(volume[index]))
        found.remove(f"color__{suffix}")
    assert not found


def test_image_and_label(shared, mount):
    """A segmentation layer beside the image, without a largest id that nobody gave."""
    top = shared / "stacks/em_fibsem_cube_with_labels"
    raw, labels = (np.stack([tifffile.imread(p) for p in sorted((top / name).glob("*.tif"))])
                   for name in ("raw", "labels"))
    m = mount(top, "--layout", "webknossos", "--chunk-shape", "32,32,32", "--voxel-size", XYZ)
    dataset = webknossos.Dataset.open(m.path)
    (label,) = (layer for layer in dataset.layers.values() if layer.category == "segmentation")
    assert set(dataset.layers) == {"color", label.name}
    check_layer(dataset.get_layer("color"), levels_of(raw))
    check_layer(label, levels_of(labels, "segmentation"))
    assert label.largest_segment_id is None
    assert json.loads((m.path / "xyz/color/1/.zarray").read_text())["shape"] == [250, 250, 16]


def test_segmentation_alone(shared, mount):
    """--category segmentation: the mode is the default; the largest id is the one that was given."""
    folder = shared / "stacks/em_fibsem_cube_with_labels/labels"
    labels = np.stack([tifffile.imread(p) for p in sorted(folder.glob("*.tif"))])
    m = mount(folder, "--layout", "webknossos", "--voxel-size", XYZ, "--category", "segmentation", "--layer-name", "seg",
              "--largest-segment-id", "135709")
    layer = webknossos.Dataset.open(m.path).get_layer("seg")
    assert layer.largest_segment_id == labels.max() == 135709
    check_layer(layer, levels_of(labels, "segmentation"))


@pytest.mark.parametrize("unit, nanometers", [(None, 1), ("micrometer", 1000)])
def test_unit(unit, nanometers, small, mount):
    m = mount(small[0], *options(), *(["--unit", unit] if unit else []))
    dataset = webknossos.Dataset.open(m.path)
    size = dataset.voxel_size_with_unit.to_nanometer()
    assert tuple(size) == pytest.approx([v * nanometers for v in reversed(VOXEL)])


def test_several_images(small, mount, tmp_path):
    """A dataset each, beside the images."""
    folder, volume = small
    for name in ("a", "b c"):
        write_stack(tmp_path / "top" / name, volume, Layout(rows=8))
    m = mount(tmp_path / "top", "--layout", "webknossos", "--voxel-size", XYZ)
    datasets = sorted(p.parent for p in m.path.glob("*/datasource-properties.json"))
    assert len(datasets) == 2
    for dataset in datasets:
        opened = webknossos.Dataset.open(dataset)
        check_layer(opened.get_layer("color"), levels_of(volume))
        assert re.fullmatch(r"[A-Za-z0-9_$@\-][A-Za-z0-9_$@\-.]*", opened.name), opened.name


@pytest.mark.parametrize("words", [
    ["--layer-name", ".color"], ["--layer-name", "a b"], ["--layer-name", "a/b"], ["--layer-name", ""],
    ["--category", "colour"], ["--layout", "wkw"], ["--largest-segment-id", "-1"],
    # Two mags with one largest factor.
    ["--sampling-mode", "1,1,2:1,2,1:2,1,1:2,2,2"],
])
def test_refused(words, small, run, tmp_path):
    done = run("-f", *options(), *words, small[0], tmp_path / "mnt", timeout=30)
    assert done.returncode != 0 and done.stdout == "", words
    assert len(done.stderr.splitlines()) == 1, done.stderr


def test_convert_of_the_mounted_image(small, mount, tmp_path):
    """`webknossos convert` takes an OME-Zarr image as it is: what it makes of the mount is what it makes of the TIFFs."""
    folder, _ = small
    m = mount(folder, "--voxel-size", XYZ, "--chunk-shape", "32,32,32")
    by_mount = convert(m.path / "em.zarr", tmp_path / "by-mount", "color")
    assert "are equal" in cli("check-equality", by_mount, convert(folder, tmp_path / "by-tiff", "color"), *SEQUENTIAL)
