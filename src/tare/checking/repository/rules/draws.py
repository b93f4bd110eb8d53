"""Whether a function of the repository draws at random whenever it is called."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from tare.code.interpreter.source import Source, Spot
from tare.code.interpreter.values import Function

_DRAWS = re.compile(
    r"(?:(?:np|numpy)\.random\.(?:rand|randn|randint|uniform|normal|choice|random|random_sample|beta)"
    r"|random\.(?:random|uniform|randint|randrange|choice|gauss|betavariate)"
    r"|(?:tf|tensorflow)\.(?:image\.random_\w+|random\.(?:uniform|normal))"
    r"|torch\.(?:rand|randn|randint))"
)
_DEEPEST = 3
_Body = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


class Draw(NamedTuple):
    """A call that draws, as it is written, and where it stands."""

    text: str
    spot: Spot


def draw_of(function: Function, sources: Sequence[Source]) -> Draw | None:
    """The first draw that a function makes whatever it is given, itself or in functions it calls by name; None if there is none.

    A draw under a condition counts only if the condition is drawn itself, since another one may say that the network is trained.
    """
    return _drawn(function.node, function.source, sources, 0)


def _drawn(node: _Body, source: Source, sources: Sequence[Source], depth: int) -> Draw | None:
    called = list(_calls(_statements(node)))
    for call in called:
        text = ast.unparse(call.func)
        if _DRAWS.fullmatch(text):
            return Draw(text, Spot(source, call))
    for call in called if depth < _DEEPEST else ():
        if isinstance(call.func, ast.Name):
            found = _inside(call.func.id, source, sources, depth)
            if found is not None:
                return found
    return None


def _inside(name: str, source: Source, sources: Sequence[Source], depth: int) -> Draw | None:
    """The draw of the one function that has a name, in the same file or else in another."""
    own = list(_named(name, [source]))
    known = own or (list(_named(name, sources)) if _is_imported(name, source.document.text) else [])
    return _drawn(known[0][1], known[0][0], sources, depth + 1) if len(known) == 1 else None


def _is_imported(name: str, text: str) -> bool:
    word = re.compile(rf"\b{re.escape(name)}\b")
    return any(word.search(line.partition("import")[2]) for line in text.split("\n") if "import" in line)


def _named(name: str, sources: Iterable[Source]) -> Iterator[tuple[Source, ast.FunctionDef]]:
    for each in sources:
        yield from ((each, node) for node in each.tree.body if isinstance(node, ast.FunctionDef) and node.name == name)


def _statements(node: _Body) -> Sequence[ast.AST]:
    return [node.body] if isinstance(node, ast.Lambda) else node.body


def _calls(nodes: Iterable[ast.AST]) -> Iterator[ast.Call]:
    """The calls that are always made, in their order: those of a branch only if its condition draws."""
    for node in nodes:
        if isinstance(node, ast.If | ast.IfExp):
            tested = list(_calls([node.test]))
            yield from tested
            if any(_DRAWS.fullmatch(ast.unparse(each.func)) for each in tested):
                yield from _calls(node.body if isinstance(node, ast.If) else [node.body])
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            yield from _calls(ast.iter_child_nodes(node))
            if isinstance(node, ast.Call):
                yield node
