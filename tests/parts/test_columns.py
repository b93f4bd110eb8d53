from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tare.parts.columns import mean_and_std, moments_of_columns, sums_of_columns
from tare.statistics.moments import Moments


def close(found: tuple[Moments, ...], matrix: NDArray[Any]) -> None:
    """Compare with NumPy's own sums about the mean, in extended precision."""
    wide = matrix.astype(np.longdouble)
    for moments, column in zip(found, wide.T, strict=True):
        known = column[~np.isnan(column)]
        assert (moments.count, moments.nan) == (known.size, column.size - known.size)
        if known.size:
            assert (moments.low, moments.high) == (known.min(), known.max())
            assert moments.mean == pytest.approx(float(known.mean()), rel=1e-13, abs=1e-13 * float(np.abs(known).max()))
            assert moments.std == pytest.approx(float(known.std()), rel=1e-9, abs=1e-12 * float(np.abs(known).max()))


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64, np.int32])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("shape", [(1, 1), (3, 2), (4, 64), (65, 3), (1001, 10), (40, 130)])
def test_the_moments_are_those_of_numpy_in_either_memory_order(shape: tuple[int, int], order: Any, kind: Any) -> None:
    matrix = np.random.default_rng(0).normal(3, 2, shape).astype(kind, order=order)
    close(moments_of_columns(matrix), matrix)


@pytest.mark.parametrize("rows", [1, 5, 777])
def test_nan_is_counted_and_left_out(rows: int) -> None:
    generator = np.random.default_rng(1)
    matrix = generator.normal(-7, 3, (rows, 4))
    matrix[generator.random(matrix.shape) < 0.3] = np.nan
    matrix[:, 2] = np.nan
    close(moments_of_columns(matrix), matrix)


@settings(deadline=None)
@given(st.floats(-1e9, 1e9), st.integers(1, 300), st.integers(1, 9), st.integers(0, 2**32 - 1))
def test_a_large_mean_costs_no_digits(offset: float, rows: int, columns: int, seed: int) -> None:
    matrix = offset + np.random.default_rng(seed).normal(0, 1, (rows, columns))
    close(moments_of_columns(matrix), matrix)


@pytest.mark.parametrize("size", [1e-200, 1e-90, 1e90, 1e200])
def test_values_near_the_ends_of_the_range_keep_their_digits(size: float) -> None:
    matrix = np.random.default_rng(2).normal(0, 1, (50, 3)) * [1, size, 1]
    found = moments_of_columns(matrix)
    assert found[1].std == pytest.approx(size * float((matrix[:, 1] / size).std()), rel=1e-12)


def test_a_strided_matrix_and_a_sliced_one_give_the_same_as_their_copies() -> None:
    matrix = np.random.default_rng(3).normal(0, 1, (60, 8))
    assert moments_of_columns(matrix[::2, 1:7:2]) == moments_of_columns(matrix[::2, 1:7:2].copy())


def test_no_rows_give_empty_moments() -> None:
    assert moments_of_columns(np.empty((0, 3))) == (Moments(),) * 3


@settings(deadline=None)
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=8))
def test_mean_and_std_in_whole_numbers_are_those_of_the_moments(values: list[float]) -> None:
    moments = Moments.of_rows(np.array(values))
    mean, std = mean_and_std(moments)
    assert mean == pytest.approx(moments.mean, rel=1e-15, abs=0)
    assert std == pytest.approx(moments.std, rel=1e-15, abs=0)


def test_no_values_have_no_mean() -> None:
    assert all(np.isnan(mean_and_std(Moments())))


@given(
    st.integers(1, 60),
    st.integers(1, 70),
    st.floats(-1e9, 1e9),
    st.sampled_from([0.0, 1e-9, 1.0, 1e9]),
    st.sampled_from([np.float32, np.float64, np.int64]),
    st.integers(0, 2**32 - 1),
)
def test_sums_give_the_bits_of_their_exact_moments(
    rows: int, columns: int, offset: float, spread: float, kind: Any, seed: int
) -> None:
    matrix = (offset + np.random.default_rng(seed).normal(0, spread, (rows, columns))).astype(kind)
    sums = sums_of_columns(matrix)
    if sums is None:  # a matrix of one row is stored by columns, too, and fourth powers may leave the range
        return
    assert sums.moments() == moments_of_columns(matrix)
    expected = np.array([mean_and_std(moments) for moments in sums.moments()]).T
    np.testing.assert_array_equal(np.array(sums.mean_and_std()), expected)


def test_usual_rows_are_summed_at_once_and_others_are_left_to_the_slower_way() -> None:
    matrix = np.random.default_rng(0).normal(3, 2, (50, 4))
    assert sums_of_columns(matrix) is not None
    assert sums_of_columns(np.ones((5, 3))) is not None
    for wrong in (np.nan, np.inf, 1e200, 1e-200):
        other = matrix.copy()
        other[:, 1] *= 1e-200 if wrong == 1e-200 else 1
        other[7, 1] = wrong
        assert sums_of_columns(other) is None
    assert sums_of_columns(np.asfortranarray(matrix)) is None
    assert sums_of_columns(matrix[:0]) is None
