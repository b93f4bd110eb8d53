"""Means and stds that JSON documents state under other keys than those of timm and transformers."""

from __future__ import annotations

from typing import Any

import pytest

from tare.errors import SpecError
from tare.input_spec.spec import Crop, Known, Unknown
from tare.readers.table import read_spec

CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CONFIG: dict[str, Any] = {
    "model_cfg": {"embed_dim": 512, "vision_cfg": {"layers": 12}},
    "preprocess_cfg": {
        "size": [256, 256],
        "mode": "RGB",
        "mean": [0.5, 0.4, 0.3],
        "std": [0.25, 0.24, 0.23],
        "interpolation": "bilinear",
        "resize_mode": "squash",
        "fill_color": 0,
    },
}


def changed(**values: Any) -> dict[str, Any]:
    return {**CONFIG, "preprocess_cfg": {**CONFIG["preprocess_cfg"], **values}}


def test_an_open_clip_configuration_is_read() -> None:
    spec = read_spec(CONFIG)
    assert spec.mean == Known((0.5, 0.4, 0.3), "the mapping, preprocess_cfg, key 'mean'")
    assert (spec.require("std"), spec.require("size"), spec.require("channels")) == ((0.25, 0.24, 0.23), (256, 256), "RGB")
    assert (spec.require("interpolation"), spec.require("crop")) == ("bilinear", Crop("squash", 1.0))
    assert (spec.require("scale"), spec.require("raw_dtype")) == (1 / 255, "uint8")


@pytest.mark.parametrize(("mode", "crop"), [("shortest", "center"), ("longest", "border"), ("squash", "squash")])
def test_resize_modes(mode: str, crop: str) -> None:
    assert read_spec(changed(resize_mode=mode)).require("crop").mode == crop


def test_absent_keys_have_the_values_of_open_clip_and_say_so() -> None:
    spec = read_spec({"model_cfg": {"vision_cfg": {"image_size": 224}}, "preprocess_cfg": {}})
    assert spec.require("mean") == CLIP_MEAN
    assert isinstance(spec.mean, Known)
    assert "open_clip, what it takes where the mapping does not state 'mean'" in spec.mean.origin
    assert spec.size == Known((224, 224), "the mapping, vision_cfg, key 'image_size'")
    assert spec.require("interpolation") == "bicubic"
    assert isinstance(read_spec({"preprocess_cfg": {}}).size, Unknown)


def test_the_size_of_the_network_is_that_of_the_transforms() -> None:
    """As in open_clip's ``factory.py``, where the model's ``image_size`` replaces that of ``preprocess_cfg``."""
    spec = read_spec({**CONFIG, "model_cfg": {"vision_cfg": {"image_size": 224}}})
    assert spec.size == Known((224, 224), "the mapping, vision_cfg, key 'image_size'")


def test_constants_of_other_values_leave_the_scale_unknown() -> None:
    scale = read_spec(changed(mean=[123.7, 116.3, 103.5], std=[58.0, 57.0, 57.0])).scale
    assert scale == Unknown("the mapping has constants of 0..255 values, and open_clip scales to [0, 1]")


@pytest.mark.parametrize(
    "changes",
    [
        {"mean": "x"},
        {"std": [0, 1, 1]},
        {"size": -1},
        {"resize_mode": "stretch"},
        {"interpolation": "cubic"},
        {"mean": [1.0, 2.0]},
    ],
)
def test_a_malformed_configuration_is_one_line(changes: dict[str, Any]) -> None:
    with pytest.raises(SpecError) as caught:
        read_spec(changed(**changes))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "pair", [("norm_mean", "norm_std"), ("pixel_mean", "pixel_std"), ("mean", "std"), ("img_mean", "img_std")]
)
def test_a_pair_of_keys_states_mean_and_std_and_nothing_else(pair: tuple[str, str]) -> None:
    spec = read_spec({pair[0]: [0.5, 0.4, 0.3], pair[1]: [0.2, 0.2, 0.2], "epochs": 3})
    assert spec.mean == Known((0.5, 0.4, 0.3), f"the mapping, key {pair[0]!r}")
    for field in (spec.scale, spec.channels, spec.raw_dtype):
        assert field == Unknown("the mapping states a mean and a std, and not of which values")


STATED = {"norm_mean": [0.5, 0.4, 0.3], "norm_std": [0.2, 0.2, 0.2]}


@pytest.mark.parametrize(
    "other",
    [
        {"image_mean": [0.1, 0.1, 0.1], "image_std": [0.2, 0.2, 0.2]},
        {"mean": [0.5, 0.4, 0.3], "std": [0.9, 0.9, 0.9]},
        {"pixel_mean": {"R": 0.5, "G": 0.4, "B": 0.3}, "pixel_std": {"R": 1, "G": 1, "B": 1}},
        {"data_mean": 0.5, "data_std": 0.2},
        {"img_std": [0.9, 0.9, 0.9]},
    ],
)
def test_pairs_of_other_constants_are_refused_with_the_list(other: dict[str, Any]) -> None:
    with pytest.raises(SpecError) as caught:
        read_spec({**STATED, **other})
    said = str(caught.value)
    assert "one mean and std in the mapping" in said
    for key in (*STATED, *other):
        assert key in said


@pytest.mark.parametrize(
    "other",
    [
        {"mean": [0.5, 0.4, 0.3], "std": (0.2, 0.2, 0.2)},
        {"means": [0.50000001, 0.4, 0.3], "stds": 0.2},
        {"pixel_mean": {"R": 0.5, "G": 0.4, "B": 0.3}, "pixel_std": {"B": 0.2, "G": 0.2, "R": 0.2}},
    ],
)
def test_the_same_constants_twice_are_read(other: dict[str, Any]) -> None:
    spec = read_spec({**STATED, **other})
    assert (spec.require("mean"), spec.require("std")) == ((0.5, 0.4, 0.3), (0.2, 0.2, 0.2))


def test_formats_without_a_class_state_one_pair() -> None:
    other = {"pixel_mean": [1.0, 2.0], "pixel_std": [3.0, 4.0]}
    pair = {"mean": [0.5, 0.4, 0.3], "std": [0.2, 0.2, 0.2]}
    for document in (
        {**pair, "input_size": [3, 224, 224]},
        {"bands": ["B02", "B03"], "means": [1.0, 2.0], "stds": [3.0, 5.0]},
        {"image_mean": [0.5, 0.4, 0.3], "image_std": [0.2, 0.2, 0.2], "do_normalize": True},
    ):
        with pytest.raises(SpecError, match=r"one mean and std in the mapping.*pixel_std \[3\.0, 4\.0\]"):
            read_spec({**document, **other})
    named = {"image_processor_type": "ViTImageProcessor", "image_mean": [0.5, 0.4, 0.3], "image_std": [0.2, 0.2, 0.2]}
    assert read_spec({**named, **other}).require("mean") == (0.5, 0.4, 0.3)


def test_image_mean_and_image_std_alone_are_read() -> None:
    spec = read_spec({"image_mean": [0.5, 0.4, 0.3], "image_std": [0.2, 0.2, 0.2]})
    assert (spec.require("mean"), spec.require("std")) == ((0.5, 0.4, 0.3), (0.2, 0.2, 0.2))
    assert isinstance(spec.scale, Unknown)


def test_constants_of_code_values_are_named() -> None:
    scale = read_spec({"norm_mean": [123.7, 116.3, 103.5], "norm_std": [58.0, 57.0, 57.0]}).scale
    assert isinstance(scale, Unknown)
    assert "not of unit values, and may be of 0..255 values" in scale.reason


@pytest.mark.parametrize(
    "document", [{"norm_mean": [0.5]}, {"mean": 3.0, "std": None}, {"schema": "x/1", "mean": [1], "std": [1]}]
)
def test_half_a_pair_states_no_input(document: dict[str, Any]) -> None:
    with pytest.raises(SpecError, match="a JSON document that states a network's input"):
        read_spec(document)


def test_constants_by_name_are_the_channels() -> None:
    spec = read_spec({"mean": {"B02": 1087.0, "B03": 1342.0}, "std": {"B03": 2179.0, "B02": 2248.0}})
    assert (spec.require("channels"), spec.require("mean"), spec.require("std")) == (
        "B02,B03",
        (1087.0, 1342.0),
        (2248.0, 2179.0),
    )
    assert isinstance(spec.scale, Unknown)
    with pytest.raises(SpecError, match="a mean and a std of each band"):
        read_spec({"mean": {"B02": 1.0}, "std": {"B03": 1.0}})


def test_bands_beside_constants_are_named_and_no_scale_is_stated() -> None:
    spec = read_spec({"bands": ["VV", "VH"], "mean": [-12.5, -20.3], "std": [5.2, 5.8], "num_frames": 3})
    assert spec.require("channels") == "VV,VH"
    for field in (spec.scale, spec.raw_dtype, spec.layout):
        assert isinstance(field, Unknown)
