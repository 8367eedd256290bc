#!/usr/bin/env python3
"""`ngffuse cat` over every file of the corpus: each plane of each image as one chunk, its samples too. Every
answer is either the pixels of the table or exit code 1 with exactly one line; no crash, nothing slow.

usage: cat_all.py [--bin PROGRAM] [--shared FOLDER] [--planes N] [--seconds S] [--list] [PART ..]
       PART: only files whose name (valid/X.tif) has it. Needs nothing but Python's own library.

Counts: `equal` planes are in the table; `untold` planes were served and the table lacks pages of their file;
`refused` images and files are told to be unusable; `failed` planes belong to images that are usable.
Exits with 1 where anything else was seen, or a plane that differs.
"""

import argparse
import collections
import csv
import hashlib
import itertools
import json
import os
import struct
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WHOLE = 300 << 20  # bytes; a larger chunk is refused
COUNTS = ("files", "planes", "equal", "untold", "refused", "failed", "problems")


def rows(path):
    with open(path, newline="") as table:
        return list(csv.DictReader(table, delimiter="\t", quoting=csv.QUOTE_NONE))


class Corpus:
    """pages[file]: [(type, shape, hash, decoder, page)] as far as known. facts[file]: its row of the manifest. complete: the files of which all pages are."""

    def __init__(self, folder):
        self.folder = Path(folder) / "files"
        self.pages = collections.defaultdict(list)
        for row in rows(Path(folder) / "pixels.tsv"):
            shape = tuple(int(n) for n in row["shape"].split("x"))
            if 0 not in shape:
                self.pages[row["file"]].append((row["dtype"], shape, row["sha256"], row["decoder"], int(row["page"])))
        listed = rows(Path(folder) / "manifest.tsv")
        self.facts = {row["file"]: row for row in listed}
        self.files = [row["file"] for row in listed]
        # The table knows pages; an STK has planes behind its page.
        self.complete = {row["file"] for row in listed if len(self.pages[row["file"]]) >= int(row["pages"] or 1)
                         and not row["file"].endswith(".stk")}


class Check:
    """Of one file: counts, what is wrong, the slowest command."""

    def __init__(self, corpus, program, name, planes, seconds):
        self.corpus, self.program, self.name, self.seconds = corpus, program, name, seconds
        self.path = str(corpus.folder / name)
        self.counts = collections.Counter(files=1)
        self.problems, self.told, self.slowest = [], [], (0, "")
        report = self.run("info", "--json", self.path)
        if not report.stdout:
            self.fails("a file that is no TIFF", "refused", "x.zarr/.zattrs")
            return
        for image in json.loads(report.stdout)["images"]:
            if image["state"] == "ready":
                self.read(image, planes)
            else:
                self.fails(image["id"], "refused", f"{image['id']}.zarr/.zattrs")

    def problem(self, what):
        self.counts["problems"] += 1
        self.problems.append(f"{self.name}: {what}")

    def run(self, *args):
        start = time.monotonic()
        try:
            done = subprocess.run([self.program, *args], stdin=subprocess.DEVNULL, capture_output=True, timeout=60,
                                  check=False)
        except subprocess.TimeoutExpired:
            done = subprocess.CompletedProcess(args, -1, b"", b"not within a minute")
        took = time.monotonic() - start
        self.slowest = max(self.slowest, (took, f"{self.name}: {args[0]}"))
        if took > self.seconds:
            self.problem(f"{args[0]} took {took:.1f} s")
        if done.returncode not in (0, 1):
            self.problem(f"{' '.join(args)}: code {done.returncode}: {done.stderr.decode(errors='replace')[-2000:]}")
        return done

    def fails(self, what, kind, *args):
        """The command is to end with 1 and one line."""
        self.told_failure(what, kind, self.run("cat", *args[:-1], self.path, args[-1]))

    def told_failure(self, what, kind, done):
        self.counts[kind] += 1
        lines = done.stderr.decode(errors="replace").splitlines()
        if done.returncode != 1 or done.stdout or len(lines) != 1 or not lines[0].startswith("ngffuse: "):
            self.problem(f"{what}: code {done.returncode}, {len(done.stdout)} bytes, {len(lines)} lines: {lines[:20]}")
        else:
            self.told.append(f"{kind}: {lines[0]}")

    def read(self, image, planes):
        axes, shape = image["axes"], image["shape"]
        ranges = [range(1) if a in "yxc" else range(n) for a, n in zip(axes, shape)]
        channels = shape[axes.index("c")] if "c" in axes else 1
        for index in itertools.islice(itertools.product(*ranges), planes):
            self.read_plane(image, index, channels)

    def read_plane(self, image, index, channels):
        """All its samples; index: of the first one."""
        self.counts["planes"] += 1
        axes, (height, width) = image["axes"], image["shape"][-2:]
        got = []
        for c in range(channels):
            at = [c if a == "c" else i for a, i in zip(axes, index)]
            path = f"{image['id']}.zarr/0/" + "/".join(map(str, at))
            done = self.run("cat", "--codec", "none", "--chunk-shape", f"1,{height},{width}", self.path, path)
            if done.returncode != 0:
                self.told_failure(path, "failed", done)
                return
            if done.stderr:
                self.problem(f"{path}: served, and said {done.stderr.decode(errors='replace')[-2000:]}")
            got.append(done.stdout)
        self.compare(image["id"], index, image["dtype"], (height, width), got)

    def compare(self, name, index, dtype, size, samples):
        pages = [page for page in self.corpus.pages[self.name] if OURS.get(page[0], page[0]) == dtype]
        for table_type, decoder in {(page[0], page[3]) for page in pages}:
            alike = [page for page in pages if (page[0], page[3]) == (table_type, decoder)]
            known = {page[2] for page in alike}
            orders = {order for page in alike for order in orders_of(page[1], size)}
            theirs = [as_in_table(s, table_type, decoder, self.corpus.facts[self.name]) for s in samples]
            if any(is_known(theirs, n, chunky, size, known) for n, chunky in orders):
                self.counts["equal"] += 1
                return
        if self.name in self.corpus.complete:
            self.problem(f"{name} {index}: DIFFERENT: {dtype}, {len(samples)} x {size}")
        else:
            self.counts["untold"] += 1


# What becomes of the table's types.
OURS = {"bool": "uint8", "float16": "float32"}


def as_in_table(voxels, dtype, decoder, facts):
    """Our bytes as those that the table has a hash of: it has float16; 24-bit floats that only libtiff decodes as
    their bits; and 24-bit integers always with the highest byte first."""
    if dtype == "float16":
        return struct.pack(f"<{len(voxels) // 4}e", *struct.unpack(f"<{len(voxels) // 4}f", voxels))
    if facts["bits"] != "24":
        return voxels
    if facts["sample_format"] == "float":
        return b"".join(float24(v) for (v,) in struct.iter_unpack("<I", voxels)) if decoder == "libtiff" else voxels
    if facts["byte_order"] == "little":
        return b"".join(voxels[i : i + 3][::-1] + b"\0" for i in range(0, len(voxels), 4))
    return voxels


def float24(v):
    """The bits of a float32 that is no subnormal as those of a float of 24 bits, in four bytes."""
    exponent = (v >> 23 & 255) - 64
    return struct.pack("<I", v >> 31 << 23 | max(exponent, 0) << 16 | (v >> 7 & 0xFFFF if exponent > 0 else 0))


def orders_of(shape, size):
    """How many samples such a page has, and whether side by side, for a page of this size."""
    if shape == size:
        return [(1, False)]
    if len(shape) != 3:
        return []
    return [(shape[0], False)] * (shape[1:] == size) + [(shape[2], True)] * (shape[:2] == size)


def is_known(samples, n, chunky, size, known):
    """Whether the samples, n together, are pages that are known."""
    if len(samples) % n != 0:
        return False
    groups = [samples[i : i + n] for i in range(0, len(samples), n)]
    return all(hashlib.sha256(interleave(g, size) if chunky else b"".join(g)).hexdigest() in known for g in groups)


def interleave(samples, size):
    """Bytes y, x, sample of planes."""
    pixel = len(samples[0]) // (size[0] * size[1])
    out = bytearray(len(samples) * len(samples[0]))
    for s, plane in enumerate(samples):
        for byte in range(pixel):
            out[s * pixel + byte :: len(samples) * pixel] = plane[byte::pixel]
    return bytes(out)


def check_all(program, folder, parts=(), planes=1000, seconds=5):
    """[Check] of the files whose name has one of the parts, all at the processors' number at a time."""
    corpus = Corpus(folder)
    names = [name for name in corpus.files if not parts or any(part in name for part in parts)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(lambda name: Check(corpus, program, name, planes, seconds), names))


def summary(checks):
    total = sum((check.counts for check in checks), collections.Counter())
    slowest = max((check.slowest for check in checks), default=(0, "nothing"))
    counts = ", ".join(f"{total[kind]} {kind}" for kind in COUNTS)
    return f"{counts}; slowest {slowest[0] * 1000:.0f} ms, {slowest[1]}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", default=os.environ.get("NGFFUSE_BIN", ROOT / "build/release/ngffuse"))
    parser.add_argument("--shared", default=os.environ.get("NGFFUSE_SHARED", ROOT.parent / "shared"))
    parser.add_argument("--planes", type=int, default=1000, help="of an image, at most")
    parser.add_argument("--seconds", type=float, default=5, help="that a command may take")
    parser.add_argument("--list", action="store_true", help="what each refused file and plane was told")
    parser.add_argument("part", nargs="*")
    args = parser.parse_args()
    start = time.monotonic()
    checks = check_all(os.path.abspath(args.bin), Path(args.shared) / "tiff", args.part, args.planes, args.seconds)
    for check in checks:
        for line in (check.told if args.list else []) + check.problems:
            print(line)
    print(f"{summary(checks)}; {time.monotonic() - start:.0f} s")
    return any(check.problems for check in checks) or not any(check.counts["equal"] for check in checks)


if __name__ == "__main__":
    sys.exit(main())
