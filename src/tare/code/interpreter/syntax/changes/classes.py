"""What bases, metaclasses and decorators do to a class that was just made."""

from __future__ import annotations

import ast
from dataclasses import replace
from functools import lru_cache

from tare.code.interpreter.frame import Frame
from tare.code.interpreter.syntax.changes.attributes import set_unknown
from tare.code.interpreter.values import Class, Function, Value


def made_by_others(frame: Frame, node: ast.ClassDef, cls: Class) -> None:
    """What a base's ``__init_subclass__``, a metaclass and decorators of the repository do to a class that was just made."""
    keywords = {each.arg: frame.run.engine.evaluate(frame, each.value) for each in node.keywords if each.arg}
    makers = [each for each in (keywords.pop("metaclass", None), *(_metaclass(frame, each) for each in cls.above)) if each]
    if any(isinstance(each, Class) and _MAKING & {name for one in each.order for name in one.attributes} for each in makers):
        set_unknown(frame, cls)
    begin = next((each.attributes["__init_subclass__"] for each in cls.above if "__init_subclass__" in each.attributes), None)
    if isinstance(begin, Function):
        frame.run.engine.call(frame, replace(begin, bound=cls, kind=""), (), keywords, frame.spot(node))
    for each in reversed(node.decorator_list):
        name = each.func if isinstance(each, ast.Call) else each
        owner = frame.look_up(name.id) if isinstance(name, ast.Name) else None
        if isinstance(owner, Function) and _changes_what_it_gets(owner.node):
            frame.run.engine.call(frame, frame.run.engine.evaluate(frame, each), (cls,), {}, frame.spot(each))


#: What a metaclass has that gives a class other attributes than stand in it.
_MAKING = frozenset(("__new__", "__init__", "__prepare__", "__getattribute__"))


def _metaclass(frame: Frame, cls: Class) -> Value | None:
    """The metaclass that a base states."""
    stated = next((each.value for each in cls.node.keywords if each.arg == "metaclass"), None)
    return frame.look_up(stated.id) if isinstance(stated, ast.Name) else None


@lru_cache(maxsize=1024)
def _changes_what_it_gets(node: ast.AST) -> bool:
    """Whether a decorator sets attributes, by itself or in a function inside it."""
    parts = list(ast.walk(node))
    return any(isinstance(each, ast.Attribute) and isinstance(each.ctx, ast.Store) for each in parts) or any(
        isinstance(each, ast.Call) and isinstance(each.func, ast.Name) and each.func.id == "setattr" for each in parts
    )
