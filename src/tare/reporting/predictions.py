"""Predictions as CSV, JSON or JSON lines, written one by one; file names keep their bytes."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, Literal, NamedTuple

from tare.predicting.result import SCHEMA, Prediction
from tare.system.files import replacing
from tare.tasks.task import Task

PredictionFormat = Literal["csv", "json", "jsonl"]


class Tabled(NamedTuple):
    """The columns of a CSV: those of a task, with the ``top`` classes each."""

    task: Task
    top: int


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
        for text in _texts(counted(), form, run, table):
            stream.write(_bytes(text))
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
        yield _row(["path", *headings, "error"])
        for answer in answers:
            cells = table.task.cells(answer.ranks, answer.labels) if answer.error is None else [""] * len(headings)
            yield _row([answer.path, *cells, answer.error or ""])


def _row(cells: list[str]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerow(cells)
    return buffer.getvalue()


@contextlib.contextmanager
def _opened(out: Path | None) -> Iterator[BinaryIO]:
    if out is None:
        sys.stdout.flush()
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    with replacing(out) as temporary, open(temporary, "wb") as stream:
        yield stream
