"""What a pipeline does to an image step by step: arithmetic by hand between its steps, and constants in reversed order."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from tare.checking.repository.result import CodeFinding
from tare.checking.repository.result import Step as Link
from tare.checking.repository.rules.found import finding, origins
from tare.checking.repository.rules.kinds.maps.levels import is_of_levels
from tare.checking.repository.rules.kinds.maps.scaling import evidence_of, given_of
from tare.checking.repository.rules.kinds.maps.ways import certain, of_both
from tare.checking.repository.rules.linking import says
from tare.checking.repository.rules.normalisations import FUNCTIONS, Normalisation, of_arithmetic, of_function, of_step
from tare.checking.repository.rules.published import label, reversed_set
from tare.checking.repository.rules.reached import Reached, after_step, normalised, reached
from tare.checking.rules.finding import Severity
from tare.code.facts import Facts, Pipeline
from tare.code.interpreter.conditions import ALWAYS, Decisions, agree
from tare.code.interpreter.values import Call, alternatives
from tare.code.libraries.pipelines import Variant, step_of
from tare.code.libraries.step import Step, number
from tare.code.networks.expected import listed

_Pipelines = Mapping[int, Pipeline]
#: Datasets of torchvision that open images of 8 bits: with the channels red, green, blue, and with one.
_COLOURS = frozenset(("ImageFolder", "CIFAR10", "CIFAR100", "STL10", "SVHN", "Flowers102", "Food101", "OxfordIIITPet"))
_GREY = frozenset(("MNIST", "FashionMNIST"))
#: What gives a folder of images another reader than the one it has.
_OTHER_LOADER = re.compile(r"(?<!self)\.(?:default_)?loader\s*=(?!=)")


class _Fed(NamedTuple):
    """An image that a pipeline gets, and in which branch."""

    image: Reached
    decisions: Decisions


def pipelines(facts: Facts) -> Iterator[CodeFinding]:
    """Every pipeline with every image that it is seen to get, and normalisations outside of pipelines."""
    known = {id(each.call): each for each in facts.pipelines}
    fed: set[int] = set()
    for call in facts.calls:
        for made, each in _given(call, known):
            fed.add(id(made))
            for variant in _variants(made, known):
                if agree(variant.decisions, each.decisions):
                    yield from _through(variant, each, "error")
        yield from _by_hand(call, known)
    for pipeline in facts.pipelines:
        if id(pipeline.call) not in fed:
            yield from _by_itself(pipeline, facts)


def _given(call: Call, known: _Pipelines) -> Iterator[tuple[Call, _Fed]]:
    """The pipelines that a dataset of torchvision or a call gives images to, and these."""
    if call.function.startswith("torchvision.datasets.") and call.last in _COLOURS | _GREY:
        if call.spread or not _has_own_loader(call):
            return
        given = (*call.args, *(value for key, value in call.keywords.items() if key != "target_transform"))
        for decisions, value in (each for one in given for each in alternatives(one)):
            if isinstance(value, Call) and id(value) in known:
                yield value, _Fed(Reached(call, bgr=False, ordered=call.last in _COLOURS), call.decisions | decisions)
    elif call.function == "()" and isinstance(call.receiver, Call):
        image = call.keywords.get("image") or call.argument(0)
        way = None if image is None else reached(image, known)
        if way is not None:
            yield call.receiver, _Fed(way, call.decisions)


def _has_own_loader(call: Call) -> bool:
    """Whether a dataset opens images as torchvision does by default."""
    loader = call.argument(3, "loader") if call.last == "ImageFolder" else None
    return loader is None and not says(_OTHER_LOADER, call.spot.source.document.text)


def _variants(made: Call, known: _Pipelines) -> Iterator[Variant]:
    """The steps of a pipeline in each branch, or the one step that a call makes."""
    pipeline = known.get(id(made))
    if pipeline is not None:
        yield from (Variant(each.decisions | pipeline.call.decisions, each.steps) for each in pipeline.variants)
        return
    alone = step_of(made)
    if alone is not None:
        yield Variant(made.decisions, (alone,))


def _through(variant: Variant, fed: _Fed, severity: Severity) -> Iterator[CodeFinding]:
    """What is wrong with the steps of a pipeline, as long as it is known what they make of an image."""
    image: Reached | None = fed.image
    for position, each in enumerate(variant.steps):
        if image is None:
            return
        if each.kind == "rescale" and image.is_unit and _divides(each):
            yield _divided(each, image, severity)
        elif each.kind == "normalize":
            for one in of_step(each, variant.decisions):
                earlier = variant.steps[:position]
                by_hand = any(before.kind == "rescale" for before in earlier)
                # ToTensor divides bytes alone: what it got as floats of 0..255 still is.
                by_hand = by_hand or ((image.floats or image.wide) and any(before.kind == "to_tensor" for before in earlier))
                yield from _multiplied(one, image) if by_hand else ()
                yield from _reversed(one, image)
        image = after_step(each, image)


def _divides(each: Step) -> bool:
    """Whether a step divides by 255 and does nothing else."""
    factor = number(each.values.get("factor"))
    return factor is not None and abs(factor * 255 - 1) < 1e-3 and number(each.values.get("offset")) == 0


def _divided(each: Step, image: Reached, severity: Severity) -> CodeFinding:
    return finding(
        "TARE002",
        severity,
        each.call.spot,
        "the image is 0..1 here, and this step of the pipeline divides it by 255 again: values arrive as 0..0.004",
        "leave one of the two divisions out",
        evidence=_evidence(image),
    )


def _evidence(image: Reached) -> list[Link]:
    """Where an image was read, if that is known, and every call that changed its values."""
    links = evidence_of(image)
    return links[1:] if image.source in image.steps else links


def _multiplied(each: Normalisation, image: Reached) -> Iterator[CodeFinding]:
    """Constants for values of 0..1, on values that a step before has brought back to 0..255."""
    if image.is_raw and each.top == 1 and 0 < max(each.mean) <= 1 and max(each.std) <= 1:
        yield finding(
            "TARE001",
            "error",
            each.call.spot,
            f"the image is 0..255 here, and mean {listed(each.mean)} and std {listed(each.std)} are for values of 0..1",
            "leave the product with 255 out" if image.steps[1:] else "divide the image by 255 first",
            evidence=_evidence(image),
        )


def _reversed(each: Normalisation, image: Reached) -> Iterator[CodeFinding]:
    """Published constants in the order blue, green, red on an image in the order red, green, blue."""
    arrives = normalised(each, image) if image.ordered and not image.bgr else None
    known = None if arrives is None else reversed_set(*arrives.constants)
    if known is not None and len(each.mean) == 3:
        yield finding(
            "TARE015",
            "error",
            each.call.spot,
            f"mean {listed(each.mean)} and std {listed(each.std)} are those of {label(known.name)} in reversed order, and the "
            f"channels of the image are red, green, blue, as {image.reader} gives them",
            f"use mean {listed(each.mean[::-1])} and std {listed(each.std[::-1])}",
            evidence=(*origins(each.call.spot, each.means, each.stds), *_evidence(image)),
        )


def _by_hand(call: Call, known: _Pipelines) -> Iterator[CodeFinding]:
    """``(x - mean) / std``, and torchvision's function that does it."""
    found = of_arithmetic(call) if call.function == "operator./" else of_function(call) if call.function in FUNCTIONS else ()
    for each in found:
        image = reached(given_of(call), known)
        if image is not None:
            yield from certain(_reversed(each, image), call, given_of, known, of_both)


def _by_itself(pipeline: Pipeline, facts: Facts) -> Iterator[CodeFinding]:
    """A pipeline whose images are not seen: what ToTensor has brought to 0..1 and a step by hand scales again."""
    for variant in pipeline.variants:
        first = next((index for index, each in enumerate(variant.steps) if each.kind in ("to_tensor", "to_float")), None)
        if first is None:
            continue
        image = Reached(variant.steps[first].call, bgr=False, ordered=False)
        for each in _through(variant, _Fed(image, ALWAYS), "warning"):
            if each.code != "TARE002" or is_of_levels(variant.steps[: first + 1], facts):
                yield each
