"""Voxel sizes, times, names, colours and windows that files tell, each rule by a file made for it: what `info` says,
and what stands in the image's own metadata."""

import json
import struct

import pytest
from make_imagej import hyperstack
from make_ome import ome, tiff_data
from make_planes import RATIONAL, SHORT, SIZE, Page, plane, write_pages
from reading import multiscale

pytestmark = pytest.mark.fuse

UM = "\u00b5m"


def ome_text(pixels="", z=3, c=1, t=1, channels=None, planes="", type="uint16"):
    made = "".join(f'<Channel ID="Channel:0:{k}" {words}/>' for k, words in enumerate(channels or [""] * c))
    return ome(f'<Image ID="Image:0"><Pixels ID="Pixels:0" DimensionOrder="XYZCT" Type="{type}" SizeX="{SIZE[1]}" '
               f'SizeY="{SIZE[0]}" SizeZ="{z}" SizeC="{c}" SizeT="{t}" {pixels}>{made}{tiff_data()}{planes}'
               "</Pixels></Image>")


def deltas(*seconds):
    return "".join(f'<Plane TheZ="0" TheC="0" TheT="{t}" DeltaT="{s}"/>' for t, s in enumerate(seconds))


def resolution(x, y=None, unit=1):
    """x, y: (numerator, denominator) of pixels a unit."""
    return ((282, RATIONAL, list(x)), (283, RATIONAL, list(y or x)), (296, SHORT, [unit]))


def blob(ranges=(), luts=(), labels=(), end=">"):
    """Tags 50838 and 50839."""
    items = []
    if labels:
        items += [(b"labl", [label.encode("utf-16-be" if end == ">" else "utf-16-le") for label in labels])]
    if ranges:
        items += [(b"rang", [struct.pack(f"{end}{2 * len(ranges)}d", *[v for pair in ranges for v in pair])])]
    if luts:
        ramps = [[bytes(v * k // 255 for k in range(256)) for v in rgb] for rgb in luts]
        items += [(b"luts", [b"".join(ramp) for ramp in ramps])]
    code = (lambda name: name) if end == ">" else (lambda name: name[::-1])
    head = code(b"IJIJ") + b"".join(code(name) + struct.pack(end + "I", len(data)) for name, data in items)
    counts = [len(head), *[len(one) for _, data in items for one in data]]
    return ((50838, 4, counts), (50839, 7, list(head + b"".join(one for _, data in items for one in data))))


SIZES = {
    # OME: (pages, description, tags), (z, y, x as told, unit)
    "OME, micrometers": ((3, ome_text('PhysicalSizeX="0.5" PhysicalSizeY="0.25" PhysicalSizeZ="2"'), ()),
                         ([2, 0.25, 0.5], "micrometer")),
    "OME, mixed units": ((3, ome_text('PhysicalSizeX="4" PhysicalSizeXUnit="nm" PhysicalSizeY="0.004" '
                                      f'PhysicalSizeYUnit="{UM}" PhysicalSizeZ="3E-5" PhysicalSizeZUnit="mm"'), ()),
                         ([30, 4, 4], "nanometer")),
    "OME, angstrom": ((3, ome_text('PhysicalSizeX="7" PhysicalSizeXUnit="\u00c5" PhysicalSizeY="7" '
                                   'PhysicalSizeYUnit="\u00c5" PhysicalSizeZ="2" PhysicalSizeZUnit="nm"'), ()),
                      ([20, 7, 7], "angstrom")),
    "OME, z is assumed": ((3, ome_text('PhysicalSizeX="0.5" PhysicalSizeY="0.25"'), ()),
                          ([0.5, 0.25, 0.5], "micrometer")),
    "OME, only x": ((3, ome_text('PhysicalSizeX="0.5" PhysicalSizeZ="2"'), ()), ([2, 0.5, 0.5], "micrometer")),
    "OME, pixels are no unit": ((3, ome_text('PhysicalSizeX="3" PhysicalSizeXUnit="pixel" PhysicalSizeY="3" '
                                             'PhysicalSizeYUnit="pixel"'), ()), ([1, 1, 1], "")),
    **{f"OME, nonsense: {bad}": ((3, ome_text(f'PhysicalSizeX="{bad}" PhysicalSizeY="{bad}" PhysicalSizeZ="{bad}"'),
                                  ()), ([1, 1, 1], ""))
       for bad in ("0", "-1", "NaN", "INF", "1e-12", "1e10", "much", "0,5")},
    "OME over tags": ((3, ome_text('PhysicalSizeX="0.5" PhysicalSizeY="0.5" PhysicalSizeZ="2"'),
                       resolution((5000000, 1), unit=3)), ([2, 0.5, 0.5], "micrometer")),
    # ImageJ
    "ImageJ": ((3, hyperstack(3, slices=3, unit="micron", spacing=0.5), resolution((10, 1))),
               ([0.5, 0.1, 0.1], "micrometer")),
    "ImageJ, digits": ((3, hyperstack(3, slices=3, unit="nm", spacing=17), resolution((58823, 1000000))),
                       ([17, 17, 17], "nanometer")),
    "ImageJ, escapes": ((3, hyperstack(3, slices=3, unit="\\u00B5m", spacing=0.5), resolution((2, 1))),
                        ([0.5, 0.5, 0.5], "micrometer")),
    "ImageJ, negative spacing": ((3, hyperstack(3, slices=3, unit="um", spacing=-0.5), resolution((4, 1))),
                                 ([0.5, 0.25, 0.25], "micrometer")),
    "ImageJ, units of each axis": ((3, hyperstack(3, slices=3, unit="um", yunit="nm", zunit="mm", spacing=0.002),
                                    resolution((4, 1), (1, 500))), ([2, 0.5, 0.25], "micrometer")),
    "ImageJ, spacing of 1": ((3, hyperstack(3, slices=3, unit="um"), resolution((4, 1))),
                             ([1, 0.25, 0.25], "micrometer")),
    "ImageJ, a ratio": ((3, hyperstack(3, slices=3, spacing=1.5), ()), ([1.5, 1, 1], "")),
    "ImageJ, cm in the tag": ((3, hyperstack(3, slices=3, unit="um", spacing=2), resolution((10000, 5), unit=3)),
                              ([2, 5, 5], "micrometer")),
    "ImageJ, inches are converted": ((3, hyperstack(3, slices=3, unit="inch", spacing=1), resolution((254, 1), unit=2)),
                                     ([25400, 100, 100], "micrometer")),
    "ImageJ, a ratio": ((3, hyperstack(3, slices=3, spacing=1.5), ()), ([1.5, 1, 1], "")),
    "ImageJ, a ratio of a blank unit": ((3, hyperstack(3, slices=3, unit=" ", spacing=1.5), resolution((1, 1))),
                                        ([1.5, 1, 1], "")),
    "ImageJ, a spacing in pixels": ((3, hyperstack(3, slices=3, unit="pixel", spacing=1.5), ()), ([1, 1, 1], "")),
    "ImageJ, z alone": ((3, hyperstack(3, slices=3, unit="um", spacing=1.5), ()), ([1, 1, 1], "")),
    "OME, z alone": ((3, ome_text('PhysicalSizeZ="2"'), ()), ([1, 1, 1], "")),
    # tags alone: z never comes from them
    "tags, 4 nm": ((3, "", resolution((2500000, 1), unit=3)), ([4, 4, 4], "nanometer")),
    "tags, 0.65 um": ((3, "", resolution((1000000, 65), unit=3)), ([0.65, 0.65, 0.65], "micrometer")),
    "tags, a default of writers": ((3, "", resolution((10000, 1), unit=3)), ([1, 1, 1], "")),
    "tags, a screen": ((3, "", resolution((72, 1), unit=2)), ([1, 1, 1], "")),
    "tags, no unit": ((3, "", resolution((4000, 1), unit=1)), ([1, 1, 1], "")),
    "tags, 0 / 0": ((3, "", resolution((0, 0), unit=3)), ([1, 1, 1], "")),
    "tags, x and y differ": ((3, "", resolution((2500000, 1), (100000, 1), unit=3)), ([1, 1, 1], "")),
}
TIMES = {
    "OME, increment": ((3, ome_text('TimeIncrement="250" TimeIncrementUnit="ms"', z=1, t=3), ()), 0.25),
    "OME, increment in seconds": ((3, ome_text('TimeIncrement="1.5"', z=1, t=3), ()), 1.5),
    "OME, deltas": ((4, ome_text(z=1, t=4, planes=deltas(0, 2, 4.02, 6.01)), ()), pytest.approx(2, rel=0.01)),
    "OME, deltas that jump": ((4, ome_text(z=1, t=4, planes=deltas(0, 2, 9, 10)), ()), 0),
    "OME, nothing": ((3, ome_text(z=1, t=3), ()), 0),
    "ImageJ, finterval": ((3, hyperstack(3, frames=3, finterval=0.5), ()), 0.5),
    "ImageJ, minutes": ((3, hyperstack(3, frames=3, finterval=3, tunit="min"), ()), 180),
    "ImageJ, fps": ((3, hyperstack(3, frames=3, fps=4), ()), 0.25),
    "ImageJ, both": ((3, hyperstack(3, frames=3, finterval=2, fps=4), ()), 2),
    "ImageJ, negative": ((3, hyperstack(3, frames=3, finterval=-1.23), ()), 0),
}
THREE = 'Name="DAPI" Color="65535"', 'Name="GFP" Color="16711935"', 'Name="x &amp; y" Color="-16776961"'
CHANNELS = {
    # (label or None, colour or None, (start, end) or None) of each
    "OME": ((3, ome_text(z=1, c=3, channels=THREE), ()),
            [("DAPI", "0000FF", None), ("GFP", "00FF00", None), ("x & y", "FF0000", None)]),
    "OME, unsigned": ((2, ome_text(z=1, c=2, channels=['Color="4278190335"', 'Color="16711935"']), ()),
                      [(None, "FF0000", None), (None, "00FF00", None)]),
    "OME, all white is not set": ((2, ome_text(z=1, c=2, channels=['Color="-1"'] * 2), ()),
                                  [("channel 0", "00FF00", None), ("channel 1", "FF00FF", None)]),
    "OME, fluorophores": ((2, ome_text(z=1, c=2, channels=['Fluor="Cy5"', 'EmissionWavelength="525"']), ()),
                          [("Cy5", None, None), ("525 nm", None, None)]),
    "OME, names give colours": ((2, ome_text(z=1, c=2, channels=['Name="Hoechst 33342"', 'Name="mCherry"']), ()),
                                [("Hoechst 33342", "0000FF", None), ("mCherry", "FF0000", None)]),
    **{f"ImageJ, {mark}": ((2, hyperstack(2, channels=2), blob([(5, 500), (0, 9000)], [(255, 0, 0), (0, 255, 255)],
                                                                end=end)),
                           [(None, "FF0000", (5, 500)), (None, "00FFFF", (0, 9000))])
       for mark, end in (("big-endian", ">"), ("little-endian", "<"))},
    "ImageJ, labels": ((2, hyperstack(2, channels=2), blob(labels=["c:1/2 - Alpha", "c:2/2 - Beta"])),
                       [("Alpha", None, None), ("Beta", None, None)]),
    "ImageJ, min and max": ((3, hyperstack(3, slices=3, min="12.0", max="3456.0"), ()), [(None, "FFFFFF", (12, 3456))]),
    "ImageJ, a window of nothing": ((2, hyperstack(2, channels=2), blob([(7, 7), (9, 2)])), [(None, None, None)] * 2),
}
SAYS_END = {"ImageJ, big-endian": ">", "ImageJ, labels": ">", "ImageJ, a window of nothing": ">"}


def write(folder, n, description, tags, end="<"):
    path = folder / "a.tif"
    write_pages(path, [Page(plane(0, k), description if k == 0 else "", tags=tags if k == 0 else ()) for k in range(n)],
                byteorder=end)
    return path


def info(run, source):
    done = run("info", "--json", source)
    assert done.returncode == 0, done
    (image,) = json.loads(done.stdout)["images"]
    return image


@pytest.mark.parametrize("name", SIZES)
def test_sizes(name, run, mount, tmp_path):
    made, (size, unit) = SIZES[name]
    source = write(tmp_path, *made)
    image = info(run, source)
    assert (image["voxel_size"], image["unit"]) == (size, unit), image["from"]
    scale = multiscale(mount(source).path / "a.zarr")
    assert scale["datasets"][0]["coordinateTransformations"][0]["scale"] == size
    assert [axis.get("unit", "") for axis in scale["axes"]] == [unit] * 3


@pytest.mark.parametrize("name", TIMES)
def test_times(name, run, tmp_path):
    made, seconds = TIMES[name]
    image = info(run, write(tmp_path, *made))
    assert image["axes"] == ["t", "y", "x"] and image["time_step"] == seconds, image["from"]


@pytest.mark.parametrize("name", CHANNELS)
def test_channels(name, run, tmp_path):
    made, wanted = CHANNELS[name]
    image = info(run, write(tmp_path, *made, end=SAYS_END.get(name, "<")))
    got = [(c["label"], c["color"], (c["start"], c["end"])) for c in image["channels"]]
    assert len(got) == len(wanted)
    assert [tuple(g if w is not None else None for g, w in zip(*pair)) for pair in zip(got, wanted)] == wanted
    assert all(start < end for _, _, (start, end) in got)


@pytest.mark.parametrize("names", [("Cy5", "DAPI"), ("DAPI", "Cy5"), ("blue", "red")])
def test_metadata_beside_slices(names, run, tmp_path):
    """metadata.txt beside Micro-Manager's slices: channels by their names, whose order in the files is another one."""
    for t in range(2):
        for c in ("Cy5", "DAPI"):
            for z in range(3):
                write_pages(tmp_path / f"img_{t:09}_{c}_{z:03}.tif", [Page(plane(0, z), "")])
    summary = {"PixelSize_um": 0.25, "z-step_um": 2, "Interval_ms": 500, "Channels": 2, "Slices": 3, "Frames": 2,
               "ChNames": list(names), "ChColors": [255 << 16, 255]}
    (tmp_path / "metadata.txt").write_text(json.dumps({"Summary": summary, "FrameKey-0-0-0": {"Frame": 0}}))
    image = info(run, tmp_path)
    assert image["axes"] == ["t", "c", "z", "y", "x"]
    assert (image["voxel_size"], image["unit"], image["time_step"]) == ([2, 0.25, 0.25], "micrometer", 0.5)
    assert image["from"]["voxel_size"].startswith("metadata.txt")
    colors = {c["label"]: c["color"] for c in image["channels"]}
    assert colors == dict(zip(names, ("FF0000", "0000FF")))
    if names != ("blue", "red"):
        assert [c["label"] for c in image["channels"]] == ["Cy5", "DAPI"]
