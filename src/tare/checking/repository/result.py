"""What ``tare check PATH...`` finds in files."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from tare.checking.rules.finding import SEVERITIES, Severity
from tare.code.files.document import Skipped
from tare.code.place import Place
from tare.system.shown import Shown

SCHEMA = "tare.code-check/1"
#: Why a part of a file was not judged.
CUT = "it takes too many steps to follow to its end, so a part of it was not judged"
DEEP = "it is nested too deeply to follow everywhere, so a part of it was not judged"
#: Of these files the rest was judged.
IN_PART = frozenset((CUT, DEEP))


@dataclass(frozen=True, slots=True)
class Step:
    """One link of the evidence: what stands at a place."""

    text: str
    place: Place

    def __str__(self) -> str:
        """The link in words, such as ``MEAN at constants.py:3``."""
        cell = f"code cell {self.place.cell}:" if self.place.cell else ""
        return f"{self.text} at {self.place.path}:{cell}{self.place.line}"


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

    def to_json(self) -> dict[str, Any]:
        """The finding as a JSON object."""
        return {
            "code": self.code,
            "severity": self.severity,
            "message": self.message,
            "remedy": self.remedy,
            "cost": self.cost,
            "place": _place(self.place),
            "source": self.source,
            "evidence": [{"text": step.text, "place": _place(step.place)} for step in self.evidence],
            "edits": [{"place": _place(edit.place), "text": edit.text} for edit in self.edits],
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> CodeFinding:
        """The finding that :meth:`to_json` wrote. Raises KeyError, TypeError or ValueError for anything else."""
        if document["severity"] not in SEVERITIES:
            raise ValueError(f"no severity: {document['severity']!r}")
        code, severity, message, remedy, source, cost = (
            document[key] for key in ("code", "severity", "message", "remedy", "source", "cost")
        )
        evidence = tuple(Step(step["text"], Place(**step["place"])) for step in document["evidence"])
        edits = tuple(Edit(Place(**edit["place"]), edit["text"]) for edit in document["edits"])
        return cls(code, severity, message, remedy, Place(**document["place"]), evidence, cost, edits, source)


class Judged(NamedTuple):
    """The findings about documents, and the documents that could not be parsed, or not be followed to their end."""

    findings: list[CodeFinding]
    skipped: list[Skipped]


@dataclass(frozen=True, slots=True, repr=False)
class CodeReport(Shown):
    """The findings about files, in the order of their places, and what was not read.

    ``fail_on`` is the least severity with which the check is not clean. ``ignored`` counts the findings that comments or settings
    leave out, ``known`` those that the baseline has. ``paths`` are the files and folders as they were asked for, and ``options``
    the words of the command that choose among the findings.
    """

    findings: tuple[CodeFinding, ...]
    files: int
    skipped: tuple[Skipped, ...] = ()
    notes: tuple[str, ...] = ()
    fail_on: Severity = "warning"
    ignored: int = 0
    known: int = 0
    paths: tuple[str, ...] = ()
    options: tuple[str, ...] = ()

    @property
    def repairing(self) -> str:
        """The command that repairs what is certain of these findings, and of no others."""
        return shlex.join(["tare", "check", *self.paths, *self.options, "--fix"])

    @property
    def fails(self) -> bool:
        """Whether anything was found that is as grave as ``fail_on``."""
        return any(SEVERITIES.index(finding.severity) <= SEVERITIES.index(self.fail_on) for finding in self.findings)

    def count(self, severity: Severity) -> int:
        """How many findings have this severity."""
        return sum(finding.severity == severity for finding in self.findings)

    def summary(self) -> str:
        """The number of findings of each severity, and of files read and not read."""
        counts = [f"{count} {name}{'s' * (count > 1)}" for name in SEVERITIES if (count := self.count(name))]
        skipped = f", {len(self.skipped)} not read" if self.skipped else ""
        files = f"{self.files} file{'s' * (self.files != 1)} read{skipped}"
        return f"{', '.join(counts) or 'nothing found in what was judged'}; {files}"

    def table(self) -> list[dict[str, Any]]:
        """One row for each finding, then one for each file that was not read or judged in part."""
        found = [
            (str(each.place.path), each.place.line, each.code, each.severity, each.message, each.remedy) for each in self.findings
        ]
        skipped = [(each.path, None, "", "not read", each.reason, "") for each in self.skipped]
        names = ("path", "line", "code", "severity", "message", "remedy")
        return [dict(zip(names, row, strict=True)) for row in (*found, *skipped)]

    def points(self) -> list[dict[str, Any]]:
        """How often each code was found."""
        codes = Counter(finding.code for finding in self.findings)
        return [{"panel": "findings", "name": code, "value": count} for code, count in sorted(codes.items())]

    def to_json(self) -> dict[str, Any]:
        """The report as a JSON object with schema ``tare.code-check/1``."""
        codes = Counter(finding.code for finding in self.findings)
        return {
            "schema": SCHEMA,
            "files": self.files,
            "fails": self.fails,
            "counts": {severity: self.count(severity) for severity in SEVERITIES},
            "codes": {code: codes[code] for code in sorted(codes)},
            "ignored": self.ignored,
            "known": self.known,
            "findings": [finding.to_json() for finding in self.findings],
            "skipped": [{"path": each.path, "reason": each.reason} for each in self.skipped],
            "notes": list(self.notes),
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
