"""The reference of the pyramid (cascade.py) against the tables that were computed before there was a program."""

import csv

import cascade
import numpy as np
import pytest


def rows(path):
    with open(path, newline="") as f:
        return list(csv.DictReader(f, delimiter="\t", quoting=csv.QUOTE_NONE))


@pytest.fixture(scope="module")
def golden(shared):
    folder = shared / "golden"
    if not folder.is_dir():
        pytest.skip(f"no tables at {folder}")
    return folder


def zyx(row, what, kind):
    return tuple(kind(row[f"{what}_{axis}"]) for axis in "zyx")


def numbers(text, kind=float):
    """A cell of levels separated by blanks; `-`: None."""
    return [None if part == "-" else tuple(kind(n) for n in part.split(",")) for part in text.split(" ")]


def test_ladders(golden):
    table = rows(golden / "ladder.tsv")
    assert len(table) == 117
    for row in table:
        check_ladder(row)


def check_ladder(row):
    mode = row["factors_zyx"] if row["mode"] == "explicit" else row["mode"]
    max_mag = None if row["max_mag"] == "default" else row["max_mag"]
    shape, voxel = zyx(row, "size", int), zyx(row, "voxel", float)
    if row["note"].startswith("REFUSED"):
        with pytest.raises(cascade.Refused):
            cascade.ladder(shape, voxel, mode, max_mag)
        return
    got = cascade.ladder(shape, voxel, mode, max_mag)
    assert [level.name for level in got] == row["mags"].split(" "), row
    if max_mag is None:
        assert cascade.mag_name((cascade.default_limit(shape),) * 3) == row["limit"], row
    drop = len(shape) - len(row["dims"])
    assert [level.shape[drop:] for level in got] == numbers(row["shapes_zyx"], int), row
    assert [level.scale[drop:] for level in got] == numbers(row["scales_zyx"]), row
    assert [level.translation[drop:] for level in got[1:]] == numbers(row["translations_zyx"])[1:], row
    factors = [cascade.mag_name(step) for step in cascade.steps([level.mag for level in got])]
    wanted = [] if row["ratio_xyz"] == "-" else [cascade.mag_name(cascade.mag_of(r)) for r in row["ratio_xyz"].split(" ")]
    assert factors == wanted, row


def test_reductions(golden):
    table = rows(golden / "reduce/cases.tsv")
    assert len(table) == 60 and {row["method"] for row in table} == set(cascade.METHODS)
    for row in table:
        kind = np.dtype(f"<{row['dtype']}")
        volume = np.fromfile(golden / f"reduce/{row['id']}.in", kind).reshape(numbers(row["in_shape_zyx"], int)[0])
        for factors in row["factors_zyx"].split(":"):
            volume = cascade.reduce(volume, numbers(factors, int)[0], row["method"])
        wanted = np.fromfile(golden / f"reduce/{row['id']}.out", kind).reshape(numbers(row["out_shape_zyx"], int)[0])
        assert volume.dtype == kind and volume.shape == wanted.shape, row
        assert cascade.same(volume, wanted).all(), row


def test_outer_axes_stay_apart():
    volume = np.random.default_rng(1).integers(0, 5, (2, 3, 4, 5, 6), "u1")
    for method in cascade.METHODS:
        whole = cascade.reduce(volume, (2, 1, 4), method)
        assert whole.shape == (2, 3, 2, 5, 2)
        for index in np.ndindex(2, 3):
            assert np.array_equal(whole[index], cascade.reduce(volume[index], (2, 1, 4), method)), method
