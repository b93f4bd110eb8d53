"""The formats of findings about files that other tools read."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tare.checking.repository.result import CodeReport
from tare.reporting.findings.github import code_annotations
from tare.reporting.findings.gitlab import code_quality
from tare.reporting.findings.junit import code_suites
from tare.reporting.findings.sarif import code_log
from tare.system.files import json_text


def html_page(report: CodeReport, command: str = "") -> str:
    """The page; its module is loaded when it is asked for, since a linter starts in a moment."""
    from tare.reporting.findings.page import code_page

    return code_page(report, command)


#: What writes a report, by the word of ``--format``.
FORMATS: Mapping[str, Callable[[CodeReport], str]] = {
    "json": lambda report: json_text(report.to_json()),
    "github": code_annotations,
    "sarif": lambda report: json_text(code_log(report)),
    "gitlab": lambda report: json_text(code_quality(report)),
    "junit": code_suites,
    "html": html_page,
}
