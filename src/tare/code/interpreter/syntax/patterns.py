"""Values given to names, attributes, items, and to several of them at once."""

from __future__ import annotations

import ast
from dataclasses import replace

from tare.code.interpreter.frame import Frame
from tare.code.interpreter.operators import lifted
from tare.code.interpreter.values import UNKNOWN, Call, Instance, Items, Literal, Table, Value, named

#: Functions whose results are told apart by the names of the variables that get them.
_IN_PARTS = frozenset(("random_split", "load", "create_model_and_transforms", "create_model_from_pretrained"))


def bind(frame: Frame, target: ast.expr, value: Value) -> None:
    """Give a value to the target of an assignment."""
    if isinstance(target, ast.Name):
        frame.names[target.id] = named(value, target.id)
        if isinstance(value, Items):
            note_constants(frame, target, target.id, value)
    elif isinstance(target, ast.Attribute):
        _attribute(frame, target, value)
    elif isinstance(target, ast.Subscript):
        _item(frame, target, value)
    elif isinstance(target, ast.Tuple | ast.List):
        _several(frame, target, value)
    elif isinstance(target, ast.Starred):
        bind(frame, target.value, UNKNOWN)


def note_constants(frame: Frame, target: ast.AST, name: str, value: Value) -> None:
    """Enter a list of three constants that is called a mean or std in the log."""
    if not isinstance(value, Items) or len(value.items) != 3 or not ("mean" in name.lower() or "std" in name.lower()):
        return
    call = Call("set.constants", (value,), {}, frame.spot(target), UNKNOWN, frame.decisions, frame.within, frame.run.entry)
    call.names.append(name)
    frame.run.log.append(call)


def _attribute(frame: Frame, target: ast.Attribute, value: Value) -> None:
    owner = frame.run.engine.evaluate(frame, target.value)
    if isinstance(owner, Instance):
        frame.run.heap.write((owner.key, target.attr), named(value, target.attr))
        note_constants(frame, target, target.attr, value)
        return
    named(value, target.attr)
    if frame.run.interesting(target.attr):
        frame.run.log.append(
            Call(f"set.{target.attr}", (value,), {}, frame.spot(target), owner, frame.decisions, frame.within, frame.run.entry)
        )


def _item(frame: Frame, target: ast.Subscript, value: Value) -> None:
    owner = frame.run.engine.evaluate(frame, target.value)
    key = frame.run.engine.evaluate(frame, target.slice)
    if isinstance(owner, Table) and isinstance(key, Literal) and isinstance(key.value, str | int):
        entries = {**owner.entries, key.value: named(value, str(key.value))}
        bind(frame, target.value, replace(owner, entries=entries))
    elif isinstance(owner, Table):
        bind(frame, target.value, replace(owner, spread=True))
    elif isinstance(owner, Items):
        bind(frame, target.value, UNKNOWN)
    elif isinstance(owner, Call):  # a part of an image is changed, so its values are no longer those of the whole
        spot = frame.spot(target)
        frame.run.log.append(Call("set.item", (owner,), {}, spot, UNKNOWN, frame.decisions, frame.within, frame.run.entry))
        if isinstance(target.value, ast.Name):
            changed = Call("operator.changed", (owner,), {}, spot, UNKNOWN, frame.decisions, frame.within, frame.run.entry)
            bind(frame, target.value, changed)


def _several(frame: Frame, target: ast.Tuple | ast.List, value: Value) -> None:
    count = len(target.elts)
    stars = [index for index, each in enumerate(target.elts) if isinstance(each, ast.Starred)]
    if stars:
        for each in target.elts:
            bind(frame, each, UNKNOWN)
        return
    for index, each in enumerate(target.elts):
        bind(frame, each, lifted(lambda one, index=index: _part(frame, one, index, count, target), value))


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
