"""Which findings are shown."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tare.checking.linting.inputs import CodeOptions
from tare.checking.linting.selection import selected
from tare.checking.linting.settings import Settings
from tare.code.files.document import Document
from tare.code.place import Place
from tests.code_findings import finding

FOUND = [finding("TARE003"), finding("TARE010"), finding("TARE011", path="tests/a.py")]


def codes(options: CodeOptions | None = None, settings: Settings | None = None, **_: Any) -> list[str]:
    chosen = selected(FOUND, [], options or CodeOptions(), settings or Settings())
    return [each.code for each in chosen.findings]


def test_all_are_shown_unless_something_else_is_said() -> None:
    assert codes() == ["TARE003", "TARE010", "TARE011"]


@pytest.mark.parametrize("as_settings", [True, False])
def test_codes_and_beginnings_are_selected_and_ignored(as_settings: bool) -> None:
    def of(**known: Any) -> list[str]:
        return codes(settings=Settings(**known)) if as_settings else codes(CodeOptions(**known))

    assert of(select=("TARE01",)) == ["TARE010", "TARE011"]
    assert of(ignore=("TARE01",)) == ["TARE003"]
    assert of(select=("TARE01",), ignore=("TARE011",)) == ["TARE010"]


def test_an_option_selects_in_place_of_the_settings_and_ignores_beside_them() -> None:
    settings = Settings(select=("TARE003",), ignore=("TARE011",))
    assert codes(CodeOptions(select=["TARE01"]), settings) == ["TARE010"]
    assert codes(CodeOptions(ignore=["TARE003"]), settings) == []


def test_a_rule_is_selected_by_its_name() -> None:
    assert codes(CodeOptions(select=["normalised-twice"])) == ["TARE003"]


def test_codes_are_ignored_in_files_and_counted() -> None:
    chosen = selected(FOUND, [], CodeOptions(), Settings(per_file_ignores={"tests/*": ("TARE01",)}))
    assert ([each.code for each in chosen.findings], chosen.ignored) == (["TARE003", "TARE010"], 1)


def document(**ignores: frozenset[str]) -> Document:
    return Document("train.py", "python", "\n" * 20, ignores={int(line[1:]): each for line, each in ignores.items()})


@pytest.mark.parametrize(
    ("ignores", "is_shown"),
    [
        ({"_3": frozenset({"TARE010"})}, False),
        ({"_3": frozenset()}, False),
        ({"_5": frozenset({"TARE010"})}, False),
        ({"_0": frozenset()}, False),
        ({"_6": frozenset({"TARE010"})}, True),
        ({"_2": frozenset({"TARE010"})}, True),
        ({"_3": frozenset({"TARE011"})}, True),
    ],
)
def test_a_comment_on_any_line_of_the_finding_leaves_it_out(ignores: dict[str, frozenset[str]], is_shown: bool) -> None:
    one = finding(place=Place("train.py", 3, 1, 5, 2))
    chosen = selected([one], [document(**ignores)], CodeOptions(), Settings())
    assert (len(chosen.findings), chosen.ignored) == ((1, 0) if is_shown else (0, 1))
    assert bool(chosen.notes) == is_shown


def test_a_comment_that_leaves_out_nothing_is_told_unless_only_some_codes_are_looked_for() -> None:
    documents = [document(_7=frozenset({"TARE020", "TARE010"}))]
    assert selected([], documents, CodeOptions(), Settings()).notes == (
        "train.py:7: # tare: ignore[TARE010, TARE020] leaves out no finding; remove it",
    )
    assert selected([], documents, CodeOptions(select=["TARE003"]), Settings()).notes == ()


def test_comments_of_notebooks_count_in_their_cell() -> None:
    notebook = Document("a.ipynb", "notebook", "\n" * 9, cells=(1, 4), ignores={5: frozenset()})
    in_cell = finding(place=Place("a.ipynb", 2, 1, cell=2))
    elsewhere = replace(in_cell, place=Place("a.ipynb", 2, 1, cell=1))
    assert selected([in_cell, elsewhere], [notebook], CodeOptions(), Settings()).findings == (elsewhere,)
