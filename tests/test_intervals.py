from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tare.intervals import equivalence_p_value, holm, mean_interval, paired_p_value, random_effects

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


@given(samples, st.floats(0.1, 50))
def test_equivalence_is_scipys_two_one_sided_tests(values: list[float], margin: float) -> None:
    upper = stats.ttest_1samp(values, margin, alternative="less").pvalue
    lower = stats.ttest_1samp(values, -margin, alternative="greater").pvalue
    assert equivalence_p_value(values, margin) == pytest.approx(max(upper, lower), rel=1e-6, abs=1e-12)


def test_equivalence_without_spread_decides_by_value() -> None:
    assert equivalence_p_value([0.5, 0.5], 1.0) == 0.0
    assert equivalence_p_value([1.5, 1.5], 1.0) == 1.0
    assert math.isnan(equivalence_p_value([0.0], 1.0))


def test_random_effects_agree_with_the_mean_where_groups_are_alike_in_error() -> None:
    effects = [1.0, 2.0, 4.0, 5.0]
    interval, tau = random_effects(effects, [1e-6] * 4)
    low, high = stats.t.interval(0.95, 3, np.mean(effects), stats.sem(effects))
    assert (interval.low, interval.high) == pytest.approx((low, high), rel=1e-4)
    assert tau == pytest.approx(np.std(effects, ddof=1), rel=1e-4)


def test_random_effects_solve_paule_and_mandels_equation() -> None:
    effects, errors = np.array([0.1, 0.4, -0.2, 0.9]), np.array([0.1, 0.2, 0.15, 0.3])
    interval, tau = random_effects(effects.tolist(), errors.tolist())
    weights = 1 / (errors**2 + tau**2)
    mean = (weights * effects).sum() / weights.sum()
    assert (weights * (effects - mean) ** 2).sum() == pytest.approx(3)
    assert interval.estimate == pytest.approx(mean)


def test_groups_that_differ_by_less_than_their_errors_have_no_spread_of_their_own() -> None:
    interval, tau = random_effects([1.0, 1.01, 0.99], [0.5, 0.5, 0.5])
    assert tau == 0.0
    assert interval.high - interval.estimate == pytest.approx(stats.t.ppf(0.975, 2) * 0.5 / math.sqrt(3))


def test_random_effects_cover_the_mean_of_the_population_of_groups() -> None:
    """Hartung and Knapp's interval of five groups: nominal 95%; of 400 simulations at least 372 cover."""
    rng = np.random.default_rng(0)
    covered = 0
    for _ in range(400):
        errors = rng.uniform(0.5, 1.5, 5)
        interval, _tau = random_effects((rng.normal(0, 1, 5) + rng.normal(0, errors)).tolist(), errors.tolist())
        covered += interval.low <= 0 <= interval.high
    assert covered >= 372


def test_one_group_has_no_interval() -> None:
    interval, tau = random_effects([2.0], [0.1])
    assert interval.estimate == 2.0
    assert math.isnan(interval.low)
    assert math.isnan(tau)
