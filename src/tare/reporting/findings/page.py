"""Findings as a self-contained page: how many, which mistakes, and each with its place, cost and remedy."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from tare.checking.repository.result import CodeFinding, CodeReport
from tare.checking.result import CheckReport
from tare.checking.rules.finding import SEVERITIES, Finding, Severity
from tare.checking.rules.index import title_of
from tare.reporting import html
from tare.reporting.findings.text import left_out
from tare.reporting.page.frame import Badge, FirstScreen, Made, Step, Tone, framed
from tare.reporting.page.rows import Colour, Mark, Row, drawn, scale_of
from tare.system.terminal.harmless import visible

_COLOURS: Mapping[Severity, Colour] = {"error": "red", "warning": "orange", "note": "blue"}
#: Mistakes drawn, the most frequent; and findings that begin unfolded.
_MOST, _OPEN = 10, 3
#: The shortest scale of counts.
_LEAST = 4


def code_page(report: CodeReport, command: str = "") -> str:
    """The page of what was found in files."""
    first = FirstScreen(
        verdict=_counted(Counter(each.severity for each in report.findings), html.several(report.files, "file")),
        lead=_sentence("; ".join(left_out(report))),
        badges=_badges(report.fails, bool(report.skipped)),
        picture_title="What was found" if report.findings else "",
        picture=_picture(report.findings),
        steps=_code_steps(report),
    )
    left = [visible(f"{each.path}: {each.reason}") for each in report.skipped]
    skipped = [html.fold("Not judged", html.several(len(left), "file"), [html.items(left)])] if left else []
    folds = [_code_finding(each, is_open=place < _OPEN) for place, each in enumerate(report.findings)]
    made = Made(html.several(report.files, "file"), command)
    return framed("check", first, [*folds, *skipped, *html.notes([visible(note) for note in report.notes])], made)


def pipeline_page(report: CheckReport, command: str = "") -> str:
    """The page of what was found in a pipeline that was run."""
    first = FirstScreen(
        verdict=_counted(Counter(each.severity for each in report.findings), report.pipeline),
        lead=_sentence(report.summary()),
        badges=_badges(report.fails, bool(report.not_judged)),
        picture_title="What was found" if report.findings else "",
        picture=_picture(report.findings),
        steps=[Step(f"{visible(each.remedy)}.") for each in report.findings[:_OPEN]],
    )
    left = [visible(each) for each in report.not_judged]
    unjudged = [html.fold("Not judged", html.several(len(left), "part"), [html.items(left)], is_open=True)] if left else []
    folds = [_fold(each, each.where, [], is_open=place < _OPEN) for place, each in enumerate(report.findings)]
    made = Made(f"{report.pipeline} for {report.network}", command, {"Stages": ", ".join(report.stages)})
    return framed("check", first, [*unjudged, *folds, *html.notes([visible(note) for note in report.notes])], made)


def _counted(counts: Counter[Severity], where: str) -> str:
    found = [html.several(counts[each], each) for each in SEVERITIES if counts[each]]
    return f"{', '.join(found).capitalize() or 'Nothing found'} in {visible(where)}."


def _badges(fails: bool, is_partial: bool) -> list[Badge]:
    """What was not judged is never called clean."""
    tone: Tone = "bad" if fails else "plain" if is_partial else "good"
    word = "not clean" if fails else "not all was judged" if is_partial else "clean"
    return [Badge(word, tone)]


def _picture(findings: Sequence[CodeFinding] | Sequence[Finding]) -> list[str]:
    """A bar for each code, the gravest and most frequent first."""
    severities = {each.code: each.severity for each in findings}
    counts = Counter(each.code for each in findings).most_common()
    counts = sorted(counts, key=lambda both: (SEVERITIES.index(severities[both[0]]), -both[1]))[:_MOST]
    rows = [
        Row(code, [Mark(count, shape="bar", colour=_COLOURS[severities[code]])], str(count), title_of(code) or severities[code])
        for code, count in counts
    ]
    if not rows:
        return []
    most = max(_LEAST, *(count for _, count in counts))
    return [drawn(rows, scale_of(rows, "findings", zero=0.0, exact=(0.0, 1.03 * most)), "Findings by code", "long")]


def _sentence(text: str) -> str:
    """A text as a sentence; names of code, such as cv2.imread, keep their letters."""
    if not text:
        return ""
    is_word = re.match(r"[a-z]+[ ,:]", text) is not None
    return f"{visible(text[:1].upper() + text[1:] if is_word else text)}."


def _code_steps(report: CodeReport) -> list[Step]:
    fixable = sum(bool(each.edits) for each in report.findings)
    fix = [Step(f"Repair what is certain ({html.several(fixable, 'finding')}):", report.repairing)] if fixable else []
    first = [Step(f"{visible(str(each.place))}: {visible(each.remedy)}.") for each in report.findings[:1] if not each.edits]
    rule = [Step("Read why the first is a mistake:", f"tare rule {each.code}") for each in report.findings[:1]]
    return [*fix, *first, *rule]


def _code_finding(finding: CodeFinding, *, is_open: bool) -> str:
    cost = [f"Cost: {finding.cost}."] if finding.cost else []
    because = [f"Because: {' -> '.join(map(str, finding.evidence))}."] if finding.evidence else []
    source = [html.code(visible(finding.source.strip()))] if finding.source.strip() else []
    return _fold(
        finding, str(finding.place), [*source, *(html.paragraph(visible(text)) for text in (*because, *cost))], is_open=is_open
    )


def _fold(finding: CodeFinding | Finding, where: str, more: Iterable[str], *, is_open: bool) -> str:
    remedy = html.paragraph(f"Remedy: {visible(finding.remedy)}.")
    inside = [html.paragraph(_sentence(finding.message)), *more, remedy]
    return html.fold(f"{finding.code} {finding.severity}", visible(where), inside, is_open=is_open)
