"""Findings about files as workflow commands, which GitHub shows as annotations at the lines of a pull request."""

from __future__ import annotations

from collections.abc import Iterator

from tare.checking.repository.result import CodeFinding, CodeReport
from tare.code.place import Place
from tare.reporting.findings.escaping import command_data, command_property
from tare.reporting.findings.words import message_of

_LEVELS = {"error": "error", "warning": "warning", "note": "notice"}


def code_annotations(report: CodeReport) -> str:
    """A workflow command for each finding, and one for each file that was not read."""
    return "\n".join([*map(_annotation, report.findings), *_skipped(report)])


def _annotation(finding: CodeFinding) -> str:
    properties = {"title": finding.code, "file": finding.place.path, **_region(finding.place)}
    written = ",".join(f"{name}={command_property(value)}" for name, value in properties.items())
    return f"::{_LEVELS[finding.severity]} {written}::{command_data(message_of(finding))}"


def _region(place: Place) -> dict[str, str]:
    """Lines and columns. GitHub takes columns in one line only, and a cell of a notebook has no line of the file."""
    if place.cell:
        return {}
    lines = {"line": str(place.line), "endLine": str(max(place.line, place.end_line))}
    if place.end_line > place.line:
        return lines
    # GitHub's last column is the last character, tare's the one after it.
    return lines | {"col": str(place.column), "endColumn": str(max(place.column, place.end_column - 1))}


def _skipped(report: CodeReport) -> Iterator[str]:
    for each in report.skipped:
        yield f"::notice title=not read,file={command_property(each.path)}::{command_data(each.reason)}"
