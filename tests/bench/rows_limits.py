"""Rows 17 and 18: what the daemon never does more of, memory and decoding."""

import contextlib

from ours import Ours
from row import CORES, MIB, Contestant, Row, Target, Wrong, check, counted, cpu_split, read_all
from timing import Client, fresh, in_turn

SMALL = 64


def memory(bench):
    """The last row: it looks at all mounts of the rows before, and at its own with a small budget."""
    row = Row("17", f"peak resident memory above the budget, all mounts; here level 0 twice with --memory {SMALL}M",
              "page cache warm", bytes=bench.inputs.bytes)

    def twice(kind):
        def run(_):
            with Ours(bench.peaks, bench.inputs.stack(kind), "--memory", f"{SMALL}M") as mount:
                fresh("tensorstore", mount.array)
                return fresh("tensorstore", mount.array, daemon=mount)

        return run

    row.contestants = [Contestant("ours, LZW, 2nd pass", twice("lzw")), Contestant("ours, raw, 2nd pass", twice("raw")),
                       Contestant("tifffile aszarr", lambda _: fresh("tifffile", bench.inputs.stack("raw")))]
    in_turn(row.contestants, 1, lambda: (read_all(bench.inputs.stack("raw")), read_all(bench.inputs.stack("lzw"))))
    for one, kind in zip(row.contestants, ("lzw", "raw", "raw")):
        check([one], lambda _, kind=kind: bench.volume(kind))
    peer = row.contestants[-1].samples[0].peak
    worst = sorted(set(bench.peaks), key=lambda v: v[1] - v[0])[:4]
    row.notes = [f"{len(bench.peaks)} mounts, peak resident / budget, MiB, the worst: " +
                 ", ".join(f"{p // MIB} / {b // MIB}" for p, b in worst),
                 counted(row.contestants[0]), f"tifffile's process: {peer // MIB} MiB, the volume included"]
    row.targets.append(Target("above the budget", max(p - b for p, b in bench.peaks) / MIB, 64, unit=" MiB"))
    return row


def _together(mount, n):
    """n readers let go at once; the sample of the slowest, with the processor time of all."""
    with contextlib.ExitStack() as held:
        clients = [held.enter_context(Client("tensorstore", mount.array)) for _ in range(n)]
        before = mount.cpu()
        for client in clients:
            client.ask()
        samples = [client.answer() for client in clients]
    if len({s.sha1 for s in samples}) != 1:
        raise Wrong("the readers got different voxels")
    slowest = max(samples, key=lambda s: s.wall)
    slowest.user, slowest.system = sum(s.user for s in samples), sum(s.system for s in samples)
    return mount.account(slowest, before)


def two_readers(bench):
    stack = bench.inputs.stack("lzw")
    strips = bench.inputs.planes * -(-bench.inputs.side // 32)
    row = Row("18", "two readers (tensorstore) of all of level 0, LZW strips, at once",
              f"page cache warm; mount and readers fresh; {CORES} cores", bytes=bench.inputs.bytes)

    def run(n):
        def once(_):
            with Ours(bench.peaks, stack) as mount:
                return _together(mount, n)

        return once

    row.contestants = [Contestant("ours, 2 readers", run(2)), Contestant("ours, 1 reader", run(1))]
    in_turn(row.contestants, min(2, bench.args.rounds), bench.warm("lzw"))
    check(row.contestants, lambda _: bench.volume("lzw"))
    two, one = row.contestants
    row.notes = [cpu_split(two), cpu_split(one), f"{counted(two)}; the stack has {strips} strips"]
    decoded = max(s.counts["strips_decoded"] for s in two.samples.values())
    row.targets.append(Target("times that a strip was decoded", decoded / strips, 1.0))
    return row
