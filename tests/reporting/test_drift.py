from __future__ import annotations

from tare.monitoring.result import Track
from tare.reporting.drift import track_row
from tare.statistics.intervals import Interval


def test_a_figure_far_from_its_reference_is_told_by_its_side() -> None:
    assert track_row(Track("std of red", 0.29, Interval(0.2825, 0.2825, 0.2846), 82.0))[2] == "at most 0.2825"
    assert track_row(Track("std of red", 0.29, Interval(0.31, 0.30, 0.31), 82.0))[2] == "at least 0.31"
    assert track_row(Track("std of red", 0.29, Interval(0.2825, 0.2820, 0.2846), 82.0))[2] == "0.2825 (0.282 to 0.2846)"
