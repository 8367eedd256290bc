"""What the rules cannot decide is refused in one line that says what would decide it; what the line offers can be
pasted, and gives the planes that it promises."""

import re
import shlex

import pytest
from make_imagej import described, shape
from make_pages import file_of
from make_planes import Set, numbers, one, pages
from test_planes import check_set

pytestmark = pytest.mark.fuse


def product_of(pattern, outer, inner, axes="tzyx"):
    return one(axes, (len(outer), len(inner)), numbers(pattern, outer, inner), "")


def split_of(pattern, name, outer, inner):
    return Set({name.format(o): ("zyx", (len(inner),), [pattern.format(o, i) for i in inner]) for o in outer}, "")


TWO, THREE, FOUR = range(2), range(3), range(4)
STAMPS = ["s_2023-09-14_22-00.tif", "s_2023-09-14_23-00.tif", "s_2023-09-15_00-00.tif", "s_2023-09-15_01-00.tif"]
MICRONS = ["z_0.0um.tif", "z_0.5um.tif", "z_1.0um.tif", "z_1.5um.tif"]
FOUR_NUMBERS = ["s_1.tif", "s_2.tif", "s_4.tif", "s_10.tif"]
HOLES = [f"a_c{c}_z{z}.tif" for c in THREE for z in THREE if (c, z) not in ((1, 1), (2, 0))]
WITH_HOLES = [f"a_c{c}_z{z}.tif" if f"a_c{c}_z{z}.tif" in HOLES else None for c in THREE for z in THREE]
THIRDS = numbers("{}_{}_{}.tif", TWO, THREE, FOUR)
MANY = numbers("a_z{}.tif", THREE)
DEEP = {name: 5 for name in MANY}

# what: (what the files are, words of the message, {what is offered: the set that it makes})
CASES = {
    "two numbers, neither named": (
        numbers("exp{}_{:03}.tif", THREE, FOUR), ["'exp0_000.tif'", "'exp2_003.tif'"], {
            "--pattern 'exp{t}_{z}.tif'": product_of("exp{}_{:03}.tif", THREE, FOUR),
            "--pattern 'exp{i}_{z}.tif'": split_of("exp{}_{:03}.tif", "{}", THREE, FOUR)}),
    "three numbers, none named": (
        THIRDS, ["'0_0_0.tif'", "'1_2_3.tif'"], {
            "--pattern '{i}_{t}_{z}.tif'": Set(
                {f"{i}": ("tzyx", (3, 4), THIRDS[12 * i : 12 * i + 12]) for i in TWO}, ""),
            "--pattern '{i}_{i}_{z}.tif'": Set({
                f"{i}_{k}": ("zyx", (4,), THIRDS[12 * i + 4 * k : 12 * i + 4 * k + 4])
                for i in TWO for k in THREE}, "")}),
    "a number beside z": (
        numbers("batch{}_z{}.tif", TWO, THREE), ["'batch0_z0.tif'", "'batch1_z2.tif'", "z"], {
            "--pattern 'batch{t}_z{z}.tif'": product_of("batch{}_z{}.tif", TWO, THREE),
            "--pattern 'batch{i}_z{z}.tif'": split_of("batch{}_z{}.tif", "{}", TWO, THREE)}),
    "z twice": (
        numbers("z{}_slice{}.tif", TWO, THREE), ["'z0_slice0.tif'", "'z1_slice2.tif'", "z"], {
            "--pattern 'z{t}_slice{z}.tif'": product_of("z{}_slice{}.tif", TWO, THREE),
            "--pattern 'z{i}_slice{z}.tif'": split_of("z{}_slice{}.tif", "{}", TWO, THREE)}),
    "t twice": (
        numbers("t{}_time{}.tif", TWO, THREE), ["'t0_time0.tif'", "'t1_time2.tif'", "t"], {
            "--pattern 't{z}_time{t}.tif'": one("tzyx", (3, 2), [f"t{z}_time{t}.tif" for t in THREE for z in TWO], ""),
            "--pattern 't{i}_time{t}.tif'": Set(
                {f"{i}": ("tyx", (3,), numbers(f"t{i}_time{{}}.tif", THREE)) for i in TWO}, "")}),
    "day and hour": (
        STAMPS, [f"'{STAMPS[0]}'", f"'{STAMPS[-1]}'"], {
            "--pattern 's_2023-09-{t:*}-00.tif'": one("tyx", (4,), STAMPS, ""),
            "--pattern 's_2023-09-{z:*}-00.tif'": one("zyx", (4,), STAMPS, "")}),
    "decimals": (
        MICRONS, [f"'{MICRONS[0]}'", f"'{MICRONS[-1]}'"], {"--pattern 'z_{z:f}um.tif'": one("zyx", (4,), MICRONS, "")}),
    "gaps": (
        FOUR_NUMBERS, ["6 of 10", "'s_1.tif'", "'s_10.tif'"], {
            "--gaps fill": one("zyx", (10,), ["s_1.tif", "s_2.tif", None, "s_4.tif", *[None] * 5, "s_10.tif"], ""),
            "--gaps close": one("zyx", (4,), FOUR_NUMBERS, "")}),
    "holes in a grid": (
        HOLES, ["2 of 9", "c x z"], {"--gaps fill": one("czyx", (3, 3), WITH_HOLES, "")}),
    "duplicates": (
        ["s_1.tif", "s_01.tif", "s_2.tif", "s_3.tif"], ["'s_01.tif'", "'s_1.tif'"], {
            "--group none": Set({n: ("yx", (), [f"{n}.tif"]) for n in ("s_1", "s_01", "s_2", "s_3")}, "")}),
    "three sizes": (
        {f"a_{n}.tif": file_of((10 + n, 14)) for n in THREE}, ["14 x 10", "--group none"], None),
    "pages beside z": (
        DEEP, ["'a_z0.tif'", "'a_z2.tif'", "5 pages"], {
            "--pattern 'a_z{z}.tif#{t}'": one("tzyx", (5, 3), [f"{n}#{t}" for t in range(5) for n in MANY], ""),
            "--pattern 'a_z{z}.tif#{c}'": one("czyx", (5, 3), [f"{n}#{c}" for c in range(5) for n in MANY], "")}),
    "two axes that nobody names": (
        {"x.tif": described(shape(3, 2), 6)}, ["x.tif"], {
            "--pattern 'x.tif#{t,z=2}'": one("tzyx", (3, 2), pages("x.tif", 6), "")}),
}

def set_of(files):
    files = files if isinstance(files, dict) else {name: 1 for name in files}
    return Set({}, "", files=files)


def offered(line):
    """What the line offers, each once, as it would be pasted."""
    return set(re.findall(r"--pattern '[^']*'|--gaps (?:fill|close)|--group none", line))


@pytest.fixture(params=CASES)
def case(request, tmp_path):
    files, words, offers = CASES[request.param]
    return set_of(files).write(tmp_path / "src"), words, offers


def test_it_is_refused_in_one_line(case, run, tmp_path):
    source, words, offers = case
    done = run("-f", source, tmp_path / "mnt", timeout=30)
    assert done.returncode == 1 and done.stdout == "", done
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1 and lines[0].startswith("ngffuse: "), done.stderr
    assert [w for w in words if w not in lines[0]] == [], lines[0]
    assert not (tmp_path / "mnt").exists()
    if offers is not None:
        assert offered(lines[0]) == set(offers), lines[0]


def test_what_is_offered_can_be_pasted(case):
    source, _, offers = case
    for offer, s in (offers or {"--group none": None}).items():
        if s is None:
            continue
        made = Set(s.images, offer, files={n: 0 for n in s.names()}, options=tuple(shlex.split(offer)), dtype=s.dtype)
        check_set(made, source, offer)


WRONG_PATTERNS = {
    "A_{z}.tif": (["a_0.tif"], r"'a_0\.tif'.*case|case.*'a_0\.tif'"),
    "b_{z}.tif": (["a_0.tif", "a_1.tif"], r"'a_0\.tif'"),
    "{z}{t}.tif": (["01.tif"], "width"),
    "a_{z}_{z}.tif": (["a_0_0.tif"], "z"),
    "a.tif": (["a.tif"], "term|axis|\\{"),
    "a_{q}.tif": (["a_0.tif"], "q"),
    "a_{z.tif": (["a_0.tif"], "closed"),
    "a_{z}.tif#{z}": (["a_0.tif"], "z"),
    "a_{z}_{}.tif": (["a_0_x.tif", "a_0_y.tif"], "a_0_x.tif.*a_0_y.tif"),
    "f_{z}.tif": ({"f_0.tif": 3, "f_1.tif": 2, "f_2.tif": 3}, "pages"),
    "f.tif#{z,c=4}": ({"f.tif": 6}, "f.tif"),
}


@pytest.mark.parametrize("pattern", WRONG_PATTERNS)
def test_wrong_patterns(pattern, run, tmp_path):
    files, words = WRONG_PATTERNS[pattern]
    source = set_of(files).write(tmp_path / "src")
    done = run("-f", "--pattern", pattern, source, tmp_path / "mnt", timeout=30)
    lines = done.stderr.strip().splitlines()
    assert done.returncode in (1, 2) and len(lines) == 1 and lines[0].startswith("ngffuse: "), done
    assert re.search(words, lines[0]), lines[0]
    assert not (tmp_path / "mnt").exists()
