"""A sample in parts is the same sample, facts are counted, and clusters hold exact totals."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from tare.errors import DataError
from tare.samples.records import Kept, Part, Record, Sample, Skipped, Stack
from tare.statistics.exact import Dyadic
from tare.statistics.moments import Moments
from tare.statistics.state import DatasetState
from tare.statistics.state_json import state_from_json, state_to_json

WORDS = arrays(np.uint16, st.integers(1, 40), elements=st.integers(0, 65535))
FLOATS = arrays(np.float64, st.integers(1, 40), elements=st.floats(-1e6, 1e6, width=32))


def in_parts(path: str, channels: list[NDArray[Any]], cuts: list[int]) -> list[Record]:
    """The values of each channel, cut at the same shares of their lengths."""
    shares = sorted({0, 100, *cuts})
    found: list[Record] = []
    for start, stop in pairwise(shares):
        values = tuple(c[len(c) * start // 100 : len(c) * stop // 100] for c in channels)
        found.append(Part(path, values, ("a note",), (("units", "K"),)))
    return found


@given(st.lists(WORDS, min_size=1, max_size=4), st.lists(st.integers(1, 99), max_size=5))
def test_parts_of_integers_are_the_whole_sample_to_the_last_bit(values: list[NDArray[Any]], cuts: list[int]) -> None:
    others: list[Record] = [Kept("b", tuple(np.roll(v, 1) // 2 for v in values))]
    whole = DatasetState.of([Kept("a", tuple(values), None, ("a note",), (("units", "K"),)), *others])
    assert DatasetState.of([*in_parts("a", values, cuts), *others]) == whole


@given(st.lists(FLOATS, min_size=1, max_size=3), st.lists(st.integers(1, 99), max_size=5))
def test_parts_of_floats_are_the_whole_sample_to_rounding(values: list[NDArray[Any]], cuts: list[int]) -> None:
    (group,) = DatasetState.of(in_parts("a", values, cuts)).groups.values()
    for channel, expected in zip(group.channels, values, strict=True):
        assert channel.moments.samples == 1
        np.testing.assert_allclose(channel.moments.mean, expected.mean(), rtol=1e-9, atol=1e-7)
        np.testing.assert_allclose(channel.moments.std, expected.std(), rtol=1e-6, atol=1e-4)
        np.testing.assert_allclose(channel.moments.mean_of_sample_std, expected.std(), rtol=1e-6, atol=1e-4)


def test_a_sample_that_breaks_off_counts_as_none() -> None:
    part = Part("a", (np.arange(5, dtype="uint8"),), ("a note",), (("units", "K"),))
    state = DatasetState.of([part, part, Skipped("a", "cut short"), Sample("b", np.ones((2, 2, 1), "uint8"))])
    assert state.samples == 1
    assert [skipped.path for skipped in state.skipped] == ["a"]
    assert not state.facts
    assert not state.notes


def test_a_sample_that_breaks_off_leaves_its_cluster_untouched() -> None:
    part = Part("one/a", (np.arange(5, dtype="uint8"),))
    records: list[Record] = [Sample("two/b", np.ones((2, 2, 1), "uint8")), part, Skipped("one/a", "cut short")]
    state = DatasetState.of(records, lambda path: path.partition("/")[0])
    assert [cluster.name for cluster in state.clusters] == ["two"]


def records(seed: int) -> list[Record]:
    rng = np.random.default_rng(seed)
    facts = (("units", "HU" if seed % 2 else "K"), ("spacing", "1"))
    return [
        Sample(f"s{seed % 3}/a", rng.integers(0, 255, (4, 5, 3)).astype("uint8"), facts=facts),
        Sample(f"s{seed % 3}/b", rng.integers(0, 255, (4, 6)).astype("uint8")[..., None], facts=facts),
        Stack(f"s{seed % 2}/c", rng.integers(0, 255, (3, 4, 5, 3)).astype("uint8")),
        *in_parts(f"s{seed % 2}/d", [rng.integers(0, 255, 50).astype("uint8")] * 3, [30]),
    ]


def folder(path: str) -> str:
    return path.partition("/")[0]


@given(st.lists(st.integers(0, 50), min_size=2, max_size=5))
def test_facts_and_clusters_merge_exactly_in_any_order(seeds: list[int]) -> None:
    parts = [DatasetState.of(records(seed), folder) for seed in seeds]
    forward, backward = DatasetState(), DatasetState()
    for ours, theirs in zip(parts, reversed(parts), strict=True):
        forward, backward = forward.merge(ours), theirs.merge(backward)
    at_once = DatasetState.of([record for seed in seeds for record in records(seed)], folder)
    assert forward == backward == at_once
    assert forward.pooled().clusters == at_once.pooled().clusters


@pytest.mark.parametrize("pooled", [False, True])
def test_clusters_and_facts_survive_json(pooled: bool) -> None:
    state = DatasetState.of(records(1), folder).merge(DatasetState.of(records(2), folder))
    state = state.pooled() if pooled else state
    assert state_from_json(state_to_json(state)) == state


def test_totals_of_clusters_are_the_sums_of_their_samples() -> None:
    samples = [Sample(f"{k % 2}/{k}", np.full((k + 1, 1, 1), 3 * k, "uint16")) for k in range(5)]
    state = DatasetState.of(samples, folder)
    for cluster, (totals,) in state.clusters.items():
        values = np.concatenate([s.values.ravel() for s in samples if s.path.startswith(cluster.name)]).astype(int)
        assert (totals[0], int(totals[1].fraction()), int(totals[2].fraction())) == (len(values), values.sum(), (values**2).sum())


def test_nothing_read_in_parts_is_nothing() -> None:
    assert Moments().united() == Moments()


def test_a_sample_whose_values_cancel_counts_and_one_without_values_does_not() -> None:
    found = Moments.of_totals([(2, Dyadic(), Dyadic.of(2.0)), (0, Dyadic(), Dyadic())])
    assert (found.samples, found.count, found.mean, found.std) == (1, 2, 0.0, 1.0)


@pytest.mark.parametrize(
    "values",
    [
        [-1.7976931348623157e308, 1.0, 2.0, 3.0],
        [1e200, 3e200, -1e200, 2e200],
        [1e-200, 3e-200, 2e-200, 5e-200],
        [1.7976931348623157e308] * 4,
        [1.7976931348623157e308, -1.7976931348623157e308] * 2,
        [5e-324, 0.0, 5e-324, 0.0],
    ],
)
def test_parts_whose_squares_no_double_holds_are_the_whole_sample(values: list[float]) -> None:
    whole = Moments.of_sample(np.array(values))
    parts = Moments.of_sample(np.array(values[:1])).merge(Moments.of_sample(np.array(values[1:]))).united()
    scale = np.frexp(max(map(abs, values)))[1]
    std = np.ldexp(np.ldexp(np.array(values), -scale).std(), scale)
    for state in (parts, whole, parts.merge(whole)):
        np.testing.assert_allclose(state.std, std, rtol=1e-12)
        np.testing.assert_allclose(state.mean_of_sample_std, std, rtol=1e-12)
        np.testing.assert_allclose(state.root_mean_sample_variance, std, rtol=1e-12)
        np.testing.assert_allclose(state.sample_weighted_std, std, rtol=1e-12)
    assert (parts.low, parts.high) == (min(values), max(values))


def test_parts_of_several_types_are_refused() -> None:
    parts = [Part("a", (np.arange(300, dtype=kind),)) for kind in ("uint16", "float64")]
    with pytest.raises(DataError, match="parts of a sample in one type, found float64 and uint16 in 'a'; measure each"):
        DatasetState.of(parts)
