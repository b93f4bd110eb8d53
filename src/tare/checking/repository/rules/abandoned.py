"""Functions and classes that nothing in the files names: what stands in them reaches no network that could be seen."""

from __future__ import annotations

import ast

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

    def named(word: str) -> int:
        return sum(each.words[word] for each in facts.sources)

    return named(name) <= 1 and any(named(other) > 1 for other in defined if other != name)
