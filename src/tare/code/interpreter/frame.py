"""What one execution of a function or module knows, and what all executions of a repository share."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal as Word
from typing import NamedTuple, NoReturn, Protocol

from tare.code.interpreter.conditions import ALWAYS, Decisions, agree, of_test, united
from tare.code.interpreter.memory.heap import CONTENT, Heap, Written, one
from tare.code.interpreter.memory.states import looked_at
from tare.code.interpreter.memory.views import MOST_BASES, VIEWS, base_of
from tare.code.interpreter.source import Source, Spot
from tare.code.interpreter.values import (
    UNKNOWN,
    Call,
    Choice,
    Class,
    Function,
    Instance,
    Items,
    Library,
    Literal,
    ModuleOf,
    Table,
    Value,
    alternatives,
    joined,
    narrowed,
    next_era,
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

    def share(self, path: str, function: str, values: Mapping[str, Value]) -> None:
        """Give variables of a module the values that a function gave them together."""

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
    tests: dict[tuple[ast.expr, str, tuple[int, ...]], tuple[Decisions, Decisions]] = field(default_factory=dict)
    looked_at: dict[ast.expr, tuple[str, ...]] = field(default_factory=dict)
    modules: dict[str, ModuleOf] = field(default_factory=dict)
    exported: dict[str, dict[str, Value]] = field(default_factory=dict)
    eras: dict[int, str] = field(default_factory=dict)
    scopes: list[dict[str, Value]] = field(default_factory=list)
    literals: dict[ast.Constant, Literal] = field(default_factory=dict)
    used: dict[str, dict[int, Call]] = field(default_factory=dict)
    stars: dict[str, list[str]] = field(default_factory=dict)
    plain: dict[ast.ClassDef, bool] = field(default_factory=dict)
    reaching: dict[ast.AST, bool] = field(default_factory=dict)
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

    def enter(self, entry: str, steps: int, limit: int) -> None:
        """Go on with an entry that has taken some steps."""
        self.entry, self.steps, self.limit = entry, steps, limit
        self.eras[next_era()] = entry

    def _whose(self, owner: Value) -> str:
        """The entry that alone sees a write to an object: that which writes, where another one has made it; "" where all see it.

        Two programs that import one module do not change its lists and classes for each other.
        """
        if isinstance(owner, Items | Table):
            maker = self.eras.get(owner.era, "")
        elif isinstance(owner, Class | ModuleOf):
            maker = owner.source.path if isinstance(owner, Class) else owner.path
        else:
            maker = owner.entry if isinstance(owner, Call) else self.entry
        return "" if maker == self.entry else self.entry

    def read(self, owner: Value, name: str) -> Value | None:
        """The value of an attribute that was set; None if nobody set it."""
        return self.heap.read((owner, name, self.entry))

    def write(self, owner: Value, name: str, value: Value) -> None:
        """Set an attribute of an object, a class, a module, or of what a library returned."""
        if isinstance(owner, Class):
            owner.is_changed = True
        self.heap.write((owner, name, self._whose(owner)), value)

    def module_of(self, path: str) -> ModuleOf:
        """The one value on which the attributes of a module that code sets are kept."""
        return self.modules.setdefault(path, ModuleOf(path))

    def now(self, value: Value, decisions: Decisions = ALWAYS, entry: str | None = None) -> Value:
        """What a value holds after the changes in place, as far as the branches taken allow."""
        entry = self.entry if entry is None else entry
        if type(value) is not Choice:
            if type(value) is Call and value.function in VIEWS and self.is_stale(value, entry):
                return UNKNOWN
            return narrowed(self.heap.now(value, entry), decisions)
        options = [(each, self.heap.now(option, entry)) for each, option in value.options]
        is_same = all(new is old for (_, new), (_, old) in zip(options, value.options, strict=True))
        return narrowed(value if is_same else joined(options), decisions)

    def is_stale(self, view: Call, entry: str) -> bool:
        """Whether what an array shares its values with was changed since."""
        moved = self.heap.moved
        base = base_of(view)
        for _ in range(MOST_BASES):
            if base is None:
                break
            if base in moved and self.heap.now(base, entry) is not base:
                return True
            base = base_of(base)
        return False

    def change(self, value: Value, act: Callable[[Value], Value | None]) -> None:
        """Change an object in place, whatever names and lists hold it; None for what is left as it is."""
        options = [(decisions, each, act(each)) for decisions, each in alternatives(value)]
        for _, each, new in options:
            if new is None or each is UNKNOWN or isinstance(each, Literal | Library):
                continue
            root, heap = self.heap.root(each), self.heap
            entry = self._whose(root)
            states = [
                (decisions, heap.now(root, self.entry) if after is None or heap.root(one) is not root else after)
                for decisions, one, after in options
            ]
            heap.change(root, new, entry)
            if len(states) > 1:
                heap.write((root, CONTENT, entry), joined(states))

    def overrun(self) -> NoReturn:
        """Note that the entry took more steps than it may. Raises :class:`OutOfBudgetError`."""
        self.cut.add(self.entry)
        raise OutOfBudgetError

    def matters(self, node: ast.AST) -> bool:
        """Whether a function may say something of preprocessing, itself or through those that it calls."""
        return self.followed is None or isinstance(node, ast.Lambda) or node in self.followed or node in self.inner

    def may_enter(self, callee: Function, args: Iterable[Value] = (), *, always: bool = False) -> bool:
        """Whether a function is followed once more in this entry: one that says and gets nothing is not, nor a hundredth call.

        ``always`` follows one that says nothing, too.
        """
        if not always and not self.matters(callee.node) and (self.shows is None or not any(map(self.shows, args))):
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
        for names in (*self.scopes, *self.exported.values()):
            names.clear()
        for each in (this for several in self.instances.values() for this in several):
            each.made = None

    def new_key(self) -> int:
        """A key for a new object."""
        self.keys += 1
        return self.keys


#: How a statement leaves the block that it stands in.
Leaving = Word["return", "raise", "break", "continue"]


class _Exit(NamedTuple):
    """What is known where a statement leaves a loop, a ``try`` or a function: how it leaves, and what was written until then."""

    how: Leaving
    decisions: Decisions
    names: dict[str, Value]
    written: Written


@dataclass(slots=True)
class Frame:
    """One execution of a module, class body or function.

    ``names`` are its variables and ``enclosing`` those around it; ``shared`` are those that it gives to its module, and ``outer``
    those that it gives to a function around it. ``decisions`` are the branches taken to where it stands. ``alive`` is false after
    a return, raise, break or continue, of which ``exits`` keeps the state. ``again`` counts how often a name got another
    value.
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
    outer: set[str] = field(default_factory=set)
    arms: int = 0
    mark: int = 0
    exits: list[_Exit] = field(default_factory=list)
    loop_marks: list[int] = field(default_factory=list)
    try_marks: list[int] = field(default_factory=list)
    again: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.mark = self.run.heap.mark()

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
        """What holds where a test is true, and where it is false; each test is read once for the same values."""
        key = (test, self.scope, self._times(test) if self.again else ())
        found = self.run.tests.get(key)
        if found is None:
            found = self.run.tests[key] = of_test(test, self.scope, self.number)
        return found

    def number(self, subject: ast.expr) -> str:
        """How often what is tested was given a value again before, in a text: a test after that is another test."""
        times = self._times(subject) if self.again else ()
        return "".join(f"#{each}" for each in times) if any(times) else ""

    def _times(self, test: ast.expr) -> tuple[int, ...]:
        get = self.again.get
        return tuple([get(each, 0) for each in looked_at(self.run.looked_at, test)])

    def note_again(self, name: str) -> None:
        """Note that a name, or with a dot an attribute or a key, has another value from now on."""
        self.again[name] = self.again.get(name, 0) + 1

    def branch(self, arms: Sequence[tuple[Decisions, Callable[[], None]]]) -> None:
        """Carry out each arm that is possible from the same state, and join what they leave behind."""
        start, names, heap = self.decisions, self.names, self.run.heap
        ends: list[tuple[Decisions, dict[str, Value], Written]] = []
        before = dict(names)
        self.arms += 1
        for extra, act in arms:
            if not agree(start, extra):
                continue
            mark = heap.mark()
            self.decisions, self.alive = united(start, extra), True
            # Whoever holds on to the dictionary, as a function in this one does, sees what holds in the branch.
            try:
                act()
            except BaseException:
                _put_back(names, before)
                raise
            after = before
            if names != before:
                after = dict(names)
                _put_back(names, before)
            written = heap.rolled_back(mark)
            heap.let_go(mark)
            if self.alive:
                ends.append((self.decisions, after, written))
        self.arms -= 1
        self.alive = bool(ends)
        self.decisions = start
        self._take(ends, before)
        if any(written for _, _, written in ends):
            heap.join([(decisions, written) for decisions, _, written in ends])

    def leave(self, how: Leaving) -> None:
        """Leave a block, and keep what is known there for where the program goes on."""
        self.alive = False
        marks = [self.mark] if how == "return" else self.try_marks if how == "raise" else self.loop_marks
        # A return that no other one comes before, and no branch lies around, leaves all as it is.
        if marks and not (how == "return" and not self.arms and not self.loops and not self.exits):
            names = {} if how == "return" else dict(self.names)
            self.exits.append(_Exit(how, self.decisions, names, self.run.heap.since(marks[-1])))

    def meet(self, how: frozenset[Leaving], begin: int, mark: int) -> None:
        """Go on where the block ends which statements have left since it began, with what each way to there has left behind."""
        left = [each for each in self.exits[begin:] if each.how in how]
        if not left:
            return
        self.exits[begin:] = [each for each in self.exits[begin:] if each.how not in how]
        ends = [(each.decisions, each.names, each.written) for each in left]
        if self.alive:
            ends.insert(0, (self.decisions, dict(self.names), self.run.heap.since(mark)))
        self.alive = True
        self.decisions = frozenset.intersection(*(decisions for decisions, _, _ in ends))
        self.run.heap.meet([(decisions, written) for decisions, _, written in ends], mark)
        self._take(ends, None)

    def returned(self) -> None:
        """Join what the returns of a function have left on the heap; its names are gone."""
        ends = [(each.decisions, each.written) for each in self.exits if each.how == "return"]
        heap = self.run.heap
        if ends:
            if self.alive:
                ends.append((self.decisions, heap.since(self.mark)))
            if any(written for _, written in ends):
                heap.meet(ends, self.mark)
        heap.let_go(self.mark)

    def _take(self, ends: Sequence[tuple[Decisions, dict[str, Value], Written]], unchanged: dict[str, Value] | None) -> None:
        """Take the names that several ways have left; the caller holds on to the dictionary itself, so it is changed in place."""
        if len(ends) == 1:
            self.decisions = ends[0][0]
            self.names.update(ends[0][1])
        elif ends:
            self.names.update(_joined_names(self.names, [(decisions, each) for decisions, each, _ in ends], unchanged))


def _put_back(names: dict[str, Value], before: dict[str, Value]) -> None:
    names.clear()
    names.update(before)


def _joined_names(
    before: dict[str, Value], ends: list[tuple[Decisions, dict[str, Value]]], unchanged: dict[str, Value] | None
) -> dict[str, Value]:
    """The names that a branch has changed or added; ``unchanged`` are those of a branch that has not."""
    get = before.get
    changed: dict[str, None] = {}
    for _, each in ends:
        if each is not unchanged:
            changed |= dict.fromkeys([name for name, value in each.items() if get(name) is not value])
    return {name: one([(decisions, each[name]) for decisions, each in ends if name in each]) for name in changed}
