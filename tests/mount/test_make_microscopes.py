"""The files of make_microscopes.py, read by tifffile: what it can read is where it says it is."""

from itertools import product

import numpy as np
import pytest
import tifffile
from make_microscopes import DAMAGED, lsm, mmstack, ndtiff, stk


def check(pixels, expected, image):
    """pixels: of t, c, z, y, x."""
    sizes = expected.sizes
    assert pixels.shape[:3] == sizes
    for t, c, z in product(*map(range, sizes)):
        wanted = expected.plane(image, t, c, z)
        assert not isinstance(wanted, str) and np.array_equal(pixels[t, c, z], wanted), (image, t, c, z)


def in_order(series, letters):
    """The pixels with these axes first; what is not there has size 1."""
    pixels, axes = series.asarray(), series.axes
    for letter in letters:
        if letter not in axes:
            pixels, axes = pixels[None], letter + axes
    return np.transpose(pixels, [axes.index(a) for a in letters])


def test_mmstack(tmp_path):
    for path, expected in mmstack(tmp_path):
        files = sorted((tmp_path / path).glob("*.tif"))
        with tifffile.TiffFile(files[0]) as f:
            if path == "crashed":
                assert [len(f.pages), f.pages[0].tags[51123].value["FrameIndex"]] == [10, 1]
                continue
            series = next(s for s in f.series if s.kind == "mmstack")
            pixels = in_order(series, "RTCZYX")
        for image in expected.images.values():
            check(pixels[image][:expected.sizes[0]], expected, image)


@pytest.mark.skipif(np.lib.NumpyVersion(np.__version__) < "2.0.0",
                    reason="tifffile sorts the axes of NDTiff by what only NumPy 2 has")
def test_ndtiff(tmp_path):
    for path, expected in ndtiff(tmp_path):
        folder = next((tmp_path / path).rglob("Full resolution"), tmp_path / path)
        with tifffile.TiffFile(sorted(folder.glob("*.tif"))[0]) as f:
            series = next(s for s in f.series if s.kind == "ndtiff")
            if path == "depths":
                check(in_order(series, "TCZYX"), expected, 0)
            else:
                # Its letters of tiles are no axes here: rows and columns by their sizes of 2.
                assert sorted(series.shape) == [2, 2, 2, *sorted((12, 16))]


@pytest.mark.parametrize("beyond", [False, True])
def test_lsm(tmp_path, beyond):
    for path, expected in lsm(tmp_path, beyond):
        with tifffile.TiffFile(tmp_path / path) as f:
            pixels = in_order(f.series[0], "MPTCZYX")[0]
        for image in expected.images.values():
            check(pixels[image], expected, image)


def test_stk(tmp_path):
    for path, expected in stk(tmp_path):
        with tifffile.TiffFile(tmp_path / path) as f:
            assert f.series[0].kind == "stk"
            pixels = f.series[0].asarray()
            found = f.stk_metadata
        planes = [expected.plane(0, t, c, z) for t, c, z in product(*map(range, expected.sizes))]
        assert np.array_equal(pixels, planes), path
        assert found["XCalibration"] == 0.75 and found["CalibrationUnits"] == "um"
        if path == "depths.stk":
            assert list(found["AbsoluteZ"])[:1] == [0.5]


def test_damage_is_no_pixels(tmp_path):
    _, expected = stk(tmp_path)[0]
    broken = type(expected)({"": 0}, (1, 1, 1), missing={(0, 0, 0, 0): DAMAGED})
    assert broken.plane(0, 0, 0, 0) == DAMAGED
