"""Compiled loops that count values in buckets."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tare.system.engines.compiler import numba

_ROW = 512


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def count(  # pragma: no cover - compiled
    values: NDArray[np.float64], inverse: float, first: int, low: float, high: float, tables: NDArray[np.uint32]
) -> tuple[Any, Any]:
    # Places first, which vectorises, then the increments, in four tables in turn: a counter that was just written is slow to
    # read again. NaN and infinities are counted in one extra place at the end.
    places = np.empty(_ROW, np.int32)
    base, behind = np.float64(first), np.float64(tables.shape[1] - 1)
    at_low, at_high = np.int64(0), np.int64(0)
    for start in range(0, values.size, _ROW):
        row = values[start : start + _ROW]
        for j in range(row.size):
            v = row[j]
            at_low += np.int64(v == low)
            at_high += np.int64(v == high)
            scaled = v * inverse
            # A negative value whose product vanished lies below zero all the same.
            place = math.floor(scaled) - np.float64((scaled == 0.0) & (v < 0.0)) - base
            places[j] = np.int32(place if (v >= low) & (v <= high) else behind)
        for j in range(row.size):
            tables[j & 3, np.uintp(places[j])] += np.uint32(1)
    return at_low, at_high


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def count_finite(  # pragma: no cover - compiled
    values: NDArray[np.float64], inverse: float, first: int, tables: NDArray[np.uint32]
) -> None:
    # The same where all values are finite and no product vanishes, in half the time. Two tables: four overflow the first cache.
    places = np.empty(_ROW, np.uint32)
    base = np.float64(first)
    for start in range(0, values.size, _ROW):
        row = values[start : start + _ROW]
        for j in range(row.size):
            places[j] = np.uint32(math.floor(row[j] * inverse) - base)
        for j in range(row.size // 2):
            tables[0, np.uintp(places[2 * j])] += np.uint32(1)
            tables[1, np.uintp(places[2 * j + 1])] += np.uint32(1)
        if row.size % 2:
            tables[0, np.uintp(places[row.size - 1])] += np.uint32(1)
