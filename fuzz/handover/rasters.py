"""Tiles of four bands with names, as satellites give them, and arrays of the same."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from fuzz.handover.commands import tare
from fuzz.handover.matrix import Answer, Chain, Telling, Told, World
from fuzz.handover.pictures import BY_PLACE, Images, Run, called, drifted, network, predicted, tiles, train

_NUMBER, _EDGE = 30, 16
BANDS = ("B02", "B03", "B04", "B08")
_LABELS = ("crop", "wood")
_TURNED = (3, 1, 0, 2)


def draw(generator: np.random.Generator) -> Images:
    """Digital numbers of 12 bits whose classes differ in each band."""
    classes = np.arange(_NUMBER) % len(_LABELS)
    levels = generator.uniform(500, 3000, (len(_LABELS), len(BANDS)))[classes][:, None, None, :]
    noise = generator.normal(0, 200, (_NUMBER, _EDGE, _EDGE, len(BANDS)))
    values = np.clip(levels + noise, 1, 4095).astype(np.uint16)
    return Images(values, BANDS, tuple(_LABELS[place] for place in classes))


def _turned(images: Images) -> Images:
    return images.channels(_TURNED)


def _more(images: Images) -> Images:
    values = np.concatenate([images.values[..., :1] // 2, images.values], axis=-1)
    return replace(images, values=values, names=("B01", *images.names))


def _mixed(folder: Path, images: Images) -> Told:
    """Every third tile stores its bands in another order."""
    told = tiles()(folder, images)
    other = tiles(_turned)(folder / "other", images)
    for number, path in enumerate(sorted(Path(other.data).rglob("*.tif"))):
        if number % 3 == 2:
            path.replace(Path(told.data) / path.relative_to(other.data))
    return told


def _npz(change: Callable[[Images], Images] = lambda images: images) -> Callable[[Path, Images], Told]:
    def write(folder: Path, images: Images) -> Told:
        np.savez(folder / "data.npz", x=change(images).values, y=np.array(images.labels))
        return Told(folder / "data.npz")

    return write


def _npy(change: Callable[[Images], Images] = lambda images: images, *, first: bool = False) -> Callable[[Path, Images], Told]:
    def write(folder: Path, images: Images) -> Told:
        values = change(images).values
        np.save(folder / "data.npy", np.moveaxis(values, -1, 1) if first else values)
        return Told(folder / "data.npy")

    return write


def _typed(kind: str) -> Callable[[Images], Images]:
    return lambda images: replace(images, values=images.values.astype(kind))


def _lower(names: Sequence[str], order: Sequence[int] = (0, 1, 2, 3)) -> Callable[[Path, Images], Told]:
    return tiles(called(names, order))


_SMALL = tuple(name.lower() for name in BANDS)
_RASTERS = ("rasterio",)

TELLINGS = (
    Telling("tiles", tiles(), _RASTERS),
    Telling("tiles, compressed", tiles(compress="deflate"), _RASTERS, same=True),
    Telling("tiles, most significant byte first", tiles(ENDIANNESS="BIG"), _RASTERS, same=True),
    Telling("tiles, each band by itself", tiles(interleave="band"), _RASTERS, same=True),
    Telling("tiles, a value that means no data and is not there", tiles(nodata=0), _RASTERS, same=True),
    Telling("tiles, bands in another order", tiles(_turned), _RASTERS, reorders="columns"),
    Telling("tiles, bands of some in another order", _mixed, _RASTERS),
    Telling("tiles, one more band", tiles(_more), _RASTERS),
    Telling("tiles, one band missing", tiles(lambda images: images.channels((0, 1, 2))), _RASTERS, back=False),
    Telling("tiles, names in small letters", _lower(_SMALL), _RASTERS, back=False),
    Telling("tiles, names in small letters, in another order",
            _lower([_SMALL[place] for place in _TURNED], _TURNED), _RASTERS, back=False),
    Telling("tiles, bands without names", _lower(("",) * 4), _RASTERS, remark=BY_PLACE, back=False),
    Telling("tiles, bands without names in another order", _lower(("",) * 4, _TURNED), _RASTERS, remark=BY_PLACE, back=False),
    Telling("tiles, other names", _lower(("Blue", "Green", "Red", "NIR")), _RASTERS, remark=BY_PLACE, back=False),
    Telling("tiles, other names, in another order",
            _lower(("NIR", "Green", "Blue", "Red"), _TURNED), _RASTERS, remark=BY_PLACE, back=False),
    Telling("tiles of signed integers", tiles(_typed("int16")), _RASTERS, back=False),
    Telling("tiles of 32-bit floats", tiles(_typed("float32")), _RASTERS, back=False),
    Telling("npz", _npz(), remark=BY_PLACE, back=False),
    Telling("npz, channels in another order", _npz(_turned), remark=BY_PLACE, back=False),
    Telling("npy", _npy(), same=True, back=False),
    Telling("npy, NCHW", _npy(first=True), same=True, back=False),
    Telling("npy, channels in another order", _npy(_turned), remark=BY_PLACE, back=False),
)  # fmt: skip


def trained(told: Told, folder: Path) -> Run:
    """A run of the tiles, with the statistics of their own."""
    return train(told, folder, len(BANDS))


def measured(told: Told, folder: Path) -> Path:
    """The statistics of the tiles."""
    tare("measure", told.data, "--out", folder / "stats.json")
    return folder / "stats.json"


def specified(told: Told, folder: Path) -> Path:
    """The specification of a run of the tiles, in a file."""
    said = tare("spec", trained(told, folder).place, "--json")
    (folder / "spec.json").write_text(said.out)
    return folder / "spec.json"


def _constants(told: Told, folder: Path, *more: str | Path) -> Answer:
    """The constants of each band of a run that is trained with these options."""
    built = network(folder, len(BANDS))
    out = folder / "run"
    given = ("--model", built, "--weights", "none", "--epochs", "1", "--head-epochs", "0", "--batch-size", "16", "--workers", "0")
    size = ("--size", str(_EDGE), "--interpolation", "bilinear", "--crop", "1", "--device", "cpu")
    said = tare("transfer", told.data, *told.options, *given, *size, "--out", out, *more)
    document = json.loads((out / "model" / "tare.json").read_text())
    bands = document["geometry"].get("bands") or BANDS
    pairs: Any = zip(bands, document["normalisation"]["mean"], document["normalisation"]["std"], strict=True)
    return Answer({band.upper(): [round(mean, 9), round(std, 9)] for band, mean, std in pairs}, said.both)


def matched(stats: Path, told: Told, folder: Path) -> Answer:
    """The constants that match the data to dataset0, of which the statistics are."""
    stated = ("--mean", "0.02,0.03,0.04,0.05", "--std", "0.01,0.02,0.01,0.02", "--scale", "1/65535")
    return _constants(told, folder, "--strategy", "match", "--source-stats", stats, *stated)


def stated(spec: Path, told: Told, folder: Path) -> Answer:
    """The constants of a run that takes those of a specification."""
    return _constants(told, folder, "--strategy", "source", "--spec", spec)


CHAINS = (
    Chain("transfer, predict", trained, predicted, atol=1e-5),
    Chain("transfer, drift", trained, drifted, in_order=("first samples", "second samples", "first columns"), atol=1e-9),
    Chain("measure, transfer --source-stats", measured, matched, ("npy*",), atol=1e-7),
    Chain("spec, transfer --spec", specified, stated, ("npy*",), atol=1e-7),
)

WORLDS = (World("tiles of named bands", draw, TELLINGS, CHAINS),)
