"""Images of 0..1 that are seen to go into a pretrained network of Keras."""

from __future__ import annotations

from collections.abc import Iterator

from tare.checking.repository.result import CodeFinding
from tare.checking.repository.rules.feeds import Fed, fed, parts, steps
from tare.checking.repository.rules.kinds.ranges import as_published, scaled_otherwise
from tare.checking.repository.rules.linking import Program, programs
from tare.checking.repository.rules.scalings import Scaled, mapped, spot_of_rescale
from tare.code.facts import Facts
from tare.code.interpreter.values import Call
from tare.code.libraries.keras import flow
from tare.code.libraries.networks import Network

#: Parts of a model that change values before the network gets them.
_CHANGING = frozenset(["Rescaling", "Lambda", "Normalization", "preprocess_input", "multiply", "/", "*", "-", "+"])


def followed(facts: Facts) -> Iterator[CodeFinding]:
    """What ``fit`` and ``predict`` are given, whatever else the program scales, and in whichever way."""
    for program in programs(facts):
        networks = {id(each.call): each for each in as_published(facts, program)}
        for each in fed(program) if networks else ():
            yield from _of_feed(program, each, networks)


def _of_feed(program: Program, each: Fed, networks: dict[int, Network]) -> Iterator[CodeFinding]:
    made = list(parts(each.model, program))
    inside = [networks[id(part)] for part in made if id(part) in networks]
    if len({one.scaling for one in inside}) != 1 or any(part.last in _CHANGING for part in made):
        return
    if inside[0].scaling is not None:
        for place in _scaled(program, each):
            yield scaled_otherwise(place, inside, "error")


def _scaled(program: Program, each: Fed) -> Iterator[Scaled]:
    *_, first = steps(each.data)
    made = flow(first) if isinstance(first, Call) else None
    if made is not None and made.closed and not made.function and abs((made.rescale or 0) * 255 - 1) < 1e-2:
        yield Scaled(spot_of_rescale(made.call), "rescale=1/255", made.call, decisions=made.call.decisions)
    maps = [one for one in steps(each.data) if isinstance(one, Call) and one.function == ".map"]
    for call in mapped(each.data, program) if len(maps) == 1 else ():
        yield Scaled(call.spot, "the division by 255", call, decisions=call.decisions)
