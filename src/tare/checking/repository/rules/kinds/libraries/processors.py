"""Processors of transformers: of another network, or given what is scaled already."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tare.checking.repository.result import CodeFinding
from tare.checking.repository.rules.found import finding, step
from tare.checking.repository.rules.linking import Program, programs
from tare.checking.repository.rules.reached import Reached, reached
from tare.code.facts import Facts
from tare.code.interpreter.values import Call
from tare.code.libraries.networks import Network
from tare.code.libraries.step import text
from tare.code.networks.expected import Expected, listed
from tare.code.networks.table import expected as expected_of

_CLASSES = ("ImageProcessor", "ImageProcessorFast", "FeatureExtractor", "AutoProcessor")


class _Processor(NamedTuple):
    """A processor that is loaded by the name of a network."""

    call: Call
    name: str
    expected: Expected


def processors(facts: Facts) -> Iterator[CodeFinding]:
    """Processors of another network than the one that is fed, and those that get what is scaled already."""
    pipelines = {id(each.call): each for each in facts.pipelines}
    for call in facts.calls:
        if call.function == "()" and isinstance(call.receiver, Call) and _is_processor(call.receiver):
            given = call.argument(0, "images")
            image = None if given is None else reached(given, pipelines)
            if image is not None and not image.is_raw and not _told(call):
                yield from _scaled(call, call.receiver, image)
    for program in programs(facts):
        loaded = [each for each in program.calls if _is_processor(each)]
        known = [each for each in map(_known, loaded) if each is not None]
        networks = [each for each in program.networks if each.library == "transformers"]
        if loaded and len(known) == len(loaded) and len(networks) == len(program.networks) and not program.cut:
            for network in networks:
                yield from _of_network(network, known, program)


def _told(call: Call) -> bool:
    """Whether a processor is told not to scale, here or when it was loaded."""
    made = call.receiver.keywords if isinstance(call.receiver, Call) else {}
    return bool({"do_rescale", "do_normalize", "rescale_factor"} & {*call.keywords, *made})


def _scaled(call: Call, processor: Call, image: Reached) -> Iterator[CodeFinding]:
    evidence = (step(f"read by {image.reader}", image.source.spot), *(step(each.last, each.spot) for each in image.steps))
    loaded = step("the processor", processor.spot)
    if image.is_unit:
        yield finding(
            "TARE002",
            "error",
            call.spot,
            "the image is 0..1, and the processor divides by 255 itself: values arrive as 0..0.004",
            "give it the image as it was read, or write do_rescale=False",
            evidence=(*evidence, loaded),
        )
    elif 0 < max(image.constants[1]) <= 1:
        mean, std = image.constants
        yield finding(
            "TARE003",
            "error",
            call.spot,
            f"the image is normalised with mean {listed(mean)} and std {listed(std)}, and the processor normalises it again",
            "give it the image as it was read",
            evidence=(*evidence, loaded),
        )


def _is_processor(call: Call) -> bool:
    return call.last == "from_pretrained" and call.function.rsplit(".", 2)[-2].endswith(_CLASSES)


def _known(call: Call) -> _Processor | None:
    """What a processor applies; None if it is told other constants, or its name says nothing."""
    name = text(call.argument(0, "pretrained_model_name_or_path"))
    expected = expected_of("transformers", name) if "/" in name else None
    changed = call.spread or bool(
        {"image_mean", "image_std", "do_normalize", "do_rescale", "rescale_factor"} & set(call.keywords)
    )
    if expected is None or expected.constants is None or changed:
        return None
    return _Processor(call, name, expected)


def _of_network(network: Network, loaded: list[_Processor], program: Program) -> Iterator[CodeFinding]:
    expected = network.expected
    if expected is None or expected.constants is None or network.call.entry != loaded[0].call.entry:
        return
    if any(each.expected.accepts(*expected.constants) for each in loaded):
        return
    others = [each for each in program.networks if each is not network and each.expected is not None]
    for each in loaded:
        # A processor that fits another network of the program is that one's.
        if not any(one.expected and each.expected.constants and one.expected.accepts(*each.expected.constants) for one in others):
            yield finding(
                "TARE005",
                "error",
                each.call.spot,
                f"this processor normalises for {each.name} with {each.expected.wanted}, and {network.name} was trained with "
                f"{expected.wanted}",
                f'load the processor of the network: from_pretrained("{network.name}")',
                evidence=(step(f"{network.name} ({expected.origin})", network.call.spot),),
            )
