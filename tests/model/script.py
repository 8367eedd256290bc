"""What a walk is made of: a stack, options of the mount, and steps, all drawn from one seed and written as
JSON that can be read, cut down and replayed. Numbers in steps are taken modulo what there is to choose
from, so that a step means something in whatever mount it comes to stand. The number of a chunk has two parts:
what lies above BIG says in which array, and in which of the trees that show it."""

import json
import random

import cascade
from make_stacks import Layout

from source import Stack

BIG = 1 << 30
PLACES = 60  # arrays and trees
CHUNK = PLACES * BIG

LAYOUTS = [
    {"rows": 1}, {"rows": 7}, {"rows": 0}, {"rows": 16, "byteorder": ">"},
    {"rows": 16, "compression": "lzw"}, {"rows": 1, "compression": "lzw"}, {"compression": "lzw", "predictor": 2},
    {"rows": 8, "compression": "deflate", "predictor": 2}, {"rows": 32, "compression": "zstd"},
    {"tile": (32, 32)}, {"tile": (16, 48), "compression": "lzw"}, {"tile": (64, 32), "compression": "deflate"},
]


def draw_stack(rng):
    how = dict(rng.choice(LAYOUTS))
    paged = rng.random() < 0.2
    if not paged:
        how["directory_first"] = rng.random() < 0.5
    dtype = rng.choice(["u1", "u2", "u2", "i2", "u4", "f4"])
    samples = 3 if dtype[0] == "u" and rng.random() < 0.15 else 1
    channels = rng.randint(2, 3) if samples == 1 and not paged and rng.random() < 0.25 else 1
    planes = rng.randint(5, 40 if paged else 12)
    tall = how.get("rows") == 1 and rng.random() < 0.5  # more strips than the store remembers as damaged
    missing = ()
    if channels == 1 and not paged and rng.random() < 0.3:
        missing = (rng.randint(1, planes - 2),)
    height = rng.randint(300, 600) if tall else rng.randint(20, 160)
    return {"layout": how, "dtype": dtype, "planes": planes, "height": height, "width": rng.randint(20, 200),
            "channels": channels, "samples": samples, "paged": paged, "missing": missing, "seed": rng.randrange(BIG)}


def draw_label(rng, stack):
    """A segmentation of the same size, stored in its own way."""
    stored = draw_stack(rng)
    same = {key: stack[key] for key in ("planes", "height", "width")}
    return {**stored, **same, "dtype": rng.choice(["u1", "u2", "u4"]), "channels": 1, "samples": 1, "missing": ()}


# Sizes x,y,z; the last ones lead to steps of 4.
VOXELS = ["1,1,1", "1,1,1", "11.24,11.24,25", "100,100,30", "1,2.1,4", "4,2.1,1"]
SAMPLING = ["anisotropic"] * 3 + ["isotropic", "constant_z", "2,2,2", "1,2,2:2,2,2", "2,1,1:1,2,2"]


def draw_pyramid(rng):
    layout = rng.choice(["ome-zarr", "ome-zarr", "webknossos", "both"])
    mode = rng.choice(SAMPLING)
    if mode == "2,1,1:1,2,2":  # WEBKNOSSOS cannot tell the two apart
        layout = "ome-zarr"
    return {"--voxel-size": rng.choice(VOXELS), "--sampling-mode": mode, "--max-mag": rng.choice("12448"),
            "--interpolation-mode": rng.choice(cascade.METHODS), "--layout": layout,
            "--preview": "always" if rng.random() < 0.1 else "never"}


def draw_options(rng, stack):
    """As in the script: words for the command line; memory "least" stands for what the program asks for."""
    damaged = rng.choice(["error", "error", "poison", "fill"])
    codec = rng.choice(["zstd", "zstd", "blosc-lz4", "zlib"] if damaged == "poison" else
                       ["none", "none", "blosc-lz4", "zstd", "gzip", "blosc-zstd"])
    close = stack["channels"] == 1 and rng.random() < 0.3
    words = {"--damaged": damaged, "--codec": codec, "--gaps": "close" if close else "fill",
             "--threads": str(rng.randint(1, 3)), "--memory": rng.choice(["least", "64M"])}
    if rng.random() < 0.8:
        side = rng.choice([16, 32, 64])
        words["--chunk-shape"] = f"{rng.randint(1, 4)},{rng.randint(side // 2, side)},{rng.randint(side // 2, 2 * side)}"
    return words | draw_pyramid(rng)


# name: (weight, its numbers, each with what it is drawn below)
STEPS = {
    "read": (24, {"chunk": CHUNK}),
    "pread": (14, {"chunk": CHUNK, "offset": BIG, "size": BIG}),
    "box": (8, {"start": [BIG] * 4, "size": [BIG] * 4, "array": CHUNK}),
    "stat": (6, {"chunk": CHUNK}),
    "list": (4, {"chunk": CHUNK, "depth": BIG}),
    "absent": (4, {"chunk": CHUNK, "depth": BIG, "kind": BIG}),
    "map": (4, {"chunk": CHUNK}),
    "hold": (6, {"chunk": CHUNK}),
    "held": (8, {"which": BIG, "offset": BIG, "size": BIG}),
    "release": (3, {"which": BIG}),
    "together": (5, {"chunks": [CHUNK] * 12}),
    "kill": (3, {"first": CHUNK, "count": 40, "after_us": 20000}),
    "change": (8, {"how": None, "file": BIG, "a": BIG, "b": BIG}),
    "meanwhile": (3, {"chunks": [CHUNK] * 9, "how": None, "file": BIG, "a": BIG, "b": BIG, "after_us": 3000}),
    "drop": (3, {"chunk": CHUNK}),
    "drop_all": (0.3, {}),
    "forget": (2, {}),
    "status": (2, {}),
    "wait": (0.5, {}),
    "all": (1, {}),
    "remount": (5, {"threads": 3, "memory": 2}),
    "restart": (2, {}),
}
CHANGES = {"touch": 3, "overwrite": 3, "replace": 4, "swap": 2, "remove": 2, "empty": 1, "cut": 2, "scramble": 4,
           "mode": 1}
NOTICED_LATE = ("replace", "swap", "remove")


def draw_step(rng):
    (name,) = rng.choices(list(STEPS), [weight for weight, _ in STEPS.values()])
    step = {"do": name}
    for key, below in STEPS[name][1].items():
        if below is None:
            (step[key],) = rng.choices(list(CHANGES), list(CHANGES.values()))
        elif isinstance(below, list):
            step[key] = [draw_number(rng, n) for n in below]
        else:
            step[key] = draw_number(rng, below)
    return step


def draw_number(rng, below):
    """Two fifths of the chunks are those of the first array, in its first tree."""
    return rng.randrange(BIG if below == CHUNK and rng.random() < 0.4 else below)


def draw(seed, n_steps):
    """A walk: {"seed", "stack", "options", "steps"}, and where there is one "label", another stack."""
    rng = random.Random(seed)
    stack = draw_stack(rng)
    options = draw_options(rng, stack)
    steps = []
    while len(steps) < n_steps:
        steps.append(draw_step(rng))
        if steps[-1].get("how") in NOTICED_LATE and rng.random() < 0.2:
            steps.append({"do": "wait"})
    label = {}
    if options["--gaps"] == "fill" and rng.random() < 0.4:  # closed gaps would have to be the same in both
        label = {"label": draw_label(rng, stack)}
    return {"seed": seed, "stack": stack, **label, "options": options, "steps": steps[:n_steps]}


def stack_of(drawn):
    drawn = dict(drawn)
    layout = {k: tuple(v) if isinstance(v, list) else v for k, v in drawn.pop("layout").items()}
    return Stack(Layout(**layout), **{**drawn, "missing": tuple(drawn["missing"])})


def text_of(script):
    """JSON with one step a line."""
    lines = [f" {json.dumps(key)}: {json.dumps(value)}" for key, value in script.items() if key != "steps"]
    steps = ",\n".join(f"  {json.dumps(step)}" for step in script["steps"])
    return "{\n" + ",\n".join([*lines, f' "steps": [\n{steps}\n ]']) + "\n}\n"


def load(path):
    return json.loads(path.read_text())
