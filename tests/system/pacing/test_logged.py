from __future__ import annotations

import threading

import pytest

from tare.system.pacing import logged as module
from tare.system.pacing.logged import Logged, logged


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_line_a_minute_tells_the_true_time_left() -> None:
    clock, lines = Clock(), list[str]()
    progress = Logged("training", "batches", 600, lines.append, clock)
    for second in range(1, 601):
        clock.now += 1
        progress(1)
        if second % 60 == 0:
            progress.tell()
    progress.end()
    assert lines[:3] == [f"training: {10 * k}% of 600 batches, about {10 - k} min left" for k in (1, 2, 3)]
    assert lines[-1] == "training: 600 batches done in 10 min"
    assert len(lines) == 11


def test_work_that_was_never_told_of_ends_in_silence() -> None:
    lines: list[str] = []
    progress = Logged("measuring", "images", 10, lines.append, Clock())
    progress(10)
    progress.end()
    assert lines == []


def test_a_total_that_is_known_late_is_used() -> None:
    clock, lines = Clock(), list[str]()
    progress = Logged("measuring", "images", None, lines.append, clock)
    for _ in range(2):
        clock.now += 5
        progress(5)
    progress.expect(40)
    progress.tell()
    assert lines == ["measuring: 25% of 40 images, about 30 s left"]


def test_lines_come_while_a_step_is_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "EVERY", 0.01)
    told = threading.Event()
    with logged("checking", "", None, lambda _: told.set()):
        assert told.wait(30)


def test_the_thread_ends_with_the_work_also_after_an_error() -> None:
    lines: list[str] = []

    def failing() -> None:
        with logged("measuring", "images", 3, lines.append):
            raise ValueError("a reason")

    with pytest.raises(ValueError, match="a reason"):
        failing()
    assert not [thread for thread in threading.enumerate() if thread.name == "progress"]
    assert lines == []
