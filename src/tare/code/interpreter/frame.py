"""What one execution of a function or module knows, and what all executions of a repository share."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NoReturn, Protocol

from tare.code.interpreter.conditions import ALWAYS, Decisions, agree, of_test
from tare.code.interpreter.heap import Heap
from tare.code.interpreter.source import Source, Spot
from tare.code.interpreter.values import (
    Call,
    Choice,
    Class,
    Function,
    Instance,
    Items,
    Literal,
    Table,
    Value,
    joined,
    narrowed,
)

#: How deep calls of the repository's functions, and nested expressions, are followed.
DEEPEST_CALL = 9
DEEPEST_EXPRESSION = 60
#: How often one function is followed for one entry, and how often if it takes no more than some steps in all.
MOST_VISITS = 16
MOST_SHORT_VISITS = 128
FEW_STEPS = 1000


#: What a function may say that matters to the rules.
_MATTERS = re.compile(
    r"pretrained|timm|\bmodels\.|applications|ormali[sz]e|\b255|\b127|preprocess|transform(?!er)|(?<!_)means?\b|Compose"
)


class OutOfBudgetError(Exception):
    """An entry took more steps than it may; what it found so far stands."""


class Engine(Protocol):
    """The parts of the interpreter, as they call each other."""

    def evaluate(self, frame: Frame, node: ast.expr) -> Value:
        """The value of an expression."""

    def execute(self, frame: Frame, body: Sequence[ast.stmt]) -> None:
        """Carry out statements."""

    def call(
        self,
        frame: Frame,
        callee: Value,
        args: tuple[Value, ...],
        keywords: Mapping[str, Value],
        spot: Spot,
        *,
        spread: bool = False,
    ) -> Value:
        """What a call returns."""

    def attribute(self, frame: Frame, owner: Value, name: str, spot: Spot) -> Value:
        """An attribute of a value."""

    def module(self, path: str) -> Mapping[str, Value]:
        """The names of a module of the repository."""

    def share(self, path: str, name: str, value: Value) -> None:
        """Give a variable of a module the value that a function gave it."""

    def submodule(self, path: str, name: str) -> Value:
        """The module of a name in a package of the repository, or UNKNOWN."""

    def imported(self, source: Source, module: str, level: int) -> Value:
        """The module that an import statement names."""

    def configuration(self, source: Source, path: str) -> Value | None:
        """The contents of the configuration that a path in a file names; None if there is no such file."""

    def once(self, value: Function) -> Value:
        """What a function without arguments that keeps its result returns to all of its callers."""

    def composed(self, source: Source, folder: str, name: str) -> Value | None:
        """What Hydra makes of a configuration and its defaults; None if there is no such file."""


@dataclass(slots=True)
class Run:
    """What all executions share: the heap, the calls that were made, and the budget of steps.

    ``followed`` has the functions that say something, and ``shows`` tells whether an argument makes any function worth following.
    """

    engine: Engine
    interesting: Callable[[str], bool]
    followed: frozenset[ast.AST] | None = None
    shows: Callable[[Value], bool] | None = None
    heap: Heap = field(default_factory=Heap)
    log: list[Call] = field(default_factory=list)
    instances: dict[ast.ClassDef, list[Instance]] = field(default_factory=dict)
    options: dict[Value, dict[str, Value]] = field(default_factory=dict)
    entered: set[ast.AST] = field(default_factory=set)
    visits: dict[tuple[str, ast.AST], int] = field(default_factory=dict)
    spent: dict[tuple[str, ast.AST], int] = field(default_factory=dict)
    kept: dict[ast.AST, Value] = field(default_factory=dict)
    cut: set[str] = field(default_factory=set)
    deep: set[str] = field(default_factory=set)
    handed: list[Function] = field(default_factory=list)
    inner: set[ast.AST] = field(default_factory=set)
    tests: dict[tuple[ast.expr, str], tuple[Decisions, Decisions]] = field(default_factory=dict)
    scopes: list[dict[str, Value]] = field(default_factory=list)
    literals: dict[ast.Constant, Literal] = field(default_factory=dict)
    used: dict[str, dict[int, Call]] = field(default_factory=dict)
    stars: dict[str, list[str]] = field(default_factory=dict)
    plain: dict[ast.ClassDef, bool] = field(default_factory=dict)
    steps: int = 0
    limit: int = 0
    entry: str = ""
    keys: int = 0

    @contextmanager
    def bounded(self) -> Iterator[None]:
        """Carry out an entry as far as its steps, and the depth that Python allows, go."""
        try:
            yield
        except OutOfBudgetError:
            pass
        except RecursionError:
            self.cut.add(self.entry)

    def overrun(self) -> NoReturn:
        """Note that the entry took more steps than it may. Raises :class:`OutOfBudgetError`."""
        self.cut.add(self.entry)
        raise OutOfBudgetError

    def matters(self, node: ast.AST) -> bool:
        """Whether a function may say something of preprocessing, itself or through those that it calls."""
        return self.followed is None or isinstance(node, ast.Lambda) or node in self.followed or node in self.inner

    def may_enter(self, callee: Function, args: Iterable[Value] = ()) -> bool:
        """Whether a function is followed once more in this entry: one that says and gets nothing is not, nor a hundredth call."""
        if not self.matters(callee.node) and (self.shows is None or not any(map(self.shows, args))):
            return False
        key = (self.entry, callee.node)
        self.visits[key] = visits = self.visits.get(key, 0) + 1
        if visits <= (MOST_SHORT_VISITS if self.spent.get(key, 0) < FEW_STEPS else MOST_VISITS):
            return True
        if self.entry not in self.cut and _MATTERS.search(callee.source.segment(callee.node)):
            self.cut.add(self.entry)
        return False

    def use(self, value: Value) -> None:
        """Note that the present program takes what another file has made: a call, or a list or dictionary of them.

        With ``net.eval()`` it takes ``net``.
        """
        parts = value.entries.values() if isinstance(value, Table) else value.items if isinstance(value, Items) else (value,)
        left = list(parts)
        while left:
            each = left.pop()
            if isinstance(each, Call) and each.entry != self.entry:
                self.used.setdefault(self.entry.partition("::")[0], {})[id(each)] = each
                left.append(each.receiver)

    def release(self) -> None:
        """Undo the circles between functions, objects and the variables that hold them, so that nobody has to look for them."""
        for names in self.scopes:
            names.clear()
        for each in (one for several in self.instances.values() for one in several):
            each.made = None

    def new_key(self) -> int:
        """A key for a new object."""
        self.keys += 1
        return self.keys


@dataclass(slots=True)
class Frame:
    """One execution of a module, class body or function.

    ``names`` are its variables and ``enclosing`` those around it; ``shared`` are those that it gives to its module.
    ``decisions`` are the branches taken to where it stands. ``alive`` is false after a return, raise, break or continue.
    """

    run: Run
    source: Source
    names: dict[str, Value]
    enclosing: tuple[Mapping[str, Value], ...] = ()
    decisions: Decisions = ALWAYS
    within: tuple[str, ...] = ()
    nodes: tuple[ast.AST, ...] = ()
    scope: str = ""
    alive: bool = True
    depth: int = 0
    loops: int = 0
    returns: list[tuple[Decisions, Value]] = field(default_factory=list)
    owner: Class | None = None
    this: Value | None = None
    shared: set[str] = field(default_factory=set)

    def spot(self, node: ast.AST) -> Spot:
        """The place of a node of this source."""
        return Spot(self.source, node)

    def look_up(self, name: str) -> Value | None:
        """The value of a name here, as far as the branches taken allow; None if nobody gave it one."""
        value = self.names.get(name)
        if value is None:
            for names in self.enclosing:
                value = names.get(name)
                if value is not None:
                    break
        return narrowed(value, self.decisions) if type(value) is Choice else value

    def tested(self, test: ast.expr) -> tuple[Decisions, Decisions]:
        """What holds where a test in the code is true, and where it is false; each test is read once a function."""
        key = (test, self.scope)
        found = self.run.tests.get(key)
        if found is None:
            found = self.run.tests[key] = of_test(test, self.scope)
        return found

    def branch(self, arms: Sequence[tuple[Decisions, Callable[[], None]]]) -> None:
        """Carry out each arm that is possible from the same state, and join what they leave behind."""
        start, names, heap = self.decisions, self.names, self.run.heap
        ends: list[tuple[Decisions, dict[str, Value], dict[tuple[int, str], Value]]] = []
        for extra, act in arms:
            if not agree(start, extra):
                continue
            mark = heap.mark()
            self.names, self.decisions, self.alive = dict(names), start | extra, True
            act()
            written = heap.rolled_back(mark)
            if self.alive:
                ends.append((self.decisions, self.names, written))
        self.alive = bool(ends)
        self.decisions = ends[0][0] if len(ends) == 1 else start
        # The caller holds on to the dictionary itself, so it is changed in place.
        self.names = names
        if len(ends) == 1:
            names.update(ends[0][1])
        else:
            names.update(_joined_names(names, [(decisions, each) for decisions, each, _ in ends]))
        if any(written for _, _, written in ends):
            for place, value in _joined_heaps([(decisions, written) for decisions, _, written in ends], heap).items():
                heap.write(place, value)


def _joined_names(before: dict[str, Value], ends: list[tuple[Decisions, dict[str, Value]]]) -> dict[str, Value]:
    """The names that a branch has changed or added."""
    get = before.get
    changed = dict.fromkeys([name for _, each in ends for name, value in each.items() if get(name) is not value])
    return {name: _one([(decisions, each[name]) for decisions, each in ends if name in each]) for name in changed}


def _one(options: list[tuple[Decisions, Value]]) -> Value:
    first = options[0][1]
    return first if all(value is first for _, value in options) else joined(options)


def _joined_heaps(ends: list[tuple[Decisions, dict[tuple[int, str], Value]]], heap: Heap) -> dict[tuple[int, str], Value]:
    places = dict.fromkeys(place for _, written in ends for place in written)
    found: dict[tuple[int, str], Value] = {}
    for place in places:
        before = heap.read(place)
        options = [(decisions, written.get(place, before)) for decisions, written in ends]
        found[place] = _one([(decisions, value) for decisions, value in options if value is not None])
    return found
