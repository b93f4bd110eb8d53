"""What makes two findings the same, although lines were added above."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from tare.checking.repository.result import CodeFinding


class Identity(NamedTuple):
    """A finding without its line number: code, path and the source line with its blanks made single.

    Of a finding without a source line, as in a configuration, ``source`` is the message.
    """

    code: str
    path: str
    source: str


def identity(finding: CodeFinding) -> Identity:
    """The identity of one finding; findings on equal lines of one file share it."""
    return Identity(finding.code, finding.place.path, " ".join((finding.source or finding.message).split()))


def fingerprints(findings: Iterable[CodeFinding]) -> list[str]:
    """One hexadecimal SHA-256 a finding, all different: the second finding with the same identity counts as the second."""
    seen: Counter[Identity] = Counter()
    made = []
    for finding in findings:
        name = identity(finding)
        made.append(hashlib.sha256("\0".join((*name, str(seen[name]))).encode("utf-8", "surrogateescape")).hexdigest())
        seen[name] += 1
    return made
