"""The table of sets (sets_table.py) is what it says, and the real stacks are served plane by plane as it says."""

import csv
import hashlib
import logging
import re

import numpy as np
import pytest
import tifffile
from make_planes import DAMAGED
from reading import along, assert_same, axes_of, plain, version
from sets_table import REAL, TABLE
from test_planes import SETS

SUFFIXES = (".tif", ".tiff", ".btf", ".stk")


def natural(path):
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in re.split(r"(\d+)", str(path))]


def first_file(source):
    """Of a folder the first by natural order; whether there are others."""
    if source.is_file():
        return source, False
    files = [p for p in source.rglob("*") if p.suffix.lower() in SUFFIXES and not p.name.startswith(".")]
    files.sort(key=lambda p: natural(p.relative_to(source)))
    return files[0], len(files) > 1


def tifffile_axes(source):
    """As the table tells them."""
    path, others = first_file(source)
    logging.disable(logging.CRITICAL)
    try:
        with tifffile.TiffFile(path) as tif:
            axes = " ".join(series.axes for series in tif.series)
            return f"I+{axes}" if others and not tif.series[0].is_multifile else axes
    except Exception as e:
        return type(e).__name__
    finally:
        logging.disable(logging.NOTSET)


@pytest.mark.parametrize("name", TABLE)
def test_the_table(name, tmp_path):
    said, _, ours, _ = TABLE[name]
    assert ours == " ".join(axes for axes, _, _ in SETS[name].images.values())
    assert tifffile_axes(SETS[name].write(tmp_path / "src")) == said


def test_the_table_is_whole():
    """Each kind of set stands in it; those that are left out are variants of a row."""
    assert set(TABLE) <= set(SETS)
    axes = {s.images[next(iter(s.images))][0] for s in SETS.values()}
    assert axes == {ours.split()[0] for _, _, ours, _ in TABLE.values()}
    assert all(bio and why for _, bio, _, why in [*TABLE.values(), *REAL.values()])


# tifffile sees the same axes, and does otherwise.
OTHERWISE = {"first z is 1", "times that were not recorded"}


def seen_alike(name):
    """Whether tifffile sees the same axes, in any order, in one file or one set of files."""
    images, said = SETS[name].images, TABLE[name][0]
    ours = next(iter(images.values()))[0]
    return len(images) == 1 and not SETS[name].samples and sorted(said.lower()) == sorted(ours)


@pytest.mark.parametrize("name", [name for name in TABLE if seen_alike(name) and name not in OTHERWISE])
def test_pixels_as_tifffile_sees_them(name, tmp_path):
    """An independent reader finds the same planes in the same places, so that the sets are no invention of ours."""
    s = SETS[name]
    ((image, (axes, sizes, planes)),) = s.images.items()
    path, _ = first_file(s.write(tmp_path / "src"))
    logging.disable(logging.CRITICAL)
    with tifffile.TiffFile(path) as tif:
        got = along(tif.series[0].asarray(), tif.series[0].axes.lower(), axes)
    logging.disable(logging.NOTSET)
    assert got.shape[:-2] == tuple(sizes)
    for k, (pixels, want) in enumerate(zip(got.reshape(-1, *got.shape[-2:]), s.wanted(image))):
        assert planes[k] == DAMAGED or np.array_equal(pixels, want), f"plane {k} is {planes[k]}"


# --- real ones


@pytest.mark.parametrize("name", REAL)
def test_the_table_of_real_sets(name, shared):
    if "ndtiff" in name and version("numpy") < (2,):
        pytest.skip("tifffile sorts the axes of NDTiff by what only NumPy 2 has")
    assert tifffile_axes(shared / name) == REAL[name][0]


def rows_of(shared, table, key, name):
    with open(shared / "stacks" / table, newline="") as f:
        return [row for row in csv.DictReader(f, delimiter="\t") if row[key] == name]


def only_image(m):
    (image,) = m.path.glob("*.zarr")
    return image


@pytest.mark.fuse
@pytest.mark.parametrize("name", REAL)
def test_real_sets(name, shared, mount):
    """Axes of the table; planes by planes.tsv where they stand there, else as tifffile's series has them."""
    image = only_image(mount(shared / name, "--chunk-shape", "1,512,512"))
    ours = REAL[name][2]
    assert axes_of(image) == ours
    voxels = plain(image)
    rows = rows_of(shared, "planes.tsv", "stack", name.replace("stacks/", "").replace("tiff/", "../tiff/"))
    if rows:
        assert len(rows) == np.prod(voxels.shape[:-2], dtype=int)
        check_planes(voxels, ours, rows)
        return
    with tifffile.TiffFile(shared / name) as tif:
        wanted, axes = tif.series[0].asarray(), tif.series[0].axes.lower()
    axes = axes.replace("q", "z").replace("s", "c")
    wanted = along(wanted, axes, ours)
    assert_same(voxels, wanted.astype(wanted.dtype.newbyteorder("<")), name)


def check_planes(voxels, axes, rows):
    """`index` names other axes where the file does not tell: those of one axis are ours in order."""
    for row in rows:
        at = dict(word.split("=") for word in row["index"].split() if "=" in word)
        if len(at) == 1 and len(axes) == 3:
            at = {axes[0]: next(iter(at.values()))}
        plane = voxels[tuple(int(at[a]) for a in axes[:-2])]
        assert hashlib.sha256(plane.tobytes()).hexdigest() == row["sha256"], row["index"]


@pytest.mark.fuse
def test_a_stitched_ndtiff(shared, mount):
    """Rows and columns are images, for their overlap makes stitching a guess; overviews are none. Two of the four
    places were never recorded: the table has zeros there."""
    m = mount(shared / "stacks/ndtiff_v2_stitched_pyramid")
    rows = rows_of(shared, "planes.tsv", "stack", "ndtiff_v2_stitched_pyramid")
    wanted = {"row{1}-column{0}".format(*re.findall(r"[lr]=(\d)", row["index"])): row["sha256"]
              for row in rows if row["max"] != "0"}
    images = sorted(m.path.glob("*.zarr"))
    assert len(images) == len(wanted)
    for image in images:
        (plane,) = plain(image).reshape(-1, 32, 32)
        (place,) = re.findall(r"row\d-column\d", image.name)
        assert hashlib.sha256(plane.tobytes()).hexdigest() == wanted[place], image.name
