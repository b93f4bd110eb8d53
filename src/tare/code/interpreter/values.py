"""What an expression may stand for: abstract values.

A value that cannot be told is :data:`UNKNOWN`. What a library returns is the call itself (:class:`Call`), so that the table of
that library can say later what the call does. A value that differs by branch is a :class:`Choice`.

No value changes after it was made, but for the names of a call: what a list, a dictionary or an array holds after a change
stands in the heap. The classes of which a repository makes a million are not frozen, since a frozen dataclass takes three times
as long to make.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any

from tare.code.interpreter.conditions import ALWAYS, Decisions, agree, united
from tare.code.interpreter.source import Source, Spot

#: The most alternatives that one value has before it is unknown.
MOST = 12
#: The most values that lists within lists hold: a list that holds another twice, and so on, doubles what is walked each time.
_HEAVIEST = 10_000
#: The number of what is followed now: all lists and dictionaries that it makes have it.
_ERA = [0]


def next_era() -> int:
    """Begin to follow something else, and return its number."""
    _ERA[0] += 1
    return _ERA[0]


class Value:
    """Base of all abstract values."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, eq=False)
class Unknown(Value):
    """A value that cannot be told."""


UNKNOWN = Unknown()


@dataclass(slots=True, eq=False)
class Literal(Value):
    """A number, a text, a truth value or None, where it is written, and the variable that it was first given to.

    ``soft`` values are defaults that a caller or a user may replace.
    """

    value: object
    spot: Spot | None = None
    soft: bool = False
    name: str = ""


@dataclass(slots=True, eq=False)
class Items(Value):
    """A list, tuple, set or array of values; lists in it are unknown where all of it would be too many values to walk.

    ``origin`` is the list with which the same object was made, if this one tells what it holds later, or has another name.
    """

    items: tuple[Value, ...]
    spot: Spot | None = None
    kind: str = "list"
    soft: bool = False
    name: str = ""
    weight: int = field(default=0, init=False)
    origin: Items | Table | None = field(default=None, init=False)
    era: int = field(default_factory=partial(_ERA.__getitem__, 0), init=False)

    def __post_init__(self) -> None:
        self.weight = len(self.items)
        inner = sum([each.weight + 1 for each in self.items if type(each) is Items])
        if inner > _HEAVIEST:
            self.items = tuple([UNKNOWN if type(each) is Items else each for each in self.items])
        else:
            self.weight += inner


#: The entries of a dictionary, by constant key.
Entries = Mapping[Any, Value]


@dataclass(slots=True, eq=False)
class Table(Value):
    """A dictionary with constant keys; ``spread`` if it may have more entries. ``origin`` is that of a list."""

    entries: Entries
    spot: Spot | None = None
    spread: bool = False
    origin: Items | Table | None = field(default=None, init=False)
    era: int = field(default_factory=partial(_ERA.__getitem__, 0), init=False)


@dataclass(slots=True, eq=False)
class Library(Value):
    """A name of a library, such as ``torchvision.transforms.Normalize``."""

    name: str


@dataclass(frozen=True, slots=True, eq=False)
class Parameter(Value):
    """A parameter of a function whose callers are not known."""

    name: str
    spot: Spot


@dataclass(slots=True, eq=False)
class Call(Value):
    """What a call returned that is not followed: of a library's function, of a method, of an operator, of an object.

    ``function`` is the full name in its library, ``.name`` for a method of ``receiver``, ``@name`` for its attribute, ``()`` for
    a call of it, and ``operator./`` and the like for operators. ``names`` has the variables, keys and keywords it was given to,
    and ``within`` the functions being executed, the innermost last. It is ``changed`` if code replaced a part of what it made
    through which images go, as the first layer of a network. ``among`` has the results of an operator for each of the values
    that come together where it stands, if they are several.
    """

    function: str
    args: tuple[Value, ...]
    keywords: Mapping[str, Value]
    spot: Spot
    receiver: Value = UNKNOWN
    decisions: Decisions = ALWAYS
    within: tuple[str, ...] = ()
    entry: str = ""
    spread: bool = False
    names: list[str] = field(default_factory=list)
    changed: bool = False
    among: tuple[Value, ...] = ()

    @property
    def last(self) -> str:
        """The last part of the function's name."""
        return self.function.rpartition(".")[2]

    def argument(self, position: int, *names: str) -> Value | None:
        """The argument at a position or under one of the names; None if it is not given."""
        for name in names:
            if name in self.keywords:
                return self.keywords[name]
        return self.args[position] if 0 <= position < len(self.args) else None

    def alone(self) -> Call:
        """The call without its arguments and without the tree of its file: who made it, where and in which branch."""
        return replace(self, args=(), keywords={}, spot=self.spot.alone(), receiver=UNKNOWN, among=())


@dataclass(slots=True, eq=False)
class Function(Value):
    """A function of the repository, with what its defaults and its enclosing variables were when it was defined."""

    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
    source: Source
    name: str
    defaults: Mapping[str, Value]
    closure: tuple[Mapping[str, Value], ...]
    bound: Value | None = None
    kind: str = "function"
    decisions: Decisions = ALWAYS


@dataclass(eq=False)  # without slots, for the order
class Class(Value):
    """A class of the repository with its attributes; ``is_changed`` after somebody set one of them, which stands in the heap."""

    node: ast.ClassDef
    source: Source
    name: str
    bases: tuple[Value, ...]
    attributes: Mapping[str, Value]
    is_changed: bool = False

    @property
    def order(self) -> tuple[Class, ...]:
        """The class and its bases in the repository, in the order in which Python looks for an attribute."""
        return self, *self.above

    @cached_property
    def above(self) -> tuple[Class, ...]:
        """The bases in the repository, in this order."""
        bases = [each for each in self.bases if isinstance(each, Class) and each is not self]
        left = [list(each.order) for each in bases] + [bases]
        found: list[Class] = []
        while left := [each for each in left if each]:
            heads = [each[0] for each in left]
            # Of classes that contradict each other, which Python refuses, the first one comes first.
            chosen = next((one for one in heads if not any(one in each[1:] for each in left)), heads[0])
            found.append(chosen)
            left = [[one for one in each if one is not chosen] for each in left]
        return tuple(found)


@dataclass(slots=True, eq=False)
class Instance(Value):
    """An object of a class of the repository; its attributes stand in the heap under ``key``."""

    cls: Class
    key: int
    made: Call | None = None


@dataclass(frozen=True, slots=True, eq=False)
class ModuleOf(Value):
    """A module of the repository."""

    path: str


@dataclass(slots=True, eq=False)
class Choice(Value):
    """Alternatives, each with the decisions that lead to it."""

    options: tuple[tuple[Decisions, Value], ...]


def alternatives(value: Value) -> Iterator[tuple[Decisions, Value]]:
    """Each alternative of a value with its decisions; a plain value is its own only alternative."""
    if isinstance(value, Choice):
        yield from value.options
    else:
        yield ALWAYS, value


def narrowed(value: Value, decisions: Decisions) -> Value:
    """The alternatives of a value that are possible under decisions."""
    if type(value) is not Choice or not decisions:
        return value
    left = tuple([option for option in value.options if agree(option[0], decisions)])
    if len(left) == 1:
        return left[0][1]
    if len(left) == len(value.options):
        return value
    return Choice(left) if left else UNKNOWN


def joined(options: list[tuple[Decisions, Value]]) -> Value:
    """One value of several alternatives; equal ones are one, and too many alternatives are unknown."""
    if options and _all_same(options):
        return options[0][1]
    flat: list[tuple[Decisions, Value]] = []
    for decisions, value in options:
        if type(value) is Choice:
            flat += [(united(decisions, inner), each) for inner, each in value.options if agree(decisions, inner)]
        else:  # by far the most
            flat.append((decisions, value))
    if not flat or len(flat) > MOST:
        return UNKNOWN
    return flat[0][1] if _all_same(flat) else Choice(tuple(flat))


def _all_same(options: list[tuple[Decisions, Value]]) -> bool:
    first = options[0][1]
    return all(first is value or same(first, value) for _, value in options)


def same(one: Value, other: Value) -> bool:
    """Whether two values are the same object or equal constants written at the same place."""
    if one is other:
        return True
    if type(one) is Literal and type(other) is Literal:
        return type(one.value) is type(other.value) and one.value == other.value
    return False


def named(value: Value, name: str) -> Value:
    """The value after it was given to a name: constants remember the first, calls all of them."""
    if type(value) is Literal:
        return value if value.name else Literal(value.value, value.spot, value.soft, name)
    if type(value) is Items:
        return value if value.name else _same_object(Items(value.items, value.spot, value.kind, value.soft, name), value)
    if isinstance(value, Call):
        if name not in value.names:
            value.names.append(name)
    elif isinstance(value, Choice):
        return Choice(tuple([(decisions, named(each, name)) for decisions, each in value.options]))
    elif isinstance(value, Instance) and value.made is not None:
        named(value.made, name)
    return value


def _same_object(new: Items, value: Items) -> Items:
    new.origin = value.origin or value
    return new


def softened(value: Value) -> Value:
    """The value as a default that somebody may replace."""
    if isinstance(value, Literal | Items):
        return replace(value, soft=True)
    if isinstance(value, Choice):
        return Choice(tuple((decisions, softened(each)) for decisions, each in value.options))
    return value
