"""One parsed file, and the places of its nodes."""

from __future__ import annotations

import ast
from dataclasses import dataclass, replace
from functools import cached_property

from tare.code.files.document import Document, Skipped
from tare.code.files.parsing import NoTree, tree_of
from tare.code.place import Place

#: The width from which only a part of an expression is marked.
_LONG = 40


class Source:
    """A document with its syntax tree; ``path`` names it."""

    def __init__(self, document: Document, tree: ast.Module) -> None:
        self.document = document
        self.tree = tree
        self.path = document.path

    @cached_property
    def lines(self) -> list[str]:
        """The lines of the text as the parser counts them."""
        return self.document.text.split("\n")

    @cached_property
    def parents(self) -> dict[int, ast.AST]:
        """The node around each node of the file, by identity."""
        return {id(child): each for each in ast.walk(self.tree) for child in ast.iter_child_nodes(each)}

    @cached_property
    def bare(self) -> Source:
        """The file without its tree."""
        return Source(self.document, ast.Module([], []))

    def alone(self, node: ast.AST) -> Spot:
        """The place of a node without the tree of the file, which is free once nothing else holds it."""
        return Spot(self.bare, ast.copy_location(ast.Pass(), node))

    def place(self, node: ast.AST) -> Place:
        """Where a node stands, in characters from 1."""
        line = getattr(node, "lineno", 1)
        end: int = getattr(node, "end_lineno", None) or line
        first = self._column(line, getattr(node, "col_offset", 0))
        last = self._column(end, getattr(node, "end_col_offset", 0) or 0)
        return self.document.place(line, first, end, last)

    def core(self, node: ast.AST) -> Place:
        """Where a node stands; of a long one in one line only what it does itself: ``/ 255``, ``float()`` or ``T.Compose``."""
        whole = self.place(node)
        if whole.end_line != whole.line or whole.end_column - whole.column <= _LONG:
            return whole
        first, last = _core(self.lines[getattr(node, "lineno", 1) - 1], node)
        return replace(whole, column=whole.column + first, end_column=whole.column + last)

    def line(self, node: ast.AST) -> str:
        """The line of code on which a node begins."""
        number = getattr(node, "lineno", 0)
        return self.lines[number - 1].rstrip("\r") if 0 < number <= len(self.lines) else ""

    def segment(self, node: ast.AST) -> str:
        """The lines of code that a node takes."""
        first, last = getattr(node, "lineno", 1), getattr(node, "end_lineno", None) or getattr(node, "lineno", 1)
        return "\n".join(self.lines[first - 1 : last])

    def _column(self, line: int, offset: int) -> int:
        text = self.lines[line - 1] if 0 < line <= len(self.lines) else ""
        return offset + 1 if text.isascii() else len(text.encode()[:offset].decode(errors="ignore")) + 1


@dataclass(slots=True, eq=False)  # not frozen, which would take three times as long to make: there is one for each node
class Spot:
    """A node of a source: a place that costs nothing until somebody asks for it."""

    source: Source
    node: ast.AST

    @property
    def place(self) -> Place:
        """The place of the node."""
        return self.source.place(self.node)

    @property
    def core(self) -> Place:
        """The part of the place that is to be marked."""
        return self.source.core(self.node)

    @property
    def line(self) -> str:
        """The line of code of the node."""
        return self.source.line(self.node)

    def alone(self) -> Spot:
        """The same place without the tree of its file."""
        return self.source.alone(self.node)


def parsed(document: Document) -> Source | Skipped:
    """The document with its tree, or why there is none: a syntax error, or an expression too deep for Python's own parser."""
    tree = tree_of(document.text)
    return Skipped(document.path, tree.reason) if isinstance(tree, NoTree) else Source(document, tree)


def _core(line: str, node: ast.AST) -> tuple[int, int]:
    """Where in a node of one line the part begins and ends that is its own, in characters from its beginning."""
    text = line.encode()
    start, end = getattr(node, "col_offset", 0), getattr(node, "end_col_offset", None) or 0
    if isinstance(node, ast.BinOp):
        after = node.left.end_col_offset or start
        first = after + len(text[after:end]) - len(text[after:end].lstrip(b" )"))
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and not _is_name(node.func.value):
        named = node.func.end_col_offset or end
        first = named - len(node.func.attr.encode())
        end = end if end - first <= _LONG else named
    else:
        first, end = start, (node.func.end_col_offset or end) if isinstance(node, ast.Call) else end
    return len(text[start:first].decode(errors="ignore")), len(text[start:end].decode(errors="ignore"))


def _is_name(node: ast.expr) -> bool:
    """Whether an expression is a name, perhaps with dots."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return isinstance(node, ast.Name)
