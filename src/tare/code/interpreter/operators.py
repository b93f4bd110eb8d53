"""Arithmetic and comparison of constants."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Sequence
from typing import Any

from tare.code.interpreter.conditions import agree, united
from tare.code.interpreter.source import Spot
from tare.code.interpreter.values import (
    UNKNOWN,
    Call,
    Choice,
    Class,
    Function,
    Instance,
    Items,
    Library,
    Literal,
    Table,
    Value,
    joined,
)

#: The most characters of a text and items of a list that are made: what doubles line by line would take all memory.
LONGEST = 10_000
_LARGEST = 1e12

NAMES: dict[type[ast.operator], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.Pow: "**",
    ast.MatMult: "@",
    ast.BitOr: "|",
    ast.BitAnd: "&",
    ast.BitXor: "^",
    ast.LShift: "<<",
    ast.RShift: ">>",
}

_ACTS: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
    "**": operator.pow,
}
_COMPARED: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda one, other: one in other,
    ast.NotIn: lambda one, other: one not in other,
    ast.Is: lambda one, other: one is other,
    ast.IsNot: lambda one, other: one is not other,
}


def lifted(act: Callable[..., Value], *values: Value) -> Value:
    """``act`` on each combination of alternatives whose decisions agree."""
    if Choice not in map(type, values):
        return act(*values)
    combined: list[tuple[frozenset[Any], tuple[Value, ...]]] = [(frozenset(), ())]
    for value in values:
        if type(value) is not Choice:
            combined = [(before, (*chosen, value)) for before, chosen in combined]
            continue
        combined = [
            (united(before, decisions), (*chosen, each))
            for before, chosen in combined
            for decisions, each in value.options
            if agree(before, decisions)
        ][:144]
    return joined([(decisions, act(*chosen)) for decisions, chosen in combined])


def operated(act: Callable[[Value, Value], Value], left: Value, right: Value) -> Value:
    """What an operator gives, :func:`lifted`; each call that it makes knows the results beside it."""
    if type(left) is not Choice and type(right) is not Choice:
        return act(left, right)
    results: list[Value] = []

    def noted(one: Value, other: Value) -> Value:
        results.append(act(one, other))
        return results[-1]

    found = lifted(noted, left, right)
    for each in results if len(results) > 1 else ():
        if isinstance(each, Call):
            each.among = tuple(results)
    return found


def computed(symbol: str, left: Value, right: Value, spot: Spot) -> Value | None:
    """The result of arithmetic on constants, element by element for arrays; None if it is not about constants."""
    if isinstance(left, Literal) and isinstance(right, Literal):
        return _of_literals(symbol, left, right, spot)
    if isinstance(left, Items) and isinstance(right, Items):
        return _of_items(symbol, left, right, spot)
    if isinstance(left, Items) and isinstance(right, Literal):
        return _of_array(symbol, [(each, right) for each in left.items], left, right, spot)
    if isinstance(right, Items) and isinstance(left, Literal):
        return _of_array(symbol, [(left, each) for each in right.items], right, left, spot)
    return None


def _of_literals(symbol: str, left: Literal, right: Literal, spot: Spot) -> Value:
    act, one, other = _ACTS.get(symbol), left.value, right.value
    soft = left.soft or right.soft
    if act is None or not _bounded(symbol, one, other):
        return UNKNOWN
    try:
        return Literal(act(one, other), spot, soft)
    except Exception:
        return UNKNOWN


def _bounded(symbol: str, one: object, other: object) -> bool:
    if isinstance(one, str):
        return symbol == "+" and isinstance(other, str) and len(one) + len(other) < LONGEST
    numbers = [each for each in (one, other) if isinstance(each, int | float)]
    return len(numbers) == 2 and all(abs(each) < _LARGEST for each in numbers) and (symbol != "**" or abs(numbers[1]) < 64)


def _of_items(symbol: str, left: Items, right: Items, spot: Spot) -> Value | None:
    soft = left.soft or right.soft
    if "array" in (left.kind, right.kind):
        if len(left.items) != len(right.items):
            return None
        return _of_array(symbol, list(zip(left.items, right.items, strict=True)), left, right, spot)
    if symbol == "+" and len(left.items) + len(right.items) < LONGEST:
        return Items((*left.items, *right.items), spot, left.kind, soft)
    return None


def _of_array(
    symbol: str, pairs: Sequence[tuple[Value, Value]], array: Items, other: Items | Literal, spot: Spot
) -> Value | None:
    soft = array.soft or other.soft
    if array.kind == "array" or isinstance(other, Items):
        found = [computed(symbol, one, each, spot) or UNKNOWN for one, each in pairs]
        return Items(tuple(found), spot, "array", soft)
    times = other.value
    if symbol == "*" and isinstance(times, int) and 0 <= times * len(array.items) < 64:
        return Items(array.items * times, spot, array.kind, soft)
    return None


def compared(test: type[ast.cmpop], left: Value, right: Value) -> Literal | None:
    """Whether a comparison of constants holds; None if it cannot be told."""
    if (
        isinstance(right, Literal)
        and right.value is None
        and test in (ast.Is, ast.IsNot, ast.Eq, ast.NotEq)
        and is_something(left)
    ):
        return Literal(test in (ast.IsNot, ast.NotEq), None, is_soft(left))
    one, other = plain(left), plain(right)
    if one is NOT_PLAIN or other is NOT_PLAIN or test not in _COMPARED:
        return None
    try:
        return Literal(bool(_COMPARED[test](one, other)), None, is_soft(left) or is_soft(right))
    except Exception:
        return None


def is_something(value: Value) -> bool:
    """Whether a value is for certain not None: a list, an object, or what a class of a library makes."""
    if isinstance(value, Call):
        return value.last[:1].isupper()
    return isinstance(value, Items | Table | Function | Class | Instance | Library)


NOT_PLAIN = object()


def plain(value: Value) -> object:
    """The Python value of constants, lists of them as tuples; :data:`NOT_PLAIN` for anything else."""
    if isinstance(value, Literal):
        return value.value
    if isinstance(value, Items):
        items = tuple(plain(each) for each in value.items)
        return NOT_PLAIN if NOT_PLAIN in items else items
    return NOT_PLAIN


def is_soft(value: Value) -> bool:
    """Whether a constant is a default that somebody may replace."""
    if isinstance(value, Items):
        return value.soft or any(is_soft(each) for each in value.items)
    return isinstance(value, Literal) and value.soft


def truth(value: Value) -> bool | None:
    """Whether a value counts as true for certain; None if that cannot be told or may be changed by the user."""
    if isinstance(value, Choice):
        found = {truth(each) for _, each in value.options}
        return found.pop() if len(found) == 1 else None
    if isinstance(value, Literal):
        return None if value.soft else bool(value.value)
    return bool(value.items) if isinstance(value, Items) and not value.soft else None
