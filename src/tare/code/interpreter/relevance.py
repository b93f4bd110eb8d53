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
    """The documents with such a word, and those that import one of them, over at most three files between."""
    code = [each for each in documents if each.kind != "configuration"]
    found = {each.path for each in code if word.search(each.text)}
    imports = {each.path: _imported(each) for each in code if each.path not in found}
    for _ in range(_ROUNDS):
        stems = {_stem(path) for path in found}
        new = {path for path, names in imports.items() if path not in found and names & stems}
        if not new:
            break
        found |= new
    return [each for each in code if each.path in found]


def _imported(document: Document) -> frozenset[str]:
    return frozenset(word for groups in _IMPORT.findall(document.text) for text in groups for word in _WORD.findall(text))


def _stem(path: str) -> str:
    folder, name = posixpath.split(path)
    return posixpath.basename(folder) if name == "__init__.py" else name.rpartition(".")[0]
