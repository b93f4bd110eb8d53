"""nnU-Net's plans and fingerprints, of the shape in which nnU-Net writes them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tare.errors import SpecError
from tare.input_spec.spec import InputSpec, Known, Unknown
from tare.readers.nnunet import read_nnunet

CT = {
    "max": 3071.0,
    "mean": 107.73,
    "median": 101.0,
    "min": -1000.0,
    "percentile_00_5": -160.0,
    "percentile_99_5": 240.0,
    "std": 58.6,
}
FINGERPRINT = {
    "foreground_intensity_properties_per_channel": {"0": CT, "1": CT},
    "median_relative_size_after_cropping": 1.0,
    "shapes_after_crop": [[138, 170, 138]],
    "spacings": [[1.0, 1.0, 1.0]],
}


def plans(schemes: list[str], configuration: str = "3d_fullres", **changes: Any) -> dict[str, Any]:
    document: dict[str, Any] = {
        "dataset_name": "Dataset033_Tumor",
        "plans_name": "nnUNetPlans",
        "image_reader_writer": "SimpleITKIO",
        "transpose_forward": [0, 1, 2],
        "configurations": {
            configuration: {
                "data_identifier": "nnUNetPlans_x",
                "preprocessor_name": "DefaultPreprocessor",
                "normalization_schemes": schemes,
                "use_mask_for_norm": [False] * len(schemes),
            }
        },
        "foreground_intensity_properties_per_channel": {"0": CT, "1": CT},
    }
    return document | changes


def read(tmp_path: Path, document: Any, suffix: str = "", name: str = "nnUNetPlans.json") -> InputSpec:
    (tmp_path / name).write_text(json.dumps(document))
    return read_nnunet(f"{tmp_path}{suffix}")


def test_a_ct_channel_is_z_scored_inside_its_window(tmp_path: Path) -> None:
    spec = read(tmp_path, plans(["CTNormalization"]))
    values = np.linspace(-160, 240, 7)[:, None]
    values = np.concatenate([values, [[-1000.0], [3000.0]]])
    assert np.allclose(spec.input_map().apply(values), (np.clip(values, -160, 240) - 107.73) / 58.6)
    assert InputSpec.from_json(spec.to_json()) == spec
    assert spec.layout == Unknown("batches of volumes (N, C, D, H, W)")


def test_schemes_by_channel(tmp_path: Path) -> None:
    spec = read(tmp_path, plans(["CTNormalization", "NoNormalization", "RGBTo01Normalization"]))
    found = spec.input_map().apply(np.array([[107.73, 7.0, 255.0], [5000.0, -900.0, 0.0]]))
    assert np.allclose(found, [[0.0, 7.0, 1.0], [(240 - 107.73) / 58.6, -900.0, 0.0]])
    assert spec.to_json()["clip"] == [[-160.0, 240.0], [None, None], [None, None]]
    assert InputSpec.from_json(spec.to_json()) == spec


def test_colour_images_are_unit_values(tmp_path: Path) -> None:
    spec = read(tmp_path, plans(["RGBTo01Normalization"] * 3, "2d"))
    assert (spec.channels, spec.layout) == (
        Known("RGB", f"{tmp_path}/nnUNetPlans.json, 2d, normalization_schemes RGBTo01Normalization"),
        Known("NCHW", f"{tmp_path}/nnUNetPlans.json, configuration '2d'"),
    )
    assert np.allclose(spec.affine().apply(np.array([[255.0, 0.0, 51.0]])), [[1.0, 0.0, 0.2]])


@pytest.mark.parametrize(
    ("scheme", "what"),
    [
        ("ZScoreNormalization", "z-scores each image by its own mean and std"),
        ("RescaleTo01Normalization", "rescales each image by its own minimum and maximum"),
        ("MyNormalization", "what 'MyNormalization' does is not known"),
    ],
)
def test_a_scheme_per_image_is_no_affine_map(tmp_path: Path, scheme: str, what: str) -> None:
    spec = read(tmp_path, plans(["CTNormalization", scheme]))
    assert isinstance(spec.mean, Unknown)
    assert what in spec.mean.reason
    assert "channel 1" in spec.mean.reason


@pytest.mark.parametrize(("scheme", "kind"), [("ZScoreNormalization", "zscore"), ("RescaleTo01Normalization", "minmax")])
def test_a_scheme_of_all_channels_per_image_is_a_convention(tmp_path: Path, scheme: str, kind: str) -> None:
    (tmp_path / "dataset_fingerprint.json").write_text(json.dumps(FINGERPRINT))
    spec = read(tmp_path, plans([scheme, scheme]))
    image = np.random.default_rng(0).normal(40, 9, (2, 4, 5, 6))
    axes = (1, 2, 3)
    low, width = (image.mean(axes), image.std(axes)) if kind == "zscore" else (image.min(axes), np.ptp(image, axes))
    expected = (image - low[:, None, None, None]) / width[:, None, None, None]
    np.testing.assert_allclose(spec.apply(torch.from_numpy(image), "NCDHW").numpy(), expected, rtol=1e-6)
    with pytest.raises(SpecError, match="each sample is normalised by its own values"):
        spec.affine()


def test_the_fingerprint_needs_the_names_of_the_channels(tmp_path: Path) -> None:
    spec = read(tmp_path, FINGERPRINT, name="dataset_fingerprint.json")
    assert isinstance(spec.mean, Unknown)
    assert "that is in the plans" in spec.mean.reason
    (tmp_path / "dataset.json").write_text(json.dumps({"channel_names": {"0": "CT", "1": "noNorm"}, "labels": {}}))
    named = read_nnunet(str(tmp_path / "dataset_fingerprint.json"))
    assert isinstance(named.mean, Known)
    assert named.mean.value == (107.73, 0.0)
    (tmp_path / "dataset.json").write_text(json.dumps({"channel_names": {"0": "T1", "1": "CT"}}))
    assert isinstance(read_nnunet(str(tmp_path)).mean, Unknown)


@pytest.mark.parametrize(
    ("scheme", "mask", "part", "reason"),
    [
        ("ZScoreNormalization", True, 1.0, "those of a mask of the nonzero voxels, and the others stay 0"),
        ("ZScoreNormalization", None, 1.0, "those of a mask is not stated"),
        ("ZScoreNormalization", False, 0.8, "is 0.8"),
        ("ZScoreNormalization", False, None, "would say what that cuts"),
        ("RescaleTo01Normalization", False, 0.8, "is 0.8"),
        ("RescaleTo01Normalization", True, 1.0, ""),
        ("CTNormalization", True, 0.5, ""),
    ],
)
def test_own_values_of_a_part_of_an_image_are_not_those_of_all(
    tmp_path: Path, scheme: str, mask: bool | None, part: float | None, reason: str
) -> None:
    document = plans([scheme, scheme])
    document["configurations"]["3d_fullres"]["use_mask_for_norm"] = [mask, mask]
    if part is not None:
        fingerprint = FINGERPRINT | {"median_relative_size_after_cropping": part}
        (tmp_path / "dataset_fingerprint.json").write_text(json.dumps(fingerprint))
    spec = read(tmp_path, document)
    if reason:
        for field in (spec.mean, spec.std, spec.scale, spec.per_sample):
            assert isinstance(field, Unknown)
            assert reason in field.reason
    else:
        assert isinstance(spec.mean, Known)


def test_another_preprocessor_normalises_in_its_own_way(tmp_path: Path) -> None:
    document = plans(["CTNormalization"])
    document["configurations"]["3d_fullres"]["preprocessor_name"] = "MyPreprocessor"
    spec = read(tmp_path, document)
    assert isinstance(spec.mean, Unknown)
    assert "what 'MyPreprocessor' does is not known" in spec.mean.reason


@pytest.mark.parametrize(
    ("name", "part", "reason"),
    [
        ("T1", 1.0, ""),
        ("ZScore", 1.0, ""),
        ("T1", 0.7, "of a mask"),
        ("T1", 0.8, "is 0.8"),
        ("ct", 1.0, "'ct' stands for depends on the version"),
        ("NoNorm", 1.0, "depends on the version"),
        ("RGB_to_0_1", 1.0, "depends on the version"),
        ("rescale_0_1", 1.0, "depends on the version"),
        ("rescale_to_0_1", 1.0, "depends on the version"),
    ],
)
@pytest.mark.parametrize("key", ["channel_names", "modality"])
def test_names_of_channels_choose_the_scheme(tmp_path: Path, name: str, part: float, reason: str, key: str) -> None:
    (tmp_path / "dataset.json").write_text(json.dumps({key: {"0": name, "1": name}}))
    fingerprint = FINGERPRINT | {"median_relative_size_after_cropping": part}
    spec = read(tmp_path, fingerprint, name="dataset_fingerprint.json")
    if reason:
        assert isinstance(spec.mean, Unknown)
        assert isinstance(spec.per_sample, Unknown)
        assert reason in spec.mean.reason
    else:
        assert spec.require("per_sample").kind == "zscore"


def test_a_strange_file_beside_the_plans_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "dataset.json").write_text("[]")
    assert isinstance(read(tmp_path, FINGERPRINT, name="dataset_fingerprint.json").mean, Unknown)


def test_the_configuration_can_be_named(tmp_path: Path) -> None:
    document = plans(["CTNormalization"])
    document["configurations"]["2d"] = {"normalization_schemes": ["NoNormalization"]}
    assert isinstance(read(tmp_path, document).clip, Known)
    assert isinstance(read(tmp_path, document, "#2d").clip, Unknown)
    with pytest.raises(SpecError, match=r"normalization_schemes of '4d'.*configurations: 3d_fullres, 2d"):
        read(tmp_path, document, "#4d")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"configurations": []}, "expected an object 'configurations'"),
        ({"configurations": {"2d": {"normalization_schemes": []}}}, "expected normalization_schemes of '2d'"),
        ({"foreground_intensity_properties_per_channel": {}}, "intensity properties of channel 0"),
        ({"foreground_intensity_properties_per_channel": {"0": CT | {"std": "wide"}}}, "a number 'std'"),
        ({"foreground_intensity_properties_per_channel": {"0": CT | {"mean": None}}}, "a number 'mean'"),
        ({"foreground_intensity_properties_per_channel": {"0": CT | {"percentile_00_5": 999}}}, "a window and a std"),
    ],
)
def test_malformed_plans_are_one_line(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message) as caught:
        read(tmp_path, plans(["CTNormalization"], **changes))
    assert "\n" not in str(caught.value)


def test_read_spec_finds_the_reader(tmp_path: Path) -> None:
    from tare.readers.table import read_spec

    (tmp_path / "plans.json").write_text(json.dumps(plans(["CTNormalization"])))
    for name in (f"nnunet:{tmp_path}", tmp_path / "plans.json", plans(["CTNormalization"])):
        assert read_spec(name).require("mean") == (107.73,)
    assert isinstance(read_spec(FINGERPRINT).mean, Unknown)
