"""Import statements: modules, their names, and all names of a module at once."""

from __future__ import annotations

import ast
from collections.abc import Mapping

from tare.code.interpreter.frame import Frame
from tare.code.interpreter.values import UNKNOWN, Items, Library, Literal, ModuleOf, Value, alternatives, joined

_ALL = "__all__"


def imported(frame: Frame, node: ast.Import) -> None:
    """Carry out ``import a.b`` or ``import a.b as c``."""
    for each in node.names:
        name = each.name if each.asname else each.name.partition(".")[0]
        frame.names[each.asname or name] = frame.run.engine.imported(frame.source, name, 0)


def imported_from(frame: Frame, node: ast.ImportFrom) -> None:
    """Carry out ``from a import b`` or ``from a import *``."""
    module = frame.run.engine.imported(frame.source, node.module or "", node.level)
    for each in node.names:
        if each.name != "*":
            frame.names[each.asname or each.name] = frame.run.engine.attribute(frame, module, each.name, frame.spot(node))
        elif isinstance(module, ModuleOf):
            _every_name(frame, module)
        elif isinstance(module, Library):
            frame.run.stars.setdefault(frame.source.path, []).append(module.name)


def _every_name(frame: Frame, module: ModuleOf) -> None:
    """Take what a module gives to ``import *``: the names of its ``__all__``, or all without an underscore before them."""
    run = frame.run
    given = run.engine.module(module.path)
    given = run.exported.get(module.path, given)
    names = {name: run.now(value, entry=module.path) for name, value in given.items()}
    stated = names.pop(_ALL, None)
    if stated is None:
        frame.names.update({name: value for name, value in names.items() if not name.startswith("_")})
        return
    options = [(decisions, _listed(each)) for decisions, each in alternatives(stated)]
    told = {name: _given(frame, module, names, name) for _, listed in options for name in listed or ()}
    # Of a list that cannot be told, any name of the module may come and none has to.
    untold = dict.fromkeys(names, UNKNOWN) if any(listed is None for _, listed in options) else {}
    for name in untold | told:
        before = frame.names.get(name)
        found = [
            (decisions, UNKNOWN if listed is None else told[name] if name in listed else before) for decisions, listed in options
        ]
        frame.names[name] = joined([(decisions, value) for decisions, value in found if value is not None])


def _listed(value: Value) -> frozenset[str] | None:
    """The names in an ``__all__``; None if it cannot be told."""
    if not isinstance(value, Items):
        return None
    names = [each.value for each in value.items if isinstance(each, Literal) and isinstance(each.value, str)]
    return frozenset(names) if len(names) == len(value.items) else None


def _given(frame: Frame, module: ModuleOf, names: Mapping[str, Value], name: str) -> Value:
    """What a module gives for a name of its ``__all__``: its own, a module below it, or what it took itself from a library."""
    if name in names:
        return names[name]
    below = frame.run.engine.submodule(module.path, name)
    stars = frame.run.stars.get(module.path)
    return Library(f"{stars[-1]}.{name}") if below is UNKNOWN and stars else below
