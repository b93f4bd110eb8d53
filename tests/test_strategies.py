from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tare.errors import StrategyError
from tare.measuring import measure as measured
from tare.strategies import (
    STD_FLOOR,
    STRATEGIES,
    Constants,
    Normalisation,
    Strategy,
    blended,
    matched,
    normalisation,
    same_inputs,
    shrunk,
)
from tests.made_stats import stated_stats

SOURCE = Constants((0.485, 0.456, 0.406), (0.229, 0.224, 0.225), "ImageNet")
SEEN = Constants((0.4845, 0.4541, 0.4025), (0.2724, 0.2637, 0.2761), "measured")
TARGET = stated_stats((0.3, 0.5, 0.6), (0.1, 0.2, 0.3))

units = st.floats(0.05, 0.95)
three = st.tuples(units, units, units)


def chosen(strategy: Strategy) -> Normalisation:
    return normalisation(strategy, 3, source=SOURCE, target=TARGET, source_seen=SEEN)


def test_source_and_target_are_the_constants_they_name() -> None:
    assert (chosen("source").mean, chosen("source").std) == (SOURCE.mean, SOURCE.std)
    assert (chosen("target").mean, chosen("target").std) == (TARGET.mean, TARGET.std)


def test_the_target_strategy_feeds_zero_mean_and_unit_std() -> None:
    mean, std = chosen("target").moments_fed(TARGET)
    assert mean == pytest.approx((0, 0, 0), abs=1e-12)
    assert std == pytest.approx((1, 1, 1))


def test_none_and_sample_need_nothing_and_differ_only_in_whose_moments_are_used() -> None:
    nothing, sample = normalisation("none", 3), normalisation("sample", 3)
    assert nothing.moments_fed(TARGET) == (TARGET.mean, TARGET.std)
    assert sample.moments_fed(TARGET) == ((0.0,) * 3, (1.0,) * 3)
    assert nothing.affine() == sample.affine()


@given(three, three, three, three, three, three)
def test_match_feeds_the_target_with_the_moments_that_the_source_had(
    u0: tuple[float, ...],
    s0: tuple[float, ...],
    m0: tuple[float, ...],
    d0: tuple[float, ...],
    u1: tuple[float, ...],
    s1: tuple[float, ...],
) -> None:
    target, seen = stated_stats(u1, s1), stated_stats(m0, d0)
    mean, std = matched(Constants(u0, s0, ""), Constants(m0, d0, ""), target)
    fed = Normalisation("match", mean, std).moments_fed(target)
    wanted = Normalisation("source", u0, s0).moments_fed(seen)
    assert fed[0] == pytest.approx(wanted[0], abs=1e-9)
    assert fed[1] == pytest.approx(wanted[1], rel=1e-9)


def test_match_is_target_where_the_constants_are_the_sources_own_moments() -> None:
    mean, std = matched(SEEN, SEEN, TARGET)
    assert mean == pytest.approx(TARGET.mean)
    assert std == pytest.approx(TARGET.std)


def test_blend_is_the_source_where_the_target_is_hardly_known() -> None:
    mean, std = blended(SOURCE, stated_stats(TARGET.mean, TARGET.std, error=10.0))
    assert mean == SOURCE.mean
    assert std == pytest.approx(SOURCE.std)


def test_blend_is_the_target_where_the_target_is_well_known() -> None:
    mean, std = blended(SOURCE, stated_stats(TARGET.mean, TARGET.std, samples=10**12))
    assert mean == pytest.approx(TARGET.mean, rel=1e-6)
    assert std == pytest.approx(TARGET.std, rel=1e-6)


@given(st.floats(-1, 1), st.floats(0, 2))
def test_shrinking_lies_between_nothing_and_the_difference(difference: float, error: float) -> None:
    result = shrunk(difference, error)
    assert min(0.0, difference) <= result <= max(0.0, difference)
    assert shrunk(-difference, error) == -result


@given(st.floats(0.01, 1), st.floats(0, 1), st.floats(0, 1))
def test_shrinking_grows_with_the_error(difference: float, a: float, b: float) -> None:
    assert shrunk(difference, max(a, b)) <= shrunk(difference, min(a, b)) + 1e-15


def test_shrinking_follows_its_formula() -> None:
    assert shrunk(2.0, 1.0) == 2.0 * 3.0 / (3.0 + 1.0)
    assert shrunk(1.0, 1.0) == 0.0
    assert shrunk(0.3, 0.0) == 0.3


@pytest.mark.parametrize(
    ("strategy", "message"),
    [
        ("source", r"expected the source's mean and std for the strategy 'source', found none; state them with --mean and --std"),
        ("target", r"expected statistics of the target's training split for the strategy 'target', found none; measure it first"),
        ("blend", r"statistics of the target's training split for the strategy 'blend'"),
        ("match", r"statistics of the target's training split for the strategy 'match'"),
    ],
)
def test_a_strategy_without_what_it_needs_is_refused(strategy: Strategy, message: str) -> None:
    with pytest.raises(StrategyError, match=message):
        normalisation(strategy, 3)


def test_match_without_measured_source_statistics_is_refused_not_guessed() -> None:
    with pytest.raises(
        StrategyError, match=r"measured statistics of dataset0 for the strategy 'match', found none; give --source"
    ):
        normalisation("match", 3, source=SOURCE, target=TARGET)


def test_blend_without_standard_errors_is_refused() -> None:
    single = stated_stats((0.5,) * 3, (0.2,) * 3, samples=1, error=math.nan)
    with pytest.raises(
        StrategyError, match=r"a standard error for the strategy 'blend', found channel 'c0' .* from 1 samples; use"
    ):
        normalisation("blend", 3, source=SOURCE, target=single)


@pytest.mark.parametrize("std", [0.0, STD_FLOOR / 2, math.nan])
def test_a_std_below_the_floor_is_refused(std: float) -> None:
    with pytest.raises(StrategyError, match=r"every std at least 0\.001 .*under the strategy 'source': inputs would reach"):
        normalisation("source", 1, source=Constants((0.5,), (std,), ""))


def test_as_many_constants_as_channels_are_needed() -> None:
    with pytest.raises(StrategyError, match="1 means and stds, one per input channel of the network, found 3 means and 3 stds"):
        normalisation("source", 1, source=SOURCE)


def test_strategies_that_feed_the_same_tensors_are_found() -> None:
    same = normalisation("match", 3, source=SEEN, target=TARGET, source_seen=SEEN)
    assert same_inputs([chosen("target"), same]) == {"match": "target"}


def test_a_chain_of_equals_names_the_first_of_them() -> None:
    trio = [Normalisation(name, (0.5,), (0.25,)) for name in ("source", "target", "blend")]
    assert same_inputs(trio) == {"target": "source", "blend": "source"}


def test_different_strategies_are_not_called_the_same() -> None:
    assert same_inputs([chosen(name) for name in STRATEGIES]) == {}


def test_numbers_without_a_range_of_their_own_are_held_against_the_range_they_have() -> None:
    small = measured(np.random.default_rng(0).normal(0.005, 1e-4, (50, 1)))
    assert normalisation("target", 1, target=small).std == small.std
    outlier = measured(np.append(np.zeros((2_500_000, 1)), [[1e6]], axis=0))
    with pytest.raises(
        StrategyError, match=r"every std at least 0\.001 of the range of values \(1e\+06\), found 632\.\d+ .* sigma"
    ):
        normalisation("target", 1, target=outlier)
