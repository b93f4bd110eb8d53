from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tare.monitoring.monitor import Monitor
from tare.monitoring.result import Track
from tare.reporting.drift import print_drift, track_row
from tare.statistics.intervals import Interval
from tests.monitoring.made import reference


def test_a_figure_far_from_its_reference_is_told_by_its_side() -> None:
    assert track_row(Track("std of red", 0.29, Interval(0.2825, 0.2825, 0.2846), 82.0))[2] == "at most 0.2825"
    assert track_row(Track("std of red", 0.29, Interval(0.31, 0.30, 0.31), 82.0))[2] == "at least 0.31"
    assert track_row(Track("std of red", 0.29, Interval(0.2825, 0.2820, 0.2846), 82.0))[2] == "0.2825 (0.282 to 0.2846)"


def test_names_of_channels_command_nothing_of_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    known = reference(60)
    hostile = ("\x1b[31mred\r\x07", "[bold]green[/]", "\u202eblue")
    monitor = Monitor(replace(known, taking=replace(known.taking, channels=hostile)))
    named = tuple(replace(figure, name=f"{figure.kind} of {hostile[figure.channels[0]]}") for figure in known.figures)
    monitor = Monitor(replace(monitor.reference, figures=named))
    for _ in range(6):
        monitor.update(np.zeros((8, 12, 12, 3), np.uint8))
    print_drift(monitor.verdict())
    printed = capsys.readouterr().out
    assert not set(printed) & set("\x1b\r\x07\u202e")
    assert "\\x1b[31mred" in printed.replace("\n", "").replace(" ", "")
