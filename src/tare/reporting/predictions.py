"""Predictions as CSV, JSON or JSON lines, written one by one; file names keep their bytes."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, Literal

from tare.predicting.result import SCHEMA, Prediction
from tare.system.files import replacing

PredictionFormat = Literal["csv", "json", "jsonl"]


def write_predictions(
    answers: Iterable[Prediction], out: Path | None, form: PredictionFormat, run: str, top: int, advance: Callable[[int], None]
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
        for text in _texts(counted(), form, run, top):
            stream.write(_bytes(text))
    return failed


def _bytes(text: str) -> bytes:
    """UTF-8; bytes of a file name that are not UTF-8 are written unchanged (PEP 383). JSON escapes them."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # a lone surrogate that stands for no byte, as a class name may hold
        return text.encode("utf-8", "replace")


def _texts(answers: Iterator[Prediction], form: PredictionFormat, run: str, top: int) -> Iterator[str]:
    if form == "json":
        document = {"schema": SCHEMA, "run": run, "predictions": [answer.to_json() for answer in answers]}
        yield json.dumps(document, indent=2, allow_nan=False) + "\n"
    elif form == "jsonl":
        yield from (json.dumps(answer.to_json(), allow_nan=False) + "\n" for answer in answers)
    else:
        yield _row(["path", *_headings(top), "error"])
        yield from (_row([answer.path, *_cells(answer, top), answer.error or ""]) for answer in answers)


def _headings(top: int) -> Iterator[str]:
    for rank in range(1, top + 1):
        yield from ("label", "probability") if rank == 1 else (f"label_{rank}", f"probability_{rank}")


def _cells(answer: Prediction, top: int) -> Iterator[str]:
    for label, probability in answer.ranks:
        yield from (label, f"{probability:.6f}")
    yield from [""] * (2 * (top - len(answer.ranks)))


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
