"""How many samples pass through a network at once on the CPU."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

#: Values of a batch: four colour images of 224 x 224. The first layers of a larger batch make tensors of more than 32 MB. For
#: these the allocator asks the system for fresh pages again and again, and a pass takes up to three times as long.
_VALUES = 4 * 3 * 224 * 224


def pass_size(shape: Sequence[int], most: int) -> int:
    """Samples in a pass for samples of ``shape``, channels included: at least 4, at most ``most``."""
    return min(most, max(4, _VALUES // max(1, prod(shape))))
