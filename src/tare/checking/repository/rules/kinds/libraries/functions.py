"""Functions of one's own that alter samples at random where a network is evaluated."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tare.checking.repository.result import CodeFinding
from tare.checking.repository.rules.draws import draw_of
from tare.checking.repository.rules.feeds import steps
from tare.checking.repository.rules.found import finding, step
from tare.checking.repository.rules.kinds.chance import averages
from tare.code.facts import Facts
from tare.code.interpreter.values import Call, Function, Value
from tare.code.libraries.keras import flow
from tare.code.roles import role_of_decisions, role_of_names


def functions(facts: Facts) -> Iterator[CodeFinding]:
    """A ``preprocessing_function`` of a generator for evaluation, and what is mapped over a dataset for it."""
    seen: set[int] = set()
    for images, where, function in _applied(facts):
        if id(where.spot.node) not in seen:
            seen.add(id(where.spot.node))
            yield from _of_function(facts, images, where, function)


def _applied(facts: Facts) -> Iterator[tuple[str, Call, Function]]:
    """The functions that are applied to images for evaluation: what these are called, the call that applies it, and it."""
    for call in facts.calls:
        made = flow(call)
        given = made.call.keywords.get("preprocessing_function") if made is not None else None
        if isinstance(given, Function) and (images := _evaluated(call.names, call)):
            yield images, call, given
        if call.function == ".map":
            yield from _mapped(call)
        elif call.function == ".fit" and "validation_data" in call.keywords:
            yield from _mapped(call.keywords["validation_data"], "validation_data")


def _mapped(data: Value, images: str = "") -> Iterator[tuple[str, Call, Function]]:
    """The functions that are mapped over a dataset; ``images`` says that it is for evaluation, else the names in it must."""
    parts = [each for each in steps(data) if isinstance(each, Call)]
    maps = [each for each in parts if each.function == ".map" and each.args and isinstance(each.args[0], Function)]
    told = images or (_evaluated([name for each in parts for name in each.names], maps[0]) if maps else "")
    for each in maps if told else ():
        if isinstance(each.args[0], Function):
            yield told, each, each.args[0]


def _evaluated(names: Sequence[str], call: Call) -> str:
    """What says that images are for evaluation: their names, or the branch where these say nothing; empty if nothing does."""
    role = role_of_names(names)
    if role == "eval":
        return next(each for each in names if role_of_names([each]) == "eval")
    return "this branch, which evaluates," if role == "unknown" and role_of_decisions(call.decisions) == "eval" else ""


def _of_function(facts: Facts, images: str, where: Call, function: Function) -> Iterator[CodeFinding]:
    draw = draw_of(function, facts.sources)
    if draw is None or averages(where):
        return
    yield finding(
        "TARE024",
        "warning",
        where.spot,
        f"{images} applies {_name(function)}, which draws at random ({draw.text}): scores differ from run to run and are of "
        "altered samples",
        "evaluate with a function that draws nothing",
        evidence=(step(draw.text, draw.spot),),
    )


def _name(function: Function) -> str:
    return "a lambda" if function.name in ("", "<lambda>") else function.name
