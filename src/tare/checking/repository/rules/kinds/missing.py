"""Pretrained networks whose every pipeline leaves Normalize out."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tare.checking.repository.result import CodeFinding
from tare.checking.repository.rules.found import finding, step
from tare.checking.repository.rules.linking import Program, programs, says
from tare.code.facts import Facts, Pipeline
from tare.code.interpreter.conditions import agree
from tare.code.libraries import torchvision
from tare.code.libraries.networks import Network
from tare.code.libraries.pipelines import Variant, library_of

#: Code that may normalise somewhere else.
_ELSEWHERE = re.compile(
    r"(?i)normali[sz]e(?!d?_embed)|\b(?:image_)?mean\s*=|\[0\.485|127\.5|rescale|standardi[sz]|\bpreprocess\w*\("
)


def missing(facts: Facts) -> Iterator[CodeFinding]:
    """Pipelines that end with ToTensor in a program whose pretrained networks were trained with a mean and std."""
    texts = {each.path: each.document.text for each in facts.sources}
    for program in programs(facts):
        for network in program.networks:
            if network.pretrained and network.scaling == "constants" and _normalises(network):
                yield from _of_network(program, network, texts)


def _normalises(network: Network) -> bool:
    """Whether the network was trained with a mean and std, and not with values of 0..1 or 0..255 as they are."""
    return network.expected is not None and network.expected.range not in ("unit", "raw", "unknown")


def _of_network(program: Program, network: Network, texts: dict[str, str]) -> Iterator[CodeFinding]:
    pipelines = [each for each in program.pipelines_of(network) if library_of(each.call) is torchvision]
    files = {program.path, network.call.spot.source.path, *(each.path for each in pipelines)}
    if not pipelines or program.is_open(network.decisions) or any(says(_ELSEWHERE, texts.get(each, "")) for each in files):
        return
    possible = [(each, variant) for each in pipelines for variant in each.variants if agree(variant.decisions, network.decisions)]
    if possible and all(_stops_at_tensor(variant) for _, variant in possible):
        for pipeline in dict.fromkeys(each for each, _ in possible):
            yield _finding(network, pipeline)


def _stops_at_tensor(variant: Variant) -> bool:
    kinds = [step.kind for step in variant.steps]
    return variant.whole and "to_tensor" in kinds and "normalize" not in kinds and "rescale" not in kinds


def _finding(network: Network, pipeline: Pipeline) -> CodeFinding:
    assert network.expected is not None  # noqa: S101 (the caller looked)
    assert network.expected.constants is not None  # noqa: S101 (the caller looked)
    constants = network.expected.constants
    return finding(
        "TARE004",
        "warning",
        pipeline.call.spot,
        f"this pipeline ends with values of 0..1, and {network.name} was trained with {network.expected.wanted}",
        f"add Normalize(mean={list(constants.mean)}, std={list(constants.std)}) after ToTensor",
        evidence=(step(f"{network.name}, pretrained", network.call.spot),),
    )
