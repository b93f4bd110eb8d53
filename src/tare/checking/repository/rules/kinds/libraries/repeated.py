"""Images that are scaled on their way to a model, and again by its first layer."""

from __future__ import annotations

from collections.abc import Iterator

from tare.checking.repository.result import CodeFinding
from tare.checking.repository.rules.feeds import Fed, fed, parts, steps
from tare.checking.repository.rules.found import finding, step
from tare.checking.repository.rules.linking import Program, programs
from tare.checking.repository.rules.scalings import mapped
from tare.code.facts import Facts
from tare.code.interpreter.values import Call
from tare.code.libraries.keras import flow, rescaling

#: The largest factor that is meant for values of 0..255.
_FACTOR = 1 / 100


def repeated(facts: Facts) -> Iterator[CodeFinding]:
    """Models with a Rescaling layer that get values of 0..1."""
    for program in programs(facts, every=True):
        if any(call.last == "Rescaling" for call in program.calls):
            for each in fed(program):
                yield from _of_feed(program, each)


def _of_feed(program: Program, each: Fed) -> Iterator[CodeFinding]:
    layer = next((part for part in parts(each.model, program) if _scales(part)), None)
    if layer is None:
        return
    for scaled, what in _scaled(program, each):
        yield finding(
            "TARE002",
            "error",
            scaled.spot,
            f"{what} brings images to 0..1, and the Rescaling layer of the model scales them again",
            "leave one of the two out: with the layer, feed the model values of 0..255",
            evidence=(step("the layer", layer.spot), step("the model gets the images", each.call.spot)),
        )


def _scales(call: Call) -> bool:
    factor = rescaling(call)
    return factor is not None and factor[0] < _FACTOR


def _scaled(program: Program, each: Fed) -> Iterator[tuple[Call, str]]:
    *_, first = steps(each.data)
    made = flow(first) if isinstance(first, Call) else None
    if made is not None and made.closed and not made.function and made.rescale is not None and made.rescale < _FACTOR:
        yield made.call, "rescale"
    for call in mapped(each.data, program):
        yield call, "the division by 255"
