"""Fits against SciPy's least squares."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import optimize

from tare.statistics.inference.least_squares import least_squares

X = np.linspace(0.05, 1, 15)


@given(st.floats(0.2, 5), st.floats(-1, 1), st.integers(0, 99))
def test_a_line_is_fitted_as_by_scipy(gain: float, offset: float, seed: int) -> None:
    noise = np.random.default_rng(seed).normal(0, 0.01, X.size)

    def residual(p: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray((np.exp(p[0]) * X + p[1] - (gain * X + offset + noise)) / 0.01)

    found, slopes = least_squares(residual, np.zeros(2))
    scipys = optimize.least_squares(residual, np.zeros(2), diff_step=1e-4)
    np.testing.assert_allclose(found, scipys.x, atol=1e-3)
    np.testing.assert_allclose(slopes, scipys.jac, rtol=1e-2, atol=1e-2 * np.abs(scipys.jac).max())


def test_a_power_far_from_its_start_is_found() -> None:
    found, _ = least_squares(lambda p: X ** np.exp(p[0]) - X**2.2, np.array([-1.0]))
    assert np.exp(found[0]) == pytest.approx(2.2, rel=1e-4)


def test_parameters_that_nothing_depends_on_stay_where_they_are() -> None:
    found, slopes = least_squares(lambda p: X + 0 * p[0], np.array([3.0]))
    assert found[0] == 3.0
    assert not slopes.any()


def test_residuals_that_overflow_end_the_fit_where_it_stands() -> None:
    start = np.array([-1000.0])
    with np.errstate(invalid="ignore", over="ignore"):
        found, _ = least_squares(lambda p: np.asarray(X * np.exp(-p[0]) - np.exp(-p[0])), start)
    assert found.tolist() == start.tolist()
