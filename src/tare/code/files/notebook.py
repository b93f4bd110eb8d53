"""The Python code of a Jupyter notebook, cell after cell; a notebook is read as JSON and never run."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tare.code.files.parsing import MOST_CHARACTERS, NoTree, tree_of
from tare.code.files.text import UnreadableTextError, decoded

# Cells under these magics hold ordinary code.
_RUNS_PYTHON = frozenset({"time", "timeit", "capture", "prun", "memit", "mprun", "python", "python3", "pypy", "scalene"})
_MAGIC_LINE = re.compile(r"\s*(?:[%!?]|[\w.]+\s*=\s*[%!])|.*\?\s*(?:#.*)?$")
_MOST_TRIES = 40


@dataclass(frozen=True, slots=True)
class Code:
    """The code of a notebook: its text, the first line of each cell, and why some cells are blank."""

    text: str
    cells: tuple[int, ...]
    problem: str = ""


def notebook_code(data: bytes) -> Code:
    """The code cells of a notebook in their order, nbformat 3 or 4, with magics, shell lines and broken cells made blank.

    Lines keep their numbers within their cell. Raises :class:`UnreadableTextError` for what is no notebook of Python.
    """
    document = _document(data)
    language = _language(document)
    if language != "python":
        raise UnreadableTextError(f"it is a notebook in {language}")
    sources = [_source(cell) for cell in _cells(document) if _is_python(cell)]
    length = sum(map(len, sources))
    if length > MOST_CHARACTERS:
        raise UnreadableTextError(f"it has {length:,} characters of code, more than the {MOST_CHARACTERS:,} that are parsed")
    return _joined([_python(source) for source in sources])


def _joined(cells: list[tuple[str, str]]) -> Code:
    firsts, line = [], 1
    for code, _ in cells:
        firsts.append(line)
        line += code.count("\n") + 1
    broken = [(number, problem) for number, (_, problem) in enumerate(cells, 1) if problem]
    return Code("".join(f"{code}\n" for code, _ in cells), tuple(firsts), _problem(broken))


def _problem(broken: list[tuple[int, str]]) -> str:
    if not broken:
        return ""
    numbers = [str(number) for number, _ in broken]
    listed = ", ".join(numbers[:5]) + (f" and {len(numbers) - 5} more" if len(numbers) > 5 else "")
    return f"cell{'s' if len(numbers) > 1 else ''} {listed} left out: {broken[0][1]}"


def _document(data: bytes) -> Mapping[str, Any]:
    text = decoded(data)
    try:
        document = json.loads(text)
    except RecursionError:
        raise UnreadableTextError("it is no notebook: its JSON is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise UnreadableTextError(f"it is no notebook: line {error.lineno} is no JSON") from None
    except ValueError as error:
        raise UnreadableTextError(f"it is no notebook: {error}") from None
    if not isinstance(document, dict):
        raise UnreadableTextError("it is no notebook: its JSON is no object")
    return document


def _cells(document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The cells of nbformat 4, or those of the worksheets of nbformat 3."""
    sheets = document.get("worksheets") if "cells" not in document else [document]
    if not isinstance(sheets, list):
        raise UnreadableTextError("it is no notebook: it has no list of cells")
    for sheet in sheets:
        cells = sheet.get("cells") if isinstance(sheet, dict) else None
        if not isinstance(cells, list):
            raise UnreadableTextError("it is no notebook: it has no list of cells")
        yield from (cell for cell in cells if isinstance(cell, dict))


def _language(document: Mapping[str, Any]) -> str:
    """The language that the notebook states; one that states none is taken for Python, cell by cell."""
    metadata = _mapping(document, "metadata")
    info, kernel = _mapping(metadata, "language_info"), _mapping(metadata, "kernelspec")
    stated = next((each for each in (info.get("name"), kernel.get("language")) if isinstance(each, str) and each), "python")
    if "python" not in stated.lower():
        return " ".join(stated.split())[:40]
    # PyCharm writes version 2.7.6 into every notebook, so the kernel's name counts first.
    version, name = str(info.get("version", "")), kernel.get("name")
    return "Python 2" if name == "python2" or (version.startswith("2.") and name != "python3") else "python"


def _is_python(cell: Mapping[str, Any]) -> bool:
    return cell.get("cell_type") == "code" and cell.get("language", "python") == "python"


def _mapping(document: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = document.get(key)
    return value if isinstance(value, dict) else {}


def _source(cell: Mapping[str, Any]) -> str:
    source = cell.get("source", cell.get("input", ""))
    if isinstance(source, list):
        source = "".join(line for line in source if isinstance(line, str))
    text = source if isinstance(source, str) else ""
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")


def _python(source: str) -> tuple[str, str]:
    """The code of one cell, and why it is blank if it is no Python."""
    lines = source.split("\n")
    lines = lines[:-1] if len(lines) > 1 and not lines[-1] else lines
    first = next((index for index, line in enumerate(lines) if line.strip()), 0)
    if lines[first].lstrip().startswith("%%"):
        magic = lines[first].split("%%", 1)[1].split()
        if not magic or magic[0] not in _RUNS_PYTHON:
            return "\n" * (len(lines) - 1), ""
        lines[first] = ""
    return _without_magics(lines)


def _without_magics(lines: list[str]) -> tuple[str, str]:
    """Make blank what stops the parser, line by line, as long as it is a magic; a "%" that goes on an expression stays."""
    magics = [index for index, line in enumerate(lines) if _MAGIC_LINE.match(line)]
    tree = tree_of("\n".join(lines))
    for _ in range(min(len(magics), _MOST_TRIES)):
        if not isinstance(tree, NoTree) or not _blanked(lines, magics, tree.line):
            break
        tree = tree_of("\n".join(lines))
    if isinstance(tree, NoTree) and magics:
        for index in magics:
            _blank(lines, index)
        tree = tree_of("\n".join(lines))
    return ("\n" * (len(lines) - 1), tree.reason) if isinstance(tree, NoTree) else ("\n".join(lines), "")


def _blanked(lines: list[str], magics: list[int], stopped: int) -> bool:
    """Make the magic blank in whose line, from 1, or after whose line the parser stopped, and say whether there is one."""
    for index in (stopped - 1, stopped - 2):
        if index in magics and lines[index].strip() not in {"", "pass"}:
            _blank(lines, index)
            return True
    return False


def _blank(lines: list[str], index: int) -> None:
    """Make a magic blank, with the lines that go on after a backslash; in a block it becomes ``pass``."""
    indent = lines[index][: len(lines[index]) - len(lines[index].lstrip())]
    goes_on = lines[index].rstrip().endswith("\\")
    lines[index] = f"{indent}pass" if indent else ""
    while goes_on and index + 1 < len(lines):
        index += 1
        goes_on = lines[index].rstrip().endswith("\\")
        lines[index] = ""
