"""What bad storage does: reads that fail, reads that hang. A preloaded library plays it."""

import os
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import ROOT, Mount
from make_stacks import Layout, pixels, write_tiff
from reading import decode_chunk, plain
from test_memory import sanitized
from workbench import Readers, need_protocol, wait_for

pytestmark = pytest.mark.fuse


@pytest.fixture(scope="module")
def trouble(ngffuse, tmp_path_factory):
    """The library's path."""
    if sanitized(ngffuse):
        pytest.skip("a sanitizer's library must come before all others")
    made = tmp_path_factory.mktemp("trouble") / "storage_trouble.so"
    source = ROOT / "tests/tools/preload/storage_trouble.c"
    subprocess.run(["cc", "-O2", "-D_GNU_SOURCE", "-shared", "-fPIC", "-o", made, source, "-ldl"], check=True)
    return made


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
