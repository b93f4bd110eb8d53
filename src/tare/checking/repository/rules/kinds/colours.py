"""Colour codes that do not fit the order in which OpenCV reads."""

from __future__ import annotations

from collections.abc import Iterator

from tare.checking.repository.edits import same_function
from tare.checking.repository.result import CodeFinding, Edit
from tare.checking.repository.rules.found import finding, step
from tare.checking.repository.rules.normalisations import of_pipeline
from tare.checking.repository.rules.published import near, published
from tare.code.facts import Facts, Pipeline
from tare.code.interpreter.values import Call, Library
from tare.code.libraries.flows import root
from tare.code.libraries.opencv import code_of, is_bgr
from tare.code.networks.expected import listed


def colours(facts: Facts) -> Iterator[CodeFinding]:
    """``imread`` with a conversion code as flag, codes for RGB on images that are BGR, and BGR given to constants of RGB."""
    pipelines = {id(each.call): each for each in facts.pipelines}
    for call in facts.calls:
        if call.function == "()" and id(call.receiver) in pipelines:
            yield from _fed(call, pipelines[id(call.receiver)])
        if call.function == "cv2.imread":
            yield from _flag(call)
        elif call.function == "cv2.cvtColor":
            yield from _code(call)


def _flag(call: Call) -> Iterator[CodeFinding]:
    flag = call.argument(1, "flags")
    if isinstance(flag, Library) and flag.name.startswith("cv2.COLOR_"):
        code = flag.name.rpartition(".")[2]
        yield finding(
            "TARE103",
            "error",
            call.spot,
            f"cv2.imread takes IMREAD_ flags, and {code} is a code of cv2.cvtColor: the image is not converted",
            f"write cv2.cvtColor(cv2.imread(path), cv2.{code})",
        )


def _code(call: Call) -> Iterator[CodeFinding]:
    code = code_of(call)
    if (
        not code.startswith("COLOR_RGB2")
        or code in ("COLOR_RGB2BGR", "COLOR_RGB2BGRA")
        or not call.args
        or not is_bgr(call.args[0])
    ):
        return
    source = root(call.args[0])
    right = code.replace("COLOR_RGB2", "COLOR_BGR2")
    node = call.spot.node
    argument = getattr(node, "args", [])
    edits = ()
    if len(argument) > 1 and isinstance(source, Call) and same_function(source.spot, call.spot):
        place = call.spot.source.place(argument[1])
        text = call.spot.source.line(argument[1])[place.column - 1 : place.end_column - 1]
        if text.endswith(code):
            edits = (Edit(place, text.replace(code, right)),)  # type: ignore[assignment]
    yield finding(
        "TARE102",
        "warning",
        call.spot,
        f"{code} is applied to an image that cv2.imread read, whose order is blue, green, red: the weights of red and blue are "
        "exchanged",
        f"use cv2.{right}",
        evidence=[step("cv2.imread", source.spot)] if isinstance(source, Call) else [],
        edits=edits,
    )


def _fed(call: Call, pipeline: Pipeline) -> Iterator[CodeFinding]:
    """An image in OpenCV's order that goes into a pipeline whose constants differ by channel."""
    image = call.keywords.get("image") or (call.args[0] if call.args else None)
    if image is None or not is_bgr(image) or not all(each.whole for each in pipeline.variants):
        return
    found = [each for _, _, each in of_pipeline(pipeline)]
    if not found or any(not _is_of_rgb(each.mean) for each in found):
        return
    source = root(image)
    yield finding(
        "TARE008",
        "warning",
        call.spot,
        f"the image is as cv2.imread reads it (blue, green, red), and the pipeline normalises with mean "
        f"{listed(found[0].mean)}, which is in the order red, green, blue",
        "convert it first: cv2.cvtColor(image, cv2.COLOR_BGR2RGB)",
        evidence=[
            *([step("cv2.imread", source.spot)] if isinstance(source, Call) else []),
            step("Normalize", found[0].call.spot),
        ],
    )


def _is_of_rgb(mean: tuple[float, ...]) -> bool:
    """Whether a mean is a published one of RGB images, whose channels differ."""
    return len(set(mean)) == 3 and any(near(mean, each.mean) for each in published())
