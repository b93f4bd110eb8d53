"""``examined``: what is wrong with the preprocessing that documents state."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from tare.checking.repository.costs import cost_of_code
from tare.checking.repository.result import CUT, DEEP, CodeFinding, Judged
from tare.checking.repository.rules.kinds.configurations import configurations
from tare.checking.repository.rules.kinds.unread import unread
from tare.checking.repository.rules.table import CODE_RULES
from tare.checking.repository.stated import stated
from tare.checking.repository.unresolved import unresolved
from tare.code.facts import facts_of
from tare.code.files.configuration.reading import configuration, let_go
from tare.code.files.document import Document, Skipped
from tare.code.interpreter.frame import Run
from tare.code.interpreter.program import Program
from tare.code.interpreter.relevance import relevant, that_matter
from tare.code.libraries.table import MATTERS, RELEVANT, interesting
from tare.code.place import Place


def examined(documents: Sequence[Document], *, network: str | None = None, pedantic: bool = False) -> list[CodeFinding]:
    """The findings of every rule, each once, in the order of their places; see :func:`judged`."""
    return judged(documents, network=network, pedantic=pedantic).findings


def judged(documents: Sequence[Document], *, network: str | None = None, pedantic: bool = False) -> Judged:
    """What the rules find in documents, and what they could not look at. Nothing of the documents is run.

    ``network`` is what the files are stated to feed, such as ``timm:resnet50``. ``pedantic`` adds notes of what could not be
    told.
    """
    with _without_collection():  # until all is free again
        every, skipped = _found(documents, network, pedantic)
    return Judged(_each_once(every), skipped)


def _found(documents: Sequence[Document], network: str | None, pedantic: bool) -> tuple[list[CodeFinding], list[Skipped]]:
    """The findings of every rule, and what was not followed."""
    with _carried_out(documents) as (program, run):
        facts = facts_of(run.log, program.sources, run.cut, run.used)
        every = [*configurations(documents), *unread(documents), *(each for rule in CODE_RULES for each in rule(facts))]
        if network is not None:
            every += stated(facts, network)
        if pedantic:
            every += unresolved(facts)
        cut = sorted({entry.partition("::")[0] for entry in run.cut})
        skipped = [*program.skipped, *_unparsed(documents), *(Skipped(path, CUT) for path in cut)]
        skipped += [Skipped(path, DEEP) for path in sorted(run.deep - set(cut))]
    let_go()
    return every, skipped


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


@contextmanager
def _carried_out(documents: Sequence[Document]) -> Iterator[tuple[Program, Run]]:
    """Follow the documents that say something about preprocessing; afterwards all of it is free at once, without a collection."""
    program = Program(documents)
    chosen = relevant(documents, RELEVANT)
    sources = [source for each in chosen if (source := program.source(each.path)) is not None]
    run = Run(program, interesting, that_matter(sources, MATTERS))
    program.run = run
    for each in chosen:
        program.module(each.path)
    for each in chosen:
        program.carry_out(each.path)
    try:
        yield program, run
    finally:
        run.release()
        program.run = None
