"""Findings about files as text: place, message, the source line with a caret, evidence, cost and remedy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from rich.text import Text

from tare.checking.repository.result import CodeFinding, CodeReport
from tare.checking.rules.finding import SEVERITIES
from tare.checking.rules.index import title_of
from tare.reporting.console import out
from tare.reporting.findings.excerpt import excerpt
from tare.system.terminal.harmless import beginning, visible

_STYLES = {"error": "bold red", "warning": "yellow", "note": "cyan"}
_MARGIN = "  "


def print_code_report(report: CodeReport) -> None:
    """Print each finding with its source line, what was not read, and a summary in one line."""
    for finding in report.findings:
        for line in lines_of(finding):
            out.print(line, soft_wrap=True)
        out.print()
    for skipped in report.skipped:
        out.print(Text.assemble(("skipped ", "yellow"), visible(f"{skipped.path}: {skipped.reason}")), soft_wrap=True)
    for note in report.notes:
        out.print(Text.assemble(("note ", "cyan"), visible(note)), soft_wrap=True)
    out.print(Text(summary(report)), soft_wrap=True)


def print_statistics(report: CodeReport) -> None:
    """Print how often each code was found, the most frequent first, and the summary."""
    counts = Counter(finding.code for finding in report.findings)
    severities = {finding.code: finding.severity for finding in report.findings}
    for code, count in sorted(counts.items(), key=lambda both: (-both[1], both[0])):
        out.print(Text(f"{count:6}  {code}  {severities[code]:8} {title_of(code)}"), soft_wrap=True)
    out.print(Text(summary(report)), soft_wrap=True)


def lines_of(finding: CodeFinding) -> Iterator[Text]:
    """The lines of one finding; the first begins with its place, as editors and terminals take it."""
    code = (f"{finding.code} {finding.severity}", _STYLES[finding.severity])
    yield Text.assemble((beginning(str(finding.place)), "bold"), ": ", code, f": {visible(finding.message)}")
    yield from excerpt(finding.place, finding.source)
    if finding.evidence:
        yield Text.assemble(_MARGIN, ("because: ", "bold"), visible(" -> ".join(map(str, finding.evidence))))
    if finding.cost:
        yield Text.assemble(_MARGIN, ("cost: ", "bold"), visible(finding.cost))
    fixable = " (--fix does it)" if finding.edits else ""
    yield Text.assemble(_MARGIN, ("remedy: ", "bold"), visible(finding.remedy), fixable)


def summary(report: CodeReport) -> str:
    """One line: the findings of each severity, the files read and skipped, and what was left out."""
    counts = [f"{count} {each}{'s' * (count > 1)}" for each in SEVERITIES if (count := report.count(each))]
    files = f"{report.files} file{'s' * (report.files != 1)} read"
    skipped = f", {len(report.skipped)} skipped" if report.skipped else ""
    fixable = sum(bool(finding.edits) for finding in report.findings)
    hints = [f"{report.repairing} repairs {fixable}"] if fixable else []
    hints += [f"tare rule {each.code} explains the first" for each in report.findings[:1] if title_of(each.code)]
    return "; ".join([f"{', '.join(counts) or 'no findings'} in {files}{skipped}", *left_out(report), *hints])


def left_out(report: CodeReport) -> list[str]:
    """How many findings comments, settings and the baseline leave out."""
    return [f"{count} {why}" for count, why in ((report.ignored, "ignored"), (report.known, "in the baseline")) if count]


def print_diff(diff: str, patch: bytes) -> None:
    """Print a difference: byte for byte into a file or program, as ``patch`` has it; harmless and in colour on a terminal."""
    if not out.is_terminal:
        stream: Any = out.file
        stream.flush()
        stream.buffer.write(patch)
        return
    styles = {"+": "green", "-": "red", "@": "cyan"}
    for line in diff.split("\n"):
        out.print(Text(visible(line), styles.get(line[:1], "")), soft_wrap=True)
