"""The readers of an image's level 0, and which of them this environment has. `plain` decodes the chunk
files by itself, with numcodecs."""

import importlib.metadata
import itertools
import json
import warnings
from pathlib import Path

import numcodecs
import numpy as np
import pytest


def version(package):
    """(2, 18, 7), or () where the package is not installed."""
    try:
        text = importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ()
    return tuple(int(part) for part in text.split(".")[:3] if part.isdigit())


ZARR = version("zarr")[:1]


# --- by hand


def describe(array):
    """Of a level's folder: shape, chunks, dtype and the codec of numcodecs or None, from its metadata."""
    array = Path(array)
    if (array / "zarr.json").exists():
        return _describe_v3(json.loads((array / "zarr.json").read_text()))
    meta = json.loads((array / ".zarray").read_text())
    assert meta["zarr_format"] == 2 and meta["order"] == "C" and meta["filters"] is None
    assert meta["fill_value"] == 0 and meta["dimension_separator"] == "/"
    codec = numcodecs.get_codec(dict(meta["compressor"])) if meta["compressor"] else None
    return meta["shape"], meta["chunks"], np.dtype(meta["dtype"]), codec


def _describe_v3(meta):
    assert meta["zarr_format"] == 3 and meta["node_type"] == "array" and meta["fill_value"] == 0
    assert meta["chunk_key_encoding"] == {"name": "v2", "configuration": {"separator": "/"}}
    name = meta["data_type"]
    dtype = np.dtype(name).newbyteorder("<")
    codec = None
    first, *rest = meta["codecs"]
    assert first["name"] == "bytes"
    assert dtype.itemsize == 1 or first["configuration"]["endian"] == "little"
    for step in rest:
        config = {k: v for k, v in step["configuration"].items() if k not in ("shuffle", "typesize", "checksum")}
        codec = numcodecs.get_codec({"id": step["name"], **config})
    assert len(rest) <= 1
    return meta["shape"], meta["chunk_grid"]["configuration"]["chunk_shape"], dtype, codec


def chunk_indices(shape, chunks):
    return itertools.product(*(range(-(-s // c)) for s, c in zip(shape, chunks)))


def chunk_path(array, index):
    return Path(array, *map(str, index))


def chunk_region(index, shape, chunks):
    return tuple(slice(i * c, min((i + 1) * c, s)) for i, s, c in zip(index, shape, chunks))


def decode_chunk(data, chunks, dtype, codec):
    raw = codec.decode(data) if codec is not None else data
    raw = np.frombuffer(raw, dtype="u1")
    assert raw.size == int(np.prod(chunks)) * dtype.itemsize, f"a chunk of {raw.size} bytes"
    return raw.view(dtype).reshape(chunks)


def plain(image, level="0"):
    array = Path(image) / level
    shape, chunks, dtype, codec = describe(array)
    out = np.empty(shape, dtype)
    for index in chunk_indices(shape, chunks):
        voxels = decode_chunk(chunk_path(array, index).read_bytes(), chunks, dtype, codec)
        region = chunk_region(index, shape, chunks)
        inside = tuple(slice(0, r.stop - r.start) for r in region)
        out[region] = voxels[inside]
        rest = voxels.copy()
        rest[inside] = 0
        assert not rest.view("u1").any(), f"chunk {index}: what lies beyond the image is not fill_value"
    return out


# --- by the libraries: each opens level 0 and returns what can be sliced, unread


def open_zarr2_directory(image):
    import zarr

    return zarr.open_group(zarr.DirectoryStore(str(image)), mode="r")["0"]


def open_zarr2_nested(image):
    import zarr

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        return zarr.open_array(zarr.NestedDirectoryStore(str(Path(image) / "0")), mode="r")


def open_zarr2_consolidated(image):
    import zarr

    return zarr.open_consolidated(str(image), mode="r")["0"]


def open_zarr_fsspec(image):
    import zarr

    return zarr.open(f"file://{image}/0", mode="r")


def open_zarr3_group(image):
    import zarr

    return zarr.open_group(str(image), mode="r")["0"]


def open_zarr3_array(image):
    import zarr

    return zarr.open_array(str(Path(image) / "0"), mode="r")


def open_tensorstore(image):
    import tensorstore

    array = Path(image) / "0"
    driver = "zarr3" if (array / "zarr.json").exists() else "zarr"
    store = {"driver": driver, "kvstore": {"driver": "file", "path": f"{array}/"}}
    return tensorstore.open(store, read=True, open=True).result()


def open_xarray(image):
    import xarray

    image = Path(image)
    consolidated = (image / ".zmetadata").exists()
    # Zarr v3 wants the axes' names on every level, which xarray takes for one size.
    drop = () if consolidated else [p.name for p in image.iterdir() if p.name.isdigit() and p.name != "0"]
    return xarray.open_zarr(str(image), mask_and_scale=False, consolidated=consolidated, drop_variables=drop)["0"]


def open_dask(image):
    import dask.array

    return dask.array.from_zarr(str(Path(image) / "0"))


def ome_zarr_nodes(path):
    """What ome-zarr-py finds at a path."""
    from ome_zarr.io import parse_url
    from ome_zarr.reader import Reader

    location = parse_url(str(path), mode="r")
    return [] if location is None else list(Reader(location)())


def open_ome_zarr(image):
    return ome_zarr_nodes(image)[0].data[0]


def napari_layers(path):
    """What napari's plug-in makes of a path: [(data, settings, kind)]; None: it declines."""
    from napari_ome_zarr import napari_get_reader

    read = napari_get_reader(str(path))
    return None if read is None else read(str(path))


def open_napari(image):
    data, _, kind = napari_layers(image)[0]
    assert kind == "image"
    return data[0] if isinstance(data, (list, tuple)) else data


class Reader:
    """needs: (package, major version or 0 for any). v3: reads Zarr v3 too."""

    def __init__(self, name, open_level, *needs, v3=True):
        self.name, self.open, self.needs, self.v3 = name, open_level, needs, v3

    def read(self, image, region=...):
        """The voxels of level 0, or of a region of it."""
        return np.asarray(self.open(image)[region])

    def missing(self):
        """What this environment lacks for it, or nothing."""
        for package, wanted in self.needs:
            have = version(package)
            if not have:
                return f"{self.name}: {package} is not installed here"
            if wanted and have[0] != wanted:
                return f"{self.name}: needs {package} {wanted}, here is {'.'.join(map(str, have))}"
        return ""


class Plain(Reader):
    """By hand, chunk by chunk."""

    def read(self, image, region=...):
        return plain(image)[region]


READERS = {
    r.name: r
    for r in (
        Plain("plain", None, ("numcodecs", 0)),
        Reader("zarr2-directory", open_zarr2_directory, ("zarr", 2), v3=False),
        Reader("zarr2-nested", open_zarr2_nested, ("zarr", 2), v3=False),
        Reader("zarr2-fsspec", open_zarr_fsspec, ("zarr", 2), ("fsspec", 0), v3=False),
        Reader("zarr2-consolidated", open_zarr2_consolidated, ("zarr", 2), v3=False),
        Reader("zarr3-group", open_zarr3_group, ("zarr", 3)),
        Reader("zarr3-array", open_zarr3_array, ("zarr", 3)),
        Reader("zarr3-fsspec", open_zarr_fsspec, ("zarr", 3), ("fsspec", 0)),
        Reader("tensorstore", open_tensorstore, ("tensorstore", 0)),
        Reader("xarray", open_xarray, ("xarray", 0), ("zarr", 0), v3=ZARR >= (3,)),
        Reader("dask", open_dask, ("dask", 0), ("zarr", 0), v3=ZARR >= (3,)),
        Reader("ome-zarr", open_ome_zarr, ("ome-zarr", 0)),
        Reader("napari", open_napari, ("napari-ome-zarr", 0)),
    )
}


def here(v3=False):
    """The readers of this environment; v3: those that read `--ngff 0.5`."""
    return [r for r in READERS.values() if not r.missing() and (r.v3 or not v3)]


def need(*packages):
    """Skips where one of the packages, each (name, major version or 0), is not here."""
    for package, wanted in packages:
        reason = Reader(package, None, (package, wanted)).missing()
        if reason:
            pytest.skip(reason)


def reader(name):
    """The reader, or a skip that says what it lacks."""
    found = READERS[name]
    if found.missing():
        pytest.skip(found.missing())
    return found


# --- comparing


def multiscale(image):
    """Its one entry of multiscales."""
    image = Path(image)
    if (image / "zarr.json").exists():
        scales = json.loads((image / "zarr.json").read_text())["attributes"]["ome"]["multiscales"]
    else:
        scales = json.loads((image / ".zattrs").read_text())["multiscales"]
    assert len(scales) == 1
    return scales[0]


def axes_of(image):
    """The letters of an image's axes, from its multiscales."""
    return "".join(axis["name"] for axis in multiscale(image)["axes"])


def along(volume, axes, wanted):
    """volume with `axes`, transposed to the letters of `wanted`; a letter it lacks: size 1."""
    order = [axes.index(a) for a in wanted if a in axes]
    assert len(order) == len(axes), f"{axes} to {wanted}"
    out = np.transpose(volume, order)
    for i, a in enumerate(wanted):
        if a not in axes:
            out = np.expand_dims(out, i)
    return out


def assert_same(got, wanted, what=""):
    """The same shape and type, and the same bytes, so that NaN and -0.0 count."""
    got, wanted = np.asarray(got), np.asarray(wanted)
    assert got.shape == wanted.shape, f"{what}: shape {got.shape}, should be {wanted.shape}"
    assert got.dtype.newbyteorder("<") == wanted.dtype.newbyteorder("<"), \
        f"{what}: type {got.dtype}, should be {wanted.dtype}"
    bits = f"<u{wanted.itemsize}"
    a = np.ascontiguousarray(got, dtype=got.dtype.newbyteorder("<")).view(bits)
    b = np.ascontiguousarray(wanted, dtype=wanted.dtype.newbyteorder("<")).view(bits)
    if not np.array_equal(a, b):
        bad = np.argwhere(a != b)
        at = tuple(int(i) for i in bad[0])
        raise AssertionError(f"{what}: {len(bad)} of {a.size} voxels differ, the first at {at}: "
                             f"{got[at]!r}, should be {wanted[at]!r}")
