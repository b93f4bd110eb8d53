"""Processors of the Hugging Face hub that belong to another network than the one that is fed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tare.checking.repository.result import CodeFinding
from tare.checking.repository.rules.found import finding, step
from tare.checking.repository.rules.linking import programs
from tare.code.facts import Facts
from tare.code.interpreter.conditions import Decisions, agree
from tare.code.interpreter.values import Call, alternatives
from tare.code.libraries.networks import Network
from tare.code.libraries.step import text
from tare.code.networks.expected import Expected, listed
from tare.code.networks.table import expected as expected_of

_CLASSES = ("ImageProcessor", "ImageProcessorFast", "FeatureExtractor", "Processor")
#: Options with which a processor does something else than its file says.
_CHANGING = frozenset(("do_normalize", "do_rescale", "image_mean", "image_std", "rescale_factor"))


class Processor(NamedTuple):
    """A processor by its identifier, and what images it makes; None where that is not known."""

    name: str
    expected: Expected | None
    call: Call
    decisions: Decisions


def processors(facts: Facts) -> Iterator[CodeFinding]:
    """Programs in which no processor, and nothing else that normalises, is right for a pretrained network."""
    for program in programs(facts):
        found = [each for call in program.calls for each in _processors_of(call)]
        networks = [each for each in program.networks if each.pretrained]
        if found and networks and not program.cut and not program.pipelines and not _unknown(found, networks):
            yield from _of_program(found, networks)


def _unknown(found: list[Processor], networks: list[Network]) -> bool:
    """Whether anything in the program may normalise, or want, otherwise than is known."""
    return any(each.expected is None or each.expected.constants is None for each in found) or any(
        each.library != "transformers" or each.expected is None or each.expected.constants is None for each in networks
    )


def _of_program(found: list[Processor], networks: list[Network]) -> Iterator[CodeFinding]:
    for network in networks:
        own = [each for each in found if agree(each.decisions, network.decisions)]
        if own and not any(_fits(each, network) for each in own):
            others = [one for one in networks if one is not network and agree(one.decisions, network.decisions)]
            for each in own:
                if not any(_fits(each, one) for one in others):
                    yield _finding(each, network)


def _fits(each: Processor, network: Network) -> bool:
    assert each.expected is not None  # noqa: S101 (the caller looked)
    assert each.expected.constants is not None  # noqa: S101 (the caller looked)
    assert network.expected is not None  # noqa: S101 (the caller looked)
    return network.expected.accepts(*each.expected.constants) and network.expected.order == each.expected.order


def _processors_of(call: Call) -> Iterator[Processor]:
    if not call.function.startswith("transformers.") or call.last != "from_pretrained" or call.spread:
        return
    if not call.function.rsplit(".", 2)[-2].endswith(_CLASSES):
        return
    for decisions, value in alternatives(call.args[0]) if call.args else ():
        name = text(value)
        known = expected_of("transformers", name) if name and not _CHANGING & set(call.keywords) else None
        yield Processor(name, known, call, call.decisions | decisions)


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
