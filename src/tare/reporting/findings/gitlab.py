"""Findings about files as a code quality report of GitLab."""

from __future__ import annotations

from typing import Any

from tare.checking.repository.identity import fingerprints
from tare.checking.repository.result import CodeFinding, CodeReport
from tare.reporting.findings.words import message_of
from tare.system.terminal.harmless import visible

_SEVERITIES = {"error": "major", "warning": "minor", "note": "info"}


def code_quality(report: CodeReport) -> list[dict[str, Any]]:
    """One object a finding. Its fingerprint stays the same while lines are added elsewhere, so GitLab knows it again."""
    return [_issue(each, name) for each, name in zip(report.findings, fingerprints(report.findings), strict=True)]


def _issue(finding: CodeFinding, name: str) -> dict[str, Any]:
    place = finding.place
    # The line of a cell is no line of the notebook's file.
    begin, end = (1, 1) if place.cell else (place.line, max(place.line, place.end_line))
    return {
        "description": message_of(finding),
        "check_name": finding.code,
        "fingerprint": name,
        "severity": _SEVERITIES[finding.severity],
        "location": {
            "path": visible(place.path),
            "lines": {"begin": begin, "end": end},
        },
    }
