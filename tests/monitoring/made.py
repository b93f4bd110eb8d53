"""Made photographs and references of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tare.monitoring.reference import Reference


def photographs(number: int, seed: int, size: int = 12) -> NDArray[np.uint8]:
    """Images ``(N, H, W, 3)`` with a level, a contrast and colours of their own."""
    chance = np.random.default_rng(seed)
    level = chance.normal(0.42, 0.1, (number, 1, 1, 1)) + np.array([0.1, 0.0, -0.05]) + chance.normal(0, 0.02, (number, 1, 1, 3))
    shape = chance.normal(0, 1, (number, size, size, 1)) + 0.3 * chance.normal(0, 1, (number, size, size, 3))
    values = level + chance.uniform(0.1, 0.25, (number, 1, 1, 1)) * shape
    return np.asarray(np.round(255 * values.clip(0, 1)), dtype=np.uint8)


def reference(number: int = 1000, seed: int = 0) -> Reference:
    """The reference of made photographs."""
    return Reference.of(photographs(number, seed), workers=1)


def changed(images: NDArray[np.uint8], gain: Any = 1.0, offset: Any = 0.0) -> NDArray[np.uint8]:
    """The images with a gain and an offset in unit values, rounded and cut off as a camera does."""
    return np.asarray(np.round(255 * (images / 255 * np.asarray(gain) + np.asarray(offset)).clip(0, 1)), dtype=np.uint8)
