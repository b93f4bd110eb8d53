from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tare.training.schedule import Schedule, warmed_cosine


@given(st.integers(1, 300), st.floats(0, 1))
def test_a_cosine_rises_to_one_and_falls_to_zero(steps: int, warm_up: float) -> None:
    factors = [warmed_cosine(step, steps, warm_up) for step in range(steps + 1)]
    assert max(factors) == pytest.approx(1.0)
    assert all(0 <= factor <= 1 for factor in factors)
    top = factors.index(max(factors))
    assert factors[: top + 1] == sorted(factors[: top + 1])
    assert factors[top:] == sorted(factors[top:], reverse=True)
    if warm_up < 0.9 and steps > 10:
        assert factors[-1] == pytest.approx(0.0)


@given(st.integers(1, 50), st.integers(1, 50))
def test_the_head_goes_first_and_the_body_then_starts_as_a_run_of_its_own(head: int, rest: int) -> None:
    plan = Schedule(head + rest, head)
    assert all(plan.body(step) == 0 < plan.head(step) <= 1 for step in range(head))
    assert plan.head(head - 1) == 1
    for step in range(rest):
        assert plan.head(head + step) == plan.body(head + step) == warmed_cosine(step, rest)
