"""Sources that change, shrink or go away while levels of them are made: a coarse chunk is right as the mount saw its
source, or an error; never of two versions."""

import errno
import os
import threading

import cascade
import numpy as np
import pytest
from make_stacks import Layout, pixels, write_stack, write_tiff
from reading import chunk_indices, chunk_region, describe
from workbench import Readers, wait_for

pytestmark = pytest.mark.fuse

SHAPE = (24, 96, 80)
OPTIONS = ["--voxel-size", "1,1,1", "--chunk-shape", "4,32,32", "--max-mag", "8", "--name", "em"]
Z = 13


def replaced(path):
    path.unlink()
    write_tiff(path, [pixels(SHAPE[1:], "u1", seed=99)], Layout(rows=16, compression="lzw"))


def rewritten(path):
    """In place: the same inode, another time."""
    other = path.with_suffix(".other")
    write_tiff(other, [pixels(SHAPE[1:], "u1", seed=99)], Layout(rows=16, compression="lzw"))
    data = other.read_bytes()
    other.unlink()
    with open(path, "r+b") as f:
        f.write(data)
        f.truncate()
    os.utime(path, ns=(1, 1))


def cut(path):
    os.truncate(path, os.path.getsize(path) // 2)


def removed(path):
    path.unlink()


def made_a_folder(path):
    path.unlink()
    path.mkdir()


CHANGES = [replaced, rewritten, cut, removed, made_a_folder]


@pytest.fixture
def stack(tmp_path):
    voxels = pixels(SHAPE, "u1")
    paths = write_stack(tmp_path / "scan", voxels, Layout(rows=16, compression="lzw"))
    return tmp_path / "scan", paths, voxels


def chunks_of(image, wanted, level):
    """(path, voxels of the chunk, whether the changed slice is under it) of each chunk of a level."""
    array = image / str(level)
    shape, chunks, dtype, _ = describe(array)
    mag = 2**level
    for index in chunk_indices(shape, chunks):
        region = chunk_region(index, shape, chunks)
        whole = np.zeros(chunks, dtype)
        part = wanted[level][region]
        whole[tuple(slice(n) for n in part.shape)] = part
        over = region[0].start * mag <= Z < region[0].stop * mag
        yield array.joinpath(*map(str, index)), whole.tobytes(), over


@pytest.mark.parametrize("first", ["nothing", "level 0", "level 1"])
@pytest.mark.parametrize("change", CHANGES, ids=lambda f: f.__name__)
def test_changed_before_a_level_is_made(change, first, stack, mount):
    """What was read before the change stays; what is made after it is an error where the slice is under it."""
    folder, paths, voxels = stack
    wanted = cascade.cascade(voxels, [(2**k,) * 3 for k in range(4)], "median")
    m = mount(folder, *OPTIONS, "--codec", "none")
    image = m.path / "em.zarr"
    if first != "nothing":
        for path, whole, _ in chunks_of(image, wanted, int(first[-1])):
            assert path.read_bytes() == whole
    change(paths[Z])
    failed = 0
    for level in (1, 2, 3):
        for path, whole, over in chunks_of(image, wanted, level):
            try:
                assert path.read_bytes() == whole, path
            except OSError as e:
                assert e.errno == errno.EIO and over, path
                failed += 1
    # Of what is kept of level 1, or of the decoded slices, all other levels can be made.
    assert failed > 0 or first != "nothing"


@pytest.mark.parametrize("change", CHANGES, ids=lambda f: f.__name__)
def test_changed_while_a_pass_runs(change, mount, tmp_path):
    """The slice changes while others are decoded; whoever waits gets right bytes or EIO, and the daemon goes on."""
    page = pixels((1024, 1024), "u1")
    folder = tmp_path / "s"
    (first,) = write_stack(folder, [page], Layout(rows=1024, compression="lzw"))
    n, z = 256, 200
    for k in range(1, n):
        os.link(first, folder / f"slice_{k:04d}.tif")
    target = folder / f"slice_{z:04d}.tif"
    target.unlink()
    write_tiff(target, [page], Layout(rows=1024, compression="lzw"))
    other = (Layout(rows=1024, compression="lzw"), [pixels((1024, 1024), "u1", seed=5)])
    right = cascade.cascade(page[None], [(1, 2**k, 2**k) for k in range(6)], "median")[5][0]
    with mount.within(folder, "--voxel-size", "1,1,1", "--chunk-shape", "8,256,256", "--max-mag", "32") as m:
        array = m.path / "s.zarr/5"
        shape, chunks, dtype, _ = describe(array)
        assert shape == [n // 32, 32, 32] and dtype == np.uint8
        with Readers([array / "0/0/0"] * 4) as readers:
            readers.go()
            wait_for("the pass", lambda: m.status()["strips_decoded"] >= 4, 30)
            if change in (replaced, rewritten):
                target.unlink()
                write_tiff(target, other[1], other[0])
            else:
                change(target)
            results = readers.wait(120)
        assert all(r["error"] is None or r["error"][1] == errno.EIO for r in results), results
        if all(r["error"] is None for r in results):
            got = np.frombuffer((array / "0/0/0").read_bytes(), dtype).reshape(chunks)
            for plane in got[:shape[0]]:
                assert (plane[:32, :32] == right).all()
        wait_for("its end", lambda: m.status()["running"] == 0, 10)
        assert m.status()["memory"]["reserved"] == 0


def test_all_levels_while_slices_change(stack, mount):
    """Sixteen threads read all levels while slices are replaced, one after another."""
    folder, paths, voxels = stack
    wanted = cascade.cascade(voxels, [(2**k,) * 3 for k in range(4)], "median")
    m = mount(folder, *OPTIONS, "--codec", "none", "--threads", "2")
    image = m.path / "em.zarr"
    todo = [item[:2] for level in range(4) for item in chunks_of(image, wanted, level)]
    wrong, stop = [], threading.Event()

    def read(k):
        for path, whole in todo[k::16] + todo[: k + 1]:
            try:
                if path.read_bytes() != whole:
                    wrong.append(path)
            except OSError as e:
                if e.errno != errno.EIO:
                    wrong.append((path, e))
        stop.set()

    threads = [threading.Thread(target=read, args=(k,)) for k in range(16)]
    for thread in threads:
        thread.start()
    for path in paths[::3]:
        replaced(path)
    for thread in threads:
        thread.join(60)
    assert not wrong and not any(thread.is_alive() for thread in threads)
