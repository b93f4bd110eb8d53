"""Calls that are not followed, functions, and noted constants."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from types import MappingProxyType

from tare.code.interpreter.frame import Frame
from tare.code.interpreter.source import Spot
from tare.code.interpreter.values import UNKNOWN, Call, Function, Items, Value, named

_NONE: Mapping[str, Value] = MappingProxyType({})


def made(
    frame: Frame,
    function: str,
    args: tuple[Value, ...],
    node: ast.AST,
    receiver: Value = UNKNOWN,
    *,
    keywords: Mapping[str, Value] = _NONE,
    spread: bool = False,
) -> Call:
    """A call that is not followed, entered in the log if a library's table has its name."""
    run = frame.run
    call = Call(function, args, keywords, Spot(frame.source, node), receiver, frame.decisions, frame.within, run.entry, spread)
    if run.interesting(function.rpartition(".")[2]) or "std" in keywords or "image_std" in keywords:
        run.log.append(call)
    for value in args:
        if type(value) is Function:
            run.handed.append(value)
    for value in keywords.values():
        if type(value) is Function:
            run.handed.append(value)
    return call


def function(frame: Frame, node: ast.Lambda | ast.FunctionDef | ast.AsyncFunctionDef, name: str) -> Function:
    """The function that a definition makes here."""
    given = [*node.args.posonlyargs, *node.args.args]
    defaults = dict(zip((each.arg for each in given[len(given) - len(node.args.defaults) :]), node.args.defaults, strict=True))
    defaults |= {
        each.arg: value for each, value in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True) if value is not None
    }
    values = {key: named(frame.run.engine.evaluate(frame, value), key) for key, value in defaults.items()}
    frame.run.scopes.append(frame.names)
    return Function(node, frame.source, name, values, (frame.names, *frame.enclosing), decisions=frame.decisions)


def note_constants(frame: Frame, target: ast.AST, name: str, value: Value) -> None:
    """Enter a list of three constants that is called a mean or std in the log."""
    if not isinstance(value, Items) or len(value.items) != 3 or not ("mean" in name.lower() or "std" in name.lower()):
        return
    call = Call("set.constants", (value,), {}, frame.spot(target), UNKNOWN, frame.decisions, frame.within, frame.run.entry)
    call.names.append(name)
    frame.run.log.append(call)
