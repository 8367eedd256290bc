"""The model: what each chunk of a mounted source may read as, and whether what was read is that."""

import errno
import itertools
import math
import mmap
import os
import time

import cascade
import numpy as np
from reading import assert_same, chunk_indices, chunk_region, decode_chunk

NAME_CHECK_SECONDS = 1.05  # a file that is open is looked for by its name once a second
AHEAD = 3  # so many layers of runs, from the one that was asked for, may have been read too
POISON = b"NGFFUSE: "


class Wrong(AssertionError):
    """The mount shows something else than the model."""


class Expected:
    """Of a chunk or a box. exact: to the bit; else it is no matter which NaN, and which zero."""

    def __init__(self, voxels, must_fail, may_fail, exact=True):
        self.voxels, self.must_fail, self.may_fail, self.exact = voxels, must_fail, may_fail, exact

    @property
    def certain(self):
        """One answer alone is right."""
        return self.must_fail or not self.may_fail

    def compare(self, got, what):
        """Of what was read without error."""
        if self.must_fail:
            raise Wrong(f"{what}: bytes, should be an error")
        if not self.exact:
            same = cascade.same(got, self.voxels)
            if not same.all():
                raise Wrong(f"{what}: {np.count_nonzero(~same)} of {same.size} voxels differ")
            return
        try:
            assert_same(got, self.voxels, what)
        except AssertionError as e:
            raise Wrong(str(e)) from None


class Model:
    """One level of a mount's image or label. meta: chunks, dtype, codec as its metadata say; damaged: the option;
    finer: the model of the level before, from which `step` (z, y, x) and `method` lead to this one."""

    def __init__(self, scan, meta, damaged, bytes_known, finer=None, step=(1, 1, 1), method="nearest"):
        self.scan, self.damaged, self.finer = scan, damaged, finer
        shape, chunks, self.dtype, self.codec = meta
        self.outer = 1 if len(shape) == 3 else 2  # z, or c and z
        if finer is None:
            voxels, self.lost = (a if self.outer == 2 else a[0] for a in (scan.voxels, scan.lost))
            voxels = np.where(self.lost, 0, voxels).astype(voxels.dtype) if damaged == "fill" else voxels
        else:
            voxels = cascade.reduce(finer.voxels, step, method)
            self.lost = cascade.reduce(finer.lost, step, "nearest" if method == "nearest" else "max")
        if tuple(shape) != voxels.shape or self.dtype != voxels.dtype:
            raise Wrong(f"the level is {shape} {self.dtype}, should be {voxels.shape} {voxels.dtype}")
        self.shape, self.chunks, self.voxels = tuple(shape), tuple(chunks), voxels
        self.exact = finer is None or self.dtype.kind != "f"
        self.indices = list(chunk_indices(shape, chunks))
        self.grid = [-(-s // c) for s, c in zip(shape, chunks)]
        # Planes of which something may have been read before a change.
        self._touched = set() if finer is None else finer._touched
        self._base = self if finer is None else finer._base
        self._set_runs(step[0], method)
        self._bytes = bytes_known  # voxels of a chunk to its file's bytes: the same in every mount
        self.bound = None  # the size that chunks show that cannot be made

    def _set_runs(self, step, method):
        """Which planes of the finer level each plane needs, and how many planes are made together."""
        depth, chunk = self.shape[self.outer - 1], self.chunks[self.outer - 1]
        if self.finer is None:
            self._needs, self._run = None, chunk
            return
        before = np.arange(self.finer.shape[self.outer - 1]).reshape(-1, 1, 1)
        windows = before[::step] if method == "nearest" else cascade.windows(before, (step, 1, 1))
        self._needs = [set(map(int, window.flat)) for window in windows]
        run = self.finer._run
        self._run = depth if run >= len(before) else math.lcm(chunk, run // math.gcd(run, step))

    # --- what is known of the mount

    def touch(self, index):
        """Something of this chunk's layer may be read from now on, but for files that are known as changed."""
        runs = -(-self.shape[self.outer - 1] // self._run)
        *c, z = index[:self.outer]
        first = (c[0] if c else 0) * runs + z * self.chunks[self.outer - 1] // self._run
        for n in range(first, min(first + AHEAD, runs * (self.grid[0] if c else 1))):
            for plane in itertools.product([n // runs], self._under_run(n % runs)):
                if not self._noticed(self._change(plane)):
                    self._touched.add(self._stored(plane))

    def _under_run(self, n):
        """The z of level 0 that are read for a run."""
        planes = range(n * self._run, min((n + 1) * self._run, self.shape[self.outer - 1]))
        if self.finer is None:
            return set(planes)
        runs = {z // self.finer._run for plane in planes for z in self._needs[plane]}
        return set().union(*map(self.finer._under_run, runs))

    def _under(self, planes):
        """The z of level 0 that planes of this level are made of."""
        if self.finer is None:
            return set(planes)
        return self.finer._under(set().union(*(self._needs[plane] for plane in planes)))

    def _stored(self, plane):
        """The same for all samples that lie in one page."""
        c, z = plane
        return c // self.scan.samples, z

    def _planes(self, layer):
        """The planes (c, z) of level 0 that chunks of this layer show."""
        sides = [range(i * c, min((i + 1) * c, s)) for i, c, s in zip(layer, self.chunks, self.shape)]
        return itertools.product(sides[0] if self.outer == 2 else [0], self._under(sides[self.outer - 1]))

    def _change(self, plane):
        return self.scan.changed.get(self.scan.file.get(plane))

    def _noticed(self, change):
        return change is not None and (change.at_once or time.monotonic() - change.when > NAME_CHECK_SECONDS)

    def _surely_changed(self, plane):
        """What nobody could read when it was mounted, and what is filled for that, need not be looked at again."""
        if self.damaged == "fill" and self._base.lost[plane[2 - self.outer:]].all():
            return False
        return self._stored(plane) not in self._touched and self._noticed(self._change(plane))

    # --- what is right

    def chunk(self, index):
        """Expected of the whole chunk, padded with zeros."""
        region = chunk_region(index, self.shape, self.chunks)
        part = self.box(region)
        pad = [(0, c - (r.stop - r.start)) for c, r in zip(self.chunks, region)]
        return Expected(np.pad(part.voxels, pad), part.must_fail, part.may_fail, self.exact)

    def box(self, region):
        """Expected of a box, whose chunks are all read."""
        voxels = self.voxels[region].copy()
        must = may = False
        sides = [range(r.start // c, -(-r.stop // c)) for r, c in zip(region, self.chunks)]
        fill = self.damaged == "fill"
        for index in itertools.product(*sides):
            whole = chunk_region(index, self.shape, self.chunks)
            must |= not fill and bool(self.lost[whole].any())
            for plane in self._planes(index[:self.outer]):
                may |= self._change(plane) is not None
                must |= self._surely_changed(plane)
        return Expected(voxels, must, may, self.exact)

    # --- judging

    def bytes_of(self, expected):
        """The bytes of the chunk's file, where it was read before or follows from its voxels; else None."""
        if expected.must_fail:
            return None
        raw = expected.voxels.tobytes()
        return raw if self.codec is None and self.exact else self._bytes.get(raw)

    def judge(self, expected, got, what):
        """got: the bytes of a whole chunk file as read, or an errno."""
        if self.failed(got):
            return self._judge_failure(expected, got, what)
        if expected.must_fail:
            raise Wrong(f"{what}: {len(got)} bytes, should be an error")
        known = self.bytes_of(expected)
        if known is not None and got == known:
            return "chunks read"
        if self._begins_well(expected, got, known):
            return "chunks failed"
        try:
            voxels = decode_chunk(got, self.chunks, self.dtype, self.codec)
        except Exception as e:
            raise Wrong(f"{what}: {len(got)} bytes that do not decode: {e}") from None
        expected.compare(voxels, what)
        if known is not None:
            raise Wrong(f"{what}: the voxels are right, but the bytes are others than before")
        self._bytes[expected.voxels.tobytes()] = got
        return "chunks read"

    def failed(self, got):
        """Whether a whole reading says that the chunk cannot be made."""
        return isinstance(got, int) or (self.damaged == "poison" and got.startswith(POISON))

    def _judge_failure(self, expected, got, what):
        how = errno.errorcode.get(got, got) if isinstance(got, int) else "poison"
        if not (expected.must_fail or expected.may_fail):
            raise Wrong(f"{what}: {how}, should be bytes")
        if how != ("poison" if self.damaged == "poison" else "EIO"):
            raise Wrong(f"{what}: {how}, {os.strerror(got)}" if isinstance(got, int) else f"{what}: {how}")
        if isinstance(got, bytes):
            self._judge_poison(got, what)
        return "chunks failed"

    def _judge_poison(self, got, what):
        """One sentence over and over, which no decoder takes for a chunk."""
        sentence = got[:got.find(b"\n") + 1]
        if got != (sentence * (len(got) // max(1, len(sentence)) + 1))[:len(got)] or not self._undecodable(got):
            raise Wrong(f"{what}: poison that begins as {got[:100]}")

    def _begins_well(self, expected, got, known):
        """Pages that the kernel has kept from before, then poison."""
        begin = got[:mmap.PAGESIZE]
        return (self.damaged == "poison" and expected.may_fail and known is not None and
                len(begin) == mmap.PAGESIZE and known.startswith(begin) and self._undecodable(got))

    def _undecodable(self, got):
        try:
            decode_chunk(got, self.chunks, self.dtype, self.codec)
        except Exception:
            return True
        return False

    def judge_part(self, expected, offset, size, got, whole, what):
        """got: of a read of `size` bytes at `offset`, or an errno; whole: of the same chunk, read whole a
        moment later and judged."""
        can_fail = expected.must_fail or expected.may_fail
        if isinstance(got, int):
            if got != errno.EIO or not can_fail or self.damaged == "poison":
                raise Wrong(f"{what}: {errno.errorcode.get(got, got)}")
            return
        right = [] if isinstance(whole, int) else [whole]
        known = self.bytes_of(expected)
        right += [known] if known is not None else []
        if any(got == one[offset:offset + size] for one in right):
            return
        if expected.may_fail and any(one[offset:offset + size].startswith(got) for one in right):
            return  # what the kernel still had; the next read says the error
        if expected.must_fail and isinstance(whole, int):
            if got:
                raise Wrong(f"{what}: {len(got)} bytes, should be an error")
            return
        unsure = can_fail and (known is None or POISON.strip() in got + got)
        if not unsure:
            raise Wrong(f"{what}: {len(got)} bytes that are not those of the chunk")

    def judge_size(self, expected, size, whole, what):
        """size: by stat; whole: as read, or an errno."""
        read = None if self.failed(whole) else len(whole)
        if expected.certain and not expected.must_fail:
            if size != read:
                raise Wrong(f"{what}: {read} bytes, stat says {size}")
            return
        known = self.bytes_of(expected)
        if size == read or (known is not None and size == len(known)):
            return
        self.bound = self.bound or size
        if size != self.bound:
            raise Wrong(f"{what}: a chunk that cannot be made has {size} bytes, another one had {self.bound}")
        if not isinstance(whole, int) and len(whole) not in (size, read):
            raise Wrong(f"{what}: {len(whole)} bytes of poison, stat says {size}")
