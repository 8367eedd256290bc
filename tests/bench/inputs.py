"""What the bench reads: stacks like those of an electron microscope, one file a plane, kept for the next run."""

import os
import shutil
from pathlib import Path

import numpy as np
import tifffile

KINDS = {
    "raw": {"rowsperstrip": 32},
    "lzw": {"rowsperstrip": 32, "compression": "lzw", "predictor": 2},
    "raw-u2": {"rowsperstrip": 32},
    "labels-u4": {"rowsperstrip": 32},
}
# Of the planes of `raw`, so many times fewer: as many bytes.
FEWER = {"raw-u2": 2, "labels-u4": 4}
# Lattice in plane, lattice in z, amplitude: value noise that looks like tissue; sigma of the noise of the camera.
OCTAVES = [(64, 32, 30), (16, 8, 28), (4, 3, 14)]
MEAN, SIGMA = 138, 7


def _stretch(lattice, step):
    """Linear interpolation along the last axis: `step` values from each lattice point on."""
    low, rise = lattice[:, :-1, None], np.diff(lattice)[:, :, None]
    return (low + rise * (np.arange(step, dtype="f4") / step)).reshape(len(lattice), -1)


def em_like(planes, side):
    """Yields 8 bit planes, which LZW with predictor 2 makes an eighth smaller and no more."""
    rng = np.random.default_rng(1)
    lattices = []
    for step, deep, _ in OCTAVES:
        shape = (planes // deep + 2, side // step + 2, side // step + 2)
        lattices.append(rng.random(shape, dtype="f4") * 2 - 1)
    for z in range(planes):
        plane = rng.standard_normal((side, side), dtype="f4") * SIGMA + MEAN
        for lattice, (step, deep, amplitude) in zip(lattices, OCTAVES):
            k, t = divmod(z, deep)
            flat = lattice[k] + (lattice[k + 1] - lattice[k]) * np.float32(t / deep)
            wide = _stretch(_stretch(flat, step).T, step).T
            plane += amplitude * wide[:side, :side]
        yield np.clip(plane, 0, 255).astype("u1")


def _as_kind(kind, plane):
    """16 bits of a camera; ids of grains."""
    if kind == "raw-u2":
        return plane.astype("u2") * 251 + plane[::-1]
    if kind == "labels-u4":
        return (plane >> 5).repeat(8, 0).repeat(8, 1)[:len(plane), :len(plane)] * np.uint32(70001)
    return plane


def _made(folder, make):
    """`folder`, made by make(another folder) where it is not there yet; never half of it."""
    if not folder.exists():
        partial = folder.with_name(folder.name + ".partial")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        make(partial)
        os.sync()
        partial.rename(folder)
    return folder


class Inputs:
    """Stacks below `folder`, made when they are first asked for."""

    def __init__(self, folder, planes, side):
        self._folder, self.planes, self.side = Path(folder), planes, side

    @property
    def bytes(self):
        return self.planes * self.side**2

    def stack(self, kind):
        def make(folder):
            for z, plane in enumerate(em_like(self.planes // FEWER.get(kind, 1), self.side)):
                tifffile.imwrite(folder / f"s_{z:05d}.tif", _as_kind(kind, plane), photometric="minisblack",
                                 metadata=None, **KINDS[kind])

        return _made(self._folder / f"{kind}-{self.planes}x{self.side}x{self.side}", make)

    def many(self, n):
        """n small slices, a file of its own each."""

        def make(folder):
            page = folder / "s_000000.tif"
            tifffile.imwrite(page, next(em_like(1, 64)), photometric="minisblack", metadata=None)
            data = page.read_bytes()
            for z in range(1, n):
                (folder / f"s_{z:06d}.tif").write_bytes(data)

        return _made(self._folder / f"many-{n}", make)

    def deep(self, n):
        """n names for the planes of the raw stack, over and over."""
        planes = sorted(self.stack("raw").iterdir())

        def make(folder):
            for z in range(n):
                os.link(planes[z % len(planes)], folder / f"s_{z:05d}.tif")

        return _made(self._folder / f"deep-{n}-{self.planes}x{self.side}x{self.side}", make)
