"""Files whose descriptions tell of planes, read through a mount, against tifffile's reading of the same files: of real
ones, and of those that tifffile writes."""

import numpy as np
import pytest
import tifffile
from reading import plain
from test_corpus_pixels import whole

pytestmark = pytest.mark.fuse

KINDS = {"imagej", "shaped", "scanimage", "nih", "fluoview"}

# Where tifffile has another opinion.
DIFFERENT = {
    "Pillow--child_ifd.tiff": "tifffile takes sub-IFDs for pages of the chain, too",
}


def as_tczyx(voxels, axes):
    """Axes without a name are z."""
    order = {"T": 0, "C": 1, "S": 2, "Z": 3, "Y": 4, "X": 5}
    places = [order.get(a, 3) for a in axes]
    assert len(set(places)) == len(places), axes
    voxels = np.transpose(voxels, np.argsort(places))
    for place in range(6):
        if place not in places:
            voxels = np.expand_dims(voxels, place)
    t, c, s, z, y, x = voxels.shape
    return voxels.reshape(t, c * s, z, y, x)


def series_of(path, outer=None):
    """The series that tifffile reads; or all pages, with these outer axes and sizes."""
    with tifffile.TiffFile(path) as tif:
        if outer:
            voxels, axes, sizes = tif.asarray(), *outer
            return [as_tczyx(voxels.reshape(*sizes, *voxels.shape[1:]), axes + "YX")]
        return [as_tczyx(series.asarray(), series.axes) for series in tif.series]


def check(m, path, stem, outer=None):
    wanted = series_of(path, outer)
    images = [stem] if len(wanted) == 1 else [f"{stem}_{k}" for k in range(len(wanted))]
    for image, want in zip(images, wanted):
        got = whole(m.path / f"{image}.zarr")
        assert got.shape == want.shape, f"{image}: {got.shape}, tifffile says {want.shape}"
        assert got.dtype == want.dtype.newbyteorder("<"), image
        wrong = [i for i in np.ndindex(got.shape[:3]) if not np.array_equal(got[i], want[i])]
        assert wrong == [], f"{image}: planes (t, c, z) {wrong[:10]}"


def described(folder):
    """Files of these kinds, whose voxels tifffile reads."""
    for path in sorted(folder.rglob("*.[tT][iI][fF]*")):
        try:
            with tifffile.TiffFile(path) as tif:
                if tif.series[0].kind in KINDS and sum(s.nbytes for s in tif.series) < 1 << 28:
                    yield path
        except Exception:  # of another library, about files of all kinds
            continue


def test_real_files(mount, shared, tmp_path):
    folders = [shared / "tiff/files/valid", shared / "stacks"]
    found = [path for folder in folders for path in described(folder) if path.name not in DIFFERENT]
    if not found:
        pytest.skip(f"no real files at {shared} (NGFFUSE_SHARED)")
    assert len(found) > 60
    (tmp_path / "src").mkdir()
    for k, path in enumerate(found):
        (tmp_path / f"src/f{k:03d}x.tif").symlink_to(path)
    m = mount(tmp_path / "src", "--group", "none")
    for k, path in enumerate(found):
        try:
            check(m, path, f"f{k:03d}x")
        except AssertionError as e:
            raise AssertionError(f"{path}: {e}") from e


def numbered(*shape, dtype="u2"):
    """Voxels that differ in every plane and in every row."""
    return np.arange(np.prod(shape), dtype="u8").reshape(shape).astype(dtype)


def imagej(*shape, dtype="u2", **how):
    return lambda path: tifffile.imwrite(path, numbered(*shape, dtype=dtype), imagej=True, **how)


def shaped(*shape, axes=None, dtype="u2", **how):
    metadata = {"axes": axes} if axes else {}
    return lambda path: tifffile.imwrite(path, numbered(*shape, dtype=dtype), metadata=metadata,
                                         **{"photometric": "minisblack", **how})


def scanimage(pages, **settings):
    lines = "".join(f"SI.{key.replace('__', '.')} = {value}\n" for key, value in settings.items())
    return lambda path: tifffile.imwrite(path, numbered(pages, 5, 7), software="SI.VERSION_MAJOR = 2018\n" + lines,
                                         photometric="minisblack", metadata=None)


def several(path):
    """Images of different kinds in one file."""
    with tifffile.TiffWriter(path) as tif:
        tif.write(numbered(3, 5, 7), metadata={"axes": "TYX"}, photometric="minisblack")
        tif.write(numbered(2, 9, 4, dtype="f4"), metadata={"axes": "CYX"}, photometric="minisblack", compression="zlib")
        tif.write(numbered(5, 7), photometric="minisblack")


MADE = {
    "imagej": imagej(4, 3, 2, 5, 7, metadata={"axes": "TZCYX"}),
    "imagej, little-endian": imagej(4, 3, 2, 5, 7, metadata={"axes": "TZCYX"}, byteorder="<"),
    "imagej, compressed": imagej(4, 3, 2, 5, 7, metadata={"axes": "TZCYX"}, compression="zlib"),
    "imagej, strips": imagej(4, 3, 2, 50, 70, metadata={"axes": "TZCYX"}, rowsperstrip=8),
    "imagej, z": imagej(6, 5, 7, metadata={"axes": "ZYX"}),
    "imagej, t": imagej(6, 5, 7, metadata={"axes": "TYX"}),
    "imagej, c": imagej(3, 5, 7, metadata={"axes": "CYX"}),
    "imagej, rgb": imagej(4, 5, 7, 3, dtype="u1", metadata={"axes": "ZYXS"}),
    "imagej, rgb, t and z": imagej(2, 4, 5, 7, 3, dtype="u1", metadata={"axes": "TZYXS"}),
    "imagej, one plane": imagej(5, 7),
    "imagej, float": imagej(2, 3, 5, 7, dtype="f4", metadata={"axes": "ZCYX"}),
    "shaped, unknown": shaped(6, 5, 7),
    "shaped, tzcyx": shaped(4, 3, 2, 5, 7, axes="TZCYX"),
    "shaped, ctzyx": shaped(4, 3, 2, 5, 7, axes="CTZYX"),
    "shaped, zctyx": shaped(4, 3, 2, 5, 7, axes="ZCTYX", compression="zlib"),
    "shaped, one directory": shaped(4, 3, 2, 5, 7, axes="TZCYX", contiguous=True, truncate=True),
    "shaped, one directory, big": shaped(4, 3, 2, 5, 7, axes="ZTCYX", byteorder=">", bigtiff=True),
    "shaped, rgb": shaped(4, 5, 7, 3, axes="TYXS", dtype="u1", photometric="rgb"),
    "shaped, planar": shaped(4, 3, 5, 7, axes="TSYX", dtype="u1", photometric="rgb", planarconfig="separate"),
    "shaped, tiles": shaped(4, 3, 50, 70, axes="ZTYX", tile=(16, 32)),
    "shaped, float": shaped(6, 5, 7, axes="TYX", dtype="f8"),
    "several": several,
    "scanimage, frames": scanimage(12, hChannels__channelSave="[1;2]", hStackManager__framesPerSlice="inf"),
    "scanimage, frames of slices": scanimage(24, hChannels__channelSave="[1;2]", hStackManager__framesPerSlice="4",
                                             hStackManager__actualNumSlices="3"),
    "scanimage, slices": scanimage(6, hChannels__channelSave="1", hStackManager__framesPerSlice="1"),
    "scanimage, volumes": scanimage(24, hChannels__channelSave="[1;2]", hStackManager__framesPerSlice="1",
                                    hStackManager__actualNumSlices="3"),
}

# tifffile reads these settings only from a header that it does not write.
OUTER = {
    "scanimage, frames": ("TC", (6, 2)),
    "scanimage, frames of slices": ("ZTC", (3, 4, 2)),
    "scanimage, slices": ("Z", (6,)),
    "scanimage, volumes": ("TZC", (4, 3, 2)),
}


@pytest.fixture(scope="module")
def made(ngffuse, tmp_path_factory):
    """One mount of all made files -> (mount, {name: (path, stem)})"""
    from conftest import Mount
    folder = tmp_path_factory.mktemp("made")
    files = {}
    for k, (name, write) in enumerate(MADE.items()):
        path = folder / f"m{k:02d}x.tif"
        write(path)
        files[name] = path, path.stem
    with Mount(folder, "--group", "none") as m:
        yield m, files


@pytest.mark.parametrize("name", MADE)
def test_made_file(made, name):
    m, files = made
    check(m, *files[name], OUTER.get(name))


def test_comparison_finds_planes_that_changed_places(made):
    m, files = made
    path, stem = files["shaped, ctzyx"]
    [want] = series_of(path)
    assert np.array_equal(plain(m.path / f"{stem}.zarr"), want)
    assert not np.array_equal(plain(m.path / f"{stem}.zarr"), want[:, ::-1])
