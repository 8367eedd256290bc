"""The bytes of a chunk depend on nothing but voxels, codec and level."""

import threading
from pathlib import Path

import pytest
from conftest import NGFFUSE
from workbench import chunk_paths, digest, drop_caches, level, picture, write_stack

pytestmark = pytest.mark.fuse

CODECS = ["none", "blosc-lz4", "blosc-lz4hc", "blosc-zstd", "zlib", "gzip", "zstd"]
SHAPE = "3,160,120"


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    return write_stack(tmp_path_factory.mktemp("same") / "s", picture((7, 450, 333), "u2", 5),
                       compression="zlib", rowsperstrip=64)


def digests(root, names):
    return {name: digest((Path(root) / name).read_bytes()) for name in names}


def two_at_once(root, names):
    """Both threads read each chunk at the same moment."""
    start = threading.Barrier(2)
    seen = [{}, {}]

    def reader(mine):
        for name in names:
            start.wait()
            mine[name] = digest((Path(root) / name).read_bytes())

    threads = [threading.Thread(target=reader, args=(mine,)) for mine in seen]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return seen


@pytest.mark.parametrize("codec", CODECS)
def test_same_bytes(codec, stack, mount, run):
    args = ["--codec", codec, "--chunk-shape", SHAPE]
    with mount.within(stack, *args) as m:
        names = chunk_paths(m.path)
        assert len(names) == 3 * 3 * 3
        first, second = two_at_once(m.path, names)
        assert first == second
        drop_caches(3)
        assert digests(m.path, names) == first
        assert level(m.status())["made"] == len(names), "chunks in the cache were made again"
    by_cat = {}
    for name in names:
        done = run("cat", *args, stack, name, text=False)
        assert done.returncode == 0, done.stderr
        by_cat[name] = digest(done.stdout)
    assert by_cat == first
    small = next(b for b in range(1 << 18, 1 << 26, 1 << 17)
                 if run("cat", *args, "--memory", b, stack, ".zattrs").returncode == 0)
    remade = 0
    for more in ([], ["--threads", "1"], ["--threads", "2"], ["--threads", "7"], ["--memory", "1G"],
                 ["--memory", small], ["--memory", small, "--threads", "1"], ["--memory", small, "--threads", "7"]):
        with mount.within(stack, *args, *more) as m:
            for _ in range(2):
                assert digests(m.path, reversed(names)) == first, more
                drop_caches(3)
            remade += level(m.status())["remade"]
    print(f"{codec}: {len(names)} chunks, 9 mounts and cat agree; least budget {small}; {remade} made again")
    assert remade > 0, "nothing was evicted: the small budget is no test"


def test_program_of_another_name_and_folder(stack, mount, run, tmp_path):
    """Not even the name of the source is in the bytes of a chunk."""
    other = tmp_path / "other name"
    other.symlink_to(stack)
    args = ["--codec", "blosc-lz4", "--chunk-shape", SHAPE]
    one = run("cat", *args, stack, "s.zarr/0/1/1/1", text=False)
    two = run("cat", *args, other, "s.zarr/0/1/1/1", text=False)
    if two.returncode != 0:
        two = run("cat", *args, other, "other name.zarr/0/1/1/1", text=False)
    assert one.returncode == two.returncode == 0, (NGFFUSE, one.stderr, two.stderr)
    assert one.stdout == two.stdout
