"""What ``tare check PATH...`` finds in files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tare.checking.rules.finding import SEVERITIES, Severity
from tare.code.files.document import Skipped
from tare.code.place import Place

SCHEMA = "tare.code-check/1"


@dataclass(frozen=True, slots=True)
class Step:
    """One link of the evidence: what stands at a place."""

    text: str
    place: Place

    def __str__(self) -> str:
        """The link in words, such as ``MEAN at constants.py:3``."""
        return f"{self.text} at {self.place.path}:{self.place.line}"


@dataclass(frozen=True, slots=True)
class Edit:
    """A change of a file that is certain to be right: the text at ``place`` becomes ``text``."""

    place: Place
    text: str


@dataclass(frozen=True, slots=True)
class CodeFinding:
    """One mistake in a file.

    ``message`` has the values seen and those wanted, ``remedy`` what to change, ``source`` the line of code at ``place``.
    ``evidence`` leads from where a fact stands to where it is used; ``cost`` says what the mistake costs, where that was
    measured; ``edits`` are to be made together, and are empty where a person decides.
    """

    code: str
    severity: Severity
    message: str
    remedy: str
    place: Place
    evidence: tuple[Step, ...] = ()
    cost: str = ""
    edits: tuple[Edit, ...] = ()
    source: str = ""

    @property
    def fails(self) -> bool:
        """Whether a check with this finding is not clean."""
        return self.severity != "note"


@dataclass(frozen=True, slots=True)
class CodeReport:
    """The findings about files, in the order of their places, and what was not read."""

    findings: tuple[CodeFinding, ...]
    files: int
    skipped: tuple[Skipped, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def fails(self) -> bool:
        """Whether anything but notes was found."""
        return any(finding.fails for finding in self.findings)

    def count(self, severity: Severity) -> int:
        """How many findings have this severity."""
        return sum(finding.severity == severity for finding in self.findings)

    def to_json(self) -> dict[str, Any]:
        """The report as a JSON object with schema ``tare.code-check/1``."""
        return {
            "schema": SCHEMA,
            "files": self.files,
            "counts": {severity: self.count(severity) for severity in SEVERITIES},
            "findings": [_finding(finding) for finding in self.findings],
            "skipped": [{"path": each.path, "reason": each.reason} for each in self.skipped],
            "notes": list(self.notes),
        }


def _finding(finding: CodeFinding) -> dict[str, Any]:
    return {
        "code": finding.code,
        "severity": finding.severity,
        "message": finding.message,
        "remedy": finding.remedy,
        "cost": finding.cost,
        "place": _place(finding.place),
        "source": finding.source,
        "evidence": [{"text": step.text, "place": _place(step.place)} for step in finding.evidence],
        "edits": [{"place": _place(edit.place), "text": edit.text} for edit in finding.edits],
    }


def _place(place: Place) -> dict[str, Any]:
    return {
        "path": place.path,
        "line": place.line,
        "column": place.column,
        "end_line": place.end_line or place.line,
        "end_column": place.end_column or place.column,
        **({"cell": place.cell} if place.cell else {}),
    }
