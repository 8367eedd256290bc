"""The corpus of real TIFFs, malformed ones too, by the whole program: each file by `cat`, and all malformed
files as one mount."""

import errno
import itertools
import os
import sys

import pytest
from conftest import ROOT
from test_memory import MIB
from workbench import peak_rss, sanitized

sys.path.append(str(ROOT / "tests/corpus"))
import cat_all


@pytest.fixture(scope="session")
def corpus(shared):
    if not (shared / "tiff/pixels.tsv").exists():
        pytest.skip(f"no corpus at {shared / 'tiff'} (NGFFUSE_SHARED)")
    return shared / "tiff"


def test_cat_of_every_file(corpus, ngffuse):
    """The pixels of the table, or one line that says why not."""
    checks = cat_all.check_all(ngffuse, corpus)
    print(cat_all.summary(checks))
    problems = [line for check in checks for line in check.problems]
    assert problems == []
    assert len(checks) > 900 and sum(check.counts["equal"] for check in checks) > 900


def test_cat_of_every_file_can_fail(corpus, ngffuse, tmp_path):
    """A table of other pixels, and a program that says too much."""
    (tmp_path / "files").symlink_to(corpus / "files")
    for table in ("manifest.tsv", "pixels.tsv"):
        (tmp_path / table).write_text((corpus / table).read_text())
    changed = (tmp_path / "pixels.tsv").read_text().splitlines()
    changed = ["\t".join(f if len(f) != 64 else f[::-1] for f in line.split("\t")) for line in changed]
    (tmp_path / "pixels.tsv").write_text("\n".join(changed))
    checks = cat_all.check_all(ngffuse, tmp_path, ["valid/Pillow--16"])
    assert checks and all("DIFFERENT" in check.problems[0] for check in checks)
    (tmp_path / "chatty").write_text(f'#!/bin/sh\n[ "$1" = info ] || echo more >&2\nexec {ngffuse} "$@"\n')
    (tmp_path / "chatty").chmod(0o755)
    checks = cat_all.check_all(tmp_path / "chatty", corpus, ["malformed/Pillow--crash-1", "valid/Pillow--16"])
    assert checks and all(check.problems for check in checks)


def read_below(folder, most=60):
    """Reads the files below a folder, `most` entries of each folder -> (bytes, files read, failed)"""
    size = read = failed = 0
    try:
        with os.scandir(folder) as listing:
            entries = list(itertools.islice(listing, most))
    except OSError as e:
        assert e.errno == errno.EIO, folder
        return 0, 0, 1
    for entry in entries:
        if entry.is_dir():
            more = read_below(entry.path, most)
            size, read, failed = size + more[0], read + more[1], failed + more[2]
            continue
        try:
            with open(entry.path, "rb") as f:
                size += len(f.read())
            read += 1
        except OSError as e:
            assert e.errno == errno.EIO, entry.path
            failed += 1
    return size, read, failed


@pytest.mark.fuse
@pytest.mark.parametrize("classes, args", [("malformed", []), ("malformed", ["--damaged", "fill"]),
                                           ("malformed unsure valid", ["--codec", "blosc-zstd"])])
def test_the_corpus_in_one_mount(classes, args, corpus, mount, ngffuse, tmp_path):
    """Everything listed and read: bad images and bad chunks are errors, and nobody else is troubled."""
    (tmp_path / "src").mkdir()
    for f in (f for name in classes.split() for f in (corpus / "files" / name).iterdir()):
        (tmp_path / "src" / f.name).symlink_to(f)
    # An image of 2 TiB is among them, whose coarse chunks take minutes of a sanitizer's build each.
    most = 6 if sanitized(ngffuse) else 60
    with mount.within(tmp_path / "src", "--group", "none", "--memory", "128M", *args) as m:
        images = [name for name in os.listdir(m.path) if name.endswith(".zarr")]
        totals = [read_below(m.path / name, most) for name in images]
        status, rss = m.status(), peak_rss(m.pid)
    size, read, failed = (sum(column) for column in zip(*totals))
    memory = status["memory"]
    print(f"{classes} {args}: {len(images)} images, {read} files read, {size / MIB:.0f} MiB, {failed} failed; peak "
          f"resident {rss / MIB:.0f} MiB, charged at most {memory['peak'] / MIB:.0f} MiB")
    assert len(images) > 150 and read > 150 and failed > 100
    assert memory["peak"] <= memory["budget"] == 128 * MIB
    assert sanitized(ngffuse) or rss <= (128 + 64) * MIB
