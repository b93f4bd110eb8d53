"""Branches: what must hold for a value to be the one that is used."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class Condition:
    """``subject`` is one of ``values``, or is none of them if ``holds`` is false."""

    subject: str
    values: frozenset[object]
    holds: bool

    def __str__(self) -> str:
        """The condition as a person writes it, such as ``model == 'vit'``."""
        text = self.subject.partition("::")[2]
        if self.values == {True}:
            return text if self.holds else f"not {text}"
        listed = " or ".join(repr(value) for value in sorted(self.values, key=repr))
        return f"{text} {'==' if self.holds else '!='} {listed}"


Decisions = frozenset[Condition]
ALWAYS: Decisions = frozenset()


def agree(one: Decisions, other: Decisions, *more: Decisions) -> bool:
    """Whether all decisions can hold in one run of the program; each of them is taken to be possible by itself."""
    if more:
        return agree(one, other) and agree(one | other, *more)
    return not one or not other or one is other or _both(one, other)


@lru_cache(maxsize=65_536)
def _both(one: Decisions, other: Decisions) -> bool:
    if one <= other or other <= one:
        return True
    first, second = _by_subject(one), _by_subject(other)
    if len(second) < len(first):
        first, second = second, first
    for subject, conditions in first.items():
        others = second.get(subject)
        if others is not None and conditions != others and not _possible((*conditions, *others)):
            return False
    return True


@lru_cache(maxsize=65_536)
def united(one: Decisions, other: Decisions) -> Decisions:
    """The decisions of both; one object for the same two, of which there are many."""
    return one if other <= one else one | other


@lru_cache(maxsize=32_768)
def _by_subject(decisions: Decisions) -> dict[str, list[Condition]]:
    found: dict[str, list[Condition]] = {}
    for each in decisions:
        found.setdefault(each.subject, []).append(each)
    return found


def _possible(conditions: Sequence[Condition]) -> bool:
    allowed = [each.values for each in conditions if each.holds]
    if not allowed:
        return True
    excluded = frozenset().union(*(each.values for each in conditions if not each.holds))
    return bool(frozenset.intersection(*allowed) - excluded)


#: What tells a subject apart from another one of the same text.
Number = Callable[[ast.expr], str]


def _first(subject: ast.expr) -> str:
    del subject
    return ""


def of_test(test: ast.expr, scope: str, number: Number = _first) -> tuple[Decisions, Decisions]:
    """What holds where a test is true, and where it is false.

    ``x == "a"``, ``x in ("a", "b")`` and ``x == "a" or x == "b"`` are conditions on ``x``, so that a later test of ``x`` can
    agree or not. Any other test is a condition on its own text. ``number`` tells subjects apart that have the same text and
    other values, as ``x`` has after another assignment.
    """
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        yes, no = of_test(test.operand, scope, number)
        return no, yes
    if isinstance(test, ast.BoolOp):
        return _joined(test, scope, number)
    node, values, holds = _compared(test)
    subject = _subject(node, scope, number)
    return frozenset([_condition(subject, values, holds)]), frozenset([_condition(subject, values, not holds)])


@lru_cache(maxsize=65_536)
def _condition(subject: str, values: frozenset[object], holds: bool) -> Condition:
    """One object for equal conditions: sets compare it fast."""
    return Condition(subject, values, holds)


def _subject(node: ast.expr, scope: str, number: Number) -> str:
    return f"{scope}{number(node)}::{_text(node)}"


def _joined(test: ast.BoolOp, scope: str, number: Number) -> tuple[Decisions, Decisions]:
    parts = [of_test(each, scope, number) for each in test.values]
    if isinstance(test.op, ast.And):
        return _united(yes for yes, _ in parts), _opaque(test, scope, number, holds=False)
    no = _united(each for _, each in parts)
    conditions = [next(iter(yes)) for yes, _ in parts if len(yes) == 1]
    subjects = {each.subject for each in conditions}
    if len(conditions) == len(parts) and len(subjects) == 1 and all(each.holds for each in conditions):
        values = frozenset().union(*(each.values for each in conditions))
        return frozenset([Condition(subjects.pop(), values, True)]), no
    return _opaque(test, scope, number, holds=True), no


def _united(several: Iterable[Decisions]) -> Decisions:
    return frozenset().union(*several)


def _opaque(test: ast.expr, scope: str, number: Number, *, holds: bool) -> Decisions:
    return frozenset([Condition(_subject(test, scope, number), frozenset([True]), holds)])


def _compared(test: ast.expr) -> tuple[ast.expr, frozenset[object], bool]:
    if isinstance(test, ast.Compare) and len(test.ops) == 1:
        operator, values = test.ops[0], _literals(test.comparators[0])
        if values is not None and isinstance(operator, ast.Eq | ast.In | ast.Is):
            return test.left, values, True
        if values is not None and isinstance(operator, ast.NotEq | ast.NotIn | ast.IsNot):
            return test.left, values, False
    return test, frozenset([True]), True


def _literals(node: ast.expr) -> frozenset[object] | None:
    if isinstance(node, ast.Constant):
        return frozenset([node.value])
    if isinstance(node, ast.List | ast.Tuple | ast.Set) and all(isinstance(each, ast.Constant) for each in node.elts):
        return frozenset(each.value for each in node.elts if isinstance(each, ast.Constant))
    return None


def _text(node: ast.expr) -> str:
    try:
        return ast.unparse(node)[:200]
    except (RecursionError, ValueError):
        return f"<{id(node)}>"


def let_go() -> None:
    """Keep no condition any longer: each names its file, so that those of other files are never equal."""
    _both.cache_clear()
    _by_subject.cache_clear()
    united.cache_clear()
    _condition.cache_clear()
