"""Exact sums of floating-point numbers, as dyadic rationals.

Every finite double is an integer times a power of two, so sums and products of doubles are too. Keeping them in that form
makes addition associative and commutative to the last bit, so that a statistic can be merged in any order, on any number of
machines, with one result. Rounding happens once, when a figure is read.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from tare.system.engines.loops import Loops


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
# Fewer values than this are summed as Python's integers: the accumulator takes as long for one value as for some hundred.
_FEW = 256
# Limbs of 32 bits for all exponents of a double, and the weight of the lowest bit.
_LIMBS, _LOWEST = 68, -1075
_LOOPS = Loops("tare.statistics.compiled.exact", "tare.statistics.plain.exact")


def exact_sum(values: NDArray[np.float64]) -> Dyadic:
    """Sum finite doubles without any rounding."""
    return exact_sums(np.ascontiguousarray(values, dtype=np.float64).reshape(1, -1))[0]


def exact_sums(rows: NDArray[np.float64]) -> list[Dyadic]:
    """Sum each row of finite doubles ``(K, N)`` without any rounding.

    Each mantissa is added, cut at multiples of 32 bits, to 64-bit integers that stand for these multiples: the small
    superaccumulator of Neal 2015 (arXiv:1505.05571).
    """
    if rows.size <= _FEW:
        return _few_sums(np.asarray(rows, np.float64))
    bits = np.ascontiguousarray(rows, dtype=np.float64).view(np.uint64)
    totals = [0] * len(bits)
    for start in range(0, bits.shape[1], _MOST):
        limbs = np.zeros((len(bits), _LIMBS), np.int64)
        _LOOPS.on(bits.nbytes).add_doubles(bits[:, start : start + _MOST], limbs)
        totals = [total + _joined(row) for total, row in zip(totals, limbs, strict=True)]
    return [Dyadic(total, _LOWEST) for total in totals]


def _few_sums(rows: NDArray[np.float64]) -> list[Dyadic]:
    """The same for few values, by Python's integers: whole mantissas of 53 bits times a power of two."""
    mantissas, exponents = np.frexp(rows)
    whole, lowest = np.ldexp(mantissas, 53).astype(np.int64), int(exponents.min(initial=0))
    shifts = exponents - lowest
    totals = (sum(map(operator.lshift, *pair)) for pair in zip(whole.tolist(), shifts.tolist(), strict=True))
    return [Dyadic(total, lowest - 53) for total in totals]


def exact_products(rows: NDArray[np.int64]) -> list[int]:
    """Sum the products of every two rows of integers ``(K, N)`` exactly, in the order (0, 0), (0, 1), ..., (1, 1), (1, 2), ..."""
    number = len(rows)
    largest = max(int(rows.max()), -int(rows.min())) if rows.size else 0
    if rows.shape[1] * largest * largest < 1 << 63:  # no sum overflows: those of a few images are one product of matrices
        return (rows @ rows.T)[np.triu_indices(number)].tolist()  # type: ignore[no-any-return]
    totals = [0] * (number * (number + 1) // 2)
    for start in range(0, rows.shape[1], _MOST):
        limbs = np.zeros((len(totals), 4), np.int64)
        _LOOPS.on(rows.nbytes).add_products(rows[:, start : start + _MOST], limbs)
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
