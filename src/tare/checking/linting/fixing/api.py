"""The plan of all certain changes: those of one finding are made together, and two that overlap are not both made."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from tare.checking.linting.fixing.file import Changed, changed, loses_comment
from tare.checking.repository.result import CodeFinding, Edit
from tare.errors import reason_of


@dataclass(frozen=True, slots=True)
class Plan:
    """The files that change, the findings that this repairs, and what is not changed, with the reason."""

    files: tuple[Changed, ...]
    repaired: tuple[CodeFinding, ...]
    refused: tuple[str, ...]

    def diff(self) -> str:
        """All changes in the unified form that ``patch`` takes."""
        return "".join(file.diff() for file in self.files)

    def patch(self) -> bytes:
        """:meth:`diff` with the bytes of the files."""
        return b"".join(file.patch() for file in self.files)

    def write(self) -> None:
        """Write every file. Raises :class:`OutputError` for one that cannot be written; those before it are written.

        If one of them changed since it was read, none is written.
        """
        for file in self.files:
            file.check()
        for file in self.files:
            file.write()


class _Chosen(NamedTuple):
    findings: list[CodeFinding]
    edits: dict[str, list[Edit]]
    refused: list[str]


def plan_of(findings: Iterable[CodeFinding]) -> Plan:
    """Plan the edits of the findings, in their order; nothing is written."""
    chosen = _chosen([finding for finding in findings if finding.edits])
    files, broken = [], set()
    for path, edits in chosen.edits.items():
        try:
            files.append(changed(path, edits, chosen.findings))
        except (OSError, ValueError, LookupError) as error:
            broken.add(path)
            chosen.refused.append(f"{path}: {reason_of(error) or type(error).__name__}; it is left as it is")
    # What a finding changes in two files is changed in both or in neither.
    whole = [finding for finding in chosen.findings if broken.isdisjoint(edit.place.path for edit in finding.edits)]
    if len(whole) < len(chosen.findings):
        rest = plan_of(whole)
        return Plan(rest.files, rest.repaired, (*chosen.refused, *rest.refused))
    return Plan(tuple(files), tuple(whole), tuple(chosen.refused))


def _chosen(findings: Sequence[CodeFinding]) -> _Chosen:
    """The findings whose edits overlap none that was chosen before; equal edits are one."""
    chosen = _Chosen([], {}, [])
    for finding in findings:
        if any(map(loses_comment, finding.edits)):
            chosen.refused.append(f"{finding.place}: {finding.code} would lose a comment; it is left to you")
            continue
        new = [edit for edit in finding.edits if edit not in chosen.edits.get(edit.place.path, ())]
        if any(_overlap(edit, other) for edit in new for other in chosen.edits.get(edit.place.path, ())):
            chosen.refused.append(f"{finding.place}: {finding.code} would change what another finding changes; run --fix again")
            continue
        chosen.findings.append(finding)
        for edit in new:
            chosen.edits.setdefault(edit.place.path, []).append(edit)
    return chosen


def _overlap(one: Edit, other: Edit) -> bool:
    """Whether two edits share a character, or begin at the same place."""
    (start, end), (first, last) = _ends(one), _ends(other)
    return (start < last and first < end) or start == first


def _ends(edit: Edit) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    place = edit.place
    start = (place.cell, place.line, place.column)
    return start, (place.cell, place.end_line or place.line, place.end_column or place.column)
