"""The pyramid in NumPy: which levels an image has, where they lie, and their voxels, each level from the one
before. Written from the rules alone, as what the program is held against.

Everything is in z,y,x; only the names of mags are in x,y,z, as WEBKNOSSOS writes them. An image without z has
size, voxel size and factor 1 there.
"""

from dataclasses import dataclass

import numpy as np

METHODS = ("median", "mean", "mode", "nearest", "min", "max")


class Refused(ValueError):
    """No such ladder; the text says why."""


# --- ladders


@dataclass(frozen=True)
class Level:
    mag: tuple
    shape: tuple
    scale: tuple
    translation: tuple  # of the first voxel's middle, where level 0 has its own at 0

    @property
    def name(self):
        return mag_name(self.mag)


def mag_name(mag):
    """(1, 2, 2) -> "2-2-1", (4, 4, 4) -> "4"."""
    return str(mag[0]) if len(set(mag)) == 1 else "-".join(str(m) for m in reversed(mag))


def mag_of(name):
    numbers = [int(n) for n in str(name).split("-")]
    return tuple(reversed(numbers * 3 if len(numbers) == 1 else numbers))


def default_limit(shape):
    """Of a ladder without --max-mag: the smallest power of two >= 4 and >= the larger side / 100."""
    limit = 4
    while limit * 100 < max(shape[-2:]):
        limit *= 2
    return limit


def mags(shape, voxel, mode="anisotropic", max_mag=None):
    """All mags, level 0 included. mode: a word, or factors "1,2,2:2,2,2", the last repeating."""
    limit = mag_of(max_mag or default_limit(shape))
    if "," in mode:
        return _explicit(mode, limit)
    if shape[0] == 1:
        mode = "constant_z"
    if mode == "constant_z":
        limit = (1, *limit[1:])
    found, mag = [(1, 1, 1)], (1, 1, 1)
    while max(mag) < max(limit):
        mag, is_level = _anisotropic(mag, voxel, limit) if mode == "anisotropic" else (_doubled(mag, limit), True)
        if is_level:
            found.append(mag)
    return found


def _doubled(mag, limit, which=(True, True, True)):
    return tuple(min(m * 2 if w else m, most) for m, most, w in zip(mag, limit, which))


def _anisotropic(mag, voxel, limit):
    """The next mag, and whether it is a level or only on the way to one."""
    size = [m * v for m, v in zip(mag, voxel)]
    smallest = [s == min(size) for s in size]
    apart = [s * 2 if w else s for s, w in zip(size, smallest)]
    if max(size) * 2 / (min(size) * 2) < max(apart) / min(apart):
        return _doubled(mag, limit), True
    new = _doubled(mag, limit, smallest)
    if new == mag:
        raise Refused(f"mag {mag_name(limit)} cannot be reached from {mag_name(mag)}")
    return new, max(new) > max(mag)


def _explicit(text, limit):
    steps = [tuple(int(n) for n in step.split(",")) for step in text.split(":")]
    found = [(1, 1, 1)]
    while max(found[-1]) < max(limit):
        step = steps[min(len(found), len(steps)) - 1]
        if step == (1, 1, 1):
            raise Refused("factor 1,1,1")
        found.append(tuple(m * f for m, f in zip(found[-1], step)))
    return found


def ladder(shape, voxel, mode="anisotropic", max_mag=None):
    """The levels of an image of that shape, level 0 included."""
    return [Level(mag, level_shape(shape, mag), tuple(v * m for v, m in zip(voxel, mag)),
                  tuple(v * (m - 1) / 2 for v, m in zip(voxel, mag)))
            for mag in mags(shape, voxel, mode, max_mag)]


def level_shape(shape, mag):
    return tuple(-(-n // m) for n, m in zip(shape, mag))


def steps(levels):
    """Factors from each mag to the next."""
    return [tuple(b // a for a, b in zip(before, after)) for before, after in zip(levels, levels[1:])]


# --- voxels


def cascade(volume, ladder_mags, method):
    """The voxels of every level. volume: (.., z, y, x), each outer index for itself."""
    out = [volume]
    for step in steps(ladder_mags):
        out.append(reduce(out[-1], step, method))
    return out


def decimated(volume, ladder_mags):
    """The levels of `--preview always`."""
    return [volume[..., ::z, ::y, ::x] for z, y, x in ladder_mags]


def reduce(volume, factors, method):
    if method == "nearest":
        return volume[(..., *(slice(None, None, f) for f in factors))].copy()
    return METHOD[method](windows(volume, factors))


def windows(volume, factors):
    """(.., z, y, x, n): the n voxels of each window, y fastest, then x, then z; beyond the end the voxels are
    mirrored, the last one included."""
    outer = volume.ndim - 3
    shape = list(volume.shape[:outer])
    for axis, f in enumerate(factors):
        n = volume.shape[outer + axis]
        size = -(-n // f)
        at = np.arange(size * f) % (2 * n)
        volume = volume.take(np.where(at < n, at, 2 * n - 1 - at), outer + axis)
        shape += [size, f]
    z, fz, y, fy, x, fx = range(outer, outer + 6)
    order = [*range(outer), z, y, x, fz, fx, fy]
    split = volume.reshape(shape).transpose(order)
    return split.reshape(*split.shape[:outer + 3], -1)


def median(w):
    """The middle one, or half the sum of two: toward zero for integers, in their type for floats."""
    w = np.sort(w, axis=-1)  # NaN last
    if w.dtype.kind == "f":
        n = np.count_nonzero(~np.isnan(w), axis=-1)[..., None]
        low, high = (np.take_along_axis(w, i, -1)[..., 0] for i in (np.maximum(n - 1, 0) // 2, n // 2 % w.shape[-1]))
        two = w.dtype.type(2)
        with np.errstate(all="ignore"):
            return np.where(n[..., 0] % 2 == 1, low, np.where(n[..., 0] == 0, np.nan, (low + high) / two)).astype(w.dtype)
    n = w.shape[-1]
    low, high = w[..., (n - 1) // 2], w[..., n // 2]
    down = (low & high) + ((low ^ high) >> 1)
    return down + ((down < 0) & ((low ^ high) & 1 == 1)).astype(w.dtype)


def mean(w):
    n = w.shape[-1]
    if w.dtype.kind == "f":
        return _mean_of_floats(w)
    if w.dtype.itemsize < 8:
        return ((2 * w.sum(axis=-1, dtype="i8") + n) // (2 * n)).astype(w.dtype)
    # The sum needs up to 70 bits: upper and lower halves apart. n is a power of two.
    k = n.bit_length() - 1
    lower = (w & w.dtype.type(0xFFFFFFFF)).sum(axis=-1, dtype=w.dtype) + w.dtype.type(n // 2)
    upper = (w >> w.dtype.type(32)).sum(axis=-1, dtype=w.dtype) + (lower >> w.dtype.type(32))
    lower = lower & w.dtype.type(0xFFFFFFFF)
    return (upper << w.dtype.type(32 - k)) + (lower >> w.dtype.type(k))


def _mean_of_floats(w):
    """Added in window order, in their own type; NaN left out."""
    total = np.zeros(w.shape[:-1], w.dtype)
    there = ~np.isnan(w)
    with np.errstate(all="ignore"):
        for i in range(w.shape[-1]):
            total = np.where(there[..., i], total + w[..., i], total)
        return (total / there.sum(axis=-1).astype(w.dtype)).astype(w.dtype)


def mode(w):
    """The most frequent value, of several the first; NaN equals nothing."""
    best, most = w[..., 0].copy(), np.zeros(w.shape[:-1], int)
    for i in range(w.shape[-1]):
        count = np.count_nonzero(w == w[..., i:i + 1], axis=-1)
        np.copyto(best, w[..., i], where=count > most)
        np.maximum(most, count, out=most)
    return best


METHOD = {
    "median": median, "mean": mean, "mode": mode,
    "min": lambda w: np.fmin.reduce(w, axis=-1), "max": lambda w: np.fmax.reduce(w, axis=-1),
}


def same(a, b):
    """Where two arrays are equal; NaN equals NaN, and 0 equals -0, of which no rule says which one is meant."""
    equal = a == b
    if a.dtype.kind == "f":
        equal |= np.isnan(a) & np.isnan(b)
    return equal
