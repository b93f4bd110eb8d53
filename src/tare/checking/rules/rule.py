"""A rule: a stable code, its story, and the pure function that says what is wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from tare.checking.rules.evidence import Evidence
from tare.checking.rules.finding import Finding, Severity


class Said(NamedTuple):
    """What a rule has to say: the numbers seen, what to do about it, and where."""

    message: str
    remedy: str
    where: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. ``story`` tells what happens and why it goes unnoticed; ``wrong`` and ``right`` are examples in code."""

    code: str
    name: str
    severity: Severity
    title: str
    check: Callable[[Evidence], Iterator[Said]]
    story: str
    wrong: str
    right: str

    def findings(self, evidence: Evidence) -> Iterator[Finding]:
        """What the rule finds in the evidence."""
        for said in self.check(evidence):
            yield Finding(self.code, self.severity, said.message, said.remedy, said.where)
