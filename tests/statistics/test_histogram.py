from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tare.statistics.histogram import LEVELS, Histogram

sparse = st.dictionaries(st.integers(0, 255), st.integers(1, 50), max_size=12)


def histogram(counts: dict[int, int]) -> Histogram:
    return Histogram(tuple(counts.get(level, 0) for level in range(LEVELS)))


@given(sparse, sparse, sparse)
def test_merge_is_associative_and_commutative_with_the_empty_one_as_identity(
    a: dict[int, int], b: dict[int, int], c: dict[int, int]
) -> None:
    x, y, z = histogram(a), histogram(b), histogram(c)
    assert x.merge(y).merge(z) == x.merge(y.merge(z))
    assert x.merge(y) == y.merge(x)
    assert x.merge(Histogram()) == x
    assert Histogram().merge(Histogram()) == Histogram()
    assert x.merge(y).total == x.total + y.total


@given(sparse.filter(bool), st.integers(0, 64))
def test_a_quantile_is_the_smallest_level_that_reaches_its_share(counts: dict[int, int], sixty_fourths: int) -> None:
    values = sorted(level for level, count in counts.items() for _ in range(count))
    rank = max(1, math.ceil(Fraction(sixty_fourths, 64) * len(values)))
    assert histogram(counts).quantile(sixty_fourths / 64) == values[rank - 1]


def test_a_quantile_agrees_with_numpy() -> None:
    values = np.random.default_rng(1).binomial(255, 0.3, 1001)
    counted = Histogram(tuple(np.bincount(values, minlength=LEVELS).tolist()))
    for q in (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0):
        assert counted.quantile(q) == np.quantile(values, q, method="inverted_cdf")


@pytest.mark.parametrize("q", [-0.01, 1.01, math.nan])
def test_a_quantile_outside_the_unit_interval_is_refused(q: float) -> None:
    with pytest.raises(ValueError, match=r"a quantile lies in \[0, 1\], got"):
        histogram({3: 1}).quantile(q)


@example(255, 1, 0.0)
@given(st.integers(0, 255), st.integers(1, 5), st.floats(0, 1))
def test_every_quantile_of_one_level_is_that_level(level: int, count: int, q: float) -> None:
    assert histogram({level: count}).quantile(q) == level


def test_an_empty_histogram_has_no_quantiles_and_no_shares() -> None:
    assert Histogram().counts == (0,) * 256
    assert math.isnan(Histogram().quantile(0.5))
    assert math.isnan(Histogram().share_at(0))


def test_the_share_at_a_level_is_its_count_over_all() -> None:
    assert histogram({0: 1, 7: 2, 255: 5}).share_at(255) == 5 / 8
