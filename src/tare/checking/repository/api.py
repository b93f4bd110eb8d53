"""``examined``: what is wrong with the preprocessing that documents state."""

from __future__ import annotations

from collections.abc import Sequence

from tare.checking.repository.result import CodeFinding
from tare.checking.repository.rules.table import CODE_RULES
from tare.checking.repository.stated import stated
from tare.checking.repository.unresolved import unresolved
from tare.code.facts import Facts, facts_of
from tare.code.files.document import Document
from tare.code.interpreter.frame import Run
from tare.code.interpreter.program import Program
from tare.code.interpreter.relevance import relevant
from tare.code.libraries.table import RELEVANT, interesting


def examined(documents: Sequence[Document], *, network: str | None = None, pedantic: bool = False) -> list[CodeFinding]:
    """The findings of every rule, each once, in the order of their places.

    ``network`` is what the files are stated to feed, such as ``timm:resnet50``. ``pedantic`` adds notes
    of what could not be told. Nothing of the documents is run.
    """
    facts = read(documents)
    every = [each for rule in CODE_RULES for each in rule(facts)]
    if network is not None:
        every += stated(facts, network)
    if pedantic:
        every += unresolved(facts)
    found = {(each.code, each.place, each.message): each for each in every}
    return sorted(found.values(), key=lambda each: (each.place, each.code))


def read(documents: Sequence[Document]) -> Facts:
    """The facts that documents state."""
    program = Program(documents)
    chosen = relevant(documents, RELEVANT)
    run = Run(program, interesting, frozenset(each.path for each in chosen))
    program.run = run
    for each in chosen:
        program.module(each.path)
    for each in chosen:
        program.carry_out(each.path)
    return facts_of(run.log, program.sources, run.cut)
