"""Detectron2's YAML, of the shape in which it is published; the formula is that of ``GeneralizedRCNN.preprocess_image``."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tare.errors import SpecError
from tare.input_spec.spec import InputSpec, Known, Unknown
from tare.readers.table import read_spec

BGR = "MODEL:\n  META_ARCHITECTURE: GeneralizedRCNN\n"
BGR += "  PIXEL_MEAN: [103.53, 116.28, 123.675]\n  PIXEL_STD: [57.375, 57.12, 58.395]\n"


def read(tmp_path: Path, text: str) -> InputSpec:
    (tmp_path / "config.yaml").write_text(text)
    return read_spec(tmp_path / "config.yaml")


@pytest.mark.parametrize("suffix", ["", "INPUT: {FORMAT: BGR}\n"])
def test_constants_are_of_blue_green_red(tmp_path: Path, suffix: str) -> None:
    spec = read(tmp_path, BGR + suffix)
    image = torch.tensor([255, 0, 100], dtype=torch.uint8).reshape(1, 3, 1, 1)  # red, green, blue
    expected = [(100 - 103.53) / 57.375, -116.28 / 57.12, (255 - 123.675) / 58.395]
    assert spec.apply(image).flatten().tolist() == pytest.approx(expected, abs=1e-5)
    assert isinstance(spec.channels, Known)
    assert spec.channels.origin.endswith("key INPUT.FORMAT" if suffix else "Detectron2's default is BGR")
    assert InputSpec.from_json(spec.to_json()) == spec


def test_the_stated_format_decides_and_a_text_is_a_literal(tmp_path: Path) -> None:
    text = "MODEL: {PIXEL_MEAN: '(123.675, 116.28, 103.53)', PIXEL_STD: [58.395, 57.12, 57.375]}\nINPUT: {FORMAT: RGB}"
    spec = read(tmp_path, text)
    assert (spec.require("channels"), spec.require("mean"), spec.require("scale")) == ("RGB", (123.675, 116.28, 103.53), 1.0)
    assert spec.require("raw_dtype") == "uint8"


def test_what_a_base_may_state_is_unknown(tmp_path: Path) -> None:
    spec = read(tmp_path, "_BASE_: Base.yaml\n" + BGR.replace("  PIXEL_STD: [57.375, 57.12, 58.395]\n", ""))
    assert isinstance(spec.channels, Unknown)
    assert isinstance(spec.std, Unknown)
    assert spec.std.reason.endswith("config.yaml has no MODEL.PIXEL_STD; it may be in 'Base.yaml', the _BASE_")
    assert isinstance(read(tmp_path, BGR.replace("  META_ARCHITECTURE: GeneralizedRCNN\n", "")).channels, Unknown)


def test_other_channels_have_no_assumed_type(tmp_path: Path) -> None:
    spec = read(tmp_path, "MODEL: {PIXEL_MEAN: [1, 2, 3, 4, 5, 6], PIXEL_STD: [1, 2, 3, 4, 5, 6]}\nINPUT: {FORMAT: RGB}")
    assert isinstance(spec.raw_dtype, Unknown)
    assert isinstance(spec.channels, Unknown)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("_BASE_: '../b.yaml'\nMODEL: {META_ARCHITECTURE: X}", r"found neither; name '\.\./b\.yaml', the _BASE_"),
        ("MODEL: {PIXEL_MEAN: abc, PIXEL_STD: [1]}", "numbers as MODEL.PIXEL_MEAN"),
        ("MODEL: {PIXEL_MEAN: '__import__(1)', PIXEL_STD: [1]}", "numbers as MODEL.PIXEL_MEAN"),
        ("MODEL: {PIXEL_MEAN: [1, 2, 3], PIXEL_STD: [1, 2, 0]}", "a std is positive"),
        ("MODEL: {PIXEL_MEAN: [1, 2, 3], PIXEL_STD: [1, 2]}", "as many means as stds"),
        ("MODEL: {PIXEL_MEAN: {a: 1}, PIXEL_STD: [1]}", "not a finite number"),
        ("MODEL: {PIXEL_MEAN: &a [*a], PIXEL_STD: [1]}", "expected"),
        ("MODEL: {PIXEL_MEAN: " + "[" * 200 + "]" * 200 + "}", "expected"),
    ],
)
def test_a_hostile_configuration_is_one_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(SpecError, match=message) as caught:
        read(tmp_path, text)
    assert "\n" not in str(caught.value)
