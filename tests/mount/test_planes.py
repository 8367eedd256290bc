"""Which plane stands where: sets of files with what the rules make of them, read through a mount. Each plane's
pixels say which file and page they are, so that every misplaced one is named."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from conftest import Mount
from make_imagej import IMAGEJ, LONG, SHAPED, past_4_gib
from make_ome import OME
from make_pages import PAGED
from make_planes import DAMAGED, NUMBERED, place_of
from reading import axes_of, describe, open_zarr2_directory, open_zarr3_group, ZARR

pytestmark = pytest.mark.fuse

SETS = {**NUMBERED, **PAGED, **IMAGEJ, **SHAPED, **OME}
# One plane a chunk, so that a damaged one takes no other with it.
OPTIONS = ("--chunk-shape", "1,64,64")


def read_plane(array, index):
    try:
        return np.asarray(array[index])
    except OSError:
        return DAMAGED


def check_image(image, wanted_axes, sizes, planes, name):
    """sizes: of the outer axes, c without samples. planes: pixels, samples first where there are some, or DAMAGED, in
    C order of the outer axes."""
    assert axes_of(image) == wanted_axes, f"{name}: axes"
    samples = next((p.shape[0] for p in planes if not isinstance(p, str) and p.ndim == 3), 1)
    outer = wanted_axes[:-2]
    shape = [n * samples if a == "c" else n for a, n in zip(outer, sizes)]
    assert len(outer) == len(sizes) and len(planes) == np.prod(sizes, dtype=int), f"{name}: the set itself"
    got_shape, _, dtype, _ = describe(image / "0")
    assert got_shape[:-2] == shape, f"{name}: shape {got_shape}"
    array = open_zarr2_directory(image) if ZARR == (2,) else open_zarr3_group(image)
    wrong = []
    for place, want in zip(product(*map(range, sizes)), planes):
        for s in range(samples):
            index = tuple(n * samples + s if a == "c" else n for a, n in zip(outer, place))
            pixels = want[s] if not isinstance(want, str) and want.ndim == 3 else want
            if not same(read_plane(array, index), pixels):
                got = read_plane(array, index)
                wrong.append(f"{dict(zip(outer, index))}: {place_of(got)}, should be {place_of(pixels)}")
    assert wrong == [], f"{name}: {len(wrong)} planes are wrong"


def same(got, wanted):
    if isinstance(got, str) or isinstance(wanted, str):
        return isinstance(got, str) and isinstance(wanted, str)
    return got.dtype == wanted.dtype.newbyteorder("<") and np.array_equal(got, wanted)


def check_set(s, source, name, options=()):
    with Mount(source, *OPTIONS, *s.options, *options) as m:
        found = sorted(p.name for p in m.path.iterdir() if p.suffix == ".zarr")
        assert found == sorted(f"{image}.zarr" for image in s.images), f"{name}: {m.log}"
        for image, (axes, sizes, _) in s.images.items():
            check_image(m.path / f"{image}.zarr", axes, sizes, s.wanted(image), f"{name}, {image} ({s.why})")


@pytest.mark.parametrize("name", SETS)
def test_set(name, ngffuse, tmp_path):
    check_set(SETS[name], SETS[name].write(tmp_path / "src"), name)


def test_imagej_past_4_gib(mount, tmp_path):
    """One directory, offsets beyond 32 bits; the file is a hole but for a few planes."""
    past_4_gib(tmp_path / "long.tif")
    image = mount(tmp_path / "long.tif", "--chunk-shape", "1,2048,2048", "--preview", "always").path / "long.zarr"
    assert axes_of(image) == "tczyx" and describe(image / "0")[0] == [5, 2, 55, 2048, 2048]
    array = open_zarr2_directory(image) if ZARR == (2,) else open_zarr3_group(image)
    for k in (*LONG, 1, 510, 513, 548):
        c, z, t = k % 2, k // 2 % 55, k // 110
        assert same(read_plane(array, (t, c, z)), LONG.get(k, LONG[0] * 0)), f"page {k}"


def test_a_misplaced_plane_is_named(ngffuse, tmp_path):
    """What the table says is what counts: two files that change places, a gap and a damaged plane elsewhere."""
    s = NUMBERED["an empty file"]
    axes, sizes, planes = s.images["src"]
    for changed in ([planes[1], planes[0], *planes[2:]], [None, *planes[1:]], [DAMAGED, *planes[1:]],
                    [*planes[:2], "a_0.tif", *planes[3:]]):
        folder = s.write(tmp_path / str(len(list(tmp_path.iterdir()))) / "src")
        with pytest.raises(AssertionError, match="should be"):
            check_set(replace(s, images={"src": (axes, sizes, changed)}), folder, "changed")
