from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tare.errors import DataError
from tare.monitoring.evidence.levels import LEVELS
from tare.monitoring.reference import packed
from tare.monitoring.state import BATCH, UNIT, Arrived, MonitorState
from tare.statistics.state import DatasetState


def made(batches: int, seed: int, memory: int | None = None) -> MonitorState:
    """A state of batches of one to three samples with two figures."""
    chance = np.random.default_rng(seed)
    state = MonitorState("r", memory)
    for _ in range(batches):
        samples = int(chance.integers(1, 4))
        counts = np.zeros((2, LEVELS), np.int64)
        for figure in range(2):
            counts[figure] = np.bincount(chance.integers(0, LEVELS, samples), minlength=LEVELS)
        state = state.added(counts, Arrived(DatasetState()), samples)
    return state


def same(one: MonitorState, other: MonitorState) -> bool:
    """Whether two states agree to the last count."""
    return (
        one.identities == other.identities
        and (one.peak, one.alarm, one.began) == (other.peak, other.alarm, other.began)
        and [(s.length, s.samples) for s in one.ladder] == [(s.length, s.samples) for s in other.ladder]
        and all((a.counts == b.counts).all() for a, b in zip(one.ladder, other.ladder, strict=True))
    )


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 90), min_size=3, max_size=3))
def test_merge_is_associative_and_commutative_to_the_last_count(batches: list[int]) -> None:
    a, b, c = (made(number, seed) for seed, number in enumerate(batches))
    assert same(a.merge(b).merge(c), a.merge(b.merge(c)))
    assert same(a.merge(b), b.merge(a))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 200), st.integers(0, 200))
def test_nothing_is_lost_or_counted_twice(first: int, second: int) -> None:
    a, b = made(first, 1), made(second, 2)
    both = a.merge(b)
    assert both.samples == a.samples + b.samples
    assert sum(int(s.counts.sum()) for s in both.ladder) == 2 * UNIT * both.samples
    assert both.batches == max(first, second)


def test_a_state_is_not_merged_with_itself_or_its_own_past() -> None:
    state = made(5, 0)
    for other in (state, state.added(np.zeros((2, LEVELS), np.int64), Arrived(DatasetState()), 1), state.merge(made(3, 1))):
        with pytest.raises(DataError, match="would count twice"):
            state.merge(other)


def test_states_of_other_references_and_memories_do_not_merge() -> None:
    for other in (MonitorState("other", None), MonitorState("r", 3)):
        with pytest.raises(DataError, match="one reference and memory"):
            made(1, 0).merge(other)


def test_a_batch_with_memory_weighs_at_most_its_share_of_one_sample() -> None:
    for memory in (0, 4, 10_000, 10**7):
        for samples in (1, 3, 7, 64, 300_000, BATCH):
            counts = np.zeros((1, LEVELS), np.int64)
            counts[0, 3] = samples
            state = MonitorState("r", memory).added(counts, Arrived(DatasetState()), samples)
            weight = state.ladder[0].counts.sum() / state.unit * (memory + 1)
            assert 0.99 < weight <= 1
    with pytest.raises(DataError, match=f"expected at most {BATCH} samples in a batch of a monitor with memory"):
        MonitorState("r", 0).added(counts, Arrived(DatasetState()), BATCH + 1)


def test_with_a_memory_batches_of_one_moment_weigh_as_one_whatever_counted_nothing() -> None:
    a, b, nothing = made(5, 0, 3), made(3, 1, 3), MonitorState("r", 3)
    for merged in (nothing.merge(a).merge(b), a.merge(b).merge(nothing), a.merge(nothing.merge(b))):
        assert merged.identities == a.identities | b.identities
        assert merged.unit == 2 * a.unit
    assert nothing.merge(a).unit == a.unit
    assert made(5, 0).merge(made(3, 1)).unit == UNIT


def test_counts_of_the_first_version_are_read_in_todays_unit() -> None:
    counts = np.zeros((1, LEVELS), np.int64)
    counts[0, 3] = 16
    state = MonitorState("r", 3).added(counts, Arrived(DatasetState()), 16)
    earlier = state.to_json()
    earlier["ladder"][0]["counts"] = packed(counts * (UNIT // (16 * 4)))
    assert same(MonitorState.from_json(earlier, 1, version=1), state)


@pytest.mark.parametrize("batches", [0, 1, 7, 8, 50, 333])
def test_a_state_survives_its_file_and_stays_small(batches: int) -> None:
    state = made(batches, 3)
    again = MonitorState.from_json(json.loads(json.dumps(state.to_json())), 2)
    assert same(state, again)
    assert len(state.ladder) <= 7 * 6
