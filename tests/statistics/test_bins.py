from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tare.statistics.bins import MOST, Bins, binned
from tare.statistics.buckets import Buckets
from tare.statistics.histogram import Histogram
from tests.made_stats import stacked

values = st.lists(st.floats(-1e12, 1e12) | st.integers(-3, 3).map(float), min_size=1, max_size=60)


def of_floats(column: list[float]) -> Bins:
    array = np.array(column)
    made = binned(Buckets.of(array, float(array.min()), float(array.max())), 1.0)
    assert made is not None
    return made


def test_levels_go_by_fours_over_the_whole_range() -> None:
    counts = tuple(range(256))
    made = binned(Histogram(counts), 1 / 255)
    assert made is not None
    assert made.counts == tuple(sum(counts[k : k + 4]) for k in range(0, 256, 4))
    assert made.low == 0.0
    assert made.width == pytest.approx(4 / 255)


@given(values)
def test_a_bin_counts_the_values_between_its_edges(column: list[float]) -> None:
    made = of_floats(column)
    assert 1 <= len(made.counts) <= MOST
    for k, count in enumerate(made.counts):
        low, high = made.low + k * made.width, made.low + (k + 1) * made.width
        assert count == sum(low <= value < high for value in column)


def test_without_outliers_every_value_is_in_a_bin() -> None:
    column = np.random.default_rng(0).normal(5, 2, 10_000).tolist()
    made = of_floats(column)
    assert sum(made.counts) == len(column)
    assert len(made.counts) > MOST // 2


def test_an_outlier_does_not_leave_everything_else_in_one_bin() -> None:
    made = of_floats([*np.linspace(0, 1, 1000).tolist(), 50.0])
    assert sum(made.counts) == 1000
    assert np.count_nonzero(made.counts) > MOST // 4


def test_sixteen_bits_are_counted_exactly_in_unit_values() -> None:
    values = np.random.default_rng(0).integers(100, 4000, (20, 9, 9, 1), dtype=np.uint16)
    (channel,) = stacked(values).channels
    made = channel.histogram
    assert made is not None
    expected, _ = np.histogram(values.astype(float), np.round(made.edges * 65535))
    assert list(made.counts) == expected.tolist()
    assert sum(made.counts) == values.size


def test_nothing_counted_has_no_bins() -> None:
    assert binned(Histogram(), 1 / 255) is None
    assert binned(Buckets(), 1.0) is None


def test_counts_below_an_edge_lie_evenly_in_their_bin() -> None:
    made = Bins(1.0, 0.5, (4, 0, 8))
    assert made.below(np.array([0.0, 1.0, 1.25, 1.5, 2.0, 2.125, 9.0])).tolist() == [0, 0, 2, 4, 4, 6, 12]
