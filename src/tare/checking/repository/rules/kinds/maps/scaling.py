"""Images that are divided twice, or normalised on values of another scale than the constants are for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tare.checking.repository.result import CodeFinding, Step
from tare.checking.repository.rules.found import finding, step
from tare.checking.repository.rules.kinds.maps.ways import certain, of_order, of_values
from tare.checking.repository.rules.normalisations import (
    FUNCTIONS,
    Normalisation,
    is_undoing,
    of_arithmetic,
    of_function,
    of_step,
)
from tare.checking.repository.rules.published import is_set, near, published
from tare.checking.repository.rules.reached import Reached, reached
from tare.code.facts import Facts, Pipeline
from tare.code.interpreter.conditions import ALWAYS
from tare.code.interpreter.values import UNKNOWN, Call, Value
from tare.code.libraries.flows import is_guarded, root, unit_scaling
from tare.code.libraries.pipelines import step_of
from tare.code.networks.expected import listed

_Pipelines = Mapping[int, Pipeline]
_SMALL = "values arrive as 0..0.004"


def scaling(facts: Facts) -> Iterator[CodeFinding]:
    """Divisions by 255 of what is 0..1, constants for 0..1 on values of 0..255, and the reverse."""
    pipelines = {id(each.call): each for each in facts.pipelines}
    for call in facts.calls:
        image = unit_scaling(call)
        if image is not None and not is_guarded(call):
            yield from certain(_divided(call, reached(image, pipelines)), call, unit_scaling, pipelines, of_values)
        elif call.function == "()":
            yield from _applied(call, pipelines)
        else:
            yield from _normalised(call, pipelines)


def _divided(call: Call, image: Reached | None) -> Iterator[CodeFinding]:
    if image is not None and image.is_unit:
        yield finding(
            "TARE002",
            "error",
            call.spot,
            f"the image is 0..1 here, and is divided by 255 again: {_SMALL}",
            "leave one of the two divisions out",
            evidence=evidence_of(image),
        )


def evidence_of(image: Reached) -> list[Step]:
    """Where an image was read, and every call that changed its values."""
    return [step(f"read by {image.reader}", image.source.spot), *(step(_called(each), each.spot) for each in image.steps)]


def _called(call: Call) -> str:
    operation = {"operator./": "the division", "operator.-": "the subtraction", "operator.*": "the product"}
    return operation.get(call.function, call.last)


def _applied(call: Call, pipelines: _Pipelines) -> Iterator[CodeFinding]:
    """A pipeline, or a Normalize by itself, that gets an image of another scale than it takes."""
    given = call.keywords.get("image") or call.argument(0)
    image = reached(given, pipelines) if given is not None else None
    if image is None or not isinstance(call.receiver, Call):
        return
    for each in first_normalize(call.receiver, pipelines):
        if each.top == 255 and image.is_unit:
            yield finding(
                "TARE002",
                "error",
                call.spot,
                f"the image is 0..1, and {each.call.last} divides by max_pixel_value={each.top:g} itself: {_SMALL}",
                "give it the image as it was read, or write max_pixel_value=1.0",
                evidence=[*evidence_of(image), step("Normalize", each.call.spot)],
            )
        elif each.top == 1 and image.is_raw:
            yield from _unscaled(call, each, image)
        elif is_set(each.mean, each.std):
            yield from _twice(call, image)


def first_normalize(receiver: Call, pipelines: _Pipelines) -> Iterator[Normalisation]:
    """The Normalize of a pipeline without branches, if no step before it scales values."""
    pipeline = pipelines.get(id(receiver))
    if pipeline is not None:
        steps = pipeline.variants[0].steps if len(pipeline.variants) == 1 else ()
    else:
        alone = step_of(receiver)
        steps = () if alone is None else (alone,)
    for each in steps:
        if each.kind == "normalize":
            known = list(of_step(each, ALWAYS))
            yield from known if len(known) == 1 else ()
            return
        if each.kind not in ("identity", "convert", "geometric", "photometric", "erase"):
            return


def _normalised(call: Call, pipelines: _Pipelines) -> Iterator[CodeFinding]:
    """``(x - mean) / std``, and torchvision's function that does it."""
    found = list(
        of_arithmetic(call) if call.function == "operator./" else of_function(call) if call.function in FUNCTIONS else ()
    )
    image = reached(given_of(call), pipelines) if found else None
    if image is None:
        return
    for each in (each for each in found if not is_undoing(each.mean, each.std)):
        of_scale = (*_unscaled(call, each, image), *_levels(call, each, image), *_twice(call, image))
        yield from certain(of_scale, call, given_of, pipelines, of_values)
        yield from certain(_order(call, each, image), call, given_of, pipelines, of_order)


def given_of(call: Call) -> Value:
    """The image that is normalised: of ``(x - mean) / std`` the x."""
    given = call.argument(0, "tensor", "inpt", "img") or UNKNOWN
    inner = root(given)
    return inner.args[0] if call.function == "operator./" and isinstance(inner, Call) and inner.args else given


def _twice(call: Call, image: Reached) -> Iterator[CodeFinding]:
    """An image that a published mean and std have been applied to before."""
    mean, std = image.constants
    if not image.is_raw and not image.is_unit and is_set(mean, std):
        yield finding(
            "TARE003",
            "error",
            call.spot,
            f"the image is normalised here for the second time: it was with mean {listed(mean)} and std {listed(std)}",
            "leave one of the two out",
            evidence=evidence_of(image),
        )


def _order(call: Call, each: Normalisation, image: Reached) -> Iterator[CodeFinding]:
    """An image in OpenCV's order, and published constants in the order red, green, blue."""
    if image.bgr and len(set(each.mean)) == 3 and any(near(each.mean, one.mean) for one in published()):
        yield finding(
            "TARE008",
            "warning",
            call.spot,
            f"the image is as {image.reader} reads it (blue, green, red), and mean {listed(each.mean)} is in the order "
            "red, green, blue",
            "convert it first: cv2.cvtColor(image, cv2.COLOR_BGR2RGB)",
            evidence=evidence_of(image),
        )


def _unscaled(call: Call, each: Normalisation, image: Reached) -> Iterator[CodeFinding]:
    if image.is_raw and 0 < max(each.mean) <= 1 and max(each.std) <= 1:
        yield finding(
            "TARE001",
            "error",
            call.spot,
            f"the image has values of 0..255, and mean {listed(each.mean)} and std {listed(each.std)} are for values of 0..1",
            "divide the image by 255 first",
            evidence=evidence_of(image),
        )


def _levels(call: Call, each: Normalisation, image: Reached) -> Iterator[CodeFinding]:
    if image.is_unit and 2 < max(each.mean) <= 255 and max(each.std) > 2:
        yield finding(
            "TARE016",
            "error",
            call.spot,
            f"mean {listed(each.mean)} and std {listed(each.std)} are for values of 0..255, and the image is 0..1 here",
            "leave the division by 255 out, or divide the constants by 255",
            evidence=evidence_of(image),
        )
