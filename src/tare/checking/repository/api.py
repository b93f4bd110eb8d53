"""``examined``: what is wrong with the preprocessing that documents state."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from tare.checking.repository.costs import cost_of_code
from tare.checking.repository.result import CUT, CodeFinding, Judged
from tare.checking.repository.rules.kinds.configurations import configurations
from tare.checking.repository.rules.kinds.unread import unread
from tare.checking.repository.rules.table import CODE_RULES
from tare.checking.repository.stated import stated
from tare.checking.repository.unresolved import unresolved
from tare.code.facts import facts_of
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
    with _without_collection():
        program, run = _carried_out(documents)
        facts = facts_of(run.log, program.sources, run.cut, run.used)
        every = [*configurations(documents), *unread(documents), *(each for rule in CODE_RULES for each in rule(facts))]
    if network is not None:
        every += stated(facts, network)
    skipped = program.skipped
    if pedantic:
        every += unresolved(facts)
        skipped += [Skipped(path, CUT) for path in sorted({entry.partition("::")[0] for entry in run.cut})]
    found: dict[tuple[str, Place], CodeFinding] = {}
    for each in every:
        before = found.get((each.code, each.place))
        edits = each.edits or (before.edits if before is not None else ())
        if before is None or len(before.evidence) < len(each.evidence):
            found[each.code, each.place] = replace(each, edits=edits, cost=each.cost or _cost(each))
    return Judged(sorted(found.values(), key=lambda each: (each.place, each.code)), skipped)


def _cost(finding: CodeFinding) -> str:
    return cost_of_code(finding.code) if finding.fails else ""


@contextmanager
def _without_collection() -> Iterator[None]:
    """Syntax trees are many small objects without circles: looking for circles among them takes a quarter of the time."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _carried_out(documents: Sequence[Document]) -> tuple[Program, Run]:
    """Follow the documents that say something about preprocessing."""
    program = Program(documents)
    chosen = relevant(documents, RELEVANT)
    sources = [source for each in chosen if (source := program.source(each.path)) is not None]
    run = Run(program, interesting, that_matter(sources, MATTERS))
    program.run = run
    for each in chosen:
        program.module(each.path)
    for each in chosen:
        program.carry_out(each.path)
    return program, run
