"""Random walks over live mounts (tests/model): reads of every kind, changes of the source, killed readers,
new mounts. After every step the mount shows what a model made with tifffile and NumPy says.

NGFFUSE_SEED: the first walk's seed (default 1). A failure names the file with the walk, cut down.
`tests/model/walk.py --steps 10000` walks for longer."""

import os
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "model"))

import walk

walk.prepare()

from expect import Expected, Model
from script import draw, load, text_of

pytestmark = pytest.mark.fuse

SEED = int(os.environ.get("NGFFUSE_SEED", "1"))
STEPS = 125
CASES = sorted((walk.HERE / "cases").glob("*.json"))


@pytest.mark.parametrize("seed", range(SEED, SEED + 4))
def test_walk(seed, ngffuse, tmp_path):
    script = draw(seed, STEPS)
    outcome = walk.attempt(script)
    print(dict(outcome.counts))
    if outcome.failed is not None:
        short, why = walk.cut_down(script, outcome, seconds=60)
        kept = tmp_path / f"seed-{seed}.json"
        kept.write_text(text_of(short))
        pytest.fail(f"seed {seed}, step {outcome.failed}: {outcome.why}\n{text_of(short)}{why}\n"
                    f"again: tests/model/walk.py --replay {kept}")


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
def test_kept(case, ngffuse):
    """What once went wrong, or was thought of."""
    outcome = walk.attempt(load(case))
    assert outcome.failed is None, f"step {outcome.failed}: {outcome.why}"


class OneVoxelOff(Model):
    """Claims another voxel of the first chunk than there is."""

    def box(self, region):
        part = super().box(region)
        voxels = part.voxels.copy()
        if all(side.start == 0 for side in region):
            voxels.view("u1").flat[0] ^= 1
        return Expected(voxels, part.must_fail, part.may_fail)


class Unaware(Model):
    """Does not know of changes."""

    def __init__(self, scan, *rest):
        scan.note = lambda how, key: None
        super().__init__(scan, *rest)


class Careless(Model):
    """Takes damage for voxels."""

    def __init__(self, scan, *rest):
        scan.lost = np.zeros_like(scan.lost)
        super().__init__(scan, *rest)


class OtherMethod(Model):
    """Reduces by another method than the mount."""

    def __init__(self, scan, meta, damaged, bytes_known, finer=None, step=(1, 1, 1), method="nearest"):
        super().__init__(scan, meta, damaged, bytes_known, finer, step, "max" if method == "min" else "min")


@pytest.mark.parametrize("fault, least, most, about", [
    (OneVoxelOff, 1, 2, "voxels differ"), (OtherMethod, 1, 2, "voxels differ"), (Unaware, 2, 3, "EIO, should be bytes"),
    (Careless, 3, 3, "EIO, should be bytes"),
], ids=lambda value: getattr(value, "__name__", ""))
def test_faults_are_found_and_cut_down(fault, least, most, about, ngffuse):
    """A model that is wrong is noticed, and what remains of the walk are the steps that it takes (two where a fault
    shows in what is read during a change, which may fail unless it was read before)."""
    seed, script, outcome = next(found for found in _walks(fault) if found[2].failed is not None)
    short, why = walk.cut_down(script, outcome, seconds=120, model=fault)
    print(f"seed {seed}, step {outcome.failed}: {outcome.why}\n{text_of(short)}{why}")
    assert least <= len(short["steps"]) <= most
    assert about in why
    again = walk.attempt(short)
    assert again.failed is None, "the walk fails without the fault too"


def _walks(fault):
    """Walks with --damaged error, where a fault shows as an error or not at all."""
    for seed in range(100, 120):
        script = draw(seed, 80)
        script["options"] |= {"--damaged": "error"}
        yield seed, script, walk.attempt(script, model=fault)


def test_scripts_are_read_as_they_were_written(tmp_path):
    script = draw(7, 30)
    path = tmp_path / "walk.json"
    path.write_text(text_of(script))
    assert text_of(load(path)) == text_of(script)
    assert len(path.read_text().splitlines()) == 30 + len(script) + 3
