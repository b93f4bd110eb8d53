from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tare.measuring.random_order import RandomOrder

LARGE = (1 << 16) + 1


@given(st.integers(0, 3000), st.integers(0, 2**40))
def test_every_thing_comes_exactly_once(size: int, seed: int) -> None:
    assert sorted(RandomOrder(size, seed)) == list(range(size))


@pytest.mark.parametrize("size", [LARGE, 1 << 17, (1 << 18) - 1, 100_000])
def test_every_thing_comes_exactly_once_beyond_the_shuffled_sizes(size: int) -> None:
    assert np.array_equal(np.sort(RandomOrder(size, 3).block(0, size)), np.arange(size))


@given(st.sampled_from([50, LARGE, 10**7, 10**12]), st.integers(0, 10**6), st.integers(0, 200), st.integers(0, 5))
def test_a_block_is_that_part_of_the_order(size: int, start: int, length: int, seed: int) -> None:
    order = RandomOrder(size, seed)
    whole = order.block(start, start + length)
    cut = start + length // 2
    assert whole.tolist() == order.block(start, cut).tolist() + order.block(cut, start + length).tolist()
    assert len(whole) == max(0, min(start + length, size) - start)


def test_a_seed_is_one_order_on_every_machine() -> None:
    assert RandomOrder(10, 0).block(0, 10).tolist() == [4, 6, 2, 7, 3, 5, 9, 0, 8, 1]
    assert RandomOrder(10**7, 0).block(0, 4).tolist() == RandomOrder(10**7, 0).block(0, 4).tolist()
    assert RandomOrder(10**7, 0).block(0, 50).tolist() != RandomOrder(10**7, 1).block(0, 50).tolist()


@pytest.mark.parametrize("size", [10**4, 10**7, 10**12])
def test_the_beginning_of_the_order_is_spread_evenly(size: int) -> None:
    begun = np.concatenate([RandomOrder(size, seed).block(0, 500) for seed in range(20)])
    counts = np.bincount(begun * 50 // size, minlength=50)
    assert stats.chisquare(counts).pvalue > 1e-4
    assert stats.chisquare(np.bincount(begun % 7, minlength=7)).pvalue > 1e-4


def test_neighbours_in_the_order_do_not_depend_on_each_other() -> None:
    order = RandomOrder(10**7, 5).block(0, 20_001).astype(float)
    correlation = np.corrcoef(order[:-1], order[1:])[0, 1]
    assert abs(correlation) < 4 / np.sqrt(20_000)


def test_iterating_streams_what_a_block_holds() -> None:
    iterator = iter(RandomOrder(10**12, 7))
    assert [next(iterator) for _ in range(5)] == RandomOrder(10**12, 7).block(0, 5).tolist()


@pytest.mark.parametrize(("size", "seed"), [(-1, 0), (1 << 62, 0), (5, -1)])
def test_impossible_sizes_and_seeds_are_refused(size: int, seed: int) -> None:
    with pytest.raises(ValueError, match=r"a size in \[0, 2\*\*62\) and a seed of at least 0, got"):
        RandomOrder(size, seed)
