"""Files as microscopes' programs write them (make_microscopes.py) through mounts: each plane where it belongs, each
fact as it was told."""

import json
from itertools import product

import pytest
from make_microscopes import DAMAGED, KINDS, Expected, lsm
from reading import axes_of
from test_planes import check_image

pytestmark = pytest.mark.fuse

# Of 8 GiB and more, nearly all of it holes: these have a test of their own.
MAKERS = {**KINDS, "lsm": lambda folder: lsm(folder, beyond=False)}
PATHS = {
    "mmstack": ("one", "long", "crashed", "files", "stopped"), "ndtiff": ("depths", "tiles"),
    "lsm": ("plain.lsm", "lzw.lsm", "places.lsm"), "stk": ("distances.stk", "depths.stk", "times.stk", "waves.stk"),
}


def made(kind, path, folder):
    return folder / path, dict(MAKERS[kind](folder))[path]


def image_of(m, key):
    """The image whose name tells it apart, or the only one."""
    images = sorted(p for p in m.path.iterdir() if p.suffix == ".zarr")
    found = [p for p in images if p.stem.endswith(key)]
    assert len(found) == 1, f"{key!r} of {[p.name for p in images]}: {m.log}"
    return found[0]


def check(m, expected):
    assert len(list(m.path.glob("*.zarr"))) == len(expected.images), m.log
    for key, number in expected.images.items():
        image = image_of(m, key)
        axes, sizes = axes_of(image), dict(zip("tcz", expected.sizes))
        # An axis may stay where a run was stopped after the first of its planes.
        assert axes in ["".join(a for a in "tcz" if sizes[a] > 1 or a == more) + "yx" for more in ("", "t")]
        planes = [expected.plane(number, *at) for at in product(*map(range, expected.sizes))]
        check_image(image, axes, tuple(sizes[a] for a in axes[:-2]), planes, image.name)


@pytest.mark.parametrize(("kind", "path"), [(k, p) for k, paths in PATHS.items() for p in paths])
def test_planes(kind, path, mount, tmp_path):
    source, expected = made(kind, path, tmp_path)
    check(mount(source, "--chunk-shape", "1,64,64"), expected)


def test_lsm_past_4_gib(mount, tmp_path):
    """Offsets that wrapped, once and twice, are found again."""
    for path, expected in lsm(tmp_path):
        if path.startswith("large"):
            check(mount(tmp_path / path, "--chunk-shape", "1,64,64"), expected)


def told_facts(image, expected):
    """What `info` says, of what the files tell."""
    size = image["voxel_size"]
    facts = {"voxel": [v for v in expected.voxel if v][-len(size):] and size}
    if expected.step and "t" in image["axes"]:
        facts["step"] = image["time_step"]
    if expected.channels:
        facts["channels"] = tuple(c["label"] for c in image["channels"])
    if expected.colors:
        facts["colors"] = tuple(c["color"] for c in image["channels"])
    return facts


def wanted_facts(image, expected):
    z, y, x = expected.voxel
    size = [z or x, y, x] if "z" in image["axes"] else [y, x]
    facts = {"voxel": size, "step": expected.step, "channels": expected.channels, "colors": expected.colors}
    return {k: v for k, v in facts.items() if k in told_facts(image, expected)}


@pytest.mark.parametrize(("kind", "path"), [(k, p) for k, paths in PATHS.items() for p in paths])
def test_facts(kind, path, run, tmp_path):
    source, expected = made(kind, path, tmp_path)
    done = run("info", "--json", source)
    assert done.returncode == 0, done.stderr
    for image in json.loads(done.stdout)["images"]:
        assert told_facts(image, expected) == wanted_facts(image, expected), image["from"]
        assert image["unit"] == "micrometer"
        assert image["missing"] == sum(what != DAMAGED for what in expected.missing.values())


def test_the_check_can_fail(mount, tmp_path):
    source, expected = made("stk", "times.stk", tmp_path)
    m = mount(source, "--chunk-shape", "1,64,64")
    with pytest.raises(AssertionError, match="planes are wrong"):
        check(m, Expected({"": 1}, expected.sizes))
