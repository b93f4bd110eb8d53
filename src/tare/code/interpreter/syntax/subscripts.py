"""Items and slices of lists, dictionaries and images."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from tare.code.interpreter.conditions import Decisions, Number, of_test
from tare.code.interpreter.frame import Frame
from tare.code.interpreter.operators import lifted, plain
from tare.code.interpreter.syntax.making import made
from tare.code.interpreter.values import UNKNOWN, Call, Function, Instance, Items, Library, Literal, Table, Value, joined


def subscript(frame: Frame, node: ast.Subscript) -> Value:
    """An item or a slice; ``image[..., ::-1]`` stays a call with the text of the slice."""
    owner = frame.run.engine.evaluate(frame, node.value)
    if type(node.slice) not in _PLAIN and _has_slice(node.slice):
        return lifted(lambda one: _sliced(frame, one, node), owner)
    index = frame.run.engine.evaluate(frame, node.slice)
    return lifted(lambda one, key: item(frame, one, key, node), owner, index)


#: Indices that have no slice in them: a walk takes as long as all the rest.
_PLAIN = frozenset((ast.Constant, ast.Name))


@lru_cache(maxsize=256)
def _has_slice(node: ast.expr) -> bool:
    return any(isinstance(each, ast.Slice) for each in ast.walk(node))


def _sliced(frame: Frame, owner: Value, node: ast.Subscript) -> Value:
    if not isinstance(owner, Items) or not isinstance(node.slice, ast.Slice):
        text = ast.unparse(node.slice)[:80]
        return made(frame, "operator.slice", (owner, Literal(text, frame.spot(node))), node)
    ends = ends_of(frame, node.slice)
    return UNKNOWN if ends is None else Items(owner.items[ends], owner.spot, owner.kind, owner.soft)


def ends_of(frame: Frame, node: ast.Slice) -> slice | None:
    """The slice that constants make; None if its ends cannot be told."""
    ends = (node.lower, node.upper, node.step)
    found = [None if each is None else plain(frame.run.engine.evaluate(frame, each)) for each in ends]
    if any(not isinstance(each, int | None) for each in found) or found[2] == 0:
        return None
    return slice(*found)


def item(frame: Frame, owner: Value, key: Value, node: ast.AST) -> Value:
    """An item of a list or dictionary; of a dictionary under a key that is not known, any of its values."""
    if isinstance(owner, Table):
        return _entry(frame, owner, key, node)
    if isinstance(owner, Items):
        if isinstance(key, Literal) and isinstance(key.value, int) and -len(owner.items) <= key.value < len(owner.items):
            return owner.items[key.value]
        return UNKNOWN
    if isinstance(owner, Library) and owner.name.endswith(".__dict__") and isinstance(key, Literal):
        return Library(f"{owner.name.removesuffix('.__dict__')}.{key.value}")
    return made(frame, "operator.item", (owner, key), node)


def _entry(frame: Frame, owner: Table, key: Value, node: ast.AST) -> Value:
    if isinstance(key, Literal) and not key.soft:
        return owner.entries.get(key.value, UNKNOWN)
    if owner.spread or not owner.entries or not isinstance(node, ast.Subscript):
        return UNKNOWN
    from_key = of_key(node.slice, frame.scope, list(owner.entries), frame.number)
    return joined(list(zip(from_key, owner.entries.values(), strict=True)))


#: What gives the elements of what it is given, some of it with a number.
_ITERATORS = frozenset(("tqdm.tqdm", "tqdm.auto.tqdm", "builtins.iter"))


def element(frame: Frame, over: Value, node: ast.AST) -> Value:
    """An element of what a loop goes over: of a loader, the sample that the repository's own dataset gives."""
    if over is UNKNOWN:
        return UNKNOWN
    if isinstance(over, Call) and over.function == "builtins.enumerate" and over.args and _loaded(frame, over.args[0], node):
        return Items((UNKNOWN, element(frame, over.args[0], node)), None, "tuple")
    return _loaded(frame, over, node) or made(frame, "operator.element", (over,), node)


def _loaded(frame: Frame, over: Value, node: ast.AST) -> Value | None:
    """What ``__getitem__`` of the dataset of a DataLoader returns; the batches have the same values."""
    while isinstance(over, Call) and over.function in _ITERATORS and over.args:
        over = over.args[0]
    if not isinstance(over, Call) or over.last != "DataLoader" or "collate_fn" in over.keywords or over.spread:
        return None
    dataset = over.argument(0, "dataset")
    if not isinstance(dataset, Instance):
        return None
    engine, spot = frame.run.engine, frame.spot(node)
    act = engine.attribute(frame, dataset, "__getitem__", spot)
    return engine.call(frame, act, (UNKNOWN,), {}, spot) if isinstance(act, Function) else None


def of_key(node: ast.expr, scope: str, keys: Sequence[Any], number: Number) -> list[Decisions]:
    """The decisions under which an index that is not known is each of the keys."""
    tests = [ast.Compare(node, [ast.Eq()], [ast.Constant(key)]) for key in keys]
    return [of_test(test, scope, number)[0] for test in tests]


def got(frame: Frame, node: ast.Call, callee: Value, args: Sequence[Value]) -> Value | None:
    """``table.get(key)`` with a key that is not known: any of the values, each where the key is its own."""
    if not isinstance(callee, Call) or callee.function != "@get" or not isinstance(callee.receiver, Table) or not args:
        return None
    owner = callee.receiver
    if (isinstance(args[0], Literal) and not args[0].soft) or owner.spread or isinstance(node.args[0], ast.Starred):
        return None
    keys = of_key(node.args[0], frame.scope, list(owner.entries), frame.number)
    _, absent = of_test(_is_one_of(node.args[0], list(owner.entries)), frame.scope, frame.number)
    default = args[1] if len(args) > 1 else Literal(None, frame.spot(node))
    return joined([*zip(keys, owner.entries.values(), strict=True), (absent, default)])


def _is_one_of(node: ast.expr, keys: Sequence[Any]) -> ast.Compare:
    return ast.Compare(node, [ast.In()], [ast.Tuple([ast.Constant(key) for key in keys], ast.Load())])
