"""What the tests of a mount's behaviour work with: small stacks, readers that are processes of their own,
and what the kernel says of a process."""

import contextlib
import ctypes
import hashlib
import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
import tifffile
from conftest import NGFFUSE, ROOT

libc = ctypes.CDLL(None, use_errno=True)


def picture(shape, dtype="u2", seed=1, noise=16):
    """A slope with noise in the low bits: it compresses, but not to nothing; every row is another one."""
    rng = np.random.default_rng(seed)
    slope = sum(np.arange(n).reshape([-1] + [1] * (len(shape) - 1 - i)) * (3 + i)
                for i, n in enumerate(shape))
    return (slope + rng.integers(0, noise, shape)).astype(dtype)


def write_stack(folder, voxels, **how):
    """One file for each plane, s_0000.tif ..; `how` goes to tifffile (compression, rowsperstrip, tile)."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for z, plane in enumerate(voxels):
        tifffile.imwrite(folder / f"s_{z:04d}.tif", plane, photometric="minisblack", metadata=None, **how)
    return folder


def write_repeated(folder, plane, n, **how):
    """n files that are one: quick to write, and as slow to decode as n."""
    folder = write_stack(folder, [plane], **how)
    for z in range(1, n):
        os.link(folder / "s_0000.tif", folder / f"s_{z:04d}.tif")
    return folder


def slow_stack(folder, n):
    """One-strip LZW pages of 3000x3000 u2."""
    return write_repeated(folder, picture((3000, 3000)), n, compression="lzw", rowsperstrip=3000)


def chunk_paths(root, level=None):
    """Relative paths of all chunks below root, by listing alone. level: of a mount, those of this level."""
    found = []
    for top in [root] if level is None else Path(root).glob(f"*.zarr/{level}"):
        for folder, _, files in os.walk(top):
            found += [os.path.relpath(os.path.join(folder, f), root) for f in files if f.isdigit()]
    return sorted(found, key=lambda p: [(not c.isdigit(), int(c) if c.isdigit() else 0, c)
                                        for c in p.split("/")])


def level(status, number=0):
    """The counters of a level."""
    return next(one for one in status["levels"] if one["level"] == number)


def need_protocol(m, minor):
    """Skips where the kernel's protocol is older than 7.minor."""
    said = m.status()["fuse"]
    if int(re.match(r"7\.(\d+)", said)[1]) < minor:
        pytest.skip(f"the kernel's protocol is too old: {said}")


def wait_for(what, condition, seconds=10):
    """Polls; returns the seconds that it took."""
    start = time.monotonic()
    while not condition():
        if time.monotonic() - start > seconds:
            raise TimeoutError(f"{what}: not within {seconds} s")
        time.sleep(0.002)
    return time.monotonic() - start


def drop_caches(what=2):
    """2: what the kernel knows of names and sizes, 1: pages, 3: both. Skips where that is not allowed."""
    os.sync()
    try:
        Path("/proc/sys/vm/drop_caches").write_text(str(what))
    except OSError as e:
        pytest.skip(f"cannot drop the kernel's caches: {e.strerror}")


def cpu_seconds(pid):
    """Processor time of all threads of a process."""
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            total += int(Path(f"/proc/{pid}/task/{task}/schedstat").read_text().split()[0])
    return total / 1e9


@contextlib.contextmanager
def before_others():
    """What runs on this machine besides us comes after us and what we start, as far as we may ask for that."""
    group, nice = Path("/proc/self/autogroup"), os.getpriority(os.PRIO_PROCESS, 0)
    old = None
    try:
        os.setpriority(os.PRIO_PROCESS, 0, -20)
        said = group.read_text().split()  # nothing where the process has no group of its own
        if said:
            group.write_text("-20")
            old = said[-1]
    except OSError:
        pass
    try:
        yield
    finally:
        os.setpriority(os.PRIO_PROCESS, 0, nice)
        if old is not None:
            with contextlib.suppress(OSError):
                group.write_text(old)


@contextlib.contextmanager
def alone():
    """Nothing else runs while we or what we start can: for moments only."""
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    except PermissionError:
        yield
        return
    try:
        yield
    finally:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


def built_tool(name, folder, *flags):
    """A program of tests/tools, made in `folder` where the build has not made it. flags: of the compiler."""
    built = NGFFUSE.parent / "tests" / name
    if built.is_file():
        return built
    made = Path(folder) / name
    source = ROOT / "tests/tools" / f"{name}.c"
    subprocess.run(["cc", "-O2", "-D_GNU_SOURCE", "-o", made, source, *flags], check=True)
    return made


def sanitized(program):
    """A sanitizer keeps freed memory and shadows of it, so that the resident size says nothing of the budget."""
    data = open(program, "rb").read()
    found = b"__asan_init" in data or b"__tsan_init" in data
    if found:
        print("a sanitizer build: resident memory is not compared")
    return found


def preloaded(name, folder, program):
    """A library of tests/tools/preload for LD_PRELOAD of the program, made in `folder`."""
    if sanitized(program):
        pytest.skip("a sanitizer's library must come before all others")
    made = Path(folder) / f"{name}.so"
    source = ROOT / "tests/tools/preload" / f"{name}.c"
    subprocess.run(["cc", "-O2", "-D_GNU_SOURCE", "-shared", "-fPIC", "-o", made, source, "-ldl"], check=True)
    return made


def peak_rss(pid):
    """Bytes."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise LookupError(f"no VmHWM for {pid}")


def daemon_of(mountpoint):
    """Process ids of the programs that serve a mount point given in this very spelling."""
    pids = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        with contextlib.suppress(OSError):
            words = Path(f"/proc/{entry}/cmdline").read_bytes().split(b"\0")
            if os.path.basename(words[0]) == b"ngffuse" and os.fsencode(mountpoint) in words[1:]:
                pids.append(int(entry))
    return pids


def least_budget(run, source, *args):
    """The value of --memory that the program says would do."""
    done = run("cat", *args, "--memory", "1", source, ".zattrs")
    assert done.returncode == 2, done
    found = re.search(r"--memory (\d+[KMG]?) would do", done.stderr)
    assert found, done.stderr
    return found[1]


def digest(data):
    return hashlib.sha1(data).hexdigest()


# --- readers


def _bare_read(path):
    """Reads to the end with system calls that nobody repeats. -> (call, errno), bytes"""
    fd = libc.open(os.fsencode(path), os.O_RDONLY | os.O_CLOEXEC)
    if fd < 0:
        return ("open", ctypes.get_errno()), b""
    buf = ctypes.create_string_buffer(1 << 20)
    data = bytearray()
    while True:
        n = libc.read(fd, buf, len(buf))
        if n < 0:
            return ("read", ctypes.get_errno()), bytes(data)
        if n == 0:
            break
        data += memoryview(buf)[:n]
    os.close(fd)
    return None, bytes(data)


def _set_timer(first, every, restart):
    arrived = []
    signal.signal(signal.SIGALRM, lambda *_: arrived.append(1))
    signal.siginterrupt(signal.SIGALRM, not restart)
    signal.setitimer(signal.ITIMER_REAL, first, every)
    return arrived


class Readers:
    """Processes that each read one file whole, all let go at once by go(). At the end of the `with` those
    that are left are killed.

    timers: {number of the reader: (first, every, restart)}, a SIGALRM that is handled.
    """

    def __init__(self, paths, timers=None):
        timers = timers or {}
        gate, self._gate = os.pipe()
        self.pids, self._pipes, self.results = [], [], {}
        for i, path in enumerate(paths):
            result, answer = os.pipe()
            pid = os.fork()
            if pid == 0:
                os.close(self._gate)
                self._child(gate, answer, path, timers.get(i))
            os.close(answer)
            self.pids.append(pid)
            self._pipes.append(result)
        os.close(gate)
        self.started = None

    @staticmethod
    def _child(gate, answer, path, timer):
        try:
            os.read(gate, 1)
            start = time.monotonic()
            arrived = _set_timer(*timer) if timer else []
            error, data = _bare_read(path)
            end = time.monotonic()
            result = {"error": error, "size": len(data), "digest": digest(data), "end": end,
                      "seconds": end - start, "signals": len(arrived)}
            os.write(answer, json.dumps(result).encode())
        finally:
            os._exit(0)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(OSError):
            os.close(self._gate)
        for pid in self.pids:
            if pid is not None:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
        for pipe in self._pipes:
            os.close(pipe)

    def go(self):
        self.started = time.monotonic()
        os.close(self._gate)
        self._gate = -1
        return self

    def kill(self, i):
        os.kill(self.pids[i], signal.SIGKILL)

    def gone(self, i):
        """Whether the process has ended; it is reaped."""
        if self.pids[i] is not None and os.waitpid(self.pids[i], os.WNOHANG)[0] != 0:
            self.pids[i] = None
        return self.pids[i] is None

    def wait(self, seconds=60, but=()):
        """Results of all (but some), in order; `took` is the time from go() until the last had its bytes."""
        for i in range(len(self.pids)):
            if i in but:
                continue
            wait_for(f"reader {i}", lambda i=i: self.gone(i), seconds)
            if i not in self.results:
                self.results[i] = json.loads(os.read(self._pipes[i], 1 << 16) or b"null")
        all_but = [self.results[i] for i in range(len(self.pids)) if i not in but]
        self.took = max(r["end"] for r in all_but) - self.started
        return all_but
