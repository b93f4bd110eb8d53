"""The page of advice: the verdict, the forest of gains, the command that follows."""

from __future__ import annotations

import math
from dataclasses import fields
from pathlib import Path

import pytest

from tare.advising.inputs import AdviceRequest
from tare.advising.result import Advice, Figure
from tare.advising.rule import Gain
from tare.normalisation.applied import Normalisation
from tare.reporting.advice import OWN_OPTIONS, transfer_command, write_advice
from tare.statistics.intervals import Interval
from tare.transferring.inputs import TransferRequest

SHOWN = Gain(0.01, Interval(0.05, 0.03, 0.07), 0.01, 0.04, 0.01)
UNKNOWN = Gain(-0.015, None, None, -0.015, 0.03)


def advice(**changed: object) -> Advice:
    given = {
        "recommendation": "target",
        "headline": "Use your data's own mean and std (target): shown better; and more.",
        "outcome": "shown better",
        "strategy": "target",
        "confidence": "high",
        "basis": "accuracy",
        "rule": "target gains most",
        "rate": None,
        "because": ("Values: uint8.",),
        "evidence": (Figure("samples", 98, None, "samples"), Figure("gap", math.nan, None, "input std")),
        "would_change": ("more labels",),
        "cost": "at most 1 point",
        "model": "net.py:net",
        "data": "photos",
        "samples": 98,
        "labelled": True,
        "protocol": "probe",
        "seed": 0,
        "normalisations": {"source": Normalisation("source", (0.5,), (0.5,)), "target": Normalisation("target", (0.4,), (0.2,))},
        "refused": {"match": "dataset0 is not known"},
        "comparison": None,
        "notes": (),
        "gains": {"blend": UNKNOWN, "target": SHOWN},
    }
    return Advice(**{**given, **changed})  # type: ignore[arg-type]


def page(found: Advice, folder: Path, command: str = "tare advise --model net.py:net photos --html a.html") -> str:
    write_advice(found, folder / "a.html", command)
    return (folder / "a.html").read_text(encoding="utf-8")


def test_the_verdict_is_one_sentence_and_the_rest_stands_below(tmp_path: Path) -> None:
    text = page(advice(), tmp_path)
    assert "<h1>Use your data&#x27;s own mean and std (target): shown better.</h1>" in text
    assert '<p class="lead">And more.</p>' in text


def test_the_forest_has_source_first_then_the_largest_gain(tmp_path: Path) -> None:
    text = page(advice(), tmp_path)
    places = [text.index(f'<th scope="row">{name}') for name in ("source", "target", "blend")]
    assert places == sorted(places)
    assert "+4.0<small>+2.0 to +6.0</small>" in text
    assert 'circle class="blue" ' in text  # shown: filled
    assert 'circle class="blue hollow" ' in text  # not shown
    assert "measured: +5.0 points (+3.0 to +7.0)" in text


def test_without_gains_nothing_is_drawn_of_them(tmp_path: Path) -> None:
    text = page(advice(gains={}), tmp_path)
    assert "points of accuracy above source" not in text


def test_a_number_that_is_not_known_has_a_dash(tmp_path: Path) -> None:
    assert "nan" not in page(advice(), tmp_path).lower().replace("nano", "")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("tare advise --model m p --html a.html", "tare transfer --model m p --strategy target --out run"),
        ("tare advise --html=a.html --json --model m p", "tare transfer --model m p --strategy target --out run"),
        ("tare advise --no-labels --mean 0.5 --model m p", "tare transfer --mean 0.5 --model m p --strategy target --out run"),
    ],
)
def test_the_next_command_has_the_same_network_and_data(given: str, expected: str) -> None:
    assert transfer_command(advice(), given) == expected


def test_match_asks_for_the_statistics_that_it_needs() -> None:
    found = advice(strategy="match")
    assert "--source-stats STATS" in transfer_command(found, "tare advise --model m p")
    assert transfer_command(found, "tare advise --model m p --source-stats s.json").count("--source-stats") == 1


def test_every_option_of_advice_is_one_of_transfer_or_left_out() -> None:
    own = {field.name for field in fields(AdviceRequest)} - {field.name for field in fields(TransferRequest)}
    assert {f"--{name.replace('_', '-')}" for name in own} <= set(OWN_OPTIONS)
