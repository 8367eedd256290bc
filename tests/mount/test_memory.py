"""The budget is kept, also when everybody asks at once."""

import os
import re
import resource
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
import tifffile
from reading import chunk_region, decode_chunk, describe
from workbench import (
    Readers, chunk_paths, digest, least_budget, level, peak_rss, picture, sanitized, write_stack,
)

pytestmark = pytest.mark.fuse

MIB = 1 << 20


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    """256 MiB decoded, LZW strips of 32 rows; pages repeat, but for the depth that differs."""
    voxels = picture((8, 2048, 2048), noise=256)
    folder = tmp_path_factory.mktemp("memory") / "s"
    write_stack(folder, np.concatenate([voxels, voxels + 1, voxels + 2, voxels + 3]), compression="lzw",
                rowsperstrip=32)
    return folder, voxels


def expected_digests(voxels, names, chunk):
    """Of raw chunks, from the voxels."""
    for name in names:
        z, y, x = (int(n) * c for n, c in zip(name.split("/")[-3:], chunk))
        whole = np.zeros(chunk, voxels.dtype)
        part = voxels[:, y:y + chunk[1], x:x + chunk[2]]
        for k in range(min(chunk[0], 32 - z)):
            whole[k, :part.shape[1], :part.shape[2]] = part[(z + k) % 8] + (z + k) // 8
        yield digest(whole.tobytes())


@pytest.mark.parametrize("codec", ["none", "blosc-zstd"])
def test_64_mib_and_32_readers(codec, stack, mount, ngffuse):
    """32 readers at a time until all chunks are read: twice by turns, so that the cache never helps."""
    folder, voxels = stack
    seen = []
    with mount.within(folder, "--codec", codec, "--memory", "64M") as m:
        names = chunk_paths(m.path, 0)
        chunk = None
        for _ in range(2):
            results = []
            # Far apart first: as many runs at once as there can be.
            order = [names[i] for k in range(32) for i in range(k, len(names), 32)]
            for i in range(0, len(order), 32):
                with Readers([m.path / n for n in order[i:i + 32]]) as readers:
                    results += readers.go().wait()
            assert [r["error"] for r in results] == [None] * len(names)
            seen.append(dict(zip(order, (r["digest"] for r in results))))
        status = m.status()
        image = status["images"][0]
        chunk = tuple(image["chunks"])
        rss = peak_rss(m.pid)
    memory = status["memory"]
    print(f"{codec}: {len(names)} chunks of {chunk}, peak resident {rss / MIB:.0f} MiB, charged at most "
          f"{memory['peak'] / MIB:.0f} MiB, budget {memory['budget'] / MIB:.0f} MiB, {level(status)}")
    assert seen[0] == seen[1]
    if codec == "none":
        assert list(expected_digests(voxels, names, chunk)) == [seen[0][n] for n in names]
    assert memory["budget"] == 64 * MIB and memory["peak"] <= memory["budget"]
    assert sanitized(ngffuse) or rss <= memory["budget"] + 64 * MIB


def test_5000_chunks_held_open(stack, mount, ngffuse):
    """More open files than the budget can pin: all read equal, beside others; idle again, memory is given back."""
    folder, voxels = stack
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limit[1] != resource.RLIM_INFINITY and limit[1] < 5200:
        pytest.skip(f"only {limit[1]} open files are allowed")
    chunk = (8, 32, 64)
    with mount.within(folder, "--codec", "none", "--memory", "64M", "--chunk-shape", "8,32,64") as m:
        names = chunk_paths(m.path, 0)
        assert len(names) == 4 * 64 * 32
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(limit[0], 5200), limit[1]))
        held = []
        try:
            held = [os.open(m.path / name, os.O_RDONLY) for name in names[:5000]]
            with Readers([m.path / name for name in names[5000::200]]) as readers:
                readers.go()
                read = [digest(os.pread(fd, 1 << 20, 0)) for fd in held]
                others = readers.wait()
        finally:
            for fd in held:
                os.close(fd)
            resource.setrlimit(resource.RLIMIT_NOFILE, limit)
        assert read == list(expected_digests(voxels, names[:5000], chunk))
        assert [r["digest"] for r in others] == list(expected_digests(voxels, names[5000::200], chunk))
        peak, charged = peak_rss(m.pid), m.status()["memory"]
        time.sleep(7)
        idle = int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{m.pid}/status").read_text())[1]) << 10
    print(f"5000 open: peak resident {peak / MIB:.0f} MiB, {charged}; idle {idle / MIB:.0f} MiB")
    assert charged["peak"] <= 64 * MIB
    if not sanitized(ngffuse):
        assert peak <= 128 * MIB and idle < 96 * MIB


@pytest.mark.parametrize("shape", ["auto", "32,512,512", "1,64,64"])
def test_a_budget_that_is_too_small_is_refused(shape, stack, mount, run, tmp_path, ngffuse):
    folder, _ = stack
    args = ["--codec", "none", "--chunk-shape", shape]
    done = run(*args, "--memory", "1M", folder, tmp_path / "m")
    print(done.stderr.strip())
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1 and done.stdout == ""
    assert not (tmp_path / "m").exists()
    enough = re.search(r"--memory (\d+)M would do", done.stderr)
    assert enough and least_budget(run, folder, *args) == enough[1] + "M"
    # What it names works, and a fifth less does not.
    assert run(*args, "--memory", f"{int(enough[1]) * 4 // 5}M", folder, tmp_path / "m").returncode == 2
    with mount.within(folder, *args, "--memory", f"{enough[1]}M") as m:
        names = chunk_paths(m.path, 0)
        some = [names[i * (len(names) - 1) // 15] for i in range(16)]
        with Readers([m.path / n for n in some]) as readers:
            results = readers.go().wait()
        rss = peak_rss(m.pid)
    print(f"{shape}: --memory {enough[1]}M: peak resident {rss / MIB:.0f} MiB")
    assert all(r["error"] is None for r in results)
    assert sanitized(ngffuse) or rss <= (int(enough[1]) + 64) * MIB


@pytest.fixture
def ten_times_the_budget(tmp_path):
    """704 MiB decoded, of four planes in an order that does not repeat: (folder, the voxels of each slice)"""
    planes = picture((4, 4096, 4096), noise=4)
    folder = write_stack(tmp_path / "s", planes, compression="lzw", rowsperstrip=64)
    order = [0, 1, 2, 3] + [2, 0, 1, 1, 3, 0, 0, 2, 3, 3, 1, 0, 3, 2, 2, 1, 2, 0]
    for z in range(4, len(order)):
        os.link(folder / f"s_{order[z]:04d}.tif", folder / f"s_{z:04d}.tif")
    return folder, [tifffile.imread(folder / f"s_{z:04d}.tif") for z in range(4)], order


def test_copy_of_ten_times_the_budget(ten_times_the_budget, mount, ngffuse, tmp_path):
    """`cp -r` of a whole mount: every chunk of the copy is right, and the memory stays within the promise."""
    folder, planes, order = ten_times_the_budget
    with mount.within(folder, "--codec", "none", "--memory", "64M", "--chunk-shape", "8,64,256") as m:
        start = time.monotonic()
        subprocess.run(["cp", "-r", m.path / "s.zarr", tmp_path / "copy"], check=True, timeout=120)
        took = time.monotonic() - start
        rss, status = peak_rss(m.pid), m.status()
    memory = status["memory"]
    array = tmp_path / "copy/0"
    shape, chunks, dtype, codec = describe(array)
    names = chunk_paths(array)
    size = sum((array / name).stat().st_size for name in names)
    print(f"cp -r of {len(names)} chunks of {chunks}, {size / MIB:.0f} MiB, in {took:.1f} s: peak resident "
          f"{rss / MIB:.0f} MiB, charged at most {memory['peak'] / MIB:.0f} MiB, {level(status)}")
    assert size >= 10 * memory["budget"] == 640 * MIB
    assert len(names) == np.prod([-(-s // c) for s, c in zip(shape, chunks)]) and shape == [22, 4096, 4096]
    for name in names:
        index = [int(n) for n in name.split("/")]
        got = decode_chunk((array / name).read_bytes(), chunks, dtype, codec)
        z, y, x = chunk_region(index, shape, chunks)
        for k, slice_ in enumerate(order[z]):
            assert (got[k, :y.stop - y.start, :x.stop - x.start] == planes[slice_][y, x]).all(), (name, k)
    assert memory["peak"] <= 64 * MIB
    assert sanitized(ngffuse) or rss <= 128 * MIB
