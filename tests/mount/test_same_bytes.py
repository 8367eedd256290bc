"""The bytes of a chunk depend on nothing but voxels, codec and level."""

import threading
from pathlib import Path

import pytest
from workbench import chunk_paths, digest, drop_caches, least_budget, level, picture, write_stack

pytestmark = pytest.mark.fuse

CODECS = ["none", "blosc-lz4", "blosc-lz4hc", "blosc-zstd", "zlib", "gzip", "zstd"]
SHAPE = "2,260,370"


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    return write_stack(tmp_path_factory.mktemp("same") / "s", picture((19, 1000, 1100), "u2", 5, 4096),
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
        names = chunk_paths(m.path, 0)
        assert len(names) == 10 * 4 * 3
        first, second = two_at_once(m.path, names)
        assert first == second
        drop_caches(3)
        assert digests(m.path, names) == first
        counts = level(m.status())
        assert counts["made"] == len(names) and counts["remade"] == 0, counts
    for name in names[::4] + names[-1:]:
        done = run("cat", *args, stack, name, text=False)
        assert done.returncode == 0, done.stderr
        assert digest(done.stdout) == first[name]
    small = least_budget(run, stack, *args)
    again = 0
    mounts = ([], ["--threads", "1"], ["--threads", "7", "--memory", "1G"], ["--memory", small, "--threads", "2"],
              ["--memory", small, "--threads", "1"])
    for more in mounts:
        with mount.within(stack, *args, *more) as m:
            for _ in range(2 if "1" in more else 1):
                assert digests(m.path, reversed(names)) == first, more
                drop_caches(3)
            again += max(0, level(m.status())["made"] - len(names))
    print(f"{codec}: {len(names)} chunks, {1 + len(mounts)} mounts and cat agree; least budget {small}; "
          f"{again} made again")
    assert again > 0, "nothing was evicted: the small budget is no test"


def test_a_link_to_the_source_changes_nothing(stack, run, tmp_path):
    other = tmp_path / "other name"
    other.symlink_to(stack)
    args = ["--codec", "blosc-lz4", "--chunk-shape", SHAPE, "--name", "s"]
    one = run("cat", *args, stack, "s.zarr/0/1/1/1", text=False)
    two = run("cat", *args, other, "s.zarr/0/1/1/1", text=False)
    assert one.returncode == two.returncode == 0, (one.stderr, two.stderr)
    assert one.stdout == two.stdout
