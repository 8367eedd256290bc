"""The side-car: what it says holds, after the options and before the files; what is wrong with it is told by file, line
and key; and the one that `info --sidecar` prints changes nothing."""

import json
import os
import re
import shutil
import stat
import subprocess

import numpy as np
import pytest
import tifffile
from conftest import ROOT
from jsonschema import Draft202012Validator
from workbench import picture, write_stack

SCHEMA = json.loads((ROOT / "man/ngffuse.schema.json").read_text())


@pytest.fixture
def stack(tmp_path):
    """Two channels of three planes, z, of 16 bits."""
    top = tmp_path / "cells"
    top.mkdir()
    for c in range(2):
        for z, plane in enumerate(picture((3, 40, 50), "u2")):
            tifffile.imwrite(top / f"s_c{c}_z{z}.tif", plane + np.uint16(c))
    return top


def put(folder, text, name="ngffuse.json"):
    path = folder / name
    path.write_text(text if isinstance(text, str) else json.dumps(text, indent=1))
    return path


def refused(done, code, *parts):
    lines = done.stderr.splitlines()
    assert done.returncode == code and len(lines) == 1 and done.stdout == "", done
    for part in parts:
        assert part in lines[0]


def attributes(run, source, *args, image=None):
    done = run("cat", *args, source, f"{image or source.stem}.zarr/.zattrs")
    assert done.returncode == 0, done
    return json.loads(done.stdout)


def info(run, source, *args):
    done = run("info", "--json", *args, source)
    assert done.returncode == 0, done
    return json.loads(done.stdout)


def scales(attrs):
    return attrs["multiscales"][0]["datasets"][0]["coordinateTransformations"][0]["scale"]


def test_holds(stack, run):
    put(stack, {"voxel-size": [4, 4.5, 40], "unit": "um", "channel-names": ["DAPI", "GFP, dim"],
                "channel-colors": ["0000ff", "#ff8000"], "windows": [[0, 4000], [100, 900.5]]})
    attrs = attributes(run, stack)
    assert scales(attrs) == [1, 40, 4.5, 4]
    assert [a.get("unit") for a in attrs["multiscales"][0]["axes"]] == [None] + 3 * ["micrometer"]
    channels = attrs["omero"]["channels"]
    assert [c["label"] for c in channels] == ["DAPI", "GFP, dim"]
    assert [c["color"] for c in channels] == ["0000FF", "FF8000"]
    assert [(c["window"]["start"], c["window"]["end"]) for c in channels] == [(0, 4000), (100, 900.5)]


def test_command_line_overrides_single_keys(stack, run):
    put(stack, {"voxel-size": [4, 4, 40], "unit": "um", "channel-names": ["a", "b"]})
    attrs = attributes(run, stack, "--voxel-size", "1,2,3")
    assert scales(attrs) == [1, 3, 2, 1]
    assert attrs["multiscales"][0]["axes"][1]["unit"] == "micrometer"
    assert [c["label"] for c in attrs["omero"]["channels"]] == ["a", "b"]


def test_overrides_files(tmp_path, run):
    tifffile.imwrite(tmp_path / "a.tif", picture((3, 40, 50), "u1"), imagej=True, metadata={"axes": "ZYX"},
                     resolution=(20000, 20000), resolutionunit="CENTIMETER")
    before = info(run, tmp_path / "a.tif")["images"][0]
    put(tmp_path, {"voxel-size": [7, 7, 9]}, "a.ngffuse.json")
    after = info(run, tmp_path / "a.tif")["images"][0]
    assert before["from"]["voxel_size"] != after["from"]["voxel_size"]
    assert after["from"]["voxel_size"] == "side-car a.ngffuse.json, line 2"
    assert after["voxel_size"] == [9, 7, 7]


def test_pattern(stack, run):
    put(stack, {"pattern": "s_c{t}_z{z}.tif", "time-step": 2.5})
    told = info(run, stack)["images"][0]
    assert told["axes"] == ["t", "z", "y", "x"] and told["time_step"] == 2.5
    assert told["from"]["time_step"] == "side-car ngffuse.json, line 3"
    assert info(run, stack, "--group", "none")["images"][0]["axes"] != told["axes"]
    refused(run("info", stack, "--group", "none", "--pattern", "{i}.tif"), 2, "exclude each other")


def test_label_is_relative_to_the_file(tmp_path, run):
    stack = write_stack(tmp_path / "em", picture((3, 40, 50), "u1"))
    write_stack(tmp_path / "ids", picture((3, 40, 50), "u2"))
    put(stack, {"label": ["cells=../ids"]})
    done = run("cat", stack, "em.zarr/labels/.zattrs", cwd="/")
    assert json.loads(done.stdout) == {"labels": ["cells"]}


def test_label_that_is_missing(stack, run):
    put(stack, {"name": "x", "label": ["cells=../ids"]})
    refused(run("info", stack), 1, f'{stack}/ngffuse.json:3: "label": --label cells: {stack}/../ids: no such file')
    refused(run("info", "--label", "cells=nowhere", stack), 1, "ngffuse: --label cells: nowhere: no such file")


def test_beside_a_file(tmp_path, run):
    for name, told in [("one.tif", "one"), ("two.ome.tif", "two"), ("three", "three")]:
        tifffile.imwrite(tmp_path / "x.tif", picture((2, 40, 50), "u1"), photometric="minisblack")
        os.rename(tmp_path / "x.tif", tmp_path / name)
        put(tmp_path, {"voxel-size": [1, 2, 3], "unit": "m"}, f"{told}.ngffuse.json")
        put(tmp_path, {"nonsense": 1})  # is the folder's, not the file's
        for source in (tmp_path / name, name):
            done = run("info", "--json", source, cwd=tmp_path)
            assert json.loads(done.stdout)["images"][0]["voxel_size"] == [3, 2, 1], done


@pytest.fixture
def files(tmp_path):
    """Three files that are an image each, one of them two planes and one below another folder."""
    top = tmp_path / "files"
    (top / "more").mkdir(parents=True)
    tifffile.imwrite(top / "left.tif", picture((40, 50), "u2"))
    tifffile.imwrite(top / "right.ome.tif", picture((2, 40, 50), "u2"), metadata={"axes": "ZYX"},
                     photometric="minisblack")
    tifffile.imwrite(top / "more" / "deep.tif", picture((30, 20), "u2"))
    return top


def sizes(run, source, *args):
    return {i["id"]: (i["voxel_size"], i["unit"]) for i in info(run, source, *args)["images"]}


def test_beside_a_file_in_a_folder(files, run):
    put(files, {"voxel-size": [1, 1, 1], "unit": "m"})
    put(files, {"voxel-size": [4, 5, 6]}, "right.ngffuse.json")
    put(files / "more", {"voxel-size": [7, 8], "unit": "um", "channel-names": ["x,y"], "windows": [[3, 9]]},
        "deep.ngffuse.json")
    assert sizes(run, files) == {"left": ([1, 1], "meter"), "right": ([6, 5, 4], "meter"),
                                 "more": ([8, 7], "micrometer")}
    assert sizes(run, files, "--unit", "nm", "--voxel-size", "2,2,2") == {
        "left": ([2, 2], "nanometer"), "right": ([2, 2, 2], "nanometer"), "more": ([2, 2], "nanometer")}
    deep = [i for i in info(run, files)["images"] if i["id"] == "more"][0]
    assert deep["channels"] == [{"label": "x,y", "color": "FFFFFF", "start": 3, "end": 9}]
    assert deep["from"]["voxel_size"] == "side-car deep.ngffuse.json, line 2"
    assert deep["from"]["windows"] == "side-car deep.ngffuse.json, line 10"
    # The same file mounted by itself.
    assert sizes(run, files / "right.ome.tif") == {"right": ([6, 5, 4], "nanometer")}


def test_other_keys_beside_a_file_in_a_folder(files, run):
    """Hold for mounts of the file alone, which is told; the name goes without saying."""
    put(files, {"name": "L", "voxel-size": [4, 5], "codec": "zlib"}, "left.ngffuse.json")
    left = info(run, files)["images"][0]
    assert left["id"] == "left" and left["voxel_size"] == [5, 4] and left["codec"] != "zlib:1"
    assert [w for w in left["warnings"] if "holds only where the file itself is mounted" in w] == [
        'side-car left.ngffuse.json, line 7: "codec" holds only where the file itself is mounted']
    alone = info(run, files / "left.tif")["images"][0]
    assert alone["id"] == "L" and alone["codec"].startswith("zlib")


def test_unused_ones_are_told(files, run, stack):
    put(files, "{}", "none.ngffuse.json")
    put(files / "more", "{}")
    put(files, {"voxel-size": [1, 1]}, "left.ngffuse.json")
    assert [(o["path"], o["why"]) for o in info(run, files)["left_out"]] == [
        ("more/ngffuse.json", "a side-car of a folder below the source"),
        ("none.ngffuse.json", "a side-car of no image that is one file")]
    put(stack, "{}", "s_c0_z0.ngffuse.json")
    assert [o["path"] for o in info(run, stack)["left_out"]] == ["s_c0_z0.ngffuse.json"]


@pytest.mark.parametrize("text, told", [
    ('{\n"voxel-sise": 1}', ':2: "voxel-sise": unknown key; did you mean "voxel-size"?'),
    ('{\n\n"channel-names": ["a", "b"]}', ':3: "channel-names": --channel-names has 2 items'),
    ('{"unit": "um"}', ':1: "unit": --unit says nothing without --voxel-size'),
    ('{"voxel-size": [1, 1]', ":1: ',' or '}' behind"),
])
def test_errors_beside_a_file_in_a_folder(text, told, files, run, tmp_path):
    """Make that image unusable, and others not; an only image is refused like a wrong option."""
    put(files, text, "left.ngffuse.json")
    done = run("info", "--json", files)
    images = {i["id"]: i for i in json.loads(done.stdout)["images"]}
    assert done.returncode == 1 and [i["state"] for i in images.values()].count("ready") == 2
    assert images["left"]["error"].startswith(f"{files}/left.ngffuse.json{told}")
    for name in ("right.ome.tif", "more/deep.tif"):
        (files / name).unlink()
    refused(run(files, tmp_path / "m"), 2, f"{files}/left.ngffuse.json{told}")


def test_unreadable_beside_a_file_in_a_folder(files, run):
    (files / "left.ngffuse.json").symlink_to("nowhere")
    images = {i["id"]: i for i in json.loads(run("info", "--json", files).stdout)["images"]}
    assert "a link to nothing" in images["left"]["error"] and images["right"]["state"] == "ready"


@pytest.mark.fuse
def test_changed_beside_a_file_in_a_folder(tmp_path, mount):
    """Of an image that is looked at when somebody asks for it, after the mount."""
    for i in range(80):
        (tmp_path / "many" / f"{i:02}").mkdir(parents=True)
        tifffile.imwrite(tmp_path / "many" / f"{i:02}" / "a.tif", picture((20, 30), "u1"))
    for i in (78, 79):
        put(tmp_path / "many" / str(i), {"voxel-size": [i, 1]}, "a.ngffuse.json")
    m = mount(tmp_path / "many")
    put(tmp_path / "many" / "79", {"voxel-size": [123, 1]}, "a.ngffuse.json")
    names = sorted(name for name in os.listdir(m.path) if name.endswith(".zarr"))
    assert scales(json.loads((m.path / names[78] / ".zattrs").read_text())) == [1, 78]
    with pytest.raises(OSError):
        (m.path / names[79] / ".zattrs").read_text()
    assert "79/a.ngffuse.json: the side-car has changed since the scan" in m.log


def test_is_no_stranger(stack, run, tmp_path):
    put(stack, "{}")
    put(stack, "", "._ngffuse.json")
    put(stack, "", "._s_c0_z0.ngffuse.json")
    assert info(run, stack)["left_out"] == []
    (tmp_path / "empty").mkdir()
    put(tmp_path / "empty", "{}")
    done = run("info", tmp_path / "empty")
    assert done.returncode == 1 and "the folder is empty" in done.stderr


WRONG = [
    ('{\n "name": "a",\n\n "voxel-sise": [1, 1, 1]\n}',
     ':4: "voxel-sise": unknown key; did you mean "voxel-size"?'),
    ('{\n "memory": "1G"}', ':2: "memory": a side-car cannot hold it'),
    ('{\n "json": true}', ':2: "json": a side-car cannot hold it'),
    ('{"voxel-size": true}', ':1: "voxel-size": an array of numbers is expected, not true'),
    ('{"unit": "um", "voxel-size": [1, 1, 1],\n\n"unit": "nm"}', ':3: "unit": the key stands here a second time'),
    ('{"voxel-size": [1, 1, 1],}', ":1: a key in double quotes is expected, not '}'"),
    ('{"unit": "um"\n', ":2: ',' or '}' behind \"unit\" is expected, not the end of the text"),
    ('{"gaps":\n "fil"}', ':1: "gaps": \'fil\' is not fill, close or error'),
    ('{"unit": "um"}', ':1: "unit": --unit says nothing without --voxel-size'),
    ('{\n"layout": "both",\n"codec": "zlib", "ngff": 0.5}', ':3: "codec": --codec zlib and --ngff 0.5 exclude'),
    ("[]", ":1: one JSON object is expected, not an array"),
    ("", ":1: a value is expected, not the end of the text"),
    # What only the scan and the files can tell.
    ('{\n"pattern": "{z}.png"}', ':2: "pattern": '),
    ('{\n\n"windows": [[0, 70000], [0, 1]]}', ':3: "windows": --windows: \'0:70000\' is outside'),
    ('{"channel-names": ["a", "b", "c"]}', ':1: "channel-names": --channel-names has 3 items'),
    ('{"voxel-size": [1, 1]}', ':1: "voxel-size": --voxel-size has two numbers'),
]


@pytest.mark.parametrize("text, told", WRONG)
def test_errors(text, told, stack, run, tmp_path):
    put(stack, text)
    refused(run(stack, tmp_path / "mnt"), 2, f"ngffuse: {stack}/ngffuse.json{told}")
    assert not (tmp_path / "mnt").exists()


def test_name_of_several(tmp_path, run):
    for name in ("left", "right"):
        write_stack(tmp_path / name, picture((2, 40, 50), "u1"))
    put(tmp_path, {"name": "one"})
    refused(run("info", tmp_path), 2, f'{tmp_path}/ngffuse.json:2: "name": ')


def test_unreadable(stack, run):
    path = stack / "ngffuse.json"
    path.symlink_to("nowhere")
    refused(run("info", stack), 1, str(path), "a link to nothing")
    path.unlink()
    os.mkfifo(path)
    refused(run("info", stack), 1, str(path), "no regular file")
    path.unlink()
    path.mkdir()
    refused(run("info", stack), 1, str(path), "no regular file")
    path.rmdir()
    put(stack, " " * (1 << 20) + "{}")
    refused(run("info", stack), 2, str(path), "1048576 bytes")
    put(stack, "{}")
    path.chmod(0)
    if os.geteuid() != 0:
        refused(run("info", stack), 1, str(path), "Permission denied")
    path.chmod(stat.S_IRUSR)


def test_info_tells(stack, run):
    path = put(stack, '{"gaps": "fill",\n"voxel-size": [1, 1, 1],\n"windows": [[0, 9], [0, 9]]}')
    told = info(run, stack, "--gaps", "close", "--unit", "um")
    assert told["sidecar"] == {"path": str(path), "keys": ["voxel-size", "windows"], "overridden": ["gaps"]}
    where = told["images"][0]["from"]
    assert where["voxel_size"] == "side-car ngffuse.json, line 2, unit: option --unit"
    assert where["windows"] == "side-car ngffuse.json, line 3"
    assert "channel_names" not in where
    said = run("info", stack, "--channel-names", "a,b").stdout
    assert f"side-car {path}: voxel-size, gaps, windows\n" in said
    assert "(names: option --channel-names; windows: side-car ngffuse.json, line 3)" in said
    path.unlink()
    assert "sidecar" not in info(run, stack)


def documents(run, source, images):
    return [run("cat", source, f"{image}.zarr/{name}").stdout for image in images
            for name in (".zattrs", ".zmetadata", "0/.zarray")]


def given(run, source, *args):
    """What `info --sidecar` prints, which the schema allows."""
    done = run("info", "--sidecar", *args, source)
    assert done.returncode == 0, done
    made = json.loads(done.stdout)
    Draft202012Validator(SCHEMA).validate(made)
    assert set(made) == set(SCHEMA["properties"])
    assert made.pop("$schema").endswith("/ngffuse/ngffuse.schema.json")
    return {k: v for k, v in made.items() if v is not None}


def saved(run, source, path, images, *args):
    """The same image with the side-car alone as with the options."""
    before = [run("cat", *args, source, f"{i}.zarr/{n}").stdout for i in images
              for n in (".zattrs", ".zmetadata", "0/.zarray")]
    assert all(before)
    path.write_text(run("info", "--sidecar", *args, source).stdout)
    assert documents(run, source, images) == before
    again = run("info", "--sidecar", source).stdout
    assert again == path.read_text()


@pytest.mark.parametrize("dtype", ["u1", "u2", "i2", "f4", "f8"])
@pytest.mark.parametrize("args", [
    [],
    ["--voxel-size", "0.1,0.2,1e-3", "--unit", "um", "--channel-names", "a\\,b,\\\\c", "--name", "other"],
    ["--pattern", "s_c{t}_z{z}.tif", "--time-step", "0.3", "--windows", "3-9", "--codec", "zlib:3"],
    ["--chunk-shape", "1,16,16", "--max-mag", "2-2-1", "--sampling-mode", "1,2,2", "--ngff", "0.4",
     "--interpolation-mode", "max", "--damaged", "fill", "--preview", "always", "--gaps", "close"],
], ids=["plain", "names", "times", "chunks"])
def test_saved_it_changes_nothing(dtype, args, tmp_path, run):
    top = tmp_path / "cells"
    top.mkdir()
    for c in range(2):
        for z, plane in enumerate(picture((3, 40, 50), dtype)):
            tifffile.imwrite(top / f"s_c{c}_z{z}.tif", plane + plane.dtype.type(c))
    saved(run, top, top / "ngffuse.json", ["other" if "--name" in args else "cells"], *args)


def test_saved_of_several_images(tmp_path, run):
    for k, name in enumerate(("left", "right")):
        write_stack(tmp_path / name, picture((2 + k, 40, 50), "u2"))
    args = ["--voxel-size", "4,4,40"]
    made = given(run, tmp_path, *args)
    assert made["voxel-size"] == [4, 4, 40] and "name" not in made and "channel-names" not in made
    saved(run, tmp_path, tmp_path / "ngffuse.json", ["left", "right"], *args)


def test_saved_beside_a_file(tmp_path, run):
    tifffile.imwrite(tmp_path / "rgb.tif", picture((40, 50, 3), "u1"), photometric="rgb", resolution=(1e6, 1e6),
                     resolutionunit="CENTIMETER")
    made = given(run, tmp_path / "rgb.tif")
    assert made["channel-names"] == ["red", "green", "blue"] and made["unit"] == "nanometer"
    saved(run, tmp_path / "rgb.tif", tmp_path / "rgb.ngffuse.json", ["rgb"])


def test_saved_by_the_shell(stack, run, ngffuse):
    """Which empties the file before the program looks at it."""
    done = run("info", "--sidecar", stack)
    with open(stack / "ngffuse.json", "w") as out:
        subprocess.run([ngffuse, "info", "--sidecar", stack], stdout=out, check=True)
    assert (stack / "ngffuse.json").read_text() == done.stdout


def test_what_is_given_is_printed(stack, run):
    write_stack(stack.parent / "ids", picture((3, 40, 50), "u2"))
    made = given(run, stack, "--label", f"a={stack.parent}/./ids", "--chunk-shape", "32", "--layout", "both",
                 "--largest-segment-id", "70000", "--max-mag", "4", "--codec", "zstd:3")
    assert made["label"] == [f"a={stack.parent}/ids"]
    assert (made["chunk-shape"], made["largest-segment-id"], made["max-mag"]) == (32, 70000, 4)
    assert (made["codec"], made["layout"]) == ("zstd:3", "both")
    refused(run("info", "--sidecar", "--json", stack), 2, "--json and --sidecar")
    refused(run("--sidecar", stack, stack.parent / "m"), 2, "--sidecar means nothing to a mount")


def test_schema(stack, run):
    """Has the keys that the program takes and no others."""
    Draft202012Validator.check_schema(SCHEMA)
    options = set(re.findall(r"--([a-z][a-z-]*)", "\n".join(
        line[:28] for line in run("--help").stdout.splitlines() if line.startswith("  "))))
    assert len(options) > 20
    for name in options:
        put(stack, {name: None})
        done = run("info", stack)
        assert done.returncode == (0 if name in SCHEMA["properties"] else 2), name
    assert set(SCHEMA["properties"]) - options == {"$schema"}
    for bad in ({"voxel-sise": [1, 1, 1]}, {"voxel-size": True}, {"voxel-size": [1]}, {"name": 4},
                {"windows": [0, 255]}, {"gaps": "fil"}, {"sampling-mode": [[1, 2, 3]]}):
        assert not Draft202012Validator(SCHEMA).is_valid(bad)
        put(stack, bad)
        assert run("info", stack).returncode == 2, bad


@pytest.mark.fuse
def test_mounted(stack, mount, tmp_path):
    """Also over its own source, where it then cannot be seen."""
    path = put(stack, {"voxel-size": [4, 4, 40], "name": "em"})
    with mount.within(stack, mountpoint=stack) as m:
        assert scales(json.loads((stack / "em.zarr/.zattrs").read_text())) == [1, 40, 4, 4]
        assert not path.exists()
    copy = tmp_path / "copy"
    shutil.copytree(stack, copy, copy_function=shutil.copy2)
    m = mount(copy)
    assert "with the side-car ngffuse.json" in m.log
