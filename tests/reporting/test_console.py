from __future__ import annotations

import io
import sys
import time

import pytest
from rich.console import Console

from tare.reporting import console
from tare.system.pacing import logged


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    stream = io.StringIO()
    monkeypatch.setattr(console, "err", Console(file=stream, width=120))
    return stream


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    stream = io.StringIO()
    monkeypatch.setattr(console, "err", Console(file=stream, width=120, force_terminal=True))
    return stream


def test_short_work_says_nothing_in_a_log(shown: io.StringIO) -> None:
    with console.working("loading"), console.counting("measuring", "images", 3) as advance:
        advance(3)
    assert shown.getvalue() == ""


def test_long_work_says_a_line_now_and_then_in_a_log(shown: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logged, "EVERY", 0.01)
    with console.working("loading"), console.counting("measuring", "images", 4) as advance:
        advance(2, "a remark [bold]\x1b[31m")
        end = time.monotonic() + 30
        while "measuring: 50% of 4 images" not in shown.getvalue() and time.monotonic() < end:
            time.sleep(0.01)
        assert "loading" not in shown.getvalue()  # of work within work the inner tells
    lines = shown.getvalue().splitlines()
    assert lines[0].startswith("measuring: 50% of 4 images, ")
    assert lines[0].endswith("; a remark [bold]\\x1b[31m")
    assert "\x1b" not in shown.getvalue()


def test_bars_of_work_within_work_take_turns(terminal: io.StringIO) -> None:
    with console.working("advising"), console.counting("measuring", "images", 4) as advance:
        advance(4, "[red]a remark\x1b[31m")
    with console.counting("measuring", "images") as advance:
        advance.expect(2)
        advance(2)
    assert "measuring" in terminal.getvalue()
    assert "\x1b[31m" not in terminal.getvalue()


def test_what_is_printed_under_a_bar_goes_where_it_should(terminal: io.StringIO, capsys: pytest.CaptureFixture[str]) -> None:
    with console.counting("predicting", "images", 1):
        print("a,b")
        assert sys.stdout is not None
    assert capsys.readouterr().out == "a,b\n"
    assert "a,b" not in terminal.getvalue()


def test_nothing_to_count_is_not_shown(terminal: io.StringIO) -> None:
    with console.counting("measuring", "images", 0) as advance:
        advance(1)
        advance.expect(3)
    assert terminal.getvalue() == ""


def test_names_between_colons_are_no_pictures() -> None:
    with console.out.capture() as captured:
        console.out.print("left out h.csv:a: and :dog:", soft_wrap=True)
    assert captured.get() == "left out h.csv:a: and :dog:\n"
