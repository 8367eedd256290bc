"""Every document of 2-D to 5-D images against the strict JSON schemas of OME-NGFF."""

import itertools
import json
import math
import os

import numpy as np
import pytest
from conftest import Mount
from make_stacks import Layout, pixels, write_tiff
from reading import axes_of, need

pytestmark = pytest.mark.fuse

URL = "https://ngff.openmicroscopy.org"
# Axes of an image by its files' names; samples of a pixel are c.
NAMES = {"t": "t{:03d}", "c": "c{}", "z": "z{:04d}"}
IMAGES = ("yx", "zyx", "cyx", "tyx", "czyx", "tzyx", "tcyx", "tczyx")


@pytest.fixture(scope="session")
def images(tmp_path_factory):
    """{axes: folder}, and one of three samples"""
    top = tmp_path_factory.mktemp("axes")
    for n, axes in enumerate(IMAGES):
        outer = axes[:-2]
        (top / axes).mkdir()
        for index in itertools.product(*(range({"t": 3, "c": 2, "z": 4}[a]) for a in outer)):
            name = "_".join(["img", *(NAMES[a].format(i) for a, i in zip(outer, index))])
            plane = pixels((20, 30), ("u1", "u2", "f4", "i2")[n % 4], seed=sum(index))
            write_tiff(top / axes / f"{name}.tif", [plane], Layout(rows=8))
    (top / "rgb").mkdir()
    write_tiff(top / "rgb" / "one.tif", [pixels((20, 30, 3), "u1")], Layout(rows=8))
    return {**{axes: top / axes for axes in IMAGES}, "rgb": top / "rgb"}


@pytest.fixture(scope="session")
def check(shared):
    """check(version, name, document): fails with all that the schema finds."""
    need(("jsonschema", 0), ("referencing", 0))
    import jsonschema
    from referencing import Registry, Resource
    from referencing.jsonschema import DRAFT202012

    folder = shared / "ngff-schemas"
    if not folder.is_dir():
        pytest.skip(f"no schemas at {folder}")
    registry = Registry()
    for path in folder.glob("*/*.schema"):
        schema = json.loads(path.read_text())
        resource = Resource.from_contents(schema, default_specification=DRAFT202012)
        for url in {schema["$id"], f"{URL}/{path.parent.name}/schemas/{path.name}"}:
            registry = registry.with_resource(url, resource)

    def errors(version, name, document):
        schema = {"$ref": f"{URL}/{version}/schemas/{name}.schema"}
        validator = jsonschema.Draft202012Validator(schema, registry=registry)
        return [f"{'/'.join(map(str, e.absolute_path))}: {e.message}" for e in validator.iter_errors(document)]

    return errors


def told(name):
    """Options that tell all there is to tell of an image of these axes."""
    size = "11.24,11.24,25" if "z" in name else "11.24,11.24"
    return ["--voxel-size", size, "--unit", "nanometer", *(["--time-step", "2.5"] if "t" in name else [])]


@pytest.mark.parametrize("options", ["nothing told", "all told", "previews", "nearest"])
@pytest.mark.parametrize("name", [*IMAGES, "rgb"])
@pytest.mark.parametrize("ngff", ["0.4", "0.5"])
def test_strict(images, check, ngffuse, name, ngff, options):
    args = {"all told": told(name), "previews": ["--preview", "always"],
            "nearest": ["--interpolation-mode", "nearest"]}.get(options, [])
    axes = "cyx" if name == "rgb" else name
    with Mount(images[name], "--ngff", ngff, *args) as m:
        (image,) = m.path.glob("*.zarr")
        assert axes_of(image) == axes
        for group in (m.path, image):
            if ngff == "0.4":
                document = json.loads((group / ".zattrs").read_text())
                assert json.loads((group / ".zgroup").read_text()) == {"zarr_format": 2}
                scales, omero = document["multiscales"], document["omero"]
            else:
                meta = json.loads((group / "zarr.json").read_text())
                assert (meta["zarr_format"], meta["node_type"]) == (3, "group")
                document = meta["attributes"]
                scales, omero = document["ome"]["multiscales"], document["ome"]["omero"]
                assert check("0.5", "ome_zarr", document) == []
            assert check(ngff, "image", document) == []
            assert check(ngff, "strict_image", document) == []
            beyond_the_schema(scales, omero, axes, image, ngff, options == "all told")
            check_levels(scales[0], axes, image, ngff, single=options in ("previews", "nearest"))
            count = len(scales[0]["datasets"])
            assert document.get("ngffuse") == (None if options != "previews" else {
                "preview": {"levels": list(range(1, count)), "method": "nearest"}})
            assert scales[0]["type"] == ("nearest" if options == "nearest" else "median")


def check_levels(scale, axes, image, ngff, single):
    """Every level is there, smaller than the one before, and where it belongs. single: it shows single voxels."""
    levels = scale["datasets"]
    assert len(levels) >= 3 and len({level["path"] for level in levels}) == len(levels)
    sizes = [array_of(image / str(k), ngff) for k in range(len(levels))]
    with pytest.raises(FileNotFoundError):
        os.stat(image / str(len(levels)))
    for k, (level, (shape, dtype, names)) in enumerate(zip(levels, sizes)):
        assert level["path"].split("/")[-1] == str(k) and dtype == sizes[0][1]
        scaling, *moving = level["coordinateTransformations"]
        mags = [a / b for a, b in zip(scaling["scale"], levels[0]["coordinateTransformations"][0]["scale"])]
        assert all(m >= 1 and m == 2 ** round(math.log2(m)) for m in mags)
        assert all(m == 1 for m, a in zip(mags, axes) if a in "tc")
        assert shape == [math.ceil(n / m) for n, m in zip(sizes[0][0], mags)]
        same = [a if n == full else f"{a}_{k}" for a, n, full in zip(axes, shape, sizes[0][0])]
        assert names == (same if ngff == "0.4" else list(axes))
        if k == 0 or single:
            assert moving == [], "single voxels stay where they are"
        else:
            (moving,) = moving
            first = levels[0]["coordinateTransformations"][0]["scale"]
            assert moving == {"type": "translation",
                              "translation": pytest.approx([v * (m - 1) / 2 for v, m in zip(first, mags)])}


def array_of(array, ngff):
    """Shape, type and names of the axes of one level."""
    if ngff == "0.4":
        meta = json.loads((array / ".zarray").read_text())
        return meta["shape"], meta["dtype"], json.loads((array / ".zattrs").read_text())["_ARRAY_DIMENSIONS"]
    meta = json.loads((array / "zarr.json").read_text())
    return meta["shape"], meta["data_type"], meta["dimension_names"]


@pytest.mark.parametrize("ngff", ["0.4", "0.5"])
def test_strict_labels(tmp_path, check, ngffuse, ngff):
    """A label is an image, too; one whose ids are not all known has no colours, which only the strict schema wants."""
    images = {"": (4, "u1"), "labels": (250, "u1"), "labels/a/small": (4000, "u4"), "labels/a/large": (5000, "u4")}
    for folder, (ids, dtype) in images.items():
        (tmp_path / "em" / folder).mkdir(parents=True, exist_ok=True)
        for z in range(3):
            plane = (pixels((80, 100), "u4", seed=z) % ids).astype(dtype)
            if folder == "labels/a/small":
                plane = np.where(plane < 900, plane, 0).astype(dtype)
            write_tiff(tmp_path / "em" / folder / f"s_{z}.tif", [plane], Layout(rows=8))
    with Mount(tmp_path / "em", "--ngff", ngff) as m:
        for name, strict in (("original/0", True), ("a/small", True), ("a/large", False)):
            group = m.path / "em.zarr/labels" / name
            document = json.loads((group / (".zattrs" if ngff == "0.4" else "zarr.json")).read_text())
            document = document if ngff == "0.4" else document["attributes"]
            assert check(ngff, "label", document) == []
            assert check(ngff, "image", document) == []
            assert check(ngff, "strict_image", document) == []
            assert (check(ngff, "strict_label", document) == []) == strict, name
            label = document if ngff == "0.4" else document["ome"]
            assert label["image-label"]["version"] == ngff and "omero" not in label


def beyond_the_schema(scales, omero, axes, image, ngff, told):
    """What readers insist on, beyond the schemas."""
    (scale,) = scales
    kinds = {"t": "time", "c": "channel"}
    assert [(a["name"], a["type"]) for a in scale["axes"]] == [(a, kinds.get(a, "space")) for a in axes]
    for axis in scale["axes"]:
        wanted = {"space": "nanometer", "time": "second", "channel": None}[axis["type"]]
        assert axis.get("unit") == (wanted if told else axis.get("unit"))
        assert axis.get("unit", "nanometer") not in ("", "pixel", "nm", "um")
    level = scale["datasets"][0]
    assert [t["type"] for t in level["coordinateTransformations"]] == ["scale"], "no translation at level 0"
    factors = level["coordinateTransformations"][0]["scale"]
    if told:
        assert factors == [{"t": 2.5, "c": 1, "z": 25, "y": 11.24, "x": 11.24}[a] for a in axes]
    assert all(np.isfinite(f) and f > 0 for f in factors)
    shape, _, dimensions = array_of(image / "0", ngff)
    assert dimensions == list(axes)
    assert len(shape) == len(axes)
    channels = shape[axes.index("c")] if "c" in axes else 1
    assert len(omero["channels"]) == channels
    for channel in omero["channels"]:
        window = channel["window"]
        assert window["min"] <= window["start"] < window["end"] <= window["max"]
        assert len(channel["color"]) == 6 and channel["label"] and channel["active"] is True


def test_arrays_of_v3(images, ngffuse):
    """Only core codecs and types, and a reader with nothing but the specification can decode them."""
    with Mount(images["tczyx"], "--ngff", "0.5", "--codec", "blosc-zstd") as m:
        meta = json.loads(next(m.path.glob("*.zarr/0/zarr.json")).read_text())
    assert set(meta) <= {"zarr_format", "node_type", "shape", "data_type", "chunk_grid", "chunk_key_encoding",
                         "fill_value", "codecs", "dimension_names", "attributes", "storage_transformers"}
    assert [c["name"] for c in meta["codecs"]] == ["bytes", "blosc"]
    assert meta["codecs"][1]["configuration"]["shuffle"] in ("noshuffle", "shuffle", "bitshuffle")


def test_the_schemas_can_fail(check):
    """A document with its axes gone is found."""
    good = {"multiscales": [{"version": "0.4", "name": "n", "type": "t", "metadata": {}, "axes": [
        {"name": "y", "type": "space"}, {"name": "x", "type": "space"}], "datasets": [
        {"path": "0", "coordinateTransformations": [{"type": "scale", "scale": [1, 1]}]}]}]}
    assert check("0.4", "strict_image", good) == []
    del good["multiscales"][0]["axes"]
    assert check("0.4", "strict_image", good) != []
