"""Changes of code that nobody has to decide: those that make one call right and leave all other uses of a value as they are.

A number that stands in the call itself is changed there. A list that stands behind a name is changed where it is written only if
the name says what the list should be, so that every reader of the name wants the change.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable

from tare.checking.repository.result import Edit
from tare.checking.repository.touched import list_may_change
from tare.code.interpreter.source import Spot
from tare.code.interpreter.values import Call, Items, Literal, Value

_SAYS = {
    "mean": re.compile(r"mean|avg|average|(?<![a-z])(mu|m)(?![a-z])", re.I),
    "std": re.compile(r"std|stdev|deviation|sigma|(?<![a-z])(sd|s)(?![a-z])", re.I),
}


def of_part(spot: Spot | None, wanted: str, around: Iterable[Spot | None]) -> tuple[Edit, ...]:
    """Write ``wanted`` for a part of one of ``around``, a call or a list; none for what stands elsewhere, behind a name."""
    if spot is None or not any(each is not None and _within(spot, each) for each in around):
        return ()
    return (Edit(spot.place, wanted),)


def of_list(value: Value | None, which: str, wanted: str, call: Call) -> tuple[Edit, ...]:
    """Write ``wanted`` for a list in the call, or behind a name that says that it is the ``which``."""
    spot = _list_of(value)
    if spot is None or not (_within(spot, call.spot) or says(value) == which) or list_may_change(spot, call.spot.source):
        return ()
    left, right = ("[", "]") if isinstance(spot.node, ast.List) else ("(", ")")
    return (Edit(spot.place, f"{left}{wanted}{right}"),)


def exchanged(call: Call, means: Value | None, stds: Value | None) -> tuple[Edit, ...]:
    """Exchange what the call gets as mean and std: its own lists or names; lists elsewhere where their names say the contrary."""
    one, other = _list_of(means), _list_of(stds)
    if one is None or other is None or one.place == other.place:
        return ()
    if list_may_change(one, call.spot.source) or list_may_change(other, call.spot.source):
        return ()
    if (says(means), says(stds)) == ("mean", "std") or (_within(one, call.spot) and _within(other, call.spot)):
        return _swapped(one, other)
    given = [_argument(call, value) for value in (means, stds)]
    if given[0] is None or given[1] is None:
        return ()
    return _swapped(given[0], given[1])


def same_function(one: Spot, other: Spot) -> bool:
    """Whether two parts of a file lie in the same function, or both in none, so that no other caller comes between."""
    if one.source.path != other.source.path:
        return False
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
    around = [
        [node for node in ast.walk(one.source.tree) if isinstance(node, kinds) and _within(each, Spot(one.source, node))]
        for each in (one, other)
    ]
    return around[0] == around[1]


def says(value: Value | None) -> str:
    """What the name of a value says that it is: ``mean``, ``std``, or "" if nothing or both."""
    name = value.name if isinstance(value, Items | Literal) else ""
    found = [which for which, pattern in _SAYS.items() if pattern.search(re.sub(r"(?<=[a-z])(?=[A-Z])|_", " ", name))]
    return found[0] if len(found) == 1 else ""


def _list_of(value: Value | None) -> Spot | None:
    """Where a list or tuple is written, if it is written as one."""
    spot = value.spot if isinstance(value, Items) else None
    return spot if spot is not None and isinstance(spot.node, ast.List | ast.Tuple) else None


def _argument(call: Call, value: Value | None) -> Spot | None:
    """The argument of the call that is the name of a value."""
    name, node = value.name if isinstance(value, Items) else "", call.spot.node
    if not name or not isinstance(node, ast.Call):
        return None
    given = [*node.args, *(each.value for each in node.keywords)]
    found = [each for each in given if (isinstance(each, ast.Name) and each.id == name) or _attribute(each) == name]
    return Spot(call.spot.source, found[0]) if len(found) == 1 else None


def _attribute(node: ast.AST) -> str:
    return node.attr if isinstance(node, ast.Attribute) else ""


def _swapped(one: Spot, other: Spot) -> tuple[Edit, ...]:
    texts = [ast.unparse(each.node) for each in (one, other) if isinstance(each.node, ast.expr)]
    return (Edit(one.place, texts[1]), Edit(other.place, texts[0]))


def _within(inner: Spot, outer: Spot) -> bool:
    """Whether a part of a file lies inside another one."""
    if inner.source.path != outer.source.path:
        return False
    (first, last), (start, end) = (_ends(each.node) for each in (inner, outer))
    return start <= first and last <= end


def _ends(node: ast.AST) -> tuple[tuple[int, int], tuple[int, int]]:
    first = getattr(node, "lineno", 0), getattr(node, "col_offset", 0)
    return first, (getattr(node, "end_lineno", None) or first[0], getattr(node, "end_col_offset", None) or first[1])
