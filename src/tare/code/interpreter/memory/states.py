"""What a test looks at: the same test is another one after what it looks at got another value."""

from __future__ import annotations

import ast


def looked_at(known: dict[ast.expr, tuple[str, ...]], test: ast.expr) -> tuple[str, ...]:
    """The names in a test, and its attributes and constant keys with a dot before them."""
    found = known.get(test)
    if found is None:
        found = known[test] = tuple(_looked_at(test))
    return found


def _looked_at(node: ast.AST) -> list[str]:
    found: list[str] = []
    for each in ast.walk(node):
        if isinstance(each, ast.Name):
            found.append(each.id)
        elif isinstance(each, ast.Attribute):
            found.append(f".{each.attr}")
        elif isinstance(each, ast.Subscript) and isinstance(each.slice, ast.Constant):
            found.append(f".{each.slice.value!s}")
    return found
