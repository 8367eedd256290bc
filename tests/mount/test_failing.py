"""The n-th allocation, read, opening or start of a thread fails, once or from there on, n spread over all that there
are: while levels and labels are read every answer is right or EIO or ENOMEM, the program lives, and afterwards
everything is right; `info` says what is right, or one line. A preloaded library plays it
(tests/tools/preload/failing_calls.c), which says whose calls fail. NGFFUSE_FAILING=1: every n."""

import contextlib
import errno
import json
import mmap
import os
import socket
import struct
import subprocess
import time

import cascade
import numpy as np
import pytest
from conftest import NGFFUSE, READY_SECONDS, Mount, MountFailed
from make_stacks import Layout, pixels, write_stack
from reading import chunk_indices, chunk_path, chunk_region, decode_chunk, describe
from workbench import preloaded

pytestmark = pytest.mark.fuse

SPREAD = 40
AT_ONCE = 8
OWN, ALL, READS, LIBTIFF, OPENS, THREADS = range(1, 7)
NAMES = {OWN: "own allocations", ALL: "allocations", READS: "reads", LIBTIFF: "allocations of libtiff",
         OPENS: "openings of files", THREADS: "threads"}
STORAGE = (READS, OPENS)
ARGS = ("--codec", "blosc-lz4", "--chunk-shape", "1,32,32", "--threads", "2", "--layout", "both")
MAGS = [(1, 1, 1), (2, 2, 2), (4, 4, 4)]
LAYOUTS = {
    "raw": Layout(rows=8),
    "lzw": Layout(rows=16, compression="lzw", predictor=2),
    "tiles": Layout(tile=(32, 32), compression="deflate"),
}
# Files, and as many descriptors that the program keeps few of them open.
MANY, FEW = 30, ("prlimit", "--nofile=40:40")


@pytest.fixture(scope="module")
def library(ngffuse, tmp_path_factory):
    return preloaded("failing_calls", tmp_path_factory.mktemp("failing"), ngffuse)


class Orders:
    """What shall fail in a program that is started with .env."""

    FORMAT = struct.Struct("IIQQ")

    def __init__(self, library, path):
        path.write_bytes(bytes(self.FORMAT.size))
        self._ready = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._ready.settimeout(0.02)
        self._ready.bind(f"{path}.s")
        self.env = {"LD_PRELOAD": str(library), "FAILING_ORDERS": str(path), "NOTIFY_SOCKET": f"{path}.s"}
        with open(path, "r+b") as f:
            self._map = mmap.mmap(f.fileno(), self.FORMAT.size)

    def told_ready(self):
        with contextlib.suppress(TimeoutError):
            return self._ready.recv(1000).startswith(b"READY=1")
        return False

    def give(self, what, n, lasting):
        self.FORMAT.pack_into(self._map, 0, what, lasting, n, 0)

    def take_back(self):
        """How many calls were counted."""
        count = self.FORMAT.unpack_from(self._map)[3]
        self.FORMAT.pack_into(self._map, 0, 0, 0, 0, 0)
        return count


class TroubledMount(Mount):
    """The mount is seen before all of its start is over, and until then failures end it."""

    def __init__(self, source, orders, what):
        super().__init__(source, *ARGS, env=orders.env, under=FEW if what == OPENS else ())
        self._orders = orders

    def _wait_until_it_answers(self):
        end = time.monotonic() + READY_SECONDS
        while not self._orders.told_ready():
            if self._process.poll() is not None:
                raise MountFailed(self._process.returncode, self.log)
            assert time.monotonic() < end, f"no mount after {READY_SECONDS} s:\n{self.log}"


class Stacks:
    """Four stacks, one with a label, and what their mount must show."""

    def __init__(self, folder):
        self.source = folder / "src"
        self.voxels = {}
        for i, (name, layout) in enumerate(LAYOUTS.items()):
            self.voxels[f"{name}.zarr"] = pixels((3, 61, 83), "u2", seed=i)
            write_stack(self.source / name, self.voxels[f"{name}.zarr"], layout)
        self.voxels["many.zarr"] = pixels((MANY, 9, 11), "u1", seed=8)
        write_stack(self.source / "many", self.voxels["many.zarr"], Layout(rows=3))
        self.voxels["raw.zarr/labels/cells"] = pixels((3, 61, 83), "u1", seed=9) % 7
        write_stack(self.source / "raw/labels/cells", self.voxels["raw.zarr/labels/cells"], LAYOUTS["lzw"])
        self.right = {}
        with Mount(self.source, *ARGS) as m:
            for k, (name, voxels) in enumerate(self.voxels.items()):
                self._take(m.path, name, voxels, coarse_first=k % 2 == 0)
            for name in ("raw/datasource-properties.json", "raw/color/1/.zarray", "raw/cells/4/.zarray"):
                self.right[name] = (m.path / name).read_bytes()
        assert np.unique([len(v) for v in self.right.values()]).size > 3

    def _take(self, top, name, voxels, coarse_first):
        """What is there of an image or a label, once it is known as right."""
        for document in (".zattrs", ".zgroup", "0/.zarray", "2/.zarray"):
            self.right[f"{name}/{document}"] = (top / name / document).read_bytes()
        levels = list(enumerate(cascade.cascade(voxels, MAGS, "mode" if "labels" in name else "median")))
        for k, wanted in reversed(levels) if coarse_first else levels:
            shape, chunks, dtype, codec = describe(top / name / str(k))
            assert tuple(shape) == wanted.shape
            for index in chunk_indices(shape, chunks):
                path = chunk_path(top / name / str(k), index)
                part = wanted[chunk_region(index, shape, chunks)]
                read = decode_chunk(path.read_bytes(), chunks, dtype, codec)
                assert (read[tuple(slice(0, n) for n in part.shape)] == part).all()
                self.right[str(path.relative_to(top))] = path.read_bytes()

    def read(self, m, documents=True, left_out=False):
        """Lists, stats and reads all; {path: errno} of what fails. left_out: some of it may not be there."""
        failed = {}
        for name in [*self.voxels, "raw"]:
            for _ in os.walk(m.path / name):
                pass
        for path, right in self.right.items():
            if not documents and "." in os.path.basename(path):
                continue
            try:
                os.stat(m.path / path)
                got = (m.path / path).read_bytes()
            except OSError as e:
                assert e.errno in (errno.EIO, errno.ENOMEM) or (left_out and e.errno == errno.ENOENT), (path, e)
                failed[path] = e.errno
            else:
                assert got == right, f"{path}: wrong bytes:\n{m.log}"
        return failed


@pytest.fixture(scope="module")
def stacks(tmp_path_factory):
    return Stacks(tmp_path_factory.mktemp("stacks"))


def spread(count):
    """Values of n."""
    if os.environ.get("NGFFUSE_FAILING") == "1":
        return range(1, count + 1)
    if count <= SPREAD:
        return list(range(1, count + 1))
    return sorted({round(1 + (count - 1) * i / (SPREAD - 1)) for i in range(SPREAD)})


def batches(values):
    for i in range(0, len(values), AT_ONCE):
        yield values[i:i + AT_ONCE]


@pytest.mark.parametrize("lasting", [False, True], ids=["once", "lasting"])
@pytest.mark.parametrize("what", [OWN, ALL, READS, LIBTIFF, OPENS], ids=["own", "all", "reads", "libtiff", "opens"])
def test_reading(library, stacks, tmp_path, what, lasting):
    """Calls fail while everything is read."""
    orders = Orders(library, tmp_path / "count")
    with TroubledMount(stacks.source, orders, what) as m:
        orders.give(what, 0, False)
        assert not stacks.read(m)
        count = orders.take_back()
    values = spread(count)
    failures = 0
    for batch in batches(values):
        with contextlib.ExitStack() as stack:
            mounts = []
            for n in batch:
                orders = Orders(library, tmp_path / f"orders_{n}")
                m = stack.enter_context(TroubledMount(stacks.source, orders, what))
                mounts.append(m)
                orders.give(what, n, lasting)
                failed = stacks.read(m)
                orders.take_back()
                failures += len(failed)
            if what in STORAGE:
                time.sleep(1.1)
            for n, m in zip(batch, mounts):
                assert stacks.read(m) == {}, f"{NAMES[what]}: {n} of {count}:\n{m.log}"
    print(f"{NAMES[what]}: {len(values)} values up to {count}, {failures} files failed")
    assert failures > 0 or not lasting  # of one failure the next request may know nothing


@pytest.mark.parametrize("lasting", [False, True], ids=["once", "lasting"])
@pytest.mark.parametrize("what", [OWN, ALL, READS, OPENS, THREADS], ids=["own", "all", "reads", "opens", "threads"])
def test_mounting(library, stacks, tmp_path, what, lasting):
    """Calls fail from the start on: no mount and one message, or one that is right once they do not fail. Storage
    that fails then leaves damaged planes, folders left out, and windows without a sample, for as long as the mount
    lives."""
    orders = Orders(library, tmp_path / "count")
    orders.give(what, 0, False)
    with TroubledMount(stacks.source, orders, what):
        count = orders.take_back()
    values = spread(count)
    refused = 0
    for n in values:
        orders = Orders(library, tmp_path / f"orders_{n}")
        orders.give(what, n, lasting)
        try:
            with TroubledMount(stacks.source, orders, what) as m:
                orders.take_back()
                failed = stacks.read(m, what not in STORAGE, "a folder that cannot be read" in m.log)
                assert what in STORAGE or failed == {}, f"{NAMES[what]}: {n} of {count}:\n{m.log}"
        except MountFailed as e:
            refused += 1
            said = f"{NAMES[what]}: {n} of {count}: {e}"
            assert e.code == 1, said
            lines = [line for line in e.log.splitlines() if line.startswith("ngffuse: ")]
            assert len(lines) == 1, said
            assert what not in (OWN, ALL) or "memory" in lines[0], said
    print(f"{NAMES[what]}: {len(values)} values up to {count}, {refused} mounts refused")
    assert refused > 0 or what in STORAGE


def told(stacks, library, path, *order):
    """What `info` does while calls fail as ordered: (exit code, stdout, stderr, how many were counted)."""
    orders = Orders(library, path)
    orders.give(*order)
    done = subprocess.run([NGFFUSE, "info", "--json", *ARGS, stacks.source], stdin=subprocess.DEVNULL, text=True,
                          capture_output=True, timeout=READY_SECONDS, check=False, env={**os.environ, **orders.env})
    return done.returncode, done.stdout, done.stderr, orders.take_back()


def timeless(said):
    """The document without what was measured, and without warnings, for which there may be no memory."""
    doc = json.loads(said)
    for image in doc["images"]:
        for one in [image, *image.get("labels", ())]:
            del one["warnings"]
            for view in (one["first_view"], one["first_view"].get("other", {})):
                view.pop("seconds", None)
    return doc


@pytest.mark.parametrize("lasting", [False, True], ids=["once", "lasting"])
@pytest.mark.parametrize("what", [OWN, ALL, READS, LIBTIFF, OPENS, THREADS],
                         ids=["own", "all", "reads", "libtiff", "opens", "threads"])
def test_info(library, stacks, tmp_path, what, lasting):
    """Also while it makes chunks to see how long they take. Storage that fails is found in the files."""
    code, right, _, count = told(stacks, library, tmp_path / "count", what, 0, False)
    assert code == 0
    failed = 0
    for n in spread(count):
        code, out, err, _ = told(stacks, library, tmp_path / f"orders_{n}", what, n, lasting)
        said = f"{NAMES[what]}: {n} of {count}: {code}: {err}"
        failed += code != 0
        assert code in (0, 1), said
        if code == 0:
            assert what in STORAGE or timeless(out) == timeless(right), said
        elif what not in STORAGE:
            assert out == "" and len(err.splitlines()) == 1, said
    print(f"{NAMES[what]}: {len(spread(count))} values up to {count}, {failed} failed")
    assert failed > 0 or not lasting or what in (LIBTIFF, THREADS)
