from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tare.intervals import holm, mean_interval, paired_p_value

samples = st.lists(st.floats(-100, 100), min_size=2, max_size=12).filter(lambda v: float(np.std(v)) > 1e-6)
p_values = st.lists(st.floats(0, 1), min_size=1, max_size=8)


@given(samples, st.sampled_from([0.8, 0.95, 0.99]))
def test_the_interval_is_students_t(values: list[float], confidence: float) -> None:
    interval = mean_interval(values, confidence)
    low, high = stats.t.interval(confidence, len(values) - 1, np.mean(values), stats.sem(values))
    assert interval.estimate == pytest.approx(np.mean(values))
    assert (interval.low, interval.high) == pytest.approx((low, high))


def test_one_value_gives_no_interval() -> None:
    interval = mean_interval([3.0])
    assert interval.estimate == 3.0
    assert math.isnan(interval.low)
    assert math.isnan(interval.high)


@given(samples)
def test_the_paired_test_is_scipys(values: list[float]) -> None:
    assert paired_p_value(values) == pytest.approx(stats.ttest_1samp(values, 0.0).pvalue, rel=1e-6, abs=1e-12)


def test_differences_without_spread_decide_by_their_value() -> None:
    assert paired_p_value([0.0, 0.0]) == 1.0
    assert paired_p_value([0.5, 0.5]) == 0.0
    assert math.isnan(paired_p_value([1.0]))


@given(p_values)
def test_holm_follows_its_definition(values: list[float]) -> None:
    adjusted = holm(values)
    for p, result in zip(values, adjusted, strict=True):
        below = sorted(values)[: sorted(values).index(p) + 1]
        wanted = max(min(1.0, (len(values) - rank) * q) for rank, q in enumerate(below))
        assert result == pytest.approx(wanted)


def test_holm_on_the_textbook_example() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx((0.03, 0.06, 0.06, 0.02))
