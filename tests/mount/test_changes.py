"""Slices that change while they are mounted, in every way, under every reader: chunks that were made before
stay, what needs the slice fails loudly, all else is right, and the log names the file once. And slices that
change in the very moment in which chunks are made of them: no chunk mixes two versions.

All images of a mount are spoiled at the same time, each in its own way."""

import contextlib
import errno
import os
import random
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from conftest import Mount
from make_stacks import Layout, pixels, truth, write_stack, write_tiff
from reading import READERS, assert_same, chunk_path, chunk_region, decode_chunk, describe, reader
from test_damage import ALL, BAD, CHUNKS, NAME, ROWS, SHAPE, SILENT, each_chunk, options, problems_of
pytestmark = pytest.mark.fuse

OVER = {index for index in ALL if index[0] == BAD // CHUNKS[0]}
MADE = {index for index in OVER if index[1] == 0}  # before the slice changes
LOST = OVER - MADE
NEIGHBOURS = {(0, 0, 0), (2, 3, 1)}


def contents(volume, layout, near):
    """The bytes of a slice of other voxels, as `layout` stores them."""
    other = near.with_suffix(".new")
    write_tiff(other, [~volume[BAD]], layout)
    data = other.read_bytes()
    other.unlink()
    return data


def overwrite(path, other):
    """In place: the name, the inode and the size stay."""
    assert len(other) == path.stat().st_size
    with path.open("r+b") as f:
        f.write(other)


def scramble(path, other):
    with path.open("r+b") as f:
        f.seek(path.stat().st_size // 4)
        f.write(b"\xa5" * 1000)


def cut(path, other):
    os.truncate(path, path.stat().st_size // 2)


def empty(path, other):
    os.truncate(path, 0)


def grow(path, other):
    with path.open("ab") as f:
        f.write(bytes(100))


def replace(path, other):
    near = path.with_suffix(".new")
    near.write_bytes(other)
    near.rename(path)


def replace_with_the_same_time(path, other):
    """Size and times as they were: only the inode tells."""
    was = path.stat()
    replace(path, other)
    os.utime(path, ns=(was.st_atime_ns, was.st_mtime_ns))
    now = path.stat()
    assert (now.st_size, now.st_mtime_ns) == (was.st_size, was.st_mtime_ns)


def remove(path, other):
    path.unlink()


def folder(path, other):
    path.unlink()
    path.mkdir()


def dangle(path, other):
    path.unlink()
    path.symlink_to(path.parent / "moved" / path.name)


def link_to_a_neighbour(path, other):
    path.unlink()
    path.symlink_to(path.with_name(NAME.replace(str(BAD), str(BAD + 1))))


def forbid(path, other):
    path.chmod(0)


RAW, LZW = Layout(rows=ROWS), Layout(rows=ROWS, compression="lzw")
# What is done to the slice, how the stack is stored. An image is called by the name of the case.
CHANGES = {
    "overwritten": (overwrite, RAW), "overwritten-one-strip": (overwrite, Layout()), "scrambled": (scramble, LZW),
    "cut": (cut, RAW), "cut-lzw": (cut, LZW), "emptied": (empty, RAW), "grown": (grow, LZW),
    "replaced": (replace, LZW), "replaced-same-time": (replace_with_the_same_time, RAW), "removed": (remove, RAW),
    "folder": (folder, LZW), "dangling": (dangle, RAW), "link": (link_to_a_neighbour, LZW),
    "closed-overwritten": (overwrite, RAW), "closed-removed": (remove, LZW), "closed-folder": (folder, RAW),
    "closed-forbidden": (forbid, RAW),  # what is open could be read on
}
# Not open when they change; first in the order of names, in which all images are looked at.
NEVER_OPEN = {case for case in CHANGES if case.startswith("closed")}
DESCRIPTORS = 64  # fewer than there are files, more than are read before the change


def lost_of(case):
    return OVER if case in NEVER_OPEN else LOST


def bounds():
    """Words before a command: few descriptors; and root too may read only what the mode allows. (The program
    takes half of the descriptors for files.)"""
    few = ("prlimit", f"--nofile={2 * DESCRIPTORS}")
    obey = ("setpriv", "--bounding-set", "-dac_override,-dac_read_search") if os.geteuid() == 0 else ()
    for words in (few, obey):
        if words and shutil.which(words[0]) is None:
            pytest.skip(f"not installed: {words[0]} (Debian: util-linux)")
    return few + obey


def open_in(pid, top):
    """The cases whose slice a process has open."""
    links = set()
    for fd in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            links.add(os.readlink(fd))
    return {case for case in CHANGES if str(top / case / NAME) in links}


def damaged_read(path, poisoned):
    """Reads what cannot be made."""
    if poisoned:
        assert path.read_bytes().startswith(b"NGFFUSE: "), path
    else:
        with pytest.raises(OSError):
            path.read_bytes()


@contextlib.contextmanager
def changed(top, *args):
    """(the mount, {case: voxels before the change}), a second after the change."""
    before, others = {}, {}
    for case, (_, layout) in CHANGES.items():
        volume = pixels(SHAPE, "u2", seed=sum(case.encode()))
        before[case] = truth(write_stack(top / case, volume, layout))
        others[case] = contents(volume, layout, top / case / NAME)
    assert CHUNKS[0] * (len(CHANGES) - len(NEVER_OPEN)) <= DESCRIPTORS
    with Mount(top, *options(*args), under=bounds()) as m:
        for case in sorted(CHANGES, key=lambda case: case not in NEVER_OPEN):
            describe(m.path / f"{case}.zarr/0")
        for case in sorted(CHANGES.keys() - NEVER_OPEN):
            for index in sorted(MADE):
                chunk_path(m.path / f"{case}.zarr/0", index).read_bytes()
        assert open_in(m.pid, top) == {case for case in CHANGES if case not in NEVER_OPEN}
        for case, (change, _) in CHANGES.items():
            change(top / case / NAME, others[case])
        time.sleep(1.1)  # names are looked at once a second
        # While all those are still open.
        for case in sorted(CHANGES.keys() - NEVER_OPEN):
            damaged_read(chunk_path(m.path / f"{case}.zarr/0", min(LOST)), "poison" in args)
        yield m, before


@pytest.fixture(scope="module", params=["0.4", "0.5"])
def failing(request, ngffuse, tmp_path_factory):
    with changed(tmp_path_factory.mktemp("failing"), "--ngff", request.param, "--codec", "blosc-lz4") as made:
        yield request.param, *made


@pytest.fixture(scope="module")
def poisoned(ngffuse, tmp_path_factory):
    with changed(tmp_path_factory.mktemp("poisoned"), "--damaged", "poison") as made:
        yield "0.4", *made


@pytest.mark.parametrize("case", CHANGES)
def test_by_hand(case, failing):
    """EIO at read alone, as often as one asks; the log tells it in one line."""
    _, m, before = failing
    image = m.path / f"{case}.zarr"
    shape, chunks, dtype, codec = describe(image / "0")
    assert codec is not None
    for _ in range(3):
        for index, got in each_chunk(image):
            if index in lost_of(case):
                assert got == errno.EIO, f"{index}: {got if isinstance(got, int) else 'bytes'}"
            else:
                assert isinstance(got, bytes), f"{index}: {os.strerror(got)}"
                voxels = decode_chunk(got, chunks, dtype, codec)
                assert_same(voxels, before[case][chunk_region(index, shape, chunks)], str(index))
    named = [line for line in problems_of(m.log, NAME) if f" {case}.zarr: " in line]
    assert len(named) == 1, m.log
    told = "Permission denied" if case == "closed-forbidden" else "changed since it was mounted"
    assert told in named[0]
    assert [e["what"] for e in m.status()["errors"]].count(f"{case}.zarr: {case}/{NAME}") == 1


def check_reader(name, case, made, silent, errors):
    ngff, m, before = made
    read = reader(name)
    if ngff == "0.5" and not read.v3:
        pytest.skip(f"{name} here does not read Zarr v3")
    level = read.open(m.path / f"{case}.zarr")
    for index in sorted(OVER | NEIGHBOURS):
        region = chunk_region(index, SHAPE, CHUNKS)
        if index not in lost_of(case):
            assert_same(np.asarray(level[region]), before[case][region], f"{name}, {index}")
        elif name in silent:
            assert not np.asarray(level[region]).any(), "no longer zeros: the documentation can say so"
        else:
            with pytest.raises(errors):
                np.asarray(level[region])


@pytest.mark.parametrize("name", [name for name in READERS if name != "plain"])
@pytest.mark.parametrize("case", CHANGES)
def test_reader(case, name, failing):
    check_reader(name, case, failing, SILENT, (OSError, ValueError))


@pytest.mark.parametrize("name", [name for name in READERS if name != "plain"])
@pytest.mark.parametrize("case", CHANGES)
def test_poison(case, name, poisoned):
    """No reader takes it for zeros, not even those that swallow read errors."""
    check_reader(name, case, poisoned, (), (OSError, ValueError, RuntimeError))


# --- in the very moment


def bytes_or_errno(path):
    try:
        return path.read_bytes()
    except OSError as e:
        return e.errno


LAYERS, DEPTH, SIDE, CHUNK = 40, 4, 512, 128


@pytest.mark.parametrize("change", [overwrite, replace, cut])
def test_no_chunk_mixes_two_versions(change, tmp_path, mount):
    """Each slice of a chunk changes while readers ask for all chunks of that layer: what is served is the
    version that was mounted, from its first voxel to its last."""
    rng = random.Random(change.__name__)
    volume = pixels((DEPTH, SIDE, SIDE), "u2")
    layout = Layout(rows=64)
    slices = write_stack(tmp_path / "em", np.concatenate([volume] * LAYERS), layout)
    new = tmp_path / "new.tif"
    write_tiff(new, [~volume[0]], layout)
    others = new.read_bytes()
    served = failed = took = 0
    wanted = {}
    for y in range(0, SIDE, CHUNK):
        for x in range(0, SIDE, CHUNK):
            voxels = volume[:, y:y + CHUNK, x:x + CHUNK]
            wanted[y // CHUNK, x // CHUNK] = np.ascontiguousarray(voxels).tobytes()
    time.sleep(0.05)  # the clock of the file system has steps
    m = mount(tmp_path / "em", "--codec", "none", "--chunk-shape", f"{DEPTH},{CHUNK},{CHUNK}")
    with ThreadPoolExecutor(len(wanted)) as readers:
        for layer in range(LAYERS):
            start = time.monotonic()
            reading = {(y, x): readers.submit(bytes_or_errno, m.path / f"em.zarr/0/{layer}/{y}/{x}") for y, x in wanted}
            if layer > 0:
                time.sleep(rng.uniform(0, took))
                for z in rng.sample(range(DEPTH), DEPTH):
                    change(slices[layer * DEPTH + z], others)
            for index, chunk in reading.items():
                got = chunk.result()
                assert got in (wanted[index], errno.EIO), (layer, index, got if isinstance(got, int) else "mixed")
                served += got != errno.EIO
                failed += got == errno.EIO
            took = took or time.monotonic() - start
    print(f"{change.__name__}: {served} chunks served, {failed} failed")
    assert served > 0 and (failed > 0 or change is replace)  # what is open stays readable for a second
    m.status()
