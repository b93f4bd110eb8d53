"""Power sums of one column about its mean, and their exact return to the origin."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tare.statistics.exact import Dyadic
from tare.statistics.sums import mean_of_some, power_sums

_TWO, _THREE, _FOUR = Dyadic(2), Dyadic(3), Dyadic(4)

# A sum of fourth powers below this may have lost terms that a double cannot hold.
_TINY = 1e-120


@dataclass(frozen=True, slots=True)
class About:
    """Totals of (n, S, Q) and their cross moments, with S and Q taken about a pivot."""

    n: Dyadic
    s: Dyadic
    q: Dyadic
    nn: Dyadic
    ns: Dyadic
    nq: Dyadic
    ss: Dyadic
    sq: Dyadic
    qq: Dyadic

    def moved(self, p: Dyadic) -> dict[str, Any]:
        """Move them to the origin, exactly: S + p n and Q + 2 p S + p^2 n, multiplied out."""
        total, squares = moved_sums(self.n, self.s, self.q, p)
        p2 = p * p
        return {
            "total": total,
            "squares": squares,
            "cross_nn": self.nn,
            "cross_ns": self.ns + p * self.nn,
            "cross_nq": self.nq + _TWO * p * self.ns + p2 * self.nn,
            "cross_ss": self.ss + _TWO * p * self.ns + p2 * self.nn,
            "cross_sq": self.sq + p * (_TWO * self.ss + self.nq) + p2 * (_THREE * self.ns + p * self.nn),
            "cross_qq": self.qq
            + _FOUR * p * self.sq
            + p2 * (_FOUR * self.ss + _TWO * self.nq + _FOUR * p * self.ns + p2 * self.nn),
        }


@dataclass(frozen=True, slots=True)
class Centred:
    """Power sums of the finite values about ``pivot``; values near the ends of the range are scaled by ``2**-exponent``."""

    count: int
    powers: tuple[float, ...] = ()
    pivot: float = 0.0
    low: float = math.inf
    high: float = -math.inf
    exponent: int = 0
    nan: int = 0
    inf: int = 0

    def about_origin(self) -> tuple[Dyadic, Dyadic, Dyadic, Dyadic]:
        """The sums of the first four powers of the (scaled) values themselves, exactly: binomials, multiplied out."""
        fractions = [value.as_integer_ratio() for value in (self.pivot, *self.powers)]
        degrees = (1, 1, 2, 3, 4)
        # Whole numbers of units of 2**-bits, that of the k-th power to the k-th power.
        bits = max(-(-(below.bit_length() - 1) // degree) for (_, below), degree in zip(fractions, degrees, strict=True))
        p, d1, d2, d3, d4 = (
            above << (bits * degree - below.bit_length() + 1) for (above, below), degree in zip(fractions, degrees, strict=True)
        )
        pn, p2 = p * self.count, p * p
        return (
            Dyadic(d1 + pn, -bits),
            Dyadic(d2 + p * (2 * d1 + pn), -2 * bits),
            Dyadic(d3 + p * 3 * d2 + p2 * (3 * d1 + pn), -3 * bits),
            Dyadic(d4 + p * 4 * d3 + p2 * (6 * d2 + p * (4 * d1 + pn)), -4 * bits),
        )


def centred(values: NDArray[Any], passes: int) -> Centred:
    """Sum the first four powers of a column about a pivot near its mean, or with two passes about the mean itself.

    NaN and infinities are counted and left out. Values whose fourth powers would leave the range of a double are scaled by a
    power of two first, which changes no digit.
    """
    column = np.ascontiguousarray(values, dtype=np.float64).ravel()
    if column.size:
        found = _powers_about_mean(column, passes)
        fourth = found.powers[3]
        if math.isfinite(fourth) and (fourth > _TINY or found.low == found.high):
            return found  # all finite, and no power left the range of a double
    finite, nan, inf = _finite(column)
    if finite.size == 0:
        return Centred(0, nan=nan, inf=inf)
    exponent = int(np.frexp(np.abs(finite).max())[1])
    exponent = exponent if abs(exponent) > 100 else 0
    found = _powers_about_mean(np.ldexp(finite, -exponent) if exponent else finite, passes)
    return replace(found, exponent=exponent, nan=nan, inf=inf)


def _powers_about_mean(column: NDArray[np.float64], passes: int) -> Centred:
    pivot = float(mean_of_some(column))
    powers, low, high = power_sums(column, pivot)
    for _ in range(passes - 1):
        mean = pivot + float(powers[0]) / column.size
        pivot = mean if math.isfinite(mean) else pivot
        powers, low, high = power_sums(column, pivot)
    return Centred(column.size, tuple(map(float, powers)), pivot, low, high)


def moved_sums(n: Dyadic, s: Dyadic, q: Dyadic, pivot: Dyadic) -> tuple[Dyadic, Dyadic]:
    """Move a sum and a sum of squares about ``pivot`` to the origin, exactly."""
    return s + pivot * n, q + _TWO * pivot * s + pivot * pivot * n


def _finite(flat: NDArray[np.float64]) -> tuple[NDArray[np.float64], int, int]:
    mask = np.isfinite(flat)
    nan = int(np.isnan(flat).sum())
    return flat[mask], nan, int(flat.size - mask.sum()) - nan
