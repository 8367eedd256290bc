"""Where a mount shows the levels of an image and of its label: in the trees of OME-Zarr and of WEBKNOSSOS, in
which the files of chunks are the same."""

import json

import numcodecs
import numpy as np
from cascade import mag_name
from reading import describe

TREES = {"ome-zarr": ("ngff",), "webknossos": ("wk", "xyz"), "both": ("ngff", "wk", "xyz")}


class Part:
    """An image, or the label with that path below `labels`, of a mount of `walk`. channels: 0 where it has no axis c;
    several: whether its dataset has several layers. .names: of its levels in each tree."""

    def __init__(self, mount, layout, label, channels, several):
        self.trees, self.channels, self._several = TREES[layout], channels, several
        self.image = mount / "walk.zarr" / "labels" / label if label else mount / "walk.zarr"
        self._dataset = mount / "walk" if layout == "both" else mount
        self._layer = label.replace("/", "_") or "color"

    def layers(self):
        return [f"{self._layer}__channel{c}" for c in range(self.channels)] if self.channels > 1 else [self._layer]

    def name_levels(self, mags):
        both = list(map(str, range(len(mags)))), list(map(mag_name, mags))
        self.names = {tree: both[tree != "ngff"] for tree in self.trees}

    def listed(self, tree):
        """The names of its levels, as its documents list them."""
        if tree == "ngff":
            return [d["path"] for d in json.loads((self.image / ".zattrs").read_text())["multiscales"][0]["datasets"]]
        listed = json.loads((self._dataset / "datasource-properties.json").read_text())["dataLayers"]
        mags = {layer["name"]: [mag_name(mag["mag"][::-1]) for mag in layer["mags"]] for layer in listed}
        if any(mags[layer] != mags[self.layers()[0]] for layer in self.layers()):
            raise AssertionError(f"layers with other mags: {mags}")
        return mags[self.layers()[0]]

    def array(self, tree, name, channel):
        """The folder of a level."""
        layer = self.layers()[channel]
        xyz = self._dataset / "xyz" / layer if self._several else self._dataset / "xyz"
        return {"ngff": self.image, "wk": self._dataset / layer, "xyz": xyz}[tree] / name


def parts(tree, index, first=0):
    """What follows the folder in the path of a chunk c, z, y, x or z, y, x. first: of the axis that wk alone has."""
    return {"ngff": list(index), "wk": [first, *index[:-4:-1]], "xyz": list(index[:-4:-1])}[tree]


def described(tree, folder, channels):
    """As `describe` does it, with the axes of the image."""
    if tree == "ngff":
        return describe(folder)
    meta = json.loads((folder / ".zarray").read_text())
    assert (meta["order"], meta["dimension_separator"], meta["fill_value"]) == ("F", "/", 0)
    codec = numcodecs.get_codec(dict(meta["compressor"])) if meta["compressor"] else None
    outer = [channels] if channels else []
    assert len(meta["shape"]) == 3 or meta["shape"][0] == meta["chunks"][0] == 1
    return ([*outer, *meta["shape"][:-4:-1]], [1] * len(outer) + meta["chunks"][:-4:-1], np.dtype(meta["dtype"]), codec)
