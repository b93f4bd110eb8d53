"""What the tests of every library's pipelines share."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tare.input_spec.affine import Affine
from tare.input_spec.fields import Unknown
from tare.pipelines.value_map import affine_of_steps
from tare.pipelines.walk import steps_of

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
IMAGENET = Affine.of_normalisation(MEAN, STD, 1 / 255)


def kinds(pipeline: object) -> list[str]:
    """The kinds of a pipeline's steps."""
    return [step.kind for step in steps_of(pipeline)]


def drawn(pipeline: object) -> list[tuple[str, bool]]:
    """The kinds of a pipeline's steps, and whether they are random."""
    return [(step.kind, step.random) for step in steps_of(pipeline)]


def affine(pipeline: object, **options: Any) -> Affine:
    """The affine map of a pipeline, which must have one."""
    found = affine_of_steps(steps_of(pipeline), **options)
    assert isinstance(found, Affine), found
    return found


def reason(pipeline: object, **options: Any) -> str:
    """Why a pipeline has no affine map, which it must not have."""
    found = affine_of_steps(steps_of(pipeline), **options)
    assert isinstance(found, Unknown), found
    return found.reason


def raw_image(seed: int, height: int = 24, width: int = 24) -> NDArray[np.uint8]:
    """An image of random bytes, ``(H, W, 3)``."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def assert_same(output: NDArray[Any], expected: NDArray[np.float64]) -> None:
    """Equal up to what single precision leaves of values of this size."""
    tolerance = 2e-5 * max(1.0, float(np.abs(expected).max()))
    assert np.allclose(output, expected, rtol=2e-5, atol=tolerance)
