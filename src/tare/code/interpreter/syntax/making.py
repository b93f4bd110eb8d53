"""Calls that are not followed, and functions, as values."""

from __future__ import annotations

import ast
from collections import ChainMap
from collections.abc import Mapping, Sequence
from typing import cast

from tare.code.interpreter.frame import Frame
from tare.code.interpreter.values import UNKNOWN, Call, Function, Value, named


def made(frame: Frame, function: str, args: Sequence[Value], node: ast.AST, receiver: Value = UNKNOWN, **more: object) -> Call:
    """A call that is not followed, entered in the log if a library's table has its name."""
    keywords = more.get("keywords")
    call = Call(
        function,
        tuple(args),
        keywords if isinstance(keywords, Mapping) else {},
        frame.spot(node),
        receiver,
        frame.decisions,
        frame.within,
        frame.run.entry,
        bool(more.get("spread")),
    )
    if frame.run.interesting(call.last) or "std" in call.keywords or "image_std" in call.keywords:
        frame.run.log.append(call)
    for value in (*call.args, *call.keywords.values()):
        if isinstance(value, Function):
            frame.run.handed.append(value)
    return call


def function(frame: Frame, node: ast.Lambda | ast.FunctionDef | ast.AsyncFunctionDef, name: str) -> Function:
    """The function that a definition makes here."""
    given = [*node.args.posonlyargs, *node.args.args]
    defaults = dict(zip((each.arg for each in given[len(given) - len(node.args.defaults) :]), node.args.defaults, strict=True))
    defaults |= {
        each.arg: value for each, value in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True) if value is not None
    }
    values = {key: named(frame.run.engine.evaluate(frame, value), key) for key, value in defaults.items()}
    return Function(node, frame.source, name, values, chained(frame.names, *frame.enclosing), decisions=frame.decisions)


def chained(*names: Mapping[str, Value]) -> Mapping[str, Value]:
    """The variables around a function, as they are when it runs."""
    return ChainMap(*(cast("dict[str, Value]", each) for each in names))
