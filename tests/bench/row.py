"""One row of the table, and what all rows share."""

import hashlib
import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import tifffile
from timing import Contestant, Sample, pairs

HERE = Path(__file__).resolve().parent
CORES = len(os.sched_getaffinity(0))
MIB = 1 << 20


@dataclass
class Target:
    """What the first contestant is held to: `value` of `what`, at least or at most `limit`."""

    what: str
    value: float
    limit: float
    at_least: bool = False
    unit: str = ""

    @property
    def met(self):
        return self.value >= self.limit if self.at_least else self.value <= self.limit


@dataclass
class Row:
    """contestants: ours is the first. bytes: of voxels in one run, 0 where a rate says nothing. notes: where
    the time goes."""

    name: str
    what: str
    caches: str
    contestants: list = field(default_factory=list)
    targets: list = field(default_factory=list)
    notes: list = field(default_factory=list)
    bytes: int = 0
    unit: str = "s"


class Wrong(Exception):
    """Voxels differ from those that tifffile reads."""


def read_all(folder):
    for top, _, names in os.walk(folder):
        for name in names:
            with open(os.path.join(top, name), "rb", buffering=0) as f:
                while f.read(1 << 20):
                    pass


class Bench:
    """What a row gets: inputs, sizes, and the helpers that all rows use."""

    def __init__(self, inputs, args, work):
        self.inputs, self.args, self.work = inputs, args, Path(work)
        self.peaks = []
        self._volumes = {}
        self._libtiff = None

    def volume(self, kind):
        """As tifffile reads the stack."""
        if kind not in self._volumes:
            planes = [tifffile.imread(p) for p in sorted(self.inputs.stack(kind).iterdir())]
            self._volumes[kind] = np.stack(planes)
        return self._volumes[kind]

    def warm(self, kind):
        """-> a function that brings the stack into the page cache."""
        return lambda: read_all(self.inputs.stack(kind))

    @property
    def libtiff(self):
        if self._libtiff is None:
            self._libtiff = self.work / "libtiff_read"
            source = HERE / "libtiff_read.c"
            subprocess.run(["cc", "-O2", "-o", self._libtiff, source, "-ltiff", "-lpthread"], check=True)
        return self._libtiff

    def run_libtiff(self, kind, threads, first, end, planes):
        files = sorted(self.inputs.stack(kind).iterdir())[planes]
        command = [self.libtiff, str(threads), str(first), str(end), *files]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        size, wall, user, system = map(float, done.stdout.split())
        if size < len(files) * ((end - first) or self.inputs.side) * self.inputs.side:
            raise Wrong(f"libtiff decoded {size} bytes only")
        return Sample(wall, user, system)


def check(contestants, wanted):
    """wanted(round) -> voxels: those that every reader got. -> how many reads were compared."""
    compared = 0
    digests = {}
    for one in contestants:
        for i, sample in one.samples.items():
            if sample.sha1 is None:
                continue
            if i not in digests:
                digests[i] = hashlib.sha1(np.ascontiguousarray(wanted(i))).hexdigest()
            if sample.sha1 != digests[i]:
                raise Wrong(f"{one.name}: the voxels of round {i} are wrong")
            compared += 1
    return compared


def ratio(row, name):
    """Median of the pairs: how many times faster than that contestant ours is."""
    other = next(c for c in row.contestants if c.name == name)
    return float(np.median(pairs(row.contestants[0], other)))


def cpu_split(one):
    """Where the processor time of a contestant went, mean of its rounds."""
    user, system, daemon_user, daemon_system = (
        np.mean([value(s) for s in one.samples.values()])
        for value in (lambda s: s.user, lambda s: s.system, lambda s: s.split[0], lambda s: s.split[1]))
    return (f"{one.name}: client {user:.3f} s user + {system:.3f} system, "
            f"daemon {daemon_user:.3f} user + {daemon_system:.3f} system")


def counted(one):
    last = one.samples[max(one.samples)].counts
    return f"{one.name}, since the mount: " + ", ".join(f"{k.replace('_', ' ')} {v}" for k, v in last.items())


__all__ = ["CORES", "MIB", "Bench", "Contestant", "Row", "Target", "Wrong", "check", "counted", "cpu_split",
           "ratio", "read_all"]
