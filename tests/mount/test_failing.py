"""The n-th allocation or read of a mount fails, once or from there on, n spread over all that there are: every
answer is right or EIO or ENOMEM, the program lives, and afterwards everything is right. A preloaded library
plays it (tests/tools/preload/failing_calls.c), which says whose allocations fail. NGFFUSE_FAILING=all: every n."""

import contextlib
import errno
import mmap
import os
import socket
import struct
import time

import cascade
import numpy as np
import pytest
from conftest import READY_SECONDS, Mount, MountFailed
from make_stacks import Layout, pixels, write_stack
from reading import chunk_indices, chunk_path, chunk_region, decode_chunk, describe
from workbench import preloaded

pytestmark = pytest.mark.fuse

SPREAD = 40
AT_ONCE = 8
OWN, ALL, READS, LIBTIFF = 1, 2, 3, 4
NAMES = {OWN: "own allocations", ALL: "allocations", READS: "reads", LIBTIFF: "allocations of libtiff"}
ARGS = ("--codec", "blosc-lz4", "--chunk-shape", "1,32,32", "--threads", "2", "--sampling-mode", "1,2,2", "--max-mag", "4-4-1",
        "--layout", "both")
MAGS = [(1, 1, 1), (1, 2, 2), (1, 4, 4)]
LAYOUTS = {
    "raw": Layout(rows=8),
    "lzw": Layout(rows=16, compression="lzw", predictor=2),
    "tiles": Layout(tile=(32, 32), compression="deflate"),
}


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

    def __init__(self, source, orders):
        super().__init__(source, *ARGS, env=orders.env)
        self._orders = orders

    def _wait_until_it_answers(self):
        end = time.monotonic() + READY_SECONDS
        while not self._orders.told_ready():
            if self._process.poll() is not None:
                raise MountFailed(self._process.returncode, self.log)
            assert time.monotonic() < end, f"no mount after {READY_SECONDS} s:\n{self.log}"


class Stacks:
    """Three stacks with their levels, one with a label, as images and as datasets, and what their mount must show."""

    def __init__(self, folder):
        self.source = folder / "src"
        self.voxels = {}
        for i, (name, layout) in enumerate(LAYOUTS.items()):
            self.voxels[f"{name}.zarr"] = pixels((2, 61, 83), "u2", seed=i)
            write_stack(self.source / name, self.voxels[f"{name}.zarr"], layout)
        ids = (pixels((2, 61, 83), "u1", seed=9) >> 5).astype("u4")
        self.voxels["lzw.zarr/labels/original/0"] = ids
        write_stack(self.source / "lzw/labels", ids, LAYOUTS["lzw"])
        self.right = {}
        with Mount(self.source, *ARGS) as m:
            for name, voxels in self.voxels.items():
                self._take(m.path, name, voxels, "mode" if "labels" in name else "median")
            for name in LAYOUTS:
                for path in ("datasource-properties.json", "color/2-2-1/.zarray", "xyz/.zgroup"):
                    path = m.path / name / path
                    if path.exists():
                        self.right[str(path.relative_to(m.path))] = path.read_bytes()
        assert np.unique([len(v) for v in self.right.values()]).size > 3

    def _take(self, top, name, voxels, method):
        image = top / name
        for document in (".zattrs", ".zgroup", ".zmetadata", "0/.zarray", "2/.zarray"):
            if (image / document).exists():
                self.right[f"{name}/{document}"] = (image / document).read_bytes()
        for number, level in enumerate(cascade.cascade(voxels, MAGS, method)):
            array = image / str(number)
            shape, chunks, dtype, codec = describe(array)
            assert tuple(shape) == level.shape
            for index in chunk_indices(shape, chunks):
                path = chunk_path(array, index)
                read = decode_chunk(path.read_bytes(), chunks, dtype, codec)
                wanted = level[chunk_region(index, shape, chunks)]
                assert (read[tuple(slice(0, n) for n in wanted.shape)] == wanted).all()
                self.right[str(path.relative_to(top))] = path.read_bytes()

    def read(self, m, documents=True):
        """Lists, stats and reads all; {path: errno} of what fails."""
        failed = {}
        for name in self.voxels:
            for _ in os.walk(m.path / name):
                pass
        for path, right in self.right.items():
            if not documents and "." in os.path.basename(path):
                continue
            try:
                os.stat(m.path / path)
                got = (m.path / path).read_bytes()
            except OSError as e:
                assert e.errno in (errno.EIO, errno.ENOMEM), (path, e)
                failed[path] = e.errno
            else:
                assert got == right, f"{path}: wrong bytes:\n{m.log}"
        return failed


@pytest.fixture(scope="module")
def stacks(tmp_path_factory):
    return Stacks(tmp_path_factory.mktemp("stacks"))


def spread(count):
    """Values of n."""
    if os.environ.get("NGFFUSE_FAILING") == "all":
        return range(1, count + 1)
    if count <= SPREAD:
        return list(range(1, count + 1))
    return sorted({round(1 + (count - 1) * i / (SPREAD - 1)) for i in range(SPREAD)})


def batches(values):
    for i in range(0, len(values), AT_ONCE):
        yield values[i:i + AT_ONCE]


@pytest.mark.parametrize("lasting", [False, True], ids=["once", "lasting"])
@pytest.mark.parametrize("what", [OWN, ALL, READS, LIBTIFF], ids=["own", "all", "reads", "libtiff"])
def test_reading(library, stacks, tmp_path, what, lasting):
    """Calls fail while everything is read."""
    orders = Orders(library, tmp_path / "count")
    with TroubledMount(stacks.source, orders) as m:
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
                m = stack.enter_context(TroubledMount(stacks.source, orders))
                mounts.append(m)
                orders.give(what, n, lasting)
                failed = stacks.read(m)
                orders.take_back()
                failures += len(failed)
            if what == READS:
                time.sleep(1.1)
            for n, m in zip(batch, mounts):
                assert stacks.read(m) == {}, f"{NAMES[what]}: {n} of {count}:\n{m.log}"
    print(f"{NAMES[what]}: {len(values)} values up to {count}, {failures} files failed")
    assert failures > 0 or not lasting  # of one failure the next request may know nothing


@pytest.mark.parametrize("lasting", [False, True], ids=["once", "lasting"])
@pytest.mark.parametrize("what", [OWN, ALL, READS], ids=["own", "all", "reads"])
def test_mounting(library, stacks, tmp_path, what, lasting):
    """Calls fail from the start on: no mount and one message, or one that is right once they do not fail. Storage
    that fails then leaves damaged planes, and windows without a sample, for as long as the mount lives."""
    orders = Orders(library, tmp_path / "count")
    orders.give(what, 0, False)
    with TroubledMount(stacks.source, orders):
        count = orders.take_back()
    values = spread(count)
    refused = 0
    for n in values:
        orders = Orders(library, tmp_path / f"orders_{n}")
        orders.give(what, n, lasting)
        try:
            with TroubledMount(stacks.source, orders) as m:
                orders.take_back()
                failed = stacks.read(m, documents=what != READS)
                assert what == READS or failed == {}, f"{NAMES[what]}: {n} of {count}:\n{m.log}"
        except MountFailed as e:
            refused += 1
            said = f"{NAMES[what]}: {n} of {count}: {e}"
            assert e.code == 1, said
            lines = [line for line in e.log.splitlines() if line.startswith("ngffuse: ")]
            assert len(lines) == 1, said
            assert what == READS or "memory" in lines[0], said
    print(f"{NAMES[what]}: {len(values)} values up to {count}, {refused} mounts refused")
    assert refused > 0 or what == READS
