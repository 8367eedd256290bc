"""Level 0 through the mount beside its peers, and from mount to first chunk.

    build/venv-zarr3/bin/python tests/bench/level0.py [--mib 512] [--rounds 3] [--slices 100,10000,100000]

Peers run in turn (interleaved rounds); printed are median and best seconds and the CPU seconds of client and daemon. Prints
figures, never fails on them.
"""
import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np
import tifffile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
NGFFUSE = os.environ.get("NGFFUSE_BIN", os.path.join(ROOT, "build/release/ngffuse"))

TENSORSTORE = """
import sys, tensorstore as ts
a = ts.open({"driver": "zarr", "kvstore": "file://" + sys.argv[1] + "/"}, read=True).result()
a.read().result()
"""
ASZARR = """
import sys, glob, tifffile, zarr
z = zarr.open(tifffile.imread(sorted(glob.glob(sys.argv[1] + "/*.tif")), aszarr=True), mode="r")
z[...]
"""


def make_stack(folder, kind, planes, side=2048):
    os.makedirs(folder)
    rng = np.random.default_rng(1)
    base = np.cumsum(rng.integers(-2, 3, (side, side)), axis=1).astype("u1")
    options = {"photometric": "minisblack", "metadata": None, "rowsperstrip": 32}
    if kind == "lzw":
        options.update(compression="lzw", predictor=2)
    for z in range(planes):
        tifffile.imwrite(f"{folder}/s_{z:05d}.tif", np.roll(base, 3 * z, axis=0), **options)


def children_cpu(run):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    run()
    wall = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def python(code, *args):
    subprocess.run([sys.executable, "-c", code, *args], check=True)


class Mount:
    def __init__(self, source, *options):
        self.dir = tempfile.mkdtemp()
        self.process = subprocess.Popen([NGFFUSE, "-f", "-q", *options, source, self.dir])
        while not os.path.exists(self.dir + "/.zgroup"):
            time.sleep(0.0005)

    def image(self):
        return f"{self.dir}/{[n for n in os.listdir(self.dir) if n.endswith('.zarr')][0]}/0"

    def memory_peak(self):
        with open(f"/proc/{self.process.pid}/status") as f:
            return next(int(line.split()[1]) for line in f if line.startswith("VmHWM")) // 1024

    def end(self):
        subprocess.run([NGFFUSE, "-u", self.dir], check=True)
        self.process.wait()
        os.rmdir(self.dir)


def through_mount(source, *options):
    m = Mount(source, *options)
    image = m.image()
    wall, cpu = children_cpu(lambda: python(TENSORSTORE, image))
    with open(f"/proc/{m.process.pid}/stat") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    daemon = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    peak = m.memory_peak()
    m.end()
    return wall, cpu, daemon, peak


def compare(kind, mib, rounds, libtiff, work):
    stack, real = f"{work}/{kind}", f"{work}/{kind}_real"
    make_stack(stack, kind, mib // 4)
    m = Mount(stack)
    shutil.copytree(m.image(), real)
    m.end()
    files = sorted(os.path.join(stack, n) for n in os.listdir(stack))
    rows = {name: [] for name in ("mount, tensorstore", "real files, tensorstore", "tifffile aszarr", "libtiff, 2 threads")}
    for _ in range(rounds):
        rows["mount, tensorstore"].append(through_mount(stack))
        rows["real files, tensorstore"].append(children_cpu(lambda: python(TENSORSTORE, real)))
        rows["tifffile aszarr"].append(children_cpu(lambda: python(ASZARR, stack)))
        rows["libtiff, 2 threads"].append(
            children_cpu(lambda: subprocess.run([libtiff, "2", *files], check=True, stdout=subprocess.DEVNULL)))
    print(f"\n{mib} MiB of {kind} strips of 32 rows, 2048 wide, u1; {os.cpu_count()} cores, {rounds} rounds")
    for name, runs in rows.items():
        walls = [r[0] for r in runs]
        line = f"  {name:26s} median {statistics.median(walls):6.2f} s  best {min(walls):6.2f} s  CPU {statistics.median(r[1] for r in runs):5.2f} s"
        if len(runs[0]) > 2:
            line += f" + daemon {statistics.median(r[2] for r in runs):5.2f} s, peak {max(r[3] for r in runs)} MiB"
        print(line)
    ratio = statistics.median(a[0] / b[0] for a, b in zip(rows["mount, tensorstore"], rows["libtiff, 2 threads"]))
    print(f"  mount / libtiff {ratio:.2f} (median of pairs)")
    shutil.rmtree(stack)
    shutil.rmtree(real)


def first_chunk(count, work):
    stack = f"{work}/many"
    os.makedirs(stack)
    page = f"{work}/page.tif"
    tifffile.imwrite(page, np.arange(64 * 64, dtype="u1").reshape(64, 64), photometric="minisblack", metadata=None)
    data = open(page, "rb").read()
    for z in range(count):
        with open(f"{stack}/s_{z:06d}.tif", "wb") as f:
            f.write(data)
    for _ in range(2):
        start = time.perf_counter()
        m = Mount(stack)
        ready = time.perf_counter() - start
        with open(m.image() + "/0/0/0", "rb") as f:
            f.read()
        total = time.perf_counter() - start
        peak = m.memory_peak()
        m.end()
    print(f"  {count:7d} slices: ready {ready:.3f} s, first chunk {total:.3f} s, peak {peak} MiB")
    shutil.rmtree(stack)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--mib", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--slices", default="100,10000,100000")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        libtiff = f"{work}/libtiff_level"
        subprocess.run(["cc", "-O2", "-o", libtiff, f"{HERE}/libtiff_level.c", "-ltiff", "-lpthread"], check=True)
        for kind in ("raw", "lzw"):
            compare(kind, args.mib, args.rounds, libtiff, work)
        print("\nmount to first chunk, 64x64 slices, warm")
        for count in args.slices.split(","):
            first_chunk(int(count), work)


if __name__ == "__main__":
    main()
