"""Findings about files, made by hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from tare.checking.repository.result import CodeFinding, CodeReport, Edit, Judged, Step
from tare.code.files.document import Document
from tare.code.place import Place

#: A std with a typo, and what it should be.
WRONG, RIGHT = "0.255", "0.225"


def finding(code: str = "TARE010", path: str = "train.py", line: int = 3, **changes: Any) -> CodeFinding:
    """A finding with everything that one can have."""
    known: dict[str, Any] = {
        "severity": "error",
        "message": "std 0.255 is a typo of 0.225",
        "remedy": "write 0.225",
        "place": Place(path, line, 8, line, 13),
        "evidence": (Step("STD", Place("constants.py", 3, 1, 3, 4)), Step("Normalize", Place(path, line, 8, line, 13))),
        "cost": "1 point on ImageNet",
        "edits": (Edit(Place(path, line, 8, line, 13), RIGHT),),
        "source": "std = (0.255, 0.224, 0.229)",
    }
    return CodeFinding(code=code, **known | changes)


def report(*findings: CodeFinding, **changes: Any) -> CodeReport:
    """A report of five files."""
    return CodeReport(findings, **{"files": 5, **changes})


def typos(documents: Sequence[Document], **_: Any) -> Judged:
    """A judge that finds 0.255 wherever it stands, in the place of the rules."""
    found = []
    for document in documents:
        for number, line in enumerate(document.text.split("\n"), start=1):
            if WRONG in line:
                column = line.index(WRONG) + 1
                place = document.place(number, column, number, column + len(WRONG))
                found.append(finding(place=place, edits=(Edit(place, RIGHT),), source=line, evidence=()))
    return Judged(found, [])


def counted(judge: Callable[..., Judged]) -> tuple[Callable[..., Judged], list[dict[str, Any]]]:
    """The judge, and a list that grows by its keywords whenever it is asked."""
    asked: list[dict[str, Any]] = []

    def judged(documents: Sequence[Document], **known: Any) -> Judged:
        asked.append(known)
        return judge(documents, **known)

    return judged, asked


def altered(documents: Sequence[Document], **changes: Any) -> Judged:
    """The findings of :func:`typos`, with other values."""
    return Judged([replace(each, **changes) for each in typos(documents).findings], [])
