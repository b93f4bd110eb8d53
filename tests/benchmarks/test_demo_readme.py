"""The part of README that the demo writes."""

from __future__ import annotations

import pytest
from benchmarks.demo_readme import BEGIN, END, README, renewed


def test_only_the_lines_between_the_markers_are_replaced() -> None:
    text = f"before\n{BEGIN}\nold\n{END}\nafter\n"
    assert renewed(text, ["new  "]) == f"before\n{BEGIN}\n\n```text\nnew\n```\n\n{END}\nafter\n"
    assert renewed(renewed(text, ["new"]), ["new"]) == renewed(text, ["new"])


def test_a_page_without_markers_is_refused() -> None:
    with pytest.raises(ValueError, match="expected <!-- demo"):
        renewed("nothing", ["new"])


def test_readme_has_the_markers_and_a_verdict() -> None:
    between = README.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0]
    assert "Standardisation is right" in between
