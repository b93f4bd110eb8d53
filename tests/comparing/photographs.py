"""Statistics of made photographs, to compare."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tare.statistics.dataset_stats import DatasetStats
from tests.made_stats import stacked

Images = NDArray[np.float64]


def photographs(seed: int, number: int = 1500) -> Images:
    """Images ``(N, 8, 8, 1)`` in unit values, each with its own level and contrast, inside [0.1, 0.7]."""
    rng = np.random.default_rng(seed)
    level, contrast = rng.uniform(0.25, 0.5, (number, 1, 1, 1)), rng.uniform(0.02, 0.08, (number, 1, 1, 1))
    return np.clip(level + contrast * rng.standard_normal((number, 8, 8, 1)), 0.1, 0.7)


def bytes_of(images: Images) -> DatasetStats:
    return stacked(np.rint(np.clip(images, 0, 1) * 255).astype(np.uint8))


def floats_of(images: Images) -> DatasetStats:
    return stacked(images.astype(np.float32))
