"""The tables of a survey: codes, labelled kinds and verdicts; no folder and no file is named."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from benchmarks.survey.examination import Examined
from benchmarks.survey.labels import Judged
from benchmarks.survey.verdicts import UNREAD
from tare.checking.rules.finding import SEVERITIES, Severity
from tare.checking.rules.table import RULES

_TITLES = {rule.code: rule.title for rule in RULES}


def summary(examined: Sequence[Examined]) -> str:
    """What was read, in one sentence, and how long it took."""
    files, lines = sum(each.files for each in examined), sum(each.lines for each in examined)
    skipped, seconds = sum(len(each.skipped) for each in examined), sum(each.seconds for each in examined)
    with_error = sum(any(finding.severity == "error" for finding in each.findings) for each in examined)
    rate = f", {files / seconds:,.0f} a second" if seconds else ""
    failed = sum(bool(each.failure) for each in examined)
    failures = f" The check failed on {failed}." if failed else ""
    return (
        f"{len(examined)} folders with {files:,} files of {lines:,} lines; {skipped} were not read. {with_error} folders have an "
        f"error. {seconds:.1f} s of processor time{rate}.{failures}"
    )


def codes_table(examined: Sequence[Examined]) -> str:
    """How often each code was found, in how many folders."""
    counts: Counter[tuple[str, Severity]] = Counter()
    folders: defaultdict[tuple[str, Severity], set[str]] = defaultdict(set)
    for each in examined:
        for finding in each.findings:
            counts[finding.code, finding.severity] += 1
            folders[finding.code, finding.severity].add(each.folder)
    rows = [
        f"| {code} | {severity} | {_TITLES.get(code, '')} | {counts[code, severity]} | {len(folders[code, severity])} |"
        for code, severity in sorted(counts, key=lambda key: (SEVERITIES.index(key[1]), key[0]))
    ]
    return "\n".join(["| code | severity | what | findings | folders |", "|---|---|---|--:|--:|", *rows])


def recall_table(judged: Judged) -> str:
    """How many labelled mistakes of each kind were found."""
    kinds = sorted({label.kind for label in (*judged.found, *judged.missed)})
    rows = [f"| {kind.replace('_', ' ')} | {judged.of_kind(kind)[1]} | {judged.of_kind(kind)[0]} |" for kind in kinds]
    every = len(judged.found) + len(judged.missed)
    total = f"| **all** | **{every}** | **{len(judged.found)}** |"
    alarms = f"Findings on places that are right: {len(judged.alarms)}."
    return "\n".join(["| labelled mistake | places | found |", "|---|--:|--:|", *rows, total, "", alarms])


def verdict_table(counts: Mapping[Severity, Counter[str]]) -> str:
    """How many findings of each severity are true, by the hand that read them."""
    head = "| severity | findings | read | true | false | unsure |"
    rows = [_verdict_row(severity, counts[severity]) for severity in SEVERITIES if counts[severity]]
    return "\n".join([head, "|---|--:|--:|--:|--:|--:|", *rows])


def _verdict_row(severity: Severity, counts: Counter[str]) -> str:
    read = counts.total() - counts[UNREAD]
    return f"| {severity} | {counts.total()} | {read} | {counts['true']} | {counts['false']} | {counts['unsure']} |"
