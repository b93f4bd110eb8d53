"""Files that one program writes and another loads: which of them is which."""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, TypeVar

from tare.checking.repository.result import CodeFinding
from tare.checking.repository.rules.found import finding
from tare.code.interpreter.source import Source, Spot
from tare.code.interpreter.syntax.loading import path_of
from tare.code.interpreter.values import Value


class Written(NamedTuple):
    """A file that a program writes a network to: its path, empty if it is not known, and its format.

    It is bare if what is written is the network as it was trained, and does nothing before it, for all that can be told.
    """

    path: str
    program: str
    format: str
    bare: bool


class Read(NamedTuple):
    """A file that a program loads a network from."""

    path: str
    program: str
    format: str


_Stored = TypeVar("_Stored", bound=Any)
#: What is only said with ``--pedantic``.
UNTOLD = "TARE081"
#: Formats of graphs, which take what whoever exported them has decided.
GRAPHS = frozenset(("script", "onnx"))


def plain_path(value: Value | None) -> str:
    """The end of the path that a value is, as far as it is known."""
    return "" if value is None else plain(path_of(value))


def plain(path: str) -> str:
    """A path without what leads to where it begins: ``../data/x.npy`` is ``data/x.npy``."""
    parts = posixpath.normpath(path.replace("\\", "/")).split("/") if path else []
    return "/".join(each for each in parts if each not in ("..", ".", ""))


def tied(read: Read, files: Sequence[Written]) -> bool | None:
    """Whether a program loads what a training wrote, as it was trained; None if that cannot be told.

    It does not if every training writes other files, or if what is written may do more than the trained network.
    """
    if not files:
        return None
    found = candidates(read.path, read.program, files) if read.path else []
    if found:
        return all(each.bare for each in found)
    unknown = [each for each in files if each.format == read.format and not (each.path and read.path)]
    if read.path and not unknown and not _is_converted(read, files):
        return False
    return None if all(each.bare for each in unknown) else False


def candidates(path: str, program: str, files: Sequence[_Stored]) -> list[_Stored]:
    """The files that a path may be, those that it is most likely.

    A file of the same path that a program beside it writes stands before one of a program elsewhere, and both before a file whose
    folders are known in part.
    """
    same = [each for each in files if each.path == path]
    beside = [each for each in same if posixpath.dirname(each.program) == posixpath.dirname(program)]
    inside = [each for each in files if each.path and (_ends(each.path, path) or _ends(path, each.path))]
    return beside or same or inside


def _ends(path: str, end: str) -> bool:
    return path.endswith(f"/{end}")


def _is_converted(read: Read, files: Sequence[Written]) -> bool:
    """Whether a file may be what something else has made of a file that is written: of the same name in another format."""
    stem = posixpath.splitext(posixpath.basename(read.path))[0]
    return any(posixpath.splitext(posixpath.basename(each.path))[0] == stem for each in files if each.path)


def untold(read: Read, spot: Spot) -> CodeFinding:
    """The note that an input was not compared with the training, since it may be that of another network."""
    name = read.path or "the file that is loaded"
    return finding(
        UNTOLD,
        "note",
        spot,
        f"the network in {name} is not for certain one that was trained here and saved as it is, so its input was not compared "
        "with the training",
        "look at what arrives while the program runs: tare.watch",
    )


_WORDS = re.compile(r"torch|onnx|tare|load")


def calls_named(source: Source, named: re.Pattern[str]) -> Iterator[ast.Call]:
    """The calls in a file whose function has such a name."""
    if _WORDS.search(source.document.text):
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Call) and named.fullmatch(ast.unparse(node.func)):
                yield node
