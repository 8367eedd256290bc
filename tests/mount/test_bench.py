"""The bench still runs: every row gives figures, and its voxels were compared. What the figures are is no
matter at these sizes."""

import json
import math
import subprocess
import sys

import pytest
from conftest import ROOT

pytestmark = pytest.mark.fuse

# No voxels, or others by its own rules.
UNCHECKED = ("libtiff", "names", "one whole decode", "all bytes", "tensorstore, u1", "tensorstore, one step")
TINY = ["--planes", "64", "--side", "128", "--rounds", "1", "--chunks", "2", "--slices", "40"]


def test_every_row(ngffuse, tmp_path):
    for package in ("tensorstore", "zarr", "dask"):
        pytest.importorskip(package)
    if int(sys.modules["zarr"].__version__.split(".")[0]) < 3:
        pytest.skip("tifffile's Zarr view needs zarr-python 3")
    out = tmp_path / "bench.json"
    done = subprocess.run(
        [sys.executable, ROOT / "tests/bench/bench.py", *TINY, "--inputs", tmp_path / "inputs", "--json", out],
        capture_output=True, text=True, timeout=300, check=False)
    print(done.stdout, done.stderr)
    assert done.returncode == 0
    rows = {row["row"]: row for row in json.loads(out.read_text())["rows"]}
    assert rows.keys() == {"1", "4", "9", "12", "13", "14", "15", "17", "18", "slow"}
    for name, row in rows.items():
        assert row["targets"] and all(math.isfinite(t["value"]) for t in row["targets"]), name
        assert len(row["contestants"]) >= 2, name
        for one in row["contestants"]:
            assert one["samples"], (name, one["name"])
            for sample in one["samples"]:
                assert sample["wall"] > 0, (name, one["name"])
                assert sample["sha1"] or one["name"].startswith(UNCHECKED), (name, one["name"])
        ours = row["contestants"][0]["samples"]
        assert all(sample["daemon"] > 0 and sample["counts"]["made"] > 0 for sample in ours), name
    assert rows["18"]["targets"][0]["met"], "a strip was decoded twice"
    assert not list((tmp_path / "inputs").glob("bench-*")), "left behind"


def test_wrong_voxels_are_found(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "tests/bench")
    import numpy as np
    from row import Contestant, Sample, Wrong, check

    one = Contestant("a reader", None)
    one.samples[0] = Sample(1, 1, 0, sha1="0" * 40)
    with pytest.raises(Wrong):
        check([one], lambda _: np.zeros(4))
