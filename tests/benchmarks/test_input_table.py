"""The table of ``docs/inputs.md``: complete, and true where it is run again."""

from __future__ import annotations

import importlib.util

import pytest
from benchmarks.input_table.__main__ import BEGIN, END, PAGE, table
from benchmarks.input_table.kinds import KINDS, Kind
from benchmarks.input_table.running import COMMANDS, Outcome, outcomes


def _stated() -> dict[str, dict[str, str]]:
    """The cells of the page by input and command."""
    text = PAGE.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("| ")]
    return {row[0]: dict(zip(rows[0][1:], row[1:], strict=True)) for row in rows[1:]}


def _needs(kind: Kind) -> None:
    for library in kind.needs:
        if importlib.util.find_spec(library) is None:
            pytest.skip(f"needs {library}")


def test_the_page_has_a_cell_for_every_input_and_command() -> None:
    stated = _stated()
    assert list(stated) == list(KINDS)
    assert all(list(row) == list(COMMANDS) for row in stated.values())
    assert all(cell == "y" or cell.isdigit() for row in stated.values() for cell in row.values())


def test_each_number_has_its_reason_below() -> None:
    text = PAGE.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0]
    numbers = {int(cell) for row in _stated().values() for cell in row.values() if cell.isdigit()}
    reasons = {int(line.partition(".")[0]): line.partition(". ")[2] for line in text.splitlines() if line[:1].isdigit()}
    assert numbers == set(reasons)
    assert all(len(reason.split()) > 4 for reason in reasons.values())


def test_equal_reasons_share_a_number() -> None:
    refused, ran = Outcome(False, "no labels"), Outcome(True)
    made = table({"a": dict.fromkeys(COMMANDS, refused), "b": dict.fromkeys(COMMANDS, ran)})
    assert made.count("no labels") == 1
    assert "| b | y |" in made


@pytest.mark.parametrize("name", ["volumes (NIfTI)", "video (MP4)"])
def test_refusals_are_as_the_page_says(name: str) -> None:
    _needs(KINDS[name])
    _assert_as_stated(name)


@pytest.mark.long
@pytest.mark.parametrize("name", [name for name in KINDS if name not in ("volumes (NIfTI)", "video (MP4)")])
def test_every_cell_is_as_the_page_says(name: str) -> None:
    _needs(KINDS[name])
    _assert_as_stated(name)


def _assert_as_stated(name: str) -> None:
    found = outcomes(KINDS[name])
    assert not [one.said for one in found.values() if one.crashed]
    assert {key: one.ran for key, one in found.items()} == {key: cell == "y" for key, cell in _stated()[name].items()}
