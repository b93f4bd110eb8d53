"""The rules' codes and texts without the rules: loading those takes the numeric libraries.

``index.json`` is written by ``python -m benchmarks.rule_index``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tare.checking.rules.finding import Severity
from tare.errors import SpecError, did_you_mean

PATH = Path(__file__).with_name("index.json")


@dataclass(frozen=True, slots=True)
class RuleText:
    """What a rule says of itself, as :class:`tare.checking.rules.rule.Rule` has it."""

    code: str
    name: str
    severity: Severity
    title: str
    story: str
    wrong: str
    right: str


@cache
def index() -> dict[str, RuleText]:
    """The texts of all rules, by code."""
    document = json.loads(PATH.read_text(encoding="utf-8"))
    return {each["code"]: RuleText(**each) for each in document["rules"]}


def rule_text(name: str) -> RuleText:
    """The texts of the rule of a code or name. Raises :class:`SpecError` as :func:`tare.rule` does."""
    for rule in index().values():
        if name.upper() == rule.code or name == rule.name:
            return rule
    known = [word for rule in index().values() for word in (rule.code, rule.name)]
    raise SpecError("the code or name of a rule", f"{name!r}", did_you_mean(name, known, "see `tare rule`", cutoff=0.4))


def title_of(code: str) -> str:
    """The title of a rule; empty for a code that the index does not have."""
    known = index().get(code)
    return known.title if known is not None else ""


def check_code(text: str, where: str) -> str:
    """The code, or the beginning of codes, that a code or the name of a rule stands for.

    Raises :class:`SpecError` with the closest match where no rule has such a code or name.
    """
    names = {rule.name: code for code, rule in index().items()}
    code = names.get(text, text.upper())
    if not any(known.startswith(code) for known in index()):
        known_words = [*index(), *names]
        raise SpecError(f"codes or names of rules for {where}", repr(text), did_you_mean(text, known_words, "see `tare rule`"))
    return code
