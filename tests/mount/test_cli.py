"""The command line: what is wrong is told in one line that helps, and exit codes mean what they say."""

import json
import os
import subprocess
import tempfile

import numpy as np
import pytest
import tifffile
from workbench import chunk_paths, picture, write_stack


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    return write_stack(tmp_path_factory.mktemp("cli") / "cells", picture((4, 300, 200)), compression="zlib",
                       rowsperstrip=64)


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    top = tmp_path_factory.mktemp("two") / "set"
    for name in ("left", "right"):
        write_stack(top / name, picture((2, 40, 50), "u1"))
    return top


def one_line(done, code):
    """The line, which is all that is said."""
    lines = done.stderr.splitlines()
    print(*lines, sep="\n")
    assert done.returncode == code, done
    assert len(lines) == 1 and lines[0].startswith("ngffuse: "), done.stderr
    assert done.stdout == ""
    return lines[0]


# Words that the line must have: what was wrong, and what would be right.
WRONG = [
    (["--codek", "none"], ["--codek", "--codec"]),
    (["--codec", "lz5"], ["--codec", "lz5", "blosc-lz4"]),
    (["--codec", "zstd:99"], ["--codec", "zstd", "1 to 19"]),
    (["--voxel-size", "4,4"], []),  # fine for a 2-D image: only the files tell
    (["--voxel-size", "4,0,4"], ["--voxel-size", "X,Y,Z"]),
    (["--voxel-size", "4nm"], ["--voxel-size", "X,Y,Z"]),
    (["--voxel-size", "1,1,1", "--unit", "micromter"], ["--unit", "micrometer"]),
    (["--chunk-shape", "0,64,64"], ["--chunk-shape", "Z,Y,X"]),
    (["--chunk-shape", "64x64x64"], ["--chunk-shape", "Z,Y,X"]),
    (["--chunk-shape", "1024,1024,1024"], ["--chunk-shape", "300"]),
    (["--memory", "lots"], ["--memory", "lots", "G"]),
    (["--memory", "1M"], ["--memory", "would do"]),
    (["--threads", "0"], ["--threads", "1"]),
    (["--ngff", "0.3"], ["--ngff", "0.4", "0.5"]),
    (["--ngff", "0.5", "--codec", "zlib"], ["zlib", "gzip"]),
    (["--gaps", "fil"], ["--gaps", "fill", "close", "error"]),
    (["--damaged", "poisn"], ["--damaged", "fill"]),
    (["--damaged", "poison", "--codec", "none"], ["--damaged poison", "zstd"]),
    (["--pattern", "{q}.tif"], ["--pattern", "{q}"]),
    (["--pattern", "img_{z}.png"], ["img_{z}.png"]),
    (["--channel-colors", "red"], ["--channel-colors", "RRGGBB"]),
    (["--channel-names", "a,b,c"], ["--channel-names", "3"]),
    (["--windows", "9-1"], ["--windows", "START"]),
    (["--name", "a/b"], ["--name", "/"]),
    (["--json"], ["--json", "mount"]),
    (["--threads"], ["--threads"]),
    (["-o", "alow_other"], ["alow_other", "allow_other"]),
    (["-o", "chunk-shap=1:2:3"], ["chunk-shap", "chunk-shape"]),
    (["-z"], ["-z", "--help"]),
]


@pytest.mark.parametrize("words, told", WRONG, ids=lambda w: " ".join(w) if w else "-")
def test_wrong_options(words, told, stack, run, tmp_path):
    point = tmp_path / "m"
    # Options may stand anywhere; one without its value comes last.
    line = [stack, point, *words] if words[-1].startswith("-") else [*words, stack, point]
    done = run(*line)
    said = one_line(done, 2)
    for word in told:
        assert word in said
    assert not point.exists()


@pytest.mark.parametrize("line, told", [
    (["only-source"], ["MOUNTPOINT", "ngffuse [options] SOURCE MOUNTPOINT"]),
    (["verify", "x"], ["'verify'", "neither a file or folder nor a command", "info"]),
    (["umount", "x"], ["'umount'", "-u unmounts"]),
    (["mount", "x", "y"], ["leave it out"]),
    (["help"], ["ngffuse --help"]),
    (["--info", "x"], ["ngffuse info"]),
    (["--allow-other", "x", "y"], ["-o allow_other"]),
    (["x/a_1.tif", "x/a_2.tif", "x/a_3.tif", "y"], ["give the folder"]),
    (["a", "b", "c"], ["'c'", "SOURCE MOUNTPOINT"]),
    (["info"], ["SOURCE", "ngffuse info SOURCE"]),
    (["cat", "x"], ["PATH", "ngffuse cat SOURCE PATH"]),
    (["status"], ["MOUNTPOINT", "ngffuse status MOUNTPOINT"]),
    (["-u"], ["MOUNTPOINT"]),
    (["info", "--foreground", "x"], ["--foreground", "info"]),
    (["", "x"], ["SOURCE", "empty"]),
])
def test_wrong_words(line, told, run):
    said = one_line(run(*line), 2)
    for word in told:
        assert word in said


def test_no_arguments(run):
    done = run()
    assert done.returncode == 2 and done.stdout == ""
    assert "SOURCE MOUNTPOINT" in done.stderr and "--help" in done.stderr


def test_help_and_version(run):
    for words in (["--help"], ["-h"], ["info", "--help"]):
        done = run(*words)
        assert done.returncode == 0 and done.stderr == ""
        assert "--chunk-shape" in done.stdout and "SOURCE MOUNTPOINT" in done.stdout
    for words in (["--version"], ["-V"]):
        done = run(*words)
        assert done.returncode == 0 and done.stderr == ""
        for word in ("ngffuse", "fuse", "tiff", "blosc", "zstd"):
            assert word in done.stdout.lower()
    print(done.stdout)


# --- sources


def make_empty(folder):
    folder.mkdir()
    return folder


def make_text(folder):
    folder.mkdir()
    for i in range(4):
        (folder / f"s_{i}.txt").write_text("no picture\n")
    return folder


def make_text_named_tif(folder):
    folder.mkdir()
    for i in range(4):
        (folder / f"s_{i}.tif").write_text("no picture\n")
    return folder


def make_one_text_file(folder):
    folder.mkdir()
    (folder / "notes.tif").write_text("no picture\n")
    return folder / "notes.tif"


def make_nothing(folder):
    return folder / "not" / "there"


def make_dangling(folder):
    folder.mkdir()
    (folder / "link").symlink_to(folder / "gone")
    return folder / "link"


def make_pipe(folder):
    folder.mkdir()
    os.mkfifo(folder / "pipe")
    return folder / "pipe"


def make_empty_files(folder):
    folder.mkdir()
    for i in range(4):
        (folder / f"s_{i}.tif").touch()
    return folder


def make_cut(folder):
    write_stack(folder, picture((3, 64, 64)))
    for f in folder.iterdir():
        os.truncate(f, 6)
    return folder


def make_odd_pixels(folder):
    folder.mkdir()
    for i in range(3):
        tifffile.imwrite(folder / f"s_{i}.tif", picture((32, 32)).astype("c8"), metadata=None)
    return folder


UNUSABLE = [make_empty, make_text, make_text_named_tif, make_one_text_file, make_nothing, make_dangling, make_pipe,
            make_empty_files, make_cut, make_odd_pixels]


@pytest.mark.parametrize("make", UNUSABLE, ids=lambda f: f.__name__)
def test_unusable_sources(make, run, tmp_path):
    source = make(tmp_path / "source")
    point = tmp_path / "m"
    said = one_line(run(source, point, timeout=20), 1)
    assert "source" in said or "s_" in said or "notes.tif" in said
    assert not point.exists()
    info = run("info", source, timeout=20)
    assert info.returncode == 1, info
    assert info.stderr or "unusable" in info.stdout


def test_unreadable_source(ngffuse, stack, tmp_path):
    """As a user who may not read it."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to be somebody else")
    locked = write_stack(tmp_path / "locked", picture((2, 20, 20)))
    locked.chmod(0o700)
    # pytest's folders are for their owner alone.
    for folder in [tmp_path, *tmp_path.parents]:
        if folder.stat().st_mode & 0o011 != 0o011 and folder.stat().st_uid == 0:
            folder.chmod(folder.stat().st_mode | 0o011)
    program = tmp_path / "ngffuse"
    program.write_bytes(ngffuse.read_bytes())
    program.chmod(0o755)
    done = subprocess.run([program, locked, "/nonexistent/m"], capture_output=True, text=True, user=65534, group=65534,
                          extra_groups=[], cwd="/", timeout=20, check=False)
    said = one_line(done, 1)
    assert "permission" in said.lower() and "locked" in said


# --- info


def test_info_json(stack, two, run):
    done = run("info", "--json", stack)
    assert done.returncode == 0 and done.stderr == ""
    info = json.loads(done.stdout)
    assert info["source"] == str(stack) and info["files"] == 4 and info["version"] and info["memory"] > 0
    image, = info["images"]
    print(json.dumps(image))
    assert {"id", "axes", "shape", "dtype", "chunks", "codec", "voxel_size", "unit", "from", "missing",
            "left_out"} <= set(image)
    assert image["id"] == "cells" and image["state"] == "ready"
    assert list(image["axes"]) == ["z", "y", "x"] and image["shape"] == [4, 300, 200]
    assert image["dtype"] == "uint16" and image["missing"] == 0 and image["left_out"] == 0
    assert [i["id"] for i in json.loads(run("info", "--json", two).stdout)["images"]] == ["left", "right"]


def test_info_words(stack, run, tmp_path):
    done = run("info", "--voxel-size", "4,4,40", stack)
    print(done.stdout)
    assert done.returncode == 0 and done.stderr == ""
    for word in ("cells.zarr", "4 x 300 x 200", "uint16", "nanometer", "--voxel-size", "strips of 64 rows"):
        assert word in done.stdout
    strange = write_stack(tmp_path / "some", picture((5, 30, 20), "u1"))
    (strange / "s_0002.tif").unlink()
    (strange / "overview.tif").write_bytes((strange / "s_0001.tif").read_bytes())
    (strange / "readme.txt").write_text("x")
    done = run("info", "--gaps", "fill", strange)
    print(done.stdout)
    assert done.returncode == 0
    assert "1 plane is missing and filled: z " in done.stdout
    assert "overview.tif" in done.stdout


def test_info_of_damaged(run, tmp_path):
    source = write_stack(tmp_path / "d", picture((5, 30, 20), "u1"))
    os.truncate(source / "s_0003.tif", 0)
    done = run("info", source)
    print(done.stdout)
    assert done.returncode == 1
    assert "damaged" in done.stdout and "s_0003.tif" in done.stdout + done.stderr


# --- cat


@pytest.mark.fuse
def test_cat_is_the_mount(stack, mount, run):
    with mount.within(stack, "--codec", "zlib") as m:
        names = [".zattrs", ".zgroup", "cells.zarr/.zattrs", "cells.zarr/.zmetadata", "cells.zarr/0/.zarray"]
        names += chunk_paths(m.path)
        for name in names:
            done = run("cat", "--codec", "zlib", stack, name, text=False)
            assert done.returncode == 0 and done.stderr == b""
            assert done.stdout == (m.path / name).read_bytes(), name


@pytest.mark.parametrize("path, told", [
    ("cells.zarr/0/9/0/0", "no such file"), ("nothing", "no such file"), ("cells.zarr/0", "folder"),
    ("", "PATH"), ("cells.zarr/.zattrs/x", ""), ("cells.zarr/0/01/0/0", "no such file"),
])
def test_cat_of_nothing(path, told, stack, run):
    said = one_line(run("cat", stack, path), 2 if path == "" else 1)
    assert told in said


def test_cat_to_a_closed_pipe(ngffuse, stack):
    read_end, write_end = os.pipe()
    os.close(read_end)
    done = subprocess.run([ngffuse, "cat", stack, "cells.zarr/0/0/0/0"], stdout=write_end, stderr=subprocess.PIPE,
                          text=True, timeout=20, check=False)
    os.close(write_end)
    print(done)
    assert done.returncode != 0


# --- status


@pytest.mark.fuse
def test_status(stack, mount, run):
    with mount.within(stack, "--codec", "blosc-lz4") as m:
        (m.path / "cells.zarr/0/0/0/0").read_bytes()
        words = run("status", m.path)
        data = run("status", "--json", m.path)
    print(words.stdout)
    assert words.returncode == data.returncode == 0 and words.stderr == data.stderr == ""
    assert "1 chunks made" in words.stdout
    status = json.loads(data.stdout)
    assert status["levels"][0]["made"] == 1 and status["images_total"] == 1
    assert {"now", "peak", "budget"} <= set(status["memory"])


@pytest.mark.fuse
def test_status_of_failed_chunks(mount, run, tmp_path):
    """A page goes bad behind its header."""
    voxels = picture((4, 64, 64), "u2")
    source = write_stack(tmp_path / "bad", voxels, compression="zlib", rowsperstrip=64)
    with tifffile.TiffFile(source / "s_0002.tif") as t:
        at, = t.pages[0].dataoffsets
    with open(source / "s_0002.tif", "r+b") as f:
        f.seek(at)
        f.write(b"\xff" * 40)
    with mount.within(source, "--codec", "none", "--chunk-shape", "1,64,64") as m:
        assert (m.path / "bad.zarr/0/1/0/0").read_bytes() == voxels[1].tobytes()
        with pytest.raises(OSError):
            (m.path / "bad.zarr/0/2/0/0").read_bytes()
        words, data = run("status", m.path), run("status", "--json", m.path)
        log = m.log
    print(words.stdout)
    assert words.returncode == data.returncode == 1
    assert "s_0002.tif" in words.stdout and "s_0002.tif" in log
    assert any("s_0002.tif" in e["what"] + e["message"] for e in json.loads(data.stdout)["errors"])


def test_status_of_no_mount(run, tmp_path):
    said = one_line(run("status", tmp_path), 1)
    assert str(tmp_path) in said
    said = one_line(run("status", tmp_path / "not there"), 1)
    assert "not there" in said


def test_unmount_of_no_mount(run, tmp_path):
    said = one_line(run("-u", tmp_path), 1)
    assert str(tmp_path) in said
    one_line(run("-u", tmp_path / "not there"), 1)
    if os.path.ismount("/proc"):
        assert "proc" in one_line(run("-u", "/proc"), 1)


def test_a_command_wins_over_a_folder_of_its_name(run, tmp_path):
    write_stack(tmp_path / "info", picture((2, 20, 20)))
    done = run("info", "./info", cwd=tmp_path)
    assert done.returncode == 0 and "info.zarr" in done.stdout
    one_line(run("info", cwd=tmp_path), 2)


def test_name_of_several_images(two, run, tmp_path):
    said = one_line(run("--name", "x", two, tmp_path / "m"), 2)
    assert "--name" in said


def test_swapped_arguments(stack, run, tmp_path):
    (tmp_path / "m").mkdir()
    assert "are the two swapped?" in one_line(run(tmp_path / "m", stack), 1)


def test_cat_of_an_unusable_image(run, tmp_path):
    (tmp_path / "src" / "good").mkdir(parents=True)
    (tmp_path / "src" / "bad").mkdir()
    tifffile.imwrite(tmp_path / "src" / "good" / "s_0.tif", np.zeros((8, 8), "u1"))
    (tmp_path / "src" / "bad" / "s_0.tif").write_bytes(b"no TIFF at all")
    (tmp_path / "src" / "bad" / "s_1.tif").write_bytes(b"no TIFF at all")
    said = one_line(run("cat", tmp_path / "src", "bad.zarr/.zattrs"), 1)
    assert "bad/s_0.tif" in said and "not a TIFF" in said


def test_a_slice_that_may_not_be_read(ngffuse):
    """The reason that the system gives."""
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody else")
    with tempfile.TemporaryDirectory() as top:
        os.chmod(top, 0o755)
        for z in range(4):
            tifffile.imwrite(f"{top}/s_{z}.tif", np.full((8, 8), z, "u1"))
        os.chmod(f"{top}/s_2.tif", 0)
        done = subprocess.run([ngffuse, "info", top], capture_output=True, text=True, user=65534, group=65534,
                              extra_groups=[], check=False)
    assert done.returncode == 1 and "s_2.tif: Permission denied" in done.stdout, done
