"""Every codec with every type on 61 x 125 x 246 voxels, by every reader."""

import json

import numcodecs
import pytest
from conftest import Mount
from make_stacks import DTYPES, Layout, pixels, truth, write_stack
from reading import READERS, assert_same, describe, here, plain, reader

pytestmark = pytest.mark.fuse

SHAPE = (61, 125, 246)
CODECS = ("none", "blosc-lz4", "blosc-lz4hc", "blosc-zstd", "zlib", "gzip", "zstd", "auto")
V3_CODECS = tuple(c for c in CODECS if c != "zlib")
LAYOUTS = (
    Layout(rows=32), Layout(rows=16, compression="lzw", predictor=2), Layout(compression="deflate"),
    Layout(tile=(64, 64), compression="zstd", byteorder=">"), Layout(rows=1),
)
EVERY = [name for name in READERS if name != "plain"]


@pytest.fixture(scope="session")
def types(tmp_path_factory):
    """A stack of every type: (their folder, {type: what tifffile reads})"""
    top = tmp_path_factory.mktemp("types")
    truths = {}
    for n, dtype in enumerate(DTYPES):
        volume = pixels(SHAPE, dtype, seed=n)
        truths[dtype] = truth(write_stack(top / dtype, volume, LAYOUTS[n % len(LAYOUTS)], "{:03d}.tif"))
        assert_same(truths[dtype], volume)
    return top, truths


@pytest.fixture(scope="module", params=CODECS)
def by_codec(request, ngffuse, types):
    with Mount(types[0], "--codec", request.param) as m:
        yield request.param, m.path, types[1]


@pytest.fixture(scope="module", params=V3_CODECS)
def by_codec_v3(request, ngffuse, types):
    with Mount(types[0], "--codec", request.param, "--ngff", "0.5") as m:
        yield request.param, m.path, types[1]


def test_every_type(by_codec):
    codec, top, truths = by_codec
    for dtype, wanted in truths.items():
        assert_same(plain(top / f"{dtype}.zarr"), wanted, f"{codec}, {dtype}")


@pytest.mark.parametrize("name", EVERY)
def test_reader(by_codec, name):
    """Each reader with each codec, with types that take turns: all over the codecs."""
    read = reader(name).read
    codec, top, truths = by_codec
    first = CODECS.index(codec) + EVERY.index(name)
    for dtype in {DTYPES[(first + 3 * i) % len(DTYPES)] for i in range(2)}:
        assert_same(read(top / f"{dtype}.zarr"), truths[dtype], f"{codec}, {dtype}")


def test_v3(by_codec_v3):
    """--ngff 0.5: the same by zarr-python 3 and tensorstore, where they are; else by hand."""
    codec, top, truths = by_codec_v3
    readers = here(v3=True)
    for n, (dtype, wanted) in enumerate(truths.items()):
        turn = readers[(n + V3_CODECS.index(codec)) % len(readers)]
        assert_same(turn.read(top / f"{dtype}.zarr"), wanted, f"{codec}, {dtype}, {turn.name}")


@pytest.mark.parametrize("codec", [c for c in V3_CODECS if c != "auto"])
def test_both_formats_have_the_same_chunks(codec, mount, types):
    """The chunk files of 0.4 and 0.5 are equal byte for byte."""
    for dtype in ("u1", "f4"):
        source = types[0] / dtype
        old = mount(source, "--codec", codec).path / f"{dtype}.zarr" / "0"
        new = mount(source, "--codec", codec, "--ngff", "0.5").path / f"{dtype}.zarr" / "0"
        chunks = sorted(p.relative_to(old) for p in old.glob("*/*/*"))
        assert chunks == sorted(p.relative_to(new) for p in new.glob("*/*/*"))
        assert len(chunks) > 1
        for chunk in chunks:
            assert (old / chunk).read_bytes() == (new / chunk).read_bytes(), chunk


def test_the_codec_is_the_one_asked_for(by_codec):
    codec, top, _ = by_codec
    ids = {"blosc-lz4": "lz4", "blosc-lz4hc": "lz4hc", "blosc-zstd": "zstd"}
    for dtype in DTYPES:
        compressor = json.loads((top / f"{dtype}.zarr" / "0" / ".zarray").read_text())["compressor"]
        data = (top / f"{dtype}.zarr" / "0" / "0" / "0" / "0").read_bytes()
        shape, chunks, kind, decoder = describe(top / f"{dtype}.zarr" / "0")
        if codec == "none":
            assert compressor is None
        elif codec in ids:
            assert (compressor["id"], compressor["cname"]) == ("blosc", ids[codec])
            # In the header: compressor in the top bits, 1 byte shuffle, 4 bit shuffle; item size.
            assert data[2] >> 5 == (4 if codec == "blosc-zstd" else 1), "not the compressor it claims"
            assert data[3] == kind.itemsize
        elif codec != "auto":
            assert compressor == {"id": codec, "level": 1}
            assert isinstance(decoder, numcodecs.abc.Codec)
        else:
            assert compressor is None or compressor["cname"] == "lz4"


def test_levels(mount, types):
    """A level behind the codec's name is used and told."""
    for codec, level in (("blosc-zstd", 5), ("zlib", 9), ("zstd", 12), ("gzip", 0)):
        image = mount(types[0] / "u2", "--codec", f"{codec}:{level}").path / "u2.zarr"
        compressor = json.loads((image / "0" / ".zarray").read_text())["compressor"]
        assert compressor.get("clevel", compressor.get("level")) == level
        assert_same(plain(image), types[1]["u2"], codec)


def test_zlib_has_no_place_in_v3(run, types, tmp_path):
    done = run("-f", "--codec", "zlib", "--ngff", "0.5", types[0] / "u1", tmp_path / "mnt")
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1 and "zlib" in done.stderr
