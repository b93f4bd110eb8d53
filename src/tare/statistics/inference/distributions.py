"""Quantiles and tails of the distributions that intervals need: normal, Student's t, chi-squared and F.

They follow from the incomplete beta and gamma functions by their continued fractions and series (DLMF 8.17.22, 8.9.2, 8.7.1), in
float64 with a relative error below 1e-10. SciPy has them too, but takes longer to load than a small dataset takes to measure.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import NormalDist

_SMALLEST, _PRECISION, _MOST_TERMS = 1e-300, 1e-16, 10_000
_LEAST = 0.3


def normal_quantile(share: float) -> float:
    """The value below which a standard normal variable lies with probability ``share``, 0 < share < 1."""
    return NormalDist().inv_cdf(share)


def t_below(value: float, freedom: float) -> float:
    """The probability that Student's t with ``freedom`` degrees of freedom lies below ``value``."""
    if math.isinf(value):
        return float(value > 0)
    square = value * value
    # Of the two forms, the one whose argument is not rounded to 1 keeps all digits.
    if square < freedom:
        tail = 0.5 - 0.5 * _beta(0.5, freedom / 2, square / (freedom + square))
    else:
        tail = 0.5 * _beta(freedom / 2, 0.5, freedom / (freedom + square))
    return tail if value < 0 else 1 - tail


def t_quantile(share: float, freedom: float) -> float:
    """The value below which Student's t with ``freedom`` degrees of freedom lies with probability ``share``, 0 < share < 1."""
    if share < 0.5:
        return -t_quantile(1 - share, freedom)
    # For the tail at the other side no digits are lost.
    return _falling(lambda value: t_below(-value, freedom), 1 - share)


def freedom_of(number: float) -> float:
    """The degrees of freedom of the variance of so many independent samples of equal size.

    Beside one that holds nearly all values the others tell next to nothing: the least makes intervals thousands of errors wide.
    """
    return max(_LEAST, number - 1)


def chi2_above(value: float, freedom: float) -> float:
    """The probability that a chi-squared variable with ``freedom`` degrees of freedom exceeds ``value``."""
    return 1.0 if value <= 0 else _gamma_above(freedom / 2, value / 2)


def chi2_exceeded(share: float, freedom: float) -> float:
    """The value that a chi-squared variable with ``freedom`` degrees of freedom exceeds with probability ``share``."""
    return _falling(lambda value: chi2_above(value, freedom), share)


def f_exceeded(share: float, first: float, second: float) -> float:
    """The value that a ratio F of mean squares with ``first`` and ``second`` degrees of freedom exceeds with this probability."""
    if math.isinf(second):
        return chi2_exceeded(share, first) / first
    return _falling(lambda value: _beta(second / 2, first / 2, second / (second + first * value)), share)


def _falling(function: Callable[[float], float], target: float) -> float:
    """The positive argument at which a falling function has the value ``target``: bisected to the last digits."""
    low, high = 0.0, 1.0
    while function(high) > target and high < 1e300:
        low, high = high, 2 * high
    while high - low > 4e-16 * high:
        middle = (low + high) / 2
        if middle in (low, high):
            break
        low, high = (middle, high) if function(middle) > target else (low, middle)
    return (low + high) / 2


def _beta(a: float, b: float, x: float) -> float:
    """The regularised incomplete beta function I_x(a, b)."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):
        return 1 - _beta(b, a, 1 - x)
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x))

    def term(n: int) -> float:
        m = n // 2
        if n % 2:
            return -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        return m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))

    return front / a / _fraction(1.0, lambda n: (term(n), 1.0))


def _gamma_above(a: float, x: float) -> float:
    """The regularised upper incomplete gamma function Q(a, x)."""
    front = math.exp(a * math.log(x) - x - math.lgamma(a))
    if x >= a + 1:
        return front / _fraction(x + 1 - a, lambda n: (-n * (n - a), x + 2 * n + 1 - a))
    total = part = 1 / a
    for n in range(1, _MOST_TERMS):
        part *= x / (a + n)
        total += part
        if part < total * _PRECISION:
            break
    return 1 - front * total


def _fraction(first: float, terms: Callable[[int], tuple[float, float]]) -> float:
    """The continued fraction first + a1/(b1 + a2/(b2 + ...)) by the method of Lentz (1976), with ``terms(n)`` = (an, bn)."""
    value = first or _SMALLEST
    above, below = value, 0.0
    for n in range(1, _MOST_TERMS):
        a, b = terms(n)
        below = 1 / ((b + a * below) or _SMALLEST)
        above = (b + a / above) or _SMALLEST
        value *= above * below
        if abs(above * below - 1) < _PRECISION:
            break
    return value
