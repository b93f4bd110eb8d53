"""Values given to names, attributes, items, and to several of them at once."""

from __future__ import annotations

import ast

from tare.code.interpreter.frame import Frame
from tare.code.interpreter.operators import lifted
from tare.code.interpreter.syntax.changes.arrays import change, is_in_place
from tare.code.interpreter.syntax.changes.attributes import object_of, set_attribute, set_by_name
from tare.code.interpreter.syntax.changes.methods import set_item, set_slice
from tare.code.interpreter.syntax.making import note_constants
from tare.code.interpreter.syntax.subscripts import ends_of
from tare.code.interpreter.values import UNKNOWN, Call, Choice, Items, Literal, Table, Value, alternatives, named

#: Functions whose results are told apart by the names of the variables that get them.
_IN_PARTS = frozenset(("random_split", "load", "create_model_and_transforms", "create_model_from_pretrained"))


def bind(frame: Frame, target: ast.expr, value: Value) -> None:
    """Give a value to the target of an assignment."""
    if isinstance(target, ast.Name):
        bind_name(frame, target.id, value)
        if isinstance(value, Items):
            note_constants(frame, target, target.id, value)
    elif isinstance(target, ast.Attribute):
        set_attribute(frame, frame.run.engine.evaluate(frame, target.value), target.attr, value, target)
    elif isinstance(target, ast.Subscript):
        _item(frame, target, value)
    elif isinstance(target, ast.Tuple | ast.List):
        _several(frame, target, value)
    elif isinstance(target, ast.Starred):
        bind(frame, target.value, UNKNOWN)


def bind_name(frame: Frame, name: str, value: Value) -> None:
    """Give a value to a name, or to that of a function around this one."""
    if name in frame.names:
        frame.note_again(name)
    if name in frame.outer:
        names = next((each for each in frame.enclosing if name in each), None)
        if isinstance(names, dict):
            # Of a branch of this function the one around it knows nothing.
            names[name] = named(value, name) if not frame.arms and not frame.loops else UNKNOWN
            return
    frame.names[name] = named(value, name)


def _item(frame: Frame, target: ast.Subscript, value: Value) -> None:
    owner = frame.run.engine.evaluate(frame, target.value)
    if isinstance(target.slice, ast.Slice):
        ends = ends_of(frame, target.slice)
        frame.run.change(owner, lambda one: set_slice(one, ends, value) if isinstance(one, Items) else _of_mapping(one))
        _image(frame, target, owner)
        return
    key = frame.run.engine.evaluate(frame, target.slice)
    if isinstance(target.slice, ast.Constant):
        frame.note_again(f".{target.slice.value!s}")
    for _, one in alternatives(owner):
        whose = object_of(one)
        if whose is not None:
            set_by_name(frame, whose, key, value, target)
    if isinstance(key, Choice):
        frame.run.change(owner, lambda one: set_item(one, UNKNOWN, value))
    else:
        frame.run.change(owner, lambda one: set_item(one, key, value))
    _image(frame, target, owner)


def _of_mapping(value: Value) -> Value | None:
    return UNKNOWN if isinstance(value, Table) else None


def _image(frame: Frame, target: ast.Subscript, owner: Value) -> None:
    """A part of an image is changed, so its values are no longer those of the whole."""
    if not isinstance(owner, Call) or object_of(owner) is not None:
        return
    spot = frame.spot(target)
    frame.run.log.append(Call("set.item", (owner,), {}, spot, UNKNOWN, frame.decisions, frame.within, frame.run.entry))
    changed = Call("operator.changed", (owner,), {}, spot, UNKNOWN, frame.decisions, frame.within, frame.run.entry)
    change(frame, owner, changed)
    if isinstance(target.value, ast.Name):
        bind(frame, target.value, changed)


def _several(frame: Frame, target: ast.Tuple | ast.List, value: Value) -> None:
    count = len(target.elts)
    stars = [index for index, each in enumerate(target.elts) if isinstance(each, ast.Starred)]
    if stars:
        _with_rest(frame, target, value, stars[0])
        return
    for index, each in enumerate(target.elts):
        bind(frame, each, lifted(lambda one, index=index: _part(frame, one, index, count, target), value))


def _with_rest(frame: Frame, target: ast.Tuple | ast.List, value: Value, star: int) -> None:
    after = len(target.elts) - star - 1
    if not isinstance(value, Items) or len(value.items) < len(target.elts) - 1:
        for each in target.elts:
            bind(frame, each, UNKNOWN)
        return
    end = len(value.items) - after
    parts = [*value.items[:star], Items(value.items[star:end], frame.spot(target)), *value.items[end:]]
    for each, part in zip(target.elts, parts, strict=True):
        bind(frame, each.value if isinstance(each, ast.Starred) else each, part)


def _part(frame: Frame, value: Value, index: int, count: int, node: ast.AST) -> Value:
    if isinstance(value, Items):
        return value.items[index] if len(value.items) == count else UNKNOWN
    if value is UNKNOWN:
        return UNKNOWN
    spot = frame.spot(node)
    part = Call("operator.part", (value, Literal(index, spot)), {}, spot, UNKNOWN, frame.decisions, frame.within, frame.run.entry)
    if isinstance(value, Call) and value.last in _IN_PARTS:
        frame.run.log.append(part)
    return part


def name_in_place(frame: Frame, node: ast.expr, value: Call) -> None:
    """Give the name of a tensor what a statement such as ``x.sub_(mean).div_(std)`` returned, its ``value`` from now on."""
    target = node
    while isinstance(target, ast.Call) and isinstance(target.func, ast.Attribute) and is_in_place(target.func.attr):
        target = target.func.value
    if target is not node and isinstance(target, ast.Name) and value.function.startswith("."):
        bind(frame, target, value)
