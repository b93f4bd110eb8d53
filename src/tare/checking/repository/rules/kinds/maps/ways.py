"""Ways of an image that come together: what is true of it after one branch may not be after the other."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping

from tare.checking.repository.result import CodeFinding
from tare.checking.repository.rules.reached import Reached, reached
from tare.code.facts import Pipeline
from tare.code.interpreter.values import Call, Value
from tare.code.libraries.flows import chain

#: Tests of the values of an image: what they lead to may be a scaling.
_OF_VALUES = re.compile(r"dtype|\ba?(?:max|min)\b|is_floating_point|\bi?finfo|issubdtype")
_ARITHMETIC = frozenset(f"operator.{symbol}" for symbol in "+-*/") | {"operator.//", "operator.**"}


def of_values(image: Reached) -> object:
    """What a rule about the scale of values judges."""
    return image.scale, image.offset


def of_order(image: Reached) -> object:
    """What a rule about the order of channels judges."""
    return image.bgr


def of_both(image: Reached) -> object:
    """What a rule about constants in a wrong order judges, which are for values of one scale."""
    return of_values(image), of_order(image)


def certain(
    found: Iterable[CodeFinding],
    call: Call,
    image_of: Callable[[Call], Value | None],
    pipelines: Mapping[int, Pipeline],
    judged: Callable[[Reached], object],
) -> Iterator[CodeFinding]:
    """What a rule finds of the image that an operator gets, if what it ``judged`` is the same after each branch before it.

    After ``if x.max() > 1: x = x / 255`` the image that was not divided is one that need not be: no test is carried out. A branch
    that cannot be followed, such as an augmentation, may scale where it calculates, or where its test is one of the values.
    """
    findings = list(found)
    if findings and _is_one_way(call, image_of, pipelines, judged):
        yield from findings


def _is_one_way(
    call: Call,
    image_of: Callable[[Call], Value | None],
    pipelines: Mapping[int, Pipeline],
    judged: Callable[[Reached], object],
) -> bool:
    given = [image_of(each) if isinstance(each, Call) else None for each in call.among]
    ways = [None if each is None else reached(each, pipelines) for each in given]
    known = {judged(each) for each in ways if each is not None}
    open_ = (each for each, way in zip(given, ways, strict=True) if way is None)
    return len(known) < 1 or (len(known) == 1 and not any(map(_may_be_scaled, open_)))


def _may_be_scaled(value: Value | None) -> bool:
    """Whether an image that is not known was calculated, or made in a branch whose test is one of values."""
    if value is None:
        return True
    made = [each for each in chain(value) if isinstance(each, Call)]
    tests = (str(condition) for each in made for condition in each.decisions)
    return any(each.function in _ARITHMETIC for each in made) or any(map(_OF_VALUES.search, tests))
