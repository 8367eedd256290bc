"""Real stacks: level 0 is what tifffile reads, and what the table of hashes says."""

import csv
import hashlib
import re

import numpy as np
import pytest
import tifffile
from reading import assert_same, axes_of, here, plain

pytestmark = pytest.mark.fuse

# folder below stacks/: (axes, options)
STACKS = {
    "em_fibsem_medulla": ("zyx", []),
    "em_fibsem_cube_with_labels/raw": ("zyx", []),
    "em_fibsem_cube_with_labels/labels": ("zyx", []),
    "mouse_brain_u16": ("zyx", []),
    "webknossos_color_tiff": ("zyx", []),
    "channels_by_filename": ("cyx", []),
    "channels_by_filename with a pattern": ("cyx", ["--pattern", "Channel_{c}.tif"]),
    "membrane_timelapse_u16": ("zyx", []),
}
# Stacks whose files tell which plane is which: axes of each image, and how many images there are.
TOLD = {
    "ndtiff_v2_multichannel": ("tcyx", 1),
    "ndtiff_v2_stitched_pyramid": ("yx", 2),  # tiles on a diagonal: the other two were never taken
    "ome_4d_series": ("tzyx", 1),
    "ome_multifile_companion": ("zyx", 1),
    "../tiff/files/valid/test_images--movie.stk": ("tyx", 1),
    "../tiff/files/valid/ilastik--5d.tif": ("tczyx", 1),
    "../tiff/files/valid/ilastik--3d_c.tif": ("czyx", 1),
}

def read_with_tifffile(folder):
    """All planes of all files in the order of the numbers in their names."""
    paths = [p for p in folder.iterdir() if p.suffix.lower() in (".tif", ".tiff")]
    paths.sort(key=lambda p: [int(n) for n in re.findall(r"\d+", p.stem)])
    planes = []
    for path in paths:
        with tifffile.TiffFile(path) as tif:
            planes += [page.asarray() for page in tif.pages]
    return np.stack(planes)


def rows_of(shared, table, stack, key):
    with open(shared / "stacks" / table, newline="") as f:
        return [row for row in csv.DictReader(f, delimiter="\t") if row[key] == stack]


@pytest.fixture(params=STACKS)
def stack(request, shared, mount):
    """(name below stacks/, the image, its axes, what tifffile reads)"""
    name = request.param.split(" ")[0]
    axes, options = STACKS[request.param]
    folder = shared / "stacks" / name
    m = mount(folder, *options)
    images = sorted(p.name for p in m.path.iterdir() if p.is_dir())
    # An image called labels.zarr would be taken for the folder of an image's labels.
    assert images == [{"labels": "labels_"}.get(folder.name, folder.name) + ".zarr"]
    return name, m.path / images[0], axes, read_with_tifffile(folder)


def test_stack(stack, shared):
    name, image, axes, wanted = stack
    assert axes_of(image) == axes
    voxels = plain(image)
    assert_same(voxels, wanted, name)
    for reader in here():
        assert_same(reader.read(image), wanted, f"{name}, {reader.name}")

    little = voxels.astype(voxels.dtype.newbyteorder("<"))
    (row,) = rows_of(shared, "stacks.tsv", name, "name")
    assert hashlib.sha256(little.tobytes()).hexdigest() == row["sha256"]
    planes = rows_of(shared, "planes.tsv", name, "stack")
    assert len(planes) == len(little)
    for index, (plane, row) in enumerate(zip(little, planes)):
        assert row["index"].split("=")[1] == str(index), row
        assert hashlib.sha256(plane.tobytes()).hexdigest() == row["sha256"], row["index"]
        assert (int(plane.min()), int(plane.max())) == (int(row["min"]), int(row["max"]))


def test_pattern_can_say_otherwise(shared, mount):
    """What was taken for channels is a stack when the user says so."""
    folder = shared / "stacks" / "channels_by_filename"
    image = mount(folder, "--pattern", "Channel_{z}.tif").path / "channels_by_filename.zarr"
    assert axes_of(image) == "zyx"
    assert_same(plain(image), read_with_tifffile(folder))


def test_pages_by_pattern(shared, mount):
    """The pages of a file become the axis that the pattern names."""
    folder = shared / "stacks" / "membrane_timelapse_u16"
    image = mount(folder, "--pattern", "membrane_2d_timelapse.tif#{t}").path / "membrane_timelapse_u16.zarr"
    assert axes_of(image) == "tyx"
    assert_same(plain(image), read_with_tifffile(folder))


@pytest.mark.parametrize("name", TOLD)
def test_told_stack(name, shared, mount):
    """Every plane of the table of hashes stands where the table says."""
    axes, n_images = TOLD[name]
    path = shared / "stacks" / name
    m = mount(path)
    images = sorted(p for p in m.path.iterdir() if p.suffix == ".zarr")
    assert len(images) == n_images
    assert all(axes_of(image) == axes for image in images)
    arrays = {image.name: plain(image) for image in images}
    for row in rows_of(shared, "planes.tsv", name, "stack"):
        at = dict((axis, int(value)) for axis, value in (part.split("=") for part in row["index"].split()))
        key = f"row{at.get('r')}-column{at.get('l')}.zarr"
        found = [a for image, a in arrays.items() if n_images == 1 or image.endswith(key)]
        if not found:
            assert row["min"] == row["max"] == "0", row["index"]
            continue
        (array,) = found
        plane = np.ascontiguousarray(array[tuple(at[axis] for axis in axes[:-2])])
        little = plane.astype(plane.dtype.newbyteorder("<"))
        assert hashlib.sha256(little.tobytes()).hexdigest() == row["sha256"], row["index"]


def test_ome_series_by_pattern(shared, mount):
    """The user's pattern decides over metadata that is not followed."""
    folder = shared / "stacks" / "ome_4d_series"
    image = mount(folder, "--pattern", "4D-series.ome.tif#{t,z=5}").path / "ome_4d_series.zarr"
    assert axes_of(image) == "tzyx"
    pages = read_with_tifffile(folder)
    wanted = pages.reshape(7, 5, *pages.shape[1:])
    assert_same(plain(image), wanted)
    (row,) = rows_of(shared, "stacks.tsv", "ome_4d_series", "name")
    assert hashlib.sha256(wanted.tobytes()).hexdigest() == row["sha256"]


@pytest.mark.parametrize("name", ["stardist--img3d.tif", "stardist--mask3d.tif"])
def test_pages_of_one_unknown_axis(name, shared, mount):
    """A description that claims no more than the pages show is no reason to refuse: they are z."""
    path = shared / "tiff" / "files" / "valid" / name
    image = mount(path).path / f"{path.stem}.zarr"
    assert axes_of(image) == "zyx"
    voxels = plain(image)
    assert_same(voxels, np.stack([page.asarray() for page in tifffile.TiffFile(path).pages]))
    (row,) = rows_of(shared, "stacks.tsv", f"../tiff/files/valid/{name}", "name")
    assert hashlib.sha256(voxels.tobytes()).hexdigest() == row["sha256"]
