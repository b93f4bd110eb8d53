"""Decisions that can or cannot hold together."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tare.code.interpreter.conditions import Condition, Decisions, agree, of_test

conditions = st.builds(
    Condition, st.sampled_from(["s::x", "s::y"]), st.frozensets(st.sampled_from("abc"), min_size=1), st.booleans()
)
decisions = st.frozensets(conditions, max_size=1)


def holds(given_decisions: Decisions, x: str, y: str) -> bool:
    known = {"s::x": x, "s::y": y}
    return all((known[each.subject] in each.values) is each.holds for each in given_decisions)


@given(decisions, decisions, decisions)
def test_decisions_agree_exactly_if_some_values_satisfy_them(one: Decisions, other: Decisions, third: Decisions) -> None:
    """``d`` stands for any value that nobody names."""
    possible = any(holds(one | other | third, x, y) for x in "abcd" for y in "abcd")
    assert agree(one, other, third) == possible


@given(decisions, decisions)
def test_agreement_has_no_order_and_everything_agrees_with_itself(one: Decisions, other: Decisions) -> None:
    assert agree(one, other) == agree(other, one)
    assert agree(one, one)


@pytest.mark.parametrize(
    ("test", "value", "yes"),
    [
        ("x == 'a'", "a", True),
        ("x != 'a'", "a", False),
        ("x in ('a', 'b')", "b", True),
        ("x not in ['a', 'b']", "c", True),
        ("not x == 'a'", "b", True),
        ("x == 'a' or x == 'b'", "b", True),
        ("x == 'a' or x == 'b'", "c", False),
    ],
)
def test_tests_of_a_name_are_conditions_on_it(test: str, value: str, yes: bool) -> None:
    known = frozenset([Condition("s::x", frozenset([value]), True)])
    true, false = of_test(ast.parse(test, mode="eval").body, "s")
    assert (agree(known, true), agree(known, false)) == (yes, not yes)


def test_an_opaque_test_is_a_condition_on_its_own_text() -> None:
    true, false = of_test(ast.parse("f(x) > 3", mode="eval").body, "s")
    assert not agree(true, false)
    assert {str(each) for each in true | false} == {"f(x) > 3", "not f(x) > 3"}
