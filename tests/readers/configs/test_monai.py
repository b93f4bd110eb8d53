"""Configurations of MONAI bundles, of the shape in which they are published; formulas of monai/transforms/intensity/array.py."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tare.errors import SpecError
from tare.input_spec.spec import InputSpec, Known, PerSample, Unknown
from tare.readers.table import read_spec

CT = {"_target_": "ScaleIntensityRanged", "keys": ["image"], "a_min": -57, "a_max": 164, "b_min": 0, "b_max": 1, "clip": True}
NETWORK = {"_target_": "UNet", "spatial_dims": 3, "in_channels": 1, "out_channels": 2}


def bundle(*steps: Any, **others: Any) -> dict[str, Any]:
    load = {"_target_": "LoadImaged", "keys": "@image_key"}
    return {"image_key": "image", "network_def": NETWORK, "preprocessing": {"_target_": "Compose", "transforms": [load, *steps]},
            **others}  # fmt: skip


def read(tmp_path: Path, document: Any, part: str = "") -> InputSpec:
    (tmp_path / "inference.json").write_text(json.dumps(document))
    return read_spec(f"{tmp_path / 'inference.json'}{part}")


def step(name: str, **options: Any) -> dict[str, Any]:
    return {"_target_": f"monai.transforms.{name}", "keys": "image", **options}


def test_a_window_is_a_clip_and_constants(tmp_path: Path) -> None:
    spec = read(tmp_path, bundle(CT))
    values = np.array([[-1000.0], [-57.0], [0.0], [164.0], [3000.0]])
    assert np.allclose(spec.input_map().apply(values), np.clip((values + 57) / 221, 0, 1))
    assert spec.require("clip") == ((-57.0, 164.0),)
    assert isinstance(spec.raw_dtype, Unknown)
    assert isinstance(spec.units, Unknown)
    assert InputSpec.from_json(spec.to_json()) == spec


def test_without_a_clip_and_without_ends(tmp_path: Path) -> None:
    values = np.array([[-1000.0], [0.0], [3000.0]])
    spec = read(tmp_path, bundle(step("ScaleIntensityRange", a_min=-57, a_max=164, b_min=-1, b_max=1)))
    assert np.allclose(spec.input_map().apply(values), (values + 57) / 221 * 2 - 1)
    spec = read(tmp_path, bundle(step("ScaleIntensityRanged", a_min=0, a_max=4)))
    assert np.allclose(spec.input_map().apply(values), values / 4)


def test_constants_follow_a_window(tmp_path: Path) -> None:
    spec = read(tmp_path, bundle(CT, step("NormalizeIntensityd", subtrahend=0.5, divisor=[0.25])))
    values = np.array([[-1000.0], [0.0], [3000.0]])
    assert np.allclose(spec.input_map().apply(values), (np.clip((values + 57) / 221, 0, 1) - 0.5) / 0.25)


@pytest.mark.parametrize(
    ("given", "each"),
    [
        (step("NormalizeIntensityd", channel_wise=True), PerSample("zscore", "channel")),
        (step("NormalizeIntensity"), PerSample("zscore", "sample")),
        (step("ScaleIntensityd"), PerSample("minmax", "sample")),
        (step("ScaleIntensityRangePercentilesd", lower=1, upper=99, b_min=0, b_max=1, clip=True),
         PerSample("percentile", "sample", 0.0, 1.0, 99.0)),
    ],
)  # fmt: skip
def test_each_sample_by_its_own_values(tmp_path: Path, given: dict[str, Any], each: PerSample) -> None:
    spec = read(tmp_path, bundle(given))
    assert spec.require("per_sample") == each
    assert (spec.require("mean"), spec.require("std")) == ((0.0,), (1.0,))
    assert InputSpec.from_json(spec.to_json()) == spec


def test_what_percentiles_and_extremes_become(tmp_path: Path) -> None:
    volume = torch.arange(2 * 3 * 4, dtype=torch.float32).reshape(1, 1, 2, 3, 4) * 7 - 30
    given = step("ScaleIntensityRangePercentilesd", lower=10, upper=90, b_min=-1, b_max=1, clip=True)
    low, high = np.percentile(volume.numpy(), (10, 90))
    expected = np.clip((volume.numpy() - low) / (high - low) * 2 - 1, -1, 1)
    stored = Known("float32", "the volume")
    found = replace(read(tmp_path, bundle(given)), raw_dtype=stored).apply(volume, "NCDHW")
    assert np.allclose(found, expected, atol=1e-5)
    unit = replace(read(tmp_path, bundle(step("ScaleIntensityd", minv=-1.0, maxv=1.0))), raw_dtype=stored).apply(volume, "NCDHW")
    assert np.allclose(unit, (volume + 30) / 161 * 2 - 1, atol=1e-5)


@pytest.mark.parametrize(
    ("steps", "reason"),
    [
        ([step("NormalizeIntensityd", nonzero=True, channel_wise=True)], "leaves zeros as they are"),
        ([step("NormalizeIntensityd", subtrahend=1.0)], "takes the std from each sample"),
        ([CT, step("NormalizeIntensityd")], "by its own values after ScaleIntensityRange"),
        ([CT, {**CT, "keys": ["image2"]}, step("NormalizeIntensityd")], "different transforms for image, image2"),
        ([step("HistogramNormalized"), CT], "what 'HistogramNormalized' does to values is not read"),
        ([step("ScaleIntensityRangePercentilesd", lower=1, upper=99, b_min=0, b_max=1, relative=True)], "relative"),
    ],
)
def test_what_no_field_can_hold_is_unknown(tmp_path: Path, steps: list[Any], reason: str) -> None:
    spec = read(tmp_path, bundle(*steps))
    assert isinstance(spec.mean, Unknown)
    assert isinstance(spec.std, Unknown)
    assert reason in spec.mean.reason
    assert isinstance(spec.per_sample, Unknown)
    assert spec.extra == ({"nonzero": True} if steps[0].get("nonzero") else {})


@pytest.mark.parametrize("where", [0, 1])
@pytest.mark.parametrize(
    ("other", "reason"),
    [
        ({"_target_": "scripts.Log", "keys": "image"}, "what 'scripts.Log' does to values"),
        ({"_target_": "scripts.NormalizeIntensityd", "keys": "image"}, "what 'scripts.NormalizeIntensityd' does"),
        ({"_target_": "scripts.RandLog"}, "what 'scripts.RandLog' does"),
        ({"_target_": "scripts.Log", "keys": "$@image_key"}, "what 'scripts.Log' does"),
        (step("AsDiscreted", threshold=0.5), "what 'AsDiscreted' does"),
        (step("CastToTyped", dtype="uint8"), "CastToType casts to 'uint8'"),
        (step("EnsureTyped", dtype="$torch.int16"), "EnsureType casts to"),
        (step("RandLambdad", func="$lambda x: x * 2"), "what 'RandLambda' does"),
        (step("Flipd", _disabled_="$@off"), "whether Flip is left out is an expression"),
        ({"_target_": "OneOf", "transforms": [step("Flipd")]}, "what 'OneOf' does"),
        ("$monai.transforms.Flipd('image')", "which is not run"),
        ({"_target_": "CopyItemsd", "keys": "image", "names": ["copy"]}, ""),
        ({"_target_": "monai.apps.detection.transforms.dictionary.ClipBoxToImaged", "box_keys": "box"}, ""),
        (step("CastToTyped") | {"keys": ["image", "label"], "dtype": ["$torch.float32", "$torch.uint8"]}, ""),
        (
            step("CastToTyped") | {"keys": ["image", "label"], "dtype": ["$torch.uint8", "$torch.uint8"]},
            "casts to '$torch.uint8'",
        ),
        ({"_target_": "scripts.Log", "keys": "other"}, ""),
        ({"_target_": "scripts.Log", "keys": "label"}, ""),
        ({"_target_": "scripts.Log", "keys": "image", "_disabled_": "true"}, ""),
        (step("CastToTyped", dtype="$torch.float32"), ""),
        (step("CropForegroundd", source_key="image"), ""),
        (step("RandGaussianNoised", prob=0.1), ""),
    ],
)
def test_a_transform_that_is_not_known_makes_values_unknown(tmp_path: Path, other: Any, reason: str, where: int) -> None:
    steps = [other, CT] if where == 0 else [CT, other]
    spec = read(tmp_path, bundle(*steps))
    if reason:
        for field in (spec.mean, spec.std, spec.per_sample):
            assert isinstance(field, Unknown)
            assert reason in field.reason
    else:
        assert spec.require("mean") == (-57.0,)


def test_what_becomes_of_an_item_that_the_image_is_made_of(tmp_path: Path) -> None:
    own, joined = {"_target_": "scripts.Log", "keys": "t1"}, {"_target_": "ConcatItemsd", "keys": ["t1", "t2"], "name": "image"}
    assert isinstance(read(tmp_path, bundle(own, joined, CT)).mean, Unknown)
    assert isinstance(read(tmp_path, bundle(joined, CT)).mean, Known)


@pytest.mark.parametrize("given", ["NormalizeIntensityd", "ScaleIntensityd"])
@pytest.mark.parametrize("part", ["CropForegroundd", "SpatialPadd", "RandCropByPosNegLabeld", "ResizeWithPadOrCropd"])
def test_own_values_behind_a_crop_or_a_pad_are_not_those_of_a_sample(tmp_path: Path, given: str, part: str) -> None:
    spec = read(tmp_path, bundle(step(part), step(given)))
    assert isinstance(spec.mean, Unknown)
    assert f"the values that {part[:-1]} leaves or pads" in spec.mean.reason
    assert isinstance(read(tmp_path, bundle(step(given), step(part))).per_sample, Known)
    assert isinstance(read(tmp_path, bundle(step(part, keys="label"), step(given))).per_sample, Known)


def test_a_chain_in_a_chain_is_a_part_of_it(tmp_path: Path) -> None:
    inner = {"_target_": "Compose", "transforms": [{**CT, "clip": False}]}
    spec = read(tmp_path, bundle(inner, step("NormalizeIntensityd", subtrahend=0.5, divisor=0.5)))
    assert np.allclose(spec.input_map().apply(np.array([[-57.0], [164.0]])), [[-1.0], [1.0]])
    spec = read(tmp_path, bundle("@window", window=CT))
    assert spec.require("mean") == (-57.0,)
    choice = {"_target_": "OneOf", "transforms": [CT, step("ScaleIntensityd")]}
    with pytest.raises(SpecError, match="inside a choice"):
        read(tmp_path, bundle(choice))
    assert isinstance(read(tmp_path, bundle(choice, CT)).mean, Unknown)


def test_a_factor_and_integers(tmp_path: Path) -> None:
    spec = read(tmp_path, bundle(step("SpatialPadd"), step("ScaleIntensityd", minv=None, maxv=None, factor=0.5)))
    assert spec.require("std") == pytest.approx((1 / 1.5,))
    assert isinstance(read(tmp_path, bundle({**CT, "dtype": "$np.uint8"})).mean, Unknown)


def test_labels_augmentation_and_what_is_disabled_are_left_out(tmp_path: Path) -> None:
    label = {**CT, "keys": ["label"], "a_min": 0}
    off = {**CT, "a_min": -5, "_disabled_": True}
    spec = read(tmp_path, bundle(label, off, CT, step("RandScaleIntensityd", factors=0.1)))
    assert spec.require("clip") == ((-57.0, 164.0),)


def test_references_are_followed_and_yaml_is_read(tmp_path: Path) -> None:
    text = "low: -57\nnetwork: {_target_: UNet, in_channels: 4}\ntrain:\n  deterministic_transforms:\n"
    text += "  - {_target_: ScaleIntensityRanged, keys: '@image', a_min: '@low', a_max: 164, b_min: 0, b_max: 1e-0, clip: true}\n"
    (tmp_path / "train.yaml").write_text(text)
    spec = read_spec(tmp_path / "train.yaml")
    assert spec.require("mean") == (-57.0,) * 4
    assert spec.channels == Known("c0,c1,c2,c3", f"{tmp_path}/train.yaml, train.deterministic_transforms; "
                                  "4 channels as in_channels says")  # fmt: skip


def test_parts_that_contradict_are_refused_and_chosen(tmp_path: Path) -> None:
    document = bundle(CT, train={"transforms": [{**CT, "a_min": -100}]})
    with pytest.raises(SpecError, match=r"different ones at preprocessing\.transforms, train\.transforms"):
        read(tmp_path, document)
    assert read(tmp_path, document, "#train").require("clip") == ((-100.0, 164.0),)


def test_without_in_channels_their_number_is_unknown(tmp_path: Path) -> None:
    spec = read(tmp_path, {"preprocessing": [CT]})
    assert isinstance(spec.channels, Unknown)
    assert spec.require("mean") == (-57.0,)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"a_min": "$__import__('os')"}, "nothing is run"),
        ({"a_min": "@nowhere"}, "nothing is run"),
        ({"a_min": "%other.json#a_min"}, "nothing is run"),
        ({"a_min": "@preprocessing"}, "a finite number 'a_min'"),
        ({"a_min": None}, "a finite number 'a_min'"),
        ({"a_min": float("nan")}, "a finite number 'a_min'"),
        ({"a_min": 164}, "a_min below a_max"),
        ({"b_min": 2}, "b_min below b_max"),
        ({"b_min": None}, "which clips"),
        ({"clip": "yes"}, "true or false as 'clip'"),
        ({"keys": ["label"]}, "only those of labels"),
    ],
)
def test_a_malformed_bundle_is_one_line(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message) as caught:
        read(tmp_path, bundle({**CT, **changes}))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("kind", "message"), [("Compose", "at most 2000 steps"), ("OneOf", "inside a choice")])
def test_a_chain_that_holds_itself_ends(tmp_path: Path, kind: str, message: str) -> None:
    inner = {"_target_": kind, "transforms": [*["@inner"] * 100, CT]}
    with pytest.raises(SpecError, match=message):
        read(tmp_path, {"preprocessing": ["@inner"] * 100, "inner": inner})


def test_a_long_list_of_other_things_is_passed_over(tmp_path: Path) -> None:
    assert isinstance(read(tmp_path, bundle(CT, data=[{"image": "a.nii"}] * 3000)).mean, Known)


def test_references_in_a_circle_end(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="nothing is run"):
        read(tmp_path, bundle({**CT, "a_min": "@x"}, x="@y", y="@x"))
