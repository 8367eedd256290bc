"""Voxel sizes of all real files, with where they come from: a golden table that a person has read, and the values that
the notes reckon from the tags by hand."""

import json

import pytest
from facts import all_rows, read_golden

VALID = "tiff/files/valid/"
# file: (voxel size z, y, x or y, x, unit, seconds or None, {words of the origins}, windows or None)
KNOWN = {
    "ilastik--2d.tif": ([7e-07, 2], "centimeter", None, None),
    "ilastik--2d_with_pixel_sizes.tif": ([6e-07, 5], "centimeter", None, None),
    "ilastik--2d_stringified_tuple.tif": ([6e-07, 5], "centimeter", None, None),
    "ilastik--2d_t.tif": ([3e-06, 50], "micrometer", 180, None),
    "ilastik--2d_zero_division.tif": ([1, 1], "", None, None),
    "ilastik--3d.tif": ([2e-10, 0.6, 11], "centimeter", None, None),
    "ilastik--3d_c.tif": ([130000, 0.011, 2], "micrometer", None, None),
    "ilastik--5d.tif": ([8e-07, 1.3e-09, 17], "centimeter", 10800, [(0, 255)] * 3),
    "pyclesperanto_prototype--mini-t1-head.tif": ([1.5, 1.5, 1.5], "millimeter", None, [(3, 521)]),
    "ImageJ--gray8-3x2-stack.tif": ([1, 352.85815102328866, 352.85815102328866], "micrometer", None, None),
    "scikit-image--_blobs_3d_fiji_skeleton.tif": ([1, 1, 1], "", None, None),
    "micro-manager--img_channel000_position000_time000000000_z000.tif": (None, "", None, [(706, 5846)]),
    "test_images--movie.stk": ([1, 1], "", 0.864, None),
}


@pytest.mark.parametrize("name", KNOWN)
def test_sizes_that_were_reckoned_by_hand(name, shared, run):
    size, unit, seconds, windows = KNOWN[name]
    done = run("info", "--json", shared / VALID / name)
    assert done.returncode == 0, done.stderr
    (image,) = json.loads(done.stdout)["images"]
    assert image["voxel_size"] == (size or [1] * len(image["voxel_size"])) and image["unit"] == unit
    assert image.get("time_step") == seconds
    if windows:
        assert [(c["start"], c["end"]) for c in image["channels"]] == windows


def test_an_assumed_z_says_so(shared, run):
    """ImageJ leaves out a spacing of 1; where it is taken for granted, the origin and a warning say it."""
    done = run("info", "--json", shared / VALID / "ImageJ--gray8-3x2-stack.tif")
    (image,) = json.loads(done.stdout)["images"]
    assert "assumed" in image["from"]["z"] and any("--voxel-size" in w for w in image["warnings"])


def test_voxel_sizes(shared, ngffuse):
    """As the table that a person has read. After a change that is right: facts.py --write, and read the difference."""
    rows, golden = all_rows(ngffuse, shared), read_golden()
    assert len(golden) > 740
    there, wanted = {tuple(row) for row in rows}, {tuple(row) for row in golden}
    differences = [f"not in the table: {row}" for row in sorted(there - wanted)]
    differences += [f"only in the table: {row}" for row in sorted(wanted - there)]
    assert differences == []
    assert rows == golden, "the order differs"
