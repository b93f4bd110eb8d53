from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tare.system.pacing.pace import Pace, duration, line


def told(ends: list[float], shares: tuple[float, ...] = (0.1, 0.3, 0.5, 0.7, 0.9)) -> list[tuple[float, float]]:
    """The time left that is told after each share of the steps that end at ``ends``, and the true one."""
    pace, found = Pace(0.0, len(ends)), []
    wanted = {math.ceil(share * len(ends)) for share in shares}
    for count, now in enumerate(ends, 1):
        pace.advance(1, now)
        if count in wanted:
            left = pace.left(now)
            assert left is not None
            found.append((left, ends[-1] - now))
    return found


def after(costs: list[float]) -> list[float]:
    ends, now = [], 0.0
    for cost in costs:
        now += cost
        ends.append(now)
    return ends


@given(st.floats(0.001, 1000), st.integers(11, 3000))
def test_the_time_left_of_even_work_is_true(cost: float, steps: int) -> None:
    for left, truth in told(after([cost] * steps)):
        assert left == pytest.approx(truth, rel=1e-6)


@given(st.lists(st.floats(0.5, 1.5), min_size=100, max_size=400))
def test_uneven_steps_bound_it(costs: list[float]) -> None:
    for left, truth in told(after(costs)):
        assert truth / 3 <= left <= 3 * truth  # the bounds of the costs themselves


@given(st.integers(0, 1 << 32), st.integers(400, 4000))
def test_chance_alone_never_takes_it_beyond_a_factor_of_one_and_a_half(seed: int, steps: int) -> None:
    for left, truth in told(after(np.random.default_rng(seed).uniform(0.5, 1.5, steps).tolist())):
        assert truth / 1.5 <= left <= 1.5 * truth


def test_what_happens_once_at_the_beginning_does_not_count() -> None:
    for left, truth in told(after([500.0, *[1.0] * 99])):
        assert left == pytest.approx(truth, rel=0.01)


def test_nothing_is_told_from_the_first_step_alone() -> None:
    pace = Pace(0.0, 4)
    pace.advance(1, 500.0)
    assert pace.left(500.0) is None
    pace.advance(1, 501.0)
    assert pace.left(501.0) == pytest.approx(2.0)


def test_work_that_turns_slower_is_told_from_its_newer_half() -> None:
    left, truth = told(after([1.0] * 20 + [3.0] * 80), (0.4,))[0]
    assert left == pytest.approx(truth)


def test_nothing_is_told_of_the_end_before_a_tenth() -> None:
    pace = Pace(0.0, 100)
    pace.advance(9, 9.0)
    assert pace.left(9.0) is None
    pace.advance(1, 10.0)
    assert pace.left(10.0) == pytest.approx(90.0)


def test_work_of_unknown_size_has_no_end() -> None:
    pace = Pace(0.0)
    pace.advance(50, 5.0)
    assert (pace.left(5.0), pace.share) == (None, None)
    assert pace.speed() == pytest.approx(10.0)


def test_waiting_for_a_step_takes_from_the_time_left_until_the_step_is_late() -> None:
    pace = Pace(0.0, 10)
    for step in range(1, 6):
        pace.advance(1, 10.0 * step)
    assert pace.left(50.0) == pytest.approx(50.0)
    assert pace.left(57.0) == pytest.approx(43.0)
    late = [pace.left(50.0 + waited) for waited in (10, 20, 40)]
    assert late == pytest.approx([40.0, 80.0, 160.0])  # the step under way stands for those to come


def test_steps_that_have_not_begun_have_no_speed() -> None:
    pace = Pace(3.0, 10)
    assert pace.speed() is None
    pace.advance(10, 3.0)  # a clock that has not moved
    assert pace.left(3.0) is None


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.2, "1 s"),
        (40.4, "40 s"),
        (89, "89 s"),
        (94, "90 s"),
        (174, "170 s"),
        (181, "3 min"),
        (3540, "59 min"),
        (3600, "1 h 0 min"),
        (4800, "1 h 20 min"),
    ],
)
def test_times_are_told_in_words(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_a_line_says_what_is_done_and_what_is_left() -> None:
    pace = Pace(0.0, 1200)
    assert line("measuring", "images", pace, 1.0) == "measuring: 0% of 1,200 images, time left not known yet"
    pace.advance(300, 150.0)
    pace.advance(300, 300.0)
    assert line("measuring", "images", pace, 300.0, "ahead: target") == (
        "measuring: 50% of 1,200 images, about 5 min left; ahead: target"
    )
    assert line("training", "", pace, 300.0) == "training: 50%, about 5 min left"


def test_a_line_about_work_of_unknown_size_says_what_was_spent() -> None:
    pace = Pace(0.0)
    assert line("checking", "", pace, 130.0) == "checking: under way, 130 s so far"
    pace.advance(1300, 130.0)
    assert line("measuring", "samples", pace, 130.0) == "measuring: 1,300 samples, 10/s, 130 s so far"


def test_work_that_knows_its_end_better_states_it() -> None:
    pace = Pace(0.0, 10)
    pace.advance(1, 10.0, 200.0)
    assert pace.left(10.0) == pytest.approx(200.0)
    assert pace.left(15.0) == pytest.approx(195.0)
    pace.advance(1, 20.0)  # it no longer knows
    assert pace.left(20.0) == pytest.approx(80.0)


def test_an_estimate_from_before_the_first_step_counts_down_and_is_dropped_when_exceeded() -> None:
    pace = Pace(0.0, 10)
    pace.advance(0, 1.0, 30.0)
    assert pace.left(1.0) == 30.0
    assert pace.left(11.0) == 20.0
    assert pace.left(40.0) is None
