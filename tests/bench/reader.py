"""One reader in a process of its own, which says what its reads took: reader.py KIND PATH [MORE..]

It prints a line when all is imported. Each line of its input is a region, [[z0, z1], [y0, y1], [x0, x1]], or
null for everything; [] opens only. The first one opens what PATH is. Each answer is a line of JSON.
"""

import hashlib
import json
import resource
import sys
import time
from pathlib import Path


def tensorstore_array(path):
    import tensorstore as ts

    def opened():
        array = ts.open({"driver": "zarr", "kvstore": f"file://{path}/"}, read=True).result()
        return lambda region: array[region].read().result()

    return opened


def zarr_array(path):
    import zarr

    def opened():
        array = zarr.open(str(path), mode="r")
        return lambda region: array[region]

    return opened


def chunk_file(path):
    """Regions are whole chunks: one read of one file, as plain as can be."""
    sys.path.append(str(Path(__file__).resolve().parents[1] / "mount"))
    from reading import chunk_path, decode_chunk, describe

    def opened():
        _, chunks, dtype, codec = describe(path)

        def read(region):
            index = [r.start // c for r, c in zip(region, chunks)]
            voxels = decode_chunk(chunk_path(path, index).read_bytes(), chunks, dtype, codec)
            return voxels[tuple(slice(0, r.stop - r.start) for r in region)]

        return read

    return opened


def tifffile_zarr(path):
    import tifffile
    import zarr

    def opened():
        names = sorted(map(str, path.glob("*.tif")))
        array = zarr.open(tifffile.imread(names, aszarr=True), mode="r")
        return lambda region: array[region]

    return opened


def dask_tifffile(path):
    import dask.array.image
    import tifffile

    def opened():
        array = dask.array.image.imread(f"{path}/*.tif", imread=tifffile.imread)
        return lambda region: array[region].compute()

    return opened


def tensorstore_tiff(path):
    """Opening is decoding; a trailing axis of one channel."""
    import tensorstore as ts

    def opened():
        pages = [ts.open({"driver": "tiff", "kvstore": f"file://{p}"}, read=True) for p in sorted(path.glob("*.tif"))]
        array = ts.stack([page.result() for page in pages])
        return lambda region: array[region].read().result()[..., 0]

    return opened


def dask_mean(path, levels):
    """The level that many steps of 2x2x2 above the full size, each mean rounded half up, as a cascade."""
    import dask.array as da
    import dask.array.image
    import tifffile

    def half(a):
        total = da.coarsen(lambda x, axis=None: x.sum(axis=axis, dtype="u2"), a, dict.fromkeys(range(3), 2))
        return ((total + 4) // 8).astype(a.dtype)

    def opened():
        array = dask.array.image.imread(f"{path}/*.tif", imread=tifffile.imread)
        array = array.rechunk({0: 2 ** int(levels)})
        for _ in range(int(levels)):
            array = half(array)
        return lambda region: array[region].compute()

    return opened


def tensorstore_reduced(path, levels, method):
    """In one step; its means, medians and modes are rounded or chosen by other rules."""
    import tensorstore as ts

    def opened():
        full = ts.open({"driver": "zarr", "kvstore": f"file://{path}/"}, read=True).result()
        array = ts.downsample(full, [2 ** int(levels)] * 3, method)
        return lambda region: array[region].read().result()

    return opened


KINDS = {
    "tensorstore": tensorstore_array,
    "zarr": zarr_array,
    "chunk": chunk_file,
    "tifffile": tifffile_zarr,
    "dask": dask_tifffile,
    "tensorstore-tiff": tensorstore_tiff,
    "dask-mean": dask_mean,
    "tensorstore-reduced": tensorstore_reduced,
}


def measured(call, who=resource.RUSAGE_SELF):
    """What call() gives, and what it took."""
    before = resource.getrusage(who)
    start = time.perf_counter()
    value = call()
    wall = time.perf_counter() - start
    after = resource.getrusage(who)
    took = {"wall": wall, "user": after.ru_utime - before.ru_utime, "system": after.ru_stime - before.ru_stime}
    return value, took | {"peak": after.ru_maxrss * 1024}


def main():
    import numpy as np

    kind, path = sys.argv[1], Path(sys.argv[2])
    opened, read = KINDS[kind](path, *sys.argv[3:]), None
    print("ready", flush=True)
    for line in sys.stdin:
        wanted = json.loads(line)

        def work(wanted=wanted):
            nonlocal read
            read = read or opened()
            if wanted == []:
                return None
            return read(tuple(slice(*r) for r in wanted) if wanted is not None else ...)

        voxels, answer = measured(work)
        if voxels is not None:
            answer["sha1"] = hashlib.sha1(np.ascontiguousarray(voxels)).hexdigest()
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
