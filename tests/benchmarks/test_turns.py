from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from benchmarks.turns import Turn, in_turn


class Others:
    """The other side of a pipe, on which others take 100 seconds a turn."""

    def __init__(self) -> None:
        self.now, self.heard = 0.0, []  # type: ignore[var-annotated]

    def send(self, message: Any) -> None:
        self.heard.append(message)

    def recv(self) -> None:
        self.now += 100


def test_a_round_is_charged_its_own_steps_alone() -> None:
    others = Others()
    turn = Turn(others, lambda: others.now)  # type: ignore[arg-type]
    for number in turn.rounds(2):
        others.now += 7  # preparing counts for nothing
        with turn.timed():
            for _ in range(3):
                others.now += 1 + number
                turn.pass_on()
            others.now += 0.5
    idle, ready, step = None, None, None
    assert others.heard == [idle, ready, step, step, step, 3.5, idle, ready, step, step, step, 6.5]


def job(file: str, name: str, steps: int, turn: Turn) -> None:
    for _ in turn.rounds(2):
        with turn.timed(), open(file, "a", buffering=1) as log:
            for _ in range(steps):
                log.write(f"{name}\n")
                turn.pass_on()


def test_jobs_take_turns_another_one_first_each_round_and_the_longer_one_ends_alone(tmp_path: Any) -> None:
    file = str(tmp_path / "log")
    rounds = in_turn(["long", "short"], [partial(job, file, "L", 4), partial(job, file, "s", 2)], 2)
    assert (tmp_path / "log").read_text().split() == [*"LsLsLL", *"sLsLLL"]
    assert all(seconds > 0 for taken in rounds for seconds in taken)
    assert [len(taken) for taken in rounds] == [2, 2]


def failing(turn: Turn) -> None:
    for _ in turn.rounds(2):
        raise ValueError("no such thing")


def test_a_job_that_fails_is_named_with_its_error(tmp_path: Any) -> None:
    with pytest.raises(RuntimeError, match=r"^second: ValueError: no such thing$"):
        in_turn(["first", "second"], [partial(job, str(tmp_path / "log"), "f", 1), failing], 2)
