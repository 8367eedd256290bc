"""Segmentations beside an image: found, read by every library as tifffile reads the files, lined up with their
image, coloured; and one that does not fit harms nobody else."""

import errno
import itertools
import json
import os
import stat

import numpy as np
import pytest
import tifffile
from reading import assert_same, axes_of, here, multiscale, napari_layers, need, ome_zarr_nodes, plain
from test_stacks import read_with_tifffile
from workbench import picture, write_stack

pytestmark = pytest.mark.fuse

BOTH = pytest.mark.parametrize("ngff", ["0.4", "0.5"])
SHAPE = (5, 70, 90)
# These open the image that a label belongs to, and .zmetadata is that of the image.
BY_IMAGE = ("ome-zarr", "napari", "zarr2-consolidated")


def ids(dtype, n=40, seed=3, shape=SHAPE):
    """Blocks of equal ids, 0 among them."""
    rng = np.random.default_rng(seed)
    small = rng.integers(0, n, [max(1, size // 5) for size in shape[1:]])
    blocks = np.kron(small, np.ones((5, 5), int))[:shape[1], :shape[2]]
    return np.stack([np.roll(blocks, 3 * z, axis=1) for z in range(shape[0])]).astype(dtype)


@pytest.fixture(scope="module")
def em(tmp_path_factory):
    """(folder, the image, {path: label})"""
    top = tmp_path_factory.mktemp("labels") / "em"
    labels = {"cells": ids("u2"), "organs/er": ids("u1", seed=4), "original/0": ids("u4", 900, 5) * 70001}
    image = picture(SHAPE, "u1")
    write_stack(top, image, compression="lzw", rowsperstrip=16)
    write_stack(top / "labels/cells", labels["cells"], rowsperstrip=7)
    (top / "labels/organs").mkdir()
    tifffile.imwrite(top / "labels/organs/er.tif", labels["organs/er"], photometric="minisblack",
                     metadata=None, compression="zlib")
    write_stack(top / "labels", labels["original/0"], compression="zlib", tile=(32, 32))
    return top, image, labels


def attributes(group, ngff="0.4"):
    if ngff == "0.4":
        return json.loads((group / ".zattrs").read_text())
    return json.loads((group / "zarr.json").read_text())["attributes"]["ome"]


@BOTH
def test_every_reader(mount, em, ngff):
    top, image, labels = em
    m = mount(top, "--ngff", ngff)
    assert [p.name for p in m.path.iterdir() if p.is_dir()] == ["em.zarr"]
    here_all = here(v3=ngff == "0.5")
    for reader in here_all:
        assert_same(reader.read(m.path / "em.zarr"), image, reader.name)
    assert attributes(m.path / "em.zarr/labels", ngff)["labels"] == sorted(labels)
    for path, wanted in labels.items():
        label = m.path / "em.zarr/labels" / path
        assert axes_of(label) == "zyx"
        for reader in here_all:
            if reader.name not in BY_IMAGE:
                assert_same(reader.read(label), wanted, f"{path}, {reader.name}")
        up = attributes(label, ngff)["image-label"]["source"]["image"]
        assert os.path.samefile(label / up, m.path / "em.zarr")


def test_consolidated(mount, em):
    """The image's .zmetadata leads to its labels."""
    need(("zarr", 0))
    import zarr

    top, _, labels = em
    group = zarr.open_consolidated(str(mount(top).path / "em.zarr"), mode="r")
    assert sorted(group["labels"].group_keys()) == ["cells", "organs", "original"]
    for path, wanted in labels.items():
        assert_same(group["labels"][path]["0"][...], wanted, path)


def test_real_stack(shared, mount):
    top = shared / "stacks" / "em_fibsem_cube_with_labels"
    image = mount(top).path / "em_fibsem_cube_with_labels.zarr"
    assert_same(plain(image), read_with_tifffile(top / "raw"))
    wanted = read_with_tifffile(top / "labels")
    label = image / "labels/original/0"
    assert_same(plain(label), wanted)
    # Small enough to know all of its ids, which have colours of their own.
    colors = attributes(label)["image-label"]["colors"]
    assert [c["label-value"] for c in colors] == [int(v) for v in np.unique(wanted) if v != 0]
    assert len({tuple(c["rgba"]) for c in colors}) > 0.8 * len(colors)
    # No level has an id that the one before has not.
    levels = [plain(label, d["path"]) for d in multiscale(label)["datasets"]]
    assert len(levels) == len(multiscale(image)["datasets"]) > 1
    for finer, coarser in itertools.pairwise(levels):
        assert set(np.unique(coarser)) <= set(np.unique(finer))


def test_the_tree(mount, em):
    """What is listed, in what form, and that single documents are those of .zmetadata."""
    top, _, labels = em
    image = mount(top).path / "em.zarr"
    levels = [d["path"] for d in attributes(image)["multiscales"][0]["datasets"]]
    assert len(levels) > 1
    assert sorted(os.listdir(image)) == sorted([".zgroup", ".zattrs", ".zmetadata", *levels, "labels"])
    assert sorted(os.listdir(image / "labels")) == [".zattrs", ".zgroup", "cells", "organs", "original"]
    assert sorted(os.listdir(image / "labels/organs")) == [".zgroup", "er"]
    assert sorted(os.listdir(image / "labels/organs/er")) == [".zattrs", ".zgroup", *levels]
    both = json.loads((image / ".zmetadata").read_text())["metadata"]
    files = {str(p.relative_to(image)): json.loads(p.read_text())
             for p in image.rglob(".z*") if p.name != ".zmetadata"}
    assert both == files
    assert len(files) == 2 + 2 + 2 + 2 * len(labels) + 2 * len(levels) * (1 + len(labels))
    for path in labels:
        scales = [group["multiscales"][0] for group in (attributes(image), attributes(image / "labels" / path))]
        assert scales[0]["datasets"] != [] and scales[0]["axes"] == scales[1]["axes"]
        assert [[t for t in d["coordinateTransformations"] if t["type"] == "scale"] for d in scales[0]["datasets"]] == \
            [[t for t in d["coordinateTransformations"] if t["type"] == "scale"] for d in scales[1]["datasets"]]
        assert (scales[0]["type"], scales[1]["type"]) == ("median", "mode")
    for folder in ("labels", "labels/organs", "labels/organs/er"):
        seen = os.stat(image / folder)
        assert stat.S_IMODE(seen.st_mode) == 0o555 and seen.st_nlink == 2
        assert os.stat(image / folder / "..").st_ino == os.stat((image / folder).parent).st_ino
    for name in ("labels/zarr.json", "labels/organs/.zattrs", "labels/none", "labels/cells/labels", "99"):
        with pytest.raises(FileNotFoundError):
            os.stat(image / name)
    with pytest.raises(OSError) as failed:
        open(image / "labels/organs/new", "w").close()
    assert failed.value.errno == errno.EROFS


@BOTH
def test_mount_point_that_is_the_image(mount, em, ngff, tmp_path):
    top, image, labels = em
    m = mount(top, "--ngff", ngff, mountpoint=tmp_path / "stack.zarr")
    assert_same(plain(m.path), image)
    for path, wanted in labels.items():
        label = m.path / "labels" / path
        assert_same(plain(label), wanted, path)
        assert os.path.samefile(label / attributes(label, ngff)["image-label"]["source"]["image"], m.path)


# --- libraries that know labels


@pytest.fixture(scope="module")
def cells(tmp_path_factory):
    """An image of times and channels, with one label of as many times: (folder, image t,c,z,y,x, label t,z,y,x)"""
    top = tmp_path_factory.mktemp("cells") / "cells"
    (top / "labels").mkdir(parents=True)
    image = picture((3, 2, 4, 30, 40))
    label = np.stack([ids("u2", seed=t, shape=(4, 30, 40)) for t in range(3)])
    for t, z in np.ndindex(3, 4):
        for c in range(2):
            tifffile.imwrite(top / f"t{t}_c{c}_z{z}.tif", image[t, c, z], metadata=None)
        tifffile.imwrite(top / f"labels/t{t}_z{z}.tif", label[t, z], metadata=None)
    return top, image, label


@BOTH
def test_ome_zarr(mount, em, cells, ngff):
    need(("ome-zarr", 0))
    top, image, labels = em
    path = mount(top, "--ngff", ngff).path / "em.zarr"
    nodes = ome_zarr_nodes(path)
    assert_same(np.asarray(nodes[0].data[0]), image)
    got = {n.metadata["name"]: n for n in nodes if "color" in n.metadata}
    assert {name: n.data[0].shape for name, n in got.items()} == {name: SHAPE for name in labels}
    for name, wanted in labels.items():
        assert_same(np.asarray(got[name].data[0]), wanted, name)
    # Given the label, it finds the image.
    nodes = ome_zarr_nodes(path / "labels/organs/er")
    assert [n.data[0].dtype for n in nodes if n.metadata.get("name") in ("em", "organs/er")] == ["u1", "u1"]


@BOTH
def test_napari_lines_them_up(mount, cells, ngff):
    """The axes of a label's layer are those of its image's layers, where c is no axis of any layer."""
    need(("napari-ome-zarr", 0), ("napari", 0))
    from napari.components import ViewerModel

    top, image, label = cells
    args = ["--ngff", ngff, "--voxel-size", "4,5,25", "--time-step", "2"]
    layers = napari_layers(mount(top, *args).path / "cells.zarr")
    (_, first, kind), (data, settings, label_kind) = layers
    assert (kind, label_kind) == ("image", "labels")
    assert_same(np.asarray(data[0]), label)
    assert settings["scale"] == first["scale"] == [2, 25, 5, 4]
    assert settings["axis_labels"] == first["axis_labels"] == ("t", "z", "y", "x")
    viewer = ViewerModel()
    for data, settings, kind in layers:
        getattr(viewer, f"add_{kind}")(data, **settings)
    assert [layer.ndim for layer in viewer.layers] == [4, 4, 4]
    extents = [layer.extent.world.tolist() for layer in viewer.layers]
    assert extents[0] == extents[1] == extents[2]
    # Every id is seen, in a colour of its own, and the background is not.
    seen = viewer.layers[-1].colormap.map(np.unique(label))
    assert seen[0][3] == 0 and (seen[1:, 3] == 1).all()


@BOTH
def test_ome_zarr_models(mount, em, tmp_path, ngff):
    need(("ome-zarr-models", 0), ("zarr", 3))
    import ome_zarr_models
    import zarr

    # It refuses paths of several parts in 0.5.
    top, image, labels = em
    if ngff == "0.5":
        args = ["--label", f"seg={top / 'labels/cells'}", "--ngff", ngff]
        top = write_stack(tmp_path / "em", image)
        labels = {"seg": labels["cells"]}
    else:
        args = []
    path = mount(top, *args).path / "em.zarr"
    found = ome_zarr_models.open_ome_zarr(zarr.open_group(str(path), mode="r"))
    assert type(found).__name__ == "Image"
    assert sorted(found.labels.attributes.labels if ngff == "0.4" else found.labels.ome_attributes.labels) == \
        sorted(labels)
    for name in labels:
        label = ome_zarr_models.open_ome_zarr(zarr.open_group(str(path / "labels" / name), mode="r"))
        assert type(label).__name__ == "ImageLabel"


def test_ngff_zarr(mount, em):
    need(("ngff-zarr", 0))
    import ngff_zarr

    top, _, labels = em
    path = mount(top).path / "em.zarr"
    for name, wanted in labels.items():
        found = ngff_zarr.from_ngff_zarr(str(path / "labels" / name), validate=True)
        assert_same(np.asarray(found.images[0].data), wanted, name)


# --- where labels come from


def test_given_by_option(mount, em, tmp_path):
    """From anywhere, a file or a folder; the mount may lie in it."""
    _, image, labels = em
    top = write_stack(tmp_path / "em", image)
    seg = write_stack(tmp_path / "seg", labels["cells"])
    tifffile.imwrite(tmp_path / "er.tif", labels["organs/er"], photometric="minisblack", metadata=None)
    args = ["--label", f"a/cells={seg}", "--label", f"er={tmp_path / 'er.tif'}"]
    for point in (tmp_path / "mnt", seg / "inside"):
        point.mkdir(exist_ok=True)
        with mount.within(top, *args, mountpoint=point) as m:
            path = m.path / "em.zarr/labels"
            assert attributes(path)["labels"] == ["a/cells", "er"]
            assert_same(plain(path / "a/cells"), labels["cells"])
            assert_same(plain(path / "er"), labels["organs/er"])
            assert_same(plain(m.path / "em.zarr"), image)


def test_changed_while_mounted(mount, em, tmp_path):
    """A label's file that is another one now gives errors, its image none."""
    _, image, labels = em
    top = write_stack(tmp_path / "em", image)
    seg = write_stack(tmp_path / "seg", labels["cells"])
    m = mount(top, "--label", f"cells={seg}", "--chunk-shape", "1,32,32")
    tifffile.imwrite(seg / "s_0002.tif", labels["cells"][0, :60], metadata=None)
    array = m.path / "em.zarr/labels/cells/0"
    assert (array / "1/0/0").read_bytes()
    with pytest.raises(OSError) as failed:
        (array / "2/0/0").read_bytes()
    assert failed.value.errno == errno.EIO
    assert f"{seg}/s_0002.tif: changed" in m.log
    assert_same(plain(m.path / "em.zarr"), image)


def test_each_image_its_own(mount, tmp_path):
    wanted = {}
    for n, name in enumerate("abc"):
        write_stack(tmp_path / "top" / name, picture(SHAPE, "u1", seed=n))
        if name != "b":
            wanted[name] = ids("u2", seed=n)
            write_stack(tmp_path / "top" / name / "labels/cells", wanted[name])
    m = mount(tmp_path / "top")
    assert sorted(p.name for p in m.path.iterdir() if p.is_dir()) == ["a.zarr", "b.zarr", "c.zarr"]
    for name, label in wanted.items():
        assert_same(plain(m.path / f"{name}.zarr/labels/cells"), label, name)
    assert "labels" not in os.listdir(m.path / "b.zarr")
    assert [len(i.get("labels", ())) for i in m.status()["images"]] == [1, 0, 1]


# --- what does not fit


def test_bad_label_harms_nobody(mount, run, em, tmp_path):
    _, image, labels = em
    top = write_stack(tmp_path / "em", image)
    write_stack(top / "labels/good", labels["cells"])
    write_stack(top / "labels/short", labels["cells"][:4])
    (top / "labels/wide/rgb").mkdir(parents=True)
    for z in range(5):
        tifffile.imwrite(top / f"labels/wide/rgb/s_{z:04d}.tif", np.zeros((70, 90, 3), "u1"),
                         photometric="rgb", metadata=None)
    said = run("info", top)
    assert said.returncode == 1
    sentence = "it is z,y,x = 4 x 70 x 90, but its image z,y,x = 5 x 70 x 90"
    assert sentence in said.stdout
    told = json.loads(run("info", "--json", top).stdout)["images"]
    assert [(i["id"], i["state"]) for i in told] == [("em", "ready")]
    assert [(i["id"], i["state"]) for i in told[0]["labels"]] == \
        [("good", "ready"), ("short", "bad"), ("wide/rgb", "bad")]
    m = mount(top)
    path = m.path / "em.zarr"
    for reader in here():
        assert_same(reader.read(path), image, reader.name)
    assert sorted(os.listdir(path / "labels")) == [".zattrs", ".zgroup", "good", "short", "wide"]
    assert attributes(path / "labels")["labels"] == ["good"]
    assert not [name for name in json.loads((path / ".zmetadata").read_text())["metadata"]
                if "short" in name or "wide" in name]
    for name in ("short", "wide/rgb"):
        for inside in (".zattrs", "0", "zarr.json"):
            with pytest.raises(OSError) as failed:
                os.stat(path / "labels" / name / inside)
            assert failed.value.errno == errno.EIO
    assert f"short UNUSABLE: {sentence}" in m.log
    assert [e for e in m.status()["errors"] if e["what"] == "em.zarr/labels/short" and sentence in e["message"]]
    (status,) = m.status()["images"]
    assert status["labels"][1]["error"].startswith(sentence)
    assert_same(plain(path / "labels/good"), labels["cells"])


def test_numbers_that_readers_cannot_tell_apart(run, em, tmp_path):
    top = write_stack(tmp_path / "em", em[1][:1])
    for name, add in (("low", 2**53 - 2), ("high", 2**53 + 5)):
        write_stack(top / "labels" / name, (ids("u8", 2)[:1] * np.uint64(add)))
    high, low = json.loads(run("info", "--json", top).stdout)["images"][0]["labels"]
    assert low["id"] == "low/s_0000" and not [w for w in low["warnings"] if "2^53" in w]
    assert [w for w in high["warnings"] if "ids above 2^53-1 were met (9007199254740997)" in w]


# --- colours


def colors_of(run, top, name="a"):
    done = run("cat", top, f"em.zarr/labels/{name}/.zattrs")
    assert done.returncode == 0, done
    return {c["label-value"]: tuple(c["rgba"])
            for c in json.loads(done.stdout)["image-label"].get("colors", ())}


def test_colors(run, em, tmp_path):
    """Those of a palette; the same for an id in every label; none where not all ids are known."""
    top = write_stack(tmp_path / "em", em[1])
    label = ids("u1", 250)
    palette = np.random.default_rng(1).integers(0, 65536, (3, 256)).astype("u2")
    write_stack(top / "labels/wide", label.astype("u2"))
    write_stack(top / "labels/narrow", label)
    write_stack(top / "labels/many", np.arange(label.size, dtype="u4").reshape(label.shape))
    (top / "labels/palette").mkdir()
    for z, plane in enumerate(label):
        tifffile.imwrite(top / f"labels/palette/p{z}.tif", plane, photometric="palette", colormap=palette,
                         metadata=None)
    known = [int(v) for v in np.unique(label) if v != 0]
    wide = colors_of(run, top, "wide")
    assert list(wide) == known
    narrow = colors_of(run, top, "narrow")
    assert all(narrow[v] == wide[v] for v in known)
    assert colors_of(run, top, "palette") == {v: (*(int(c) >> 8 for c in palette[:, v]), 255) for v in known}
    assert colors_of(run, top, "many") == {}


# --- ids that are floats

FLOATS = {
    "raw": ("f4", {}), "lzw": ("f8", {"compression": "lzw", "rowsperstrip": 16}), "raw8": ("f8", {"rowsperstrip": 9}),
    "big": (">f8", {"byteorder": ">"}), "tiles": ("f8", {"tile": (32, 32), "compression": "zlib"}),
    "rawtiles": (">f4", {"tile": (16, 48), "byteorder": ">"}),
    "predictor": ("f4", {"compression": "zlib", "predictor": 3, "rowsperstrip": 11}),
}


def test_whole_floats(mount, em, tmp_path):
    """Whole numbers are uint32, whatever the layout."""
    _, image, labels = em
    top = write_stack(tmp_path / "em", image)
    wanted = labels["original/0"]
    wanted = np.where(wanted == wanted.max(), 2**32 - 256, wanted & ~np.uint32(0xff)).astype("u4")
    for name, (dtype, how) in FLOATS.items():
        write_stack(top / "labels" / name, wanted.astype(dtype), **how)
    path = mount(top).path / "em.zarr/labels"
    assert attributes(path)["labels"] == sorted(FLOATS)
    for name in FLOATS:
        assert json.loads((path / name / "0/.zarray").read_text())["dtype"] == "<u4"
        for reader in here():
            if reader.name not in BY_IMAGE:
                assert_same(reader.read(path / name), wanted, f"{name}, {reader.name}")


@pytest.mark.parametrize("wrong", [0.5, -1, float("nan"), 2.0**32, float("inf")])
def test_floats_that_are_no_ids(mount, tmp_path, wrong):
    """In the sample they make the label unusable; met later, the chunks that need them are errors."""
    shape = (12, 512, 512)
    top = write_stack(tmp_path / "em", np.zeros(shape, "u1"))
    good = np.arange(np.prod(shape), dtype="f8").reshape(shape) % 70001
    write_stack(top / "labels/late", good, compression="lzw", rowsperstrip=64)
    write_stack(top / "labels/soon", np.where(good == 310, wrong, good), rowsperstrip=64)
    bad = good[1].copy()
    bad[70, 9] = wrong
    tifffile.imwrite(top / "labels/late/s_0001.tif", bad, compression="lzw", rowsperstrip=64, metadata=None,
                     photometric="minisblack")
    m = mount(top, "--chunk-shape", "1,128,512", "--codec", "none")
    labels = m.status()["images"][0]["labels"]
    assert [label["state"] for label in labels] == ["ready", "bad"]
    assert "is no id: ids of a label are whole numbers from 0 to 4294967295" in labels[1]["error"]
    array = m.path / "em.zarr/labels/late/0"
    for z, y in ((0, 0), (0, 1), (1, 1), (2, 0), (11, 3)):
        got = np.frombuffer((array / str(z) / str(y) / "0").read_bytes(), "<u4")
        assert_same(got.reshape(128, 512), good[z, 128 * y:][:128].astype("u4"), f"{z}, {y}")
    with pytest.raises(OSError) as failed:
        (array / "1/0/0").read_bytes()
    assert failed.value.errno == errno.EIO
    assert "em.zarr/labels/late: labels/late/s_0001.tif: strip 1: row 70: " in m.log
