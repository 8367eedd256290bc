"""A slice that was bad before mounting: every reader fails loudly for the chunks over it, all other chunks
are right, and the log names the file once. And gaps, which are not damage.

Two readers are known to make zeros of a read error, whatever the file system does: zarr-python 2 through
fsspec, and so dask.from_zarr(path) on it. That is pinned here, so that a change is noticed."""

import errno
import itertools
import json
import os
import re

import numpy as np
import pytest
from conftest import MountFailed
from make_stacks import Layout, pixels, truth, write_stack, write_tiff
from reading import READERS, ZARR, assert_same, chunk_path, chunk_region, decode_chunk, describe, here, plain, reader

pytestmark = pytest.mark.fuse

SHAPE = (12, 64, 96)
CHUNKS = (4, 16, 48)
BAD = 5  # the slice
ROWS = 16  # of a strip
NAME = f"slice_{BAD:04d}.tif"
ALL = set(itertools.product(range(3), range(4), range(2)))
SILENT = {"zarr2-fsspec"} | ({"dask"} if ZARR == (2,) else set())


def over(rows=slice(None)):
    """The chunks over rows of the bad slice, given in strips."""
    return {index for index in ALL if index[0] == BAD // CHUNKS[0] and index[1] in range(4)[rows]}


def cut_in_strip_2(path, units):
    os.truncate(path, units[2][0] + units[2][1] // 2)


def scramble_strip_2(path, units):
    offset, count = units[2]
    with open(path, "r+b") as f:
        f.seek(offset + count // 4)
        f.write(b"\xff" * (count // 2))


def scramble_start_of_strip_2(path, units):
    """What zstd itself can find: frames of TIFFs have no checksum, and their literals may be anything."""
    with open(path, "r+b") as f:
        f.seek(units[2][0])
        f.write(b"\xff" * (units[2][1] // 2))


def cut_before_the_directory(path, units):
    os.truncate(path, units[3][0])


def make_empty(path, units):
    os.truncate(path, 0)


def link_to_nothing(path, units):
    path.unlink()
    path.symlink_to(path.parent / "moved" / path.name)


def other_size(path, units):
    path.unlink()
    write_tiff(path, [pixels((SHAPE[1], SHAPE[2] + 1), "u2")], Layout(rows=ROWS))


def other_type(path, units):
    path.unlink()
    write_tiff(path, [pixels(SHAPE[1:], "u1")], Layout(rows=ROWS))


def not_a_tiff(path, units):
    path.write_bytes(b"this is no TIFF\n" * 700)


CUT = {"directory_first": True}
# (what is done to the slice, how the stack is stored, the chunks that are lost)
CASES = {
    "lzw, cut": (cut_in_strip_2, {"compression": "lzw", **CUT}, over(slice(2, 4))),
    "deflate, cut": (cut_in_strip_2, {"compression": "deflate", **CUT}, over(slice(2, 4))),
    "zstd, cut": (cut_in_strip_2, {"compression": "zstd", **CUT}, over(slice(2, 4))),
    "raw, cut": (cut_in_strip_2, {**CUT}, over(slice(2, 4))),
    "lzw, scrambled": (scramble_strip_2, {"compression": "lzw"}, over(slice(2, 3))),
    "deflate, scrambled": (scramble_strip_2, {"compression": "deflate"}, over(slice(2, 3))),
    "zstd, scrambled": (scramble_start_of_strip_2, {"compression": "zstd"}, over(slice(2, 3))),
    "lzma, scrambled": (scramble_strip_2, {"compression": "lzma"}, over(slice(2, 3))),
    "raw, without a directory": (cut_before_the_directory, {}, over()),
    "lzw, without a directory": (cut_before_the_directory, {"compression": "lzw"}, over()),
    "empty file": (make_empty, {}, over()),
    "dangling link": (link_to_nothing, {"compression": "deflate"}, over()),
    "other size": (other_size, {}, over()),
    "other type": (other_type, {}, over()),
    "not a TIFF": (not_a_tiff, {}, over()),
}


@pytest.fixture
def make(tmp_path):
    """make(case): (its folder, the voxels before the damage, the chunks that are lost)"""

    def make_one(case):
        spoil, layout, lost = CASES[case]
        folder = tmp_path / "em"
        layout = Layout(rows=ROWS, **layout)
        volume = pixels(SHAPE, "u2", seed=3)
        paths = write_stack(folder, volume, layout)
        voxels = truth(paths)
        (units,) = write_tiff(paths[BAD], [volume[BAD]], layout)
        spoil(paths[BAD], units)
        return folder, voxels, lost

    return make_one


def options(*more):
    return ["--chunk-shape", ",".join(map(str, CHUNKS)), *more]


def each_chunk(image):
    """(index, its bytes as read, or the errno) of every chunk; open and stat always work."""
    for index in sorted(ALL):
        path = chunk_path(image / "0", index)
        os.stat(path)
        fd = os.open(path, os.O_RDONLY)
        try:
            os.fstat(fd)
            yield index, os.read(fd, 1 << 20)
        except OSError as e:
            yield index, e.errno
        finally:
            os.close(fd)


def check_chunks(image, voxels, lost):
    shape, chunks, dtype, codec = describe(image / "0")
    assert (tuple(shape), tuple(chunks)) == (SHAPE, CHUNKS)
    for index, got in each_chunk(image):
        if index in lost:
            assert got == errno.EIO, f"{index}: {got if isinstance(got, int) else 'bytes'}"
        else:
            assert isinstance(got, bytes), f"{index}: {os.strerror(got)}"
            decoded = decode_chunk(got, chunks, dtype, codec)
            assert_same(decoded, voxels[chunk_region(index, shape, chunks)], str(index))


def problems_of(log, name):
    """The lines of the log, not of the summary at the start, that name a file; none is there twice."""
    lines = [line for line in log.splitlines() if line.startswith("ngffuse: ") and name in line]
    lines = [line for line in lines if not line.endswith("times)")]
    assert len(lines) == len(set(lines)), log
    return lines


def check_log(m, case):
    """Every bad strip (where the file is bad as a whole: the file) is told once, and in the status."""
    named = problems_of(m.log, NAME)
    assert len(named) == (2 if "cut" in case else 1), m.log
    assert all(line.startswith("ngffuse: em.zarr: ") for line in named)
    assert any(NAME in entry["what"] for entry in m.status()["errors"])


@pytest.mark.parametrize("codec", ["none", "blosc-lz4", "zstd"])
@pytest.mark.parametrize("case", CASES)
def test_chunks(case, codec, make, mount):
    """By hand: EIO at read alone, for the chunks over what is bad; the others right; again the same."""
    folder, voxels, lost = make(case)
    m = mount(folder, *options("--codec", codec))
    for _ in range(2):
        check_chunks(m.path / "em.zarr", voxels, lost)
    check_log(m, case)


@pytest.mark.parametrize("name", [name for name in READERS if name != "plain"])
@pytest.mark.parametrize("ngff", ["0.4", "0.5"])
@pytest.mark.parametrize("case", ["lzw, cut", "raw, cut", "zstd, scrambled", "empty file"])
def test_reader(case, ngff, name, make, mount):
    """Each reader: an error for what is lost, the voxels for the rest."""
    read = reader(name)
    if ngff == "0.5" and not read.v3:
        pytest.skip(f"{name} here does not read Zarr v3")
    folder, voxels, lost = make(case)
    image = mount(folder, *options("--ngff", ngff, "--codec", "blosc-lz4")).path / "em.zarr"
    level = read.open(image)
    for index in sorted(ALL):
        region = chunk_region(index, SHAPE, CHUNKS)
        if index not in lost:
            assert_same(np.asarray(level[region]), voxels[region], f"{name}, {index}")
        elif name in SILENT:
            assert not np.asarray(level[region]).any(), "no longer zeros: the documentation can say so"
        else:
            with pytest.raises((OSError, ValueError)):
                np.asarray(level[region])
    if name not in SILENT:
        with pytest.raises((OSError, ValueError)):
            read.read(image)


def test_a_store_that_tells(make, mount):
    """What users of zarr-python 2 with fsspec can do: name the errors that mean absence."""
    if ZARR != (2,):
        pytest.skip(f"about zarr-python 2, here is {'.'.join(map(str, ZARR))}")
    import zarr

    folder, voxels, lost = make("lzw, cut")
    image = mount(folder, *options()).path / "em.zarr"
    store = zarr.storage.FSStore(f"file://{image}/0", exceptions=(FileNotFoundError,), mode="r")
    level = zarr.open_array(store, mode="r")
    for index in sorted(ALL):
        region = chunk_region(index, SHAPE, CHUNKS)
        if index in lost:
            with pytest.raises(OSError):
                level[region]
        else:
            assert_same(level[region], voxels[region])


@pytest.mark.parametrize("case", CASES)
def test_fill(case, make, mount):
    """--damaged fill: zeros where the damage is, and a warning that names the file."""
    folder, voxels, lost = make(case)
    m = mount(folder, *options("--damaged", "fill", "--codec", "zstd"))
    wanted = voxels.copy()
    for z, y, x in lost:
        wanted[BAD, y * CHUNKS[1] : (y + 1) * CHUNKS[1], x * CHUNKS[2] : (x + 1) * CHUNKS[2]] = 0
    for read in here():
        if read.name != "zarr2-fsspec":
            assert_same(read.read(m.path / "em.zarr"), wanted, read.name)
    check_log(m, case)


@pytest.mark.parametrize("name", [name for name in READERS if name != "plain"])
@pytest.mark.parametrize("ngff", ["0.4", "0.5"])
@pytest.mark.parametrize("case", ["lzw, cut", "empty file"])
def test_poison(case, ngff, name, make, mount):
    """--damaged poison: no reader takes what is lost for zeros, not even those that swallow read errors."""
    read = reader(name)
    if ngff == "0.5" and not read.v3:
        pytest.skip(f"{name} here does not read Zarr v3")
    folder, voxels, lost = make(case)
    m = mount(folder, *options("--ngff", ngff, "--damaged", "poison"))
    image = m.path / "em.zarr"
    assert "zstd" in m.log.splitlines()[5], m.log
    level = read.open(image)
    for index in sorted(ALL):
        region = chunk_region(index, SHAPE, CHUNKS)
        if index not in lost:
            assert_same(np.asarray(level[region]), voxels[region], f"{name}, {index}")
        else:
            with pytest.raises((OSError, ValueError, RuntimeError)):
                np.asarray(level[region])


@pytest.mark.parametrize("codec", ["auto", "zstd", "zlib", "blosc-lz4"])
def test_poison_by_hand(codec, make, mount, run):
    """The poisoned file has the size that stat says, and the same bytes at each reading."""
    folder, voxels, lost = make("deflate, scrambled")
    m = mount(folder, *options("--codec", codec, "--damaged", "poison"))
    for index in sorted(lost):
        path = chunk_path(m.path / "em.zarr" / "0", index)
        data = path.read_bytes()
        assert len(data) == path.stat().st_size > 64 and data.startswith(b"NGFFUSE: ")
        with path.open("rb") as f:
            f.seek(65)
            assert f.read(9) == b"NGFFUSE: "
        assert path.read_bytes() == data
    check_log(m, "deflate, scrambled")
    said = run("info", *options("--codec", codec, "--damaged", "poison"), folder).stdout
    assert ("not every reader" in said) == codec.startswith("blosc"), said


def test_info_names_the_file(make, run):
    folder, _, _ = make("empty file")
    done = run("info", folder)
    assert NAME in done.stdout and "empty" in done.stdout
    report = json.loads(run("info", "--json", folder).stdout)
    assert report["images"][0]["damaged"] == 1 and report["images"][0]["missing"] == 0


def test_quiet_mounts_log_too(make, mount):
    """Nobody reads a summary that -q silenced: the log says it."""
    folder, _, lost = make("empty file")
    m = mount(folder, *options("-q"))
    with pytest.raises(OSError):
        plain(m.path / "em.zarr")
    assert len(problems_of(m.log, NAME)) == 1, m.log


def test_cat_fails_too(make, run):
    """The other face of the store: exit 1 and one line, nothing to stdout."""
    folder, voxels, lost = make("lzw, cut")
    bad, good = sorted(lost)[0], sorted(ALL - lost)[0]
    done = run("cat", *options("--codec", "none"), folder, "em.zarr/0/" + "/".join(map(str, bad)), text=False)
    assert (done.returncode, done.stdout) == (1, b"")
    (line,) = done.stderr.splitlines()
    assert line.startswith(b"ngffuse: em.zarr/0/") and NAME.encode() in line and b"strip" in line
    done = run("cat", *options("--codec", "none"), folder, "em.zarr/0/" + "/".join(map(str, good)), text=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout == voxels[chunk_region(good, SHAPE, CHUNKS)].tobytes()
    filled = run("cat", *options("--codec", "none", "--damaged", "fill"), folder,
                 "em.zarr/0/" + "/".join(map(str, bad)), text=False)
    assert filled.returncode == 0 and NAME.encode() in filled.stderr, filled.stderr


def test_all_damaged(mount, tmp_path):
    """Not one slice can be read: no mount that looks like success."""
    paths = write_stack(tmp_path / "em", pixels(SHAPE, "u2"))
    for path in paths:
        os.truncate(path, 0)
    with pytest.raises(MountFailed) as failed, mount.within(tmp_path / "em"):
        pass
    assert failed.value.code == 1
    assert len(failed.value.log.strip().splitlines()) == 1


# --- gaps


@pytest.fixture
def gap(tmp_path):
    """Twelve slices without the sixth: (folder, voxels with zeros there)"""
    paths = write_stack(tmp_path / "em", pixels(SHAPE, "u2", seed=4), Layout(rows=ROWS, compression="lzw"))
    voxels = truth(paths)
    paths[BAD].unlink()
    voxels[BAD] = 0
    return tmp_path / "em", voxels


def test_gap(gap, mount, run):
    """A missing number reads as fill_value, by every reader, and is listed everywhere."""
    folder, voxels = gap
    m = mount(folder, *options())
    for read in here():
        if read.name != "zarr2-fsspec":
            assert_same(read.read(m.path / "em.zarr"), voxels, read.name)
    filled = json.loads((m.path / "em.zarr" / ".zattrs").read_text())["ngffuse"]["filled"]
    assert filled["planes"] == 1 and filled["fill_value"] == 0
    assert filled["ranges"] == [{"z": [BAD, BAD]}]
    assert re.search(r"1 missing, filled", m.log)
    (image,) = m.status()["images"]
    assert image["missing"] == 1
    (image,) = json.loads(run("info", "--json", folder).stdout)["images"]
    assert (image["missing"], image["damaged"]) == (1, 0)
    assert "missing" in run("info", folder).stdout


def test_gap_closed(gap, mount):
    folder, voxels = gap
    image = mount(folder, "--gaps", "close").path / "em.zarr"
    assert_same(plain(image), np.delete(voxels, BAD, axis=0))


def test_gap_refused(gap, mount):
    with pytest.raises(MountFailed) as failed, mount.within(gap[0], "--gaps", "error"):
        pass
    assert failed.value.code == 1
    assert len(failed.value.log.strip().splitlines()) == 1 and "--gaps" in failed.value.log


def test_too_many_gaps(gap, mount):
    """Beyond a tenth of the range nobody guesses; --gaps fill says it."""
    folder, voxels = gap
    (folder / "slice_0008.tif").unlink()
    voxels[8] = 0
    with pytest.raises(MountFailed) as failed, mount.within(folder):
        pass
    assert failed.value.code == 1
    assert "--gaps" in failed.value.log
    m = mount(folder, "--gaps", "fill")
    assert_same(plain(m.path / "em.zarr"), voxels)
    filled = json.loads((m.path / "em.zarr" / ".zattrs").read_text())["ngffuse"]["filled"]
    assert filled["planes"] == 2 and filled["ranges"] == [{"z": [5, 5]}, {"z": [8, 8]}]


def test_constant_step_is_no_gap(tmp_path, mount):
    """Every third slice of a range, from 12 on: z is the rank."""
    paths = write_stack(tmp_path / "em", pixels(SHAPE, "u2"), numbers=range(12, 48, 3))
    m = mount(tmp_path / "em")
    assert_same(plain(m.path / "em.zarr"), truth(paths))
    assert "ngffuse" not in json.loads((m.path / "em.zarr" / ".zattrs").read_text())
