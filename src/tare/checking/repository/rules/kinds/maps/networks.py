"""Pretrained networks that are called with an image whose whole way is known, and is another than they were trained on."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from tare.checking.repository.costs import cost
from tare.checking.repository.result import CodeFinding
from tare.checking.repository.rules.feeds import FEEDING, given_image, network_call, with_own_weights
from tare.checking.repository.rules.found import finding, step
from tare.checking.repository.rules.kinds.missing import ONE_CHANNEL, OWN_FIRST_LAYER
from tare.checking.repository.rules.linking import Program, programs
from tare.checking.repository.rules.published import OF_NETWORKS, label, near, published
from tare.checking.repository.rules.reached import Numbers, Reached, reached
from tare.code.facts import Facts, Pipeline
from tare.code.interpreter.conditions import agree
from tare.code.interpreter.values import Call
from tare.code.libraries.networks import Network
from tare.code.libraries.pipelines import library_of
from tare.code.networks.expected import Constants, listed

#: How far inputs may lie from those of training, in input units: a rounding of constants, or a divisor of 256.
_CLOSE = 0.08
_TRAINS = re.compile(r"\.backward\(|\.fit\(|\bTrainer\(")


def networks(facts: Facts) -> Iterator[CodeFinding]:
    """Every call of a pretrained network with an image of a file, against what the network was trained on."""
    pipelines = {id(each.call): each for each in facts.pipelines}
    texts = {each.path: each.document.text for each in facts.sources}
    own = list(with_own_weights(facts))
    known = {
        id(each.call): each
        for each in facts.networks
        if each.pretrained and each.scaling == "constants" and not any(loads(each.call) for loads in own)
    }
    for program in programs(facts, every=True):
        for call in program.calls:
            network = known.get(id(network_call(call.receiver))) if call.function in FEEDING else None
            if network is not None and agree(call.decisions, network.decisions):
                yield from _of_call(call, network, pipelines, program, texts)


def _of_call(
    call: Call, network: Network, pipelines: Mapping[int, Pipeline], program: Program, texts: Mapping[str, str]
) -> Iterator[CodeFinding]:
    given = given_image(call)
    image = None if given is None else reached(given, pipelines)
    expected = network.expected
    if image is None or expected is None or expected.constants is None or len(expected.constants.mean) != 3:
        return
    files = {program.path, network.call.spot.source.path, *(each.spot.source.path for each in program.calls)}
    if any(word.search(texts.get(each, "")) for each in files for word in (OWN_FIRST_LAYER, ONE_CHANNEL)):
        return
    rights = [expected.constants, *expected.also]
    fitting = any(fits(image, each) for each in rights)
    exchanged = image.bgr and expected.order == "RGB" and not image.pipelines
    trains = any(_TRAINS.search(texts.get(each, "")) for each in files)
    several = [None if fitting else _what(image, expected.constants)]
    several += [_exchanged(image)] if exchanged and (fitting or image.is_raw or image.is_unit) else []
    for what in (each for each in several if each is not None):
        yield finding(
            what.code,
            "warning" if trains or expected.also else "error",
            (what.place or _last(image, call)).spot,
            f"{what.says} when {network.name} gets it, which was trained with {expected.wanted}",
            what.remedy,
            evidence=(
                step(f"read by {image.reader}", image.source.spot),
                step(f"{network.name} ({expected.origin})", network.call.spot),
                step("called", call.spot),
            ),
            cost=cost(what.cost) if expected.range == "normalised" else "",
        )


def fits(image: Reached, constants: Constants) -> bool:
    """Whether inputs are those of training up to rounding, with the constants in either order of the channels."""
    mean, std = image.constants
    for wanted in (constants, Constants(constants.mean[::-1], constants.std[::-1])):
        ends = [
            abs((value - a) / b - (value - c) / d)
            for value in (0.0, 1.0)
            for a, b, c, d in zip(mean, std, wanted.mean, wanted.std, strict=True)
        ]
        if max(ends) <= _CLOSE:
            return True
    return False


class _Otherwise(NamedTuple):
    """How an image arrives, in words, and what to do."""

    code: str
    says: str
    remedy: str
    cost: str = ""
    place: Call | None = None


def _what(image: Reached, wanted: Constants) -> _Otherwise | None:
    """The mistake by which an image arrives otherwise than wanted; None if it is none that has a name."""
    normalise = f"(x / 255 - mean) / std with mean={list(wanted.mean)} and std={list(wanted.std)}"
    mean, std = image.constants
    if image.is_raw:
        return _Otherwise("TARE001", "the image has values of 0..255", f"feed {normalise}", "raw")
    if image.is_unit:
        alone = len(image.pipelines) == 1 and len(image.steps) == 1
        place = image.pipelines[0] if alone else None
        remedy = f"then (x - mean) / std with mean={list(wanted.mean)} and std={list(wanted.std)}"
        return _Otherwise("TARE004", "the image is 0..1", remedy, "unit", place)
    if all(abs(each - 1) < 1e-6 for each in image.scale):
        less = tuple(-each for each in image.offset)
        return _Otherwise(
            "TARE042",
            f"the image has values of 0..255 less {listed(less)}, and is not divided by a std,",
            f"feed {normalise}",
        )
    return _constants(mean, std, image, wanted)


def _exchanged(image: Reached) -> _Otherwise:
    says = f"the image has its channels as {image.reader} reads them (blue, green, red)"
    return _Otherwise("TARE008", says, "convert it first: cv2.cvtColor(image, cv2.COLOR_BGR2RGB)", "bgr")


def _constants(mean: Numbers, std: Numbers, image: Reached, wanted: Constants) -> _Otherwise | None:
    """The published constants of another network."""
    name = next((each.name for each in published() if near(each.mean, mean) and near(each.std, std)), "")
    if name not in OF_NETWORKS:
        return None
    normalising = [each for each in image.steps if library_of(each) is not None and each.last == "Normalize"]
    return _Otherwise(
        "TARE005",
        f"the image is normalised with mean {listed(mean)} and std {listed(std)}, those of {label(name)},",
        f"use mean {listed(wanted.mean)} and std {listed(wanted.std)}",
        place=normalising[-1] if normalising else None,
    )


def _last(image: Reached, call: Call) -> Call:
    """Where to look: the last call that changed values, or the call of the network."""
    return image.steps[-1] if image.steps else call
