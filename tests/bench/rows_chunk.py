"""Row 9 and slow storage: one chunk somewhere, which nobody has touched before, nor its neighbours."""

import contextlib
import random

import numpy as np
from ours import Ours
from row import CORES, Contestant, Row, Target, check, counted, cpu_split
from slow_storage import SlowStorage
from timing import Client, in_turn

PEERS_EVERY = 4
SLOW_PLANES, SLOW_DEPTH, SLOW_MS = 3200, 16, 10
SAMPLED = 64


def _opened(held, kind, path):
    """A client that has read what it needs to know of the image, but no voxel."""
    client = held.enter_context(Client(kind, path))
    client.read([])
    return client


def lzw_chunk(bench):
    """Chunks of 64 cubed, each in a run of its own."""
    planes, side, edge = bench.inputs.planes, bench.inputs.side, 64
    stack = bench.inputs.stack("lzw")
    across = side // edge
    rng = random.Random(9)
    # Every other one: two that follow each other would have the next one read ahead.
    runs = range(0, planes // edge * across, 2)
    regions = [[[o, o + edge] for o in (run // across * edge, run % across * edge, rng.randrange(across) * edge)]
               for run in rng.sample(runs, min(bench.args.chunks, len(runs)))]

    def libtiff(threads):
        return lambda i: bench.run_libtiff("lzw", threads, *regions[i][1], slice(*regions[i][0]))

    row = Row("9", f"random chunk of 64x64x64, LZW strips, {side} wide",
              "page cache warm, the chunk's run cold; opening not counted", unit="ms")
    options = ["--chunk-shape", f"{edge},{edge},{edge}"]
    with Ours(bench.peaks, stack, *options) as mount, contextlib.ExitStack() as held:
        plain = _opened(held, "chunk", mount.array)
        tifffile, dask = (_opened(held, kind, stack) for kind in ("tifffile", "dask"))
        row.contestants = [
            Contestant("ours, plain read", lambda i: plain.read(regions[i], mount)),
            Contestant("libtiff, touched strips, 1 thread", libtiff(1)),
            Contestant(f"libtiff, touched strips, {CORES} threads", libtiff(CORES)),
            Contestant("tifffile aszarr", lambda i: tifffile.read(regions[i]), PEERS_EVERY),
            Contestant("dask and tifffile", lambda i: dask.read(regions[i]), PEERS_EVERY),
        ]
        in_turn(row.contestants, len(regions), bench.warm("lzw"))
    compared = check(row.contestants, lambda i: bench.volume("lzw")[tuple(slice(*r) for r in regions[i])])
    ours = row.contestants[0]
    row.notes = [cpu_split(ours), f"{counted(ours)}; {len(regions)} chunks touch "
                 f"{len(regions) * edge * -(-edge // 32)} strips", f"{compared} chunks compared equal with tifffile's"]
    row.targets.append(_latency(ours, 45))
    return row


def _latency(ours, limit):
    return Target("median", ours.median(lambda s: s.wall) * 1000, limit, unit=" ms")


def _unopened_layers():
    """Layers that hold none of the evenly spaced files that a mount may have looked into, nor their neighbours."""
    looked = {round(i * (SLOW_PLANES - 1) / (SAMPLED - 1)) + d for i in range(SAMPLED) for d in (-1, 0, 1)}
    return [z for z in range(SLOW_PLANES // SLOW_DEPTH)
            if looked.isdisjoint(range(z * SLOW_DEPTH, (z + 1) * SLOW_DEPTH))]


def slow_chunk(bench):
    """One file a plane: 16 files that are not open yet."""
    side, width = bench.inputs.side, min(256, bench.inputs.side)
    stack, volume = bench.inputs.deep(SLOW_PLANES), bench.volume("raw")
    rng = random.Random(10)
    layers = _unopened_layers()
    regions = []
    for z in rng.sample(layers, min(bench.args.chunks, len(layers))):
        y, x = (rng.randrange(side // width) * width for _ in "yx")
        regions.append([[z * SLOW_DEPTH, (z + 1) * SLOW_DEPTH], [y, y + width], [x, x + width]])

    row = Row("slow", f"random chunk of {SLOW_DEPTH}x{width}x{width}, raw strips, one file a plane, at {SLOW_MS} ms "
              "for each read, stat and open",
              "nothing cached, files not open yet; opening of the image not counted", unit="ms")
    asked = []
    with SlowStorage(stack) as slow, contextlib.ExitStack() as held:
        mount = held.enter_context(Ours(bench.peaks, slow.path, "--chunk-shape", f"{SLOW_DEPTH},{width},{width}"))
        client, peer = _opened(held, "chunk", mount.array), _opened(held, "tifffile", slow.path)

        def run(i):
            slow.reset()
            sample = client.read(regions[i], mount)
            asked.append(slow.counters())
            return sample

        row.contestants = [Contestant("ours, plain read", run),
                           Contestant("tifffile aszarr", lambda i: peer.read(regions[i]), PEERS_EVERY)]
        slow.settle()
        slow.delay(read=SLOW_MS, stat=SLOW_MS, open=SLOW_MS)
        in_turn(row.contestants, len(regions), bench.warm("raw"))
        slow.delay(read=0, stat=0, open=0)

    def truth(i):
        z, y, x = (slice(*r) for r in regions[i])
        return volume[np.arange(z.start, z.stop) % len(volume), y, x]

    compared = check(row.contestants, truth)
    ours, last, trips = row.contestants[0], asked[-1], [c["round_trips"] for c in asked]
    row.notes = [cpu_split(ours), counted(ours),
                 f"round trips of a chunk: {min(trips)} to {max(trips)}, median {np.median(trips):g}; of the last one: "
                 f"{last['stats']} stats, {last['opens']} opens, {last['reads']} reads, at most "
                 f"{last['most_reads_in_flight']} reads at a time",
                 f"{compared} chunks compared equal with tifffile's"]
    row.targets.append(_latency(ours, 9 * SLOW_MS))
    return row
