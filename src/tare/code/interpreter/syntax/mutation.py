"""Lists, dictionaries and tensors that a method changes: the name that holds them gets a new value."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from tare.code.interpreter.frame import Frame
from tare.code.interpreter.operators import NOT_PLAIN, lifted, plain
from tare.code.interpreter.syntax.patterns import bind
from tare.code.interpreter.values import UNKNOWN, Call, Items, Literal, Table, Value

_MOST = 256


def mutated(frame: Frame, node: ast.Call, args: Sequence[Value]) -> Value | None:
    """What ``names.append(x)`` and the like return, after the change; None if the call is no such method."""
    if not isinstance(node.func, ast.Attribute) or node.func.attr not in _METHODS:
        return None
    target, name = node.func.value, node.func.attr
    if not isinstance(target, ast.Name | ast.Attribute | ast.Subscript):
        return None
    owner = frame.run.engine.evaluate(frame, target)
    after = lifted(lambda one: _changed(one, name, args), owner)
    if after is UNKNOWN and not isinstance(owner, Items | Table):
        return None
    bind(frame, target, after)
    return Literal(None)


def _changed(owner: Value, name: str, args: Sequence[Value]) -> Value:
    if isinstance(owner, Table) and name == "update":
        return _updated(owner, args)
    if not isinstance(owner, Items) or name not in _LISTS or len(owner.items) > _MOST:
        return UNKNOWN
    items = _LISTS[name](owner.items, args)
    return UNKNOWN if items is None else replace(owner, items=items)


def _updated(owner: Table, args: Sequence[Value]) -> Value:
    other = args[0] if args else UNKNOWN
    if not isinstance(other, Table):
        return replace(owner, spread=True)
    entries: Mapping[object, Value] = {**owner.entries, **other.entries}
    return replace(owner, entries=entries, spread=owner.spread or other.spread)


_Items = tuple[Value, ...]


def _append(items: _Items, args: Sequence[Value]) -> _Items | None:
    return (*items, args[0]) if len(args) == 1 else None


def _extend(items: _Items, args: Sequence[Value]) -> _Items | None:
    return (*items, *args[0].items) if len(args) == 1 and isinstance(args[0], Items) else None


def _insert(items: _Items, args: Sequence[Value]) -> _Items | None:
    if len(args) != 2 or not isinstance(args[0], Literal) or not isinstance(args[0].value, int):
        return None
    changed = list(items)
    changed.insert(args[0].value, args[1])
    return tuple(changed)


def _remove(items: _Items, args: Sequence[Value]) -> _Items | None:
    values = [plain(each) for each in (*items, *args)]
    if len(args) != 1 or NOT_PLAIN in values:
        return None
    first = values.index(values[-1])
    return items[:first] + items[first + 1 :]


_LISTS: dict[str, Callable[[_Items, Sequence[Value]], _Items | None]] = {
    "append": _append,
    "extend": _extend,
    "insert": _insert,
    "pop": lambda items, args: items[:-1] if not args else None,
    "remove": _remove,
    "clear": lambda items, args: items[:0] if not args else None,
}
_METHODS = frozenset((*_LISTS, "update"))


#: Methods of tensors that end as those that change values do, and change none.
_HARMLESS = frozenset(("requires_grad_", "detach_", "share_memory_"))


def changed_in_place(frame: Frame, node: ast.expr, value: Value) -> None:
    """Give the name of a tensor what a statement such as ``x.sub_(mean).div_(std)`` returned, its ``value`` from now on."""
    target = node
    while isinstance(target, ast.Call) and isinstance(target.func, ast.Attribute) and _is_in_place(target.func.attr):
        target = target.func.value
    if target is not node and isinstance(target, ast.Name) and isinstance(value, Call) and value.function.startswith("."):
        bind(frame, target, value)


def _is_in_place(name: str) -> bool:
    return name.endswith("_") and not name.startswith("_") and name not in _HARMLESS
