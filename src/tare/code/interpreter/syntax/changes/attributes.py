"""Attributes of objects, classes, modules and of what libraries return, that code sets or deletes."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence

from tare.code.interpreter.frame import Frame
from tare.code.interpreter.syntax.changes.arrays import change
from tare.code.interpreter.syntax.changes.methods import merged, set_item
from tare.code.interpreter.syntax.making import note_constants
from tare.code.interpreter.values import (
    UNKNOWN,
    Call,
    Choice,
    Class,
    Entries,
    Function,
    Instance,
    Items,
    Literal,
    ModuleOf,
    Table,
    Value,
    named,
)

#: What the attributes of an object are called as a dictionary.
_ALL = frozenset(("builtins.vars", "@__dict__"))


def set_attribute(frame: Frame, owner: Value, name: str, value: Value, node: ast.AST) -> None:
    """Carry out ``owner.name = value``."""
    run = frame.run
    frame.note_again(f".{name}")
    if isinstance(owner, Choice):
        frame.branch([(decisions, _setting(frame, each, name, value, node)) for decisions, each in owner.options])
    elif isinstance(owner, Instance):
        _of_instance(frame, owner, name, value, node)
    elif isinstance(owner, Class):
        run.write(owner, name, named(value, name))
        note_constants(frame, node, name, value)
    elif isinstance(owner, ModuleOf):
        _of_module(frame, owner, name, named(value, name))
    elif isinstance(owner, Table):
        run.change(owner, lambda one: set_item(one, Literal(name), value))
    else:
        named(value, name)
        if isinstance(owner, Call) and name == "data":
            change(frame, owner, value)
        elif isinstance(owner, Call):
            run.write(owner, name, value)
        if run.interesting(name):
            run.log.append(Call(f"set.{name}", (value,), {}, frame.spot(node), owner, frame.decisions, frame.within, run.entry))


def _setting(frame: Frame, owner: Value, name: str, value: Value, node: ast.AST) -> Callable[[], None]:
    return lambda: set_attribute(frame, owner, name, value, node)


def _of_module(frame: Frame, owner: ModuleOf, name: str, value: Value) -> None:
    if owner.path != frame.source.path:
        frame.run.write(frame.run.module_of(owner.path), name, value)
        return
    if frame.enclosing:
        frame.shared.add(name)
    frame.names[name] = value


def _of_instance(frame: Frame, owner: Instance, name: str, value: Value, node: ast.AST) -> None:
    setter = frame.run.heap.of_class(owner.cls, f"{name}.setter", frame.run.entry)
    if isinstance(setter, Function):
        bound = Function(setter.node, setter.source, setter.name, setter.defaults, setter.closure, owner, setter.kind)
        frame.run.engine.call(frame, bound, (value,), {}, frame.spot(node))
        return
    frame.run.write(owner, name, named(value, name))
    note_constants(frame, node, name, value)


def set_unknown(frame: Frame, owner: Value) -> None:
    """Any attribute of an object may have another value from now on."""
    if isinstance(owner, ModuleOf):
        names_of_module = frame.enclosing[-1] if frame.enclosing else frame.names
        for name, value in list(names_of_module.items()):
            if isinstance(value, Literal | Items | Table | Choice):
                set_attribute(frame, owner, name, UNKNOWN, frame.source.tree)
    if not isinstance(owner, Instance | Class):
        return
    cls = owner.cls if isinstance(owner, Instance) else owner
    names = {name for each in cls.order for name, value in each.attributes.items() if not isinstance(value, Function | Class)}
    for name in names | frame.run.heap.names_of(owner):
        frame.run.write(owner, name, UNKNOWN)


def set_by_name(frame: Frame, owner: Value, key: Value, value: Value, node: ast.AST) -> None:
    """Carry out ``setattr(owner, key, value)``."""
    if isinstance(key, Literal) and isinstance(key.value, str):
        set_attribute(frame, owner, key.value, value, node)
    else:
        set_unknown(frame, owner)


def object_of(value: Value) -> Value | None:
    """The object of which a value is ``vars(object)``, ``object.__dict__`` or ``globals()``; None for anything else."""
    if isinstance(value, Call) and value.function == "builtins.globals":
        return ModuleOf(value.spot.source.path)
    if not isinstance(value, Call) or value.function not in _ALL:
        return None
    return value.args[0] if value.args else value.receiver


def updated(frame: Frame, owner: Value, args: Sequence[Value], keywords: Mapping[str, Value], node: ast.AST) -> None:
    """Carry out ``vars(owner).update(...)``."""
    entries: Entries = {}
    spread = False
    for each in args:
        entries, spread = merged(entries, spread, each)
    if spread:
        set_unknown(frame, owner)
    for name, value in (*entries.items(), *keywords.items()):
        set_attribute(frame, owner, str(name), value, node)


def delete(frame: Frame, owner: Value, name: str) -> None:
    """Carry out ``del owner.name``: an object shows that of its class again, which is not known for anything else."""
    if isinstance(owner, Instance):
        frame.run.write(owner, name, frame.run.heap.of_class(owner.cls, name, frame.run.entry) or UNKNOWN)
    elif isinstance(owner, Class | Call):
        frame.run.write(owner, name, UNKNOWN)
