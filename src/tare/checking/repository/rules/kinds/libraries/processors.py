"""Processors of transformers: of another network, or given what is scaled already."""

from __future__ import annotations

from collections.abc import Iterator

from tare.checking.repository.result import CodeFinding
from tare.checking.repository.rules.found import finding, step
from tare.checking.repository.rules.linking import Program, programs
from tare.checking.repository.rules.reached import Reached, reached
from tare.code.facts import Facts
from tare.code.interpreter.conditions import agree
from tare.code.interpreter.values import Call, Value
from tare.code.libraries.flows import root
from tare.code.libraries.networks import Network, Processor, processors_of
from tare.code.libraries.pipelines import step_of
from tare.code.networks.expected import listed

_CLASSES = ("ImageProcessor", "ImageProcessorFast", "FeatureExtractor", "AutoProcessor")


def processors(facts: Facts) -> Iterator[CodeFinding]:
    """Processors of another network than the one that is fed, and those that get what is scaled already."""
    pipelines = {id(each.call): each for each in facts.pipelines}
    changed = {id(_processor(each.receiver)) for each in facts.calls if each.function in _SETTING}
    for call in facts.calls:
        if call.function == "()" and isinstance(call.receiver, Call) and _is_processor(call.receiver):
            given = call.argument(0, "images")
            image = None if given is None else reached(given, pipelines)
            if image is not None and not image.is_raw and not _told(call) and id(call.receiver) not in changed:
                yield from _scaled(call, call.receiver, image)
    for program in programs(facts):
        calls = [each for each in program.calls if _is_processor(each)]
        if any(id(each) in changed or _goes_on(each, program) for each in calls):
            continue
        loaded = [one for each in calls for one in processors_of(each)]
        is_known = all(one.expected is not None and one.expected.constants is not None for one in loaded)
        networks = [each for each in program.networks if each.library == "transformers"]
        if loaded and is_known and len(networks) == len(program.networks) and not program.cut:
            for network in networks:
                yield from _of_network(network, loaded, program)


#: What a processor is told after it was loaded.
_SETTING = frozenset(f"set.{each}" for each in ("do_rescale", "do_normalize", "rescale_factor", "image_mean", "image_std"))


_ARITHMETIC = frozenset(f"operator.{each}" for each in "+-*/")


def _processor(value: Value) -> Value:
    """The call that loads a processor, of which a value may be the part for images."""
    return value.receiver if isinstance(value, Call) and value.function.startswith("@") else value


def _goes_on(processor: Call, program: Program) -> bool:
    """Whether something else is calculated with what a processor makes, before a network gets it."""
    return any(_is_made_by(part, processor) for call in program.calls if _calculates(call) for part in call.args)


def _calculates(call: Call) -> bool:
    is_step = call.function == "()" and isinstance(call.receiver, Call) and step_of(call.receiver) is not None
    return call.function in _ARITHMETIC or call.last in ("normalize", "div", "mul", "sub", "add") or is_step


def _is_made_by(value: Value, processor: Call) -> bool:
    """Whether a value is what a processor made, or a part of it."""
    made = root(value)
    while isinstance(made, Call) and made.function.startswith("@"):
        made = root(made.receiver)
    return isinstance(made, Call) and made.function == "()" and _processor(made.receiver) is processor


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


def _of_network(network: Network, loaded: list[Processor], program: Program) -> Iterator[CodeFinding]:
    expected = network.expected
    own = [each for each in loaded if agree(each.decisions, network.decisions)]
    if expected is None or expected.constants is None or not own or network.call.entry != own[0].call.entry:
        return
    if any(each.fits(network) for each in own):
        return
    others = [each for each in program.networks if each is not network and agree(each.decisions, network.decisions)]
    for each in own:
        # A processor that fits another network of the program is that one's.
        if each.expected is not None and not any(each.fits(one) for one in others):
            yield finding(
                "TARE005",
                "error",
                each.call.spot,
                f"this processor normalises for {each.name} with {each.expected.wanted}, and {network.name} was trained with "
                f"{expected.wanted}",
                f'load the processor of the network: from_pretrained("{network.name}")',
                evidence=(step(f"{network.name} ({expected.origin})", network.call.spot),),
            )
