from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from tare.input_spec.spec import InputSpec
from tare.normalisation.diagnosis import explanations
from tare.watching.values.parts import made_otherwise

MEAN, STD = np.array([[0.485], [0.456], [0.406]]), np.array([[0.229], [0.224], [0.225]])
EXPECTED = InputSpec.of((0.485, 0.456, 0.406), (0.229, 0.224, 0.225), raw_dtype="uint8").affine()
MAPS = tuple(explanations(EXPECTED, ()))

Doubles = NDArray[np.float64]


def _levels(number: int) -> list[Doubles]:
    chance = np.random.default_rng(0)
    return [np.clip(chance.normal(120, 50, (3, 576)), 0, 255).round() for _ in range(number)]


def _fed(levels: Doubles) -> Doubles:
    return np.asarray((levels / 255 - MEAN) / STD)


def _noise_in_a_box(levels: Doubles) -> Doubles:
    image = _fed(levels)
    image[:, :190] = np.random.default_rng(1).normal(size=(3, 190))
    return image


MISTAKES: dict[str, Callable[[Doubles], Doubles]] = {
    "raw": lambda levels: levels,
    "16 bits": lambda levels: 257 * levels,
    "unit": lambda levels: levels / 255,
    "twice": lambda levels: (_fed(levels) - MEAN) / STD,
}
HARMLESS: dict[str, Callable[[Doubles], Doubles]] = {
    "noise in a box": _noise_in_a_box,
    "one level": lambda levels: _fed(np.full_like(levels, 7.0)),
    "four bits": lambda levels: _fed(levels // 16 * 16),
    "resized as floats": lambda levels: _fed((levels + np.roll(levels, 1, axis=1)) * 0.4871),
    "noise": lambda levels: _fed(levels) + np.random.default_rng(1).normal(size=levels.shape),
}


def _part(kind: Callable[[Doubles], Doubles], odd: int, number: int = 32) -> object:
    images = [np.asarray((kind if place < odd else _fed)(levels), np.float32) for place, levels in enumerate(_levels(number))]
    return made_otherwise(images, 1.2e-7, EXPECTED, MAPS)


@pytest.mark.parametrize("kind", MISTAKES)
def test_a_part_of_the_images_that_was_made_otherwise_is_seen(kind: str) -> None:
    for odd in (2, 16, 30):
        part = _part(MISTAKES[kind], odd)
        assert getattr(part, "told", "") == f"{odd} of 32 images that were looked at"
        assert (getattr(part, "fed", None) is None) == (kind == "16 bits")
    assert _part(MISTAKES[kind], 0) is None
    assert _part(MISTAKES[kind], 1) is None  # may be a damaged file
    assert _part(MISTAKES[kind], 32) is None  # all are alike


@pytest.mark.parametrize("kind", HARMLESS)
def test_augmented_images_are_no_other_part(kind: str) -> None:
    for odd in (2, 16, 30):
        assert _part(HARMLESS[kind], odd) is None


@pytest.mark.parametrize("kind", MISTAKES)
def test_images_that_show_nothing_make_no_part_of_the_others(kind: str) -> None:
    """All are made in one wrong way; some hold a level that lies between two of the grid, as after a resize in floats."""
    between = HARMLESS["resized as floats"]
    images = [(MISTAKES[kind](levels) if place % 4 else between(levels)) for place, levels in enumerate(_levels(8))]
    part = made_otherwise([np.asarray(image, np.float32) for image in images], 1.2e-7, EXPECTED, MAPS)
    assert part is None
