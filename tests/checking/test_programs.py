"""Every mistake that code shows is found however the program is written, and its remedy cures."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from benchmarks.check_rates.programs import MISTAKES, Mistake
from benchmarks.check_rates.ways import Written, documents_of, table, written

from tare.checking import repository
from tare.checking.repository.api import examined
from tare.checking.repository.result import CodeFinding
from tare.code.files.document import Document

#: Notes of what could not be told.
NOTES = {"TARE010", "TARE080", "TARE081"}


@pytest.fixture(scope="module")
def results() -> list[Written]:
    return list(written())


def test_each_mistake_is_found_and_nothing_else_and_its_remedy_cures(results: list[Written]) -> None:
    assert [(each.mistake.name, each.way, each.found, each.cured) for each in results if not each.exact] == []


def test_every_code_that_files_can_have_is_put_in() -> None:
    folder = Path(repository.__path__[0])
    codes = {code for path in folder.rglob("*.py") for code in re.findall(r'"(TARE\d+)"', path.read_text(encoding="utf-8"))}
    assert codes - NOTES == {code for mistake in MISTAKES for code in mistake.codes}


def test_the_page_has_the_table(results: list[Written]) -> None:
    page = Path(__file__).parents[2] / "docs" / "check.md"
    assert table(results) in page.read_text(encoding="utf-8"), (
        "run `python -m benchmarks.check_rates --only programs --write docs/check.md`"
    )


def repaired(document: Document, findings: list[CodeFinding]) -> Document:
    """The document after the certain changes of the findings in it, the last one first."""
    lines = document.text.split("\n")
    edits = {edit for finding in findings for edit in finding.edits if edit.place.path == document.path}
    for edit in sorted(edits, key=lambda each: (each.place.line, each.place.column), reverse=True):
        line = lines[edit.place.line - 1]
        lines[edit.place.line - 1] = line[: edit.place.column - 1] + edit.text + line[edit.place.end_column - 1 :]
    return Document(document.path, document.kind, "\n".join(lines), document.cells)


#: The divisor may be wrong, or the reader that brings the file to 8 bits.
BY_HAND = "8 bits divided as 16"
CODES = ("TARE006", "TARE007", "TARE011", "TARE100", "TARE102")
CERTAIN = [mistake for mistake in MISTAKES if mistake.codes[0] in CODES and mistake.name != BY_HAND]


@pytest.mark.parametrize("mistake", CERTAIN, ids=lambda mistake: mistake.name)
def test_what_fix_changes_makes_the_finding_go_away(mistake: Mistake) -> None:
    for way, documents in documents_of(mistake, mistake.wrong):
        if way != "notebook":  # whose places count from the cell
            findings = examined(documents)
            if way == "a name" and not any(each.edits for each in findings):
                continue  # the name says nothing of what stands behind it, which others may read
            assert all(each.edits for each in findings), way
            assert [each.code for each in examined([repaired(each, findings) for each in documents]) if each.fails] == [], way
