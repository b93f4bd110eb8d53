"""Constants of another network than the one that is fed."""

from __future__ import annotations

from collections.abc import Iterator

from tare.checking.repository.result import CodeFinding
from tare.checking.repository.rules.found import finding, origin, step
from tare.checking.repository.rules.linking import Program, programs
from tare.checking.repository.rules.normalisations import Normalisation, is_undoing, of_pipeline, of_step
from tare.checking.repository.rules.published import near, published
from tare.code.facts import Facts, Pipeline
from tare.code.interpreter.conditions import agree
from tare.code.libraries.expected import Expected, listed
from tare.code.libraries.networks import Network

#: Published sets that belong to networks; constants of a dataset of one's own are a choice, not a mistake.
_OF_NETWORKS = frozenset(("imagenet", "inception", "clip", "dpn"))


def others(facts: Facts) -> Iterator[CodeFinding]:
    """Networks for which no pipeline of the same program has the right constants."""
    for program in programs(facts):
        for network in program.networks:
            if network.pretrained and network.expected is not None and network.expected.scaling == "constants":
                yield from _of_network(program, network, network.expected)


def _of_network(program: Program, network: Network, expected: Expected) -> Iterator[CodeFinding]:
    pipelines = program.pipelines_of(network)
    found = [
        each
        for pipeline in pipelines
        for _, _, each in of_pipeline(pipeline)
        if agree(each.decisions, network.decisions) and not is_undoing(each.mean, each.std)
    ]
    if not found or any(_is_right(each, expected) for each in found) or program.is_open(network.decisions):
        return
    if any(_is_unknown(pipeline, network) for pipeline in pipelines):
        return
    for each in found:
        name = next((one.name for one in published() if near(one.mean, _full(each.mean)) and near(one.std, _full(each.std))), "")
        if name in _OF_NETWORKS and each.top in (1.0, 255.0):
            yield _finding(network, expected, each, name)


def _is_unknown(pipeline: Pipeline, network: Network) -> bool:
    """Whether a pipeline has, in a branch that the network may be in, a Normalize whose constants cannot be told."""
    return any(
        step.kind == "normalize" and agree(variant.decisions, network.decisions) and not list(of_step(step, variant.decisions))
        for variant in pipeline.variants
        for step in variant.steps
    )


def _is_right(each: Normalisation, expected: Expected) -> bool:
    """Whether constants are the network's, or not of a network that could be compared with it."""
    return near(_full(each.mean), expected.mean, 0.012) and near(_full(each.std), expected.std, 0.012)


def _full(values: tuple[float, ...]) -> tuple[float, ...]:
    return values * 3 if len(values) == 1 else values


def _finding(network: Network, expected: Expected, each: Normalisation, name: str) -> CodeFinding:
    told = [one for one in network.decisions if one.holds] or network.decisions
    branch = " and ".join(sorted(str(one) for one in told)[:3])
    where = f" where {branch}" if branch else ""
    return finding(
        "TARE005",
        "error" if expected.sure else "warning",
        each.call.spot,
        f"mean {listed(each.mean)} and std {listed(each.std)} are those of {name}, and {network.name}{where} was trained with "
        f"{expected.wanted}",
        f"use mean {listed(expected.mean)} and std {listed(expected.std)} for {network.name}",
        evidence=(
            *origin(each.means, "mean"),
            *origin(each.stds, "std"),
            step(f"{network.name}, with the constants of {expected.source}", network.call.spot),
        ),
    )
