"""Pretrained networks whose every pipeline leaves Normalize out."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tare.checking.repository.costs import cost
from tare.checking.repository.result import CodeFinding
from tare.checking.repository.rules.found import finding, step
from tare.checking.repository.rules.linking import Program, programs, says
from tare.checking.repository.rules.normalisations import stops_at_tensor
from tare.checking.repository.rules.scalings import consumed, is_image
from tare.code.facts import Facts
from tare.code.interpreter.conditions import agree
from tare.code.interpreter.values import Call
from tare.code.libraries import torchvision
from tare.code.libraries.networks import Network
from tare.code.libraries.pipelines import library_of

#: Code that may normalise somewhere else.
_ELSEWHERE = re.compile(
    r"(?i)normali[sz]e(?!d?_embed)|\b(?:image_)?mean\s*=|\[0\.485|127\.5|rescale|standardi[sz]|\bpreprocess\w*\("
)


#: A first layer of one's own, whose weights no constants belong to.
OWN_FIRST_LAYER = re.compile(
    r"\.(?:conv1|conv_stem|patch_embed\.proj|features\[0\](?:\[0\])?|stem(?:\[0\])?)\s*=\s*(?:torch\.)?(?:nn\.)?Conv2d"
)
#: A network of grey images, by an option.
ONE_CHANNEL = re.compile(r"\bin_(?:chans|channels)\s*=\s*1\b")
#: A variable that is called mean or std: whoever has one may well subtract or divide by it.
_OF_CONSTANTS = re.compile(r"(?i)(?<![a-z])(?:mean|std|sigma)s?(?![a-z]|\s*\()|imagenet_stats")
#: What any file of a program may say that leaves its divisions by hand to themselves.
_LEFT_OUT = (_ELSEWHERE, _OF_CONSTANTS, OWN_FIRST_LAYER, ONE_CHANNEL)
_TO_TENSOR = ("torchvision.transforms.functional.to_tensor", "torchvision.transforms.v2.functional.to_tensor")


def missing(facts: Facts) -> Iterator[CodeFinding]:
    """Images of 0..1 in a program whose pretrained networks were trained with a mean and std."""
    texts = {each.path: each.document.text for each in facts.sources}
    for program in programs(facts):
        for network in program.networks:
            if network.pretrained and network.scaling == "constants" and _normalises(network):
                yield from _of_network(program, network, texts)
                yield from _by_hand(program, network, texts)


def _normalises(network: Network) -> bool:
    """Whether the network was trained with a mean and std, and not with values of 0..1 or 0..255 as they are."""
    return network.expected is not None and network.expected.range not in ("unit", "raw", "unknown")


def _of_network(program: Program, network: Network, texts: dict[str, str]) -> Iterator[CodeFinding]:
    pipelines = [each for each in program.pipelines_of(network) if library_of(each.call) is torchvision]
    files = {program.path, network.call.spot.source.path, *(each.path for each in pipelines)}
    if not pipelines or program.is_open(network.decisions) or any(says(_ELSEWHERE, texts.get(each, "")) for each in files):
        return
    possible = [(each, variant) for each in pipelines for variant in each.variants if agree(variant.decisions, network.decisions)]
    if possible and all(stops_at_tensor(variant) for _, variant in possible):
        for pipeline in dict.fromkeys(each for each, _ in possible):
            yield _finding(network, pipeline.call, "this pipeline ends with values of 0..1", "add after ToTensor: Normalize with")


def _by_hand(program: Program, network: Network, texts: dict[str, str]) -> Iterator[CodeFinding]:
    """Divisions by 255 in the ``__getitem__`` of a dataset, where nothing in any file of the program normalises."""
    used = consumed(program.calls)
    inside = [each for each in program.calls if "__getitem__" in each.within and id(each) not in used]
    places = [each for each in inside if is_image(each) or each.function in _TO_TENSOR]
    if not places or program.is_open(network.decisions):
        return
    files = {program.path, *(each.call.spot.source.path for each in program.networks)}
    files |= {each.spot.source.path for each in program.calls}
    if any(says(word, texts.get(each, "")) for each in files for word in _LEFT_OUT):
        return
    for place in places:
        if agree(place.decisions, network.decisions):
            what = "to_tensor" if place.function in _TO_TENSOR else "the division by 255"
            yield _finding(network, place, f"{what} brings images to 0..1", "then (x - mean) / std with")


def _finding(network: Network, call: Call, what: str, cure: str) -> CodeFinding:
    assert network.expected is not None  # noqa: S101 (the caller looked)
    assert network.expected.constants is not None  # noqa: S101 (the caller looked)
    mean, std = list(network.expected.constants.mean), list(network.expected.constants.std)
    return finding(
        "TARE004",
        "warning",
        call.spot,
        f"{what}, and {network.name} was trained with {network.expected.wanted}",
        f"{cure} mean={mean} and std={std}",
        evidence=(step(f"{network.name}, pretrained", network.call.spot),),
        cost=cost("unit") if network.expected.range == "normalised" else cost("unit signed"),
    )
