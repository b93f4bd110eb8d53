from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tare.parts.doubled import shifted_mean, variance

SUMS = st.floats(-1e30, 1e30) | st.integers(-(2**53), 2**53).map(float) | st.floats(-1e-3, 1e-3)
COUNTS = st.integers(1, 2**40)


@given(SUMS, SUMS, COUNTS)
def test_a_mean_that_is_certain_is_the_exact_one_rounded(pivot: float, total: float, count: int) -> None:
    found, sure = shifted_mean(np.array([pivot]), np.array([total]), count)
    if sure[0]:
        assert found[0] == float(Fraction(pivot) + Fraction(total) / count)


@given(SUMS, st.floats(0, 1e60) | st.integers(0, 2**53).map(float), COUNTS)
def test_a_variance_that_is_certain_is_the_exact_one_rounded(total: float, squares: float, count: int) -> None:
    found, sure = variance(np.array([total]), np.array([squares]), count)
    if sure[0]:
        assert found[0] == float((Fraction(squares) - Fraction(total) ** 2 / count) / count)


def test_usual_sums_are_certain_and_halves_and_zeros_are_not() -> None:
    generator = np.random.default_rng(0)
    total, squares = generator.normal(0, 1, 1000), generator.uniform(1, 2, 1000) * 1e3
    assert shifted_mean(generator.normal(5, 1, 1000), total, 977)[1].mean() > 0.99
    assert variance(total, squares, 977)[1].mean() > 0.99
    half = np.array([2.0**-53])  # between 1 and the next double
    assert not shifted_mean(np.array([1.0]), half, 1)[1][0]
    assert not variance(np.zeros(1), np.zeros(1), 5)[1][0]
    assert not variance(np.array([math.inf]), np.ones(1), 5)[1][0]
