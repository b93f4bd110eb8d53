"""Lists and dictionaries that a method, an assignment to an item or ``del`` changes in place."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from tare.code.interpreter.frame import Frame
from tare.code.interpreter.operators import NOT_PLAIN, plain
from tare.code.interpreter.values import UNKNOWN, Entries, Items, Literal, Table, Value, named

_MOST = 256
_Items = tuple[Value, ...]
Args = Sequence[Value]
Keywords = Mapping[str, Value]


def of_container(
    frame: Frame, owner: Items | Table, name: str, args: Args, keywords: Keywords, *, spread: bool = False
) -> Value | None:
    """What ``names.append(x)`` and the like return, after the change; None if the method changes nothing."""
    known = _TABLES if isinstance(owner, Table) else _SETS if owner.kind == "set" else _LISTS if owner.kind == "list" else {}
    act = known.get(name)
    if act is None:
        return None
    after, result = (UNKNOWN, UNKNOWN) if spread else act(owner, args, keywords)
    frame.run.change(owner, lambda _: after)
    return result


def set_item(owner: Value, key: Value, value: Value) -> Value | None:
    """A list or dictionary after ``owner[key] = value``; None for anything else."""
    if isinstance(owner, Table):
        if isinstance(key, Literal) and isinstance(key.value, str | int):
            return replace(owner, entries={**owner.entries, key.value: named(value, str(key.value))})
        return replace(owner, entries={}, spread=True)
    if not isinstance(owner, Items):
        return None
    index = _index(owner, key)
    return UNKNOWN if index is None else replace(owner, items=(*owner.items[:index], value, *owner.items[index + 1 :]))


def set_slice(owner: Items, ends: slice | None, value: Value) -> Value:
    """A list or array after ``owner[a:b:c] = value``."""
    if ends is None or not isinstance(value, Items):
        return UNKNOWN
    items = list(owner.items)
    if owner.kind == "array" and len(items[ends]) != len(value.items):
        return UNKNOWN
    try:
        items[ends] = value.items
    except ValueError:
        return UNKNOWN
    return replace(owner, items=tuple(items)) if len(items) <= _MOST else UNKNOWN


def without(owner: Value, key: Value | slice | None) -> Value | None:
    """A list or dictionary after ``del owner[key]``, where the key may be a slice; None for anything else."""
    if isinstance(owner, Table):
        if isinstance(key, Literal):
            return replace(owner, entries={name: each for name, each in owner.entries.items() if name != key.value})
        return replace(owner, entries={}, spread=True)
    if not isinstance(owner, Items):
        return None
    items = list(owner.items)
    if isinstance(key, slice):
        del items[key]
        return replace(owner, items=tuple(items))
    index = None if key is None else _index(owner, key)
    return UNKNOWN if index is None else replace(owner, items=owner.items[:index] + owner.items[index + 1 :])


def merged(entries: Entries, spread: bool, other: Value) -> tuple[Entries, bool]:
    """Entries with those of another mapping on top: what is not known of it may be a new value of any entry before it."""
    if isinstance(other, Table):
        return ({**other.entries}, True) if other.spread else ({**entries, **other.entries}, spread)
    pairs = _pairs(other)
    return ({}, True) if pairs is None else ({**entries, **pairs}, spread)


def _pairs(value: Value) -> Entries | None:
    """The entries in a list of keys and values; None if any cannot be told."""
    found: dict[Any, Value] = {}
    for each in value.items if isinstance(value, Items) else (UNKNOWN,):
        if not isinstance(each, Items) or len(each.items) != 2:
            return None
        key = each.items[0]
        if not isinstance(key, Literal) or not isinstance(key.value, str | int):
            return None
        found[key.value] = named(each.items[1], str(key.value))
    return found


def _index(owner: Items, key: Value) -> int | None:
    """The place in a list that a constant means; None if it cannot be told."""
    if not isinstance(key, Literal) or not isinstance(key.value, int) or not -len(owner.items) <= key.value < len(owner.items):
        return None
    return key.value % len(owner.items)


_Result = tuple[Value, Value]
_NONE = Literal(None)


def _list_method(act: Callable[[_Items, Args], _Items | None]) -> Callable[[Any, Args, Keywords], _Result]:
    """A method that returns nothing, by what it makes of the items; None where that cannot be told."""

    def changed(owner: Items, args: Args, keywords: Keywords) -> _Result:
        items = None if keywords or len(owner.items) > _MOST else act(owner.items, args)
        return UNKNOWN if items is None else replace(owner, items=items), _NONE

    return changed


def _append(items: _Items, args: Args) -> _Items | None:
    return (*items, args[0]) if len(args) == 1 else None


def _extend(items: _Items, args: Args) -> _Items | None:
    return (*items, *args[0].items) if len(args) == 1 and isinstance(args[0], Items) else None


def _insert(items: _Items, args: Args) -> _Items | None:
    if len(args) != 2 or not isinstance(args[0], Literal) or not isinstance(args[0].value, int):
        return None
    changed = list(items)
    changed.insert(args[0].value, args[1])
    return tuple(changed)


def _remove(items: _Items, args: Args) -> _Items | None:
    same = [index for index, each in enumerate(items) if args and each is args[0]]
    values = [plain(each) for each in (*items, *args)]
    if len(args) != 1 or (NOT_PLAIN in values and not same):
        return None
    first = same[0] if same else values.index(values[-1])
    return items[:first] + items[first + 1 :]


def _popped(owner: Items, args: Args, keywords: Keywords) -> _Result:
    del keywords
    index = _index(owner, args[0] if args else Literal(-1))
    if index is None:
        return UNKNOWN, UNKNOWN
    return replace(owner, items=owner.items[:index] + owner.items[index + 1 :]), owner.items[index]


def _sorted(owner: Items, args: Args, keywords: Keywords) -> _Result:
    del args
    values = [plain(each) for each in owner.items]
    backwards = keywords.get("reverse", Literal(False))
    if NOT_PLAIN in values or set(keywords) - {"reverse"} or not isinstance(backwards, Literal):
        return UNKNOWN, _NONE
    try:
        order = sorted(range(len(values)), key=lambda index: values[index], reverse=bool(backwards.value))  # type: ignore[arg-type, return-value]
    except TypeError:
        return UNKNOWN, _NONE
    return replace(owner, items=tuple(owner.items[index] for index in order)), _NONE


def _updated(owner: Table, args: Args, keywords: Keywords) -> _Result:
    entries, spread = owner.entries, owner.spread
    for each in args:
        entries, spread = merged(entries, spread, each)
    return replace(owner, entries={**entries, **keywords}, spread=spread), _NONE


def _with_default(owner: Table, args: Args, keywords: Keywords) -> _Result:
    del keywords
    key, value = args[0] if args else UNKNOWN, args[1] if len(args) > 1 else _NONE
    if not isinstance(key, Literal):
        return replace(owner, entries={}, spread=True), UNKNOWN
    if key.value in owner.entries:
        return owner, owner.entries[key.value]
    if owner.spread:
        return owner, UNKNOWN
    return set_item(owner, key, value) or owner, value


def _taken(owner: Table, args: Args, keywords: Keywords) -> _Result:
    del keywords
    key = args[0] if args else UNKNOWN
    if not isinstance(key, Literal):
        return replace(owner, entries={}, spread=True), UNKNOWN
    default = UNKNOWN if owner.spread or len(args) < 2 else args[1]
    return without(owner, key) or owner, owner.entries.get(key.value, default)


def _last_taken(owner: Table, args: Args, keywords: Keywords) -> _Result:
    del args, keywords
    return replace(owner, entries={}, spread=True), UNKNOWN


_Method = Callable[[Any, Args, Keywords], _Result]


def _untold(owner: Items, args: Args, keywords: Keywords) -> _Result:
    del owner, args, keywords
    return UNKNOWN, UNKNOWN


def _emptied(owner: Table, args: Args, keywords: Keywords) -> _Result:
    del args, keywords
    return replace(owner, entries={}, spread=False), _NONE


_CLEAR = _list_method(lambda items, args: items[:0] if not args else None)
_LISTS: dict[str, _Method] = {
    "append": _list_method(_append),
    "extend": _list_method(_extend),
    "insert": _list_method(_insert),
    "remove": _list_method(_remove),
    "clear": _CLEAR,
    "reverse": _list_method(lambda items, args: items[::-1] if not args else None),
    "pop": _popped,
    "sort": _sorted,
}
_SETS: dict[str, _Method] = {
    "add": _list_method(_append),
    "update": _list_method(_extend),
    "clear": _CLEAR,
    "remove": _list_method(_remove),
    **dict.fromkeys(("discard", "pop", "intersection_update", "difference_update", "symmetric_difference_update"), _untold),
}
_TABLES: dict[str, _Method] = {
    "update": _updated,
    "setdefault": _with_default,
    "pop": _taken,
    "popitem": _last_taken,
    "clear": _emptied,
}
