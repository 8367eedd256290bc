"""The viewers' readers on the image and on the mount itself, and what they are told."""

import json
import os

import numpy as np
import pytest
from make_stacks import Layout, pixels, truth, write_stack
from reading import assert_same, axes_of, chunk_indices, describe, here, napari_layers, need, ome_zarr_nodes, plain

pytestmark = pytest.mark.fuse

BOTH = pytest.mark.parametrize("ngff", ["0.4", "0.5"])


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """Two channels, three slices, named so: (folder, voxels (c, z, y, x))"""
    folder = tmp_path_factory.mktemp("two") / "cells"
    volume = pixels((2, 3, 70, 90), "u2")
    truths = []
    for c in range(2):
        paths = write_stack(folder, volume[c], Layout(rows=16, compression="lzw"), f"cells_c{c}_z{{:03d}}.tif")
        truths.append(truth(paths))
    return folder, np.stack(truths)


@pytest.fixture(scope="module")
def several(tmp_path_factory):
    """A folder of three stacks of unlike shape and type: (folder, {name: voxels})"""
    top = tmp_path_factory.mktemp("several")
    made = {}
    shapes = {"em": ((4, 33, 40), "u1"), "fluo é, two": ((2, 50, 20), "f4"), "rgb": ((3, 20, 30, 3), "u1")}
    for name, (shape, dtype) in shapes.items():
        read = truth(write_stack(top / name, pixels(shape, dtype), Layout(rows=7)))
        made[name] = np.moveaxis(read, 1, 0) if read.ndim == 4 else read
    return top, made


# --- ome-zarr-py, napari-ome-zarr


@BOTH
def test_ome_zarr(mount, source, ngff):
    need(("ome-zarr", 0))
    m = mount(source[0], "--ngff", ngff, "--voxel-size", "11.24,12.5,25", "--unit", "nm")
    for path in (m.path / "cells.zarr", m.path):
        (node,) = ome_zarr_nodes(path)
        assert_same(np.asarray(node.data[0]), source[1], str(path))
        assert [a["name"] for a in node.metadata["axes"]] == list("czyx")
        assert [a.get("unit") for a in node.metadata["axes"]] == [None] + ["nanometer"] * 3
        (transform,) = node.metadata["coordinateTransformations"][0]
        assert transform == {"type": "scale", "scale": [1, 25, 12.5, 11.24]}


@BOTH
def test_napari(mount, source, ngff):
    need(("napari-ome-zarr", 0))
    m = mount(source[0], "--ngff", ngff, "--voxel-size", "11.24,12.5,25", "--channel-names", "DNA,actin",
              "--channel-colors", "0000FF,00FF00", "--windows", "100:2000,0:500")
    for path in (m.path / "cells.zarr", m.path):
        (layer,) = napari_layers(path)
        data, settings, kind = layer
        assert kind == "image" and settings["channel_axis"] == 0
        assert_same(np.asarray(data[0] if isinstance(data, list) else data), source[1], str(path))
        assert [name.split(": ")[-1] for name in settings["name"]] == ["DNA", "actin"]
        assert settings["contrast_limits"] == [[100, 2000], [0, 500]]
        assert settings["scale"] == [25, 12.5, 11.24]
        assert settings["visible"] == [True, True]
        ends = [np.asarray(c.colors)[-1][:3].tolist() for c in settings["colormap"]]
        assert ends == [[0, 0, 1], [0, 1, 0]]


@BOTH
def test_ome_zarr_models(mount, source, several, ngff):
    need(("ome-zarr-models", 0), ("zarr", 3))
    import ome_zarr_models
    import zarr

    one, many = mount(source[0], "--ngff", ngff), mount(several[0], "--ngff", ngff)
    images = [(one.path / "cells.zarr", "czyx"), (one.path, "czyx")]
    images += [(many.path / "em.zarr", "zyx"), (many.path / "rgb.zarr", "czyx")]
    for path, axes in images:
        image = ome_zarr_models.open_ome_zarr(zarr.open_group(str(path), mode="r"))
        assert type(image).__name__ == "Image"
        scales = image.ome_attributes.multiscales[0]
        assert [a.name for a in scales.axes] == list(axes)
        assert image.ome_zarr_version == ngff


# --- the tree


@BOTH
def test_several_images(mount, several, ngff):
    top, made = several
    m = mount(top, "--ngff", ngff)
    assert sorted(p.name for p in m.path.iterdir() if p.is_dir()) == sorted(f"{name}.zarr" for name in made)
    readers = [r for r in here(v3=ngff == "0.5") if "fsspec" not in r.name]  # those take URLs
    for name, wanted in made.items():
        for reader in readers:
            assert_same(reader.read(m.path / f"{name}.zarr"), wanted, f"{name}, {reader.name}")
    if ngff == "0.4":
        assert json.loads((m.path / ".zattrs").read_text()) == {}
    else:
        root = json.loads((m.path / "zarr.json").read_text())
        assert (root["node_type"], root["attributes"]) == ("group", {})
    need(("zarr", 0 if ngff == "0.4" else 3))
    import zarr

    group = zarr.open_group(str(m.path), mode="r")
    assert sorted(group.group_keys()) == sorted(f"{name}.zarr" for name in made)


@BOTH
def test_mount_point_that_is_the_image(mount, source, ngff, tmp_path):
    """MOUNTPOINT ends in .zarr: there is no folder in between, for any reader."""
    m = mount(source[0], "--ngff", ngff, mountpoint=tmp_path / "stack.zarr")
    assert axes_of(m.path) == "czyx"
    assert "0" in os.listdir(m.path)
    assert not [name for name in os.listdir(m.path) if name.endswith(".zarr")]
    for reader in here(v3=ngff == "0.5"):
        assert_same(reader.read(m.path), source[1], reader.name)
    assert (m.path / ".ngffuse" / "status.json").exists()


@BOTH
def test_root_of_one_image_is_the_image(mount, source, ngff):
    """The mount's own metadata is that of the image, with longer paths."""
    m = mount(source[0], "--ngff", ngff)
    name = ".zattrs" if ngff == "0.4" else "zarr.json"
    root, image = (json.loads((path / name).read_text()) for path in (m.path, m.path / "cells.zarr"))
    where = (lambda d: d) if ngff == "0.4" else (lambda d: d["attributes"]["ome"])
    for level in where(image)["multiscales"][0]["datasets"]:
        level["path"] = "cells.zarr/" + level["path"]
    assert root == image


def test_never_both_formats(mount, source):
    """A folder that holds metadata of two formats makes readers fail."""
    for ngff, there, absent in (("0.4", {".zgroup", ".zattrs", ".zmetadata"}, {"zarr.json"}),
                                ("0.5", {"zarr.json"}, {".zgroup", ".zattrs", ".zmetadata", ".zarray"})):
        image = mount(source[0], "--ngff", ngff).path / "cells.zarr"
        for folder in (image, image / "0"):
            for name in absent:
                with pytest.raises(FileNotFoundError):
                    os.stat(folder / name)
        assert there <= set(os.listdir(image))


def test_consolidated_equals_the_single_files(mount, source, several):
    for top, names in ((source[0], ["cells"]), (several[0], list(several[1]))):
        m = mount(top)
        for name in names:
            image = m.path / f"{name}.zarr"
            both = json.loads((image / ".zmetadata").read_text())
            assert both["zarr_consolidated_format"] == 1
            files = {str(p.relative_to(image)): json.loads(p.read_text())
                     for p in image.rglob(".z*") if p.name != ".zmetadata"}
            assert {".zgroup", ".zattrs", "0/.zarray", "0/.zattrs"} <= set(files)
            assert both["metadata"] == files


def test_consolidated_by_libraries(mount, source):
    need(("xarray", 0), ("zarr", 0))
    import xarray
    import zarr

    image = mount(source[0]).path / "cells.zarr"
    assert_same(zarr.open_consolidated(str(image), mode="r")["0"][...], source[1])
    with xarray.open_zarr(str(image), mask_and_scale=False, consolidated=True) as data:
        assert data["0"].dims == ("c", "z", "y", "x")
        assert data["0"].dtype == np.dtype("<u2")
        assert_same(data["0"].values, source[1])


def test_xarray_takes_zeros_for_missing_unless_told(mount, source):
    """Why the manual says mask_and_scale=False."""
    need(("xarray", 0), ("zarr", 0))
    import xarray

    with xarray.open_zarr(str(mount(source[0]).path / "cells.zarr")) as data:
        assert data["0"].dtype.kind == "f"


def test_v3_has_the_axes_names(mount, source):
    image = mount(source[0], "--ngff", "0.5").path / "cells.zarr"
    meta = json.loads((image / "0" / "zarr.json").read_text())
    assert meta["dimension_names"] == list("czyx")


def test_v3_by_url(mount, source):
    """--ngff 0.5 through tensorstore's automatic choice and zarr-python 3's explicit one."""
    need(("zarr", 3), ("tensorstore", 0))
    import tensorstore
    import zarr

    image = mount(source[0], "--ngff", "0.5").path / "cells.zarr"
    store = {"driver": "auto", "kvstore": f"file://{image}/0/"}
    assert_same(tensorstore.open(store, open=True, read=True).result().read().result(), source[1])
    assert_same(zarr.open_array(str(image / "0"), mode="r", zarr_format=3)[...], source[1])
    old = mount(source[0]).path / "cells.zarr"
    store = {"driver": "auto", "kvstore": f"file://{old}/0/"}
    assert_same(tensorstore.open(store, open=True, read=True).result().read().result(), source[1])


def test_slices_of_an_array(mount, source):
    """Selections, not whole arrays: the right chunks in the right places."""
    need(("zarr", 0))
    import zarr

    m = mount(source[0], "--chunk-shape", "2,16,32")
    array = zarr.open_array(str(m.path / "cells.zarr" / "0"), mode="r")
    assert array.chunks == (1, 2, 16, 32)
    for at in (np.s_[1], np.s_[:, 2], np.s_[0, 1:3, 10:55, 31:33], np.s_[1, 2, 69, 89], np.s_[..., 64:]):
        assert_same(array[at], source[1][at], str(at))


def test_files_copied_out_are_the_image(mount, source, tmp_path):
    """`cp -r` of an image makes an image on disk that readers open like any other."""
    import shutil

    for args in ((), ("--codec", "zstd", "--ngff", "0.5")):
        image = mount(source[0], *args).path / "cells.zarr"
        copy = tmp_path / f"copy{len(args)}.zarr"
        shutil.copytree(image, copy)
        for reader in here(v3=bool(args)):
            assert_same(reader.read(copy), source[1], reader.name)
        shape, chunks, _, _ = describe(image / "0")
        for index in chunk_indices(shape, chunks):
            name = os.path.join("0", *map(str, index))
            assert (image / name).read_bytes() == (copy / name).read_bytes()
            assert os.stat(image / name).st_size == os.stat(copy / name).st_size


def test_plain_decoding_finds_what_is_wrong(mount, source):
    """The comparison that all of these tests rest on does see one wrong voxel."""
    voxels = plain(mount(source[0]).path / "cells.zarr")
    voxels[1, 2, 3, 4] ^= 1
    with pytest.raises(AssertionError, match=r"1 of .* voxels differ, the first at \(1, 2, 3, 4\)"):
        assert_same(voxels, source[1])
