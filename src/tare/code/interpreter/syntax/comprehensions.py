"""Lists and dictionaries made in a loop within an expression."""

from __future__ import annotations

import ast

from tare.code.interpreter.frame import Frame
from tare.code.interpreter.operators import lifted
from tare.code.interpreter.syntax.making import made
from tare.code.interpreter.syntax.patterns import bind
from tare.code.interpreter.values import UNKNOWN, Items, Literal, Table, Value, named

_MOST_ITEMS = 256


def comprehension(frame: Frame, node: ast.ListComp | ast.GeneratorExp | ast.SetComp) -> Value:
    """The list of a comprehension over known items; over anything else, what is made of each item."""
    if len(node.generators) != 1:
        return UNKNOWN
    generator = node.generators[0]
    over = frame.run.engine.evaluate(frame, generator.iter)
    saved = dict(frame.names)

    def act(items: Value) -> Value:
        if not isinstance(items, Items) or generator.ifs or len(items.items) > _MOST_ITEMS:
            bind(frame, generator.target, UNKNOWN)
            return made(frame, "operator.each", (frame.run.engine.evaluate(frame, node.elt),), node)
        found = [_element(frame, generator.target, each, node.elt) for each in items.items]
        return Items(tuple(found), frame.spot(node), "list", items.soft)

    result = lifted(act, over)
    frame.names.clear()
    frame.names.update(saved)
    return result


def _element(frame: Frame, target: ast.expr, value: Value, body: ast.expr) -> Value:
    bind(frame, target, value)
    return frame.run.engine.evaluate(frame, body)


def dict_comprehension(frame: Frame, node: ast.DictComp) -> Value:
    """The dictionary of a comprehension over known items."""
    generator = node.generators[0]
    over = frame.run.engine.evaluate(frame, generator.iter)
    if len(node.generators) != 1 or generator.ifs or not isinstance(over, Items):
        return UNKNOWN
    saved, entries = dict(frame.names), {}
    for each in over.items[:_MOST_ITEMS]:
        bind(frame, generator.target, each)
        key = frame.run.engine.evaluate(frame, node.key)
        value = frame.run.engine.evaluate(frame, node.value)
        if not isinstance(key, Literal) or not isinstance(key.value, str | int):
            return UNKNOWN
        entries[key.value] = named(value, str(key.value))
    frame.names.clear()
    frame.names.update(saved)
    return Table({**entries}, frame.spot(node))
