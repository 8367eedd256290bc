"""The mount beside its peers: ./setup bench [--quick] [--rows 1,4] [--json FILE]

Each row measures ours and the peers in turn, compares the voxels that all of them got with tifffile's, and
holds ours against a target. Client and daemon: median seconds of processor time, of one run. `/ ours`: the
median over the rounds of the peer's time / ours; `CPU /`: the ratio of the median processor times, client and
daemon together, which stays true on a busy machine. Where it may, the bench runs before whatever else the machine
does. A target missed is no error; wrong voxels and a row that could not be measured are (exit code 1).
"""

import argparse
import importlib
import json
import os
import platform
import sys
import tempfile
import traceback
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests/mount"))

from inputs import Inputs
from row import CORES, Bench
from table import as_json, text
from workbench import before_others

# In this order; 17 looks back at all the others.
ROWS = {"1": ("rows_level", "raw_level"), "4": ("rows_level", "lzw_level"), "9": ("rows_chunk", "lzw_chunk"),
        "12": ("row_open", "first_chunk"), "13": ("rows_pyramid", "lzw_coarsest"),
        "14": ("rows_pyramid", "raw_coarsest"), "15": ("rows_pyramid", "level_one"),
        "18": ("rows_limits", "two_readers"), "slow": ("rows_chunk", "slow_chunk"), "17": ("rows_limits", "memory")}
QUICK = {"planes": 64, "side": 1024, "rounds": 3, "chunks": 8, "slices": 10000}


def arguments(argv):
    parser = argparse.ArgumentParser(prog="setup bench", description=__doc__,
                                     formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--quick", action="store_true", help=f"the same with {QUICK}")
    parser.add_argument("--rows", default=",".join(ROWS), help="default: %(default)s")
    parser.add_argument("--planes", type=int, default=64, help="of the stacks, a multiple of 64; default: %(default)s")
    parser.add_argument("--side", type=int, default=2048, help="of a plane, a multiple of 64; default: %(default)s")
    parser.add_argument("--rounds", type=int, default=5, help="default: %(default)s")
    parser.add_argument("--chunks", type=int, default=24, help="random chunks of rows 9 and slow; default: %(default)s")
    parser.add_argument("--slices", type=int, default=100000, help="of row 12; default: %(default)s")
    parser.add_argument("--inputs", default=ROOT / "build/bench", help="where the stacks lie; default: %(default)s")
    parser.add_argument("--json", default=ROOT / "build/bench/bench.json", help="default: %(default)s")
    if "--quick" in argv:
        parser.set_defaults(**QUICK)
    args = parser.parse_args(argv)
    args.rows = args.rows.split(",")
    if not set(args.rows) <= set(ROWS):
        parser.error(f"rows are {', '.join(ROWS)}")
    return args


def machine():
    packages = ("numpy", "zarr", "tensorstore", "tifffile", "imagecodecs", "dask")
    return {"cores": CORES, "kernel": platform.release(), "python": platform.python_version(),
            "packages": {p: version(p) for p in packages}}


def measure(name, bench):
    """-> the row's text and JSON."""
    module, function = ROWS[name]
    before = os.getloadavg()[0]
    row = getattr(importlib.import_module(module), function)(bench)
    load = before, os.getloadavg()[0]
    return text(row, load), as_json(row, load)


def main(argv):
    args = arguments(argv)
    Path(args.inputs).mkdir(parents=True, exist_ok=True)
    about = machine()
    packages = " ".join(f"{k} {v}" for k, v in about["packages"].items())
    print(f"{about['cores']} cores, Linux {about['kernel']}, Python {about['python']}, {packages}")
    rows, failed = [], 0
    with tempfile.TemporaryDirectory(prefix="bench-", dir=args.inputs) as work, before_others():
        bench = Bench(Inputs(args.inputs, args.planes, args.side), args, work)
        for name in [n for n in ROWS if n in args.rows]:
            try:
                words, data = measure(name, bench)
            except Exception as e:
                traceback.print_exc()
                failed += 1
                words, data = f"\nRow {name}: not measured: {e!r}", {"row": name, "error": repr(e)}
            print(words, flush=True)
            rows.append(data)
    sizes = {k: v for k, v in vars(args).items() if k not in ("json", "inputs")}
    Path(args.json).parent.mkdir(parents=True, exist_ok=True)
    Path(args.json).write_text(json.dumps({"machine": about, "sizes": sizes, "rows": rows}, indent=1) + "\n")
    print(f"\n{args.json}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
