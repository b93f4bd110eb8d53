"""Mean and variance of sums with twice the digits of a double, and whether these digits settle how the exact number rounds.

A number is a pair of doubles whose sum it is; the second is at most half a unit in the last place of the first (Dekker,
Numerische Mathematik 18, 1971). Every step below errs by less than 2**-100 of its largest operand.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tare.samples.layout import Doubles

_SPLIT = 134217729.0  # 2**27 + 1
_ERROR = 2.0**-96
#: Between these magnitudes no product of two sums, and no part of one, leaves the range of a double.
_LEAST, _MOST = 1e-120, 1e120


def shifted_mean(pivot: Doubles, total: Doubles, count: int) -> tuple[Doubles, NDArray[np.bool_]]:
    """``pivot + total / count``, rounded once, and where that rounding is certain."""
    with np.errstate(over="ignore", invalid="ignore"):
        high, low = _divided(total, np.zeros_like(total), float(count))
        first, rest = _sum(pivot, high)
        return _settled(first, rest + low, (np.abs(pivot) + np.abs(high)) * _ERROR, _plain(total) & _plain(pivot))


def variance(total: Doubles, squares: Doubles, count: int) -> tuple[Doubles, NDArray[np.bool_]]:
    """``(count squares - total**2) / count**2``, rounded once, and where that rounding is certain; never for zero."""
    n = float(count)
    with np.errstate(over="ignore", invalid="ignore"):
        above, below = _product(np.full_like(squares, n), squares), _product(total, total)
        first, rest = _sum(above[0], -below[0])
        error = above[0] * _ERROR
        high, low = _divided(first, rest + (above[1] - below[1]), n)
        high, low = _divided(high, low, n)
        found, sure = _settled(high, low, error / n / n, _plain(total) & _plain(squares) & (squares > 0))
        return found, sure & (found > 0)


def _settled(high: Doubles, low: Doubles, error: Doubles, plain: NDArray[np.bool_]) -> tuple[Doubles, NDArray[np.bool_]]:
    """The pair rounded, and where it rounds to the same double within ``error``."""
    high, low = _sum(high, low)
    return high, plain & (high + (low + error) == high) & (high + (low - error) == high)


def _plain(values: Doubles) -> NDArray[np.bool_]:
    size = np.abs(values)
    return np.asarray((size == 0) | ((size > _LEAST) & (size < _MOST)))


def _sum(a: Doubles, b: Doubles) -> tuple[Doubles, Doubles]:
    """The sum and its rounding error, exactly (Knuth)."""
    whole = a + b
    part = whole - a
    return whole, (a - (whole - part)) + (b - part)


def _product(a: Doubles, b: Doubles) -> tuple[Doubles, Doubles]:
    """The product and its rounding error, exactly."""
    whole = a * b
    (a1, a2), (b1, b2) = _halves(a), _halves(b)
    return whole, ((a1 * b1 - whole) + a1 * b2 + a2 * b1) + a2 * b2


def _halves(a: Doubles) -> tuple[Doubles, Doubles]:
    wide = _SPLIT * a
    upper = wide - (wide - a)
    return upper, a - upper


def _divided(high: Doubles, low: Doubles, by: float) -> tuple[Doubles, Doubles]:
    """A pair over a double, as a pair."""
    first = high / by
    back, rest = _product(first, np.full_like(first, by))
    return first, ((high - back) - rest + low) / by
