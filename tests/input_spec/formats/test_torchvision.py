from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from benchmarks.conformance.results import distance, picture
from torchvision.models import ResNet50_Weights, get_model_weights
from torchvision.transforms._presets import ImageClassification

from tare.errors import SpecError
from tare.input_spec.spec import Crop, InputSpec, Known, Unknown


def read(**arguments: Any) -> InputSpec:
    return InputSpec.from_torchvision(ImageClassification(**{"crop_size": 64, "resize_size": 73, **arguments}), "preset")


def test_a_preset_is_read_with_its_origin() -> None:
    spec = InputSpec.from_torchvision(ResNet50_Weights.IMAGENET1K_V2.transforms(), "weights")
    assert spec.size == Known((224, 224), "weights, resize_size and crop_size")
    assert spec.require("crop") == Crop("center", 224 / 232, (232,))
    assert spec.interpolation == Known("bilinear", "weights, interpolation")
    assert spec.require("antialias") is True
    assert isinstance(spec.scale, Known)
    assert "ImageClassification" in spec.scale.origin


def test_what_is_written_prepares_an_image_as_the_spec_does() -> None:
    spec = read(mean=(0.1, 0.2, 0.3), std=(0.4, 0.5, 0.6))
    preset, image = spec.to_torchvision(), picture(97, 132)
    assert distance(spec.transform()(image), preset(image)) < 1e-6
    assert InputSpec.from_torchvision(preset, "preset") == spec


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"channels": Known("BGR", "x")}, "expected channels RGB, .* torchvision's ImageClassification can state"),
        ({"size": Known((64, 48), "x")}, "expected a centre crop to a square.*found center to 64 x 48"),
        ({"crop": Known(Crop("squash", 1.0), "x")}, "found squash"),
        ({"mean": Unknown("nobody")}, "expected a known mean"),
        ({"layout": Known("NTCHW", "x")}, "expected layout NCHW"),
        ({"antialias": Unknown("nobody")}, "expected a known antialias"),
    ],
)
def test_what_a_preset_cannot_state_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        replace(read(), **changes).to_torchvision()


def test_detection_is_said_to_normalise_inside() -> None:
    spec = InputSpec.from_torchvision(get_model_weights("ssd300_vgg16")["DEFAULT"].transforms(), "weights")
    assert spec.mean == Known((0.0, 0.0, 0.0), getattr(spec.mean, "origin", ""))
    assert isinstance(spec.mean, Known)
    assert "the model normalises inside" in spec.mean.origin
    assert isinstance(spec.size, Unknown)


@pytest.mark.parametrize("thing", [None, "ResNet50", {}, object()])
def test_something_else_is_refused(thing: Any) -> None:
    with pytest.raises(SpecError, match=r"expected a torchvision preset: ImageClassification, .*found"):
        InputSpec.from_torchvision(thing)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"crop_size": "x"}, "one or two edges"),
        ({"std": (0, 1, 1)}, "a std is positive"),
        ({"mean": (float("nan"),) * 3}, "finite"),
    ],
)
def test_a_preset_with_values_that_cannot_be_is_one_line(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        read(**arguments)
