"""The model: what each chunk of a mounted source may read as, and whether what was read is that."""

import errno
import itertools
import mmap
import os
import time

import numpy as np
from reading import assert_same, chunk_indices, chunk_region, decode_chunk

NAME_CHECK_SECONDS = 1.05  # a file that is open is looked for by its name once a second
AHEAD = 3  # so many layers behind one that was asked for may have been read too
POISON = b"NGFFUSE: "


class Wrong(AssertionError):
    """The mount shows something else than the model."""


class Expected:
    """Of a chunk or a box."""

    def __init__(self, voxels, must_fail, may_fail):
        self.voxels, self.must_fail, self.may_fail = voxels, must_fail, may_fail

    @property
    def certain(self):
        """One answer alone is right."""
        return self.must_fail or not self.may_fail

    def compare(self, got, what):
        """Of what was read without error."""
        if self.must_fail:
            raise Wrong(f"{what}: bytes, should be an error")
        try:
            assert_same(got, self.voxels, what)
        except AssertionError as e:
            raise Wrong(str(e)) from None


class Model:
    """One mount's image. meta: shape, chunks, dtype, codec as its metadata says; damaged: the option."""

    def __init__(self, scan, meta, damaged, bytes_known):
        self.scan, self.damaged = scan, damaged
        shape, chunks, self.dtype, self.codec = meta
        self.outer = 1 if len(shape) == 3 else 2  # z, or c and z
        voxels = scan.voxels if self.outer == 2 else scan.voxels[0]
        if tuple(shape) != voxels.shape or self.dtype != voxels.dtype:
            raise Wrong(f"the image is {shape} {self.dtype}, should be {voxels.shape} {voxels.dtype}")
        self.shape, self.chunks, self.voxels = tuple(shape), tuple(chunks), voxels
        self.lost = scan.lost if self.outer == 2 else scan.lost[0]
        self.indices = list(chunk_indices(shape, chunks))
        self.grid = [-(-s // c) for s, c in zip(shape, chunks)]
        self._touched = set()  # planes of which something may have been read before a change
        self._bytes = bytes_known  # voxels of a chunk to its file's bytes: the same in every mount
        self.bound = None  # the size that chunks show that cannot be made

    # --- what is known of the mount

    def touch(self, index):
        """Something of this chunk's layer may be read from now on, but for files that are known as changed."""
        layers = self.grid[:self.outer]
        first = int(np.ravel_multi_index(index[:self.outer], layers))
        for n in range(first, min(first + AHEAD, int(np.prod(layers)))):
            for plane in self._planes(np.unravel_index(n, layers)):
                if not self._noticed(self._change(plane)):
                    self._touched.add(self._stored(plane))

    def _stored(self, plane):
        """The same for all samples that lie in one page."""
        c, z = plane
        return c // self.scan.samples, z

    def _planes(self, layer):
        """The planes (c, z) that chunks of this layer show."""
        sides = [range(i * c, min((i + 1) * c, s)) for i, c, s in zip(layer, self.chunks, self.shape)]
        return [plane if self.outer == 2 else (0, *plane) for plane in itertools.product(*sides)]

    def _change(self, plane):
        return self.scan.changed.get(self.scan.file.get(plane))

    def _noticed(self, change):
        return change is not None and (change.at_once or time.monotonic() - change.when > NAME_CHECK_SECONDS)

    def _surely_changed(self, plane):
        """What nobody could read when it was mounted, and what is filled for that, need not be looked at again."""
        if self.damaged == "fill" and self.lost[plane[2 - self.outer:]].all():
            return False
        return self._stored(plane) not in self._touched and self._noticed(self._change(plane))

    # --- what is right

    def chunk(self, index):
        """Expected of the whole chunk, padded with zeros."""
        region = chunk_region(index, self.shape, self.chunks)
        part = self.box(region)
        pad = [(0, c - (r.stop - r.start)) for c, r in zip(self.chunks, region)]
        return Expected(np.pad(part.voxels, pad), part.must_fail, part.may_fail)

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
        if fill:
            voxels[self.lost[region]] = 0
        return Expected(voxels, must, may)

    # --- judging

    def bytes_of(self, expected):
        """The bytes of the chunk's file, where it was read before or is not compressed; else None."""
        if expected.must_fail:
            return None
        raw = expected.voxels.tobytes()
        return raw if self.codec is None else self._bytes.get(raw)

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
