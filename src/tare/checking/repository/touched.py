"""Values that a program may change where they stand, so that what is written is not what arrives; they are left to a person.

Only the text is asked: a name that is written to, or handed to a function that writes to its parameter, counts as changed,
whether or not that part of the program ever runs.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from tare.code.interpreter.source import Source, Spot

#: Methods that change what they are called on.
_CHANGING = frozenset(
    (
        *("append", "extend", "insert", "pop", "remove", "clear", "update", "setdefault", "reverse", "sort", "popitem", "fill"),
        *("__setitem__", "__delitem__", "__setattr__", "put", "itemset", "partition"),
    )
)
#: Functions that may change what they are given.
_WRITING = frozenset(("setattr", "delattr", "vars", "copyto", "put", "place", "putmask", "shuffle", "__setattr__"))
#: What leaves an image as it is: these attributes and functions only look at it.
_LOOKING = frozenset(("shape", "size", "dtype", "ndim", "copy", "astype"))
_SHOWING = frozenset(("print", "len", "imshow", "resize", "imwrite", "type", "isinstance", "id"))
_DEEPEST = 3

_Function = ast.FunctionDef | ast.AsyncFunctionDef


def list_may_change(written: Spot, *others: Source) -> bool:
    """Whether a list that stands in a file may be changed there, or in other files, after it was written."""
    names = _holders(written.source.tree, written.node)
    return bool(names) and any(
        _changes(each.tree, names) for each in {id(one): one for one in (written.source, *others)}.values()
    )


def _holders(tree: ast.AST, node: ast.AST) -> set[str]:
    """The names of what a list is given to: a variable, the dictionary or class around it, a parameter."""
    found: set[str] = set()
    for each in ast.walk(tree):
        if isinstance(each, ast.Assign | ast.AnnAssign) and each.value is not None and _holds(each.value, node):
            targets = each.targets if isinstance(each, ast.Assign) else [each.target]
            found |= {name for target in targets for part in ast.walk(target) for name in _name(part)}
        elif isinstance(each, ast.ClassDef) and _holds(each, node):
            found.add(each.name)
        elif isinstance(each, ast.arguments) and any(_holds(one, node) for one in (*each.defaults, *each.kw_defaults) if one):
            found |= {one.arg for one in (*each.posonlyargs, *each.args, *each.kwonlyargs)}
    return found - {"self"}


def _holds(outer: ast.AST, node: ast.AST) -> bool:
    return any(each is node for each in ast.walk(outer))


def _name(node: ast.AST) -> tuple[str, ...]:
    return (node.id,) if isinstance(node, ast.Name) else (node.attr,) if isinstance(node, ast.Attribute) else ()


def _changes(tree: ast.AST, names: Iterable[str], depth: int = 0) -> bool:
    """Whether a part of a file writes to one of some names, or hands it to a function that does."""
    nodes = [*ast.walk(tree)]
    known = {*names, *_aliases(nodes, set(names))}
    functions = {each.name: each for each in nodes if isinstance(each, _Function)}
    return any(_is_changed_by(each, known) or _is_handed(each, known, functions, depth) for each in nodes)


def _aliases(nodes: Iterable[ast.AST], names: set[str]) -> Iterator[str]:
    """Other names that are given one of the names as it is."""
    for each in nodes:
        if isinstance(each, ast.Assign) and set(_name(each.value)) & names:
            yield from (name for target in each.targets for name in _name(target))


def _is_changed_by(node: ast.AST, names: set[str]) -> bool:
    if isinstance(node, ast.Nonlocal | ast.Global):
        return bool(names & {*node.names})
    if isinstance(node, ast.AugAssign):
        return bool({*_parts(node.target)} & names)
    if isinstance(node, ast.Subscript | ast.Attribute) and not isinstance(node.ctx, ast.Load):
        return bool({*_parts(node.value)} & names)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _CHANGING:
        return bool({*_parts(node.func.value)} & names)
    if isinstance(node, ast.Call) and {*_name(node.func)} & _WRITING:
        return any({*_parts(each)} & names for each in node.args)
    return False


def _parts(node: ast.AST) -> Iterator[str]:
    """The names in ``a.b[0].c``: all of what is written to."""
    while isinstance(node, ast.Attribute | ast.Subscript):
        if isinstance(node, ast.Attribute):
            yield node.attr
        node = node.value
    yield from _name(node)


def _is_handed(node: ast.AST, names: set[str], functions: dict[str, _Function], depth: int) -> bool:
    """Whether a call gives one of the names to a function of the file that changes its parameter."""
    if not isinstance(node, ast.Call) or depth >= _DEEPEST:
        return False
    called = functions.get((*_name(node.func), "")[0])
    own = set() if called is None else {name for name, value in _given(node, called) if {*_parts(value)} & names}
    return called is not None and bool(own) and any(_changes(each, own, depth + 1) for each in called.body)


def _given(call: ast.Call, called: _Function) -> Iterator[tuple[str, ast.expr]]:
    """The parameters of a function with what a call gives them."""
    parameters = [each.arg for each in (*called.args.posonlyargs, *called.args.args)]
    if isinstance(call.func, ast.Attribute) and parameters[:1] in (["self"], ["cls"]):
        parameters = parameters[1:]
    yield from zip(parameters, call.args, strict=False)
    yield from ((each.arg, each.value) for each in call.keywords if each.arg is not None)


def image_may_change(read: Spot, used: Spot, names: Iterable[str]) -> bool:
    """Whether anything between the reading of an image and its use may change the pixels that its name stands for.

    That may also be so if the program itself has written the file that it reads.
    """
    first, last = _after(read.node), _before(used.node)
    known = set(names)
    parents = read.source.parents
    for each in ast.walk(read.source.tree):
        is_between = isinstance(each, ast.Name) and each.id in known and first <= _before(each) < last
        if is_between and not _only_looks(each, parents.get(id(each))):
            return True
    return _is_written_here(read)


def _after(node: ast.AST) -> tuple[int, int]:
    return getattr(node, "end_lineno", 0) or 0, getattr(node, "end_col_offset", 0) or 0


def _before(node: ast.AST) -> tuple[int, int]:
    return getattr(node, "lineno", 0), getattr(node, "col_offset", 0)


def _only_looks(node: ast.AST, parent: ast.AST | None) -> bool:
    """Whether a place where a name stands leaves its value as it is."""
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        return True  # another value, which is followed
    if isinstance(parent, ast.Attribute):
        return parent.attr in _LOOKING
    if isinstance(parent, ast.Call):
        is_first = bool(parent.args) and node in parent.args[:2]
        return is_first and bool({*_name(parent.func)} & _SHOWING)
    return isinstance(parent, ast.Compare | ast.UnaryOp | ast.If | ast.Assert)


def _is_written_here(read: Spot) -> bool:
    """Whether the file that is read is written by the same program."""
    path = _path(read.node)
    writes = (each for each in ast.walk(read.source.tree) if isinstance(each, ast.Call) and "imwrite" in _name(each.func))
    return path is not None and any(_path(each) == path for each in writes)


def _path(node: ast.AST) -> object:
    given = node.args[0] if isinstance(node, ast.Call) and node.args else None
    return given.value if isinstance(given, ast.Constant) else None
