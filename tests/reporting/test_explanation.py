"""The page of an explanation: what is left behind each layer, and which advice to ask for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tare.advising.explaining.result import ChannelMap, ExecutedLayer, Explanation
from tare.networks.absorption import LayerShare
from tare.reporting.explanation import write_explanation
from tare.reporting.page.steps import with_verb

EVIL = "</script><script>alert(1)</script>"
FOUND = Explanation(
    model="net.py:net",
    shape=(3, 32, 32),
    constants_origin="--mean",
    steps=(ExecutedLayer("bn", "BatchNorm2d", "", (8, 16, 16), norm=True),),
    channels=(ChannelMap("red", 0.5, 0.25, 0.4, 0.2, 4.0, -2.0, 1.25, 0.5),),
    shares=(LayerShare("bn", "BatchNorm2d", norm=True, entering=0.5, train=0.25, eval=1.5),),
    border=None,
    first_norm="bn",
    gap=0.52,
    answer="the choice is felt in part: 25% is left. Where they are frozen, 150% is left.",
    sentences=("One reason.",),
    example="",
    notes=(),
)


def page(found: Explanation, folder: Path, command: str = "tare explain --model net.py:net photos --html e.html") -> str:
    write_explanation(found, folder / "e.html", command)
    return (folder / "e.html").read_text(encoding="utf-8")


def test_the_answer_is_the_verdict_and_each_layer_has_two_bars(tmp_path: Path) -> None:
    text = page(FOUND, tmp_path)
    assert "<h1>The choice is felt in part: 25% is left.</h1>" in text
    assert '<p class="lead">Where they are frozen, 150% is left.</p>' in text
    assert "25%<small>frozen 150%</small>" in text
    assert "<pre>tare advise --model net.py:net photos</pre>" in text


def test_an_example_is_said_to_be_one_first(tmp_path: Path) -> None:
    text = page(replace(FOUND, example="no data given"), tmp_path)
    assert text.index("Example: no data given.") < text.index("<h1>")


def test_a_network_without_shares_has_a_page_too_and_names_are_escaped(tmp_path: Path) -> None:
    text = page(replace(FOUND, shares=(), model=EVIL, sentences=(EVIL,), notes=(EVIL,)), tmp_path)
    assert "<script>alert" not in text
    assert 'class="rows' not in text.split("</style>")[1]


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("tare explain a --json", "tare advise a"),
        ("tare explain --html x a", "tare advise a"),
        ("tare explain --html=x 'a b'", "tare advise 'a b'"),
    ],
)
def test_the_next_command_keeps_all_but_the_outputs(command: str, expected: str) -> None:
    assert with_verb(command, "advise") == expected
