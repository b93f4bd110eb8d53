from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tare.input_spec.affine import Affine
from tare.input_spec.spec import InputSpec
from tare.normalisation.diagnosis import GROSS, explanations
from tare.watching.values.plausible_range import GrossMistake, gross_mistake

IMAGENET = InputSpec.of((0.485, 0.456, 0.406), (0.229, 0.224, 0.225), raw_dtype="uint8").affine()
PLAIN = InputSpec.of((0.0,) * 3, (1.0,) * 3, raw_dtype="uint8").affine()


def images(affine: Affine, count: int = 12, low: float = 0.0, high: float = 255.0) -> list[np.ndarray]:
    """Images ``(3, n)`` of raw floats between two levels, brought through a map."""
    raw = np.random.default_rng(0).uniform(low, high, (count, 3, 400))
    raw[:, :, :2] = [low, high]
    return [(each * np.array(affine.scale)[:, None] + np.array(affine.shift)[:, None]).astype(np.float32) for each in raw]


def found(values: list[np.ndarray], expected: Affine = IMAGENET) -> GrossMistake | None:
    return gross_mistake(values, expected, explanations(expected))


def test_images_as_expected_are_no_mistake() -> None:
    assert found(images(IMAGENET)) is None
    assert found(images(IMAGENET, low=-40, high=295)) is None  # bicubic overshoot


@pytest.mark.parametrize("kind", GROSS)
def test_every_gross_mistake_is_explained_by_its_own_map(kind: str) -> None:
    for fed in [each for name, each in explanations(IMAGENET) if name == kind]:
        mistake = found(images(fed))
        assert mistake is not None
        assert mistake.fed is not None
        assert mistake.fed.distance(fed) < 1 or mistake.code == ""


# Images that span just the raw levels 0 to 1 cannot be told from images divided by 255 twice.
@given(st.floats(0, 200), st.floats(2, 55))
def test_dark_bright_and_flat_images_are_no_mistake(low: float, span: float) -> None:
    assert found(images(IMAGENET, low=low, high=low + span)) is None


def test_noise_in_some_images_is_no_mistake() -> None:
    values = images(PLAIN)
    for image in values[::2]:
        image[:, :130] = np.random.default_rng(1).normal(size=(3, 130))
    assert found(values, PLAIN) is None


def test_a_network_that_normalises_inside_is_told_from_one_with_other_constants() -> None:
    mistake = found(images(IMAGENET), PLAIN)
    assert mistake is not None
    assert (mistake.code, mistake.fed) == ("TARE003", None)
    assert "look normalised, and the network was trained with 0 to 1: it normalises inside" in mistake.message


def test_values_beyond_the_range_that_nothing_explains_are_said_to_be_just_that() -> None:
    mistake = found(images(Affine((0, 1, 2), (0.1, 0.1, 0.1), (5.0, 5.0, 5.0))))
    assert mistake is not None
    assert mistake.code == "TARE010"
    assert "are beyond what any raw value becomes" in mistake.message
