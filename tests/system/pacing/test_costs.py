from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tare.system.pacing.costs import Costs

AMOUNTS = st.dictionaries(st.sampled_from("abc"), st.tuples(st.integers(2, 50), st.floats(0.01, 100)), min_size=1)


@given(AMOUNTS)
def test_what_is_left_costs_what_its_kind_did(kinds: dict[str, tuple[int, float]]) -> None:
    costs = Costs({kind: amount for kind, (amount, _) in kinds.items()})
    for kind, (_, cost) in kinds.items():
        costs.spend(kind, 1, cost)
    assert costs.left() == pytest.approx(sum((amount - 1) * cost for amount, cost in kinds.values()))


def test_a_kind_of_which_nothing_is_known_leaves_the_end_unknown() -> None:
    costs = Costs({"a": 4, "b": 1})
    costs.spend("a", 2, 6.0)
    assert costs.left() is None
    costs.skip("b", 1)
    assert costs.left() == pytest.approx(6.0)


def test_a_guess_stands_until_the_kind_itself_is_seen() -> None:
    costs = Costs({"head": 1, "all": 10}, {"all": ("head", 2.0)})
    assert costs.left() is None
    costs.spend("head", 1, 3.0)
    assert costs.left() == pytest.approx(60.0)
    costs.spend("all", 1, 1.0)
    assert costs.left() == pytest.approx(9.0)


def test_the_newer_half_of_a_kind_counts() -> None:
    costs = Costs({"a": 100})
    costs.spend("a", 10, 500.0)  # loads what is loaded only once
    costs.spend("a", 10, 10.0)
    assert costs.left() == pytest.approx(80.0)
