"""Who reads a list behind a name: it may be rewritten only if nobody takes it for something else than a normalisation does."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from tare.code.interpreter.source import Source, Spot

#: Calls whose mean and std are judged, and those that show a value or make an array of it.
_NORMALISING = frozenset(("Normalize", "normalize"))
_SHOWING = frozenset(("print",))
_MAKING = frozenset(("array", "asarray", "tensor", "as_tensor", "FloatTensor", "Tensor", "list", "tuple"))
#: Arguments of any call that are judged.
_KEYWORDS = frozenset(("mean", "std", "image_mean", "image_std"))
_MOST = 8

_Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


def is_for_normalising(written: Spot, sources: Iterable[Source]) -> bool:
    """Whether every reader of a list, by whatever name it is given where it is written, normalises with it or prints it.

    A list that stands in no assignment has no reader beside its call. One of a function is read there, all others everywhere.
    """
    held = _holder(written.node, written.source.parents)
    if held is None:
        return True
    name, inside = held
    if not name:
        return False
    if inside is not None:
        return all(_normalises(each, written.source.parents) for each in _reads(inside, name))
    return not any(
        _renames(each.tree, name) or not all(_normalises(one, each.parents) for one in _reads(each.tree, name))
        for each in {id(one): one for one in (written.source, *sources)}.values()
    )


def _holder(node: ast.AST, parents: dict[int, ast.AST]) -> tuple[str, _Function | None] | None:
    """The name that a list is given to and the function it is a variable of; None if no name, "" if it cannot be told."""
    up = parents.get(id(node))
    while isinstance(up, ast.Tuple | ast.List | ast.Dict | ast.keyword) or (
        isinstance(up, ast.Call) and _last(up) in (*_MAKING, "dict")
    ):
        up = parents.get(id(up))
    if not isinstance(up, ast.Assign | ast.AnnAssign):
        return None if isinstance(up, ast.Call | ast.Expr) else ("", None)
    targets = up.targets if isinstance(up, ast.Assign) else [up.target]
    names = [name for each in targets for name in _target(each, up.value, node)]
    around: ast.AST | None = parents.get(id(up))
    while around is not None and not isinstance(around, _Function | ast.ClassDef):
        around = parents.get(id(around))
    function = around if isinstance(around, _Function) and isinstance(targets[0], ast.Name | ast.Tuple | ast.List) else None
    return (names[0] if len(names) == 1 else "", function)


def _target(target: ast.expr, value: ast.expr | None, node: ast.AST) -> Iterator[str]:
    """The names that a list gets where a value is given to a target: one of several, where their places tell which."""
    if isinstance(target, ast.Tuple | ast.List):
        values = value.elts if isinstance(value, ast.Tuple | ast.List) and len(value.elts) == len(target.elts) else None
        for index, one in enumerate(target.elts):
            if values is None or any(each is node for each in ast.walk(values[index])):
                yield from _target(one, values[index] if values else None, node)
    elif isinstance(target, ast.Name | ast.Attribute):
        yield target.id if isinstance(target, ast.Name) else target.attr
    else:
        yield ""


def _reads(tree: ast.AST, name: str) -> Iterator[ast.AST]:
    """Where a name is read, as a variable or an attribute, but not where a function has a variable of its own by it."""
    for each in ast.iter_child_nodes(tree):
        if isinstance(each, _Function) and _is_own(each, name):
            yield from (one for one in ast.walk(each) if isinstance(one, ast.Attribute) and _is_read(one, name))
            continue
        if _is_read(each, name):
            yield each
        yield from _reads(each, name)


def _is_read(node: ast.AST, name: str) -> bool:
    is_named = (isinstance(node, ast.Name) and node.id == name) or (isinstance(node, ast.Attribute) and node.attr == name)
    return is_named and isinstance(getattr(node, "ctx", None), ast.Load)


def _is_own(function: _Function, name: str) -> bool:
    given = function.args
    parameters = [*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg]
    if any(each is not None and each.arg == name for each in parameters):
        return True
    inside = [*ast.walk(function)]
    if any(isinstance(each, ast.Global | ast.Nonlocal) and name in each.names for each in inside):
        return False
    return any(isinstance(each, ast.Name) and each.id == name and isinstance(each.ctx, ast.Store) for each in inside)


def _renames(tree: ast.AST, name: str) -> bool:
    """Whether an import gives a name to its file under another one."""
    imports = (each for each in ast.walk(tree) if isinstance(each, ast.ImportFrom))
    return any(alias.name == name and alias.asname not in (None, name) for each in imports for alias in each.names)


def _normalises(node: ast.AST, parents: dict[int, ast.AST]) -> bool:
    """Whether what is read goes as it is to a call that normalises, or is printed."""
    for _ in range(_MOST):
        up = parents.get(id(node))
        if isinstance(up, ast.keyword):
            if up.arg in _KEYWORDS:
                return True
            up = parents.get(id(up))
        if isinstance(up, ast.Attribute | ast.Subscript) and up.value is node and _is_part(up):
            node = up
            continue
        if not isinstance(up, ast.Call) or up.func is node:
            return False
        if _last(up) in _NORMALISING | _SHOWING:
            return True
        if _last(up) not in _MAKING:
            return False
        node = up
    return False


def _is_part(node: ast.Attribute | ast.Subscript) -> bool:
    """Whether a part of what is read has a name of its own, as ``config["mean"]`` and ``Config.mean``."""
    return isinstance(node, ast.Attribute) or (isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str))


def _last(call: ast.Call) -> str:
    function = call.func
    return function.attr if isinstance(function, ast.Attribute) else function.id if isinstance(function, ast.Name) else ""
