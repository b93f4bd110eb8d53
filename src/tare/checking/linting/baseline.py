"""The baseline: findings that are known and left out, by code, path and source line, so that edits elsewhere keep them."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Container, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tare.checking.repository.identity import Identity, identity
from tare.checking.repository.result import CodeFinding
from tare.errors import SpecError, reason_of
from tare.system.files import json_text, write_text
from tare.system.local.opened import limited

_MOST_BYTES = 256 << 20

SCHEMA = "tare.baseline/1"


class Unknown(NamedTuple):
    """The findings that the baseline does not have, how many it has, and how many that were looked for were not found."""

    findings: tuple[CodeFinding, ...]
    known: int
    gone: int


class Looked(NamedTuple):
    """What was looked at: the files that were read, and the codes that were asked for."""

    files: Container[str]
    is_chosen: Callable[[str], bool]

    def at(self, baseline: Path, name: Identity) -> bool:
        """Whether an entry of a baseline would have been found again; one of a file that is not there any more as well."""
        path = os.path.normpath(baseline.parent / name.path)
        return self.is_chosen(name.code) and (os.path.relpath(path).replace(os.sep, "/") in self.files or not Path(path).exists())


def write_baseline(path: Path, findings: Iterable[CodeFinding], looked: Looked | None = None) -> None:
    """Write the findings as known ones; paths are those from the folder of the baseline.

    Entries of files that were not read and of codes that were not asked for stay; without ``looked`` all was looked at.

    Raises :class:`SpecError` for a file that is there and is no baseline, :class:`OutputError` if it cannot be written.
    """
    # A file that is there is read first: its name may come from the settings of a repository that one does not know.
    before = _read(path) if path.exists() else Counter[Identity]()
    counts = Counter({each: count for each, count in before.items() if looked is not None and not looked.at(path, each)})
    counts.update(_from(path, identity(finding)) for finding in findings)
    entries = [{**each._asdict(), "count": counts[each]} for each in sorted(counts)]
    write_text(path, json_text({"schema": SCHEMA, "findings": entries}) + "\n")


def unknown(path: Path, findings: Sequence[CodeFinding], looked: Looked | None = None) -> Unknown:
    """Leave out the findings that a baseline has, each as often as it has it. Raises :class:`SpecError` if it is none."""
    left = _read(path)
    new = []
    for finding in findings:
        name = _from(path, identity(finding))
        if left[name]:
            left[name] -= 1
        else:
            new.append(finding)
    gone = sum(count for each, count in left.items() if looked is None or looked.at(path, each))
    return Unknown(tuple(new), len(findings) - len(new), gone)


def _read(path: Path) -> Counter[Identity]:
    try:
        document: Any = json.loads(limited(path, _MOST_BYTES))
        if document["schema"] != SCHEMA:
            raise ValueError(f"schema {document['schema']!r}")
        return Counter({_entry(each): _count(each["count"]) for each in document["findings"]})
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        found = f"{str(path)!r}: {reason_of(error) or type(error).__name__}"
        raise SpecError(f"a baseline with schema {SCHEMA}", found, "write it with --baseline FILE --write-baseline") from None


def _entry(document: Any) -> Identity:
    values = [document[key] for key in Identity._fields]
    if not all(isinstance(value, str) for value in values):
        raise ValueError("a finding whose code, path and source are no texts")
    return Identity(*values)


def _count(value: Any) -> int:
    if not isinstance(value, int) or value < 1:
        raise ValueError(f"count {value!r}")
    return value


def _from(baseline: Path, name: Identity) -> Identity:
    return name._replace(path=os.path.relpath(name.path, baseline.parent).replace(os.sep, "/"))
