"""Quantiles and tails against SciPy."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tare.statistics.inference import distributions

SHARES = st.floats(1e-12, 1 - 1e-12)
FREEDOM = st.integers(1, 1_000_000)


def near(expected: float) -> object:
    return pytest.approx(float(expected), rel=1e-7, abs=1e-14)


@given(SHARES)
def test_the_quantiles_of_the_normal_distribution_are_those_of_scipy(share: float) -> None:
    assert distributions.normal_quantile(share) == near(stats.norm.ppf(share))


@given(st.floats(0.5, 1 - 1e-9), FREEDOM)
def test_the_quantiles_of_students_t_are_those_of_scipy(share: float, freedom: int) -> None:
    assert distributions.t_quantile(share, freedom) == near(stats.t.ppf(share, freedom))
    assert distributions.t_quantile(1 - share, freedom) == near(stats.t.ppf(1 - share, freedom))


@given(st.floats(-50, 50), FREEDOM)
def test_the_tails_of_students_t_are_those_of_scipy(value: float, freedom: int) -> None:
    assert distributions.t_below(value, freedom) == near(stats.t.cdf(value, freedom))


@given(st.floats(0, 500), st.integers(1, 300))
def test_the_tails_of_chi_squared_are_those_of_scipy(value: float, freedom: int) -> None:
    assert distributions.chi2_above(value, freedom) == near(stats.chi2.sf(value, freedom))


@given(st.floats(1e-9, 0.999), st.integers(1, 300))
def test_the_values_that_chi_squared_exceeds_are_those_of_scipy(share: float, freedom: int) -> None:
    assert distributions.chi2_exceeded(share, freedom) == near(stats.chi2.isf(share, freedom))


@given(st.floats(1e-4, 0.999), st.integers(1, 60), st.one_of(st.integers(1, 1000), st.just(math.inf)))
def test_the_values_that_f_exceeds_are_those_of_scipy(share: float, first: int, second: float) -> None:
    known = stats.chi2.isf(share, first) / first if math.isinf(second) else stats.f.isf(share, first, second)
    assert distributions.f_exceeded(share, first, second) == near(known)
