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
    """A function, a class or a statement that gives names a value.

    ``names`` are those by which others use it, ``says`` tells whether it has a word, and ``used`` has the names that it uses.
    """

    node: _Definition | None
    names: tuple[str, ...]
    says: bool
    used: frozenset[str]


#: The names that are called, by themselves or by a method with which networks are: ``model(x)``, ``model.predict(x)``.
_CALLED = re.compile(
    r"\b(\w++)(?=[ \t]*+\(|\.(?:predict|predict_on_batch|forward|forward_features|encode_image|get_image_features)[ \t]*+\()"
)
#: What gives a value to variables of the module or attributes of an object: their names and the rest of the line.
_GIVING = re.compile(
    r"^(?:[ \t]+(?=(?:self|cls)\.))?([\w.]+(?:[ \t]*,[ \t]*[\w.]+)*)(?:[ \t]*:[^=\n]*)?[ \t]*=(?!=)([^\n]*)", re.MULTILINE
)
_NAME = re.compile(r"\w+(?![\w.])")
_WORD = re.compile(r"\w+")
_MOST_STEPS = 8
#: Methods that are called without their name.
_UNNAMED = frozenset(["", "__init__", "forward", "__call__"])


def that_matter(sources: Sequence[Source], words: Vocabulary) -> frozenset[ast.AST]:
    """The functions and classes that have such a word, and those that call one of them by name, over some steps.

    A variable of the module or an attribute that is given what has such a word, a network for one, counts as a function that
    has it.
    """
    parts = [part for source in sources for part in _parts(source, words)]
    new, left = [part for part in parts if part.says], [part for part in parts if not part.says]
    matter: set[ast.AST] = set()
    names: set[str] = set()
    for _ in range(_MOST_STEPS):
        matter.update(part.node for part in new if part.node is not None)
        names |= {name for part in new for name in part.names} - _UNNAMED
        new = [part for part in left if not names.isdisjoint(part.used)]
        if not new:
            break
        left = [part for part in left if names.isdisjoint(part.used)]
    matter.update(part.node for part in new if part.node is not None)
    return frozenset(matter | {part for node in matter if isinstance(node, ast.ClassDef) for part in _beginnings(node)})


def _parts(source: Source, words: Vocabulary) -> Iterator[_Part]:
    """Each function, class and assignment of a file. The text is searched once for the words, whatever is nested in what."""
    text = source.document.text
    starts = list(accumulate((len(line) + 1 for line in source.lines), initial=0))
    said = words.places(text)

    def says(first: int, last: int) -> bool:
        return bisect_left(said, first) < bisect_left(said, last)

    for node, owner in _definitions(source.tree.body, ""):
        first, last = starts[node.lineno - 1], starts[node.end_lineno or node.lineno]
        names = (node.name, owner)
        yield (
            _Part(node, names, True, frozenset())
            if says(first, last)
            else _Part(node, names, False, frozenset(_CALLED.findall(text, first, last)))
        )
    for given in _GIVING.finditer(text):
        names = tuple(_NAME.findall(given[1]))
        yield _Part(None, names, says(given.start(2), given.end()), frozenset(_WORD.findall(given[2])))


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
