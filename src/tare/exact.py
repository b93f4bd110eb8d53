"""Exact sums of floating-point numbers, as dyadic rationals.

Every finite double is an integer times a power of two, so sums and products of doubles are too. Keeping them in that form
makes addition associative and commutative to the last bit, which is what lets a statistic be merged in any order, on any
number of machines, with one result. Rounding happens once, where a figure is read off.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Dyadic:
    """The number ``mantissa * 2**exponent``, in the one form whose mantissa is odd (or zero with exponent zero)."""

    mantissa: int = 0
    exponent: int = 0

    def __post_init__(self) -> None:
        if self.mantissa == 0:
            object.__setattr__(self, "exponent", 0)
            return
        zeros = (self.mantissa & -self.mantissa).bit_length() - 1
        if zeros:
            object.__setattr__(self, "mantissa", self.mantissa >> zeros)
            object.__setattr__(self, "exponent", self.exponent + zeros)

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


def exact_sum(values: NDArray[np.float64]) -> Dyadic:
    """Sum finite doubles without any rounding.

    Mantissas are grouped by exponent and summed as integers in two halves of at most 27 bits, which cannot overflow 64 bits
    below 2**36 values. The idea is that of small superaccumulators (Neal 2015, arXiv:1505.05571).
    """
    flat = np.ascontiguousarray(values, dtype=np.float64).ravel()
    if flat.size == 0:
        return Dyadic()
    fractions, exponents = np.frexp(flat)
    mantissas = np.ldexp(fractions, 53).astype(np.int64)
    high, low = mantissas >> 26, mantissas & ((1 << 26) - 1)
    base = int(exponents.min())
    offsets = (exponents - base).astype(np.int64)
    total = 0
    for offset in np.flatnonzero(np.bincount(offsets)):
        chosen = offsets == offset
        part = (int(high[chosen].sum()) << 26) + int(low[chosen].sum())
        total += part << int(offset)
    return Dyadic(total, base - 53)


def exact_dot(left: NDArray[np.int64], right: NDArray[np.int64]) -> int:
    """Sum the products of two integer vectors exactly: in 64 bits, as many at a time as fit, or else in Python integers."""
    if left.size == 0:
        return 0
    largest = max(int(np.abs(left).max()) * int(np.abs(right).max()), 1)
    fitting = ((1 << 63) - 1) // largest
    if fitting == 0:
        return sum(a * b for a, b in zip(left.tolist(), right.tolist(), strict=True))
    return sum(int(np.dot(left[i : i + fitting], right[i : i + fitting])) for i in range(0, left.size, fitting))
