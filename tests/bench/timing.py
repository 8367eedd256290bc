"""Timed runs, in turn: A B C A B C .., so that what else the machine does meets all of them alike."""

import contextlib
import json
import statistics
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

READER = Path(__file__).resolve().parent / "reader.py"


@dataclass
class Sample:
    """Seconds. daemon: those of its threads, split: (user, system), to a hundredth; None where there is none.
    sha1: of the voxels. peak: resident bytes of the client."""

    wall: float
    user: float
    system: float
    daemon: float = None
    split: tuple = None
    sha1: str = None
    peak: int = None
    counts: dict = field(default_factory=dict)

    @property
    def client(self):
        return self.user + self.system

    @property
    def cpu(self):
        return self.client + (self.daemon or 0)


class Client:
    """A process of reader.py for a `with` statement. It has imported all that it needs when this returns."""

    def __init__(self, kind, path, *more):
        self._command = [sys.executable, READER, kind, path, *map(str, more)]

    def __enter__(self):
        self._process = subprocess.Popen(self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if self._process.stdout.readline() != "ready\n":
            self.__exit__()
            raise RuntimeError(f"{self._command[2:]} did not start")
        return self

    def __exit__(self, *_):
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()

    def ask(self, region=None):
        self._process.stdin.write(json.dumps(region) + "\n")
        self._process.stdin.flush()

    def answer(self):
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self._command[2:]} ended")
        return Sample(**json.loads(line))

    def read(self, region=None, daemon=None):
        """daemon: an Ours, whose processor time is counted as well."""
        before = daemon.cpu() if daemon else None
        self.ask(region)
        sample = self.answer()
        if daemon:
            daemon.account(sample, before)
        return sample


def fresh(kind, path, region=None, daemon=None, more=()):
    """One read by a new process, opening included, imports not."""
    with Client(kind, path, *more) as client:
        return client.read(region, daemon)


@dataclass
class Contestant:
    """run(round) -> Sample. It takes part in every `every`-th round."""

    name: str
    run: callable
    every: int = 1
    samples: dict = field(default_factory=dict)

    def median(self, what):
        values = [what(s) for s in self.samples.values()]
        return statistics.median(values) if None not in values else None


def in_turn(contestants, rounds, warm):
    """warm(): before each run, so that all of them find the same caches, whoever dropped them in between."""
    for i in range(rounds):
        for one in contestants:
            if i % one.every == 0:
                warm()
                one.samples[i] = one.run(i)


def pairs(ours, other, what=lambda s: s.wall):
    """Of the rounds that both took part in: other / ours, how many times better ours is."""
    both = sorted(ours.samples.keys() & other.samples.keys())
    return [what(other.samples[i]) / what(ours.samples[i]) for i in both]
