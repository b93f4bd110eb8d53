"""Findings about files as SARIF 2.1.0 (OASIS standard, 2020), which code scanning tools read."""

from __future__ import annotations

from itertools import groupby
from typing import Any
from urllib.parse import quote

from tare._version import __version__
from tare.checking.repository.identity import fingerprints
from tare.checking.repository.result import CodeFinding, CodeReport, Edit, Step
from tare.checking.rules.index import RuleText, index
from tare.code.place import Place
from tare.reporting.findings.words import message_of
from tare.system.terminal.harmless import visible

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def code_log(report: CodeReport) -> dict[str, Any]:
    """A log with one run: rules, results with regions, related places and fixes, and the files that were not read."""
    codes = sorted({finding.code for finding in report.findings})
    names = fingerprints(report.findings)
    driver = {"name": "tare", "semanticVersion": __version__, "version": __version__, "rules": [_rule(code) for code in codes]}
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "invocations": [{"executionSuccessful": True, "toolExecutionNotifications": _notifications(report)}],
        "results": [_result(each, codes, name) for each, name in zip(report.findings, names, strict=True)],
    }
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(code: str) -> dict[str, Any]:
    known: RuleText | None = index().get(code)
    if known is None:
        return {"id": code}
    return {
        "id": code,
        "name": known.name,
        "shortDescription": {"text": known.title},
        "fullDescription": {"text": known.story},
        "help": {"text": f"{known.story}\n\nwrong: {known.wrong}\nright: {known.right}"},
        "defaultConfiguration": {"level": known.severity},
    }


def _result(finding: CodeFinding, codes: list[str], name: str) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": finding.code,
        "ruleIndex": codes.index(finding.code),
        "level": finding.severity,
        "message": {"text": message_of(finding)},
        "locations": [_location(finding.place)],
        "partialFingerprints": {"tareFinding/v1": name},
    }
    if finding.evidence:
        result["relatedLocations"] = [_related(number, step) for number, step in enumerate(finding.evidence, start=1)]
    if finding.edits and not any(edit.place.cell for edit in finding.edits):  # cells have no regions of the file
        result["fixes"] = [{"description": {"text": visible(finding.remedy)}, "artifactChanges": _changes(finding.edits)}]
    return result


def _related(number: int, step: Step) -> dict[str, Any]:
    return {"id": number, **_location(step.place), "message": {"text": visible(step.text)}}


def _location(place: Place) -> dict[str, Any]:
    """The file and the region in it; of a notebook the cell, by name."""
    file: dict[str, Any] = {"artifactLocation": _artifact(place.path)}
    if place.cell:
        return {
            "physicalLocation": file,
            "logicalLocations": [{"fullyQualifiedName": f"code cell {place.cell}, line {place.line}"}],
        }
    return {"physicalLocation": {**file, "region": _region(place)}}


def _region(place: Place) -> dict[str, int]:
    end_line = max(place.line, place.end_line)
    least = place.column if end_line == place.line else 1
    return {
        "startLine": place.line,
        "startColumn": place.column,
        "endLine": end_line,
        "endColumn": max(place.end_column, least),
    }


def _changes(edits: tuple[Edit, ...]) -> list[dict[str, Any]]:
    """The changes of each file; text is not escaped here, since it goes into the file."""
    ordered = sorted(edits, key=lambda edit: edit.place)
    return [
        {"artifactLocation": _artifact(path), "replacements": [_replacement(edit) for edit in of_file]}
        for path, of_file in groupby(ordered, key=lambda edit: edit.place.path)
    ]


def _replacement(edit: Edit) -> dict[str, Any]:
    return {"deletedRegion": _region(edit.place), "insertedContent": {"text": edit.text}}


def _artifact(path: str) -> dict[str, str]:
    return {"uri": quote(path.encode("utf-8", "surrogateescape"))}


def _notifications(report: CodeReport) -> list[dict[str, Any]]:
    return [
        {
            "level": "note",
            "message": {"text": visible(f"not read: {each.reason}")},
            "locations": [{"physicalLocation": {"artifactLocation": _artifact(each.path)}}],
        }
        for each in report.skipped
    ]
