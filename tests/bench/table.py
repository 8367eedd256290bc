"""What the bench prints, and its JSON."""

import statistics
from dataclasses import asdict

from timing import pairs


def _seconds(v):
    return "-" if v is None else f"{v:.3f}"


def ratios(row, one):
    """Theirs / ours: time, and processor time of all that took part."""
    ours = row.contestants[0]
    return statistics.median(pairs(ours, one)), one.median(lambda s: s.cpu) / ours.median(lambda s: s.cpu)


def _line(row, one):
    scale = 1000 if row.unit == "ms" else 1
    wall = one.median(lambda s: s.wall)
    best = min(s.wall for s in one.samples.values())
    daemon = one.median(lambda s: s.daemon)
    rate = f"{row.bytes / wall / 1e6:.0f}" if row.bytes else ""
    times = work = ""
    if one is not row.contestants[0]:
        times, work = (f"{v:.2f}" for v in ratios(row, one))
    return (f"  {one.name:34s} {wall * scale:9.3f} {best * scale:9.3f} {_seconds(one.median(lambda s: s.client)):>8s} "
            f"{_seconds(daemon):>8s} {rate:>6s} {times:>6s} {work:>6s} {len(one.samples):>5d}")


def text(row, load):
    lines = [f"\nRow {row.name}: {row.what}", f"  {row.caches}; load before and after {load[0]:.1f}, {load[1]:.1f}"]
    rate = "MB/s" if row.bytes else ""
    lines.append(f"  {'':34s} {'median ' + row.unit:>9s} {'best':>9s} {'client s':>8s} {'daemon s':>8s} {rate:>6s} "
                 f"{'/ ours':>6s} {'CPU /':>6s} {'runs':>5s}")
    lines += [_line(row, one) for one in row.contestants]
    for t in row.targets:
        sign, verdict = ">=" if t.at_least else "<=", "met" if t.met else "MISSED"
        lines.append(f"  {t.what}: {t.value:.2f}{t.unit}, target {sign} {t.limit:g}{t.unit}: {verdict}")
    lines += [f"    {note}" for note in row.notes]
    return "\n".join(lines)


def as_json(row, load):
    contestants = [{"name": c.name, "samples": [asdict(s) for s in c.samples.values()]} |
                   dict(zip(("time_ratio", "cpu_ratio"), ratios(row, c))) for c in row.contestants]
    targets = [asdict(t) | {"met": t.met} for t in row.targets]
    return {"row": row.name, "what": row.what, "caches": row.caches, "load": load, "contestants": contestants,
            "targets": targets, "notes": row.notes}
