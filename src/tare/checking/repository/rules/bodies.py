"""The functions of a file and what stands in them, for rules on how statistics are computed."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from tare.code.interpreter.source import Source

Body = ast.FunctionDef | ast.AsyncFunctionDef | ast.Module


def bodies(source: Source) -> Iterator[Body]:
    """The file itself, and every function in it."""
    yield source.tree
    yield from (each for each in ast.walk(source.tree) if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef))


def nodes_of(body: Body) -> Iterator[ast.AST]:
    """The nodes of a function or module without those of functions and classes inside it."""
    left: list[ast.AST] = list(body.body)
    while left:
        node = left.pop()
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            yield node
            left += ast.iter_child_nodes(node)


def named(node: ast.expr) -> str:
    """The name of a variable or attribute; empty for other expressions."""
    node = node.value if isinstance(node, ast.Subscript) else node
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def calls(node: ast.AST, name: str, *, along: bool = False) -> bool:
    """Whether a method of this name is called in an expression; ``along`` an axis, as for the channels of an image."""
    return any(
        isinstance(each, ast.Call)
        and isinstance(each.func, ast.Attribute)
        and each.func.attr == name
        and (not along or bool(each.args or each.keywords))
        for each in ast.walk(node)
    )


def mentions(nodes: Sequence[ast.AST], name: str) -> bool:
    """Whether a name is read in one of the nodes."""
    return any(named(each) == name for node in nodes for each in ast.walk(node) if isinstance(each, ast.Name | ast.Attribute))


def owner(node: ast.Call) -> str:
    """The name of what a method is called on."""
    return named(node.func.value) if isinstance(node.func, ast.Attribute) else ""


def argument(node: ast.Call) -> str:
    """The name of the first argument of a call: ``X_test`` of ``X_test.values.reshape(-1, 1)``."""
    given: ast.AST | None = node.args[0] if node.args else None
    while isinstance(given, ast.Call | ast.Attribute | ast.Subscript):
        if isinstance(given, ast.Attribute) and isinstance(given.value, ast.Name) and given.value.id == "self":
            return given.attr
        given = given.func if isinstance(given, ast.Call) else given.value
    return given.id if isinstance(given, ast.Name) else ""
