from __future__ import annotations

from functools import reduce
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tare.samples.records import Sample, Skipped
from tare.statistics.histogram import Histogram
from tare.statistics.state import ChannelLayout, DatasetState, Merging

DTYPES = ("uint8", "uint16", "bool", "float32", "int32")


def sample(seed: int, dtype: str, channels: int) -> Sample:
    rng = np.random.default_rng(seed)
    shape = (1 + seed % 3, 2, channels)
    values: NDArray[Any] = rng.normal(100, 30, shape) if dtype == "float32" else rng.integers(0, 256, shape)
    return Sample(f"{seed:04}.png", (values > 128 if dtype == "bool" else values).astype(dtype))


samples = st.builds(sample, st.integers(0, 999), st.sampled_from(DTYPES), st.sampled_from([1, 3]))
skips = st.builds(Skipped, st.integers(0, 999).map(lambda i: f"{i}.jpg"), st.sampled_from(["empty", "damaged"]), st.booleans())
record_lists = st.lists(st.one_of(samples, skips), max_size=12)


@given(record_lists, st.randoms(use_true_random=False), st.integers(1, 5))
def test_any_order_and_any_chunks_give_the_same_state(records: list[Any], random: Random, chunk: int) -> None:
    shuffled = list(records)
    random.shuffle(shuffled)
    parts = [DatasetState.of(shuffled[i : i + chunk]) for i in range(0, len(shuffled), chunk)]
    assert reduce(DatasetState.merge, parts, DatasetState()) == DatasetState.of(records)


@given(record_lists, record_lists, record_lists)
def test_merge_is_associative_and_commutative_with_an_identity(a: list[Any], b: list[Any], c: list[Any]) -> None:
    x, y, z = map(DatasetState.of, (a, b, c))
    assert x.merge(y).merge(z) == x.merge(y.merge(z))
    assert x.merge(y) == y.merge(x)
    assert x.merge(DatasetState()) == x == DatasetState().merge(x)


def test_two_empty_states_merge_to_an_empty_one() -> None:
    assert DatasetState().merge(DatasetState()) == DatasetState() == DatasetState.of([])


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_dtype_agrees_with_numpy(dtype: str) -> None:
    records = [sample(seed, dtype, 3) for seed in range(20)]
    (layout, group), *others = DatasetState.of(records).groups.items()
    assert not others
    assert layout == ChannelLayout(3, dtype)
    for c, channel in enumerate(group.channels):
        values = np.concatenate([r.values[..., c].ravel() for r in records]).astype(np.float64)
        assert channel.moments.samples == 20
        assert channel.moments.mean == pytest.approx(values.mean(), rel=1e-12)
        assert channel.moments.std == pytest.approx(values.std(), rel=1e-9)
        assert (channel.moments.low, channel.moments.high) == (values.min(), values.max())


@pytest.mark.parametrize("dtype", [*DTYPES, "near 1e9"])
def test_every_prefix_agrees_with_numpy(dtype: str) -> None:
    state, seen = DatasetState(), []
    for seed in range(9):
        made = sample(seed, "float32" if dtype == "near 1e9" else dtype, 2)
        values = 1e9 + (made.values.astype(np.float64) - 100) / 30 if dtype == "near 1e9" else made.values
        state = state.merge(DatasetState.of([Sample(made.path, values)]))
        seen.append(values.reshape(-1, 2).astype(np.float64))
        ((_, group),) = state.groups.items()
        for channel, column in zip(group.channels, np.concatenate(seen).T, strict=True):
            moments, mean = channel.moments, column.mean()
            assert (moments.samples, moments.count) == (seed + 1, column.size)
            assert moments.mean == pytest.approx(mean, rel=1e-14)
            # Two-pass, as NumPy's own std loses what the mean's last digit is worth.
            std = np.sqrt(((column - mean) ** 2).mean() - (column - mean).mean() ** 2)
            assert moments.std == pytest.approx(std, rel=1e-9, abs=1e-12)


def test_integers_of_8_and_16_bits_are_counted_one_by_one() -> None:
    for dtype in DTYPES:
        counted = DatasetState.of([sample(0, dtype, 1)]).groups[ChannelLayout(1, dtype)].channels[0].histogram
        assert isinstance(counted, Histogram) == (dtype == "uint8")
        assert getattr(counted, "words", False) == (dtype in ("uint16", "bool"))


def test_layouts_are_kept_apart_and_name_their_first_example() -> None:
    records = [sample(7, "uint8", 3), sample(3, "uint8", 3), sample(5, "uint8", 1)]
    state = DatasetState.of(records)
    assert state.samples == 3
    assert state.groups[ChannelLayout(3, "uint8")].example == "0003.png"
    assert state.groups[ChannelLayout(1, "uint8")].samples == 1


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_grey_images_among_colour_ones_count_as_three_equal_channels(dtype: str) -> None:
    grey, colour = [sample(k, dtype, 1) for k in range(3)], [sample(k, dtype, 3) for k in range(3, 7)]
    pooled = DatasetState.of([*grey, *colour]).pooled()
    as_rgb = [Sample(one.path, np.repeat(one.values, 3, axis=-1)) for one in grey]
    assert pooled.groups == DatasetState.of([*as_rgb, *colour]).groups
    assert pooled.notes == {"grey, read as RGB": 3}


def test_other_layouts_are_never_pooled() -> None:
    for records in (
        [sample(1, "uint8", 1), sample(2, "uint16", 3)],
        [sample(1, "uint8", 1), sample(2, "uint16", 1)],
        [sample(1, "uint8", 1), sample(2, "uint8", 4)],
        [sample(1, "float32", 1), sample(2, "float32", 3)],
        [sample(1, "uint8", 1), sample(2, "uint8", 3), sample(3, "uint16", 3)],
        [sample(1, "uint8", 1)],
    ):
        state = DatasetState.of(records)
        assert state.pooled() is state


@pytest.mark.parametrize("number", [0, 1, 2, 3, 4, 7, 8, 21])
def test_merging_as_states_come_gives_the_bits_of_one_after_the_other(number: int) -> None:
    rng = np.random.default_rng(number)
    parts = [
        DatasetState.of(
            [
                Sample(f"{k:02}", rng.normal(1e9, 1, (3, 4, 1))),
                Skipped(f"x{rng.integers(9)}", "no image"),
                Skipped(f"{k}", "empty"),
            ]
        )
        for k in range(number)
    ]
    merging = Merging()
    for part in parts:
        merging.add(part)
    assert merging.total == reduce(DatasetState.merge, parts, DatasetState())
