"""Every way of reading or measuring a chunk sees the same bytes and the same size, whatever was cached."""

import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from workbench import (
    built_tool, chunk_paths, drop_caches, least_budget, level, need_protocol, picture, write_stack,
)

pytestmark = pytest.mark.fuse

CODECS = ["blosc-lz4", "none"]
TOOL_WAYS = ["stat", "statx", "statx-dont-sync", "path-fstat", "read-size", "read-to-end", "pread-around",
             "pread-middle", "readv", "mmap-private", "mmap-shared", "sendfile", "splice", "copy-file-range",
             "o-direct", "seek-end"]


def output_of(*command):
    return subprocess.run(command, capture_output=True, check=True, timeout=30).stdout


def by_cp(path, scratch):
    output_of("cp", path, scratch / "copy")
    return (scratch / "copy").read_bytes()


def by_rsync(path, scratch):
    target = scratch / "rsynced"
    target.unlink(missing_ok=True)
    output_of("rsync", "-a", path, target)
    return target.read_bytes()


def by_tar(path, scratch):
    output_of("tar", "-cf", scratch / "t.tar", "-C", path.parent, path.name)
    with tarfile.open(scratch / "t.tar") as t:
        return t.extractfile(path.name).read()


def by_mmap(path, _):
    # A file that is shorter than its size says ends the process.
    code = ("import mmap, sys; f = open(sys.argv[1], 'rb');"
            "sys.stdout.buffer.write(mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ)[:])")
    return output_of(sys.executable, "-S", "-c", code, path)


def by_python_tail(path, _):
    with open(path, "rb") as f:
        f.seek(-100, os.SEEK_END)
        return f.read()


# name: (what it gives of a path, what it should give of the bytes)
COMMANDS = {
    "cp": (by_cp, bytes),
    "tail": (lambda p, _: output_of("tail", "-c", "100", p), lambda b: b[-100:]),
    "dd": (lambda p, _: output_of("dd", f"if={p}", "bs=4k", "status=none"), bytes),
    "cat": (lambda p, _: output_of("cat", p), bytes),
    "tar": (by_tar, bytes),
    "wc": (lambda p, _: int(output_of("wc", "-c", p).split()[0]), len),
    "python": (lambda p, _: p.read_bytes(), bytes),
    "python-tail": (by_python_tail, lambda b: b[-100:]),
    "python-mmap": (by_mmap, bytes),
    "rsync": (by_rsync, bytes),
}
WAYS = TOOL_WAYS + [name for name in COMMANDS if name != "rsync" or shutil.which("rsync")]


@pytest.fixture(scope="session")
def tool(tmp_path_factory):
    """The program that knows most ways."""
    return built_tool("access_methods", tmp_path_factory.mktemp("tools"))


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    """Chunks of more than one page of memory, odd at every border."""
    voxels = picture((5, 700, 500))
    return write_stack(tmp_path_factory.mktemp("access") / "odd", voxels, compression="lzw", rowsperstrip=32)


class Check:
    """Tries ways on chunks, collects what differs, and counts."""

    def __init__(self, tool, truth, scratch):
        self.tool, self.truth, self.scratch = tool, truth, scratch
        self.tried, self.wrong = 0, []

    def __call__(self, root, way, chunks):
        for name in chunks:
            self.tried += 1
            path = Path(root) / name
            if way in COMMANDS:
                read, want = COMMANDS[way]
                try:
                    if read(path, self.scratch) != want((self.truth / name).read_bytes()):
                        self.wrong.append(f"{way} {name}: other bytes")
                except (OSError, subprocess.SubprocessError, ValueError) as e:
                    self.wrong.append(f"{way} {name}: {e}")
            else:
                done = subprocess.run([self.tool, path, self.truth / name, way], capture_output=True, text=True,
                                      timeout=30, check=False)
                if done.returncode != 0:
                    self.wrong.append(f"{way} {name}: {done.stdout}{done.stderr}".strip())

    def conclude(self, state):
        print(f"{state}: {self.tried} accesses, {len(WAYS)} ways, {len(self.wrong)} differ")
        assert not self.wrong, "\n".join(self.wrong[:20])


@pytest.fixture(params=CODECS)
def bench(request, tool, stack, mount, run, tmp_path):
    """(start, chunks, check): start(*args) mounts; chunks are those of the small image; all with one codec."""
    args = ["--codec", request.param, "--chunk-shape", "2,200,130"]
    with mount.within(stack, *args) as m:
        chunks = chunk_paths(m.path, 0)
    assert len(chunks) == 3 * 4 * 4
    truth = tmp_path / "truth"
    for name in chunks:
        (truth / name).parent.mkdir(parents=True, exist_ok=True)
        done = run("cat", *args, stack, name, text=False)
        assert done.returncode == 0 and len(done.stdout) > 4096
        (truth / name).write_bytes(done.stdout)
    # Corners, a border and the middle.
    some = [c for c in chunks if c.endswith(("0/0/0/0", "1/1/1", "2/3/3", "0/3/0"))]
    return (lambda *more, **how: mount.within(stack, *args, *more, **how)), chunks, some, Check(tool, truth, tmp_path)


def test_rsync_is_there():
    if shutil.which("rsync") is None:
        pytest.skip("no rsync on this machine: that way is not tried")


def test_cold(bench):
    start, _, some, check = bench
    for way in WAYS:
        with start() as m:
            check(m.path, way, some)
    check.conclude("cold, a mount for each way")


def test_all_chunks_then_dropped_caches(bench):
    start, chunks, some, check = bench
    with start() as m:
        for way in ("read-size", "stat", "python"):
            check(m.path, way, chunks)
        for way in WAYS:
            check(m.path, way, some)
        for way in WAYS:
            drop_caches(2)
            check(m.path, way, some)
        for way in ("mmap-shared", "splice", "tar", "cat"):
            drop_caches(3)
            check(m.path, way, some)
    check.conclude("warm, and after drop_caches")


def test_evicted(tool, mount, run, tmp_path, tmp_path_factory):
    """With the least budget that is accepted, after other reads; by turns with the kernel's caches warm and
    dropped."""
    stack = write_stack(tmp_path_factory.mktemp("large") / "s", picture((12, 1100, 1300), noise=4096))
    for turn, codec in enumerate(CODECS):
        args = ["--codec", codec, "--chunk-shape", "3,300,330"]
        budget = least_budget(run, stack, *args)
        with mount.within(stack, *args) as m:
            chunks = chunk_paths(m.path, 0)
            some = [chunks[i] for i in (0, 21, len(chunks) - 1)]
            for name in some:
                (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
                (tmp_path / name).write_bytes((m.path / name).read_bytes())
        check, made = Check(tool, tmp_path, tmp_path), 0
        with mount.within(stack, *args, "--memory", budget) as m:
            for i, way in enumerate(WAYS):
                for name in chunks:
                    if name not in some:
                        (m.path / name).read_bytes()
                if (i + turn) % 2 == 0:
                    drop_caches(3)
                before = level(m.status())["made"]
                check(m.path, way, some)
                # Sizes are remembered: what only asks for them makes nothing.
                made += level(m.status())["made"] - before
            counts = level(m.status())
        print(f"{codec}, --memory {budget}: {made} made again for {check.tried} accesses; {counts}")
        assert counts["evicted"] > 0 and made >= 2 * len(WAYS)
        check.conclude("after eviction")


def test_remounted(bench, tmp_path):
    start, _, some, check = bench
    seen = []
    point = tmp_path / "again"
    for _ in range(2):
        with start(mountpoint=point) as m:
            seen.append([(s.st_ino, s.st_size, s.st_mtime_ns, s.st_blocks)
                         for s in (os.stat(m.path / name) for name in some)])
            for way in WAYS:
                check(m.path, way, some)
    assert seen[0] == seen[1]
    check.conclude("after a remount")


def test_large_chunks_can_be_mapped(tool, stack, mount, run, tmp_path):
    """Chunks that the kernel does not cache can be mapped shared all the same, where it allows that."""
    args = ["--codec", "none", "--chunk-shape", "5,700,500"]
    with mount.within(stack, *args) as m:
        need_protocol(m, 39)
        assert "direct_io_allow_mmap" in m.status()["fuse"]
        name, = chunk_paths(m.path, 0)
        truth = tmp_path / "truth" / name
        truth.parent.mkdir(parents=True)
        truth.write_bytes(run("cat", *args, stack, name, text=False).stdout)
        assert truth.stat().st_size > 256 << 10
        for way in TOOL_WAYS:
            done = subprocess.run([tool, m.path / name, truth, way], capture_output=True, text=True, timeout=30,
                                  check=False)
            assert done.returncode == 0, f"{way}: {done.stdout}{done.stderr}"
