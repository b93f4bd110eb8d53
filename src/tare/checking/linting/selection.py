"""Which findings are shown: by code, by path, and by the comments in the files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from tare.checking.linting.inputs import CodeOptions
from tare.checking.linting.settings import Settings
from tare.checking.repository.result import CodeFinding
from tare.checking.rules.index import check_code
from tare.code.files.document import WHOLE_FILE, Document
from tare.code.place import Place


class Selected(NamedTuple):
    """The findings that are shown, how many are left out, and the remarks about comments that leave out nothing."""

    findings: tuple[CodeFinding, ...]
    ignored: int
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Comment:
    """A comment ``# tare: ignore[CODE]``; without codes it leaves out every one."""

    place: Place
    codes: frozenset[str]

    def leaves_out(self, finding: CodeFinding) -> bool:
        """Whether the comment is on a line of the finding, or of the whole file, and names its code."""
        last = max(finding.place.line, finding.place.end_line)
        here = self.place.cell == finding.place.cell and finding.place.line <= self.place.line <= last
        return (here or self.place.line == WHOLE_FILE) and (not self.codes or finding.code in self.codes)

    def __str__(self) -> str:
        codes = f"[{', '.join(sorted(self.codes))}]" if self.codes else ""
        if self.place.line == WHOLE_FILE:
            return f"{self.place.path}: # tare: ignore-file{codes}"
        cell = f"code cell {self.place.cell}:" if self.place.cell else ""
        return f"{self.place.path}:{cell}{self.place.line}: # tare: ignore{codes}"


def selected(
    findings: Iterable[CodeFinding], documents: Sequence[Document], options: CodeOptions, settings: Settings
) -> Selected:
    """Select by the options, which come before the settings, then by path, then by comments."""
    is_chosen = chosen(options, settings)
    shown = [finding for finding in findings if is_chosen(finding.code)]
    comments = {document.path: list(_comments(document)) for document in documents if document.ignores}
    used: set[int] = set()
    kept = []
    for finding in shown:
        by = [each for each in comments.get(finding.place.path, ()) if each.leaves_out(finding)]
        used.update(map(id, by))
        if not by and not finding.code.startswith(settings.ignored_in(finding.place.path) or ("\0",)):
            kept.append(finding)
    everything = options.select is None and not settings.select
    return Selected(tuple(kept), len(shown) - len(kept), tuple(_unused(comments, used)) if everything else ())


def chosen(options: CodeOptions, settings: Settings) -> Callable[[str], bool]:
    """Whether a code is one that is asked for."""
    wanted = codes_of(options.select, "--select") or settings.select or ("",)
    left = (*codes_of(options.ignore, "--ignore"), *settings.ignore)
    return lambda code: code.startswith(wanted) and not (left and code.startswith(left))


def codes_of(given: Sequence[str] | None, name: str) -> tuple[str, ...]:
    """The codes, or beginnings of codes, after an option. Raises :class:`SpecError` for one that no rule has."""
    return tuple(check_code(code, name) for code in given or ())


def _comments(document: Document) -> Iterator[_Comment]:
    for line, codes in document.ignores.items():
        yield _Comment(Place(document.path, WHOLE_FILE) if line == WHOLE_FILE else document.place(line), codes)


def _unused(comments: Mapping[str, Sequence[_Comment]], used: set[int]) -> Iterator[str]:
    for each in (comment for of_file in comments.values() for comment in of_file):
        if id(each) not in used:
            yield f"{each} leaves out no finding; remove it"
