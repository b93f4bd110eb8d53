from __future__ import annotations

from dataclasses import replace
from html import escape
from pathlib import Path

import numpy as np
import pytest

import tare
from tare.monitoring.monitor import Monitor
from tare.monitoring.result import Track
from tare.reporting.drift import print_drift, track_row, write_drift
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


def drifted() -> Monitor:
    monitor = Monitor(reference(60))
    for _ in range(6):
        monitor.update(np.zeros((8, 12, 12, 3), np.uint8))
    return monitor


def test_the_page_begins_with_the_verdict_the_evidence_and_what_to_do(tmp_path: Path) -> None:
    verdict = drifted().verdict()
    write_drift(verdict, tmp_path / "d.html", "tare drift run photos", "photos")
    text = (tmp_path / "d.html").read_text(encoding="utf-8")
    assert "<h1>Changed since batch 1" in text
    assert verdict.cure
    assert all(escape(words.removesuffix(".")) in text.split("<details")[0] for words in verdict.cure)
    strongest = max(verdict.tracks, key=lambda track: track.evidence)
    assert text.index(f'<th scope="row">{strongest.figure}') < text.index("<details")
    assert "vegaEmbed" not in text  # drawn without a plotting library
    assert "nan" not in text.split("</style>")[1].split("<script")[0].lower()


def test_the_page_draws_the_channel_that_changed_most_and_leaves_out_what_is_zero(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(900, 2))
    verdict = tare.drift(rows[:600], rows[600:] + np.array([0.0, 1.5]))
    assert any(track.figure == "share without data of c0" for track in verdict.tracks)
    write_drift(verdict, tmp_path / "d.html", "tare drift a b")
    text = (tmp_path / "d.html").read_text(encoding="utf-8")
    assert "share without data" not in text
    drawn = text[text.index("Values of c1") : text.index("figures of samples, now and in the reference")]
    assert "Values of c0" not in text
    assert "reference 0.0%" in drawn
    assert drawn.count('<th scope="row">') > 8
    assert "turned 1 into e to the power x" in text
    assert "values" not in verdict.to_json()
    write_drift(tare.drift(rows[:600], rows[600:]), tmp_path / "d.html", "tare drift a b")
    assert "Values of c" not in (tmp_path / "d.html").read_text(encoding="utf-8")


def test_without_a_change_nothing_needs_to_be_done(tmp_path: Path) -> None:
    write_drift(Monitor(reference(60)).verdict(), tmp_path / "d.html", "tare drift run photos")
    text = (tmp_path / "d.html").read_text(encoding="utf-8")
    assert "<p>Nothing. Test what arrives next" in text
    assert '<li class="good">no change shown</li>' in text


def test_a_distance_above_its_threshold_is_said_first(tmp_path: Path) -> None:
    verdict = replace(Monitor(reference(60)).verdict(), exceeded=("PSI of red is 0.3, above 0.2",))
    write_drift(verdict, tmp_path / "d.html", "tare drift run photos --psi 0.2")
    text = (tmp_path / "d.html").read_text(encoding="utf-8")
    assert '<p class="unfinished">PSI of red is 0.3, above 0.2.</p>' in text
    assert '<li class="bad">' in text
