"""Ways of an image that come together: what is true of it after one branch may not be after the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tare.checking.repository.rules.reached import reached
from tare.code.facts import Pipeline
from tare.code.interpreter.values import Call, Value


def is_one_way(call: Call, image_of: Callable[[Call], Value | None], pipelines: Mapping[int, Pipeline]) -> bool:
    """Whether an operator gets an image of the same values after each branch before it.

    After ``if x.max() > 1: x = x / 255`` the image that was not divided is one that need not be: no test is carried out.
    """
    given = [image_of(each) if isinstance(each, Call) else None for each in call.among]
    ways = [None if each is None else reached(each, pipelines) for each in given]
    return len({None if each is None else (each.scale, each.offset, each.bgr) for each in ways}) <= 1
