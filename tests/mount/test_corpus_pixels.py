"""The pixels of the corpus of real TIFFs through a mount, against the table that two other decoders made of them
(its README explains manifest.tsv and pixels.tsv); and its malformed files, which must trouble nobody else."""

import collections
import errno
import hashlib
import itertools
import json
import os
import re
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from conftest import ROOT
from reading import plain
from test_memory import MIB
from workbench import peak_rss, sanitized

sys.path.append(str(ROOT / "tests/corpus"))
import cat_all

ALL = "all"
OVERVIEW = "overviews: reduced pages are no planes"
MASK = "masks are no planes"
BOTH = "overviews and masks are no planes"
OTHER_KIND = "of another size or type than most of its pages"

# Pages that are no planes.
NO_PLANES = {
    "cogger--cog_band4.tif": ([1], OVERVIEW),
    "cogger--cog_gray.tif": ([1], OVERVIEW),
    "cogger--cog_rgb.tif": ([1], OVERVIEW),
    "cogger--rgbmaskline.tif": ([1, 2, 3, 4], BOTH),
    "chai2010--test3_with_1mask_1bit.tif": ([1], MASK),
    "chai2010--test3_with_mask_1bit_and_ovr.tif": ([1, 2, 3], BOTH),
    "chai2010--test3_with_mask_8bit.tif": ([1], MASK),
    "chai2010--test_with_mask_1bit.tif": ([1], MASK),
    "chai2010--test_with_mask_1bit_and_ovr.tif": ([1, 2, 3], BOTH),
    "chai2010--ycbcr_with_mask.tif": ([1], MASK),
    "chai2010--multipage-gopher.tif": ([0], OTHER_KIND),
    "rio-cogeo--cog_band_tags.tif": ([1], OVERVIEW),
    "rio-cogeo--image_rioCOG_gdal3.1.tif": ([1], OVERVIEW),
    "image-tiff--usda_naip_256_webp_z3.tif": ([1, 2], OVERVIEW),
    "sharp--G31D_MULTI.TIF": ([1], OVERVIEW),
    "mapnik--stefan_full_ycbcr_mask.tif": ([1], MASK),
    "Pillow--multipage-mmap.tiff": ([2], OTHER_KIND),
    "Pillow--multipage.tiff": ([2], OTHER_KIND),
}

# Kinds of pixels that are refused, and what two decoders pass over.
REFUSED = {
    "deb-libimage-exiftool-perl--DNG.dng": (ALL, "the scan takes no .dng"),
    "chai2010--cfloat32.tif": (ALL, "complex"),
    "chai2010--cint16.tif": (ALL, "complex"),
    "chai2010--cint32.tif": (ALL, "complex"),
    "chai2010--cint_sar.tif": (ALL, "complex"),
    "chai2010--mandrilmini_12bitjpeg.tif": (ALL, "JPEG of 12 bits"),
    "deb-graphicsmagick--input_JPG_old.tif": (ALL, "old JPEG"),
    "image-tiff--smallliz.tif": (ALL, "old JPEG"),
    "image-tiff--zackthecat.tif": (ALL, "old JPEG"),
    "libtiff--ojpeg_chewey_subsamp21_multi_strip.tiff": (ALL, "old JPEG"),
    "libtiff--ojpeg_single_strip_no_rowsperstrip.tiff": (ALL, "old JPEG"),
    "image-tiff--ycbcr-cat.tif": (ALL, "subsampled YCbCr without JPEG"),
    "libtiffnet--flower-ycbcr41-contig-08.tif": (ALL, "subsampled YCbCr without JPEG"),
    "libtiffnet--flower-ycbcr42-contig-08.tif": (ALL, "subsampled YCbCr without JPEG"),
    "libtiffnet--flower-ycbcr44-contig-08.tif": (ALL, "subsampled YCbCr without JPEG"),
    "image-rs--clusterfuzz-testcase-minimized-fuzzer_script_tiff-5026894169374720.tif":
        (ALL, "its JPEG ends too early, of which the library warns: that is damage"),
}


@pytest.fixture(scope="module")
def corpus(shared):
    if not (shared / "tiff/pixels.tsv").exists():
        pytest.skip(f"no corpus at {shared / 'tiff'} (NGFFUSE_SHARED)")
    return cat_all.Corpus(shared / "tiff")


def link_files(corpus, folder, *classes):
    """All files of these classes in one folder, by their own names -> {name in the corpus: stem}"""
    folder.mkdir()
    stems = {}
    for name in (name for name in corpus.files if name.split("/")[0] in classes):
        (folder / name.split("/")[1]).symlink_to(corpus.folder / name)
        stems[name] = re.sub(r"(\.ome)?\.(tiff?|btf|stk)$", "", name.split("/")[1], flags=re.IGNORECASE)
    return stems


def images_of(m):
    return [name.removesuffix(".zarr") for name in os.listdir(m.path) if name.endswith(".zarr")]


def files_of_images(images, stems):
    """{file: [image]}: an image has the name of its file, with something behind it where several have one."""
    found = collections.defaultdict(list)
    by_length = sorted(stems, key=lambda name: -len(stems[name]))
    for image in images:
        name = next((n for n in by_length if image == stems[n]), None)
        found[name or next(n for n in by_length if image.startswith(stems[n]))].append(image)
    return found


def whole(image):
    """Level 0 as t,c,z,y,x."""
    voxels = plain(image)
    axes = [axis["name"] for axis in json.loads((image / ".zattrs").read_text())["multiscales"][0]["axes"]]
    for place, axis in enumerate("tczyx"):
        if axis not in axes:
            voxels = np.expand_dims(voxels, place)
    return voxels


def hashes(voxels, samples, chunky, dtype, decoder, facts):
    """Of each plane as the table would have it; c counts pages, and the samples within each."""
    for t, z, c in itertools.product(*map(range, (voxels.shape[0], voxels.shape[2], voxels.shape[1] // samples))):
        plane = voxels[t, c * samples : (c + 1) * samples, z]
        if chunky:
            plane = np.moveaxis(plane, 0, -1)
        yield hashlib.sha256(cat_all.as_in_table(plane.tobytes(), dtype, decoder, facts)).hexdigest()


def in_order(found):
    """Whether a page can be taken of each of these lists so that their numbers rise; an empty one says nothing."""
    last = -1
    for numbers in filter(None, found):
        last = min((n for n in numbers if n > last), default=None)
        if last is None:
            return False
    return True


class Compared:
    """Of one file: missing, the pages of the table that no plane shows, or ALL; problems, what else is wrong."""

    def __init__(self, name, corpus):
        self.name, self.facts, self.pages = name, corpus.facts[name], corpus.pages[name]
        self.complete = self.pages and name in corpus.complete
        self.failed, self.problems = 0, []
        self.planes_by_hash = collections.Counter()

    def compare(self, image):
        try:
            voxels = whole(image)
        except OSError as e:
            assert e.errno == errno.EIO, image
            self.failed += 1
            return
        size, dtype = voxels.shape[-2:], voxels.dtype.name
        # Pages of one file may be of several kinds: the one that tells most planes.
        kinds = {(row[0], row[3], samples, chunky)
                 for row in self.pages if cat_all.OURS.get(row[0], row[0]) == dtype
                 for samples, chunky in cat_all.orders_of(row[1], size) if voxels.shape[1] % samples == 0}
        numbers = collections.defaultdict(list)
        for row in self.pages:
            numbers[row[2]].append(row[4])
        tried = []
        for row_type, decoder, samples, chunky in sorted(kinds):
            planes = list(hashes(voxels, samples, chunky, row_type, decoder, self.facts))
            several = sum(n > 1 for n in (voxels.shape[0], voxels.shape[1] // samples, voxels.shape[2])) > 1
            tried.append((sum(h in numbers for h in planes), several, planes))
        known, several, planes = max(tried, default=(0, False, []))
        self.planes_by_hash.update(planes)
        if self.complete and known < max(len(planes), 1):
            self.problems.append(f"{image.name}: {max(len(planes), 1) - known} planes are none of its pages")
        # Of several axes it takes the file's metadata to tell which page comes first.
        if not several and not in_order([numbers.get(h, []) for h in planes]):
            self.problems.append(f"{image.name}: its planes are not in the order of its pages")

    def missing(self, n_images):
        if n_images == self.failed:
            return ALL
        left, missing = self.planes_by_hash.copy(), []
        for row in self.pages:
            if left[row[2]] == 0:
                missing.append(row[4])
            left[row[2]] -= left[row[2]] > 0
        return missing


def compare_all(corpus, mount, folder):
    """[(Compared, missing)] of the valid files, each an image of one mount."""
    stems = link_files(corpus, folder, "valid")
    with mount.within(folder, "--group", "none") as m:
        images = files_of_images(images_of(m), stems)

        def compared(name):
            done = Compared(name, corpus)
            for image in images[name]:
                done.compare(m.path / f"{image}.zarr")
            return done, done.missing(len(images[name]))

        with ThreadPoolExecutor(4) as pool:
            return list(pool.map(compared, stems))


@pytest.mark.fuse
def test_pixels(corpus, mount, tmp_path):
    """All pages that two decoders agree on, but for those that stand above with the reason."""
    listed = {f"valid/{name}": entry for entries in (NO_PLANES, REFUSED) for name, entry in entries.items()}
    assert len(listed) == len(NO_PLANES) + len(REFUSED)
    problems, agreed, shown = [], 0, 0
    for file, missing in compare_all(corpus, mount, tmp_path / "src"):
        pages, why = listed.pop(file.name, ([], ""))
        problems += file.problems
        if missing != pages:
            problems.append(f"{file.name}: pages {missing} are missing, the list has {pages} {why}")
        name = file.name.removeprefix("valid/")
        if file.facts["agreement"] == "tifffile=libtiff":
            left = len(file.pages) - (len(pages) if name in NO_PLANES else 0)
            agreed += left
            shown += 0 if missing == ALL else left
    assert problems == [] and listed == {}
    print(f"{shown} of {agreed} pages that two decoders agree on")
    assert agreed > 900 and shown >= 0.995 * agreed


@pytest.mark.fuse
def test_pixels_can_fail(corpus, mount, tmp_path):
    """A table whose pages have changed places, and one of other pixels."""
    name, other = "valid/stardist--img3d.tif", "valid/Pillow--hopper2.tif"
    rows, table = [], corpus.pages
    for number, row in enumerate(table[name]):
        rows.append((*row[:4], len(table[name]) - 1 - number))
    corpus.pages = {**{n: [] for n in table}, name: rows, other: [(*table[other][0][:2], "0" * 64, "tifffile", 0)]}
    try:
        done = {file.name: (file, missing) for file, missing in compare_all(corpus, mount, tmp_path / "src")}
    finally:
        corpus.pages = table
    file, missing = done[name]
    assert missing == [] and "not in the order" in file.problems[0]
    file, missing = done[other]
    assert missing == [0] and "none of its pages" in file.problems[0]


# --- malformed files


AT_MOST = 64  # chunks of an array of more; one of the files claims 2 TiB


def spread(n, most):
    """At most `most` numbers below n, the first and the last among them."""
    return range(n) if n <= most else sorted({i * (n - 1) // (most - 1) for i in range(most)})


def read_file(path, seen):
    try:
        with open(path, "rb") as f:
            seen["bytes"] += len(f.read())
        seen["read"] += 1
        return True
    except OSError as e:
        assert e.errno == errno.EIO, path
        seen["failed"] += 1
        return False


def read_image(image):
    """Documents and chunks of all levels -> counts."""
    seen = collections.Counter()
    if not read_file(image / ".zattrs", seen):
        return seen
    read_file(image / ".zmetadata", seen)
    for level in json.loads((image / ".zattrs").read_text())["multiscales"][0]["datasets"]:
        array = image / level["path"]
        meta = json.loads((array / ".zarray").read_text())
        grid = [-(-size // chunk) for size, chunk in zip(meta["shape"], meta["chunks"])]
        for number in spread(int(np.prod(grid, dtype=object)), AT_MOST):
            place = []
            for n in reversed(grid):
                number, at = divmod(number, n)
                place.insert(0, str(at))
            read_file(array.joinpath(*place), seen)
    return seen


@pytest.mark.fuse
def test_malformed_files(corpus, mount, ngffuse, tmp_path):
    """All of them in one mount with a good one: all is read within two minutes and the budget, and that one is right."""
    good = "valid/stardist--img3d.tif"
    stems = link_files(corpus, tmp_path / "src", "malformed", "unsure")
    (tmp_path / "src" / good.split("/")[1]).symlink_to(corpus.folder / good)
    start = time.monotonic()
    with mount.within(tmp_path / "src", "--group", "none", "--memory", "128M") as m:
        images = [m.path / f"{image}.zarr" for image in images_of(m)]
        with ThreadPoolExecutor(4) as pool:
            seen = sum(pool.map(read_image, images), collections.Counter())
        file = Compared(good, corpus)
        file.compare(m.path / "stardist--img3d.zarr")
        status, rss = m.status(), peak_rss(m.pid)
    took = time.monotonic() - start
    memory = status["memory"]
    print(f"{len(stems)} files, {len(images)} images, {dict(seen)}; {took:.0f} s, peak resident {rss / MIB:.0f} MiB, "
          f"charged at most {memory['peak'] / MIB:.0f} MiB")
    assert file.problems == [] and file.missing(1) == []
    assert len(images) > 150 and seen["read"] > 200 and seen["failed"] > 100
    assert took < 120
    assert memory["peak"] <= memory["budget"] == 128 * MIB
    assert sanitized(ngffuse) or rss <= (128 + 64) * MIB
