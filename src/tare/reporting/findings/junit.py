"""Findings about files as JUnit XML, which CI servers show as tests."""

from __future__ import annotations

from xml.etree.ElementTree import Element, SubElement, indent, tostring

from tare.checking.repository.result import CodeFinding, CodeReport
from tare.checking.rules.finding import SEVERITIES
from tare.code.files.document import Skipped
from tare.reporting.findings.words import message_of
from tare.system.terminal.harmless import visible


def code_suites(report: CodeReport) -> str:
    """One test a finding, which fails if the check does because of it, and a skipped one for each file that was not read.

    Without findings there is one test that passes, since a suite without tests is an error to some servers.
    """
    cases = [*(_case(finding, report) for finding in report.findings), *map(_skipped, report.skipped)]
    if not report.findings:
        cases.insert(0, Element("testcase", classname="tare", name=f"{report.files} files read"))
    failures = sum(case.find("failure") is not None for case in cases)
    counts = {"tests": str(len(cases)), "failures": str(failures), "errors": "0", "skipped": str(len(report.skipped))}
    root = Element("testsuites", {"name": "tare check", **{name: counts[name] for name in ("tests", "failures", "errors")}})
    SubElement(root, "testsuite", {"name": "tare check", **counts}).extend(cases)
    indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + tostring(root, encoding="unicode")


def _case(finding: CodeFinding, report: CodeReport) -> Element:
    path, place = visible(finding.place.path), visible(str(finding.place))
    case = Element("testcase", classname=path, name=f"{finding.code} at {place}", file=path, line=str(finding.place.line))
    text = f"{place}: {message_of(finding)}\n{visible(finding.source.strip())}"
    if SEVERITIES.index(finding.severity) <= SEVERITIES.index(report.fail_on):
        SubElement(case, "failure", type=finding.severity, message=visible(finding.message)).text = text
    else:
        SubElement(case, "system-out").text = text
    return case


def _skipped(skipped: Skipped) -> Element:
    path = visible(skipped.path)
    case = Element("testcase", classname=path, name="read", file=path)
    SubElement(case, "skipped", message=visible(skipped.reason))
    return case
