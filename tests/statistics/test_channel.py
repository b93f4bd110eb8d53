"""One channel's state: the same however samples of a dtype are laid out, cut and merged."""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tare.errors import DataError
from tare.samples.records import Rows, Stack
from tare.statistics.channel import ChannelState, collector, of_rows, of_stack
from tare.statistics.exact import Dyadic
from tare.statistics.sums import word_sums

Array = NDArray[Any]
#: 65,536 counters a state make more examples slow.
few = settings(max_examples=15)
dtypes = st.sampled_from(["uint8", "uint16", "bool", "float32", "float64", "int16", "int32"])
whole = st.sampled_from(["uint8", "uint16", "int16", "bool"])


def made(seed: int, number: int, dtype: str, channels: int = 2) -> Array:
    """Samples ``(N, H, W, C)``; floats lie near 1e9 in every third seed."""
    rng = np.random.default_rng(seed)
    values = rng.normal(128, 40, (number, 3, 2, channels))
    if dtype == "bool":
        return values > 128
    return (np.clip(values, 0, 255) if dtype.startswith("u") else values + 1e9 * (dtype == "float64" and seed % 3 == 0)).astype(
        dtype
    )


def one_by_one(samples: Array) -> tuple[ChannelState, ...]:
    sums = collector(samples.shape[-1], samples.dtype.name)
    for sample in samples:
        sums.add(sample)
    return sums.pooled()


def both(left: tuple[ChannelState, ...], right: tuple[ChannelState, ...]) -> tuple[ChannelState, ...]:
    return tuple(a.merge(b) for a, b in zip(left, right, strict=True))


@few
@given(st.integers(0, 99), st.integers(1, 6), st.integers(1, 5), dtypes)
def test_any_cut_gives_the_same_state(seed: int, number: int, cut: int, dtype: str) -> None:
    samples = made(seed, number, dtype)
    parts = [one_by_one(samples[start : start + cut]) for start in range(0, number, cut)]
    assert reduce(both, parts) == one_by_one(samples)
    assert reduce(both, parts[::-1]) == one_by_one(samples)


@few
@given(st.integers(0, 99), dtypes)
def test_merge_is_associative_and_commutative(seed: int, dtype: str) -> None:
    x, y, z = (one_by_one(made(seed + k, k + 1, dtype)) for k in range(3))
    assert both(both(x, y), z) == both(x, both(y, z))
    assert both(x, y) == both(y, x)


@few
@given(st.integers(0, 99), st.integers(1, 5), whole)
def test_a_stack_in_either_layout_has_the_bits_of_its_samples(seed: int, number: int, dtype: str) -> None:
    samples = made(seed, number, dtype)
    expected = one_by_one(samples)
    assert of_stack(Stack("x", samples)) == expected
    assert of_stack(Stack("x", np.moveaxis(samples, -1, 1), channels_first=True)) == expected


@few
@given(st.integers(0, 99), st.integers(2, 5), st.sampled_from(["float32", "float64", "int32"]))
def test_a_stack_of_floats_has_the_figures_of_its_samples(seed: int, number: int, dtype: str) -> None:
    samples = made(seed, number, dtype)
    for stack in (Stack("x", samples), Stack("x", np.moveaxis(samples, -1, 1), channels_first=True)):
        for found, wanted in zip(of_stack(stack), one_by_one(samples), strict=True):
            assert found.histogram == wanted.histogram
            assert found.moments.mean == pytest.approx(wanted.moments.mean, rel=1e-14)
            assert found.moments.std == pytest.approx(wanted.moments.std, rel=1e-9)
            assert found.moments.mean_se == pytest.approx(wanted.moments.mean_se, rel=1e-6, abs=1e-6)


def test_rows_are_samples_of_one_value_in_every_column() -> None:
    table = np.random.default_rng(0).normal(1e9, 1, (50, 3))
    number, states = of_rows(Rows("x", list(table.T)))
    assert number == 50
    for column, state in zip(table.T, states, strict=True):
        assert (state.moments.samples, state.moments.low, state.moments.high) == (50, column.min(), column.max())
        assert state.moments.std == pytest.approx((column - 1e9).std(), rel=1e-9)
        assert state.histogram.total == 50


def test_true_and_false_are_counted_one_by_one() -> None:
    samples = np.array([True, False, True, True]).reshape(2, 2, 1)
    (state,) = one_by_one(samples)
    assert (state.moments.mean, state.histogram.quantile(0.25), state.histogram.quantile(0.5)) == (0.75, 0.0, 1.0)


@few
@given(st.lists(st.integers(-(1 << 15), (1 << 15) - 1), min_size=1, max_size=40), st.integers(1, 4))
def test_signed_words_are_summed_exactly_as_a_stack_and_one_by_one(values: list[int], samples: int) -> None:
    rng = np.random.default_rng(len(values))
    stack = np.stack([rng.permutation(np.array(values, np.int16)) for _ in range(samples)])[..., None]
    (whole,) = of_stack(Stack("here", stack))
    assert one_by_one(stack) == (whole,)
    every = [int(value) for value in stack.ravel()]
    moments = whole.moments
    assert (moments.total, moments.squares) == (Dyadic(sum(every)), Dyadic(sum(value * value for value in every)))
    assert (moments.low, moments.high, moments.count) == (min(every), max(every), len(every))
    assert whole.histogram.quantile(0.5) == sorted(every)[(len(every) + 1) // 2 - 1]


def test_a_sample_whose_squares_leave_64_bits_is_refused() -> None:
    bright = np.broadcast_to(np.uint16(65535), (1, (1 << 31) + (1 << 17), 1))  # of no memory
    with pytest.raises(
        DataError, match=r"whose squares sum to less than 2\*\*63, found one of 2,147,614,720 values up to 65,535"
    ):
        word_sums(bright, np.zeros((1, 1 << 16), np.int64))
