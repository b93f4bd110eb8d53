"""Additions of doubles and products to limbs of 32 bits, in NumPy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_MASK, _HALF = np.uint64(0xFFFFFFFF), np.uint64(32)
#: Values whose bits are taken apart at a time.
_TURN = 1 << 16


def add_doubles(rows: NDArray[np.uint64], limbs: NDArray[np.int64]) -> None:
    """Add the bits of finite doubles ``(K, N)`` to the limbs of each row."""
    for row, sums in zip(rows, limbs, strict=True):
        for start in range(0, row.size, _TURN):
            _add(row[start : start + _TURN], sums)


def _add(words: NDArray[np.uint64], sums: NDArray[np.int64]) -> None:
    exponent = (words >> np.uint64(52)) & np.uint64(0x7FF)
    mantissa = words & np.uint64(0xFFFFFFFFFFFFF)
    mantissa |= (exponent > 0).astype(np.uint64) << np.uint64(52)
    exponent = np.maximum(exponent, np.uint64(1))
    limb, shift = (exponent >> np.uint64(5)).astype(np.intp), exponent & np.uint64(31)
    lower, upper = (mantissa & _MASK) << shift, (mantissa >> _HALF) << shift
    sign = 1 - 2 * (words >> np.uint64(63)).astype(np.int64)
    for place, part in enumerate((lower & _MASK, (lower >> _HALF) + (upper & _MASK), upper >> _HALF)):
        np.add.at(sums, limb + place, sign * part.astype(np.int64))


def add_products(rows: NDArray[np.int64], limbs: NDArray[np.int64]) -> None:
    """Add the products of every two rows ``(K, N)`` to the four limbs of each pair."""
    negative = rows < 0
    sizes = np.abs(rows).view(np.uint64)  # the lowest integer has no positive one; its bits are right all the same
    low, high = sizes & _MASK, sizes >> _HALF
    pair = 0
    for left in range(len(rows)):
        for right in range(left, len(rows)):
            sign = np.where(negative[left] == negative[right], np.int64(1), np.int64(-1))
            first, last = low[left] * low[right], high[left] * high[right]
            cross, other = low[left] * high[right], high[left] * low[right]
            parts = (
                first & _MASK,
                (first >> _HALF) + (cross & _MASK) + (other & _MASK),
                (cross >> _HALF) + (other >> _HALF) + (last & _MASK),
                last >> _HALF,
            )
            limbs[pair] += [int((sign * part.astype(np.int64)).sum()) for part in parts]
            pair += 1
