"""Groups of files that import each other, followed one after the other: what a group takes is free before the next begins."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from tare.checking.repository.result import CUT, DEEP, CodeFinding
from tare.checking.repository.rules.across.table import ACROSS
from tare.checking.repository.rules.table import CODE_RULES
from tare.checking.repository.stated import stated
from tare.checking.repository.unresolved import unresolved
from tare.code.facts import Facts, facts_of
from tare.code.files.document import Document, Skipped
from tare.code.files.links import NO_LINKS, Links
from tare.code.interpreter.conditions import let_go
from tare.code.interpreter.frame import Run
from tare.code.interpreter.program import Program
from tare.code.interpreter.relevance import relevant, that_matter
from tare.code.interpreter.repository import Repository
from tare.code.interpreter.source import parsed
from tare.code.libraries.flows import is_read
from tare.code.libraries.table import MATTERS, RELEVANT, interesting

# Characters of files without a word of preprocessing that are parsed only to see whether they can be: half a second of time.
_MOST_UNFOLLOWED = 1_000_000


class Group(NamedTuple):
    """What was found in a group of files, what the rules across groups read of it, and the files that it was seen to import."""

    findings: list[CodeFinding]
    read: tuple[Any, ...]
    skipped: list[Skipped]
    imported: frozenset[str]


class Follower:
    """The files of a repository that say something about preprocessing, and what is stated about them."""

    def __init__(
        self, documents: Sequence[Document], network: str | None = None, *, pedantic: bool = False, links: Links = NO_LINKS
    ) -> None:
        documents = sorted(documents, key=lambda each: each.path.split("/"))  # whatever order they are given in
        self._repository = Repository(documents, links)
        self._chosen = relevant(documents, RELEVANT, self._repository.imports)
        chosen = {each.path for each in self._chosen}
        self._others = [each for each in documents if each.kind != "configuration" and each.path not in chosen]
        self._network = network
        self._pedantic = pedantic

    def unreadable(self) -> list[Skipped]:
        """The files beside those that are followed that are no Python; none where these files are too many to parse."""
        if sum(len(each.text) for each in self._others) > _MOST_UNFOLLOWED:
            return []
        return [source for each in self._others if isinstance(source := parsed(each), Skipped)]

    def groups(self) -> list[Group]:
        """Every group, followed by itself, in the order of the files.

        The import statements tell which files belong together. If one turns out to import another in a way that they do not
        tell, the two groups are followed again as one.
        """
        left = [frozenset(each) for each in self._repository.imports.groups([each.path for each in self._chosen])]
        done: dict[frozenset[str], Group] = {}
        chosen = frozenset(each.path for each in self._chosen)
        while left:
            paths = left.pop(0)
            group = self._followed(paths)
            beyond = group.imported & (chosen - paths)
            if not beyond:
                done[paths] = group
                continue
            others = [each for each in (*left, *done) if each & beyond]
            left = [paths.union(*others), *(each for each in left if each not in others)]
            done = {each: found for each, found in done.items() if each not in others}
        order = {each.path: number for number, each in enumerate(self._chosen)}
        return [found for _, found in sorted(done.items(), key=lambda each: min(order[path] for path in each[0]))]

    def _followed(self, paths: frozenset[str]) -> Group:
        """What the rules find in one group of files."""
        with carried_out(self._repository, [each.path for each in self._chosen if each.path in paths]) as (program, run):
            facts = facts_of(run.log, program.sources, run.cut, run.used, self._chosen)
            return Group(
                list(self._findings(facts)), tuple(rule.read(facts) for rule in ACROSS), _skipped(program, run), program.carried
            )

    def _findings(self, facts: Facts) -> Iterator[CodeFinding]:
        for rule in CODE_RULES:
            yield from rule(facts)
        if self._network is not None:
            yield from stated(facts, self._network)
        if self._pedantic:
            yield from unresolved(facts)


@contextmanager
def carried_out(repository: Repository, paths: Sequence[str]) -> Iterator[tuple[Program, Run]]:
    """Follow files of a repository; afterwards all that this took is free at once, without a collection."""
    program = Program(repository)
    sources = [source for each in paths if (source := program.source(each)) is not None]
    run = Run(program, interesting, that_matter(sources, MATTERS), is_read)
    program.run = run
    for each in paths:
        program.module(each)
    for each in paths:
        program.carry_out(each)
    program.settle()
    try:
        yield program, run
    finally:
        run.release()
        program.run = None
        let_go()


def _skipped(program: Program, run: Run) -> list[Skipped]:
    """The files that could not be parsed, and those that were not followed to their end."""
    cut = sorted({entry.partition("::")[0] for entry in run.cut})
    return [
        *program.skipped,
        *(Skipped(path, CUT) for path in cut),
        *(Skipped(path, DEEP) for path in sorted(run.deep - set(cut))),
    ]
