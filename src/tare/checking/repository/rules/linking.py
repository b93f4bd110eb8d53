"""Which pipelines, networks and calls belong to one program."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

from tare.code.facts import Facts, Pipeline
from tare.code.interpreter.conditions import Decisions, agree
from tare.code.interpreter.values import Call
from tare.code.libraries.networks import Network
from tare.code.libraries.openness import takes_constants_from_elsewhere

_Made = TypeVar("_Made", Pipeline, Network, Call)


@dataclass(frozen=True, slots=True)
class Program:
    """What one file makes when it runs, with what it calls in other files; ``cut`` if it was not followed to its end."""

    path: str
    pipelines: tuple[Pipeline, ...]
    networks: tuple[Network, ...]
    calls: tuple[Call, ...]
    cut: bool

    def pipelines_of(self, network: Network) -> list[Pipeline]:
        """The pipelines made in the same run as a network; those of the whole file if that has none."""
        same = [each for each in self.pipelines if each.call.entry == network.call.entry]
        return same or list(self.pipelines)

    def is_open(self, decisions: Decisions, known: Container[int] = ()) -> bool:
        """Whether under these decisions constants may come from somewhere that is not followed.

        ``known`` has the calls, by identity, of which it is known what they give.
        """
        calls = [each for each in self.calls if id(each) not in known and takes_constants_from_elsewhere(each)]
        return self.cut or any(agree(each.decisions, decisions) for each in calls)


def programs(facts: Facts, *, every: bool = False) -> Iterator[Program]:
    """The programs of a group of files, one a file: those with a pipeline or network, or ``every`` one."""
    if "programs" not in facts.kept:
        facts.kept["programs"] = tuple(_programs(facts))
    return (each for each in facts.kept["programs"] if every or each.pipelines or each.networks)


def _programs(facts: Facts) -> Iterator[Program]:
    pipelines, networks = _with_used(facts, facts.pipelines), _with_used(facts, facts.networks)
    calls = _grouped(facts.calls)
    cut = {each.partition("::")[0] for each in facts.cut}
    for path in {**pipelines, **networks, **calls}:
        yield Program(
            path, tuple(pipelines.get(path, ())), tuple(networks.get(path, ())), tuple(calls.get(path, ())), path in cut
        )


def _with_used(facts: Facts, several: tuple[_Made, ...]) -> dict[str, list[_Made]]:
    """What each program makes itself, and what it takes from a file that made it when it was imported."""
    found = _grouped(several)
    for path, used in facts.used.items():
        for each in several:
            if id(_call(each)) in used and program_of(_call(each)) != path:
                found.setdefault(path, []).append(each)
    return found


def _call(made: Pipeline | Network | Call) -> Call:
    return made if isinstance(made, Call) else made.call


def _grouped(several: Iterable[_Made]) -> dict[str, list[_Made]]:
    found: dict[str, list[_Made]] = defaultdict(list)
    for each in several:
        found[program_of(_call(each))].append(each)
    return dict(found)


def says(pattern: re.Pattern[str], text: str) -> bool:
    """Whether code has a pattern outside imports and comments."""
    return _says(pattern, text)


@lru_cache(maxsize=256)
def _says(pattern: re.Pattern[str], text: str) -> bool:
    """The same for every network, pipeline and rule that asks."""
    if not pattern.search(text):
        return False
    lines = (line for line in text.split("\n") if not line.lstrip().startswith(("import ", "from ", "#")))
    return any(pattern.search(line) for line in lines)


def program_of(call: Call) -> str:
    """The file whose run makes a call."""
    return call.entry.partition("::")[0]
