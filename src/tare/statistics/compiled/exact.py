"""Compiled loops that add doubles and products to limbs of 32 bits."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tare.system.engines.compiler import numba


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def add_doubles(rows: NDArray[np.uint64], limbs: NDArray[np.int64]) -> None:  # pragma: no cover - compiled
    mask = np.uint64(0xFFFFFFFF)
    for row in range(rows.shape[0]):
        sums = limbs[row]
        for word in rows[row]:
            exponent = (word >> np.uint64(52)) & np.uint64(0x7FF)
            mantissa = word & np.uint64(0xFFFFFFFFFFFFF)
            if exponent > 0:
                mantissa |= np.uint64(1) << np.uint64(52)
            else:
                exponent = np.uint64(1)
            limb, shift = np.uintp(exponent >> np.uint64(5)), exponent & np.uint64(31)
            lower, upper = (mantissa & mask) << shift, (mantissa >> np.uint64(32)) << shift
            sign = np.int64(1) - np.int64(2) * np.int64(word >> np.uint64(63))
            sums[limb] += sign * np.int64(lower & mask)
            sums[limb + np.uintp(1)] += sign * np.int64((lower >> np.uint64(32)) + (upper & mask))
            sums[limb + np.uintp(2)] += sign * np.int64(upper >> np.uint64(32))


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def add_products(rows: NDArray[np.int64], limbs: NDArray[np.int64]) -> None:  # pragma: no cover - compiled
    mask, half = np.uint64(0xFFFFFFFF), np.uint64(32)
    pair = 0
    for left in range(rows.shape[0]):
        for right in range(left, rows.shape[0]):
            for i in range(rows.shape[1]):
                a, b = rows[left, i], rows[right, i]
                sign = np.int64(1) if (a < 0) == (b < 0) else np.int64(-1)
                p, q = np.uint64(-a if a < 0 else a), np.uint64(-b if b < 0 else b)
                low, high = (p & mask) * (q & mask), (p >> half) * (q >> half)
                cross, other = (p & mask) * (q >> half), (p >> half) * (q & mask)
                limbs[pair, 0] += sign * np.int64(low & mask)
                limbs[pair, 1] += sign * np.int64((low >> half) + (cross & mask) + (other & mask))
                limbs[pair, 2] += sign * np.int64((cross >> half) + (other >> half) + (high & mask))
                limbs[pair, 3] += sign * np.int64(high >> half)
            pair += 1
