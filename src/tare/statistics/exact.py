"""Exact sums of floating-point numbers, as dyadic rationals.

Every finite double is an integer times a power of two, so sums and products of doubles are too. Keeping them in that form
makes addition associative and commutative to the last bit, so that a statistic can be merged in any order, on any number of
machines, with one result. Rounding happens once, when a figure is read.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numba
import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Dyadic:
    """The number ``mantissa * 2**exponent``, in the one form whose mantissa is odd (or zero with exponent zero)."""

    mantissa: int = 0
    exponent: int = 0

    def __post_init__(self) -> None:
        mantissa = self.mantissa
        if mantissa & 1:
            return
        zeros = (mantissa & -mantissa).bit_length() - 1
        object.__setattr__(self, "mantissa", mantissa >> zeros if mantissa else 0)
        object.__setattr__(self, "exponent", self.exponent + zeros if mantissa else 0)

    @classmethod
    def of(cls, value: int | float) -> Dyadic:
        """Convert exactly; raises OverflowError or ValueError for infinities and NaN."""
        if isinstance(value, int):
            return cls(value)
        numerator, denominator = float(value).as_integer_ratio()
        return cls(numerator, 1 - denominator.bit_length())

    def __add__(self, other: Dyadic) -> Dyadic:
        low = min(self.exponent, other.exponent)
        total = (self.mantissa << (self.exponent - low)) + (other.mantissa << (other.exponent - low))
        return Dyadic(total, low)

    def __mul__(self, other: Dyadic) -> Dyadic:
        return Dyadic(self.mantissa * other.mantissa, self.exponent + other.exponent)

    def fraction(self) -> Fraction:
        """The same number as a :class:`fractions.Fraction`."""
        if self.exponent >= 0:
            return Fraction(self.mantissa << self.exponent)
        return Fraction(self.mantissa, 1 << -self.exponent)


# A sum of 2**29 values or products, each of which adds less than 2**34 to a limb, stays within 64 bits.
_MOST = 1 << 29
# Limbs of 32 bits for all exponents of a double, and the weight of the lowest bit.
_LIMBS, _LOWEST = 68, -1075


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _add_doubles(rows: NDArray[np.uint64], limbs: NDArray[np.int64]) -> None:  # pragma: no cover - compiled
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
def _add_products(rows: NDArray[np.int64], limbs: NDArray[np.int64]) -> None:  # pragma: no cover - compiled
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


def exact_sum(values: NDArray[np.float64]) -> Dyadic:
    """Sum finite doubles without any rounding."""
    return exact_sums(np.ascontiguousarray(values, dtype=np.float64).reshape(1, -1))[0]


def exact_sums(rows: NDArray[np.float64]) -> list[Dyadic]:
    """Sum each row of finite doubles ``(K, N)`` without any rounding.

    Each mantissa is added, cut at multiples of 32 bits, to 64-bit integers that stand for these multiples: the small
    superaccumulator of Neal 2015 (arXiv:1505.05571).
    """
    bits = np.ascontiguousarray(rows, dtype=np.float64).view(np.uint64)
    totals = [0] * len(bits)
    for start in range(0, bits.shape[1], _MOST):
        limbs = np.zeros((len(bits), _LIMBS), np.int64)
        _add_doubles(bits[:, start : start + _MOST], limbs)
        totals = [total + _joined(row) for total, row in zip(totals, limbs, strict=True)]
    return [Dyadic(total, _LOWEST) for total in totals]


def exact_products(rows: NDArray[np.int64]) -> list[int]:
    """Sum the products of every two rows of integers ``(K, N)`` exactly, in the order (0, 0), (0, 1), ..., (1, 1), (1, 2), ..."""
    number = len(rows)
    totals = [0] * (number * (number + 1) // 2)
    for start in range(0, rows.shape[1], _MOST):
        limbs = np.zeros((len(totals), 4), np.int64)
        _add_products(rows[:, start : start + _MOST], limbs)
        totals = [total + _joined(row) for total, row in zip(totals, limbs, strict=True)]
    return totals


def _joined(limbs: NDArray[np.int64]) -> int:
    """The number whose digits in base 2**32 are ``limbs``, the lowest first; they may be negative."""
    places = limbs.nonzero()[0]
    if not places.size:
        return 0
    first = int(places[0])
    total = 0
    for limb in limbs[places[-1] : first - 1 if first else None : -1].tolist():
        total = (total << 32) + limb
    return int(total) << 32 * first
