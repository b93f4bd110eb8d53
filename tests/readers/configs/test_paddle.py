"""YAML of PaddleClas, PaddleOCR and PaddleDetection, of the shape in which it is published."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tare.errors import SpecError
from tare.input_spec.spec import InputSpec, Unknown
from tare.readers.table import read_spec

CLAS = """
Arch: {name: ResNet50}
DataLoader:
  Eval:
    dataset:
      transform_ops:
        - DecodeImage: {to_rgb: True, channel_first: False}
        - ResizeImage: {resize_short: 256}
        - NormalizeImage:
            scale: 1.0/255.0
            mean: [0.485, 0.456, 0.406]
            std: [0.229, 0.224, 0.225]
            order: ''
        - ToCHWImage:
"""
DETECTION = """
TrainReader:
  sample_transforms:
    - Decode: {}
  batch_transforms:
    - NormalizeImage: {mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225], is_scale: True}
    - Permute: {}
"""
PIXELS = np.array([[255.0, 0.0, 100.0]])
EXPECTED = (PIXELS / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]


def read(tmp_path: Path, text: str, part: str = "") -> InputSpec:
    (tmp_path / "config.yml").write_text(text)
    return read_spec(f"{tmp_path / 'config.yml'}{part}")


@pytest.mark.parametrize("text", [CLAS, DETECTION])
def test_what_the_library_computes(tmp_path: Path, text: str) -> None:
    spec = read(tmp_path, text)
    assert np.allclose(spec.affine().apply(PIXELS), EXPECTED)
    assert (spec.require("channels"), spec.require("raw_dtype"), spec.require("layout")) == ("RGB", "uint8", "NCHW")
    assert InputSpec.from_json(spec.to_json()) == spec


def test_several_normalisations_in_turn_are_unknown(tmp_path: Path) -> None:
    again = "        - NormalizeImage: {scale: 1, mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5]}\n"
    spec = read(tmp_path, CLAS + again)
    assert isinstance(spec.mean, Unknown)
    assert "one of several in turn" in spec.mean.reason


@pytest.mark.parametrize(
    ("scale", "value"), [("1./255.", 1 / 255), ("1", 1.0), ("0.00392157", 0.00392157), ("'1 / 255'", 1 / 255), ("1e-3", 0.001)]
)
def test_a_scale_is_a_number_or_a_quotient(tmp_path: Path, scale: str, value: float) -> None:
    assert read(tmp_path, CLAS.replace("1.0/255.0", scale)).require("scale") == pytest.approx(value, rel=1e-12)


def test_the_decoder_states_the_order(tmp_path: Path) -> None:
    assert read(tmp_path, CLAS.replace("to_rgb: True", "to_rgb: False")).require("channels") == "BGR"
    assert read(tmp_path, CLAS.replace("to_rgb: True", "img_mode: BGR")).require("channels") == "BGR"
    without = read(tmp_path, CLAS.replace("- DecodeImage: {to_rgb: True, channel_first: False}", "- Other: {}"))
    assert isinstance(without.channels, Unknown)
    assert isinstance(without.raw_dtype, Unknown)


def test_no_normalisation_is_only_a_scale(tmp_path: Path) -> None:
    text = DETECTION.replace("is_scale: True", "is_scale: {}, norm_type: none")
    assert np.allclose(read(tmp_path, text.replace("{}, norm", "true, norm")).affine().apply(PIXELS), PIXELS / 255)
    assert np.allclose(read(tmp_path, text.replace("{}, norm", "false, norm")).affine().apply(PIXELS), PIXELS)
    assert isinstance(read(tmp_path, text.replace("{}, norm_type: none", "true, norm_type: minmax")).mean, Unknown)


def test_constants_left_to_the_library_are_unknown(tmp_path: Path) -> None:
    spec = read(tmp_path, "PreProcess:\n  transform_ops:\n    - DecodeImage: {}\n    - NormalizeImage: {scale: 1/255}\n")
    assert isinstance(spec.mean, Unknown)
    assert spec.mean.reason.endswith("NormalizeImage leaves mean to the library's default")


def test_an_exported_list_of_types(tmp_path: Path) -> None:
    text = (
        "Preprocess:\n- {type: Resize, interp: 2}\n- {type: NormalizeImage, mean: [0, 0, 0], std: [1, 1, 1], is_scale: false}\n"
    )
    spec = read(tmp_path, text)
    assert spec.require("scale") == 1.0
    assert isinstance(spec.channels, Unknown)


def test_parts_that_contradict_are_refused_and_chosen(tmp_path: Path) -> None:
    text = DETECTION + DETECTION.replace("TrainReader", "EvalReader").replace("True", "False")
    with pytest.raises(SpecError, match="different ones at TrainReader"):
        read(tmp_path, text)
    assert read(tmp_path, text, "#EvalReader").require("scale") == 1.0


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("1.0/255.0", "__import__('os')/1", "a number or a quotient"),
        ("1.0/255.0", "1/0", "a number or a quotient"),
        ("1.0/255.0", "1/2/3", "a number or a quotient"),
        ("1.0/255.0", "[1]", "a number or a quotient"),
        ("1.0/255.0", "true", "a number or a quotient"),
        ("1.0/255.0", "0", "a scale of zero"),
        ("[0.229, 0.224, 0.225]", "[0.229, 0.224]", "as many means as stds"),
        ("[0.229, 0.224, 0.225]", "[a, b, c]", "not a finite number"),
        ("[0.229, 0.224, 0.225]", "&a [*a]", "60 levels"),
        ("[0.229, 0.224, 0.225]", "{a: 1}", "not a finite number"),
    ],
)
def test_a_hostile_configuration_is_one_line(tmp_path: Path, old: str, new: str, message: str) -> None:
    with pytest.raises(SpecError, match=message) as caught:
        read(tmp_path, CLAS.replace(old, new))
    assert "\n" not in str(caught.value)
