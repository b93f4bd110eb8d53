"""Lines fitted through what came out, against values made in NumPy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tare.pipelines.observation import COLOUR, GREY_LEVELS, channel_order, fitted_line, fitted_medians, is_grey

RAW = np.array(GREY_LEVELS, np.float64)
SCALES = st.floats(1e-4, 2.0) | st.floats(-2.0, -1e-4)


@given(scale=SCALES, shift=st.floats(-3, 3))
def test_a_line_is_recovered(scale: float, shift: float) -> None:
    line = fitted_line(RAW, scale * RAW + shift)
    assert line is not None
    assert line.scale == pytest.approx(scale, rel=1e-6)
    assert line.shift == pytest.approx(shift, abs=2e-6 * abs(scale) * 255)
    assert line.outliers == ()


@given(scale=SCALES, shift=st.floats(-3, 3), seed=st.integers(0, 2**32 - 1))
def test_a_line_is_recovered_from_values_rounded_to_8_bits(scale: float, shift: float, seed: int) -> None:
    noise = np.random.default_rng(seed).uniform(-0.5, 0.5, len(RAW))
    line = fitted_line(RAW, scale * (RAW + noise) + shift)
    assert line is not None
    assert line.scale == pytest.approx(scale, rel=0.01)
    assert line.outliers == ()


@given(scale=st.floats(0.005, 0.05), low=st.floats(20, 90), high=st.floats(130, 230))
def test_clamped_ends_are_left_out_of_the_line(scale: float, low: float, high: float) -> None:
    line = fitted_line(RAW, scale * RAW.clip(low, high))
    assert line is not None
    assert line.scale == pytest.approx(scale, rel=1e-6)
    assert {0, len(RAW) - 1} <= set(line.outliers)


@pytest.mark.parametrize("values", [RAW**0.4, np.zeros_like(RAW), np.full_like(RAW, np.nan), np.sin(RAW)])
def test_a_curve_a_constant_and_nothing_are_no_line(values: np.ndarray) -> None:
    assert fitted_line(RAW, values) is None


def test_single_values_that_are_not_finite_are_outliers() -> None:
    values = RAW / 255
    values[0] = np.nan
    line = fitted_line(RAW, values)
    assert line is not None
    assert line.outliers == (0,)


def test_medians_of_random_values_are_fitted_by_least_squares() -> None:
    levels = np.array([8.0, 104.0, 200.0])
    line = fitted_medians(levels, np.array([0.1, 1.0, 2.1]))
    assert line is not None
    assert line.scale == pytest.approx(np.polyfit(levels, [0.1, 1.0, 2.1], 1)[0])
    assert fitted_medians(levels, np.zeros(3)) is None
    assert fitted_medians(levels, np.full(3, np.inf)) is None


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_the_colour_shows_the_order_of_channels(order: tuple[int, ...]) -> None:
    scale, shift = np.array([0.01, 0.02, 0.03]), np.array([-1.0, -2.0, 0.5])
    colour = scale * np.array(COLOUR)[list(order)] + shift
    assert channel_order(colour, scale, shift) == order
    assert not is_grey(colour, scale, shift)


def test_mixed_and_grey_channels() -> None:
    scale, shift = np.ones(3), np.zeros(3)
    assert channel_order(np.array([200.0, 75.0, 75.0]), scale, shift) is None
    assert is_grey(np.full(3, 133.0), scale, shift)
    assert channel_order(np.array([133.0]), np.ones(1), np.zeros(1)) == (0,)
