"""Worlds, the tellings of their data, chains of two steps, and the relation that must hold between them.

A world is random values with their truth in NumPy. A telling is one way of writing them down. A chain is two steps: the first
makes something of the data (statistics, a run, a study), the second takes that and the data again. Whatever telling each step is
given, the second must answer as where both have the first telling of the world, or be refused in one line, or say what it must.
"""

from __future__ import annotations

import importlib.util
import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import numpy as np

from fuzz.handover.commands import RefusedError


@dataclass(frozen=True)
class Told:
    """Data as they are written: what to name on a command line, the words it needs to be read, and where each sample is.

    ``samples`` are the places in the truth of the samples, in the order in which they are read; None for all in theirs.
    """

    data: Any
    options: tuple[str, ...] = ()
    samples: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Telling:
    """A way of writing the values of a world below a folder.

    ``same`` says that it must be read and answered alike, so that a refusal is a fault, too. Where ``remark`` is a regular
    expression, another answer is allowed if what is said matches it. ``reorders`` are "samples" or "columns" that stand in
    another order: steps that depend on that order leave it out. It is also given to the first step if ``back``.
    """

    name: str
    write: Callable[[Path, Any], Told]
    needs: tuple[str, ...] = ()
    same: bool = False
    remark: str = ""
    reorders: str = ""
    back: bool = True

    @property
    def here(self) -> bool:
        """Whether the packages that it needs are installed."""
        return all(importlib.util.find_spec(name) is not None for name in self.needs)


@dataclass(frozen=True)
class Answer:
    """What the second step answers, by names of samples, classes and columns, and all that was said beside it."""

    figures: Mapping[str, Any]
    said: str = ""


First = Callable[[Told, Path], Any]
Second = Callable[[Any, Told, Path], Answer]


@dataclass(frozen=True)
class Chain:
    """Two steps: ``first`` writes something of the data into a folder, ``second`` takes what it returned, and data.

    ``may_refuse`` are patterns of the names of tellings that it cannot read at all. ``in_order`` says which of its steps depend
    on which order, such as "first samples": a split does on that of samples, a training on that of columns. Figures agree within
    ``rtol`` of the larger one, or ``atol``.
    """

    name: str
    first: First
    second: Second
    may_refuse: tuple[str, ...] = ()
    in_order: tuple[str, ...] = ("first samples", "first columns")
    back: bool = True
    rtol: float = 1e-6
    atol: float = 1e-6


@dataclass(frozen=True)
class World:
    """Random values: how they are drawn, the tellings of them, of which the first is the plain one, and the chains over them."""

    name: str
    draw: Callable[[np.random.Generator], Any]
    tellings: Sequence[Telling]
    chains: Sequence[Chain]


@dataclass
class Tally:
    """What became of each hand-over, by the name of world and chain, and each fault in a line."""

    same: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    remarked: Counter[str] = field(default_factory=Counter)
    faulty: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)

    @property
    def names(self) -> list[str]:
        """World and chain of each hand-over, in their order."""
        return list(dict.fromkeys([*self.same, *self.refused, *self.remarked, *self.faulty]))

    def fault(self, name: str, where: str, found: str) -> None:
        """Note a fault."""
        self.faulty[name] += 1
        self.faults.append(f"{where}: {found}")


def explore(world: World, seed: int, folder: Path, tally: Tally, only: str = "") -> None:
    """Try every chain of a world on one draw of its values, with every telling before the second step and before the first.

    ``only`` names what is tried: those whose line "world, chain, telling" holds it.
    """
    truth = world.draw(np.random.default_rng([seed, *world.name.encode()]))
    tellings = [telling for telling in world.tellings if telling.here]
    place = _Place(folder, truth)
    for chain in world.chains:
        name = f"{world.name}: {chain.name}"
        tried = [(telling, way) for telling, way in _tried(chain, tellings) if only in f"{name}, {way} {telling.name}"]
        if not tried:
            continue
        plain = tellings[0]
        expected = place.answer(chain, plain, plain)
        if not isinstance(expected, Answer):
            tally.fault(name, f"{name}, plain, seed {seed}", str(expected))
            continue
        for telling, way in tried:
            pair = (plain, telling) if way == "second on" else (telling, plain)
            found = place.answer(chain, *pair)
            _judge(chain, telling, (expected, found), tally, (name, f"{name}, {way} {telling.name!r}, seed {seed}"))


def _tried(chain: Chain, tellings: Sequence[Telling]) -> Iterator[tuple[Telling, str]]:
    """Which telling is given to which step."""
    for telling in tellings[1:]:
        if f"second {telling.reorders}" not in chain.in_order:
            yield telling, "second on"
        if chain.back and telling.back and f"first {telling.reorders}" not in chain.in_order:
            yield telling, "first on"


def _judge(
    chain: Chain, telling: Telling, answers: tuple[Answer, Answer | str | RefusedError], tally: Tally, names: tuple[str, str]
) -> None:
    (expected, found), (name, where) = answers, names
    if isinstance(found, RefusedError):
        if telling.same and not any(fnmatchcase(telling.name, pattern) for pattern in chain.may_refuse):
            tally.fault(name, where, f"refused, though it is the same data: {found}")
            return
        tally.refused[name] += 1
        tally.refusals.append(f"{where}: {found}")
        return
    if isinstance(found, str):
        tally.fault(name, where, found)
        return
    differs = difference(expected.figures, found.figures, chain.rtol, chain.atol)
    if not differs:
        tally.same[name] += 1
    elif telling.remark and re.search(telling.remark, found.said):
        tally.remarked[name] += 1
    else:
        tally.fault(name, where, differs)


@dataclass
class _Place:
    """Where one draw of values is written, each telling and each first step once."""

    folder: Path
    truth: Any
    told: dict[str, Told] = field(default_factory=dict)
    made: dict[tuple[First, str], Any] = field(default_factory=dict)
    number: int = 0

    def answer(self, chain: Chain, first: Telling, second: Telling) -> Answer | str | RefusedError:
        """The answer of the second step on one telling with what the first made of another; a refusal; or what broke."""
        try:
            made = self._made(chain.first, first)
            if isinstance(made, RefusedError):
                return made
            return chain.second(made, self._told(second), self._fresh())
        except RefusedError as refusal:
            return refusal
        except Exception as error:
            return f"{type(error).__name__}: {error}"

    def _made(self, step: First, telling: Telling) -> Any:
        key = (step, telling.name)
        if key not in self.made:
            try:
                self.made[key] = step(self._told(telling), self._fresh())
            except RefusedError as refusal:
                self.made[key] = refusal
        return self.made[key]

    def _told(self, telling: Telling) -> Told:
        if telling.name not in self.told:
            self.told[telling.name] = telling.write(self._fresh(), self.truth)
        return self.told[telling.name]

    def _fresh(self) -> Path:
        self.number += 1
        place = self.folder / f"{self.number:04}"
        place.mkdir(parents=True)
        return place


def difference(expected: Mapping[str, Any], found: Mapping[str, Any], rtol: float, atol: float) -> str:
    """The first figure that differs, in words; "" where none does."""
    absent = [name for name in expected if name not in found] + [name for name in found if name not in expected]
    if absent:
        where = "not answered" if absent[0] in expected else "answered beside"
        return f"{where}: {absent[0]} ({len(absent)} such)"
    for name, value in expected.items():
        if not _equal(value, found[name], rtol, atol):
            return f"{name} is {found[name]!r} instead of {value!r}"
    return ""


def _equal(one: Any, other: Any, rtol: float, atol: float) -> bool:
    numbers = [isinstance(each, int | float) and not isinstance(each, bool) for each in (one, other)]
    if all(numbers):
        return math.isclose(one, other, rel_tol=rtol, abs_tol=atol) or (math.isnan(one) and math.isnan(other))
    return bool(one == other)


def table(tally: Tally, rounds: int, seed: int) -> str:
    """What became of the hand-overs, for each world and chain."""
    lines = ["| world: chain | hand-overs | the same answer | refused | said | that differ |", "|---|--:|--:|--:|--:|--:|"]
    counters = (tally.same, tally.refused, tally.remarked, tally.faulty)
    for name in tally.names:
        numbers = [counter[name] for counter in counters]
        lines.append("| " + " | ".join([name, *(f"{number:,}" for number in (sum(numbers), *numbers))]) + " |")
    totals = [counter.total() for counter in counters]
    lines.append("| **all** | " + " | ".join(f"**{number:,}**" for number in (sum(totals), *totals)) + " |")
    drawn = "1 draw" if rounds == 1 else f"{rounds} draws"
    return "\n".join([*lines, "", f"{drawn} of each world, from seed {seed}."])
