"""One folder as ``tare check`` reads it: nothing of it is imported or run."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tare.checking.repository.result import CodeFinding, CodeReport, Step
from tare.code.files.document import Document, Skipped
from tare.code.files.reading import documents_in
from tare.code.place import Place

Examine = Callable[[Sequence[Document]], list[CodeFinding]]


@dataclass(frozen=True, slots=True)
class Examined:
    """The findings in one folder, what was read, and the processor time of reading and judging in seconds.

    ``failure`` is the error that ended the check, if one did: then nothing was judged.
    """

    folder: str
    findings: tuple[CodeFinding, ...]
    files: int
    lines: int
    skipped: tuple[Skipped, ...]
    seconds: float
    failure: str = ""

    def to_json(self) -> dict[str, Any]:
        """The folder and its report as a JSON object."""
        report = CodeReport(self.findings, self.files, self.skipped)
        own = {"folder": self.folder, "lines": self.lines, "seconds": self.seconds, "failure": self.failure}
        return {**own, **report.to_json()}

    @staticmethod
    def from_json(row: Mapping[str, Any]) -> Examined:
        """The inverse of :meth:`to_json`, without edits."""
        findings = tuple(map(_finding, row["findings"]))
        skipped = tuple(Skipped(each["path"], each["reason"]) for each in row["skipped"])
        return Examined(row["folder"], findings, row["files"], row["lines"], skipped, row["seconds"], row["failure"])


def examination(folder: Path, examine: Examine, name: str = "") -> Examined:
    """Check one folder from within, so that neither its own name nor where it lies plays a part."""
    began = time.process_time()
    with contextlib.chdir(folder):
        found = documents_in([Path()])
    findings, failure = _judged(found.documents, examine)
    seconds = time.process_time() - began
    lines = sum(each.text.count("\n") for each in found.documents)
    return Examined(name or str(folder), findings, len(found.documents), lines, found.skipped, seconds, failure)


def _judged(documents: Sequence[Document], examine: Examine) -> tuple[tuple[CodeFinding, ...], str]:
    # One repository that the check does not survive must not hide the others; it is counted as a failure.
    try:
        return tuple(sorted(examine(documents), key=lambda each: (each.place, each.code))), ""
    except Exception as error:
        return (), f"{type(error).__name__}: {error}"


def write_findings(path: Path, examined: Sequence[Examined]) -> None:
    """Write one JSON object a folder and line, to read the findings by hand."""
    path.write_text("".join(f"{json.dumps(each.to_json())}\n" for each in examined), encoding="utf-8")


def read_findings(path: Path) -> list[Examined]:
    """What :func:`write_findings` wrote."""
    with path.open(encoding="utf-8") as lines:
        return [Examined.from_json(json.loads(line)) for line in lines]


def _finding(row: Mapping[str, Any]) -> CodeFinding:
    evidence = tuple(Step(each["text"], _place(each["place"])) for each in row["evidence"])
    texts = (row["code"], row["severity"], row["message"], row["remedy"])
    return CodeFinding(*texts, _place(row["place"]), evidence, row["cost"], source=row["source"])


def _place(row: Mapping[str, Any]) -> Place:
    return Place(row["path"], row["line"], row["column"], row["end_line"], row["end_column"], row.get("cell", 0))
