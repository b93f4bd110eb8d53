from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tare.errors import StrategyError
from tare.measuring.api import measure as measured
from tare.measuring.mapped.logarithms import with_logarithms
from tare.normalisation.applied import Normalisation, same_inputs
from tare.normalisation.names import BASIC, STRATEGIES, Strategy
from tare.normalisation.strategies import STD_FLOOR, Constants, blended, matched, normalisation, shrunk
from tare.samples.layout import clipped
from tare.sources.arrays.in_memory import open_array
from tare.sources.options import Options
from tare.statistics.dataset_stats import DatasetStats
from tests.made_stats import stacked, stated_stats

SOURCE = Constants((0.485, 0.456, 0.406), (0.229, 0.224, 0.225), "ImageNet")
SEEN = Constants((0.4845, 0.4541, 0.4025), (0.2724, 0.2637, 0.2761), "measured")
TARGET = stated_stats((0.3, 0.5, 0.6), (0.1, 0.2, 0.3))

units = st.floats(0.05, 0.95)
three = st.tuples(units, units, units)


def chosen(strategy: Strategy) -> Normalisation:
    target = TARGET if strategy in BASIC else stacked((255 * images(0).clip(0.01, 1)).astype(np.uint8))
    return normalisation(strategy, 3, source=SOURCE, target=target, source_seen=SEEN, window=(20.0, 200.0))


def images(seed: int, number: int = 6) -> NDArray[np.float64]:
    """Float images ``(N, H, W, C)`` whose levels and contrasts differ, as those of photographs do."""
    rng = np.random.default_rng(seed)
    levels, contrasts = rng.uniform(0.3, 0.7, (number, 1, 1, 3)), rng.uniform(0.05, 0.2, (number, 1, 1, 3))
    return levels + contrasts * rng.standard_normal((number, 4, 5, 3))


def fed(strategy: Strategy, values: NDArray[np.float64], stats: DatasetStats) -> NDArray[np.float64]:
    """What reaches the network of data with these statistics."""
    return normalisation(strategy, 3, source=SOURCE, target=stats, source_seen=SEEN).affine().apply(values)


gains, offsets = st.tuples(*[st.floats(0.2, 5.0)] * 3), st.tuples(*[st.floats(-2.0, 2.0)] * 3)


@given(st.integers(0, 999), gains, offsets, st.sampled_from(["target", "match"]))
def test_target_and_match_undo_any_gain_and_offset_of_a_sensor(
    seed: int, gain: tuple[float, ...], offset: tuple[float, ...], strategy: Strategy
) -> None:
    plain = images(seed)
    other = np.array(gain) * plain + np.array(offset)
    np.testing.assert_allclose(fed(strategy, other, stacked(other)), fed(strategy, plain, stacked(plain)), rtol=0, atol=1e-9)


@given(st.integers(0, 999), gains, offsets)
def test_source_and_none_keep_the_meaning_of_a_raw_value_whatever_the_target_is(
    seed: int, gain: tuple[float, ...], offset: tuple[float, ...]
) -> None:
    plain = images(seed)
    other = stacked(np.array(gain) * plain + np.array(offset))
    for strategy in ("source", "none"):
        np.testing.assert_array_equal(fed(strategy, plain, stacked(plain)), fed(strategy, plain, other))
    np.testing.assert_allclose(fed("source", plain, other), (plain - SOURCE.mean) / SOURCE.std, rtol=1e-12, atol=1e-12)


@given(st.integers(0, 999), st.sampled_from(["source", "target", "match", "blend", "none"]))
def test_the_moments_fed_are_those_of_the_normalised_values(seed: int, strategy: Strategy) -> None:
    values = images(seed)
    stats = stacked(values)
    mean, std = normalisation(strategy, 3, source=SOURCE, target=stats, source_seen=SEEN).moments_fed(stats)
    pixels = fed(strategy, values, stats).reshape(-1, 3)
    assert mean == pytest.approx(pixels.mean(axis=0), abs=1e-9)
    assert std == pytest.approx(pixels.std(axis=0), rel=1e-9)


@given(three, three)
def test_target_feeds_any_data_with_mean_zero_and_std_one(u1: tuple[float, ...], s1: tuple[float, ...]) -> None:
    mean, std = normalisation("target", 3, target=stated_stats(u1, s1)).moments_fed(stated_stats(u1, s1))
    assert mean == pytest.approx((0.0,) * 3, abs=1e-12)
    assert std == pytest.approx((1.0,) * 3, rel=1e-12)


@given(three, three, three, three)
def test_match_is_source_on_the_sources_own_data_and_target_under_the_sources_own_moments(
    u0: tuple[float, ...], s0: tuple[float, ...], u1: tuple[float, ...], s1: tuple[float, ...]
) -> None:
    constants, moments, target = Constants(u0, s0, ""), Constants(u1, s1, ""), stated_stats(u1, s1)
    own = matched(constants, moments, target)
    assert own[0] == pytest.approx(u0, abs=1e-12)
    assert own[1] == pytest.approx(s0, rel=1e-12)
    standard = matched(constants, constants, target)
    assert standard[0] == pytest.approx(u1, abs=1e-12)
    assert standard[1] == pytest.approx(s1, rel=1e-12)


@given(three, three, three, three)
def test_blend_tends_to_the_target_with_many_samples_and_is_the_source_with_few(
    u0: tuple[float, ...], s0: tuple[float, ...], u1: tuple[float, ...], s1: tuple[float, ...]
) -> None:
    constants = Constants(u0, s0, "")
    few = blended(constants, stated_stats(u1, s1, error=1e3))
    assert few[0] == u0
    assert few[1] == pytest.approx(s0, rel=1e-12)
    # A difference of less than its standard error stays at the source: from some n on, none is.
    many = blended(constants, stated_stats(u1, s1, samples=10**15))
    assert many[0] == pytest.approx(u1, abs=1e-6)
    assert many[1] == pytest.approx(s1, rel=1e-6)


@given(three, three, three, three, st.lists(st.integers(2, 10**7), min_size=2, max_size=5))
def test_blend_moves_from_the_source_towards_the_target_as_samples_grow(
    u0: tuple[float, ...], s0: tuple[float, ...], u1: tuple[float, ...], s1: tuple[float, ...], sizes: list[int]
) -> None:
    blends = [blended(Constants(u0, s0, ""), stated_stats(u1, s1, samples=n)) for n in sorted(sizes)]
    for c in range(3):
        means, stds = ([blend[k][c] for blend in blends] for k in (0, 1))
        for path, start, end in ((means, u0[c], u1[c]), (stds, s0[c], s1[c])):
            gone = [abs(value - start) for value in path]
            assert all(a <= b + 1e-12 for a, b in pairwise(gone))
            assert all(min(start, end) - 1e-12 <= value <= max(start, end) + 1e-12 for value in path)


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


def test_blend_is_its_formula_on_the_mean_and_on_the_log_of_the_std() -> None:
    target = stated_stats(TARGET.mean, TARGET.std, error=0.06)
    mean, std = blended(SOURCE, target)
    for c, (u0, s0, u1, s1) in enumerate(zip(SOURCE.mean, SOURCE.std, TARGET.mean, TARGET.std, strict=True)):
        assert mean[c] == pytest.approx(u0 + shrunk(u1 - u0, 0.06), rel=1e-12)
        assert math.log(std[c]) == pytest.approx(math.log(s0) + shrunk(math.log(s1) - math.log(s0), 0.06 / s1), rel=1e-12)


def test_statistics_of_another_number_of_channels_are_never_cut_to_fit() -> None:
    grey = stated_stats((0.5,), (0.2,))
    with pytest.raises(ValueError, match="zip"):
        chosen("target").moments_fed(grey)
    with pytest.raises(ValueError, match="zip"):
        matched(SOURCE, SEEN, grey)
    with pytest.raises(ValueError, match="zip"):
        blended(SOURCE, grey)


@given(st.floats(-1, 1), st.floats(0, 2))
def test_shrinking_lies_between_nothing_and_the_difference(difference: float, error: float) -> None:
    result = shrunk(difference, error)
    assert min(0.0, difference) <= result <= max(0.0, difference)
    assert shrunk(-difference, error) == -result


@given(st.floats(0.01, 1), st.floats(0, 1), st.floats(0, 1))
def test_shrinking_grows_with_the_error(difference: float, a: float, b: float) -> None:
    assert shrunk(difference, max(a, b)) <= shrunk(difference, min(a, b)) + 1e-15


@given(st.floats(0.01, 10), st.floats(0.001, 10))
def test_shrinking_is_the_stated_weight_times_the_difference(difference: float, error: float) -> None:
    tau2 = max(0.0, difference**2 - error**2)
    assert shrunk(difference, error) == pytest.approx(tau2 / (tau2 + error**2) * difference, rel=1e-12)
    assert shrunk(difference, 0.0) == pytest.approx(difference, rel=1e-15)
    assert shrunk(difference, difference) == 0.0


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


def test_what_lies_outside_an_image_is_the_value_that_becomes_zero_as_far_as_an_image_can_hold_it() -> None:
    source = chosen("source")
    assert source.zero == source.border("uint8") == SOURCE.mean
    np.testing.assert_allclose(source.affine().apply(np.array(source.zero)), 0.0, atol=1e-12)
    far = Normalisation("match", (-0.25, 0.5, 1.25), (1.0,) * 3)
    assert far.zero == (-0.25, 0.5, 1.25)
    assert far.border("uint16") == clipped((-0.25, 0.5, 1.25), "uint8") == (0.0, 0.5, 1.0)
    assert far.border("float32") == (-0.25, 0.5, 1.25)  # a border of Hounsfield units is not 0 or 1
    assert normalisation("sample", 3).zero is None
    assert normalisation("sample", 3).border("uint8") is None


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
    with pytest.raises(StrategyError, match=r"every std at least 0\.001 .*under the strategy 'source'"):
        normalisation("source", 1, source=Constants((0.5,), (std,), ""))


def test_a_std_at_the_floor_is_divided_by_and_one_below_it_is_told_with_what_it_does() -> None:
    for std in (STD_FLOOR, 1.5 * STD_FLOOR):
        assert normalisation("source", 1, source=Constants((0.5,), (std,), "")).std == (std,)
    for std, reached in ((STD_FLOOR / 2, ": inputs would reach 2000 sigma"), (0.0, "")):
        with pytest.raises(StrategyError, match=rf"at least 0\.001 in unit values, found .* 'source'{reached}; use"):
            normalisation("source", 1, source=Constants((0.5,), (std,), ""))


def test_floats_are_held_against_the_range_between_their_extremes() -> None:
    def spread(*values: float) -> DatasetStats:
        return measured(np.array(values, np.float64)[:, None].repeat(100, axis=0))

    narrow = Constants((0.0,), (0.4,), "")
    with pytest.raises(StrategyError, match=r"of the range of values \(1000\), found 0\.4 .* would reach 2500 sigma"):
        normalisation("source", 1, source=narrow, target=spread(-500.0, 500.0))
    with pytest.raises(
        StrategyError, match=r"of the range of values \(1000\), found 0 of channel 'c0' under the strategy 'source'; use"
    ):
        normalisation("source", 1, source=Constants((0.0,), (0.0,), ""), target=spread(-500.0, 500.0))
    assert normalisation("source", 1, source=narrow, target=spread(-50.0, 50.0)).std == (0.4,)
    assert normalisation("source", 1, source=narrow, target=spread(1000.0, 1001.0)).std == (0.4,)
    with pytest.raises(StrategyError, match=r"of the range of values \(0\), found 0 of channel 'c0' under the strategy 'target'"):
        normalisation("target", 1, target=spread(3.0, 3.0))


def test_blend_of_a_constant_channel_is_refused_even_where_its_errors_are_stated() -> None:
    with pytest.raises(StrategyError, match=r"a standard error for the strategy 'blend', found channel 'c0' has std 0"):
        normalisation("blend", 1, source=Constants((0.5,), (0.2,), ""), target=stated_stats((0.5,), (0.0,), error=0.1))


def test_as_many_constants_as_channels_are_needed() -> None:
    with pytest.raises(StrategyError, match="1 means and stds, one per input channel of the network, found 3 means and 3 stds"):
        normalisation("source", 1, source=SOURCE)


def test_strategies_that_feed_the_same_tensors_are_found() -> None:
    same = normalisation("match", 3, source=SEEN, target=TARGET, source_seen=SEEN)
    assert same_inputs([chosen("target"), same]) == {"match": "target"}


def test_a_chain_of_equals_names_the_first_of_them() -> None:
    trio = [Normalisation(name, (0.5,), (0.25,)) for name in ("source", "target", "blend")]
    assert same_inputs(trio) == {"target": "source", "blend": "source"}


def test_the_same_means_within_the_tolerance_at_every_unit_value() -> None:
    def alike(mean: float, std: float, **tolerance: float) -> bool:
        pair = [Normalisation("source", (0.0,), (1.0,)), Normalisation("target", (mean,), (std,))]
        return bool(same_inputs(pair, **tolerance))

    assert alike(0.0, 1.0, tolerance=0.0)
    assert alike(0.9e-6, 1.0)
    assert not alike(1.5e-6, 1.0)
    assert not alike(-1.0, 2.0)  # equal at 1 alone
    assert not alike(0.0, 2.0)  # equal at 0 alone
    assert alike(0.0, 2.0, tolerance=0.6)  # half a unit at 1; nothing beyond is fed


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


def test_values_as_they_are_and_values_that_are_cut_are_held_against_no_range() -> None:
    target = measured(np.array([[0.0], [1.5], [1e6]]))
    assert normalisation("none", 1, target=target).std == (1.0,)
    assert normalisation("window", 1, target=target, window=(1.0, 2.0)).std == (1.0,)
    with pytest.raises(
        StrategyError, match=r"of the range of values \(1e\+06\), found 1 of channel 'c0' under the strategy 'source'"
    ):
        normalisation("source", 1, target=target, source=Constants((0.0,), (1.0,), ""))


def test_a_range_of_the_data_may_be_a_sliver_of_the_types_and_a_std_may_not() -> None:
    dark = stacked(np.random.default_rng(0).integers(0, 40, (3, 9, 9, 1)).astype(np.uint16))
    for strategy in ("minmax", "quantile"):
        assert normalisation(strategy, 1, target=dark).std[0] < STD_FLOOR
    with pytest.raises(StrategyError, match=r"every std at least 0\.001 in unit values"):
        normalisation("target", 1, target=dark)


@pytest.mark.parametrize(
    ("strategy", "message"),
    [
        ("log1p", r"values above -1 with measured logarithms for 'log1p', found values from 7 in channel 'c1', whose log"),
        ("dB", r"values above 0 with measured logarithms for 'dB', found values from 7 in channel 'c1', whose logarithms were"),
    ],
)
def test_logarithms_that_were_not_measured_are_named_with_the_smallest_raw_value(strategy: Strategy, message: str) -> None:
    stats = stacked(np.arange(7, 607).reshape(3, 100, 2).astype(np.uint16))
    second = replace(stats.channels[1], min=7 / 65535, mapped={})
    with pytest.raises(StrategyError, match=message):
        normalisation(strategy, 2, target=replace(stats, channels=(stats.channels[0], second)))


def test_a_value_at_which_a_logarithm_ends_is_named_alone() -> None:
    values = np.random.default_rng(0).uniform(0.0, 1.0, (3, 50, 1))
    values[0, 0] = -1.0
    with pytest.raises(StrategyError, match=r"values above -1 .*, found values from -1 in channel 'grey'; leave out"):
        normalisation("log1p", 1, target=stacked(values))


@pytest.mark.parametrize(
    ("strategy", "low", "others"),
    [("log1p", -3.0, ["percentile"]), ("dB", -0.5, ["log1p", "percentile"]), ("dB", -3.0, ["percentile"])],
)
def test_the_strategies_that_are_named_instead_of_a_logarithm_take_these_values(
    strategy: Strategy, low: float, others: list[Strategy]
) -> None:
    values = np.random.default_rng(0).uniform(0.5, 9.0, (40, 5, 1))
    values[0, 0] = low
    target = stacked(values)
    with pytest.raises(StrategyError, match=f"use --strategy {' or '.join(others)}$"):
        normalisation(strategy, 1, target=target)
    for other in others:
        taken = with_logarithms(target, other, open_array(values, Options(layout="NTC")), 1)
        assert normalisation(other, 1, target=taken).std[0] > 0
