"""Changes of code that nobody has to decide: those that make one call right and leave all other uses of a value as they are.

A number that stands in the call itself is changed there. A list that stands behind a name is changed where it is written only if
the name says what the list should be, and every reader of the name normalises with it, so that all of them want the change.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from tare.checking.repository.readers import is_for_normalising
from tare.checking.repository.result import Edit
from tare.checking.repository.touched import list_may_change
from tare.code.interpreter.source import Source, Spot
from tare.code.interpreter.values import Call, Items, Literal, Value

_SAYS = {
    "mean": re.compile(r"mean|avg|average|(?<![a-z])(mu|m)(?![a-z])", re.I),
    "std": re.compile(r"std|stdev|deviation|sigma|(?<![a-z])(sd|s)(?![a-z])", re.I),
}
_SQUARED = re.compile(r"sq|var|pow|(?<![0-9])2(?![0-9])", re.I)


def of_part(spot: Spot | None, wanted: str, around: Iterable[Spot | None]) -> tuple[Edit, ...]:
    """Write ``wanted`` for a part of one of ``around``, a call or a list; none for what stands elsewhere, behind a name."""
    if spot is None or not any(each is not None and _within(spot, each) for each in around):
        return ()
    return (Edit(spot.place, wanted),)


def of_list(value: Value | None, which: str, wanted: str, call: Call, sources: Sequence[Source]) -> tuple[Edit, ...]:
    """Write ``wanted`` for a list in the call, or behind a name that says that it is the ``which`` to all of its readers."""
    spot = _list_of(value)
    if spot is None or list_may_change(spot, call.spot.source):
        return ()
    if not _within(spot, call.spot) and (says(value) != which or not is_for_normalising(spot, sources)):
        return ()
    left, right = ("[", "]") if isinstance(spot.node, ast.List) else ("(", ")")
    return (Edit(spot.place, f"{left}{wanted}{right}"),)


def exchanged(call: Call, means: Value | None, stds: Value | None, sources: Sequence[Source]) -> tuple[Edit, ...]:
    """Exchange what the call gets as mean and std: its own lists or names; lists elsewhere where their names say the contrary."""
    one, other = _list_of(means), _list_of(stds)
    if one is None or other is None or one.place == other.place:
        return ()
    if list_may_change(one, call.spot.source) or list_may_change(other, call.spot.source):
        return ()
    if _within(one, call.spot) and _within(other, call.spot):
        return _swapped(one, other)
    if (says(means), says(stds)) == ("mean", "std"):
        # A name that stands in one list may be unknown where the other one is written.
        is_certain = all(_is_of_numbers(each) and is_for_normalising(each, sources) for each in (one, other))
        return _swapped(one, other) if is_certain else ()
    given = [_argument(call, value) for value in (means, stds)]
    if given[0] is None or given[1] is None:
        return ()
    return _swapped(given[0], given[1])


def same_function(one: Spot, other: Spot) -> bool:
    """Whether two parts of a file lie in the same function, or both in none, so that no other caller comes between."""
    if one.source.path != other.source.path:
        return False
    around = _functions(one.source.tree)
    return around.get(id(one.node), one) is around.get(id(other.node), other)


@lru_cache(maxsize=2)
def _functions(tree: ast.Module) -> dict[int, ast.AST | None]:
    """The innermost function around each part of a file, by identity."""
    found: dict[int, ast.AST | None] = {}
    left: list[tuple[ast.AST, ast.AST | None]] = [(tree, None)]
    while left:
        node, around = left.pop()
        found[id(node)] = around
        inside = node if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) else around
        left += [(each, inside) for each in ast.iter_child_nodes(node)]
    return found


def says(value: Value | None) -> str:
    """What the name of a value says that it is: ``mean``, ``std``, or "" if nothing, both, or the square of one."""
    name = value.name if isinstance(value, Items | Literal) else ""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])|_", " ", name)
    found = [which for which, pattern in _SAYS.items() if pattern.search(words)]
    return found[0] if len(found) == 1 and not _SQUARED.search(words) else ""


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


def _is_of_numbers(written: Spot) -> bool:
    known = ast.List | ast.Tuple | ast.Constant | ast.UnaryOp | ast.BinOp | ast.operator | ast.unaryop | ast.expr_context
    return all(isinstance(each, known) for each in ast.walk(written.node))


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
