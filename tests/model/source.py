"""The folder that a walk mounts: writes its files, changes them, and knows what each of them holds. What
a file says is taken from tifffile; what lies in a strip that was spoilt or cut off is damage."""

import os
import random
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tifffile
from make_stacks import GRAY, Layout, pixels, write_tiff
from reading import assert_same

LEAST_WHOLE = 3  # files that stay readable, so that there is an image


@dataclass
class Content:
    """What lies in one file. voxels: (page, sample, y, x); lost: which of (page, y, x) cannot be read; units: the
    places of each page's strips or tiles in the file."""

    voxels: np.ndarray
    lost: np.ndarray
    units: list

    def whole(self):
        return not self.lost.any()


@dataclass(frozen=True)
class Stack:
    """How a source is drawn. planes: z; missing: numbers that no file has; paged: one file of pages."""

    layout: Layout
    dtype: str
    planes: int
    height: int
    width: int
    channels: int = 1
    samples: int = 1
    paged: bool = False
    missing: tuple = ()
    seed: int = 0

    @property
    def axes(self):
        return "zyx" if self.channels == self.samples == 1 else "czyx"


class Source:
    """.files: key (c, z), or (0, 0) of the file of pages, to Content or None where there is none."""

    def __init__(self, folder, stack):
        self.folder, self.stack = Path(folder), stack
        self.folder.mkdir(parents=True)
        self._seeds = random.Random(stack.seed)
        self._unsynced, self._swapped = set(), set()
        self.files = {}
        self.sample_layout = Layout(**{"photometric": 0 if stack.samples >= 3 else GRAY, **vars(stack.layout)})
        for c in range(stack.channels):
            for z in range(1 if stack.paged else stack.planes):
                self.files[c, z] = None
                if z not in stack.missing:
                    self._place(self.path((c, z)), (c, z))
        self.keys = sorted(self.files)

    def path(self, key):
        if self.stack.paged:
            return self.folder / "stack.tif"
        c, z = key
        return self.folder / (f"s_c{c}_z{z:03d}.tif" if self.stack.channels > 1 else f"s_{z:04d}.tif")

    def _place(self, path, key):
        """Writes a new file with voxels never seen before."""
        s = self.stack
        shape = (s.height, s.width) if s.samples == 1 else (s.height, s.width, s.samples)
        drawn = [pixels(shape, s.dtype, seed=self._seeds.randrange(1 << 30))
                 for _ in range(s.planes if s.paged else 1)]
        units = write_tiff(path, drawn, self.sample_layout)
        self.files[key] = Content(_read(path), np.zeros((len(drawn), s.height, s.width), bool), units)
        for page, plane in zip(self.files[key].voxels, drawn):
            assert_same(page if s.samples > 1 else page[0], np.moveaxis(plane, -1, 0) if s.samples > 1 else plane,
                        f"{path.name}: tifffile and the writer")
        self._unsynced.add(key)

    # --- changes; each returns whether it did something

    def change(self, how, key, a, b):
        """how: the name of a method below, without its underscore. a, b: whole numbers that it may use."""
        lies = self.files[key] is not None
        if (how != "replace" and not lies) or (how in ("remove", "cut", "empty") and not self._can_lose(key)):
            return False
        done = getattr(self, f"_{how}")(key, a, b)
        self._unsynced.add(key)
        return done is not False

    def _can_lose(self, key):
        """Neither the ends of the range, which decide its length, nor more than leaves an image."""
        _, z = key
        others = sum(c is not None and c.whole() for k, c in self.files.items() if k != key)
        return not self.stack.paged and 0 < z < self.stack.planes - 1 and others >= LEAST_WHOLE

    def _touch(self, key, a, b):
        st = os.stat(self.path(key))
        os.utime(self.path(key), ns=(st.st_atime_ns, st.st_mtime_ns + 1))

    def _overwrite(self, key, a, b):
        """The same file (inode) with other voxels, of the same length where the new content is not longer."""
        path, new = self.path(key), self.folder.parent / "new"
        self._place(new, key)
        data = new.read_bytes()
        new.unlink()
        with path.open("r+b") as f:
            f.write(data.ljust(path.stat().st_size, b"\0"))

    def _replace(self, key, a, b):
        """Another file under the same name; also of one that is not there."""
        new = self.folder.parent / "new"
        self._place(new, key)
        os.rename(new, self.path(key))

    def _swap(self, key, a, b):
        """Replaced, with the time of the old one. Not twice between two mounts: the second time the inode may
        be the first one's again, and then nobody can tell."""
        if key in self._swapped:
            return False
        self._swapped.add(key)
        st = os.stat(self.path(key))
        new = self.folder.parent / "new"
        self._place(new, key)
        os.utime(new, ns=(st.st_atime_ns, st.st_mtime_ns))
        os.rename(new, self.path(key))
        return True

    def _remove(self, key, a, b):
        self.path(key).unlink()
        self.files[key] = None

    def _empty(self, key, a, b):
        os.truncate(self.path(key), 0)
        self.files[key].lost[:] = True

    def _cut(self, key, a, b):
        """Somewhere in the stored voxels. A directory behind them goes with them."""
        content = self.files[key]
        units = [place for place in content.units[0] if place[1] > 0]
        start, stop = min(o for o, _ in units), max(o + n for o, n in units)
        size = start + a % (stop - start)
        if size >= os.stat(self.path(key)).st_size:
            return False
        os.truncate(self.path(key), size)
        if not self.stack.layout.directory_first:
            content.lost[:] = True
            return True
        for n, (offset, count) in enumerate(content.units[0]):
            if offset + count > size:
                self._lose(content, 0, n)
        return True

    def _scramble(self, key, a, b):
        """The bytes of one strip or tile. Where nothing is compressed these are other voxels."""
        content = self.files[key]
        page = a % len(content.units)
        unit = b % len(content.units[page])
        offset, count = content.units[page][unit]
        how = self.stack.layout.compression
        size = os.stat(self.path(key)).st_size
        if count < 16 or offset + count > size or (how == "none" and not content.whole()):
            return False
        with self.path(key).open("r+b") as f:
            # zstd can only find what is wrong in a frame's head; their literals may be anything.
            f.seek(offset + (0 if how == "zstd" else count // 4))
            f.write(b"\xff" * (count // 2))
        if how == "none":
            content.voxels = _read(self.path(key))
        else:
            self._lose(content, page, unit)
        return True

    def _lose(self, content, page, unit):
        layout, width = self.stack.layout, self.stack.width
        if layout.tile:
            ty, tx = layout.tile
            across = -(-width // tx)
            y, x = unit // across * ty, unit % across * tx
            content.lost[page, y:y + ty, x:x + tx] = True
        else:
            rows = layout.rows or self.stack.height
            content.lost[page, unit * rows:(unit + 1) * rows] = True

    def _mode(self, key, a, b):
        """Neither voxels nor identity: nothing changes but what the next mount shows as mode."""
        self.path(key).chmod((0o644, 0o600, 0o640)[a % 3])

    def forget(self):
        """The kernel's pages of all files, so that they are fetched from the disk."""
        for key, content in self.files.items():
            if content is None:
                continue
            fd = os.open(self.path(key), os.O_RDONLY)
            try:
                if key in self._unsynced:
                    os.fsync(fd)
                os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
            finally:
                os.close(fd)
        self._unsynced.clear()

    # --- what a mount finds

    def scan(self, gaps):
        self._swapped.clear()
        return Scan(self, gaps)


@dataclass
class Changed:
    """When a file became another one; at_once: whoever has it open sees that, else only its name tells."""

    when: float
    at_once: bool


class Scan:
    """The source as a mount finds it, plane by plane. voxels: (c, z, y, x), 0 in gaps; lost: the same;
    file: (c, z) to the key of the file it comes from, or None; changed: key to Changed, since then;
    samples: that lie in one page."""

    def __init__(self, source, gaps):
        s = source.stack
        files = {k: c for k, c in source.files.items() if c is not None}
        self.changed, self.samples = {}, s.samples
        stats = [os.stat(source.path(k)) for k in files]
        self.mode = 0o444
        for st in stats:
            self.mode &= st.st_mode
        self.mtime_ns = max(st.st_mtime_ns for st in stats)
        if s.paged:
            (content,) = files.values()
            self.voxels = np.moveaxis(content.voxels, 1, 0).copy()
            self.lost = np.repeat(content.lost[None], s.samples, axis=0)
            self.file = {(c, z): (0, 0) for c in range(s.samples) for z in range(s.planes)}
            return
        depth = self._numbers(files, s.planes, gaps)
        channels = s.channels * s.samples
        self.voxels = np.zeros((channels, len(depth), s.height, s.width), f"<{s.dtype}")
        self.lost = np.zeros(self.voxels.shape, bool)
        self.file = {}
        for c in range(channels):
            for z, number in enumerate(depth):
                key = (c // s.samples, number)
                self.file[c, z] = key if key in files else None
                if key in files:
                    self.voxels[c, z] = files[key].voxels[0, c % s.samples]
                    self.lost[c, z] = files[key].lost[0]

    @staticmethod
    def _numbers(files, planes, gaps):
        there = sorted({z for _, z in files})
        # A constant step is no gap.
        return there if gaps == "close" or len(set(np.diff(there))) == 1 else list(range(planes))

    def note(self, how, key):
        """A file that the mount knows was changed."""
        if how == "mode" or key not in self.file.values():
            return
        at_once = how not in ("replace", "swap", "remove")
        # What comes after the first change does not reach who has the old file open.
        self.changed.setdefault(key, Changed(time.monotonic(), at_once))


def _read(path):
    """(page, sample, y, x), as tifffile reads it."""
    with tifffile.TiffFile(path) as tif:
        pages = [p.asarray() for p in tif.pages]
        last = [p.axes != "SYX" for p in tif.pages]
    planes = [p[None] if p.ndim == 2 else np.moveaxis(p, -1, 0) if moved else p for p, moved in zip(pages, last)]
    out = np.stack(planes)
    return out.astype(out.dtype.newbyteorder("<"))
