from __future__ import annotations

import pytest

from tare.errors import SpecError
from tare.input_spec.spec import Known, Unknown
from tare.readers.table import read_spec
from tests.readers.extra import needs_keras

needs_keras()


@pytest.mark.parametrize(
    ("name", "channels", "ends"),
    [
        ("VGG16", "BGR", (-103.939, 151.061)),
        ("MobileNet", "RGB", (-1.0, 1.0)),
        ("DenseNet121", "RGB", (-0.485 / 0.229, 0.515 / 0.229)),
        ("MobileNetV3Small", "RGB", (-1.0, 1.0)),
        ("ConvNeXtTiny", "RGB", (-0.485 / 0.229, 0.515 / 0.229)),
        ("EfficientNetV2S", "RGB", (-1.0, 255 / 128 - 1)),
    ],
)
def test_an_application_is_read_out_of_keras(name: str, channels: str, ends: tuple[float, float]) -> None:
    spec = read_spec(f"keras:{name}")
    affine = spec.affine()
    assert spec.require("channels") == channels
    assert (affine.shift[0], 255 * affine.scale[0] + affine.shift[0]) == pytest.approx(ends)
    assert ("inside" in spec.extra) == (name in ("MobileNetV3Small", "ConvNeXtTiny", "EfficientNetV2S"))
    assert isinstance(spec.crop, Unknown)


def test_moments_that_are_weights_are_unknown() -> None:
    spec = read_spec("keras:EfficientNetB0")
    assert isinstance(spec.mean, Unknown)
    assert "its mean and variance are weights" in spec.mean.reason
    assert spec.size == Known((224, 224), getattr(spec.size, "origin", ""))


@pytest.mark.parametrize("name", ["resnet50", "ResNet5", "imagenet_utils", ""])
def test_another_name_has_close_ones(name: str) -> None:
    with pytest.raises(SpecError, match="expected an application that keras has, found"):
        read_spec(f"keras:{name}")
