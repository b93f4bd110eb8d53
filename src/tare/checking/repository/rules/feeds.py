"""Which data a program of Keras gives to which model, and what both are made of."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tare.checking.repository.rules.linking import Program
from tare.code.interpreter.values import Call, Choice, Function, Instance, Items, Table, Value
from tare.code.libraries.flows import unit_scaling

_FEEDING = frozenset((".fit", ".fit_generator", ".evaluate", ".evaluate_generator", ".predict", ".predict_generator"))
#: Methods of a dataset of TensorFlow that give a dataset.
_STEPS = frozenset(
    ["map", "cache", "prefetch", "shuffle", "batch", "repeat", "take", "skip", "apply", "unbatch", "with_options", "enumerate"]
)
_LARGEST = 400
_DEEPEST = 30


class Fed(NamedTuple):
    """Data that are given to a model."""

    call: Call
    model: Value
    data: Value


def fed(program: Program) -> Iterator[Fed]:
    """Everything that a program gives to a model to train, to evaluate or to predict."""
    for call in program.calls:
        if call.function in _FEEDING:
            given = (
                *call.args[:1],
                *(call.keywords[key] for key in ("x", "validation_data", "generator") if key in call.keywords),
            )
            for each in given:
                yield Fed(call, call.receiver, each)


def parts(value: Value, program: Program) -> Iterator[Call]:
    """The calls that a model is made of: those in its arguments, what it is called on, and what is added to it."""
    added: dict[int, list[Call]] = {}
    for call in program.calls:
        if call.function == ".add":
            added.setdefault(id(call.receiver), []).append(call)
    left, seen = [value], set[int]()
    while left and len(seen) < _LARGEST:
        each = left.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        if isinstance(each, Call):
            yield each
            left += [each.receiver, *each.args, *each.keywords.values(), *added.get(id(each), ())]
        elif isinstance(each, Instance) and each.made is not None:
            left.append(each.made)
        elif isinstance(each, Items):
            left += each.items
        elif isinstance(each, Table):
            left += each.entries.values()
        elif isinstance(each, Choice):
            left += [option for _, option in each.options]


def steps(data: Value) -> Iterator[Value]:
    """The dataset itself, and what it was before each of its steps."""
    for _ in range(_DEEPEST):
        yield data
        if not isinstance(data, Call):
            return
        if data.function in ("operator.part", "operator.item") and data.args:
            data = data.args[0]
        elif data.function.startswith(".") and data.last in _STEPS:
            data = data.receiver
        else:
            return


def mapped(data: Value, program: Program) -> Iterator[Call]:
    """Divisions by 255 in the functions that are mapped over a dataset."""
    functions = [
        each.args[0]
        for each in steps(data)
        if isinstance(each, Call) and each.function == ".map" and each.args and isinstance(each.args[0], Function)
    ]
    for call in program.calls:
        if unit_scaling(call) is not None and any(_stands_in(call, each) for each in functions if isinstance(each, Function)):
            yield call


def _stands_in(call: Call, function: Function) -> bool:
    node = call.spot.node
    return call.spot.source is function.source and any(each is node for each in ast.walk(function.node))


def goes_elsewhere(program: Program, scaled: Call, networks: Sequence[Call]) -> bool:
    """Whether what a call scales is only given to models without any of the networks, which get other data themselves."""
    given = [each for each in fed(program) if any(part.spot.node is scaled.spot.node for part in parts(each.data, program))]
    own = {id(each) for each in networks}

    def has_network(each: Fed) -> bool:
        return any(id(part) in own for part in parts(each.model, program))

    def is_another(each: Fed) -> bool:
        return isinstance(each.model, Call) and each.model.last in ("load_model", "Sequential") and not has_network(each)

    return bool(given) and all(map(is_another, given)) and any(map(has_network, fed(program)))
