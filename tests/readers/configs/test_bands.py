"""Configurations with named bands, of the shape in which Clay, Prithvi, TerraTorch and TorchGeo publish them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tare.errors import SpecError
from tare.input_spec.spec import InputSpec, Known, Unknown
from tare.readers.table import read_spec

CLAY = """
sentinel-2-l2a:
  band_order: [blue, green, red]
  rgb_indices: [2, 1, 0]
  gsd: 10
  bands:
    mean: {blue: 1105., green: 1355., red: 1552.}
    std: {blue: 1809., green: 1757., red: 1888.}
    wavelength: {blue: 0.493, green: 0.56, red: 0.665}
sentinel-1-rtc:
  band_order: [vv, vh]
  gsd: 10
  bands:
    mean: {vh: -17.9, vv: -10.93}
    std: {vh: 4.3, vv: 3.27}
"""
MEANS, STDS = [1087.0, 1342.0, 1433.0, 2734.0], [2248.0, 2179.0, 2178.0, 1850.0]
BANDS = ["B02", "B03", "B04", "B05"]


def read(tmp_path: Path, text: str, part: str = "", name: str = "metadata.yaml") -> InputSpec:
    (tmp_path / name).write_text(text)
    return read_spec(f"{tmp_path / name}{part}")


def test_a_sensor_is_chosen(tmp_path: Path) -> None:
    spec = read(tmp_path, CLAY, "#sentinel-1-rtc")
    values = np.array([[-5.0, -20.0]])  # vv, vh: the stated order, not that of the mapping
    assert spec.require("channels") == "vv,vh"
    assert np.allclose(spec.affine().apply(values), (values - [-10.93, -17.9]) / [3.27, 4.3])
    assert isinstance(spec.raw_dtype, Unknown)
    assert isinstance(spec.units, Unknown)
    assert InputSpec.from_json(spec.to_json()) == spec
    assert read(tmp_path, CLAY, "#sentinel-2-l2a").require("mean") == (1105.0, 1355.0, 1552.0)


@pytest.mark.parametrize(("part", "message"), [("", "expected one sensor of"), ("#landsat", "expected the sensor 'landsat'")])
def test_without_a_choice_the_sensors_are_listed(tmp_path: Path, part: str, message: str) -> None:
    with pytest.raises(SpecError, match=f"{message}.*found sentinel-2-l2a, sentinel-1-rtc; name one as PATH#SENSOR"):
        read(tmp_path, CLAY, part)


def test_one_sensor_needs_no_choice(tmp_path: Path) -> None:
    assert read(tmp_path, CLAY.partition("sentinel-1-rtc")[0]).require("channels") == "blue,green,red"


@pytest.mark.parametrize(
    "document",
    [
        {"model_args": {"bands": BANDS, "mean": MEANS, "std": STDS, "img_size": 224}},
        {"data": {"init_args": {"rgb_indices": [2, 1, 0], "output_bands": BANDS, "means": MEANS, "stds": STDS}}},
        {"bands": BANDS, "means": [[[value]] for value in MEANS], "stds": [[[value]] for value in STDS]},
        {"data": {"bands": BANDS, "means": dict(zip(reversed(BANDS), reversed(MEANS), strict=True)),
                  "stds": dict(zip(BANDS, STDS, strict=True))}},
    ],
)  # fmt: skip
def test_lists_and_mappings_beside_bands(tmp_path: Path, document: dict[str, Any]) -> None:
    for name in ("config.json", "config.yaml"):
        spec = read(tmp_path, json.dumps(document), name=name)
        assert (spec.require("channels"), spec.require("mean"), spec.require("std")) == (",".join(BANDS), (*MEANS,), (*STDS,))
        assert isinstance(spec.scale, Known if "output_bands" in json.dumps(document) else Unknown)
        assert isinstance(spec.raw_dtype, Unknown)


def test_a_timm_configuration_with_bands_states_no_scale(tmp_path: Path) -> None:
    config = {"img_size": 224, "bands": BANDS, "mean": MEANS, "std": STDS}
    spec = read(tmp_path, json.dumps({"architecture": "prithvi_eo_v2_300", "pretrained_cfg": config}), name="config.json")
    assert (spec.require("channels"), spec.require("mean"), spec.require("std")) == (",".join(BANDS), (*MEANS,), (*STDS,))
    assert isinstance(spec.scale, Unknown)
    assert isinstance(spec.raw_dtype, Unknown)


def test_terratorch_scales_first_and_feeds_the_output_bands(tmp_path: Path) -> None:
    arguments: dict[str, Any] = {"dataset_bands": [*BANDS, "B06"], "output_bands": BANDS, "constant_scale": 0.0001}
    arguments |= {"means": [0.1] * 4, "stds": [0.2] * 4}
    spec = read(tmp_path, json.dumps({"data": {"init_args": arguments}}))
    values = np.array([[1000.0, 0.0, 10000.0, 3000.0]])
    assert spec.require("channels") == ",".join(BANDS)
    assert np.allclose(spec.affine().apply(values), (values * 0.0001 - 0.1) / 0.2)
    with pytest.raises(SpecError, match="a scale of zero"):
        read(tmp_path, json.dumps(arguments | {"constant_scale": 0}))


def test_constants_are_in_the_order_that_terratorch_brings_the_bands_to(tmp_path: Path) -> None:
    """As in ``generic_pixel_wise_dataset.py``: bands are picked in the order of ``output_bands``, and then normalised."""
    arguments = {"means": [1, 2, 3], "stds": [10, 20, 30], "dataset_bands": ["BLUE", "GREEN", "RED"]}
    spec = read(tmp_path, json.dumps(arguments | {"output_bands": ["RED", "GREEN", "BLUE"]}))
    assert (spec.require("channels"), spec.require("mean")) == ("RED,GREEN,BLUE", (1.0, 2.0, 3.0))


@pytest.mark.parametrize("key", ["val_transform", "test_transform"])
@pytest.mark.parametrize(
    ("name", "known"),
    [("ToTensorV2", True), ("albumentations.augmentations.geometric.resize.Resize", True), ("FlattenTemporalIntoChannels", True),
     ("mine.Resize", False), ("mine.Decibel", False), ("albumentations.ToFloat", False), ("albumentations.Normalize", False)],
)  # fmt: skip
def test_a_transform_between_the_scale_and_the_constants(tmp_path: Path, key: str, name: str, known: bool) -> None:
    steps = [{"class_path": name}, {"class_path": "ToTensorV2"}]
    arguments = {"output_bands": BANDS, "means": MEANS, "stds": STDS, key: steps}
    spec = read(tmp_path, json.dumps({"data": {"init_args": arguments}}))
    assert isinstance(spec.scale, Known) is known
    assert known or (isinstance(spec.scale, Unknown) and f"{name!r} does to values is not read" in spec.scale.reason)


def test_mappings_alone_keep_the_order_of_the_file(tmp_path: Path) -> None:
    document = {"means": {"VV": -12.0, "VH": -19.0}, "stds": {"VH": 5.0, "VV": 4.0}}
    spec = read(tmp_path, json.dumps(document))
    assert (spec.require("channels"), spec.require("std")) == ("VV,VH", (4.0, 5.0))


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"bands": BANDS, "mean": MEANS, "std": STDS[:3]}, "as many means as stds"),
        ({"bands": BANDS[:3], "mean": MEANS, "std": STDS}, "3 bands, 4 means"),
        ({"bands": ["B02"] * 4, "mean": MEANS, "std": STDS}, "the channel 'B02' is named twice"),
        ({"bands": ["a,b", "c", "d", "e"], "mean": MEANS, "std": STDS}, "names of bands without commas"),
        ({"bands": BANDS, "mean": MEANS, "std": [0, 1, 2, 3]}, "a std is positive"),
        ({"bands": BANDS, "mean": ["x", 1, 2, 3], "std": STDS}, "not a finite number"),
        ({"bands": BANDS, "mean": MEANS, "std": {"B02": 1}}, "expected"),
        ({"means": {"VV": 1.0}, "stds": {"VH": 1.0}}, "a mean and a std of each band"),
        ({"means": {}, "stds": {}}, "a mean and a std of each band"),
        ({"bands": [["a"]], "means": {"a": 1.0}, "stds": {"a": 1.0}}, "a mean and a std of each band"),
        ({"bands": BANDS, "mean": MEANS, "std": STDS, "x": {"bands": BANDS, "mean": STDS, "std": STDS}}, "different ones"),
    ],
)
def test_a_malformed_configuration_is_one_line(tmp_path: Path, document: Any, message: str) -> None:
    with pytest.raises(SpecError, match=message) as caught:
        read(tmp_path, json.dumps(document))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["s: {bands: &a {mean: *a, std: *a}}", "s: &s {bands: {mean: {a: *s}, std: {a: *s}}}"])
def test_aliases_that_hold_themselves_are_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(SpecError):
        read(tmp_path, text)
