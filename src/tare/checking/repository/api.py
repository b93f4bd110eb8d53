"""``examined``: what is wrong with the preprocessing that documents state."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from tare.checking.repository.costs import cost_of_code
from tare.checking.repository.following import Follower
from tare.checking.repository.result import CodeFinding, Judged
from tare.checking.repository.rules.across.stored import UNTOLD
from tare.checking.repository.rules.across.table import ACROSS
from tare.checking.repository.rules.kinds.configurations import configurations
from tare.checking.repository.rules.kinds.unread import unread
from tare.code.files.configuration.reading import configuration, let_go
from tare.code.files.document import Document, Skipped
from tare.code.files.links import NO_LINKS, Links
from tare.code.place import Place


def examined(documents: Sequence[Document], *, network: str | None = None, pedantic: bool = False) -> list[CodeFinding]:
    """The findings of every rule, each once, in the order of their places; see :func:`judged`."""
    return judged(documents, network=network, pedantic=pedantic).findings


def judged(
    documents: Sequence[Document], *, network: str | None = None, pedantic: bool = False, links: Links = NO_LINKS
) -> Judged:
    """What the rules find in documents, and what they could not look at. Nothing of the documents is run.

    ``network`` is what the files are stated to feed, such as ``timm:resnet50``. ``pedantic`` adds notes of what could not be
    told. Imports are followed through ``links``.
    """
    with _without_collection():  # until all is free again
        every, skipped = _found(documents, network, pedantic, links)
    return Judged(_each_once(every), skipped)


def _found(
    documents: Sequence[Document], network: str | None, pedantic: bool, links: Links
) -> tuple[list[CodeFinding], list[Skipped]]:
    """The findings of every rule, and what was not followed."""
    follower = Follower(documents, network, pedantic=pedantic, links=links)
    groups = follower.groups()
    every = [*configurations(documents), *unread(documents), *(each for group in groups for each in group.findings)]
    across: list[CodeFinding] = []
    for rule, read in zip(ACROSS, zip(*(group.read for group in groups), strict=True), strict=bool(groups)):
        across += (each for each in rule.judge(read) if pedantic or each.code != UNTOLD)
    every += _one_a_line(across)
    unreadable = [*(each for group in groups for each in group.skipped), *follower.unreadable()]
    skipped = [*dict.fromkeys(unreadable), *_unparsed(documents)]
    let_go()
    return every, skipped


def _one_a_line(across: Iterable[CodeFinding]) -> Iterable[CodeFinding]:
    """The findings across files, of several with one code on one line the one with the longest evidence: they say the same."""
    found: dict[tuple[str, str, int, int], CodeFinding] = {}
    for each in across:
        key = (each.code, each.place.path, each.place.cell or 0, each.place.line)
        if key not in found or len(found[key].evidence) < len(each.evidence):
            found[key] = each
    return found.values()


def _unparsed(documents: Sequence[Document]) -> Iterator[Skipped]:
    """The configurations that are none."""
    read = (configuration(each) for each in documents if each.kind == "configuration")
    return (each for each in read if isinstance(each, Skipped))


def _each_once(every: Iterable[CodeFinding]) -> list[CodeFinding]:
    """The findings in the order of their places.

    Of several with one code at one place it is the one with the longest evidence, as sure as the surest of them.
    """
    found: dict[tuple[str, Place], CodeFinding] = {}
    for each in every:
        before = found.get((each.code, each.place))
        edits = each.edits or (before.edits if before is not None else ())
        sure = "error" in (each.severity, before.severity if before is not None else "")
        chosen = each if before is None or len(before.evidence) < len(each.evidence) else before
        severity = "error" if sure else chosen.severity
        found[each.code, each.place] = replace(chosen, severity=severity, edits=edits, cost=chosen.cost or _cost(chosen))
    return sorted(found.values(), key=lambda each: (each.place, each.code))


def _cost(finding: CodeFinding) -> str:
    return cost_of_code(finding.code) if finding.fails else ""


@contextmanager
def _without_collection() -> Iterator[None]:
    """What files say is millions of small objects: looking for circles among them would take as long as all the rest."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()
