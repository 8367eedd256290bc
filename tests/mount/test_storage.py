"""What bad storage does: reads that fail, reads that hang. A preloaded library plays it."""

import fcntl
import itertools
import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import tifffile
from conftest import Mount
from make_stacks import Layout, pixels, write_stack, write_tiff
from reading import assert_same, chunk_indices, chunk_path, chunk_region, decode_chunk, describe, plain
from workbench import Readers, need_protocol, preloaded, wait_for

pytestmark = pytest.mark.fuse


@pytest.fixture(scope="module")
def trouble(ngffuse, tmp_path_factory):
    """The library's path."""
    return preloaded("storage_trouble", tmp_path_factory.mktemp("trouble"), ngffuse)


@pytest.fixture
def stack(tmp_path):
    """Two raw planes in one strip of 1 MiB; and one of 64 raw strips that lie side by side."""
    voxels = pixels((2, 512, 1024), "u2")
    (tmp_path / "src" / "slow").mkdir(parents=True)
    for z, plane in enumerate(voxels):
        write_tiff(tmp_path / "src" / "slow" / f"s_{z}.tif", [plane])
    (tmp_path / "src" / "strips").mkdir()
    units = write_tiff(tmp_path / "src" / "strips" / "s_0.tif", [voxels[0]], Layout(rows=8))
    return tmp_path / "src", voxels, units[0]


def test_one_bad_sector(trouble, stack):
    """An error in a read of many strips fails the chunks over its strip, and no others."""
    source, voxels, units = stack
    env = {"LD_PRELOAD": str(trouble), "TROUBLE_EIO": str(units[20][0] + 5)}
    with Mount(source / "strips", "--codec", "none", "--chunk-shape", "1,16,1024", env=env) as m:
        for again in range(2):
            for y in range(32):
                path = m.path / f"strips.zarr/0/0/{y}/0"
                if y == 20 // 2:
                    with pytest.raises(OSError):
                        path.read_bytes()
                else:
                    read = decode_chunk(path.read_bytes(), (16, 1024), voxels.dtype, None)
                    assert (read == voxels[0, 16 * y:16 * y + 16]).all(), (again, y)
        offset, size = units[20]
        problems = [line for line in m.log.splitlines() if line.startswith("ngffuse: ")]
        assert problems == [f"ngffuse: strips.zarr: s_0.tif: reading {size} bytes at {offset}: Input/output error"]


def test_one_bad_sector_among_compressed_strips(trouble, tmp_path):
    """Strips are fetched together; of those only the bad one fails, whatever chunks it shares a read with."""
    voxels = pixels((512, 1024), "u2")
    (tmp_path / "src").mkdir()
    units, = write_tiff(tmp_path / "src/s_0.tif", [voxels], Layout(compression="deflate", rows=8))
    flag = tmp_path / "trouble"
    env = {"LD_PRELOAD": str(trouble), "TROUBLE_EIO": str(units[20][0] + 5), "TROUBLE_WHEN": str(flag)}
    with Mount(tmp_path / "src", "--codec", "none", "--chunk-shape", "1,12,1024", env=env) as m:
        flag.touch()
        for again, y in itertools.product(range(2), range(43)):
            path = m.path / f"src.zarr/0/0/{y}/0"
            if 12 * y < 168 and 12 * y + 12 > 160:
                with pytest.raises(OSError):
                    path.read_bytes()
                continue
            read = decode_chunk(path.read_bytes(), (12, 1024), voxels.dtype, None)
            wanted = voxels[12 * y:12 * y + 12]
            assert (read[:len(wanted)] == wanted).all(), (again, y)
        problems = [line for line in m.log.splitlines() if line.startswith("ngffuse: ")]
        assert len(problems) == 1 and "strip 20" in problems[0], m.log


def test_a_lease_on_a_slice(tmp_path):
    """A file server that holds a lease on a slice is asked to let go, and waited for."""
    voxels = pixels((30, 64, 80), "u2")
    (tmp_path / "src").mkdir()
    for z, plane in enumerate(voxels):
        write_tiff(tmp_path / f"src/s_{z:02d}.tif", [plane])
    with Mount(tmp_path / "src", "--codec", "none", "--chunk-shape", "1,64,80") as m:
        opened = {os.path.basename(os.readlink(fd)) for fd in Path(f"/proc/{m.pid}/fd").iterdir() if fd.is_symlink()}
        z = next(z for z in range(30) if f"s_{z:02d}.tif" not in opened)
        holder = os.open(tmp_path / f"src/s_{z:02d}.tif", os.O_RDWR)
        let_go = threading.Timer(0.5, fcntl.fcntl, (holder, fcntl.F_SETLEASE, fcntl.F_UNLCK))
        asked = signal.signal(signal.SIGIO, lambda *_: let_go.start())
        try:
            fcntl.fcntl(holder, fcntl.F_SETLEASE, fcntl.F_WRLCK)
            with ThreadPoolExecutor(1) as pool:
                got = pool.submit((m.path / f"src.zarr/0/{z}/0/0").read_bytes)
                wait_for("the reader", got.done, 20)
                assert (decode_chunk(got.result(), (64, 80), voxels.dtype, None) == voxels[z]).all()
        finally:
            let_go.cancel()
            signal.signal(signal.SIGIO, asked)
            os.close(holder)


@pytest.mark.parametrize("compression", [None, "zlib"])
def test_a_bad_sector_in_the_table(trouble, tmp_path, compression):
    """The chunks fail whose strips are told by that part of it, for where their voxels lie is not known."""
    voxels = pixels((2, 2048, 128), "u2")
    (tmp_path / "src").mkdir()
    for z, plane in enumerate(voxels):
        tifffile.imwrite(tmp_path / f"src/s_{z}.tif", plane, rowsperstrip=1, compression=compression)
    with tifffile.TiffFile(tmp_path / "src/s_1.tif") as tif:
        table = tif.pages[0].tags["StripOffsets"]
        assert table.count == 2048
        bad = table.valueoffset + 4 * 2047
    flag = tmp_path / "trouble"
    env = {"LD_PRELOAD": str(trouble), "TROUBLE_EIO": str(bad), "TROUBLE_NAME": "s_1.tif", "TROUBLE_WHEN": str(flag)}
    with Mount(tmp_path / "src", "--codec", "none", "--chunk-shape", "1,64,128", env=env) as m:
        flag.touch()
        for z, y in itertools.product(range(2), range(32)):
            path = m.path / f"src.zarr/0/{z}/{y}/0"
            if (z, y) == (1, 31):
                with pytest.raises(OSError):
                    path.read_bytes()
            else:
                read = decode_chunk(path.read_bytes(), (64, 128), voxels.dtype, None)
                assert (read == voxels[z, 64 * y:64 * y + 64]).all(), (z, y)


def test_unmount_while_reads_hang(trouble, stack, tmp_path):
    """The folder can be listed, the reader can be killed, and unmounting ends the program."""
    flag = tmp_path / "hang"
    env = {"LD_PRELOAD": str(trouble), "TROUBLE_HANG": str(flag), "TROUBLE_LEAST": "30000"}
    try:
        with Mount(stack[0], "--codec", "none", "--threads", "1", env=env) as m:
            flag.touch()
            with Readers([m.path / "slow.zarr/0/0/0/0"]) as readers:
                readers.go()
                wait_for("the read", lambda: m.status()["running"] > 0)
                assert os.listdir(m.path / "slow.zarr")
                wait_for("the status", lambda: m.status()["longest"].get("file_ms", 0) > 100)
                assert m.status()["longest"]["file"].endswith(".tif")
                start = time.monotonic()
                readers.kill(0)
                wait_for("the reader's end", lambda: readers.gone(0), 1.5)
                print(f"killed: gone after {time.monotonic() - start:.2f} s")
            start = time.monotonic()
        print(f"unmounted and ended after {time.monotonic() - start:.2f} s")
        assert time.monotonic() - start < 5
        assert "hangs" in m.log
    finally:
        flag.unlink(missing_ok=True)


def test_look_ups_beside_one_another(trouble, stack, tmp_path):
    """Look-ups in one folder wait half a second for their chunks at most, and all at the same time."""
    source, _, _ = stack
    flag = tmp_path / "hang"
    env = {"LD_PRELOAD": str(trouble), "TROUBLE_HANG": str(flag), "TROUBLE_LEAST": "1000"}
    args = ("--codec", "blosc-lz4", "--chunk-shape", "1,512,64")
    with Mount(source / "slow", *args, env=env) as m:
        need_protocol(m, 25)
        assert "parallel_dirops" in m.status()["fuse"]
        try:
            flag.touch()
            paths = [m.path / f"slow.zarr/0/0/0/{x}" for x in range(8)]
            start = time.monotonic()
            with ThreadPoolExecutor(len(paths)) as pool:
                for fd in pool.map(lambda path: os.open(path, os.O_PATH), paths):
                    os.close(fd)
            took = time.monotonic() - start
            print(f"8 look-ups took {took:.2f} s")
            assert 0.4 < took < 2
        finally:
            flag.unlink()


def test_a_hang_that_ends(trouble, stack, tmp_path):
    """Whoever waits gets the right bytes when the storage comes back."""
    source, voxels, _ = stack
    flag = tmp_path / "hang"
    env = {"LD_PRELOAD": str(trouble), "TROUBLE_HANG": str(flag), "TROUBLE_LEAST": "30000"}
    with Mount(source, "--codec", "none", env=env) as m:
        flag.touch()
        with Readers([m.path / "slow.zarr/0/0/0/0"]) as readers:
            readers.go()
            wait_for("the read", lambda: m.status()["running"] > 0)
            time.sleep(0.3)
            flag.unlink()
            assert readers.wait()[0]["error"] is None
        assert (plain(m.path / "slow.zarr") == voxels).all()


# --- one bad slice among good ones


@pytest.fixture
def slices(tmp_path):
    """Eight planes, of which number 3 is to be troubled, and a stack beside them: (folder, voxels)"""
    voxels = pixels((8, 128, 128), "u2")
    for name, layout in {"bad": Layout(rows=16), "other": Layout(rows=16, compression="lzw")}.items():
        write_stack(tmp_path / "src" / name, voxels, layout)
    return tmp_path / "src", voxels


def read_all(array, voxels, indices):
    """By hand, compared; the seconds that the slowest took."""
    shape, chunks, dtype, codec = describe(array)
    slowest = 0
    for index in indices:
        start = time.monotonic()
        read = decode_chunk(chunk_path(array, index).read_bytes(), chunks, dtype, codec)
        slowest = max(slowest, time.monotonic() - start)
        assert_same(read, voxels[chunk_region(index, shape, chunks)], str(index))
    return slowest


def good_and_bad(array):
    shape, chunks, _, _ = describe(array)
    indices = list(chunk_indices(shape, chunks))
    return [i for i in indices if i[0] != 3], [i for i in indices if i[0] == 3]


@pytest.mark.parametrize("codec", ["none", "blosc-lz4"])
def test_a_hanging_slice(codec, trouble, slices, tmp_path):
    """Only what needs it waits: all other chunks come at once, and those over it when it answers again."""
    source, voxels = slices
    flag = tmp_path / "hang"
    env = {"LD_PRELOAD": str(trouble), "TROUBLE_NAME": "bad/slice_0003.tif", "TROUBLE_HANG": str(flag),
           "TROUBLE_LEAST": "0"}
    with Mount(source, "--codec", codec, "--chunk-shape", "1,64,64", "--threads", "2", env=env) as m:
        array = m.path / "bad.zarr/0"
        good, bad = good_and_bad(array)
        try:
            flag.touch()
            with Readers([chunk_path(array, bad[0])]) as readers:
                readers.go()
                wait_for("the read", lambda: m.status()["running"] > 0)
                slowest = max(read_all(array, voxels, good), read_all(m.path / "other.zarr/0", voxels, good + bad))
                print(f"{codec}: beside a read that hangs the slowest chunk took {slowest * 1000:.0f} ms")
                assert slowest < 2
                assert not readers.gone(0)
                flag.unlink()
                assert readers.wait()[0]["error"] is None
        finally:
            flag.unlink(missing_ok=True)
        read_all(array, voxels, bad)


def test_a_slow_slice(trouble, slices):
    """Others pass it by, and its own chunks are right."""
    source, voxels = slices
    env = {"LD_PRELOAD": str(trouble), "TROUBLE_NAME": "bad/slice_0003.tif", "TROUBLE_SLOW": "40"}
    with Mount(source, "--codec", "blosc-lz4", "--chunk-shape", "1,64,64", "--threads", "2", env=env) as m:
        array = m.path / "bad.zarr/0"
        good, bad = good_and_bad(array)
        with ThreadPoolExecutor(1) as beside:
            waiting = beside.submit(read_all, array, voxels, bad)
            slowest = max(read_all(array, voxels, good), read_all(m.path / "other.zarr/0", voxels, good + bad))
            assert not waiting.done(), "the slice was not slow"
            slow = waiting.result(30)
        print(f"beside a slice with {slow * 1000:.0f} ms a chunk the slowest other chunk took {slowest * 1000:.0f} ms")
        assert slowest < slow and slow >= 0.04
