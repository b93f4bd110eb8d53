"""Sums about a mean against NumPy's and those of rationals, and which columns are scaled."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tare.statistics.centred import Centred, centred
from tare.statistics.sums import mean_of_some
from tare.system.engines import loops


@pytest.fixture(params=[0, 1 << 62], ids=["compiled", "plain"], autouse=True, scope="module")
def form(request: pytest.FixtureRequest) -> Iterator[None]:
    """Every test runs with the compiled loops and with the plain ones."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loops, "_WORTH", request.param)
        yield


columns = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30)


def values_of(found: Centred, values: list[float]) -> list[Fraction]:
    return [Fraction(value) / Fraction(2) ** found.exponent for value in values]


@given(columns, st.integers(1, 3))
def test_sums_moved_to_the_origin_are_those_of_the_values(values: list[float], passes: int) -> None:
    found = centred(np.array(values), passes)
    plain = values_of(found, values)
    for degree, total in enumerate(found.about_origin(), start=1):
        exact = sum((value**degree for value in plain), Fraction(0))
        size = sum(abs(value) ** degree for value in plain) + Fraction(1, 10**300)
        assert abs(total.fraction() - exact) < size * Fraction(1, 10**12)
    assert (found.low, found.high) == (float(min(plain)), float(max(plain)))


def test_no_values_give_no_sums_and_an_empty_range() -> None:
    for found in (centred(np.array([]), 1), Centred(0)):
        assert (found.count, found.powers, found.pivot, found.exponent, found.nan, found.inf) == (0, (), 0.0, 0, 0, 0)
        assert (found.low, found.high) == (math.inf, -math.inf)


def test_what_is_not_finite_is_counted_and_left_out() -> None:
    found = centred(np.array([1.0, math.nan, 3.0, math.inf, -math.inf, math.nan, math.nan]), 2)
    assert found == Centred(2, (0.0, 2.0, 0.0, 2.0), 2.0, 1.0, 3.0, exponent=0, nan=3, inf=2)
    assert centred(np.array([math.nan, -math.inf]), 1) == Centred(0, nan=1, inf=1)


def test_every_pass_after_the_first_begins_at_the_mean_that_the_last_one_found() -> None:
    values = np.random.default_rng(0).normal(3.0, 1.0, 5000) ** 3
    pivots = [centred(values, passes).pivot for passes in (1, 2)]
    assert pivots[0] == float(mean_of_some(values))
    assert abs(pivots[0] - values.mean()) > 0.01
    assert pivots[1] == pivots[0] + centred(values, 1).powers[0] / 5000
    assert abs(pivots[1] - values.mean()) < 1e-11


@pytest.mark.parametrize("values", [[0.0, 1e-100], [-3e-90, 2e-95, 4e-90], [1e100, 3e150], [-1e308, 1e308, 1.5e308]])
@pytest.mark.parametrize("passes", [1, 2])
def test_values_whose_fourth_powers_leave_a_doubles_range_are_scaled_and_keep_their_digits(
    values: list[float], passes: int
) -> None:
    found = centred(np.array(values), passes)
    plain = values_of(found, values)
    assert found.exponent == math.frexp(max(map(abs, values)))[1]
    mean = sum(plain, Fraction(0)) / len(plain)
    _, second, _, fourth = found.about_origin()
    assert float(second.fraction()) == pytest.approx(float(sum(value**2 for value in plain)), rel=1e-12)
    assert float(fourth.fraction()) == pytest.approx(float(sum(value**4 for value in plain)), rel=1e-12)
    if passes == 2:
        assert found.pivot == pytest.approx(float(mean), abs=1e-15)


@pytest.mark.parametrize(
    "column",
    [np.full(4, 1e-200), np.zeros(3), np.full(2, -7e250), np.array([1e40, 3e40]), np.array([1e-20, 3e-20]), np.array([1.0, 2.0])],
    ids=lambda column: f"{column[0]:g} to {column[-1]:g}",
)
def test_other_values_and_constants_are_summed_as_they_are(column: NDArray[np.float64]) -> None:
    found = centred(column, 1)
    assert found.exponent == 0
    assert (found.count, found.low, found.high) == (column.size, column.min(), column.max())
    with_nan = centred(np.append(column, math.nan), 1)
    assert with_nan.nan == 1
    assert (with_nan.exponent == 0) == (abs(math.frexp(np.abs(column).max())[1]) <= 100)
