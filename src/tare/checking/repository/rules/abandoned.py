"""Functions and classes that nothing in the files names: what stands in them reaches no network that could be seen."""

from __future__ import annotations

import ast
import re
from itertools import islice

from tare.code.facts import Facts
from tare.code.interpreter.values import Call

_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def is_abandoned(facts: Facts, call: Call) -> bool:
    """Whether a call stands in a function or class that no file names, in a file whose other definitions are named.

    A file of which nothing is named is a program of its own. A decorated function is called by what decorates it.
    """
    path, _, name = call.entry.partition("::")
    source = next((each for each in facts.sources if each.path == path), None)
    if not name or source is None:
        return False
    defined = {each.name: each for each in source.tree.body if isinstance(each, _DEFINITIONS)}
    if name not in defined or defined[name].decorator_list:
        return False

    repeated: dict[str, bool] = facts.kept.setdefault("repeated", {})
    for word in (name, *defined):
        if word not in repeated:
            repeated[word] = _is_repeated(word, facts)
        if repeated[word]:
            return word != name
    return False


def _is_repeated(word: str, facts: Facts) -> bool:
    """Whether a word stands more than once in the files."""
    texts = {each.path: each.text for each in (*facts.documents, *(each.document for each in facts.sources))}.values()
    pattern = re.compile(rf"\b{re.escape(word)}\b")
    found = (match for text in texts if word in text for match in pattern.finditer(text))
    return next(islice(found, 1, None), None) is not None
