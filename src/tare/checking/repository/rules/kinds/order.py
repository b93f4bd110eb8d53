"""Steps of a pipeline in the wrong order, or twice."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from tare.checking.repository.result import CodeFinding
from tare.checking.repository.rules.found import finding, origin, origins, step
from tare.checking.repository.rules.kinds.maps.levels import BYTES, gets_bytes
from tare.checking.repository.rules.normalisations import Normalisation, Numbers, is_undoing, of_pipeline, of_step
from tare.checking.repository.rules.published import is_set, mixed_scales
from tare.checking.repository.rules.reached import composed
from tare.code.facts import Facts, Pipeline
from tare.code.interpreter.conditions import Decisions
from tare.code.interpreter.values import Function, Literal
from tare.code.libraries import albumentations, torchvision
from tare.code.libraries.pipelines import library_of
from tare.code.libraries.step import Step, number
from tare.code.networks.expected import listed


def order(facts: Facts) -> Iterator[CodeFinding]:
    """Normalize before ToTensor, 0..255 constants after it, Normalize twice, colour after Normalize."""
    for pipeline in facts.pipelines:
        for variant in pipeline.variants:
            if library_of(pipeline.call) is torchvision:
                yield from _before_tensor(variant.steps)
                yield from _colour_after(variant.steps)
            yield from _twice(variant.steps, variant.decisions)
        yield from _scale(pipeline, facts)
        yield from _divided_twice(pipeline)
        yield from _unscaled(pipeline)


def _positions(steps: tuple[Step, ...], *kinds: str) -> list[int]:
    return [index for index, each in enumerate(steps) if each.kind in kinds]


def _before_tensor(steps: tuple[Step, ...]) -> Iterator[CodeFinding]:
    tensors, normals = _positions(steps, "to_tensor"), _positions(steps, "normalize")
    if not tensors or not normals or normals[0] > tensors[0]:
        return
    before = steps[: normals[0]]
    if any(each.kind in ("opaque", "convert", "to_float") for each in before):
        return
    if library_of(steps[normals[0]].call) is not torchvision:
        return
    first, tensor = steps[normals[0]], steps[tensors[0]]
    yield finding(
        "TARE020",
        "error",
        first.call.spot,
        f"Normalize stands before {tensor.name}: it gets an image where it needs a tensor of values from 0 to 1",
        f"put Normalize after {tensor.name}",
        evidence=(step(tensor.name, tensor.call.spot),),
    )


def _colour_after(steps: tuple[Step, ...]) -> Iterator[CodeFinding]:
    normals = _positions(steps, "normalize")
    for index in _positions(steps, "photometric"):
        if normals and index > normals[0] and steps[index].name in ("ColorJitter", "RandomSolarize"):
            yield finding(
                "TARE022",
                "error",
                steps[index].call.spot,
                f"{steps[index].name} stands after Normalize: it is made for values from 0 to 1 and cuts off what lies outside",
                "put it before ToTensor and Normalize",
                evidence=(step("Normalize", steps[normals[0]].call.spot),),
            )


def _twice(steps: tuple[Step, ...], decisions: Decisions) -> Iterator[CodeFinding]:
    found = [steps[index] for index in _positions(steps, "normalize")]
    if len(found) < 2 or len({id(each.call) for each in found}) < 2:
        return
    known = [list(of_step(each, decisions)) for each in found]
    if any(len(each) != 1 or is_undoing(each[0].mean, each[0].std) for each in known):
        return
    pairs = [(one[0].mean, one[0].std) for one in known]
    if any(set(mean) == {0.0} and set(std) <= {1.0, 255.0} for mean, std in pairs):
        return
    whole = steps[steps.index(found[0]) : steps.index(found[-1]) + 1]
    if any(map(_calculates, whole)) or _is_one_in_parts(whole, pairs):
        return
    yield finding(
        "TARE003",
        "error",
        found[1].call.spot,
        f"the pipeline normalises twice: with mean {listed(pairs[0][0])} and then with mean {listed(pairs[1][0])}",
        "leave one of the two out",
        evidence=(step("the first Normalize", found[0].call.spot),),
    )


def _calculates(step: Step) -> bool:
    """Whether a step may bring values back to what they were before the first Normalize."""
    if step.kind != "opaque":
        return False
    body = step.call.argument(0, "lambd")
    if step.name != "Lambda" or not isinstance(body, Function):
        return True
    return any(isinstance(each, ast.BinOp | ast.AugAssign) for each in ast.walk(body.node))


def _is_one_in_parts(steps: tuple[Step, ...], pairs: Sequence[tuple[Numbers, Numbers]]) -> bool:
    """Whether several Normalize are the parts of one: the mean in one and the std in the other, or a published set together."""
    (_, one), (mean, _) = pairs[0], pairs[1]
    if len(pairs) == 2 and (
        (set(one) == {1.0} and set(mean) == {0.0}) or (set(pairs[0][0]) == {0.0} and set(pairs[1][1]) == {1.0})
    ):
        return True
    whole = composed(steps)
    return whole is not None and is_set(*whole)


def _scale(pipeline: Pipeline, facts: Facts) -> Iterator[CodeFinding]:
    for steps, normalize, each in of_pipeline(pipeline):
        before, after = steps[: steps.index(normalize)], steps[steps.index(normalize) + 1 :]
        top = mixed_scales(each.mean, each.std)
        if top:
            if not any(one.kind in ("opaque", "rescale", "normalize") for one in after):
                yield _mixed(each, top)
            continue
        if any(one.kind in ("opaque", "rescale", "normalize") for one in before):
            continue
        if any(one.kind == "convert" and one.name not in BYTES for one in before):
            continue
        scaled = [one for one in before if one.kind in ("to_tensor", "to_float")]
        if scaled and each.top != 255 and not gets_bytes(pipeline, before, facts):
            continue
        # Means beyond 255 are of digital numbers, which are stored in arrays that ToTensor does not divide.
        if 2 < max(each.mean) <= 255 and max(each.std) > 2 and (scaled or each.top == 255):
            last = normalize if each.top == 255 else scaled[-1]
            how = "multiplies them by max_pixel_value=255" if each.top == 255 else "has divided them by 255 before"
            yield finding(
                "TARE016",
                "error",
                each.call.spot,
                f"mean {listed(each.mean)} and std {listed(each.std)} are for values of 0..255, and {last.name} {how}",
                "divide the constants by 255",
                evidence=(*origin(each.means, "mean"), *(step(one.name, one.call.spot) for one in scaled[-1:])),
            )


def _divided_twice(pipeline: Pipeline) -> Iterator[CodeFinding]:
    """ToFloat of Albumentations, which brings values to 0..1, and its Normalize, which divides by max_pixel_value itself."""
    for steps, normalize, each in of_pipeline(pipeline):
        before = steps[: steps.index(normalize)]
        first = next((index for index, one in enumerate(before) if one.name == "ToFloat"), None)
        if first is None or each.top != 255 or library_of(normalize.call) is not albumentations:
            continue
        largest = before[first].call.argument(0, "max_value")
        is_unit = largest is None or (number(largest) or 0) >= 255
        kept = all(one.kind in ("identity", "geometric", "photometric", "erase") for one in before[first + 1 :])
        if is_unit and kept and number(before[first].call.argument(-1, "p") or Literal(1.0)) == 1:
            yield finding(
                "TARE002",
                "error",
                each.call.spot,
                "ToFloat has brought the values to 0..1, and Normalize divides by max_pixel_value=255 again",
                "leave ToFloat out, or write max_pixel_value=1.0",
                evidence=(step("ToFloat", before[first].call.spot),),
            )


def _mixed(each: Normalisation, top: int) -> CodeFinding:
    tops = ("0..1", "0..255") if top == 1 else ("0..255", "0..1")
    return finding(
        "TARE016",
        "error",
        each.call.spot,
        f"mean {listed(each.mean)} is for values of {tops[0]}, and std {listed(each.std)} for values of {tops[1]}",
        "take both for the same values",
        evidence=origins(each.call.spot, each.means, each.stds),
    )


def _unscaled(pipeline: Pipeline) -> Iterator[CodeFinding]:
    """``ToDtype(torch.float32)`` without ``scale=True`` before constants for 0..1."""
    for steps, normalize, each in of_pipeline(pipeline):
        before = steps[: steps.index(normalize)]
        made = next((one for one in before if one.name in ("PILToTensor", "ToImage")), None)
        typed = next((one for one in before if one.name == "ToDtype" and one.kind == "convert"), None)
        known = all(one.kind in ("identity", "geometric", "photometric", "erase", "convert") for one in before)
        if made is not None and typed is not None and known and 0 < max(each.mean) <= 1 and max(each.std) <= 1:
            yield finding(
                "TARE001",
                "error" if made.name == "PILToTensor" else "warning",  # ToImage keeps the floats of a tensor
                typed.call.spot,
                f"ToDtype does not scale by itself: values are 0..255 as floats, and mean {listed(each.mean)} and std "
                f"{listed(each.std)} are for values of 0..1",
                "write ToDtype(torch.float32, scale=True)",
                evidence=(step(made.name, made.call.spot), step("Normalize", each.call.spot)),
            )
