"""Learners of fastai: the network, its data, and the Normalize that these have or get."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import NamedTuple

from tare.code.interpreter.values import Call, Choice, Items, Library, Table, Value
from tare.code.libraries.networks import networks_of
from tare.code.libraries.step import flag, numbers, text
from tare.code.networks.expected import IMAGENET, Constants, Expected
from tare.code.networks.table import expected as expected_of

#: Learners that add the Normalize of their network, unless the data have one or they are told not to.
_ADDING = frozenset(("vision_learner", "cnn_learner", "unet_learner", "create_cnn"))
#: Code that adds steps to data that were made before, or changes batches in a callback.
_ADDED = re.compile(r"\.add_tfms\(|\bafter_(?:item|batch)\.(?:add|fs)\b|def before_batch\(|\bafter_(?:item|batch)\s*=")
_DEEPEST = 400


class Learner(NamedTuple):
    """A learner with a pretrained network: what it expects, whether it adds its Normalize, and those of its data."""

    call: Call
    name: str
    expected: Expected
    adds: bool
    normalize: Call | None


class Stated(NamedTuple):
    """The constants of ``Normalize.from_stats``."""

    call: Call
    constants: Constants


def learner(call: Call) -> Learner | None:
    """The learner that a call makes of data that are known; None for other calls."""
    if not call.function.startswith("fastai.") or call.spread or len(call.args) < 2:
        return None
    if _ADDED.search(call.spot.source.document.text):
        return None
    data, network = call.args[:2]
    parts = list(_within(data))
    if not any(each.function.startswith("fastai.") for each in parts) or any(
        each.spread for each in parts if not _is_stats(each)
    ):
        return None
    name, known = _named(network) if call.last in _ADDING else _made(network) if call.last == "Learner" else ("", None)
    if known is None or known.constants is None or flag(call.keywords.get("pretrained")) is False:
        return None
    adds = call.last in _ADDING and flag(call.keywords.get("normalize")) is not False
    return Learner(call, name, known, adds, next((each for each in parts if _is_stats(each)), None))


def stated(call: Call) -> Stated | None:
    """The constants of a call of ``Normalize.from_stats``; None if they cannot be told."""
    if not _is_stats(call):
        return None
    if len(call.args) >= 2:
        mean, std = numbers(call.args[0]), numbers(call.args[1])
        return Stated(call, Constants(mean, std)) if mean and std else None
    node = call.spot.node
    given = node.args[0] if isinstance(node, ast.Call) and len(node.args) == 1 else None
    starred = given.value if isinstance(given, ast.Starred) else None
    name = starred.id if isinstance(starred, ast.Name) else starred.attr if isinstance(starred, ast.Attribute) else ""
    return Stated(call, IMAGENET) if name == "imagenet_stats" else None


def _is_stats(call: Call) -> bool:
    return call.last == "from_stats" and "Normalize" in call.function


def _named(network: Value) -> tuple[str, Expected | None]:
    """A network by its function of torchvision, or by a name of timm."""
    if isinstance(network, Library):
        name = network.name.rpartition(".")[2]
        return name, expected_of("torchvision", name, weights="IMAGENET1K_V1")
    return text(network), expected_of("timm", text(network)) if text(network) else None


def _made(network: Value) -> tuple[str, Expected | None]:
    for each in networks_of(network) if isinstance(network, Call) else ():
        if each.pretrained and each.scaling == "constants":
            return each.name, each.expected
    return "", None


def _within(value: Value) -> Iterator[Call]:
    """The calls of which data are made: their arguments, and what they are called on."""
    left, seen = [value], set[int]()
    while left and len(seen) < _DEEPEST:
        each = left.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        if isinstance(each, Call):
            yield each
            left += [each.receiver, *each.args, *each.keywords.values()]
        elif isinstance(each, Items):
            left += each.items
        elif isinstance(each, Table):
            left += each.entries.values()
        elif isinstance(each, Choice):
            left += [option for _, option in each.options]
