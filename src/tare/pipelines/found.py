"""How the table of a library describes one of its transforms: as steps, or as a container of other transforms."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tare.pipelines.step import Step, StepKind


@dataclass(frozen=True, slots=True)
class Container:
    """Transforms that run one after the other. ``random`` says that their choice or order is drawn at random."""

    members: tuple[Any, ...]
    random: bool = False


Found = tuple[Step, ...] | Container
Reader = Callable[[Any], Found]


@dataclass(frozen=True, slots=True)
class Library:
    """A library's transforms: the modules that define them, readers by class name, and readers by base class for other classes.

    A user's subclass is read like the class in ``readers`` that it derives from, if it overrides none of its behaviour. It is
    never read by ``families``, since its behaviour is unknown.
    """

    name: str
    modules: tuple[str, ...]
    readers: Mapping[str, Reader]
    families: Mapping[str, Reader] = field(default_factory=dict)

    def has(self, cls: type) -> bool:
        """Whether ``cls`` is defined in this library."""
        module = str(cls.__module__)
        return any(module == name or module.startswith(f"{name}.") for name in self.modules)


def step(kind: StepKind, name: str = "", *, random: bool = False, **values: Any) -> Step:
    """A step without a place; the walk over the pipeline adds the place. An empty name becomes the name of the class."""
    return Step(kind, name, "", values, random)


def always(kind: StepKind, **values: Any) -> Reader:
    """A reader that returns the same step for every object of its class."""
    return lambda _: (step(kind, **values),)


def at_random(kind: StepKind, **values: Any) -> Reader:
    """Like :func:`always`, for a step that draws its parameters whenever it runs."""
    return lambda _: (step(kind, random=True, **values),)


def chance(kind: StepKind, draws: bool = False, **values: Any) -> Reader:
    """A reader of a step that runs with probability ``p``. ``draws`` says that it also draws parameters."""
    return lambda thing: with_probability(thing.p, (step(kind, random=draws, **values),))


def with_probability(p: float, steps: Iterable[Step]) -> tuple[Step, ...]:
    """Steps that run with probability ``p``: an identity at 0, unchanged at 1, random between."""
    given = tuple(steps)
    if p <= 0:
        return (step("identity"),)
    if p >= 1:
        return given
    return tuple(Step(s.kind, s.name, s.where, s.values, random=True) for s in given)


def is_point(low_high: Any, at: float | None = None) -> bool:
    """Whether a range ``(low, high)`` is a single value (``at``, if given), so that nothing is drawn."""
    low, high = low_high
    return bool(low == high and (at is None or low == at))


def floats_of(value: Any) -> tuple[float, ...]:
    """A number, sequence, array or tensor as a tuple of floats.

    A single-precision value becomes the shortest decimal that rounds to it: 0.485, not 0.48500001430511475.
    """
    is_single = "float32" in str(getattr(value, "dtype", ""))
    listed = value.tolist() if hasattr(value, "tolist") else value
    flat = _flat(listed)
    return tuple(_shortest(number) for number in flat) if is_single else flat


def edges_of(size: Any) -> tuple[int, ...]:
    """A size of one edge or of height and width as a tuple."""
    return tuple(int(edge) for edge in size) if isinstance(size, list | tuple) else (int(size),)


def square(size: Any) -> tuple[int, int]:
    """A size as height and width; a single edge is both."""
    given = edges_of(size)
    return given[0], given[-1]


def text_of(value: Any) -> str | None:
    """The text of a string or of an enumeration's member; None for None."""
    return None if value is None else str(getattr(value, "value", value))


def _flat(value: Any) -> tuple[float, ...]:
    if isinstance(value, list | tuple):
        return tuple(number for item in value for number in floats_of(item))
    return (float(value),)


def _shortest(number: float) -> float:
    import numpy as np

    return float(str(np.float32(number)))
