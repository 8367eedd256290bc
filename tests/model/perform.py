"""Performs the steps of a script on a live mount and compares what it shows with the model, step by step."""

import collections
import contextlib
import errno
import mmap
import os
import signal
import stat
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import conftest
import numpy as np
from reading import READERS, describe
from workbench import drop_caches, least_budget

from expect import Model, Wrong
from script import stack_of
from source import Source

HELD_MAX = 8
SECONDS = 60  # of a step, sanitizers and a busy machine included
METADATA = {".zarray", ".zattrs", ".zgroup", ".zmetadata"}
DEAD = (errno.ENOTCONN, errno.ECONNABORTED, errno.EIO)
SAID = ("Sanitizer", "runtime error")


def ngffuse(*args):
    return subprocess.run([conftest.NGFFUSE, *map(str, args)], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=SECONDS, check=False)


class Performance:
    """One walk, for a `with` statement. counts: how often each step was done, and how chunks were read."""

    def __init__(self, script, folder, model=Model):
        self.script, self.model_class = script, model
        self.source = Source(folder / "walk", stack_of(script))
        self.counts = collections.Counter()
        self.bytes_known = {}
        self.held, self.mount, self.level = [], None, None

    def __enter__(self):
        self._mount()
        return self

    def __exit__(self, kind, value, trace):
        self._close_held()
        if kind is None:
            self._unmount()
        elif self.mount is not None:
            self.mount.__exit__(kind, value, trace)

    def step(self, step):
        arguments = {k: v for k, v in step.items() if k != "do"}
        self.counts[step["do"]] += 1
        getattr(self, f"_{step['do']}")(**arguments)

    # --- mounting

    def _mount(self):
        words = [word for pair in self.script["options"].items() for word in pair]
        at = words.index("--memory")
        if words[at + 1] == "least":
            del words[at:at + 2]
            words += ["--memory", least_budget(ngffuse, self.source.folder, *words)]
        self.scan = self.source.scan(self.script["options"]["--gaps"])
        mount = conftest.Mount(self.source.folder, *words)
        mount.__enter__()
        self.mount = mount
        self.image = mount.path / "walk.zarr"
        self.model = self.model_class(self.scan, describe(self.image / "0"), self.script["options"]["--damaged"],
                                      self.bytes_known)

    def _unmount(self):
        mount, self.mount, self.level = self.mount, None, None
        mount.__exit__(None, None, None)
        self._check_log(mount.log)

    def _check_log(self, log):
        if any(word in log for word in SAID):
            raise Wrong(f"a sanitizer reports:\n{log}")

    def _remount(self):
        self._close_held()
        self._unmount()
        self._mount()

    def _restart(self):
        """The program dies; what it held is cleared up by `ngffuse -u`."""
        mount = self.mount
        os.kill(mount.pid, signal.SIGKILL)
        mount.wait()
        got = [_pread(fd, 10, 0) for fd, _ in self.held]
        self._close_held()
        done = ngffuse("-u", mount.path)
        self._unmount()
        if done.returncode != 0:
            raise Wrong(f"ngffuse -u of a dead mount: {done.returncode}: {done.stderr}")
        if any(isinstance(one, int) and one not in DEAD for one in got):
            raise Wrong(f"files that were open when the program died: {got}")
        self._mount()

    # --- reading

    def _path(self, index):
        return self.image.joinpath("0", *map(str, index))

    def _index(self, n):
        return self.model.indices[n % len(self.model.indices)]

    def _judge(self, index, got, expected=None):
        """Of a chunk read whole."""
        expected = expected or self.model.chunk(index)
        self.counts[self.model.judge(expected, got, f"chunk {_name(index)}")] += 1

    def _whole(self, index):
        """Reads a chunk whole and judges it: its bytes or an errno."""
        expected = self.model.chunk(index)
        self.model.touch(index)
        got = _read(self._path(index))
        self._judge(index, got, expected)
        return got

    def _read(self, chunk):
        self._whole(self._index(chunk))

    def _all(self):
        for index in self.model.indices:
            self._whole(index)

    def _pread(self, chunk, offset, size):
        index = self._index(chunk)
        expected = self.model.chunk(index)
        self.model.touch(index)
        fd = os.open(self._path(index), os.O_RDONLY)
        try:
            self._part(fd, index, expected, offset, size)
        finally:
            os.close(fd)

    def _part(self, fd, index, expected, offset, size):
        """A range anywhere in the chunk or behind its end."""
        room = os.fstat(fd).st_size + 100
        offset, size = offset % room, size % room + 1
        got = _pread(fd, size, offset)
        self.model.judge_part(expected, offset, size, got, self._whole(index),
                              f"chunk {_name(index)}, {size} bytes at {offset}")

    def _box(self, start, size):
        """By a library, from an array that stays open while the source changes."""
        if self.level is None:
            reader = next(r for r in (READERS["zarr3-group"], READERS["zarr2-directory"]) if not r.missing())
            self.level = reader.open(self.image)
        region = []
        for n, a, b in zip(self.model.shape, start, size):
            region.append(slice(a % n, a % n + b % (n - a % n) + 1))
        region = tuple(region)
        expected = self.model.box(region)
        for index in self._covered(region):
            self.model.touch(index)
        what = f"box {', '.join(f'{r.start}:{r.stop}' for r in region)}"
        try:
            got = np.asarray(self.level[region])
        except Exception as e:  # each codec has its own
            if not (expected.must_fail or expected.may_fail):
                raise Wrong(f"{what}: {e!r}") from None
            return
        expected.compare(got, what)

    def _covered(self, region):
        sides = [range(r.start // c, -(-r.stop // c)) for r, c in zip(region, self.model.chunks)]
        return [tuple(s.start + i for s, i in zip(sides, at)) for at in np.ndindex(*map(len, sides))]

    def _map(self, chunk):
        """Through a mapping; the kernel copies from it, so that what cannot be read is an error, not a signal."""
        index = self._index(chunk)
        expected = self.model.chunk(index)
        self.model.touch(index)
        got = _mapped(self._path(index))
        if got == errno.EIO and self.model.damaged == "poison" and (expected.must_fail or expected.may_fail):
            return  # not every handle of such a chunk can be mapped
        self._judge(index, got, expected)

    def _together(self, chunks):
        """Readers that run at the same time."""
        indices = [self._index(n) for n in chunks]
        expected = [self.model.chunk(index) for index in indices]
        for index in indices:
            self.model.touch(index)
        with ThreadPoolExecutor(4) as pool:
            got = list(pool.map(lambda index: _read(self._path(index)), indices))
        for index, one, wanted in zip(indices, got, expected):
            self._judge(index, one, wanted)

    def _meanwhile(self, chunks, how, file, a, b, after_us):
        """A file is changed while chunks are read: each shows what was there before, or fails."""
        indices = [self._index(n) for n in chunks]
        for index in indices:
            self.model.touch(index)
        with ThreadPoolExecutor(3) as pool:
            reading = [pool.submit(_read, self._path(index)) for index in indices]
            time.sleep(after_us / 1e6)
            self._change(how, file, a, b)
            got = [one.result() for one in reading]
        for index, one in zip(indices, got):
            self._judge(index, one)

    def _kill(self, first, count, after_us):
        """A reader of many chunks is killed."""
        n = len(self.model.indices)
        indices = [self.model.indices[(first + i) % n] for i in range(min(count + 1, n))]
        for index in indices:
            self.model.touch(index)
        reader = subprocess.Popen(["cat", *map(self._path, indices)], stdin=subprocess.DEVNULL,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(after_us / 1e6)
        reader.kill()
        reader.wait(SECONDS)

    # --- open files

    def _hold(self, chunk):
        if len(self.held) < HELD_MAX:
            index = self._index(chunk)
            self.model.touch(index)
            self.held.append((os.open(self._path(index), os.O_RDONLY), index))

    def _held(self, which, offset, size):
        if self.held:
            fd, index = self.held[which % len(self.held)]
            expected = self.model.chunk(index)
            self.model.touch(index)
            self._part(fd, index, expected, offset, size)

    def _release(self, which):
        if self.held:
            os.close(self.held.pop(which % len(self.held))[0])

    def _close_held(self):
        while self.held:
            os.close(self.held.pop()[0])

    # --- names and sizes

    def _stat(self, chunk):
        index = self._index(chunk)
        expected = self.model.chunk(index)
        self.model.touch(index)
        path = self._path(index)
        st = os.stat(path)
        what = f"chunk {_name(index)}"
        if stat.S_IMODE(st.st_mode) != self.scan.mode or st.st_mtime_ns != self.scan.mtime_ns:
            raise Wrong(f"{what}: mode {st.st_mode:o} and mtime {st.st_mtime_ns}, should be {self.scan.mode:o} "
                        f"and {self.scan.mtime_ns}")
        whole = self._whole(index)
        self.model.judge_size(expected, st.st_size, whole, what)
        self.model.judge_size(self.model.chunk(index), os.stat(path).st_size, whole, what)

    def _list(self, chunk, depth):
        """The chunks of a folder are those of the grid, whether they can be made or not."""
        index = self._index(chunk)
        depth %= len(index)
        names = set(os.listdir(self._path(index[:depth])))
        wanted = set(map(str, range(self.model.grid[depth])))
        extra = names - METADATA if depth == 0 else names
        if extra != wanted:
            raise Wrong(f"folder {_name(index[:depth])}: {sorted(extra ^ wanted)} too much or missing")

    def _absent(self, chunk, depth, kind):
        index = self._index(chunk)
        depth %= len(index)
        n = self.model.grid[depth]
        name = (str(n), str(n + kind), "-1", "00", f"0{n - 1}", "x", "1.0", "+0", str(1 << 40))[kind % 9]
        path = self._path((*index[:depth], name))
        if name == "00" and depth == 0:
            path = self._path((*index[:depth], "000"))
        for call in (os.stat, lambda p: os.close(os.open(p, os.O_RDONLY))):
            try:
                call(path)
            except FileNotFoundError:
                continue
            except OSError as e:
                raise Wrong(f"{path.name} below {_name(index[:depth])}: {e}") from None
            raise Wrong(f"{path.name} below {_name(index[:depth])} exists")
        try:
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT))
        except OSError as e:
            if e.errno == errno.EROFS:
                return
            raise Wrong(f"creating {path.name}: {e}") from None
        raise Wrong(f"{path.name} was created")

    def _status(self):
        memory = self.mount.status()["memory"]
        if not 0 <= memory["now"] <= memory["peak"] <= memory["budget"]:
            raise Wrong(f"status: {memory}")

    # --- the world around it

    def _change(self, how, file, a, b):
        key = self.source.keys[file % len(self.source.keys)]
        if self.source.change(how, key, a, b):
            self.counts[f"change: {how}"] += 1
            self.scan.note(how, key)

    def _drop(self, chunk):
        """The kernel's pages of one chunk."""
        index = self._index(chunk)
        self.model.touch(index)
        fd = os.open(self._path(index), os.O_RDONLY)
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(fd)

    def _drop_all(self):
        """What the kernel knows of names and sizes, and pages; only root may."""
        if os.geteuid() == 0:
            drop_caches(3)

    def _forget(self):
        self.source.forget()

    def _wait(self):
        time.sleep(1.1)


def _name(index):
    return "/".join(map(str, index)) or "."


def _read(path):
    """The bytes of a file read to its end, or an errno."""
    fd = os.open(path, os.O_RDONLY)
    try:
        parts = []
        while part := os.read(fd, 1 << 20):
            parts.append(part)
        return b"".join(parts)
    except OSError as e:
        return e.errno
    finally:
        os.close(fd)


def _pread(fd, size, offset):
    try:
        return os.pread(fd, size, offset)
    except OSError as e:
        return e.errno


def _mapped(path):
    fd = os.open(path, os.O_RDONLY)
    copy = os.memfd_create("copy")
    try:
        with mmap.mmap(fd, 0, prot=mmap.PROT_READ) as pages, memoryview(pages) as view:
            done = 0
            while done < len(view):
                done += os.write(copy, view[done:])
            return os.pread(copy, done, 0)
    except OSError as e:
        # EFAULT: a page that cannot be read; ENODEV: a handle without pages.
        return errno.EIO if e.errno in (errno.EFAULT, errno.ENODEV) else e.errno
    finally:
        os.close(copy)
        os.close(fd)


class Outcome(NamedTuple):
    """failed: number of the step that failed (the number of steps: the end), or None; why: what was wrong."""

    failed: int
    why: str
    counts: collections.Counter


def perform(script, folder, model=Model):
    """Runs a script in a folder that is there and empty."""
    n = 0
    performance = None
    try:
        performance = Performance(script, folder, model)
        with performance:
            for n, step in enumerate(script["steps"]):
                with _watched():
                    performance.step(step)
            n = len(script["steps"])
        return Outcome(None, "", performance.counts)
    except Exception as e:
        return Outcome(n, f"{type(e).__name__}: {e}", performance.counts if performance else collections.Counter())


@contextlib.contextmanager
def _watched():
    """Nothing hangs for ever."""

    def late(*_):
        raise TimeoutError(f"a step takes longer than {SECONDS} s")

    old = signal.signal(signal.SIGALRM, late)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, old)
