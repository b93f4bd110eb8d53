"""timm's create_transform, whose constants are ImageNet's unless it is told the network's."""

from __future__ import annotations

from collections.abc import Iterator

from tare.checking.repository.result import CodeFinding
from tare.checking.repository.rules.found import finding, origins, step
from tare.checking.repository.rules.linking import programs
from tare.code.facts import Facts
from tare.code.interpreter.conditions import agree
from tare.code.interpreter.values import Call
from tare.code.libraries.networks import Network
from tare.code.libraries.step import numbers
from tare.code.networks.expected import IMAGENET, Constants, listed

_FUNCTIONS = frozenset(f"timm.data.{each}create_transform" for each in ("", "transforms_factory."))


def presets(facts: Facts) -> Iterator[CodeFinding]:
    """``create_transform`` with constants that no network of the program was trained with."""
    for program in programs(facts):
        for call in program.calls:
            constants = _constants(call)
            networks = [each for each in program.networks if agree(each.decisions, call.decisions)]
            known = [each for each in networks if each.pretrained and each.scaling == "constants" and each.expected]
            if constants is None or not known or len(known) < len(networks) or program.cut:
                continue
            if not any(each.expected.accepts(*constants) for each in known if each.expected):
                yield _finding(call, constants, known[0])


def _constants(call: Call) -> Constants | None:
    """The constants of a call of ``create_transform``; None if they cannot be told."""
    if call.function not in _FUNCTIONS or call.spread:
        return None
    stated = call.keywords.get("mean"), call.keywords.get("std")
    mean, std = (wanted if each is None else numbers(each) for each, wanted in zip(stated, IMAGENET, strict=True))
    return Constants(mean, std) if mean and std else None


def _finding(call: Call, constants: Constants, network: Network) -> CodeFinding:
    assert network.expected is not None  # noqa: S101 (the caller looked)
    assert network.expected.constants is not None  # noqa: S101 (the caller looked)
    means, stds = call.keywords.get("mean"), call.keywords.get("std")
    how = "normalises with ImageNet's constants, since it is told none" if means is None and stds is None else "normalises"
    mean, std = network.expected.constants
    return finding(
        "TARE005",
        "error",
        call.spot,
        f"create_transform {how}: mean {listed(constants.mean)} and std {listed(constants.std)}, and {network.name} was trained "
        f"with mean {listed(mean)} and std {listed(std)}",
        "write create_transform(**timm.data.resolve_model_data_config(model), is_training=...)",
        evidence=(*origins(call.spot, means, stds), step(f"{network.name} ({network.expected.origin})", network.call.spot)),
    )
