"""Which files have something to say: those with a word of preprocessing, and those that import them."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence

from tare.code.files.document import Document

_IMPORT = re.compile(r"^[ \t]*(?:from[ \t]+([\w.]+)[ \t]+import[ \t]+([^\n#]+)|import[ \t]+([^\n#]+))", re.MULTILINE)
_WORD = re.compile(r"\w+")
_ROUNDS = 3


def relevant(documents: Sequence[Document], word: re.Pattern[str]) -> list[Document]:
    """The documents with such a word, and those that import one of them, over at most three files between; no tests of code."""
    code = [each for each in documents if each.kind != "configuration" and not is_test(each)]
    found = {each.path for each in code if word.search(each.text)}
    imports = {each.path: _imported(each) for each in code if each.path not in found}
    for _ in range(_ROUNDS):
        stems = {_stem(path) for path in found}
        new = {path for path, names in imports.items() if path not in found and names & stems}
        if not new:
            break
        found |= new
    return [each for each in code if each.path in found]


_TESTS = re.compile(r"^[ \t]*(?:import (?:pytest|unittest)|from (?:pytest|unittest)\b|def test_)", re.MULTILINE)


def is_test(document: Document) -> bool:
    """Whether a file tests code: what it states is made up, and often wrong on purpose."""
    *folders, name = document.path.split("/")
    is_named = name.startswith(("test_", "conftest")) or name.endswith("_test.py") or bool({"tests", "testing"} & set(folders))
    return is_named and _TESTS.search(document.text) is not None


def _imported(document: Document) -> frozenset[str]:
    return frozenset(word for groups in _IMPORT.findall(document.text) for text in groups for word in _WORD.findall(text))


def _stem(path: str) -> str:
    folder, name = posixpath.split(path)
    return posixpath.basename(folder) if name == "__init__.py" else name.rpartition(".")[0]
