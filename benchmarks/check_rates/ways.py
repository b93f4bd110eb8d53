"""The ways in which one program is written: as a script, in a function, in a notebook, over two files and others."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable, Iterator
from textwrap import indent
from typing import NamedTuple

from benchmarks.check_rates.programs import MISTAKES, Mistake
from tare.checking.repository.api import examined
from tare.code.files.document import Document
from tare.code.files.notebook import notebook_code

Way = Callable[[str], list[Document]]


def _script(text: str) -> list[Document]:
    return [Document("main.py", "python", text)]


def _function(text: str) -> list[Document]:
    head, body = _split(text)
    return _script(f"{head}\ndef run():\n{indent(body, '    ')}\n\nrun()\n")


def _method(text: str) -> list[Document]:
    head, body = _split(text)
    return _script(f"{head}\nclass Work:\n    def run(self):\n{indent(body, '        ')}\n\nWork().run()\n")


def _branch(text: str) -> list[Document]:
    head, body = _split(text)
    return _script(f"import sys\n{head}\nif len(sys.argv) > 1:\n{indent(body, '    ')}\n")


def _notebook(text: str) -> list[Document]:
    """A cell a statement."""
    cells = [{"cell_type": "code", "source": ast.get_source_segment(text, node)} for node in ast.parse(text).body]
    document = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    code = notebook_code(json.dumps(document).encode())
    return [Document("main.ipynb", "notebook", code.text, code.cells)]


def _two_files(text: str) -> list[Document]:
    head, body = _split(text)
    work = Document("parts/work.py", "python", f"{head}\ndef run():\n{indent(body, '    ')}\n")
    return [work, Document("main.py", "python", "from parts.work import run\n\nrun()\n")]


def _split(text: str) -> tuple[str, str]:
    """The imports of a program, and the rest."""
    head = [line for line in text.split("\n") if line.startswith(("import ", "from "))]
    return "\n".join(head), "\n".join(line for line in text.split("\n") if line not in head)


#: The ways, by name; they take the text of a program.
WAYS: dict[str, Way] = {
    "script": _script,
    "function": _function,
    "method": _method,
    "branch": _branch,
    "notebook": _notebook,
    "two files": _two_files,
}


class Written(NamedTuple):
    """A mistake written in one way, and what of it was found: with the mistake, and after its remedy."""

    mistake: Mistake
    way: str
    found: frozenset[str]
    cured: frozenset[str]

    @property
    def right(self) -> bool:
        """Whether every code that is to be found is there."""
        return set(self.mistake.codes) <= self.found

    @property
    def exact(self) -> bool:
        """Whether nothing else is said, and nothing at all after the remedy."""
        return set(self.mistake.codes) == self.found and not self.cured


def documents_of(mistake: Mistake, fragment: str) -> Iterator[tuple[str, list[Document]]]:
    """The program with one fragment, in every way; where the fragment is a value, also by a name from another file."""
    beside = [Document("config.yaml", "configuration", mistake.settings)] if mistake.settings else []
    for way, write in WAYS.items():
        yield way, [*write(mistake.program.format(fragment)), *beside]
    if mistake.named:
        settings = Document("settings.py", "python", f"# of the transforms\nVALUE = {fragment}\n")
        yield "a name", [settings, *_script("from settings import VALUE\n" + mistake.program.format("VALUE"))]


def written() -> Iterator[Written]:
    """Every mistake in every way."""
    for mistake in MISTAKES:
        for (way, wrong), (_, right) in zip(
            documents_of(mistake, mistake.wrong), documents_of(mistake, mistake.right), strict=True
        ):
            yield Written(mistake, way, _codes(wrong), _codes(right))


def _codes(documents: list[Document]) -> frozenset[str]:
    return frozenset(each.code for each in examined(documents) if each.fails)


def table(results: list[Written]) -> str:
    """The results as Markdown, a mistake a row."""
    lines = [
        "| mistake | codes | written | right code | and nothing else | clean after the remedy |",
        "|---|---|--:|--:|--:|--:|",
    ]
    for mistake in MISTAKES:
        found = [each for each in results if each.mistake is mistake]
        lines.append(f"| {mistake.name} | {', '.join(mistake.codes)} | {_counts(found)} |")
    return "\n".join([*lines, f"| **all** | | {_counts(results, '**')} |"])


def _counts(found: list[Written], bold: str = "") -> str:
    right, cured = sum(each.right for each in found), sum(not each.cured for each in found)
    alone = sum(set(each.mistake.codes) == each.found for each in found)
    return " | ".join(f"{bold}{count}{bold}" for count in (len(found), right, alone, cured))
