"""Places whose mistakes are known, and whether the check found them.

A file of labels is CSV with the columns ``folder``, ``path``, ``cell`` (0 outside notebooks), ``line``, ``kind`` and
``certainty``. The kind ``ok`` marks a place that looks wrong and is right.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.survey.examination import Examined
from benchmarks.survey.kinds import CODES
from tare.checking.repository.result import CodeFinding
from tare.code.place import Place

OK = "ok"
_NEAR = 6
_AT = 2


@dataclass(frozen=True, slots=True)
class Label:
    """What a person says of one place."""

    folder: str
    path: str
    cell: int
    line: int
    kind: str
    certainty: str

    @property
    def place(self) -> Place:
        """Where it stands."""
        return Place(self.path, self.line, cell=self.cell)

    def is_near(self, place: Place, lines: int) -> bool:
        """Whether a place is no more than so many lines away."""
        return place.path == self.path and place.cell == self.cell and _distance(place, self.line) <= lines

    def found_by(self, finding: CodeFinding) -> bool:
        """Whether a finding is the mistake of this label: a code of its kind, at the place or with evidence there."""
        if finding.code not in CODES.get(self.kind, frozenset()):
            return False
        places = (finding.place, *(step.place for step in finding.evidence))
        return any(self.is_near(place, _NEAR) for place in places)


@dataclass(frozen=True, slots=True)
class Judged:
    """The labels of the folders that were read: those found, those missed, and findings on places that are right."""

    found: tuple[Label, ...]
    missed: tuple[Label, ...]
    alarms: tuple[tuple[Label, CodeFinding], ...]

    def of_kind(self, kind: str) -> tuple[int, int]:
        """How many mistakes of a kind were found, and how many there are."""
        hit = sum(label.kind == kind for label in self.found)
        return hit, hit + sum(label.kind == kind for label in self.missed)

    @property
    def recall(self) -> float:
        """The share of the mistakes that were found; NaN without any."""
        every = len(self.found) + len(self.missed)
        return len(self.found) / every if every else float("nan")


def read_labels(path: Path) -> list[Label]:
    """The labels of a CSV file."""
    with path.open(newline="", encoding="utf-8") as lines:
        return [_label(row) for row in csv.DictReader(lines)]


def judge(labels: Iterable[Label], examined: Sequence[Examined], certainty: str = "sure") -> Judged:
    """Compare labels with findings. Mistakes count if their certainty is the given one, right places in any case."""
    findings = {each.folder: each.findings for each in examined}
    known = [label for label in labels if label.folder in findings]
    mistakes = [label for label in known if label.kind != OK and label.certainty == certainty]
    found = [label for label in mistakes if any(map(label.found_by, findings[label.folder]))]
    alarms = [
        (label, finding)
        for label in known
        if label.kind == OK
        for finding in findings[label.folder]
        if finding.fails and label.is_near(finding.place, _AT)
    ]
    return Judged(tuple(found), tuple(label for label in mistakes if label not in found), tuple(alarms))


def _label(row: dict[str, str]) -> Label:
    return Label(row["folder"], row["path"], int(row["cell"]), int(row["line"]), row["kind"], row["certainty"])


def _distance(place: Place, line: int) -> int:
    last = max(place.end_line, place.line)
    return max(place.line - line, line - last, 0)
