#!/usr/bin/env python3
"""Writes a small stack of numbered TIFFs to look at: cells with nuclei in a noisy background.

usage: sample_stack.py FOLDER [SLICES]     needs nothing but Python's own library
"""

import os
import random
import struct
import sys

SIDE = 256


def write_tiff(path, rows):
    """One uncompressed 8-bit page with strips of 64 rows, 0.5 micrometer a pixel."""
    per_strip = 64
    strips = [b"".join(rows[y : y + per_strip]) for y in range(0, SIDE, per_strip)]
    n = len(strips)
    data = 8
    extra = data + SIDE * SIDE
    offsets = [data + i * per_strip * SIDE for i in range(n)]
    # Values that do not fit into their entries: offsets, counts, two resolutions.
    blob = struct.pack(f"<{n}I{n}I4I", *offsets, *map(len, strips), 20000, 1, 20000, 1)
    short, long, rational = 3, 4, 5
    tags = [
        (256, long, 1, SIDE),
        (257, long, 1, SIDE),
        (258, short, 1, 8),
        (259, short, 1, 1),
        (262, short, 1, 1),
        (273, long, n, extra),
        (277, short, 1, 1),
        (278, long, 1, per_strip),
        (279, long, n, extra + 4 * n),
        (282, rational, 1, extra + 8 * n),
        (283, rational, 1, extra + 8 * n + 8),
        (296, short, 1, 3),
    ]
    ifd = struct.pack("<H", len(tags))
    ifd += b"".join(struct.pack("<HHII", *tag) for tag in tags) + struct.pack("<I", 0)
    with open(path, "wb") as f:
        f.write(struct.pack("<2sHI", b"II", 42, extra + len(blob)))
        f.write(b"".join(strips) + blob + ifd)


def paint(plane, z, cell):
    """Adds the cut of one cell (a ball with a darker nucleus) through plane z."""
    cx, cy, cz, r, light = cell
    flat = r * r - (z - cz) ** 2 * 36
    if flat <= 0:
        return
    reach = int(flat**0.5)
    for y in range(max(0, cy - reach), min(SIDE, cy + reach + 1)):
        for x in range(max(0, cx - reach), min(SIDE, cx + reach + 1)):
            d = (x - cx) ** 2 + (y - cy) ** 2
            if d < flat:
                inside = (flat - d) / (r * r)
                plane[y * SIDE + x] = int(light * (0.45 if inside > 0.55 else 1 - inside / 3))


def main(folder, slices):
    rng = random.Random(7)
    cells = [
        (rng.randrange(SIDE), rng.randrange(SIDE), rng.randrange(slices), rng.randrange(14, 44),
         rng.randrange(110, 250))
        for _ in range(28)
    ]
    noise = bytes(rng.randrange(12, 40) for _ in range(SIDE * SIDE))
    os.makedirs(folder, exist_ok=True)
    for z in range(slices):
        shift = rng.randrange(SIDE * SIDE)
        plane = bytearray(noise[shift:] + noise[:shift])
        for cell in cells:
            paint(plane, z, cell)
        rows = [bytes(plane[y * SIDE : (y + 1) * SIDE]) for y in range(SIDE)]
        write_tiff(os.path.join(folder, f"slice_{z:04d}.tif"), rows)


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) == 3 else 16)
