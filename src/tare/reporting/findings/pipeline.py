"""Findings as text, GitHub annotations and SARIF."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

from rich.text import Text

from tare._version import __version__
from tare.checking.result import CheckReport
from tare.checking.rules.finding import Finding
from tare.checking.rules.rule import Rule
from tare.checking.rules.table import RULES
from tare.reporting.console import out
from tare.reporting.findings.escaping import command_data, command_property
from tare.system.terminal.harmless import beginning, visible

_LEVELS = {"error": "error", "warning": "warning", "note": "notice"}


def print_report(report: CheckReport) -> None:
    """Print each finding as a linter does, then a summary in one line."""
    styles = {"error": "bold red", "warning": "yellow", "note": "cyan"}
    for finding in report.findings:
        place = f"{beginning(finding.where)}: " if finding.where else ""
        code = (f"{finding.code} {finding.severity}", styles[finding.severity])
        out.print(Text.assemble(place, code, visible(f": {finding.message}")), soft_wrap=True)
        out.print(Text.assemble(("  remedy: ", "bold"), visible(finding.remedy)), soft_wrap=True)
    for note in report.notes:
        out.print(Text(visible(f"not run: {note}")), soft_wrap=True)
    for left in report.not_judged:
        out.print(Text.assemble(("not judged: ", "bold"), visible(left)), soft_wrap=True)
    hint = f"; tare rule {report.findings[0].code} explains it" if report.findings else ""
    out.print(Text(visible(f"{report.summary()}{hint}")), soft_wrap=True)


def github(report: CheckReport) -> str:
    """Workflow commands that GitHub shows as annotations."""
    left = [f"::warning title=not judged::{command_data(each)}" for each in report.not_judged]
    return "\n".join([*(_annotation(finding, _file(report)) for finding in report.findings), *left])


def sarif(report: CheckReport) -> str:
    """A SARIF 2.1.0 log, which code scanning tools read (OASIS standard, 2020)."""
    rules = [rule for rule in RULES if rule.code in {finding.code for finding in report.findings}]
    driver = {"name": "tare", "version": __version__, "rules": [_rule(rule) for rule in rules]}
    codes = [rule.code for rule in rules]
    results = [
        {
            "ruleId": finding.code,
            "ruleIndex": codes.index(finding.code),
            "level": finding.severity,
            "message": {"text": visible(f"{finding.message}; {finding.remedy}")},
            "locations": [_location(finding, report)],
        }
        for finding in report.findings
    ]
    run: dict[str, Any] = {"tool": {"driver": driver}, "results": results}
    if report.not_judged:
        left = [{"level": "warning", "message": {"text": visible(f"not judged: {each}")}} for each in report.not_judged]
        run["invocations"] = [{"executionSuccessful": True, "toolExecutionNotifications": left}]
    log: dict[str, Any] = {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [run],
    }
    return json.dumps(log, indent=2)


def _location(finding: Finding, report: CheckReport) -> dict[str, Any]:
    """The name of the step, and the file if the pipeline is in a file."""
    where: dict[str, Any] = {"logicalLocations": [{"fullyQualifiedName": visible(finding.where or report.pipeline)}]}
    file = _file(report)
    return where if not file else {"physicalLocation": {"artifactLocation": {"uri": quote(file)}}, **where}


def _file(report: CheckReport) -> str:
    """The file that holds the pipeline; empty if it is in a module or is an object."""
    place, _, name = report.pipeline.rpartition(":")
    if place.endswith(".py") and name:
        return Path(place).as_posix()
    return Path(report.pipeline).as_posix() if report.form == "configuration" else ""


def _annotation(finding: Finding, file: str) -> str:
    place = f"{finding.where}: " if finding.where else ""
    properties = f"title={command_property(finding.code)}" + (f",file={command_property(file)}" if file else "")
    return f"::{_LEVELS[finding.severity]} {properties}::{command_data(f'{place}{finding.message}; {finding.remedy}')}"


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.code,
        "name": rule.name,
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.story},
        "defaultConfiguration": {"level": rule.severity},
    }
