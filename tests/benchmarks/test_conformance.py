"""Everything that the libraries list, compared with the libraries themselves; docs/conformance.md holds the same figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
from benchmarks.conformance import torchvision_weights
from benchmarks.conformance.results import Result, distance, picture

from tests.readers.extra import needs_keras

pytestmark = pytest.mark.long
ROOT = Path(__file__).parent.parent.parent


def differing(found: Sequence[Result]) -> list[str]:
    return [f"{result.name}: {result.distance:g}" for result in found if result.how != "excluded" and not result.equal]


def counted(found: Sequence[Result]) -> dict[str, int]:
    return dict(Counter(result.how for result in found))


def test_every_configuration_of_timm() -> None:
    from benchmarks.conformance import timm_configs

    found = timm_configs.results()
    assert differing(found) == []
    assert len(found) > 1500
    assert set(counted(found)) == {"whole"}


def test_every_weights_member_of_torchvision() -> None:
    found = torchvision_weights.results()
    assert differing(found) == []
    assert len(found) > 150
    assert "excluded" not in counted(found)


def test_every_detection_model_says_what_it_applies_inside() -> None:
    for name in torchvision_weights.detectors():
        mean, std = torchvision_weights.inside(name)
        assert len(mean) == len(std) == 3


def test_every_application_of_keras() -> None:
    needs_keras()
    from benchmarks.conformance import keras_applications

    found = keras_applications.results()
    assert differing(found) == []
    excluded = [result.name for result in found if result.how == "excluded"]
    assert all(name.startswith("EfficientNetB") for name in excluded)
    assert len(found) - len(excluded) > 30


def test_every_image_processor_of_transformers() -> None:
    pytest.importorskip("transformers", reason="the extra 'readers' is not installed")
    from benchmarks.conformance import hf_classes

    found = hf_classes.results()
    assert differing(found) == []
    excluded = {result.name.partition("ImageProcessor")[0] for result in found if result.how == "excluded"}
    assert excluded <= {"ImageGPT", "Kosmos2_5", "Pix2Struct", "VitMatte"}
    assert counted(found)["whole"] > 60


def test_the_comparison_sees_an_image_shifted_by_one_pixel() -> None:
    from torchvision.transforms import v2

    image = picture(97, 101)
    tensor = v2.Compose([v2.ToImage(), v2.ToPureTensor()])
    assert distance(tensor(image)[:, 1:], tensor(image)[:, :-1]) > 0.1
    assert distance(tensor(image)[:, 1:], tensor(image)) == float("inf")


def test_the_document_has_the_table() -> None:
    text = (ROOT / "docs" / "conformance.md").read_text(encoding="utf-8")
    for peer in ("timm", "torchvision", "transformers", "keras"):
        assert f"| {peer} " in text
