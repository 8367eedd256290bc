"""Row 12: from the command to the first chunk of very many slices."""

import contextlib
import hashlib
import resource
import subprocess

import tifffile
from ours import Ours
from reader import measured
from reading import decode_chunk, describe
from row import MIB, Contestant, Row, Target, check, cpu_split
from timing import Sample, fresh, in_turn


def _first_chunk(bench, folder, idle):
    def run(_):
        with contextlib.ExitStack() as held:
            def work():
                mount = held.enter_context(Ours(bench.peaks, folder))
                return mount, (mount.array / "0/0/0").read_bytes()

            (mount, data), took = measured(work)
            idle.append(mount.rss())
            _, chunks, dtype, codec = describe(mount.array)
            voxels = decode_chunk(data, chunks, dtype, codec)
            return mount.account(Sample(**took, sha1=hashlib.sha1(voxels).hexdigest()))

    return run


def _find(folder):
    """Names and a stat of each, by a program that is good at it."""
    command = ["find", folder, "-size", "+1000M"]
    _, took = measured(lambda: subprocess.run(command, check=True), resource.RUSAGE_CHILDREN)
    return Sample(took["wall"], took["user"], took["system"])


def first_chunk(bench):
    n, idle = bench.args.slices, []
    folder = bench.inputs.many(n)
    volume = tifffile.imread(sorted(folder.iterdir())[:32])
    region = [[0, len(volume)], [0, volume.shape[1]], [0, volume.shape[2]]]
    row = Row("12", f"mount to first chunk, {n} slices of 64 x 64, one file each",
              "names and page cache warm; imports of the peers not counted, start of our program counted")
    row.contestants = [
        Contestant("ours, plain read", _first_chunk(bench, folder, idle)),
        Contestant("names and stat of each: find", lambda _: _find(folder)),
        Contestant("tifffile aszarr", lambda _: fresh("tifffile", folder, region)),
        Contestant("dask and tifffile", lambda _: fresh("dask", folder, region), every=bench.args.rounds),
    ]
    in_turn(row.contestants, bench.args.rounds, lambda: _find(folder))
    compared = check(row.contestants, lambda _: volume)
    ours = row.contestants[0]
    row.notes = [cpu_split(ours), f"{compared} chunks compared equal with tifffile's"]
    row.targets = [Target("median", ours.median(lambda s: s.wall), 0.35, unit=" s"),
                   Target("row 17: resident after it", max(idle) / MIB, 64, unit=" MiB")]
    return row
