from __future__ import annotations

import math
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tare.statistics.intervals import equivalence_p_value, holm, mean_interval, paired_p_value, random_effects, spacing

samples = st.lists(st.floats(-100, 100), min_size=2, max_size=12).filter(lambda v: float(np.std(v)) > 1e-6)
p_values = st.lists(st.floats(0, 1), min_size=1, max_size=8)


@given(samples, st.sampled_from([0.8, 0.95, 0.99]))
def test_the_interval_is_students_t(values: list[float], confidence: float) -> None:
    interval = mean_interval(values, confidence)
    low, high = stats.t.interval(confidence, len(values) - 1, np.mean(values), stats.sem(values))
    assert interval.estimate == pytest.approx(np.mean(values))
    assert (interval.low, interval.high) == pytest.approx((low, high))


def test_intervals_are_those_of_95_percent_unless_stated() -> None:
    assert mean_interval([1.0, 2.0, 4.0]) == mean_interval([1.0, 2.0, 4.0], 0.95)
    assert random_effects([1.0, 2.0, 4.0], [0.5] * 3) == random_effects([1.0, 2.0, 4.0], [0.5] * 3, 0.95)


@given(samples, st.floats(-10, 10), st.floats(0.1, 10))
def test_the_interval_moves_and_stretches_with_the_values(values: list[float], offset: float, gain: float) -> None:
    plain, moved = mean_interval(values), mean_interval([gain * v + offset for v in values])
    assert (moved.low, moved.high) == pytest.approx((gain * plain.low + offset, gain * plain.high + offset), abs=1e-9)


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


@given(samples)
def test_the_paired_test_sees_no_order_and_no_sign(values: list[float]) -> None:
    assert paired_p_value(values) == pytest.approx(paired_p_value([-v for v in reversed(values)]), rel=1e-9)


@given(p_values, st.randoms(use_true_random=False))
def test_holm_is_monotone_sees_no_order_and_never_lowers_a_p_value(values: list[float], random: Random) -> None:
    adjusted = dict(zip(range(len(values)), holm(values), strict=True))
    places = list(range(len(values)))
    random.shuffle(places)
    assert sorted(holm([values[place] for place in places])) == sorted(adjusted.values())
    for a in places:
        assert values[a] <= adjusted[a] <= 1.0
        assert all(adjusted[a] <= adjusted[b] for b in places if values[a] <= values[b])


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
    assert equivalence_p_value([1.0, 1.0], 1.0) == 1.0
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


groups = st.lists(st.tuples(st.floats(-5, 5), st.floats(0.05, 3)), min_size=2, max_size=7)


@given(groups)
def test_between_groups_either_the_equation_holds_or_there_is_no_spread(made: list[tuple[float, float]]) -> None:
    effects, errors = (np.array(column) for column in zip(*made, strict=True))
    interval, tau = random_effects(effects.tolist(), errors.tolist())
    weights = 1 / (errors**2 + tau**2)
    mean = (weights * effects).sum() / weights.sum()
    excess = (weights * (effects - mean) ** 2).sum() - (len(made) - 1)
    assert excess == pytest.approx(0.0, abs=1e-6) if tau else excess <= 1e-9
    assert interval.estimate == pytest.approx(mean, abs=1e-9)
    half = stats.t.ppf(0.975, len(made) - 1) / math.sqrt(weights.sum())
    assert (interval.low, interval.high) == pytest.approx((mean - half, mean + half), rel=1e-6, abs=1e-9)


@given(groups, st.floats(1e-6, 1e3))
def test_effects_in_another_unit_give_the_interval_in_that_unit(made: list[tuple[float, float]], unit: float) -> None:
    effects, errors = (np.array(column) for column in zip(*made, strict=True))
    plain, tau = random_effects(effects.tolist(), errors.tolist())
    other, scaled = random_effects((unit * effects).tolist(), (unit * errors).tolist())
    assert scaled == pytest.approx(unit * tau, rel=1e-6, abs=1e-7 * unit)
    assert (other.low, other.high) == pytest.approx((unit * plain.low, unit * plain.high), rel=1e-6, abs=1e-6 * unit)


def test_an_error_of_zero_counts_as_a_millionth_of_the_largest_effect() -> None:
    interval, tau = random_effects([1.0, 2.0], [0.0, 2.0])
    assert tau == 0.0
    assert interval.high - interval.estimate == pytest.approx(stats.t.ppf(0.975, 1) * 2e-6, rel=1e-6)


def test_groups_without_effect_and_without_error_have_an_interval_of_no_width() -> None:
    interval, tau = random_effects([0.0, 0.0, 0.0], [0.0, 0.0, 0.0])
    assert (interval.low, interval.high, tau) == pytest.approx((0.0, 0.0, 0.0), abs=1e-100)


def test_groups_that_differ_by_less_than_their_errors_have_no_spread_of_their_own() -> None:
    interval, tau = random_effects([1.0, 1.01, 0.99], [0.5, 0.5, 0.5])
    assert tau == 0.0
    assert interval.high - interval.estimate == pytest.approx(stats.t.ppf(0.975, 2) * 0.5 / math.sqrt(3))


@given(st.floats(0.1, 10.0), st.floats(1.0, 4.0))
def test_of_two_groups_with_one_error_the_spread_is_what_their_difference_has_beyond_it(error: float, ratio: float) -> None:
    """(d^2 / 2) / (se^2 + tau^2) = 1, from where the difference is just larger than its errors explain."""
    difference = error * math.sqrt(2 * ratio)
    _, tau = random_effects([3.0, 3.0 + difference], [error, error])
    assert tau == pytest.approx(math.sqrt(max(0.0, difference**2 / 2 - error**2)), rel=1e-6, abs=1e-6 * error)


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


@pytest.mark.parametrize(
    ("values", "step"),
    [
        ([], 0.0), ([0.5], 0.0), ([0.5, 0.5], 0.0), ([0.1 + 0.2, 0.3], 0.0), ([0.5, 0.25, 1.0, 0.75], 0.25), ([3.0, -1, 7], 4.0),
    ],
)  # fmt: skip
def test_the_spacing_is_the_least_difference_beyond_rounding(values: list[float], step: float) -> None:
    assert spacing(values) == pytest.approx(step)


@given(samples, st.floats(0.0, 10.0))
def test_a_step_adds_the_variance_of_a_uniform_value_inside_it(values: list[float], step: float) -> None:
    error = math.sqrt((np.var(values, ddof=1) + step**2 / 12) / len(values))
    mean, number = float(np.mean(values)), len(values) - 1
    interval = mean_interval(values, step=step)
    assert interval.high - mean == pytest.approx(stats.t.ppf(0.975, number) * error, rel=1e-6, abs=1e-9)
    assert paired_p_value(values, step) == pytest.approx(2 * stats.t.sf(abs(mean) / error, number), rel=1e-6, abs=1e-12)
    assert equivalence_p_value(values, 1.0, step) == pytest.approx(
        stats.t.cdf((abs(mean) - 1) / error, number), rel=1e-6, abs=1e-12
    )
