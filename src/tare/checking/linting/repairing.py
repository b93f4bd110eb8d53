"""The changes of ``--fix``: of those that findings name, the ones that make their finding go away and cause no other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from tare.checking.linting.api import by_network, code_checked, documents_of, networks_of
from tare.checking.linting.fixing.api import Plan, plan_of
from tare.checking.linting.fixing.file import Changed
from tare.checking.linting.inputs import CodeRequest
from tare.checking.linting.settings import settings_for
from tare.checking.repository.result import CodeFinding, CodeReport
from tare.code.files.document import Document, Found
from tare.code.files.reading import document_of

_Kind = tuple[str, str]


def repairs(request: CodeRequest) -> tuple[Plan, CodeReport]:
    """The plan of the changes, and the report that it is made from; nothing is written.

    The files are judged again as they would be. A finding whose change does not make it go away, or causes another, is left to
    a person.
    """
    report = code_checked(request)
    plan = plan_of(report.findings)
    if not plan.files:
        return plan, report
    settings = settings_for(request.places)
    read = documents_of(request, settings)
    networks = networks_of(request, settings, read.documents)
    before = by_network(read, networks, pedantic=False).findings
    refused: list[str] = []
    while plan.files:
        after = by_network(_changed(read, plan.files), networks, pedantic=False).findings
        worse = _worse(plan.repaired, before, after)
        useless = _useless(plan.repaired, worse)
        if not useless:
            break
        refused += [f"{each.place}: {each.code} {_reason(each, worse)}; it is left to you" for each in useless]
        plan = plan_of(each for each in plan.repaired if each not in useless)
    return replace(plan, refused=(*plan.refused, *refused)), report


def _worse(repaired: Sequence[CodeFinding], before: Iterable[CodeFinding], after: Iterable[CodeFinding]) -> set[_Kind]:
    """The kinds of findings of which there would be more than the changes leave."""
    wanted = _kinds(before)
    wanted.subtract(_kinds(repaired))
    return {kind for kind, count in _kinds(after).items() if count > max(wanted[kind], 0)}


def _useless(repaired: Sequence[CodeFinding], worse: set[_Kind]) -> list[CodeFinding]:
    """The findings that stay, or cause others in a file that they change; all, where it cannot be told which."""
    if not worse:
        return []
    paths = {path for _, path in worse}
    blamed = [each for each in repaired if (each.code, each.place.path) in worse]
    blamed = blamed or [each for each in repaired if any(edit.place.path in paths for edit in each.edits)]
    return blamed or [*repaired]


def _reason(finding: CodeFinding, worse: set[_Kind]) -> str:
    """Why a change is not made."""
    if (finding.code, finding.place.path) in worse:
        return "would not be repaired by the change"
    code, path = min(worse)
    return f"is not repaired, since the change alone would leave {code} in {path}"


def _kinds(findings: Iterable[CodeFinding]) -> Counter[_Kind]:
    return Counter((each.code, each.place.path) for each in findings)


def _changed(read: Found, files: Sequence[Changed]) -> Found:
    """The documents as they would be."""
    texts: Mapping[str, Changed] = {file.path: file for file in files}
    changed = (_read(each, texts[each.path]) if each.path in texts else each for each in read.documents)
    return replace(read, documents=tuple(changed))


def _read(document: Document, file: Changed) -> Document:
    """A document with its new text; the old one if it could not be read any more, whose findings then stay."""
    return document_of(file.path, file.after.encode(file.encoding), named=True)[0] or document
