"""Rows 13 to 15: levels that nobody has asked for before."""

import functools
import os
import re
import shutil
import subprocess

import cascade
from conftest import NGFFUSE
from ours import Ours
from row import CORES, Contestant, Row, Target, check, counted, cpu_split, ratio, read_all
from reader import measured
from timing import Sample, fresh, in_turn

CACHES = "page cache warm; mount, daemon and reader fresh in each round; imports not counted"
KINDS = {"u1": "raw", "u2": "raw-u2", "u4 labels": "labels-u4"}
MEAN = ["--interpolation-mode", "mean"]


def _mags(bench):
    """All steps are 2x2x2, so that the peers can say what they do."""
    i = bench.inputs
    mags = cascade.mags((i.planes, i.side, i.side), (1, 1, 1))
    assert all(step == (2, 2, 2) for step in cascade.steps(mags)), mags
    return mags


def _ours(bench, kind, level, *options):
    def run(_):
        with Ours(bench.peaks, bench.inputs.stack(kind), *options) as mount:
            return fresh("tensorstore", mount.level(level), daemon=mount)

    return run


def _unchecked(run):
    """For a peer that gives other voxels by its own rules."""

    def once(i):
        sample = run(i)
        sample.sha1 = None
        return sample

    return once


def _real(bench):
    """Level 0 of the raw stack as real files, chunks of 64 cubed, for as long as the bench lasts."""
    real = bench.work / "real-64"
    if not real.exists():
        with Ours([], bench.inputs.stack("raw"), "--chunk-shape", "64,64,64", "--codec", "none") as mount:
            shutil.copytree(mount.array, real)
        os.sync()
    return real


def _tensorstore(real, levels, method):
    return _unchecked(lambda _: fresh("tensorstore-reduced", real, more=[levels, method]))


def _finish(bench, row, warm, wanted):
    in_turn(row.contestants, bench.args.rounds, warm)
    compared = check(row.contestants, wanted)
    ours = row.contestants[0]
    row.notes += [cpu_split(ours), counted(ours), f"{compared} levels compared equal with a NumPy cascade"]


def _coarsest(bench, number, kind, what):
    i, last = bench.inputs, len(_mags(bench)) - 1
    row = Row(number, f"level {last} of {what}, mean, {i.planes} x {i.side} x {i.side} u1, default chunks", CACHES,
              bytes=i.bytes)
    row.contestants = [
        Contestant("ours, tensorstore", _ours(bench, kind, last, *MEAN)),
        Contestant("dask and tifffile, a cascade", lambda _: fresh("dask-mean", i.stack(kind), more=[last]),
                   every=bench.args.rounds),
    ]
    return row, last


def _level(bench, kind, last):
    return cascade.cascade(bench.volume(kind), _mags(bench)[:last + 1], "mean")[-1]


def lzw_coarsest(bench):
    row, last = _coarsest(bench, "13", "lzw", "LZW strips, predictor 2")
    decode = f"one whole decode: libtiff, {CORES} threads"
    row.contestants.append(Contestant(decode, lambda _: bench.run_libtiff("lzw", CORES, 0, 0, slice(None))))
    level = _level(bench, "lzw", last)
    _finish(bench, row, bench.warm("lzw"), lambda _: level)
    strips = bench.inputs.planes * -(-bench.inputs.side // 32)
    row.notes.append(f"the stack has {strips} strips")
    row.targets.append(Target("time / one whole decode", 1 / ratio(row, decode), 1.15))
    return row


@functools.cache
def reduction_speeds():
    """GB/s of one thread in the best instruction set, by method and type: {"mean": {"uint8": 30.1, ..}, ..}; None where
    the build has no such program."""
    program = NGFFUSE.parent / "tests/reduce_speed"
    if not os.access(program, os.X_OK):
        return None
    lines = []
    with subprocess.Popen([program], stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            if not line.strip():  # the first table is that of the best set and of windows of 2x2x2
                process.terminate()
                break
            lines.append(line.strip())
    types = lines[1].split()
    return {"what": re.sub(":$", "", lines[0]),
            "of": {words[0]: dict(zip(types, map(float, words[1:]))) for words in map(str.split, lines[2:])}}


def _read_and_reduce(stack, size, speed):
    """What no program could do without: all bytes read once, and reduced on all cores."""
    _, took = measured(lambda: read_all(stack))
    reduce = size / max(speed, 0.05) / 1e9  # of a slow build 0.0 is printed
    return Sample(took["wall"] + reduce / CORES, took["user"] + reduce, took["system"])


def raw_coarsest(bench):
    row, last = _coarsest(bench, "14", "raw", "raw strips")
    stack, real, speeds = bench.inputs.stack("raw"), _real(bench), reduction_speeds()
    peer, floor = "tensorstore, one step, real files", "all bytes read, and reduced once"
    row.contestants.append(Contestant(peer, _tensorstore(real, last, "mean")))
    if speeds:
        speed = speeds["of"]["mean"]["uint8"]
        row.contestants.append(Contestant(floor, lambda _: _read_and_reduce(stack, bench.inputs.bytes, speed)))
    level = _level(bench, "raw", last)
    _finish(bench, row, lambda: (read_all(stack), read_all(real)), lambda _: level)
    row.targets.append(Target("times as fast as tensorstore", ratio(row, peer), 3, at_least=True))
    if speeds:
        row.targets.append(Target("time / all read and reduced", 1 / ratio(row, floor), 1.8))
    return row


def level_one(bench):
    """The same voxels with the reductions that are dearer than the mean."""
    row = Row("15", f"level 1 of raw strips, {bench.inputs.bytes >> 20} MiB of each type, default chunks", CACHES,
              bytes=bench.inputs.bytes)
    mags, wanted, speeds = _mags(bench)[:2], {}, reduction_speeds()
    # One type at a time, so that mean, median and mode of it follow each other.
    names = {(word, method): f"ours, {word}, {method}" for word in KINDS for method in ("median", "mode", "mean")}
    for (word, method), name in names.items():
        kind = KINDS[word]
        wanted[name] = cascade.cascade(bench.volume(kind), mags, method)[1]
        row.contestants.append(Contestant(name, _ours(bench, kind, 1, "--interpolation-mode", method)))
    real = _real(bench)
    peers = {method: Contestant(f"tensorstore, u1, {method}, real files", _tensorstore(real, 1, method))
             for method in ("median", "mode")}
    row.contestants += peers.values()
    in_turn(row.contestants, bench.args.rounds,
            lambda: [read_all(folder) for folder in (real, *map(bench.inputs.stack, KINDS.values()))])
    compared = sum(check([one], lambda _, one=one: wanted[one.name]) for one in row.contestants if one.name in wanted)
    by_name = {one.name: one for one in row.contestants}
    worst = max((_times(by_name[name], by_name[names[word, "mean"]]), name)
                for (word, method), name in names.items() if method != "mean")
    row.notes = [cpu_split(row.contestants[0]), f"{compared} levels compared equal with a NumPy cascade",
                 f"the dearest beside its mean: {worst[1]}"]
    if speeds:
        row.notes.append(f"GB/s of one thread, {speeds['what']}: " + "; ".join(
            f"{method} " + ", ".join(f"{t} {v:g}" for t, v in of.items()) for method, of in speeds["of"].items()))
    cpu = min(peers[m].median(lambda s: s.cpu) / by_name[names["u1", m]].median(lambda s: s.cpu) for m in peers)
    row.targets = [Target("time / that of the mean, the worst", worst[0], 1.25),
                   Target("tensorstore's processor time / ours, the least", cpu, 10, at_least=True)]
    return row


def _times(one, other):
    return one.median(lambda s: s.wall) / other.median(lambda s: s.wall)
