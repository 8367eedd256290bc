"""What `ngffuse info` tells of the voxel sizes of all real files, as a table; a person reads it before it is kept.

usage: facts.py [--write] [--program NGFFUSE] [--shared FOLDER] [NAME..]   of the files whose path has NAME in it
       --write    the golden table anew, in place of printing the rows
"""

import argparse
import concurrent.futures
import csv
import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "tests/golden/voxel_sizes.tsv"
COLUMNS = ["source", "image", "axes", "voxel_size", "unit", "from", "z_from", "time_step", "time_from"]


def sources(shared):
    """Valid files of the corpus, and each folder of stacks."""
    files = sorted((shared / "tiff/files/valid").iterdir())
    stacks = {p.parent for p in (shared / "stacks").rglob("*") if p.suffix.lower() in (".tif", ".tiff")}
    # A folder of datasets is one source.
    stacks = {next((q.parent for q in (p, *p.parents) if q.name == "Full resolution"), p) for p in stacks}
    stacks = sorted(p for p in stacks if "Downsampled" not in p.name)
    return [*files, *stacks]


def number(value):
    return repr(float(value)).removesuffix(".0")


def rows_of(program, shared, source):
    """Of each image a row of COLUMNS; of a source that is refused one with the sentence as `from`."""
    done = subprocess.run([program, "info", "--json", source], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          errors="replace", timeout=120, check=False)
    name = str(source.relative_to(shared))
    told = json.loads(done.stdout) if done.stdout else {"images": []}
    rows = []
    for image in told["images"]:
        if "error" in image:
            rows.append([name, image["id"], "", "", "", f"refused: {image['error']}", "", "", ""])
            continue
        origin, size = image["from"], ",".join(map(number, image["voxel_size"]))
        step = number(image["time_step"]) if "time_step" in image else ""
        rows.append([name, image["id"], "".join(image["axes"]), size, image["unit"], origin["voxel_size"],
                     origin.get("z", ""), step, origin.get("time_step", "")])
    if not rows:
        said = done.stderr.strip().replace(str(source), source.name)
        rows.append([name, "", "", "", "", f"refused: {said}", "", "", ""])
    return [[" ".join(cell.split()) for cell in row] for row in rows]


def all_rows(program, shared, names=()):
    wanted = [s for s in sources(shared) if not names or any(n in str(s) for n in names)]
    with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        found = pool.map(lambda s: rows_of(program, shared, s), wanted)
        return [row for rows in found for row in rows]


def read_golden():
    with open(GOLDEN, newline="") as f:
        rows = list(csv.reader(f, delimiter="\t", quoting=csv.QUOTE_NONE))
    assert rows[0] == COLUMNS
    return rows[1:]


def main():
    p = argparse.ArgumentParser(usage=__doc__.split("\n\n")[1])
    p.add_argument("--write", action="store_true")
    p.add_argument("--program", type=Path, default=ROOT / "build/release/ngffuse")
    p.add_argument("--shared", type=Path, default=os.environ.get("NGFFUSE_SHARED", ROOT.parent / "shared"))
    p.add_argument("names", nargs="*")
    args = p.parse_args()
    lines = ["\t".join(row) + "\n" for row in [COLUMNS, *all_rows(args.program, args.shared.absolute(), args.names)]]
    if args.write:
        GOLDEN.parent.mkdir(exist_ok=True)
        GOLDEN.write_text("".join(lines))
    else:
        sys.stdout.writelines(lines)


if __name__ == "__main__":
    main()
