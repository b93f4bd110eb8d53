"""``tare.rule``: explain a finding by its code."""

from __future__ import annotations

from tare.checking.rules.rule import Rule
from tare.checking.rules.table import rule_named


def rule(code: str) -> Rule:
    """Return the rule of a code or name: title, story and examples. Raises :class:`tare.errors.SpecError` for another name."""
    return rule_named(code)
