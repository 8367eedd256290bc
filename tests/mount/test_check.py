"""`ngffuse check`: exactly the planes in which something was ruined, in the decoder's words; gaps apart; what it
prints, how it ends, and how fast it is."""

import contextlib
import json
import os
import pty
import re
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import tifffile
from make_stacks import Layout, pixels, write_stack, write_tiff
from test_corpus_pixels import REFUSED
from test_memory import MIB
from workbench import chunk_paths, peak_rss, picture, sanitized, slow_stack, write_repeated

ROWS = 16
SHAPE = (12, 96, 80)  # six strips


def scramble(path, unit):
    offset, count = unit
    with open(path, "r+b") as f:
        f.seek(offset + count // 4)
        f.write(b"\xff" * (count // 2))


def check_json(run, *args, code):
    done = run("check", "--json", *args)
    assert done.returncode == code, done
    return json.loads(done.stdout)


@pytest.fixture
def stack(tmp_path):
    """Twelve slices of LZW strips, of which some are ruined: {file: (strips damaged, part of the words)}"""
    folder, bad = tmp_path / "em", {}
    folder.mkdir()
    for z, plane in enumerate(pixels(SHAPE, "u2")):
        path = folder / f"s_{z:04d}.tif"
        units = write_tiff(path, [plane], Layout(rows=ROWS, compression="lzw", directory_first=True))[0]
        if z == 2:
            for k in (1, 4, 5):
                scramble(path, units[k])
            bad[path.name] = (3, "strip 1: LZW")
        elif z == 5:
            os.truncate(path, units[3][0] + 5)
            bad[path.name] = (3, "strip 3: its bytes reach past the end of the file")
        elif z == 7:
            os.truncate(path, 0)
            bad[path.name] = (None, "empty")
        elif z == 8:
            scramble(path, units[0])
            bad[path.name] = (1, "strip 0: LZW")
        elif z == 9:
            path.unlink()
        elif z == 10:
            path.write_bytes(b"this is no TIFF\n" * 700)
            bad[path.name] = (None, "TIFF")
    return folder, bad


def test_lists_what_is_damaged(stack, run):
    folder, bad = stack
    said = check_json(run, folder, code=1)
    image, = said["images"]
    assert (image["id"], image["state"], image["planes"], image["missing"]) == ("em", "ready", 11, 1)
    assert [d["file"] for d in image["damaged"]] == sorted(bad)
    for d in image["damaged"]:
        strips, words = bad[d["file"]]
        assert words in d["why"] and d.get("strips_damaged") == strips, d
        assert d.get("strips") == (None if strips is None else SHAPE[1] // ROWS)
        assert (d["t"], d["c"], d["page"]) == (0, 0, 0) and d["z"] == int(d["file"][2:6])
    totals = said["totals"]
    assert {k: totals[k] for k in ("images", "unusable", "planes", "damaged", "missing")} == \
        {"images": 1, "unusable": 0, "planes": 11, "damaged": len(bad), "missing": 1}
    assert totals["bytes"] == 11 * SHAPE[1] * SHAPE[2] * 2
    assert said["interrupted"] is False


def test_words_of_it(stack, run):
    folder, bad = stack
    done = run("check", folder)
    assert done.returncode == 1 and done.stderr == "", done
    *lines, last = done.stdout.splitlines()
    damaged = [line for line in lines if line.startswith("damaged: em.zarr: ")]
    assert [line.split(": ")[2] for line in damaged] == sorted(bad)
    assert damaged[0].endswith("(3 of its 6 strips)") and "strips)" not in damaged[3]
    assert [line for line in lines if line not in damaged] == ["missing: em.zarr: 1 of its 12 planes"]
    assert re.fullmatch(r"1 image, 11 planes: 5 damaged, 1 missing; [\d.]+ \w+ in [\d.]+ s \(\d+ MB/s\)", last)
    print(done.stdout)


@pytest.mark.parametrize("threads", [1, 2, 7, 64])
def test_any_number_of_threads_finds_the_same(threads, stack, run):
    folder, _ = stack
    said = check_json(run, folder, "--threads", threads, code=1)
    assert said["images"] == check_json(run, folder, "--threads", 3, code=1)["images"]


@pytest.mark.fuse
def test_words_of_the_log(stack, run, mount):
    """What the daemon says of a plane is what `check` says of it."""
    folder, bad = stack
    words = {d["file"]: d["why"] for d in check_json(run, folder, code=1)["images"][0]["damaged"]}
    m = mount(folder)
    for path in chunk_paths(m.path, 0):
        with contextlib.suppress(OSError):
            (m.path / path).read_bytes()
    said = {(e["what"], e["message"]) for e in m.status()["errors"]}
    decoded = [name for name, (strips, _) in bad.items() if strips is not None]
    assert len(decoded) == 3
    for name in decoded:
        assert (f"em.zarr: {name}", words[name]) in said


def test_pages(tmp_path, run):
    """Of a file of pages those that are malformed; and a strip that several pieces of a large page share."""
    path = tmp_path / "stack.tif"
    volume = pixels((9, 64, 48), "u1")
    units = write_tiff(path, volume, Layout(rows=8, compression="deflate"))
    scramble(path, units[4][3])
    scramble(path, units[7][0])
    said = check_json(run, path, code=1)
    assert [(d["file"], d["page"], d["z"], d["strips_damaged"], d["strips"]) for d in said["images"][0]["damaged"]] \
        == [("stack.tif", 4, 4, 1, 8), ("stack.tif", 7, 7, 1, 8)]
    assert "stack.tif: page 4: strip 3: Deflate" in run("check", path).stdout
    big = tmp_path / "big.tif"
    units = write_tiff(big, [pixels((3000, 2500), "u2")], Layout(directory_first=True))[0]
    os.truncate(big, units[0][0] + units[0][1] - 1000)
    damage, = check_json(run, big, code=1)["images"][0]["damaged"]
    assert (damage["strips_damaged"], damage["strips"]) == (1, 1)


def test_pages_of_another_kind(tmp_path, run):
    """A page amid others whose header is ruined, and a slice of another size: damaged, and nothing moves up."""
    path = tmp_path / "stack.tif"
    tifffile.imwrite(path, pixels((5, 32, 48), "u1"), photometric="minisblack", metadata=None)
    with tifffile.TiffFile(path) as f:
        at = f.pages[2].tags["BitsPerSample"].offset + 8
    with open(path, "r+b") as f:
        f.seek(at)
        f.write((10000).to_bytes(2, "little"))
    image, = check_json(run, path, code=1)["images"]
    assert image["planes"] == 5
    assert [(d["page"], d["z"], d["why"]) for d in image["damaged"]] == \
        [(2, 2, "BitsPerSample (258) is 10000, outside 1 .. 64")]
    paths = write_stack(tmp_path / "em", pixels((6, 40, 50), "u1"), Layout(rows=8))
    tifffile.imwrite(paths[3], pixels((40, 51), "u1"))
    damage, = check_json(run, tmp_path / "em", code=1)["images"][0]["damaged"]
    assert damage["z"] == 3 and "51 x 40" in damage["why"] and "strips" not in damage


OME = """<?xml version="1.0"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"><Image ID="Image:0"><Pixels
ID="Pixels:0" DimensionOrder="XYZCT" Type="uint8" SizeX="64" SizeY="48" SizeZ="10" SizeC="1" SizeT="1"><Channel
ID="Channel:0:0" SamplesPerPixel="1"/><TiffData/></Pixels></Image></OME>"""


@pytest.mark.parametrize("told, lost", [(None, []), (OME, [6, 7, 8, 9])])
def test_pages_that_were_cut_off(told, lost, tmp_path, run):
    """A file whose last pages are gone is not fine, and has no plane that could be damaged unless it tells of them."""
    path = tmp_path / "stack.tif"
    with tifffile.TiffWriter(path) as w:
        for z, plane in enumerate(pixels((10, 48, 64), "u1")):
            w.write(plane, photometric="minisblack", contiguous=False, metadata=None,
                    description=told if z == 0 else None)
    with tifffile.TiffFile(path) as f:
        starts = [page.offset for page in f.pages]
    assert run("check", path).returncode == 0
    os.truncate(path, starts[6])
    said = check_json(run, path, code=1)
    image, = said["images"]
    assert (image["planes"], image["missing"]) == (6 + len(lost), 0)
    assert [(d["z"], d["why"]) for d in image["damaged"]] == [(z, "the file has no such page") for z in lost]
    assert [(b["file"], b["why"][:41]) for b in said["broken"]] == \
        [("stack.tif", "its chain of pages is broken after 6 (it ")] and said["totals"]["broken"] == 1
    done = run("check", path)
    assert done.returncode == 1 and "broken: stack.tif: its chain of pages is broken after 6" in done.stdout
    assert ", 1 file broken; " in done.stdout


def test_pages_of_a_set_that_were_cut_off(tmp_path, run):
    """Of several files the one whose chain ends too early is named, and the planes that it lost are damaged."""
    blocks = "".join(f'<TiffData FirstC="{c}" IFD="0" PlaneCount="5"><UUID FileName="{name}.ome.tif">urn:uuid:{name}'
                     '</UUID></TiffData>' for c, name in enumerate("ab"))
    xml = OME.replace('SizeZ="10"', 'SizeZ="5"').replace('SizeC="1"', 'SizeC="2"').replace("<TiffData/>", blocks)
    xml = xml.replace('SamplesPerPixel="1"/>', 'SamplesPerPixel="1"/><Channel ID="Channel:0:1" SamplesPerPixel="1"/>')
    for name in "ab":
        with tifffile.TiffWriter(tmp_path / f"{name}.ome.tif") as w:
            for z, plane in enumerate(pixels((5, 48, 64), "u1")):
                w.write(plane, photometric="minisblack", contiguous=False, metadata=None,
                        description=xml.replace("<OME ", f'<OME UUID="urn:uuid:{name}" ') if z == 0 else None)
    assert check_json(run, tmp_path, code=0)["totals"]["broken"] == 0
    with tifffile.TiffFile(tmp_path / "b.ome.tif", is_ome=False) as f:
        end = f.pages[3].offset
    os.truncate(tmp_path / "b.ome.tif", end)
    said = check_json(run, tmp_path, code=1)
    image, = said["images"]
    assert [(d["c"], d["z"], d["why"]) for d in image["damaged"]] == \
        [(1, z, "the file has no such page") for z in (3, 4)]
    assert [(b["file"], b["why"][:41]) for b in said["broken"]] == \
        [("b.ome.tif", "its chain of pages is broken after 3 (it ")]
    assert "b.ome.tif: its chain of pages is broken after 3" in run("info", tmp_path).stdout


def test_tiles_and_planes_of_samples(tmp_path, run):
    path = tmp_path / "rgb.tif"
    units = write_tiff(path, [pixels((200, 330, 3), "u1")], Layout(tile=(64, 64), compression="lzw", planar=True))[0]
    n = len(units)
    assert n == 3 * 4 * 6
    for k in (0, 5, n // 3 + 7, n - 1):
        scramble(path, units[k])
    damage, = check_json(run, path, code=1)["images"][0]["damaged"]
    assert (damage["tiles_damaged"], damage["tiles"]) == (4, n) and damage["why"].startswith("tile 0: ")


def test_good_images_labels_and_unusable_ones(tmp_path, run):
    source = tmp_path / "several"
    write_stack(source / "a", pixels((3, 40, 50), "u2"), Layout(rows=8, compression="deflate"))
    labels = write_stack(source / "a/labels/cells", pixels((3, 40, 50), "u4"), Layout(rows=8, compression="lzw"))
    write_stack(source / "b", pixels((2, 30, 30), "u1"))
    said = check_json(run, source, code=0)
    assert [(i["id"], i["planes"], i["damaged"]) for i in said["images"]] == \
        [("a", 3, []), ("b", 2, []), ("a/labels/cells", 3, [])]
    os.truncate(labels[1], labels[1].stat().st_size // 2)
    (source / "c").mkdir()
    tifffile.imwrite(source / "c/x_1.tif", pixels((30, 30), "u2").astype("c8"))
    said = check_json(run, source, code=1)
    images = {i["id"]: i for i in said["images"]}
    assert images["c"]["state"] == "bad" and images["c"]["error"]
    assert [d["z"] for d in images["a/labels/cells"]["damaged"]] == [1]
    assert said["totals"]["unusable"] == 1 and said["totals"]["damaged"] == 1
    done = run("check", source)
    assert done.returncode == 1 and "unusable: c.zarr: " in done.stdout and ", 1 image unusable;" in done.stdout


@pytest.mark.parametrize("words, told", [
    ([], "SOURCE is missing"), (["{}", "x"], "one argument too many"), (["--damaged", "fill", "{}"], "means nothing"),
    (["--memory", "1", "{}"], "would do"), (["--pattern", "nothing_{{z}}.tif", "{}"], "pattern"),
])
def test_wrong_usage(words, told, stack, run):
    done = run("check", *(w.format(stack[0]) for w in words))
    assert done.returncode == 2 and done.stdout == "" and told in done.stderr, done


def test_no_source(tmp_path, run):
    assert run("check", tmp_path / "none").returncode == 1
    done = run("check", tmp_path)
    assert done.returncode == 1 and done.stdout == "" and "empty" in done.stderr


def on_a_terminal(command):
    """Standard error is a terminal -> (what it got, standard output, exit code)"""
    ours, theirs = pty.openpty()
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=theirs) as p:
        os.close(theirs)
        got = b""
        while True:
            try:
                data = os.read(ours, 4096)
            except OSError:
                break
            if not data:
                break
            got += data
        out = p.stdout.read().decode()
    os.close(ours)
    return got.decode(), out, p.returncode


def test_progress_on_a_terminal(tmp_path, ngffuse):
    source = slow_stack(tmp_path / "slow", 40)
    got, out, code = on_a_terminal([ngffuse, "check", "--threads", "1", source])
    assert code == 0 and out.startswith("1 image, 40 planes: 0 damaged, 0 missing; ")
    steps = [int(s) for s in re.findall(r"\r\x1b\[K\[[#.]{20}\] +(\d+) % ", got)]
    print(steps)
    assert len(steps) >= 2 and steps == sorted(steps) and 0 < steps[-1] <= 100
    assert got.endswith("\r\x1b[K"), "the bar is taken away"


def test_progress_in_lines(tmp_path, ngffuse):
    """Where standard error is no terminal: a line each five seconds."""
    source = slow_stack(tmp_path / "slow", 5000)
    start = time.monotonic()
    with subprocess.Popen([ngffuse, "check", "--threads", "1", source], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as p:
        lines = [p.stderr.readline() for _ in range(2)]
        took = time.monotonic() - start
        p.send_signal(signal.SIGINT)
        out, rest = p.communicate(timeout=60)
    print(f"{took:.1f} s", *lines, out, sep="\n")
    assert all(re.fullmatch(r"ngffuse: +\d+ % [\d.]+ \w+, \d+ MB/s, 0 damaged(, .* left)?\n", s) for s in lines)
    assert took >= 10 and rest == "" and p.returncode == 130 and out.startswith("interrupted: ")


def test_interrupted(tmp_path, ngffuse):
    source = slow_stack(tmp_path / "slow", 900)
    with subprocess.Popen([ngffuse, "check", "--json", source], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE) as p:
        time.sleep(1)
        start = time.monotonic()
        p.send_signal(signal.SIGINT)
        out, err = p.communicate(timeout=60)
    said = json.loads(out)
    assert p.returncode == 130 and err == b"" and time.monotonic() - start < 10
    assert said["interrupted"] is True and 0 <= said["totals"]["planes"] < 900
    assert said["totals"]["bytes"] > 0


def test_nobody_reads(tmp_path, ngffuse):
    """A pipe that is closed ends the check, which says so."""
    source = slow_stack(tmp_path / "slow", 900)
    (source / "s_0000.tif").unlink()
    (source / "s_0000.tif").write_bytes(b"")
    reader, writer = os.pipe()
    with subprocess.Popen([ngffuse, "check", source], stdin=subprocess.DEVNULL, stdout=writer,
                          stderr=subprocess.PIPE) as p:
        os.close(writer)
        os.close(reader)
        err = p.stderr.read().decode()
    assert p.returncode == 1 and err == "ngffuse: standard output: Broken pipe\n"


def test_memory(tmp_path, ngffuse):
    """Large strips and many threads within the budget."""
    source = write_repeated(tmp_path / "em", picture((2048, 2048)), 100, compression="lzw", rowsperstrip=1024)
    if sanitized(ngffuse):
        pytest.skip("a sanitizer build")
    budget = 160
    with subprocess.Popen([ngffuse, "check", "--threads", "8", "--memory", f"{budget}M", source],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as p:
        most = 0
        while p.poll() is None:
            try:
                most = max(most, peak_rss(p.pid))
            except (LookupError, OSError):
                break
            time.sleep(0.05)
        assert b" 0 damaged" in p.stdout.read()
    print(f"{most / MIB:.0f} MiB of {budget}")
    assert 0 < most < (budget + 40) * MIB


# --- the corpus


@pytest.fixture(scope="module")
def corpus(shared):
    if not (shared / "tiff/pixels.tsv").exists():
        pytest.skip(f"no corpus at {shared / 'tiff'} (NGFFUSE_SHARED)")
    return shared / "tiff/files"


# Chains of pages that run in a circle or out of the file: the pages before are valid.
BROKEN = {"Pillow--multipage_multiple_frame_loop.tiff", "image-tiff--id_000023_sig_06_src_000006_op_havoc_rep_8.tif",
          "libtiff--test_ifd_loop_to_first.tif", "libtiff--test_ifd_loop_to_self.tif", "libtiffnet--loop.tif",
          "tifftools--bad_ifd_offset.tif"}


def test_valid_files_have_no_damage(corpus, run):
    """But for those that test_corpus_pixels.py lists with their reasons."""
    said = check_json(run, "--group", "none", corpus / "valid", code=1)
    assert said["totals"]["images"] > 700
    bad = {d["file"] for i in said["images"] for d in i["damaged"]}
    bad |= {i["error"].split(": ")[0] for i in said["images"] if i["state"] == "bad"}
    assert bad == {name for name in REFUSED if not name.endswith(".dng")}
    assert {b["file"] for b in said["broken"]} == BROKEN


def test_malformed_files(corpus, run):
    said = check_json(run, "--group", "none", "--memory", "128M", corpus / "malformed", code=1)
    print(said["totals"])
    assert said["totals"]["damaged"] > 30 and said["totals"]["unusable"] > 80


def test_stacks(shared, run):
    """Nothing is wrong with real ones."""
    if not (shared / "stacks").is_dir():
        pytest.skip(f"no stacks at {shared / 'stacks'} (NGFFUSE_SHARED)")
    said = check_json(run, shared / "stacks", code=0)
    assert said["totals"]["planes"] > 100


@pytest.mark.fuse
def test_as_fast_as_reading_level_0(tmp_path, run, mount):
    source = write_repeated(tmp_path / "em", picture((2048, 2048)), 64, compression="lzw", rowsperstrip=32)
    took = min(check_json(run, source, code=0)["totals"]["seconds"] for _ in range(2))
    m = mount(source, "--codec", "none")
    start = time.monotonic()
    with ThreadPoolExecutor(4) as pool:
        read = sum(pool.map(lambda p: len((m.path / p).read_bytes()), chunk_paths(m.path, 0)))
    mounted = time.monotonic() - start
    rate = 64 * 8 * MIB / 1e6
    print(f"check {took:.2f} s, {rate / took:.0f} MB/s; level 0 of a mount {mounted:.2f} s, {rate / mounted:.0f} MB/s")
    assert read >= 64 * 8 * MIB and took < 1.5 * mounted + 0.5
