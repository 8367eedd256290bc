"""More images than are looked at when mounting: the others are weighed when somebody asks, against the budget
that the first ones led to."""

import numpy as np
import pytest
import tifffile
from make_stacks import Layout, truth, write_stack as write_layout
from reading import assert_same, plain
from workbench import peak_rss, picture, sanitized, write_repeated, write_stack

pytestmark = pytest.mark.fuse

MIB = 1 << 20
FIRST = 64  # looked at when mounting


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """One-plane images that come first in the order of names."""
    folder = tmp_path_factory.mktemp("many") / "first"
    for i in range(FIRST + 2):
        write_stack(folder / f"a{i:03d}", picture((1, 64, 64), seed=i))
    return folder


@pytest.fixture
def source(small, tmp_path):
    """A folder in which z.. comes later than the small images."""
    (tmp_path / "src").mkdir()
    for one in small.iterdir():
        (tmp_path / "src" / one.name).symlink_to(one)
    return tmp_path / "src"


def test_chunks_of_a_mebibyte(source, mount):
    """The usual chunk, with the codec whose bound is above its size."""
    folder = write_stack(source / "z", picture((8, 512, 512)), rowsperstrip=1)
    m = mount(source, "--codec", "blosc-lz4", "--memory", "64M")
    assert_same(plain(m.path / "z.zarr"), truth(sorted(folder.glob("*.tif"))))


def test_codec_that_the_sample_decides(source, mount):
    """Runs so wide that the encoding's bound counts, and the sample decides for one: weighed with it, nobody hangs."""
    folder = write_stack(source / "z", (picture((8, 256, 4608)) % 251).astype("u2"), rowsperstrip=64)
    m = mount(source, "--memory", "64M")
    assert_same(plain(m.path / "z.zarr"), truth(sorted(folder.glob("*.tif"))))
    assert_same(plain(m.path / "a065.zarr"), truth([source / "a065" / "s_0000.tif"]).reshape(1, 64, 64))


def test_strips_beyond_the_usual_look(source, mount):
    """18 MB a strip: the first look learns that it needs more than it was given, and asks again."""
    plane = picture((3000, 3000))
    write_repeated(source / "z", plane, 4, compression="lzw", rowsperstrip=3000)
    m = mount(source, "--memory", "512M", "--codec", "auto")
    assert m.path.joinpath("z.zarr", ".zattrs").stat().st_size > 0
    read = plain(m.path / "z.zarr")
    assert all(np.array_equal(one, plane) for one in read)
    assert "z.zarr" not in m.log


def test_look_at_a_wide_row_of_tiles(source, mount, ngffuse):
    """128 tiles side by side are 256 MiB: the look takes a few from the middle."""
    tile = picture((1024, 1024), "u1")
    (source / "z").mkdir()
    with tifffile.TiffWriter(source / "z" / "s_0.tif") as out:
        out.write((tile for _ in range(256)), shape=(1024, 256 * 1024), dtype="u1", tile=(1024, 1024),
                  compression="zlib", photometric="minisblack", metadata=None)
    with mount.within(source, "--memory", "128M") as m:
        before = peak_rss(m.pid)
        assert b"\"window\"" in m.path.joinpath("z.zarr", ".zattrs").read_bytes()
        if not sanitized(ngffuse):
            print(f"the look took {(peak_rss(m.pid) - before) / MIB:.0f} MiB")
            assert peak_rss(m.pid) - before < 24 * MIB


def test_windows_of_raw_one_strip_pages(mount, tmp_path):
    """Raw rows are sampled however large their one strip is."""
    paths = write_layout(tmp_path / "em", np.full((1, 9000, 4000), 7, "u2"), Layout())
    assert paths[0].stat().st_size > 64 * MIB
    m = mount(tmp_path / "em")
    text = m.path.joinpath("em.zarr", ".zattrs").read_text().replace(" ", "")
    assert '"start":7' in text, text
