"""Which data a program gives to which model, and what both are made of."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import NamedTuple

from tare.checking.repository.rules.linking import Program
from tare.code.facts import Facts
from tare.code.interpreter.values import Call, Choice, Class, Function, Instance, Items, Table, Value
from tare.code.libraries.openness import WITH_TRANSFORM
from tare.code.libraries.step import number

_FEEDING = frozenset((".fit", ".fit_generator", ".evaluate", ".evaluate_generator", ".predict", ".predict_generator"))
#: Methods of a dataset of TensorFlow that give a dataset.
_STEPS = frozenset(
    ["map", "cache", "prefetch", "shuffle", "batch", "repeat", "take", "skip", "apply", "unbatch", "with_options", "enumerate"]
)
#: Attributes of a dataset that are read without its transform.
_NO_DATASET = frozenset(("@data", "@targets", "@labels", "@classes", "@samples", "@imgs", "@class_to_idx", "@indices"))
#: Calls that give the network itself back.
SAME_NETWORK = frozenset(
    [".eval", ".to", ".cuda", ".cpu", ".half", ".float", ".train", ".requires_grad_", "torch.nn.DataParallel", "torch.compile"]
)
#: Calls by which a network gets images, and those of Keras beside them.
FEEDING = frozenset(("()", ".forward", ".forward_features", ".encode_image", ".get_image_features"))
CALLING = frozenset((*FEEDING, ".predict", ".predict_on_batch"))
_LARGEST = 400
_DEEPEST = 30


class Fed(NamedTuple):
    """Data that are given to a model."""

    call: Call
    model: Value
    data: Value


def fed(program: Program) -> Iterator[Fed]:
    """Everything that a program gives to a model of Keras to train, to evaluate or to predict."""
    for call in program.calls:
        if call.function in _FEEDING:
            given = (
                *call.args[:1],
                *(call.keywords[key] for key in ("x", "validation_data", "generator") if key in call.keywords),
            )
            for each in given:
                yield Fed(call, call.receiver, each)


def network_call(receiver: Value) -> Value:
    """The call that made a network, under ``.eval()``, ``.to(device)`` and the like, or as the first layer of others."""
    for _ in range(_DEEPEST):
        inner = _beneath(receiver)
        if inner is None:
            return receiver
        receiver = inner
    return receiver


def _beneath(receiver: Value) -> Value | None:
    """What a value is the same network as, for images; None for what is no form of another."""
    if not isinstance(receiver, Call):
        return None
    if receiver.function in SAME_NETWORK:
        return receiver.receiver if receiver.function.startswith(".") else (receiver.args or (receiver.receiver,))[0]
    if receiver.function == "operator.part" and number(receiver.args[1]) == 0:  # net, preprocess = clip.load(...)
        made = receiver.args[0]
        return made if isinstance(made, Call) and made.function in WITH_TRANSFORM else None
    if receiver.last == "Sequential" and receiver.args:
        first = receiver.args[0]
        return first.items[0] if isinstance(first, Items) and first.items else first
    return None


def with_own_weights(facts: Facts) -> Iterator[Callable[[Call], bool]]:
    """For each place that loads weights from a file, whether a network is the one, or a part of the one, that gets them."""
    for call in facts.calls:
        if call.function in (".load_state_dict", ".load_weights"):
            model = network_call(call.receiver)
            inside = {id(each) for each in within(model)}
            cls = model.cls if isinstance(model, Instance) else None
            yield partial(_is_part, inside, cls)


def _is_part(inside: set[int], cls: Class | None, made: Call) -> bool:
    return id(made) in inside or (cls is not None and stands_in(made, cls))


def given_image(call: Call) -> Value | None:
    """The image that a network is called with; None where several things are given."""
    return call.keywords.get("pixel_values") or (call.args[0] if len(call.args) == 1 else None)


def parts(value: Value, program: Program) -> Iterator[Call]:
    """The calls that a model is made of: those in its arguments, what it is called on, and what is added to it."""
    added: dict[int, list[Call]] = {}
    for call in program.calls:
        if call.function == ".add":
            added.setdefault(id(call.receiver), []).append(call)
    yield from within(value, added)


def within(value: Value, added: Mapping[int, list[Call]] = MappingProxyType({})) -> Iterator[Call]:
    """The calls in a value, its arguments and theirs; ``added`` has further ones by the identity of what they are added to."""
    left, seen = [value], set[int]()
    while left and len(seen) < _LARGEST:
        each = left.pop()
        if id(each) not in seen:
            seen.add(id(each))
            if isinstance(each, Call):
                yield each
            left += [*_inner(each), *added.get(id(each), ())]


def _inner(value: Value) -> Sequence[Value]:
    """What a value is made of."""
    if isinstance(value, Call):
        return () if value.function in _NO_DATASET else (value.receiver, *value.args, *value.keywords.values())
    if isinstance(value, Instance):
        return () if value.made is None else (value.made,)
    if isinstance(value, Items):
        return value.items
    if isinstance(value, Table):
        return tuple(value.entries.values())
    return tuple(option for _, option in value.options) if isinstance(value, Choice) else ()


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


def stands_in(call: Call, outer: Function | Class) -> bool:
    """Whether a call is written in a function or a class."""
    node = call.spot.node
    return call.spot.source is outer.source and any(each is node for each in ast.walk(outer.node))


def goes_elsewhere(program: Program, scaled: Call, networks: Sequence[Call]) -> bool:
    """Whether what a call scales is only given to models without any of the networks, which get other data themselves."""
    given = [each for each in fed(program) if any(part.spot.node is scaled.spot.node for part in parts(each.data, program))]
    own = {id(each) for each in networks}

    def has_network(each: Fed) -> bool:
        return any(id(part) in own for part in parts(each.model, program))

    def is_another(each: Fed) -> bool:
        return isinstance(each.model, Call) and each.model.last in ("load_model", "Sequential") and not has_network(each)

    own_feeds = [each for each in fed(program) if has_network(each)]
    trains = any(each.call.last.startswith("fit") for each in own_feeds)  # then a model that is loaded may be this one
    return bool(given) and all(map(is_another, given)) and bool(own_feeds) and not trains
