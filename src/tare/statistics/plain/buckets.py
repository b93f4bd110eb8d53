"""Counts of values in buckets, in NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def count(
    values: NDArray[np.float64], inverse: float, first: int, low: float, high: float, tables: NDArray[np.uint32]
) -> tuple[Any, Any]:
    """Count the values from ``low`` to ``high`` by bucket; others, NaN too, in one extra place at the end."""
    inside = values[(values >= low) & (values <= high)]
    scaled = inside * inverse
    # A negative value whose product vanished lies below zero all the same.
    places = np.floor(scaled) - ((scaled == 0.0) & (inside < 0.0)) - float(first)
    tables[0] += np.bincount(places.astype(np.intp), minlength=tables.shape[1]).astype(np.uint32)
    tables[0, -1] += np.uint32(values.size - inside.size)
    return int(np.count_nonzero(inside == low)), int(np.count_nonzero(inside == high))


def count_finite(values: NDArray[np.float64], inverse: float, first: int, tables: NDArray[np.uint32]) -> None:
    """Count by bucket where all values are finite and no product vanishes."""
    places = np.floor(values * inverse) - float(first)
    tables[0] += np.bincount(places.astype(np.intp), minlength=tables.shape[1]).astype(np.uint32)
