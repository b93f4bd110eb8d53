"""A rule: a stable code, its documentation, and the pure function that finds what is wrong."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from tare.checking.rules.evidence import Evidence
from tare.checking.rules.finding import Finding, Fix, Severity

#: Code that several examples share.
NORMALIZE = "v2.Normalize(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))"
TO_FLOAT = "v2.ToDtype(torch.float32, scale=True)"


class Problem(NamedTuple):
    """What a rule found: the numbers seen, what to do about it, where, and the changes that a program can make."""

    message: str
    remedy: str
    where: str = ""
    fix: tuple[Fix, ...] = ()


Check = Callable[[Evidence], Iterator[Problem]]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. ``story`` says what happens and why it stays unnoticed; ``wrong`` and ``right`` are examples in code."""

    code: str
    name: str
    severity: Severity
    title: str
    check: Check
    story: str
    wrong: str
    right: str

    def findings(self, evidence: Evidence) -> Iterator[Finding]:
        """What the rule finds in the evidence."""
        for found in self.check(evidence):
            yield Finding(self.code, self.severity, found.message, found.remedy, found.where, found.fix)


def rule(code: str, name: str, severity: Severity, *, wrong: str, right: str) -> Callable[[Check], Rule]:
    """Make a rule of a function that yields the problems in the evidence.

    The function's docstring is what ``tare rule CODE`` shows: its first line, without the full stop, is the title, and the
    paragraph after it is the story.
    """

    def documented(check: Check) -> Rule:
        title, _, story = (inspect.getdoc(check) or "").partition("\n\n")
        return Rule(code, name, severity, title.removesuffix("."), check, " ".join(story.split()), wrong, right)

    return documented
