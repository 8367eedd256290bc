"""--layout: datasets of WEBKNOSSOS beside images, in their place, and xyz in them. What they hold is what tifffile
reads, chunk files are those of the image byte for byte, and names and documents are those that the layout says.
What WEBKNOSSOS's own library makes of them is shown by test_webknossos.py."""

import errno
import json
import os
from pathlib import Path

import cascade
import numcodecs
import numpy as np
import pytest
from conftest import MountFailed
from make_stacks import Layout, pixels, write_stack, write_tiff
from reading import assert_same, chunk_indices, chunk_path, chunk_region, plain

pytestmark = pytest.mark.fuse

VOXEL = (25, 11.24, 11.24)
OPTIONS = ("--voxel-size", "11.24,11.24,25", "--chunk-shape", "4,32,32")
SHAPE = (9, 70, 50)


@pytest.fixture(scope="module")
def em(tmp_path_factory):
    volume = pixels(SHAPE, "u2", odd=False)
    folder = tmp_path_factory.mktemp("layouts") / "em"
    write_stack(folder, volume, Layout(rows=8, compression="lzw"))
    return folder, volume


@pytest.fixture(scope="module")
def cells(tmp_path_factory):
    """A stack with two labels: (folder, image, {path: ids})."""
    folder = tmp_path_factory.mktemp("layouts") / "em"
    volume = pixels(SHAPE, "u1", odd=False)
    ids = {"cells": pixels(SHAPE, "u4", seed=2, odd=False) % 7, "a b/color": pixels(SHAPE, "u2", seed=3) % 5}
    write_stack(folder, volume, Layout(rows=8))
    for path, label in ids.items():
        write_stack(folder / "labels" / path, label, Layout(rows=8))
    return folder, volume, ids


@pytest.fixture(scope="module")
def times(tmp_path_factory):
    """2 times, 3 channels: t,c,z,y,x."""
    folder = tmp_path_factory.mktemp("layouts") / "s"
    folder.mkdir()
    volume = pixels((2, 3, 4, 40, 50), "u2", odd=False)
    for t, c, z in np.ndindex(volume.shape[:3]):
        write_tiff(folder / f"img_t{t:03d}_c{c}_z{z:04d}.tif", [volume[t, c, z]], Layout(rows=8))
    return folder, volume


def names(folder):
    return sorted(p.name for p in folder.iterdir())


def chunks_made(m):
    return sum(one["made"] for one in m.status()["levels"])


def properties(dataset):
    return json.loads((dataset / "datasource-properties.json").read_text())


def array_of(folder):
    """The array as its own metadata has it, without the axis c, as z, y, x."""
    meta = json.loads((folder / ".zarray").read_text())
    assert (meta["zarr_format"], meta["order"], meta["filters"], meta["fill_value"]) == (2, "F", None, 0)
    assert meta["dimension_separator"] == "/"
    codec = numcodecs.get_codec(dict(meta["compressor"])) if meta["compressor"] else None
    shape, chunks = meta["shape"], meta["chunks"]
    out = np.empty(shape, meta["dtype"])
    for index in chunk_indices(shape, chunks):
        data = chunk_path(folder, index).read_bytes()
        raw = codec.decode(data) if codec else data
        voxels = np.frombuffer(raw, meta["dtype"]).reshape(chunks, order="F")
        region = chunk_region(index, shape, chunks)
        out[region] = voxels[tuple(slice(0, r.stop - r.start) for r in region)]
    if len(shape) == 4:
        assert shape[0] == chunks[0] == 1
        out = out[0]
    return out.transpose(2, 1, 0)


def levels(volume, method="median"):
    mags = cascade.mags(volume.shape, VOXEL)
    return {cascade.mag_name(mag): voxels for mag, voxels in zip(mags, cascade.cascade(volume, mags, method))}


def check_layer(dataset, layer, volume, method="median", xyz="xyz"):
    """Every mag and no other, in both views."""
    wanted = levels(volume, method)
    assert names(dataset / layer) == sorted([".zgroup", *wanted])
    assert set(wanted) <= set(names(dataset / xyz))
    for mag, voxels in wanted.items():
        assert_same(array_of(dataset / layer / mag), voxels, f"{layer}/{mag}")
        assert_same(array_of(dataset / xyz / mag), voxels, f"{xyz}/{mag}")
        assert names(dataset / layer / mag) == [".zarray", "0"]


@pytest.mark.parametrize("codec", ["none", "blosc-lz4", "zlib"])
def test_the_mount_is_the_dataset(codec, em, mount):
    folder, volume = em
    m = mount(folder, "--layout", "webknossos", "--codec", codec, *OPTIONS)
    assert names(m.path) == [".zgroup", "color", "datasource-properties.json", "xyz"]
    assert names(m.path / "xyz") == [".zgroup", *levels(volume)]
    check_layer(m.path, "color", volume)


@pytest.mark.parametrize("ngff", ["0.4", "0.5"])
def test_both(ngff, em, mount):
    """One file is the same file in each view, and made once."""
    folder, volume = em
    m = mount(folder, "--layout", "both", "--codec", "zstd", "--ngff", ngff, *OPTIONS)
    assert {"em", "em.zarr"} <= set(names(m.path))
    check_layer(m.path / "em", "color", volume)
    assert_same(plain(m.path / "em.zarr"), volume)
    n = 0
    for k, (mag, voxels) in enumerate(levels(volume).items()):
        for z, y, x in np.ndindex(*(-(-s // c) for s, c in zip(voxels.shape, (4, 32, 32)))):
            data = (m.path / f"em.zarr/{k}/{z}/{y}/{x}").read_bytes()
            assert data == (m.path / f"em/color/{mag}/0/{x}/{y}/{z}").read_bytes()
            assert data == (m.path / f"em/xyz/{mag}/{x}/{y}/{z}").read_bytes()
            n += 1
    counts = m.status()["levels"]
    assert (sum(one["made"] for one in counts), sum(one["remade"] for one in counts)) == (n, 0)


def test_mount_point_of_zarr(em, mount, tmp_path):
    """Where it is to show more than the image, it is not the image."""
    with mount.within(em[0], "--layout", "both", *OPTIONS, mountpoint=tmp_path / "x.zarr") as m:
        assert {"em", "em.zarr"} <= set(names(m.path))


def test_layers_of_times_and_channels(times, mount):
    folder, volume = times
    m = mount(folder, "--layout", "both", "--layer-name", "Fluo.1", *OPTIONS)
    found = {layer["name"]: layer for layer in properties(m.path / "s")["dataLayers"]}
    assert set(found) == {f"Fluo.1__channel{c}_timepoint{t}" for c in range(3) for t in range(2)}
    assert set(names(m.path / "s")) == {".zgroup", "datasource-properties.json", "xyz", *found}
    assert set(names(m.path / "s/xyz")) == {".zgroup", *found}
    for t, c in np.ndindex(2, 3):
        layer = f"Fluo.1__channel{c}_timepoint{t}"
        check_layer(m.path / "s", layer, volume[t, c], xyz=f"xyz/{layer}")
        data = (m.path / f"s.zarr/0/{t}/{c}/0/1/0").read_bytes()
        assert data == (m.path / f"s/{layer}/1/0/0/1/0").read_bytes()
    windows = json.loads((m.path / "s.zarr/.zattrs").read_text())["omero"]["channels"]
    for c, channel in enumerate(windows):
        view = found[f"Fluo.1__channel{c}_timepoint1"]["defaultViewConfiguration"]
        assert view["intensityRange"] == [channel["window"]["start"], channel["window"]["end"]]
        assert [view["min"], view["max"]] == [channel["window"]["min"], channel["window"]["max"]]
        assert bytes(view["color"]).hex().upper() == channel["color"].upper()


def test_labels(cells, mount):
    folder, volume, ids = cells
    m = mount(folder, "--layout", "webknossos", "--largest-segment-id", "6", *OPTIONS)
    layers = {layer["name"]: layer for layer in properties(m.path)["dataLayers"]}
    assert {name: layer["category"] for name, layer in layers.items()} == {
        "color": "color", "cells": "segmentation", "a_b_color": "segmentation"}
    assert layers["cells"]["largestSegmentId"] == 6 and "largestSegmentId" not in layers["color"]
    assert (layers["cells"]["elementClass"], layers["a_b_color"]["elementClass"]) == ("uint32", "uint16")
    check_layer(m.path, "color", volume, xyz="xyz/color")
    check_layer(m.path, "cells", ids["cells"], "mode", xyz="xyz/cells")
    check_layer(m.path, "a_b_color", ids["a b/color"], "mode", xyz="xyz/a_b_color")


def test_a_bad_label_is_no_layer(em, mount, tmp_path):
    write_stack(tmp_path / "em", em[1], Layout(rows=8))
    write_stack(tmp_path / "em/labels/good", em[1], Layout(rows=8))
    write_stack(tmp_path / "em/labels/small", em[1][:, :20], Layout(rows=8))
    m = mount(tmp_path / "em", "--layout", "webknossos", *OPTIONS)
    assert [layer["name"] for layer in properties(m.path)["dataLayers"]] == ["color", "good"]
    with pytest.raises(OSError) as caught:
        (m.path / "small/1/.zarray").read_bytes()
    assert caught.value.errno == errno.EIO


def test_a_segmentation(em, mount):
    """--category segmentation: ids are reduced by the mode, unless another method is given."""
    folder, volume = em
    with mount.within(folder, "--layout", "webknossos", "--category", "segmentation", *OPTIONS) as m:
        (layer,) = properties(m.path)["dataLayers"]
        assert (layer["name"], layer["category"]) == ("segmentation", "segmentation")
        assert not {"largestSegmentId", "defaultViewConfiguration"} & set(layer)
        check_layer(m.path, "segmentation", volume, "mode")
    with mount.within(folder, "--layout", "webknossos", "--category", "segmentation", "--interpolation-mode", "max",
                      *OPTIONS) as m:
        check_layer(m.path, "segmentation", volume, "max")


def test_one_page(mount, tmp_path):
    """y,x only: z is 1."""
    picture = pixels((70, 50), "f4", odd=False)
    write_tiff(tmp_path / "page.tif", [picture], Layout(rows=8))
    m = mount(tmp_path / "page.tif", "--layout", "webknossos", "--voxel-size", "2,3", "--unit", "um")
    doc = properties(m.path)
    assert doc["scale"] == {"factor": [2, 3, 1], "unit": "micrometer"}
    (layer,) = doc["dataLayers"]
    assert (layer["elementClass"], layer["boundingBox"]["depth"]) == ("float", 1)
    assert [mag["mag"][2] for mag in layer["mags"]] == [1] * len(layer["mags"])
    assert_same(array_of(m.path / "color/1"), picture[None])
    assert_same(array_of(m.path / "xyz/1"), picture[None])


def test_several_images(em, mount, tmp_path):
    """A dataset beside each image, with that image's name; the name in it is one that WEBKNOSSOS takes."""
    for name in ("a", "b c"):
        write_stack(tmp_path / "top" / name, em[1], Layout(rows=8))
    m = mount(tmp_path / "top", "--layout", "webknossos", *OPTIONS)
    assert set(names(m.path)) == {".zgroup", ".zattrs", "a", "a.zarr", "b c", "b c.zarr"}
    for name, inside in (("a", "a"), ("b c", "b_c")):
        assert properties(m.path / name)["id"]["name"] == inside
        check_layer(m.path / name, "color", em[1])


def test_one_name_for_two_folders(em, mount, run, tmp_path):
    """An image a.zarr would have its dataset where the image a has its folder."""
    for name in ("a", "a.zarr", "b.zarr"):
        write_tiff(tmp_path / f"{name}.tif", [em[1][0]], Layout(rows=8))
    words = ("--group", "none", tmp_path)
    assert run("info", *words).returncode == 0
    done = run("info", "--layout", "both", *words)
    assert done.returncode == 2 and "rename one of them" in done.stderr, done
    (tmp_path / "a.tif").unlink()
    m = mount(tmp_path, "--group", "none", "--layout", "both")
    assert_same(array_of(m.path / "b.zarr/color/1"), em[1][:1])
    assert_same(plain(m.path / "b.zarr.zarr"), em[1][0])


def test_names_that_are_none(em, mount):
    m = mount(em[0], "--layout", "webknossos", *OPTIONS)
    for path in ("color/1/1", "color/1/0/2", "color/1/0/0/3", "color/1/0/0/0/3", "color/1/0/00", "color/01",
                 "color/1-1-1", "color/.zattrs", "color/1/.zattrs", "xyz/color", "xyz/1/2", ".zattrs", "0", "em.zarr",
                 "zarr.json"):
        with pytest.raises(FileNotFoundError):
            os.stat(m.path / path)
    assert chunks_made(m) == 0


def test_listing_makes_no_chunk(times, mount):
    m = mount(times[0], "--layout", "both", *OPTIONS)
    n = sum(len(files) for _, _, files in os.walk(m.path / "s"))
    assert n > 100 and chunks_made(m) == 0


def test_numbers_and_attributes(cells, mount):
    """No inode twice, parents by "..", owner and age as in the image."""
    m = mount(cells[0], "--layout", "both", *OPTIONS)
    seen = set()
    for top, folders, files in os.walk(m.path):
        for name in folders + files:
            st = os.lstat(os.path.join(top, name))
            assert st.st_ino not in seen, os.path.join(top, name)
            seen.add(st.st_ino)
    mags = m.path / "em/xyz/cells/1"
    assert os.stat(mags / "..").st_ino == os.stat(m.path / "em/xyz/cells").st_ino
    one, two = os.stat(mags / "0/0/0"), os.stat(m.path / "em.zarr/labels/cells/0/0/0/0")
    assert (one.st_size, one.st_mtime_ns, one.st_mode, one.st_uid) == (two.st_size, two.st_mtime_ns, two.st_mode,
                                                                       two.st_uid)


def test_cat(em, mount, run):
    """The same bytes without a mount."""
    words = ("--layout", "webknossos", "--codec", "zstd", *OPTIONS)
    m = mount(em[0], *words)
    for path in ("datasource-properties.json", "color/.zgroup", "color/1/.zarray", "color/2-2-1/0/0/1/0", "xyz/.zgroup",
                 "xyz/1/1/2/2"):
        done = run("cat", *words, em[0], path, text=False)
        assert done.returncode == 0 and done.stdout == (m.path / path).read_bytes(), path


def test_info_and_summary(times, run, mount, tmp_path):
    words = ("--layout", "webknossos", *OPTIONS, times[0])
    told = json.loads(run("info", "--json", *words).stdout)["images"][0]
    assert told["layers"] == [f"color__channel{c}_timepoint{t}" for t in range(2) for c in range(3)]
    assert "color__channel0_timepoint0, color__channel1_timepoint0" in run("info", *words).stdout
    m = mount(times[0], *words[:-1])
    assert "dataset of WEBKNOSSOS" in m.log and f'webknossos.Dataset.open("{m.path}")' in m.log
    assert f'zarr.open("{m.path}/color__channel0_timepoint0/1", mode="r")' in m.log
    assert len(m.log.splitlines()) <= 12
    m = mount(times[0], "--layout", "both", *OPTIONS)
    assert f'webknossos.Dataset.open("{m.path}/s")' in m.log and "napari-ome-zarr" in m.log
    assert len(m.log.splitlines()) <= 12


@pytest.mark.parametrize("words, said", [
    (["--layout", "both", "--sampling-mode", "1,1,2:1,2,1:2,2,2"], "2-1-1 and 2-2-1"),
    (["--layout", "webknossos", "--layer-name", "xyz"], "--layer-name"),
    (["--layout", "webknossos", "--layer-name", "a b"], "--layer-name"),
    (["--category", "segmentation"], "--layout"),
    (["--layout", "wkw"], "ome-zarr, webknossos or both"),
])
def test_refused(words, said, em, run, tmp_path):
    done = run("-f", *words, em[0], tmp_path / "mnt", timeout=30)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr and len(done.stderr.splitlines()) == 1, done.stderr


@pytest.mark.parametrize("dtype, more", [("u8", []), ("f8", []), ("f4", ["--category", "segmentation"])])
def test_types_that_webknossos_does_not_know(dtype, more, mount, tmp_path):
    write_stack(tmp_path / "s", pixels(SHAPE, dtype, odd=False), Layout(rows=8))
    with pytest.raises(MountFailed) as failed:
        mount(tmp_path / "s", "--layout", "webknossos", *more)
    assert failed.value.code == 2 and "WEBKNOSSOS has no" in failed.value.log
    mount(tmp_path / "s")
    if dtype == "u8":
        m = mount(tmp_path / "s", "--layout", "webknossos", "--category", "segmentation")
        assert properties(Path(m.path))["dataLayers"][0]["elementClass"] == "uint64"
