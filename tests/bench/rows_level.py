"""Rows 1 and 4: all of level 0, once, by the readers that people use."""

import os
import shutil

from ours import Ours
from row import CORES, MIB, Contestant, Row, Target, check, counted, cpu_split, ratio, read_all
from timing import fresh, in_turn

CACHES = "page cache warm; mount, daemon and reader fresh in each round; imports not counted"


def _through_mount(bench, stack, reader, *options):
    def run(_):
        with Ours(bench.peaks, stack, *options) as mount:
            return fresh(reader, mount.array, daemon=mount)

    return run


def _finish(bench, row, kind, warm):
    in_turn(row.contestants, bench.args.rounds, warm)
    compared = check(row.contestants, lambda _: bench.volume(kind))
    pieces = bench.inputs.planes * -(-bench.inputs.side // 32)
    row.notes += [cpu_split(one) for one in row.contestants[:2]]
    row.notes.append(f"{counted(row.contestants[0])}; the stack has {pieces} strips")
    row.notes.append(f"{compared} volumes compared equal with tifffile's")


def _size(bench):
    i = bench.inputs
    return f"{i.bytes // MIB} MiB ({i.planes} x {i.side} x {i.side} u1)"


def raw_level(bench):
    options = ["--chunk-shape", "16,256,256", "--codec", "none"]
    stack, real = bench.inputs.stack("raw"), bench.work / "real"
    with Ours([], stack, *options) as mount:
        shutil.copytree(mount.array, real)
    os.sync()
    row = Row("1", f"level 0 of raw strips, {_size(bench)}, chunks 16x256x256, none", CACHES, bytes=bench.inputs.bytes)
    row.contestants = [
        Contestant("ours, tensorstore", _through_mount(bench, stack, "tensorstore", *options)),
        Contestant("ours, zarr-python", _through_mount(bench, stack, "zarr", *options)),
        Contestant("real files, tensorstore", lambda _: fresh("tensorstore", real)),
        Contestant("real files, zarr-python", lambda _: fresh("zarr", real)),
        Contestant("tifffile aszarr", lambda _: fresh("tifffile", stack)),
    ]
    _finish(bench, row, "raw", lambda: (read_all(stack), read_all(real)))
    shutil.rmtree(real)
    row.targets.append(Target("throughput / real files", ratio(row, "real files, tensorstore"), 0.75, at_least=True))
    return row


def lzw_level(bench):
    stack = bench.inputs.stack("lzw")
    everything = slice(None)
    libtiff = f"libtiff, {CORES} threads"
    row = Row("4", f"level 0 of LZW strips, predictor 2, {_size(bench)}, default chunks", CACHES,
              bytes=bench.inputs.bytes)
    row.contestants = [
        Contestant("ours, tensorstore", _through_mount(bench, stack, "tensorstore")),
        Contestant("ours, zarr-python", _through_mount(bench, stack, "zarr")),
        Contestant(libtiff, lambda _: bench.run_libtiff("lzw", CORES, 0, 0, everything)),
        Contestant("tifffile aszarr", lambda _: fresh("tifffile", stack)),
        Contestant("tensorstore's TIFF driver", lambda _: fresh("tensorstore-tiff", stack)),
        Contestant("dask and tifffile", lambda _: fresh("dask", stack)),
    ]
    _finish(bench, row, "lzw", bench.warm("lzw"))
    row.targets.append(Target("throughput / libtiff", ratio(row, libtiff), 0.7, at_least=True))
    return row
