"""Performs the steps of a script on a live mount and compares what it shows with the model, step by step."""

import collections
import contextlib
import errno
import itertools
import mmap
import os
import signal
import stat
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import cascade
import conftest
import numpy as np
from workbench import drop_caches, least_budget

from expect import Model, Wrong
from script import BIG, stack_of
from shown import Part, described, parts
from source import Source

HELD_MAX = 8
SECONDS = 60  # of a step, sanitizers and a busy machine included
METADATA = {".zarray", ".zattrs", ".zgroup", ".zmetadata"}
DEAD = (errno.ENOTCONN, errno.ECONNABORTED, errno.EIO)
SAID = ("Sanitizer", "runtime error")


class Spot(NamedTuple):
    """A chunk in one of the trees that show it. where: (part, level); below: the names on its path."""

    model: Model
    where: tuple
    tree: str
    index: tuple
    folder: Path
    below: list

    @property
    def path(self):
        return self.folder.joinpath(*map(str, self.below))

    def __str__(self):
        return f"{self.tree}, {self.where[0]} level {self.where[1]}, chunk {_name(self.index)}"


def ngffuse(*args):
    return subprocess.run([conftest.NGFFUSE, *map(str, args)], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=SECONDS, check=False)


class Performance:
    """One walk, for a `with` statement. counts: how often each step was done, and how chunks were read."""

    def __init__(self, script, folder, model=Model):
        self.script, self.model_class = script, model
        top = folder / "walk"
        self.sources = {"": Source(top, stack_of(script["stack"]))}
        if "label" in script:
            stack = stack_of(script["label"])
            self.sources["cells/stack" if stack.paged else "cells"] = Source(top / "labels/cells", stack)
        self.options = dict(script["options"])
        self.counts = collections.Counter()
        self.bytes_known = collections.defaultdict(dict)
        self.held, self.mount, self.opened = [], None, {}

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
        words = [word for pair in self.options.items() for word in pair]
        at = words.index("--memory")
        if words[at + 1] == "least":
            del words[at:at + 2]
            words += ["--memory", least_budget(ngffuse, self.sources[""].folder, *words)]
        self.scans = {name: source.scan(self.options["--gaps"]) for name, source in self.sources.items()}
        mount = conftest.Mount(self.sources[""].folder, *words)
        mount.__enter__()
        self.mount = mount
        self.models = {}
        for name in self._fitting():
            self._model(name)

    def _fitting(self):
        """The image, and its label where that has as many planes; else nothing can be had of the label."""
        depths = {name: scan.voxels.shape[1] for name, scan in self.scans.items()}
        fitting = [name for name, depth in depths.items() if depth == depths[""]]
        self.parts = {}
        for name, scan in self.scans.items():
            channels = len(scan.voxels)
            self.parts[name] = Part(self.mount.path, self.options.get("--layout", "ome-zarr"), name,
                                    channels if channels > 1 else 0, len(depths) > 1 or len(self.scans[""].voxels) > 1)
            if name not in fitting and "ngff" in self.parts[name].trees:
                self.counts["unusable labels"] += 1
                self._unusable(self.parts[name].image / ".zattrs")
        return fitting

    @staticmethod
    def _unusable(path):
        try:
            os.stat(path)
        except OSError as e:
            if e.errno == errno.EIO:
                return
            raise Wrong(f"{path}: {e}, should be EIO") from None
        raise Wrong(f"{path} can be looked at, should be EIO")

    def _model(self, name):
        """Of each level, once it is described in the same way wherever it is shown."""
        part, scan = self.parts[name], self.scans[name]
        method, voxel = self._method(name), self.options.get("--voxel-size", "1,1,1")
        mags = cascade.mags(scan.voxels.shape[1:], tuple(map(float, voxel.split(",")))[::-1],
                            self.options.get("--sampling-mode", "anisotropic"), self.options.get("--max-mag"))
        part.name_levels(mags)
        finer = None
        for k, step in enumerate([(1, 1, 1), *cascade.steps(mags)]):
            metas = [described(tree, part.array(tree, names[k], c), part.channels)
                     for tree, names in part.names.items() for c in range(len(part.layers()))]
            if any(meta != metas[0] for meta in metas):
                raise Wrong(f"{name} level {k} is described as {metas}")
            finer = self.models[name, k] = self.model_class(scan, metas[0], self.options["--damaged"],
                                                            self.bytes_known[name, k], finer, step, method)
        found = {tree: part.listed(tree) for tree in part.trees}
        if found != part.names:
            raise Wrong(f"{name} has levels {found}, should be {part.names}")

    def _method(self, name):
        """Ids are neither averaged nor sorted."""
        method = self.options.get("--interpolation-mode", "mode" if name else "median")
        if self.options.get("--preview") == "always":
            return "nearest"
        return "mode" if name and method in ("median", "mean") else method

    def _unmount(self):
        mount, self.mount = self.mount, None
        self.opened.clear()
        mount.__exit__(None, None, None)
        self._check_log(mount.log)

    def _check_log(self, log):
        if any(word in log for word in SAID):
            raise Wrong(f"a sanitizer reports:\n{log}")

    def _remount(self, threads=None, memory=None):
        """With as many threads more than one, and other memory, which nothing depends on."""
        self._close_held()
        self._unmount()
        if threads is not None:
            self.options |= {"--threads": str(threads + 1), "--memory": ("least", "64M")[memory]}
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

    def _array(self, n):
        """(part, level), tree"""
        place = n // BIG
        where = list(self.models)[place % len(self.models)]
        trees = self.parts[where[0]].trees
        return where, trees[place // len(self.models) % len(trees)]

    def _spot(self, n):
        where, tree = self._array(n)
        indices = self.models[where].indices
        return self._spot_at(where, tree, indices[n % BIG % len(indices)])

    def _spot_at(self, where, tree, index):
        part = self.parts[where[0]]
        channel = 0 if tree == "ngff" or not part.channels else index[0]
        folder = part.array(tree, part.names[tree][where[1]], channel)
        return Spot(self.models[where], where, tree, index, folder, parts(tree, index))

    def _judge(self, spot, got, expected=None):
        """Of a chunk read whole."""
        expected = expected or spot.model.chunk(spot.index)
        self.counts[spot.model.judge(expected, got, str(spot))] += 1
        self.counts["chunks of coarse levels"] += spot.where[1] > 0

    def _whole(self, spot):
        """Reads a chunk whole and judges it: its bytes or an errno."""
        expected = spot.model.chunk(spot.index)
        spot.model.touch(spot.index)
        got = _read(spot.path)
        self._judge(spot, got, expected)
        return got

    def _read(self, chunk):
        self._whole(self._spot(chunk))

    def _all(self):
        """Of the image's full size, and of the coarsest level."""
        for where in [("", 0), list(self.models)[-1]]:
            for index in self.models[where].indices:
                self._whole(self._spot_at(where, self.parts[where[0]].trees[0], index))

    def _pread(self, chunk, offset, size):
        spot = self._spot(chunk)
        expected = spot.model.chunk(spot.index)
        spot.model.touch(spot.index)
        fd = os.open(spot.path, os.O_RDONLY)
        try:
            self._part(fd, spot, expected, offset, size)
        finally:
            os.close(fd)

    def _part(self, fd, spot, expected, offset, size):
        """A range anywhere in the chunk or behind its end."""
        room = os.fstat(fd).st_size + 100
        offset, size = offset % room, size % room + 1
        got = _pread(fd, size, offset)
        spot.model.judge_part(expected, offset, size, got, self._whole(spot), f"{spot}, {size} bytes at {offset}")

    def _box(self, start, size, array=0):
        """By a library, from an array that stays open while the source changes."""
        where, tree = self._array(array)
        model = self.models[where]
        region = []
        for n, a, b in zip(model.shape, start[-len(model.shape):], size[-len(model.shape):]):
            region.append(slice(a % n, a % n + b % (n - a % n) + 1))
        if tree != "ngff" and model.outer == 2:  # a layer has one channel
            region[0] = slice(region[0].start, region[0].start + 1)
        region = tuple(region)
        expected = model.box(region)
        covered = list(self._covered(model, region))
        for index in covered:
            model.touch(index)
        what = f"{tree}, {where[0]} level {where[1]}, box {', '.join(f'{r.start}:{r.stop}' for r in region)}"
        try:
            got = self._open(self._spot_at(where, tree, covered[0]))[tuple(parts(tree, region))]
        except Exception as e:  # each codec has its own
            if not (expected.must_fail or expected.may_fail):
                raise Wrong(f"{what}: {e!r}") from None
            return
        expected.compare(np.asarray(got) if tree == "ngff" else got.T.reshape(expected.voxels.shape), what)

    def _open(self, spot):
        import zarr

        if spot.folder not in self.opened:
            self.opened[spot.folder] = zarr.open_array(str(spot.folder), mode="r")
        return self.opened[spot.folder]

    def _covered(self, model, region):
        sides = [range(r.start // c, -(-r.stop // c)) for r, c in zip(region, model.chunks)]
        return itertools.product(*sides)

    def _map(self, chunk):
        """Through a mapping; the kernel copies from it, so that what cannot be read is an error, not a signal."""
        spot = self._spot(chunk)
        expected = spot.model.chunk(spot.index)
        spot.model.touch(spot.index)
        got = _mapped(spot.path)
        if got == errno.EIO and spot.model.damaged == "poison" and (expected.must_fail or expected.may_fail):
            return  # not every handle of such a chunk can be mapped
        self._judge(spot, got, expected)

    def _together(self, chunks):
        """Readers that run at the same time."""
        spots = [self._spot(n) for n in chunks]
        expected = [spot.model.chunk(spot.index) for spot in spots]
        for spot in spots:
            spot.model.touch(spot.index)
        with ThreadPoolExecutor(4) as pool:
            got = list(pool.map(lambda spot: _read(spot.path), spots))
        for spot, one, wanted in zip(spots, got, expected):
            self._judge(spot, one, wanted)

    def _meanwhile(self, chunks, how, file, a, b, after_us):
        """A file is changed while chunks are read: each shows what was there before, or fails."""
        spots = [self._spot(n) for n in chunks]
        for spot in spots:
            spot.model.touch(spot.index)
        with ThreadPoolExecutor(3) as pool:
            reading = [pool.submit(_read, spot.path) for spot in spots]
            time.sleep(after_us / 1e6)
            self._change(how, file, a, b)
            got = [one.result() for one in reading]
        for spot, one in zip(spots, got):
            self._judge(spot, one)

    def _kill(self, first, count, after_us):
        """A reader of many chunks is killed."""
        n = len(self._spot(first).model.indices)
        place = first // BIG * BIG
        spots = [self._spot(place + (first % BIG + i) % n) for i in range(min(count + 1, n))]
        for spot in spots:
            spot.model.touch(spot.index)
        reader = subprocess.Popen(["cat", *(spot.path for spot in spots)], stdin=subprocess.DEVNULL,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(after_us / 1e6)
        reader.kill()
        reader.wait(SECONDS)

    # --- open files

    def _hold(self, chunk):
        if len(self.held) < HELD_MAX:
            spot = self._spot(chunk)
            spot.model.touch(spot.index)
            self.held.append((os.open(spot.path, os.O_RDONLY), spot))

    def _held(self, which, offset, size):
        if self.held:
            fd, spot = self.held[which % len(self.held)]
            expected = spot.model.chunk(spot.index)
            spot.model.touch(spot.index)
            self._part(fd, spot, expected, offset, size)

    def _release(self, which):
        if self.held:
            os.close(self.held.pop(which % len(self.held))[0])

    def _close_held(self):
        while self.held:
            os.close(self.held.pop()[0])

    # --- names and sizes

    def _stat(self, chunk):
        spot = self._spot(chunk)
        expected = spot.model.chunk(spot.index)
        spot.model.touch(spot.index)
        st, scan = os.stat(spot.path), self.scans[spot.where[0]]
        if stat.S_IMODE(st.st_mode) != scan.mode or st.st_mtime_ns != scan.mtime_ns:
            raise Wrong(f"{spot}: mode {st.st_mode:o} and mtime {st.st_mtime_ns}, should be {scan.mode:o} and "
                        f"{scan.mtime_ns}")
        whole = self._whole(spot)
        spot.model.judge_size(expected, st.st_size, whole, str(spot))
        spot.model.judge_size(spot.model.chunk(spot.index), os.stat(spot.path).st_size, whole, str(spot))

    def _above(self, chunk, depth):
        """A folder on a chunk's way and how many it holds."""
        spot = self._spot(chunk)
        depth %= len(spot.below)
        folder = spot.folder.joinpath(*map(str, spot.below[:depth]))
        return folder, depth, parts(spot.tree, spot.model.grid, 1)[depth]

    def _list(self, chunk, depth):
        """The chunks of a folder are those of the grid, whether they can be made or not."""
        folder, depth, n = self._above(chunk, depth)
        names = set(os.listdir(folder))
        extra = names - METADATA if depth == 0 else names
        if extra != set(map(str, range(n))):
            raise Wrong(f"folder {folder}: {sorted(extra ^ set(map(str, range(n))))} too much or missing")

    def _absent(self, chunk, depth, kind):
        folder, depth, n = self._above(chunk, depth)
        name = (str(n), str(n + kind), "-1", "00", f"0{n - 1}", "x", "1.0", "+0", str(1 << 40))[kind % 9]
        path = folder / ("000" if name == "00" and depth == 0 else name)
        for call in (os.stat, lambda p: os.close(os.open(p, os.O_RDONLY))):
            try:
                call(path)
            except FileNotFoundError:
                continue
            except OSError as e:
                raise Wrong(f"{path}: {e}") from None
            raise Wrong(f"{path} exists")
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
        files = [(name, key) for name, source in self.sources.items() for key in source.keys]
        name, key = files[file % len(files)]
        if self.sources[name].change(how, key, a, b):
            self.counts[f"change: {how}"] += 1
            self.scans[name].note(how, key)

    def _drop(self, chunk):
        """The kernel's pages of one chunk."""
        spot = self._spot(chunk)
        spot.model.touch(spot.index)
        fd = os.open(spot.path, os.O_RDONLY)
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(fd)

    def _drop_all(self):
        """What the kernel knows of names and sizes, and pages; only root may."""
        if os.geteuid() == 0:
            drop_caches(3)

    def _forget(self):
        for source in self.sources.values():
            source.forget()

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
