from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import replace
from functools import reduce
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

import tare
from tare.statistics.buckets import WORDS, Buckets
from tare.system.engines import loops


@pytest.fixture(params=[0, 1 << 62], ids=["compiled", "plain"], autouse=True, scope="module")
def form(request: pytest.FixtureRequest) -> Iterator[None]:
    """Every test runs with the compiled loops and with the plain ones."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loops, "_WORTH", request.param)
        yield


QS = (0.0, 0.01, 0.25, 0.5, 0.75, 0.99, 1.0)
anything = st.floats(allow_nan=False, allow_infinity=False, width=64)
usual = st.one_of(
    st.floats(-10, 10), st.floats(1e9, 1e9 + 5), st.sampled_from([0.0, -0.0, 1.0, -1e-320, 5e-324, 1.7e308, -1.7e308])
)
columns = st.lists(st.one_of(usual, anything), max_size=40)


def counted(values: list[float] | NDArray[Any]) -> Buckets:
    column = np.array(values, np.float64)
    return Buckets.of(column, float(column.min()), float(column.max())) if column.size else Buckets()


def words(values: NDArray[np.uint16]) -> Buckets:
    return Buckets.of_words(np.bincount(values, minlength=WORDS))


@given(columns, st.randoms(use_true_random=False), st.integers(1, 7))
def test_any_cuts_and_any_order_give_the_same_bits(values: list[float], random: Random, size: int) -> None:
    shuffled = list(values)
    random.shuffle(shuffled)
    parts = [counted(shuffled[i : i + size]) for i in range(0, len(shuffled), size)]
    assert reduce(Buckets.merge, parts, Buckets()) == counted(values)


@given(st.lists(st.one_of(usual, anything), min_size=1, max_size=1100))
def test_knowing_that_all_values_are_finite_changes_no_count(values: list[float]) -> None:
    column = np.array(values, np.float64)
    low, high = float(column.min()), float(column.max())
    assert Buckets.of(column, low, high, finite=True) == Buckets.of(column, low, high)


@pytest.mark.parametrize(
    "values",
    [
        np.arange(1200) % 7, np.arange(1201) / 3, np.full(513, 0.1), np.array([-1.0, -1e-320, 3e9]),
        np.array([0.0, 0.0, 5.0, 9.0, 9.0]),
    ],
)  # fmt: skip
def test_ends_are_counted_whether_or_not_their_buckets_hold_other_values(values: NDArray[Any]) -> None:
    column = values.astype(np.float64)
    state = Buckets.of(column, float(column.min()), float(column.max()), finite=True)
    assert (state.at_low, state.at_high) == ((column == column.min()).sum(), (column == column.max()).sum())
    assert state.total == column.size


@given(columns, columns, columns)
def test_merge_is_associative_and_commutative_with_an_identity(a: list[float], b: list[float], c: list[float]) -> None:
    x, y, z = map(counted, (a, b, c))
    assert x.merge(y).merge(z) == x.merge(y.merge(z))
    assert x.merge(y) == y.merge(x)
    assert x.merge(Buckets()) == x == Buckets().merge(x)
    assert Buckets().merge(Buckets()) == Buckets()


@given(st.lists(st.one_of(usual, anything), min_size=1, max_size=200), st.sampled_from(QS))
def test_a_quantile_is_within_the_stated_error_of_the_sorted_values(values: list[float], q: float) -> None:
    state = counted(values)
    exact = sorted(values)[max(1, math.ceil(q * len(values))) - 1]
    assert abs(state.quantile(q) / 2 - exact / 2) <= state.error / 2 * (1 + 1e-9)  # halves, as the largest spread is none
    assert (
        state.error / 2 <= (max(values) / 2 - min(values) / 2) / 4095 * (1 + 1e-9)
        or state.error <= 2.0**-1023
        or (state.error <= 2.0**-53 * max(abs(v) for v in values))
    )


@pytest.mark.parametrize("name", ["normal", "exponential", "near 1e9", "integers"])
def test_quantiles_of_usual_columns_agree_with_numpy(name: str) -> None:
    rng = np.random.default_rng(0)
    column = {
        "normal": rng.normal(0, 1, 20_000),
        "exponential": rng.exponential(3, 20_000),
        "near 1e9": rng.normal(1e9, 1, 20_000),
        "integers": rng.integers(0, 50, 20_000).astype(float),
    }[name]
    state = counted(column)
    assert state.error <= (column.max() - column.min()) / 4095
    for q in QS:
        assert state.quantile(q) == pytest.approx(np.quantile(column, q, method="inverted_cdf"), abs=state.error)


@given(st.lists(st.integers(0, WORDS - 1), min_size=1, max_size=60), st.integers(0, 60))
def test_16_bit_quantiles_are_exact_and_merge(values: list[int], cut: int) -> None:
    column = np.array(values, np.uint16)
    state = words(column[:cut]).merge(words(column[cut:]))
    assert state == words(column)
    assert (state.error, state.total) == (0.0, len(values))
    assert [state.quantile(q) for q in QS] == [np.quantile(column, q, method="inverted_cdf") for q in QS]
    assert state.count_at(int(column[0])) == int((column == column[0]).sum())
    assert state.count_at(WORDS) == 0


def test_values_that_are_not_finite_are_left_out() -> None:
    column = np.array([1.0, np.nan, 2.0, np.inf, -np.inf])
    assert Buckets.of(column, 1.0, 2.0) == counted([1.0, 2.0])
    assert Buckets.of(np.array([np.nan]), math.inf, -math.inf) == Buckets()


def test_a_constant_column_has_its_value_as_every_quantile() -> None:
    state = counted([0.1] * 9)
    assert (state.quantile(0.0), state.quantile(0.5), state.quantile(1.0), state.error) == (0.1, 0.1, 0.1, 0.0)


def test_nothing_has_no_quantiles() -> None:
    assert math.isnan(Buckets().quantile(0.5))
    assert math.isnan(Buckets().error)
    with pytest.raises(ValueError, match=r"a quantile lies in \[0, 1\], got 2"):
        counted([1.0]).quantile(2)


def test_16_bit_statistics_have_exact_quantiles_and_shares_at_the_ends() -> None:
    pixels = np.random.default_rng(1).integers(0, WORDS, (6, 20, 20, 1)).astype(np.uint16)
    pixels[:2] = 0
    pixels[2, :10] = 65535
    (channel,) = tare.measure(pixels).channels
    assert channel.quantiles["0.5"] == pytest.approx(np.quantile(pixels, 0.5, method="inverted_cdf") / 65535, abs=0)
    assert channel.quantile_error == 0
    assert channel.share_at_low_end == (pixels == 0).mean()
    assert channel.share_at_high_end == (pixels == 65535).mean()


def test_float_statistics_say_how_far_off_a_quantile_may_be() -> None:
    values = np.clip(np.random.default_rng(2).normal(0.5, 0.4, (7, 30, 30, 3)), 0, 1)
    for c, channel in enumerate(tare.measure(values.astype(np.float32)).channels):
        column = values[..., c].astype(np.float32)
        assert 0 < channel.quantile_error <= 1 / 4095
        for q, found in channel.quantiles.items():
            exact = np.quantile(column, float(q), method="inverted_cdf")
            assert found == pytest.approx(exact, abs=channel.quantile_error)
        assert channel.share_at_high_end == (column == 1).mean()
        assert channel.share_at_low_end == (column == 0).mean()


@given(st.lists(st.one_of(st.floats(-10, 10), st.floats(1e9, 1e9 + 5)), min_size=1, max_size=60), st.integers(2, 20))
def test_groups_are_the_fewest_powers_of_two_that_hold_all_values_between_two_limits(values: list[float], most: int) -> None:
    state = counted(values)
    ordered = sorted(values)
    low, high = ordered[len(ordered) // 4], ordered[-1 - len(ordered) // 4]
    for limits in ((-math.inf, math.inf), (low, high)):
        begin, width, counts = state.grouped(most, *limits)
        assert 1 <= len(counts) <= most
        assert math.frexp(width)[0] == 0.5
        edges = [begin + k * width for k in range(len(counts) + 1)]
        assert edges[0] <= max(limits[0], ordered[0])
        assert min(limits[1], ordered[-1]) < edges[-1]
        assert list(counts) == [sum(a <= v < b for v in values) for a, b in itertools.pairwise(edges)]
        finer = state.grouped(2 * most, *limits)
        assert finer[1] <= width
        if width > 2 * state.error > 0:  # half as wide would need more groups than there may be
            first, last = (math.floor(v / (width / 2)) for v in (max(limits[0], ordered[0]), min(limits[1], ordered[-1])))
            assert last - first >= most


@given(st.lists(st.integers(0, 65535), min_size=1, max_size=60), st.integers(2, 40), st.integers(0, 65535), st.integers(0, 65535))
def test_with_the_whole_the_first_and_last_group_hold_what_lies_outside(
    values: list[int], most: int, one: int, other: int
) -> None:
    column, low, high = np.array(values, np.uint16), min(one, other), max(one, other)
    state = words(column)
    start, width, inside = state.grouped(most, low, high)
    begin, broad, counts = state.grouped(most, low, high, whole=True)
    assert (begin, broad, len(counts)) == (start, width, len(inside))
    places = ((column - start) // width).clip(0, len(counts) - 1).astype(int)
    assert counts == tuple(np.bincount(places, minlength=len(counts)))


@given(st.lists(st.integers(0, 65535), min_size=1, max_size=8))
def test_gaps_are_the_distances_between_the_ends_and_what_lies_between(values: list[int]) -> None:
    first, *inner, last = sorted(set(values)) if len(set(values)) > 1 else values[:1] * 2
    wanted = (inner[0] - first, last - inner[-1], inner[-1] - inner[0]) if inner else (math.inf, math.inf, 0.0)
    assert words(np.array(values, np.uint16)).gaps() == wanted


def test_one_group_cannot_hold_values_of_both_signs_and_is_refused() -> None:
    with pytest.raises(ValueError, match="two groups or more, got 1"):
        counted([-1.0, 1.0]).grouped(1)


def test_groups_of_nothing_are_none_and_limits_outside_are_those_of_the_values() -> None:
    begin, width, counts = Buckets().grouped(4)
    assert math.isnan(begin)
    assert math.isnan(width)
    assert counts == ()
    state = counted([1.0, 2.0, 4.0])
    assert state.grouped(8, -100.0, 100.0) == state.grouped(8) == (1.0, 0.5, (1, 0, 1, 0, 0, 0, 1))
    assert state.grouped(8, 100.0, 200.0)[2] == (1,)
    assert words(np.array([10, 10, 13], np.uint16)).grouped(4) == (10.0, 1.0, (2, 0, 0, 1))


def test_only_states_whose_counts_are_those_of_their_range_fit() -> None:
    assert Buckets().fits
    assert not Buckets(low=1.0, high=2.0).fits
    for state in (counted([1.0, 2.5, 7.0]), counted([3.0]), words(np.array([3, 9], np.uint16)), words(np.array([5], np.uint16))):
        assert state.fits
        assert not replace(state, counts=state.counts + bytes(8)).fits
        assert not replace(state, counts=state.counts[:-8] or bytes(16)).fits
        assert not replace(state, low=state.high + 1, high=state.high).fits


def test_words_are_counted_one_by_one_and_doubles_are_not() -> None:
    whole, halves = np.array([10, 10, 13], np.uint16), [9.5, 10.5, 13.0]
    assert [words(whole).count_at(v) for v in (9, 10, 11, 12, 13, 14)] == [0, 2, 0, 0, 1, 0]
    assert [counted(halves).count_at(v) for v in (0, 9, 10, 13)] == [0, 0, 0, 0]
    assert [counted([0.0, 1.0, 4095.5]).count_at(v) for v in (0, 1)] == [0, 0]


def test_an_empty_state_counts_nothing_at_its_ends() -> None:
    assert (Buckets().low, Buckets().high, Buckets().at_low, Buckets().at_high) == (math.inf, -math.inf, 0, 0)
    assert Buckets.of(np.array([math.nan]), math.inf, -math.inf) == Buckets()


@pytest.mark.parametrize(
    ("low", "high", "width", "number"),
    [
        (0.0, 4095.5, 1.0, 4096),  # as many as there may be
        (0.0, 4096.0, 2.0, 2049),  # one too many
        (0.9, 4096.1, 2.0, 2049),  # a range of less than 4,096 that touches 4,097
        (-0.5, 4094.5, 1.0, 4096),
        (-3.0, 8189.0, 4.0, 2049),
        (0.0, 5e-324, 2.0**-1022, 1),
        (0.0, 1.5 * 2.0**-1023, 2.0**-1022, 1),
        (-5e-324, 5e-324, 2.0**-1022, 2),
        (1.0, 1.0 + 2.0**-52, 2.0**-52, 2),
    ],
)
def test_buckets_are_the_narrowest_of_which_4096_hold_the_range(low: float, high: float, width: float, number: int) -> None:
    state = Buckets.of(np.array([low, high]), low, high)
    assert 2 * state.error == width
    assert state.counts == np.bincount([0, number - 1], minlength=number).tobytes()


def test_a_value_whose_place_vanishes_in_rounding_lies_below_zero_all_the_same() -> None:
    values = np.array([-5e-324, 6000.0])
    quick, careful = (Buckets.of(values, -5e-324, 6000.0, finite=finite) for finite in (True, False))
    assert quick == careful
    counts = np.frombuffer(quick.counts, np.int64)
    assert (counts[0], counts[1]) == (1, 0)


@pytest.mark.parametrize("largest", [1.7976931348623157e308, -1.7976931348623157e308])
def test_quantiles_and_groups_reach_to_the_largest_doubles(largest: float) -> None:
    values = np.array([largest, 1.0, 2.0, 3.0])
    state = counted(values.tolist())
    assert [state.quantile(q) for q in (0.0, 1.0)] == pytest.approx([values.min(), values.max()], abs=state.error)
    low, width, counts = state.grouped(2)
    assert math.isfinite(low)
    assert math.isfinite(width)
    assert sum(counts) == 4
