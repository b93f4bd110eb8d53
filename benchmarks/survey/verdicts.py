"""Findings that were read by hand: a CSV file with ``folder``, ``code``, ``path``, ``cell``, ``line`` and ``verdict``."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.survey.examination import Examined
from tare.checking.rules.finding import SEVERITIES, Severity

UNREAD = "unread"
Key = tuple[str, str, str, int, int]


def read_verdicts(path: Path) -> dict[Key, str]:
    """What was said of each finding: ``true``, ``false`` or ``unsure``."""
    with path.open(newline="", encoding="utf-8") as lines:
        return {_key(row): row["verdict"] for row in csv.DictReader(lines)}


def counted(examined: Sequence[Examined], verdicts: Mapping[Key, str]) -> dict[Severity, Counter[str]]:
    """How many findings of each severity got which verdict; a finding that nobody read counts as ``unread``."""
    counts: dict[Severity, Counter[str]] = {severity: Counter() for severity in SEVERITIES}
    for each in examined:
        for finding in each.findings:
            key = (each.folder, finding.code, finding.place.path, finding.place.cell, finding.place.line)
            counts[finding.severity][verdicts.get(key, UNREAD)] += 1
    return counts


def _key(row: Mapping[str, str]) -> Key:
    return row["folder"], row["code"], row["path"], int(row["cell"]), int(row["line"])
