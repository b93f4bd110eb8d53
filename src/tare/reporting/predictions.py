"""Predictions as CSV, JSON or JSON lines, written one by one; file names keep their bytes.

A cell of CSV is quoted if it holds a comma, a quote or the end of a line of any system, begins or ends with white space, or
begins as a command of a CI server does; readers take the quotes away (RFC 4180).
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, Literal, NamedTuple

from tare.datasets.tasks import is_number
from tare.predicting.result import SCHEMA, Prediction
from tare.system.files import replacing
from tare.system.terminal.harmless import COMMANDS, visible, visible_lines
from tare.system.terminal.streams import output
from tare.tasks.task import Task

#: What a cell is quoted for: what separates cells and lines, and white space at its ends.
_QUOTED = re.compile(r'[,"\r\n\x0b\x0c\x1c-\x1e\x85\u2028\u2029]|^\s|\s$')
#: What a spreadsheet takes for the beginning of a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001

PredictionFormat = Literal["csv", "json", "jsonl"]


class Tabled(NamedTuple):
    """The columns of a CSV: those of a task, with the ``top`` classes each.

    For a ``spreadsheet``, text that it would run as a formula gets an apostrophe in front (OWASP, "CSV Injection").
    """

    task: Task
    top: int
    spreadsheet: bool = False


def write_predictions(
    answers: Iterable[Prediction],
    out: Path | None,
    form: PredictionFormat,
    run: str,
    table: Tabled,
    advance: Callable[[int], None],
) -> int:
    """Write ``answers`` to standard output, or to the file ``out`` atomically; return how many samples have an error."""
    failed = 0

    def counted() -> Iterator[Prediction]:
        nonlocal failed
        for answer in answers:
            failed += answer.error is not None
            advance(1)
            yield answer

    with _opened(out) as stream:
        # A terminal would obey what is in a name; files and programs get the name as it is.
        clean = visible_lines if out is None and output().isatty() else str
        for text in _texts(counted(), form, run, table):
            stream.write(_bytes(clean(text)))
    return failed


def _bytes(text: str) -> bytes:
    """UTF-8; bytes of a file name that are not UTF-8 are written unchanged (PEP 383). JSON escapes them."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # a lone surrogate that stands for no byte, as a class name may hold
        return text.encode("utf-8", "replace")


def _texts(answers: Iterator[Prediction], form: PredictionFormat, run: str, table: Tabled) -> Iterator[str]:
    if form == "json":
        document = {"schema": SCHEMA, "run": run, "predictions": [answer.to_json() for answer in answers]}
        yield json.dumps(document, indent=2, allow_nan=False) + "\n"
    elif form == "jsonl":
        yield from (json.dumps(answer.to_json(), allow_nan=False) + "\n" for answer in answers)
    else:
        headings = table.task.headings(table.top)
        cell = _harmless_cell if table.spreadsheet else _cell
        yield _row(["path", *headings, "error"], cell)
        for answer in answers:
            cells = table.task.cells(answer.ranks, answer.labels) if answer.error is None else [""] * len(headings)
            yield _row([answer.path, *cells, visible(answer.error or "")], cell)


def _row(cells: Sequence[str], cell: Callable[[str], str]) -> str:
    return ",".join(map(cell, cells)) + "\n"


def _cell(text: str) -> str:
    # The csv module of Python quotes a carriage return only where lines end with one; readers end a line there.
    if _QUOTED.search(text) is None and not text.startswith(COMMANDS):
        return text
    doubled = text.replace('"', '""')
    return f'"{doubled}"'


def _harmless_cell(text: str) -> str:
    return _cell(f"'{text}" if text.startswith(_FORMULA) and not is_number(text) else text)


@contextlib.contextmanager
def _opened(out: Path | None) -> Iterator[BinaryIO]:
    if out is None:
        own = output()
        own.flush()
        yield own.buffer
        own.buffer.flush()
        return
    with replacing(out) as temporary, open(temporary, "wb") as stream:
        yield stream
