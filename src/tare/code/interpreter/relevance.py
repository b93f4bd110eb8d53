"""Which files have something to say: those with a word of preprocessing, and those that import them."""

from __future__ import annotations

import ast
import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple

from tare.code.files.document import Document
from tare.code.interpreter.imports import Imports
from tare.code.interpreter.source import Source
from tare.code.interpreter.vocabulary import Vocabulary

_ROUNDS = 2


def relevant(documents: Sequence[Document], words: Vocabulary, imports: Imports) -> list[Document]:
    """The documents with such a word, and those that import one of them, with at most one file between; no tests of code."""
    code = [each for each in documents if each.kind != "configuration" and not is_test(each)]
    found = {each.path for each in code if words.is_in(each.text)}
    importing = {each.path: imports.of(each.path) for each in code if each.path not in found}
    for _ in range(_ROUNDS):
        new = {path for path, others in importing.items() if path not in found and others & found}
        if not new:
            break
        found |= new
    return [each for each in code if each.path in found]


_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


class _Part(NamedTuple):
    """A function or class, the class around it, whether it has a word, and otherwise the names that are called in it."""

    node: _Definition
    owner: str
    says: bool
    called: frozenset[str]


_CALLED = re.compile(r"\b(\w++)[ \t]*+\(")
_MOST_STEPS = 8
#: Methods that are called without their name.
_UNNAMED = frozenset(["", "__init__", "forward", "__call__"])


def that_matter(sources: Sequence[Source], words: Vocabulary) -> frozenset[ast.AST]:
    """The functions and classes that have such a word, and those that call one of them by name, over some steps."""
    parts = [part for source in sources for part in _parts(source, words)]
    left = [part for part in parts if not part.says]
    matter: set[ast.AST] = {part.node for part in parts if part.says}
    names = {name for part in parts if part.says for name in (part.node.name, part.owner)} - _UNNAMED
    for _ in range(_MOST_STEPS):
        new = [part for part in left if not names.isdisjoint(part.called)]
        if not new:
            break
        matter.update(part.node for part in new)
        left = [part for part in left if names.isdisjoint(part.called)]
        names |= {name for part in new for name in (part.owner or part.node.name, part.node.name)} - _UNNAMED
    return frozenset(matter | {part for node in matter if isinstance(node, ast.ClassDef) for part in _beginnings(node)})


def _parts(source: Source, words: Vocabulary) -> Iterator[_Part]:
    """Each function and class of a file. The text is searched once for the words, whatever is nested in what."""
    text = source.document.text
    starts = list(accumulate((len(line) + 1 for line in source.lines), initial=0))
    said = words.places(text)
    for node, owner in _definitions(source.tree.body, ""):
        first, last = starts[node.lineno - 1], starts[node.end_lineno or node.lineno]
        says = bisect_left(said, first) < bisect_left(said, last)
        yield _Part(node, owner, says, frozenset() if says else frozenset(_CALLED.findall(text, first, last)))


def _beginnings(node: ast.ClassDef) -> Iterator[ast.AST]:
    """What sets the attributes of an object that matters, whatever it says itself."""
    for part in node.body:
        if isinstance(part, ast.FunctionDef) and part.name in ("__init__", "__post_init__", "setup"):
            yield part


def _definitions(body: Sequence[ast.stmt], owner: str) -> Iterator[tuple[_Definition, str]]:
    """Functions and classes with the class around them; those inside functions are parts of the functions."""
    for node in body:
        if isinstance(node, ast.ClassDef):
            yield node, ""
            yield from _definitions(node.body, node.name)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node, owner
        elif isinstance(node, ast.If | ast.Try | ast.With):
            yield from _definitions(node.body, owner)
            yield from _definitions(getattr(node, "orelse", []), owner)


_TESTS = re.compile(r"^[ \t]*(?:import (?:pytest|unittest)|from (?:pytest|unittest)\b|def test_)", re.MULTILINE)


def is_test(document: Document) -> bool:
    """Whether a file tests code: what it states is made up, and often wrong on purpose."""
    *folders, name = document.path.split("/")
    is_named = name.startswith(("test_", "conftest")) or name.endswith("_test.py") or bool({"tests", "testing"} & set(folders))
    return is_named and _TESTS.search(document.text) is not None
