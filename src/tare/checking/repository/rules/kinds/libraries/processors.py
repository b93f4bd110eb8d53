"""Processors of the Hugging Face hub that belong to another network than the one that is fed."""

from __future__ import annotations

from collections.abc import Iterator

from tare.checking.repository.result import CodeFinding
from tare.checking.repository.rules.found import finding, step
from tare.checking.repository.rules.linking import programs
from tare.code.facts import Facts
from tare.code.interpreter.conditions import agree
from tare.code.libraries.networks import Network, Processor, processors_of
from tare.code.networks.expected import Expected, listed


def processors(facts: Facts) -> Iterator[CodeFinding]:
    """Programs in which no processor, and nothing else that normalises, is right for a pretrained network."""
    for program in programs(facts):
        found = [each for call in program.calls for each in processors_of(call)]
        networks = [each for each in program.networks if each.pretrained]
        is_known = all(_has_constants(each.expected) for each in (*found, *networks))
        is_whole = not program.cut and not program.pipelines and all(each.library == "transformers" for each in networks)
        if is_known and is_whole:
            yield from _of_program(found, networks)


def _has_constants(expected: Expected | None) -> bool:
    return expected is not None and expected.constants is not None


def _of_program(found: list[Processor], networks: list[Network]) -> Iterator[CodeFinding]:
    for network in networks:
        own = [each for each in found if agree(each.decisions, network.decisions)]
        if any(each.fits(network) for each in own):
            continue
        others = [one for one in networks if agree(one.decisions, network.decisions)]
        for each in own:
            if not any(each.fits(one) for one in others):
                yield _finding(each, network)


def _finding(each: Processor, network: Network) -> CodeFinding:
    assert each.expected is not None  # noqa: S101 (the caller looked)
    assert each.expected.constants is not None  # noqa: S101 (the caller looked)
    assert network.expected is not None  # noqa: S101 (the caller looked)
    mean, std = each.expected.constants
    return finding(
        "TARE005",
        "error",
        each.call.spot,
        f"the processor of {each.name} normalises with mean {listed(mean)} and std {listed(std)}, and {network.name} was trained "
        f"with {network.expected.wanted}",
        f'take the processor of the network: from_pretrained("{network.name}")',
        evidence=(step(f"{network.name} ({network.expected.origin})", network.call.spot),),
    )
