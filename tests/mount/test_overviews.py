"""`--overviews use`: pages stored smaller beside planes are levels where they have the size that the ladder asks for,
and the levels above are made from them. Each is held against what tifffile reads of that page; overviews here hold
other voxels than any method would give, so that it shows which were served."""

import errno
import json
import os
from concurrent.futures import ThreadPoolExecutor

import cascade
import numpy as np
import pytest
import tifffile
from make_stacks import Layout, pixels, write_tiff
from reading import along, assert_same, axes_of, multiscale, plain
from test_memory import MIB
from workbench import peak_rss, sanitized

pytestmark = pytest.mark.fuse

USE = ["--overviews", "use", "--voxel-size", "1,1,1", "--name", "em"]
FLAT = ["--overviews", "use", "--voxel-size", "1,1", "--name", "em"]
HEIGHT, WIDTH = 301, 437


def smaller(size, mag):
    return tuple(-(-n // mag) for n in size)


class Stack:
    """Planes with their overviews: .planes[z], .overviews[mag][z]; seeds make all of them different."""

    def __init__(self, n, mags, dtype="u2", samples=1, size=(HEIGHT, WIDTH)):
        tail = (samples,) if samples > 1 else ()
        self.mags, self.rgb = mags, samples == 3
        self.planes = [pixels((*size, *tail), dtype, seed=z) for z in range(n)]
        self.overviews = {mag: [pixels((*smaller(size, mag), *tail), dtype, seed=100 * mag + z) for z in range(n)]
                          for mag in mags}

    def _how(self, **more):
        return {"photometric": "rgb" if self.rgb else "minisblack", "metadata": None, **more}

    def write_below(self, path, which, **how):
        """In SubIFDs."""
        with tifffile.TiffWriter(path, **how.pop("file", {})) as t:
            for z in which:
                t.write(self.planes[z], subifds=len(self.mags), **self._how(**how))
                for mag in self.mags:
                    t.write(self.overviews[mag][z], subfiletype=1, **self._how(**how))

    def write_behind(self, path, which, tagged=True, last=False, **how):
        """In the main chain, behind each plane (last: behind all of them)."""
        with tifffile.TiffWriter(path, **how.pop("file", {})) as t:
            for z in which:
                t.write(self.planes[z], **self._how(**how))
                for mag in self.mags if not last else []:
                    t.write(self.overviews[mag][z], subfiletype=int(tagged), **self._how(**how))
            for mag in self.mags if last else []:
                for z in which:
                    t.write(self.overviews[mag][z], subfiletype=int(tagged), **self._how(**how))


def check_levels(image, levels):
    """levels: {number: (c, z, y, x) or fewer axes}, as the arrays have them."""
    for k, wanted in levels.items():
        got = plain(image, str(k))
        assert got.shape == wanted.shape, f"level {k}"
        np.testing.assert_array_equal(got, wanted, err_msg=f"level {k}")


def volume(planes):
    """z,y,x, or c,z,y,x of samples."""
    v = np.stack(planes)
    return v if v.ndim == 3 else np.moveaxis(v, -1, 0)


def expected(stack, flat=False, mode="constant_z", method="median", served=None):
    """Levels as the rules want them: stored where there is one, else from the level before. {number: array}"""
    squeeze = (lambda v: v.squeeze(-3)) if flat else (lambda v: v)
    levels = cascade.ladder((len(stack.planes), *stack.planes[0].shape[:2]), (1, 1, 1), mode)
    out, now, before = {}, volume(stack.planes), (1, 1, 1)
    for k, level in enumerate(levels):
        mag = level.mag
        if k > 0:
            stored = mag[0] == 1 and mag[1] == mag[2] and mag[1] in (stack.mags if served is None else served)
            step = tuple(b // a for a, b in zip(before, mag))
            now = volume(stack.overviews[mag[1]]) if stored else cascade.reduce(now, step, method)
        out[k], before = squeeze(now), mag
    return out


def made_of(image_info):
    return [level["made"] for level in image_info["levels"]]


def info(run, path, *words, code=0):
    done = run("info", "--json", *words, path)
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout)["images"][0]


CONSTANT = ["--sampling-mode", "constant_z"]

# How the files are written, and whether each plane has a file of its own.
WAYS = {
    "SubIFDs": (Stack.write_below, False, {}),
    "SubIFDs, a file each": (Stack.write_below, True, {}),
    "behind": (Stack.write_behind, False, {}),
    "behind, by size alone": (Stack.write_behind, True, {"tagged": False}),
    "behind, a file each": (Stack.write_behind, True, {}),
    "tiles, Deflate": (Stack.write_below, True, {"tile": (64, 80), "compression": "zlib"}),
    "tiles that are no power of two": (Stack.write_behind, False, {"tile": (48, 112), "compression": "zlib"}),
    "LZW strips, predictor": (Stack.write_behind, True, {"rowsperstrip": 7, "compression": "lzw", "predictor": 2}),
    "big-endian": (Stack.write_below, False, {"file": {"byteorder": ">"}}),
    "BigTIFF": (Stack.write_behind, True, {"file": {"bigtiff": True}}),
}


@pytest.mark.parametrize("way", WAYS)
def test_stored_levels_are_served(way, mount, run, tmp_path):
    write, apart, how = WAYS[way]
    stack, source = Stack(5, (2, 4)), tmp_path / "scan"
    source.mkdir()
    if apart:
        for z in range(5):
            write(stack, source / f"s_{z}.tif", [z], **how)
    else:
        source = source / "s.tif"
        write(stack, source, range(5), **how)
    m = mount(source, *USE, *CONSTANT)
    image = m.path / "em.zarr"
    assert axes_of(image) == "zyx"
    check_levels(image, expected(stack))
    told = info(run, source, *USE, *CONSTANT)
    assert made_of(told)[:3] == ["stored", "overview", "overview"]
    assert "a stored overview" not in run("info", "--json", *USE, source).stdout
    assert "a stored overview" in run("info", "--json", source).stdout or write == Stack.write_below
    # Without the option they are computed.
    with mount.within(source, "--voxel-size", "1,1,1", "--name", "em", *CONSTANT) as other:
        check_levels(other.path / "em.zarr", expected(stack, served=()))


@pytest.mark.parametrize("dtype", ["u1", "i2", "u4", "f4", "f8"])
def test_types(dtype, mount, tmp_path):
    stack = Stack(3, (2, 4, 8), dtype)
    stack.write_below(tmp_path / "s.tif", range(3))
    check_levels(mount(tmp_path / "s.tif", *USE, *CONSTANT, "--max-mag", "8").path / "em.zarr",
                 expected(stack) | {3: volume(stack.overviews[8])})


@pytest.mark.parametrize("how", [{"planarconfig": "contig"}, {"planarconfig": "contig", "compression": "lzw"}])
def test_samples(how, mount, tmp_path):
    stack = Stack(3, (2,), "u1", samples=3)
    for z in range(3):
        stack.write_behind(tmp_path / f"s_{z}.tif", [z], **how)
    image = mount(tmp_path, *USE, *CONSTANT).path / "em.zarr"
    assert axes_of(image) == "czyx"
    check_levels(image, expected(stack))


def test_planes_of_samples(mount, tmp_path):
    stack = Stack(1, (2,), "u1", samples=3)
    with tifffile.TiffWriter(tmp_path / "s.tif") as t:
        for page, kind in ((stack.planes[0], 0), (stack.overviews[2][0], 1)):
            t.write(np.moveaxis(page, -1, 0), photometric="rgb", planarconfig="separate", subfiletype=kind,
                    metadata=None)
    image = mount(tmp_path / "s.tif", *FLAT).path / "em.zarr"
    check_levels(image, expected(stack, flat=True))


@pytest.mark.parametrize("method", cascade.METHODS)
def test_levels_above_are_made_from_them(method, mount, tmp_path):
    """Level 1 from the full size, level 2 stored, level 3 from that; and where they lie."""
    stack = Stack(4, (4,), "u2")
    stack.write_below(tmp_path / "s.tif", range(4), tile=(64, 64))
    image = mount(tmp_path / "s.tif", *USE, *CONSTANT, "--max-mag", "8", "--interpolation-mode", method).path / "em.zarr"
    first = volume(stack.planes)
    stored = volume(stack.overviews[4])
    check_levels(image, {0: first, 1: cascade.reduce(first, (1, 2, 2), method), 2: stored,
                         3: cascade.reduce(stored, (1, 2, 2), method)})
    middles = [d["coordinateTransformations"][1]["translation"][1] if len(d["coordinateTransformations"]) > 1 else 0
               for d in multiscale(image)["datasets"]]
    # The first voxel of an overview stands for a whole window, whoever made it; what is picked from one, likewise.
    assert middles == ([0, 0, 1.5, 1.5] if method == "nearest" else [0, 0.5, 1.5, 3.5])
    scales = [d["coordinateTransformations"][0]["scale"] for d in multiscale(image)["datasets"]]
    assert scales == [[1, m, m] for m in (1, 2, 4, 8)]
    assert json.loads((image / ".zattrs").read_text())["ngffuse"]["overviews"] == {"levels": [2]}


def test_ladder_that_reduces_z(mount, run, tmp_path):
    """An overview has all planes: it is no level of half of them, but may be the one before."""
    stack = Stack(6, (2, 4), "u2")
    stack.write_below(tmp_path / "s.tif", range(6))
    words = [*USE, "--sampling-mode", "1,2,2:2,2,2", "--max-mag", "4"]
    image = mount(tmp_path / "s.tif", *words).path / "em.zarr"
    stored = volume(stack.overviews[2])
    check_levels(image, {1: stored, 2: cascade.reduce(stored, (2, 2, 2), "median")})
    assert made_of(info(run, tmp_path / "s.tif", *words)) == ["stored", "overview", "true"]


@pytest.mark.parametrize("words", [
    ["--chunk-shape", "2,64,64"], ["--chunk-shape", "1,300,40"], ["--codec", "zstd"], ["--ngff", "0.5"],
    ["--preview", "always"], ["--threads", "1", "--memory", "64M"],
], ids=" ".join)
def test_other_options(words, mount, tmp_path):
    stack = Stack(7, (2,), "u2")
    stack.write_below(tmp_path / "s.tif", range(7), compression="lzw", rowsperstrip=16)
    image = mount(tmp_path / "s.tif", *USE, *CONSTANT, *words).path / "em.zarr"
    levels = expected(stack)
    if "always" in words:
        levels |= {2: levels[1][:, ::2, ::2], 3: levels[1][:, ::4, ::4]}
    check_levels(image, levels)


def test_webknossos(mount, tmp_path):
    """The same chunks in its own tree."""
    stack = Stack(4, (2,), "u1")
    stack.write_below(tmp_path / "s.tif", range(4))
    m = mount(tmp_path / "s.tif", *USE, *CONSTANT, "--layout", "both")
    mags = [layer for layer in os.listdir(m.path / "em/color") if layer[0].isdigit()]
    assert "2-2-1" in mags
    array = json.loads((m.path / "em/color/2-2-1/.zarray").read_text())
    voxels = np.empty([n + -n % c for n, c in zip(array["shape"], array["chunks"])], "u1")
    for index in np.ndindex(*(n // c for n, c in zip(voxels.shape, array["chunks"]))):
        chunk = np.frombuffer((m.path / "em/color/2-2-1").joinpath(*map(str, index)).read_bytes(), "u1")
        voxels[tuple(slice(i * c, (i + 1) * c) for i, c in zip(index, array["chunks"]))] = \
            chunk.reshape(array["chunks"], order=array["order"])
    shown = voxels[tuple(slice(0, n) for n in array["shape"])].squeeze(0)  # x, y, z
    np.testing.assert_array_equal(shown.transpose(2, 1, 0), volume(stack.overviews[2]))


def test_gaps_are_filled_there_too(mount, tmp_path):
    stack = Stack(12, (2,), "u1")
    for z in range(12):
        if z != 5:
            stack.write_behind(tmp_path / f"s_{z:02}.tif", [z])
    stack.overviews[2][5][:] = 0
    check_levels(mount(tmp_path, *USE, *CONSTANT).path / "em.zarr", {1: volume(stack.overviews[2])})


# --- what does not fit


def warned(run, source, words, *texts):
    told = info(run, source, *words)
    assert "overview" not in made_of(told)
    for text in texts:
        assert any(text in w for w in told["warnings"]), told["warnings"]


def check_computed(mount, run, source, stack, *texts, words=(*USE, *CONSTANT), **how):
    warned(run, source, words, *texts)
    check_levels(mount(source, *words).path / "em.zarr", expected(stack, served=(), **how))


def test_sizes_that_no_level_has(mount, run, tmp_path):
    """Rounded down, as some scanners have it: the last row would be missing."""
    stack = Stack(2, (2,))
    stack.overviews[2] = [page[:-1] for page in stack.overviews[2]]
    stack.write_below(tmp_path / "s.tif", range(2))
    check_computed(mount, run, tmp_path / "s.tif", stack, "fit no level are not used: 219 x 150")


def test_nothing_stored(mount, run, tmp_path):
    stack = Stack(2, ())
    stack.write_below(tmp_path / "s.tif", range(2))
    check_computed(mount, run, tmp_path / "s.tif", stack, "has no stored overview")


def test_one_plane_without(mount, run, tmp_path):
    stack = Stack(5, (2,))
    for z in range(5):
        (stack if z != 3 else Stack(5, ())).write_behind(tmp_path / f"s_{z}.tif", [z])
    stack.planes[3] = Stack(5, ()).planes[3]
    check_computed(mount, run, tmp_path, stack, "level 1 is computed, for not all planes have it stored: 1 of 5")


def test_a_plane_beyond_the_sample_without(mount, run, tmp_path):
    """It was not looked at: it is damaged in that level, for all who ask alike."""
    stack = Stack(200, (2,), "u1", size=(40, 50))
    for z in range(200):
        (stack if z != 100 else Stack(200, (), "u1", size=(40, 50))).write_behind(tmp_path / f"s_{z:03}.tif", [z])
    words = [*USE, *CONSTANT, "--chunk-shape", "1,32,32"]
    assert made_of(info(run, tmp_path, *words))[1] == "overview"
    m = mount(tmp_path, *words)
    assert chunks_that_fail(m.path / "em.zarr", 1) == {(100, 0, 0)}
    assert "s_100.tif: overview of level 1" in m.log and "it has no stored overview of 25 x 20" in m.log
    stack.overviews[2][100][:] = 0
    with mount.within(tmp_path, *words, "--damaged", "fill") as other:
        check_levels(other.path / "em.zarr", {1: volume(stack.overviews[2])})


def test_damage_of_a_plane_is_no_lack_of_overviews(run, tmp_path):
    """One plane has a bad strip but its overview, another has none: they are not weighed against each other."""
    stack = Stack(5, (2,), "u1")
    for z in range(5):
        (stack if z != 3 else Stack(5, (), "u1")).write_behind(tmp_path / f"s_{z}.tif", [z], rowsperstrip=64)
    with tifffile.TiffFile(tmp_path / "s_1.tif", mode="r+b") as tif:
        tag = tif.pages[0].tags["StripOffsets"]
        tag.overwrite([2**31, *tag.value[1:]])
    told = info(run, tmp_path, *USE, *CONSTANT, code=1)  # one plane is damaged
    assert "overview" not in made_of(told)
    assert any("level 1 is computed, for not all planes have it stored" in w for w in told["warnings"])


def test_overviews_in_one_piece(run, tmp_path):
    """A level is not worth the memory of a whole page where planes have tiles."""
    size = (17000, 17000)
    with tifffile.TiffWriter(tmp_path / "s.tif") as t:
        t.write(np.zeros(size, "u1"), tile=(1024, 1024), compression="zlib", metadata=None)
        half = np.zeros(smaller(size, 2), "u1")
        t.write(half, rowsperstrip=half.shape[0], compression="zlib", subfiletype=1, metadata=None)
    warned(run, tmp_path / "s.tif", [*FLAT, "--memory", "256M"], "level 1 is computed, for its stored overview takes too")


def test_segmentations_are_computed(mount, run, tmp_path):
    stack = Stack(2, (2,), "u2")
    stack.write_below(tmp_path / "s.tif", range(2))
    words = [*USE, *CONSTANT, "--category", "segmentation", "--layout", "both"]
    check_computed(mount, run, tmp_path / "s.tif", stack, "levels of a segmentation are computed", words=words, method="mode")


def test_many_images(mount, tmp_path):
    """Each has overviews of its own, also those that are looked at when somebody asks, while others read the status."""
    stack = Stack(80, (2, 4), "u1", size=(90, 110))
    for z in range(80):
        stack.write_behind(tmp_path / f"s_{z:02}.tif", [z])
    m = mount(tmp_path, "--overviews", "use", "--voxel-size", "1,1", "--group", "none")
    with ThreadPoolExecutor(4) as pool:
        status = [pool.submit(m.status) for _ in range(60)]
        reads = [pool.submit(check_levels, m.path / f"s_{z:02}.zarr",
                             {1: stack.overviews[2][z], 2: stack.overviews[4][z]}) for z in range(80)]
        for each in (*status, *reads):
            each.result()


def test_overviews_behind_all_planes_belong_to_none(mount, run, tmp_path):
    """Nothing says which is whose."""
    stack = Stack(3, (2,))
    stack.write_behind(tmp_path / "s.tif", range(3), last=True)
    check_computed(mount, run, tmp_path / "s.tif", stack, "has no stored overview of its first plane")


def test_planes_that_share_a_page(mount, run, tmp_path):
    """ImageJ writes one page for all planes: what lies below it is of one of them at most."""
    stack = Stack(4, (2,), "u1")
    with tifffile.TiffWriter(tmp_path / "s.tif") as t:
        t.write(volume(stack.planes), subifds=1, contiguous=True, photometric="minisblack", metadata=None,
                description="ImageJ=1.53\nimages=4\nslices=4\n")
        t.write(stack.overviews[2][0], subfiletype=1, photometric="minisblack", metadata=None)
    with tifffile.TiffFile(tmp_path / "s.tif") as tif:
        assert len(tif.pages) == 4  # as yet each plane has a page
        first, second = tif.pages[0], tif.pages[1].offset
        at = first.offset + 2 + 12 * len(first.tags)
    with open(tmp_path / "s.tif", "r+b") as f:
        f.seek(at)
        assert int.from_bytes(f.read(4), "little") == second
        f.seek(at)
        f.write(bytes(4))
    check_computed(mount, run, tmp_path / "s.tif", stack, "its page is that of other planes, too")


def test_two_of_one_size(mount, run, tmp_path):
    stack = Stack(1, (2,))
    with tifffile.TiffWriter(tmp_path / "s.tif") as t:
        t.write(stack.planes[0], metadata=None)
        for _ in range(2):
            t.write(stack.overviews[2][0], subfiletype=1, metadata=None)
    check_computed(mount, run, tmp_path / "s.tif", stack, "fit no level", words=FLAT, flat=True)


def test_planes_of_another_image_are_no_overviews(mount, run, tmp_path):
    """Half as large, of the same type, behind the plane; but the file says that it is an image of its own."""
    stack = Stack(1, (2,), "u1")
    xml = '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">' + "".join(
        f'<Image ID="Image:{i}" Name="{"ab"[i]}"><Pixels ID="Pixels:{i}" DimensionOrder="XYZCT" Type="uint8" SizeX="{w}" SizeY="{h}" '
        f'SizeZ="1" SizeC="1" SizeT="1"><TiffData IFD="{i}"/></Pixels></Image>'
        for i, (h, w) in enumerate([(HEIGHT, WIDTH), smaller((HEIGHT, WIDTH), 2)])) + "</OME>"
    with tifffile.TiffWriter(tmp_path / "s.ome.tif", ome=False) as t:
        t.write(stack.planes[0], metadata=None, description=xml)
        t.write(stack.overviews[2][0], metadata=None)
    words = ["--overviews", "use", "--voxel-size", "1,1"]
    done = run("info", "--json", *words, tmp_path / "s.ome.tif")
    images = json.loads(done.stdout)["images"]
    assert len(images) == 2 and not any("overview" in made_of(image) for image in images)
    assert any("what could be its overview of 219 x 151 is a plane" in w for w in images[0]["warnings"])
    m = mount(tmp_path / "s.ome.tif", *words)
    check_levels(m.path / f"{images[0]['id']}.zarr", expected(stack, flat=True, served=()))


@pytest.mark.parametrize("other", ["type", "colours", "mask"])
def test_pages_that_mean_something_else(other, mount, run, tmp_path):
    stack = Stack(1, (2,), "u1")
    page, how = stack.overviews[2][0], {"subfiletype": 1}
    if other == "type":
        page = page.astype("u2")
    elif other == "colours":
        how["photometric"] = "miniswhite"
    with tifffile.TiffWriter(tmp_path / "s.tif") as t:
        t.write(stack.planes[0], subifds=1, photometric="minisblack", metadata=None)
        t.write(page, metadata=None, **({"photometric": "minisblack"} | how))
    if other == "mask":
        with tifffile.TiffFile(tmp_path / "s.tif", mode="r+b") as tif:
            tif.pages[0].pages[0].tags["NewSubfileType"].overwrite(5)
    check_computed(mount, run, tmp_path / "s.tif", stack, "no stored overview", words=FLAT, flat=True)


def test_labels_never_use_them(mount, tmp_path):
    """An average of ids is another id."""
    image, ids = Stack(2, (2,), "u1"), Stack(2, (2,), "u2")
    (tmp_path / "labels/cells").mkdir(parents=True)
    image.write_below(tmp_path / "em.tif", range(2))
    ids.write_below(tmp_path / "labels/cells/ids.tif", range(2))
    m = mount(tmp_path, *USE, *CONSTANT)
    check_levels(m.path / "em.zarr", expected(image))
    label = next((m.path / "em.zarr/labels").rglob(".zattrs")).parent
    label = m.path / "em.zarr/labels" / json.loads((m.path / "em.zarr/labels/.zattrs").read_text())["labels"][0]
    check_levels(label, expected(ids, served=(), method="mode"))


# --- damage


def scramble(path, page):
    """The second strip of this page (of tifffile's list) is no LZW any more."""
    with tifffile.TiffFile(path) as tif:
        at, n = page(tif).dataoffsets[1], page(tif).databytecounts[1]
    with open(path, "r+b") as f:
        f.seek(at + n // 4)
        f.write(b"\xff" * (n // 2))


def chunks_that_fail(image, level):
    meta = json.loads((image / str(level) / ".zarray").read_text())
    failed = set()
    for index in np.ndindex(*(-(-s // c) for s, c in zip(meta["shape"], meta["chunks"]))):
        try:
            (image / str(level)).joinpath(*map(str, index)).read_bytes()
        except OSError as e:
            assert e.errno == errno.EIO
            failed.add(index)
    return failed


@pytest.fixture
def damaged(tmp_path):
    """A strip of the overview of plane 3 cannot be read: rows 64 to 127 of level 1."""
    stack = Stack(6, (2,), "u2", size=(512, 512))
    for z in range(6):
        stack.write_below(tmp_path / f"s_{z}.tif", [z], rowsperstrip=64, compression="lzw")
    scramble(tmp_path / "s_3.tif", lambda tif: tif.pages[0].pages[0])
    return stack, tmp_path


DAMAGED = [*USE, *CONSTANT, "--chunk-shape", "2,64,64", "--max-mag", "8"]


def test_damaged_overviews_are_errors(damaged, mount, run):
    stack, folder = damaged
    m = mount(folder, *DAMAGED)
    image = m.path / "em.zarr"
    check_levels(image, {0: volume(stack.planes)})
    assert chunks_that_fail(image, 1) == {(1, 1, x) for x in range(4)}
    assert chunks_that_fail(image, 2) == {(1, 0, x) for x in range(2)}
    assert chunks_that_fail(image, 3) == {(1, 0, 0)}
    assert m.status()["images"][0]["lost"] == 7
    assert any("strip 1" in line for line in m.log.splitlines())
    # `check` decodes planes; a level computed from them is whole.
    assert run("check", folder, timeout=60).returncode == 0
    with mount.within(folder, *DAMAGED, "--overviews", "ignore") as other:
        assert not chunks_that_fail(other.path / "em.zarr", 1)


def test_damage_is_filled_where_asked(damaged, mount):
    stack, folder = damaged
    wanted = volume(stack.overviews[2]).copy()
    wanted[3, 64:128] = 0
    check_levels(mount(folder, *DAMAGED, "--damaged", "fill").path / "em.zarr",
                 {1: wanted, 2: cascade.reduce(wanted, (1, 2, 2), "median")})


def test_a_file_that_changes(damaged, mount):
    stack, folder = damaged
    m = mount(folder, *DAMAGED)
    write_tiff(folder / "s_5.tif", [pixels((512, 512), "u2", seed=9)], Layout(rows=64))
    failed = chunks_that_fail(m.path / "em.zarr", 1)
    assert {index for index in failed if index[0] == 2} == {(2, y, x) for y in range(4) for x in range(4)}


def test_memory(mount, ngffuse, tmp_path):
    """Many planes of large overviews within the budget."""
    if sanitized(ngffuse):
        pytest.skip("memory is not that of the program under a sanitizer")
    stack = Stack(24, (2,), "u2", size=(2048, 2048))
    for z in range(24):
        stack.write_behind(tmp_path / f"s_{z:02}.tif", [z], rowsperstrip=64, compression="lzw")
    m = mount(tmp_path, *USE, *CONSTANT, "--memory", "64M")
    check_levels(m.path / "em.zarr", {k: v for k, v in expected(stack).items() if k > 0})
    assert peak_rss(m.pid) <= 128 * MIB


# --- real files


REAL = {
    "cogger--cog_band4.tif": [1], "cogger--cog_gray.tif": [1], "cogger--cog_rgb.tif": [1],
    "rio-cogeo--cog_band_tags.tif": [1], "rio-cogeo--cog_no_offest.tif": [1],
    "rio-cogeo--image_rioCOG_gdal3.1.tif": [1], "image-tiff--usda_naip_256_webp_z3.tif": [1, 2],
    "Pillow--child_ifd.tiff": [1, 2], "libtiffnet--color64-lzw-pc.tif": [1], "sharp--G31D_MULTI.TIF": [1],
}


def decoded(page):
    try:
        return page.asarray()
    except ValueError as e:
        if "requires the 'imagecodecs' package" not in str(e):
            raise
        pytest.skip(f"here tifffile cannot decode it: {e}")


@pytest.mark.parametrize("name", REAL)
def test_real_files(name, shared, mount, run):
    path = next((shared / "tiff/files").rglob(name), None)
    if path is None:
        pytest.skip(f"no corpus at {shared / 'tiff'} (NGFFUSE_SHARED)")
    words = ["--overviews", "use", "--sampling-mode", "constant_z", "--max-mag", "16", "--name", "em"]
    levels = [k for k, made in enumerate(made_of(info(run, path, *words))) if made == "overview"]
    assert levels == REAL[name]
    image = mount(path, *words).path / "em.zarr"
    with tifffile.TiffFile(path) as tif:
        pages = [p for page in tif.pages for p in (page, *(page.pages or []))]
        for k in levels:
            got = plain(image, str(k))
            page = next(p for p in pages if (p.imagelength, p.imagewidth) == got.shape[-2:] and not p.is_mask)
            wanted = decoded(page)
            if wanted.ndim == 3 and page.planarconfig == 1:
                wanted = np.moveaxis(wanted, -1, 0)
            np.testing.assert_array_equal(got.reshape(wanted.shape), wanted)
