#!/usr/bin/env python3
"""Random walks over live mounts, compared with a model after every step. A walk that fails is cut down to
the steps that matter and written to a file that can be replayed.

usage: walk.py [--seed N] [--steps K] [--walk L] [--bin NGFFUSE] [--keep FOLDER] [--shrink SECONDS]
       walk.py --replay FILE..  [--bin NGFFUSE]

Walks of L steps (150) are drawn from the seeds N, N + 1, .. until K steps (1000) are done. Exit code: 1 where one failed.
"""

import argparse
import collections
import os
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent


def prepare(program=None):
    """The modules beside this file and those of the mount tests become importable, for the program given."""
    if program is not None:
        os.environ["NGFFUSE_BIN"] = str(Path(program).resolve())
    sys.path[:0] = [str(HERE), str(HERE.parent / "mount")]


def attempt(script, **how):
    """One performance in a folder of its own."""
    from perform import perform

    folder = Path(tempfile.mkdtemp(prefix="ngffuse-walk-"))
    try:
        return perform(script, folder, **how)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def cut_down(script, outcome, seconds, **how):
    """The script with the steps that matter, and what is wrong then."""
    from shrink import shrink

    why = [outcome.why]

    def fails(shorter):
        again = attempt(shorter, **how)
        if again.failed is not None:
            why[0] = again.why
        return again.failed

    cut = {**script, "steps": script["steps"][:outcome.failed + 1]}
    return shrink(cut, fails, seconds), why[0]


def tell(script, outcome, args):
    """Cuts a failed walk down, keeps it, and says how it is replayed."""
    from script import text_of

    print(f"seed {script['seed']}: step {outcome.failed} of {len(script['steps'])}: {outcome.why}", flush=True)
    short, why = cut_down(script, outcome, args.shrink)
    args.keep.mkdir(parents=True, exist_ok=True)
    kept = args.keep / f"seed-{script['seed']}.json"
    kept.write_text(text_of(short))
    print(f"{text_of(short)}{why}\n{len(short['steps'])} steps; again: {sys.argv[0]} --replay {kept}", flush=True)


def replay(paths):
    """How many fail."""
    from script import load

    failed = 0
    for path in paths:
        outcome = attempt(load(path))
        print(f"{path}: {'fine' if outcome.failed is None else f'step {outcome.failed}: {outcome.why}'}")
        failed += outcome.failed is not None
    return failed


def walks(args):
    """How many fail."""
    from script import draw

    done = failed = 0
    seed, start, counts = args.seed, time.monotonic(), collections.Counter()
    while done < args.steps:
        script = draw(seed, min(args.walk, args.steps - done))
        outcome = attempt(script)
        done += len(script["steps"])
        counts += outcome.counts
        if outcome.failed is not None:
            failed += 1
            tell(script, outcome, args)
        seed += 1
    seconds = time.monotonic() - start
    print(", ".join(f"{name} {n}" for name, n in sorted(counts.items())))
    print(f"seeds {args.seed} to {seed - 1}: {done} steps in {seconds:.0f} s, {failed} walks failed")
    return failed


def main():
    parse = argparse.ArgumentParser(usage=__doc__, add_help=False)
    parse.add_argument("--seed", type=int, default=1)
    parse.add_argument("--steps", type=int, default=1000)
    parse.add_argument("--walk", type=int, default=150)
    parse.add_argument("--bin")
    parse.add_argument("--keep", type=Path, default=Path(tempfile.gettempdir(), "ngffuse-walks"))
    parse.add_argument("--shrink", type=float, default=60)
    parse.add_argument("--replay", type=Path, nargs="+")
    args = parse.parse_args()
    # Ended by others it still leaves no mount behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    prepare(args.bin)
    sys.exit(1 if (replay(args.replay) if args.replay else walks(args)) else 0)


if __name__ == "__main__":
    main()
