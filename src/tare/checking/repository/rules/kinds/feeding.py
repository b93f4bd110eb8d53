"""What happens to images after their pipeline, and what is given as a pipeline that is none."""

from __future__ import annotations

from collections.abc import Iterator

from tare.checking.repository.result import CodeFinding
from tare.checking.repository.rules.found import finding, step
from tare.checking.repository.rules.reached import reached
from tare.code.facts import Facts, Pipeline
from tare.code.interpreter.values import UNKNOWN, Call, Literal, Value, alternatives
from tare.code.libraries.flows import chain, is_guarded, root, unit_scaling
from tare.code.libraries.pipelines import step_of
from tare.code.libraries.step import text
from tare.code.types import type_given, type_kind


def feeding(facts: Facts) -> Iterator[CodeFinding]:
    """Tensors divided by 255 a second time, and a text where a transform belongs."""
    pipelines = {id(each.call): each for each in facts.pipelines}
    for call in facts.calls:
        image = unit_scaling(call)
        if image is not None and not is_guarded(call):
            yield from _divided(call, UNKNOWN if any(map(_leaves_unit, chain(image))) else root(image), pipelines)
        if call.function.startswith("torchvision.datasets."):
            yield from _text(call)


def _leaves_unit(value: Value) -> bool:
    """Whether a conversion brings values of 0..1 to integers, which are 0..255 again."""
    kind = value.argument(1, "dtype") if isinstance(value, Call) and value.last == "convert_image_dtype" else None
    return kind is not None and type_kind(kind) != "floats"


def _divided(call: Call, image: Value, pipelines: dict[int, Pipeline]) -> Iterator[CodeFinding]:
    scaled = _scaled_by(image, pipelines)
    if scaled is not None:
        yield finding(
            "TARE002",
            "warning",  # ToTensor does not divide arrays of floats
            call.spot,
            "ToTensor has divided by 255, and the result is divided by 255 again: values arrive as 0..0.004",
            "leave the division out",
            evidence=(step("ToTensor", scaled.spot),),
        )


def _scaled_by(image: Value, pipelines: dict[int, Pipeline]) -> Call | None:
    """The ToTensor whose result an image is; None if that is not certain."""
    if not isinstance(image, Call):
        return None
    if image.function == "torchvision.transforms.functional.to_tensor":
        return image if _may_be_bytes(image.argument(0), pipelines) else None
    if image.last == "DataLoader" and image.args:
        image = root(image.args[0])
        transform = image.keywords.get("transform") if isinstance(image, Call) else None
        return _to_tensor(transform, pipelines) if transform is not None else None
    is_given = image.function == "()" and _may_be_bytes(image.argument(0), pipelines)
    return _to_tensor(image.receiver, pipelines) if is_given else None


def _may_be_bytes(image: Value | None, pipelines: dict[int, Pipeline]) -> bool:
    """Whether ToTensor may divide an image: not floats, wide integers, and the modes F and I of PIL."""
    if image is None:
        return True
    known = reached(image, pipelines)
    if known is not None:
        return not (known.floats or known.wide)
    calls = [each for each in chain(image) if isinstance(each, Call)]
    kinds = [kind for each in calls if (kind := type_given(each)) is not None]
    modes = [text(each.argument(0, "mode")) for each in calls if each.function == ".convert"]
    if any(type_kind(each) != "bytes" for each in kinds) or _is_calculated(root(image)):
        return False
    return not modes or modes[0] not in ("F", "I", "I;16")


_REDUCING = frozenset((".mean", ".sum", ".std", ".var", ".prod", ".dot", ".cumsum", ".round"))


def _is_calculated(image: Value) -> bool:
    """Whether arithmetic made an array, which may have made it one of floats."""
    function = image.function if isinstance(image, Call) else ""
    return function in _REDUCING or function.startswith(("operator.", "numpy."))


def _to_tensor(transform: Value, pipelines: dict[int, Pipeline]) -> Call | None:
    if not isinstance(transform, Call):
        return None
    alone = step_of(transform)
    if alone is not None:
        return transform if alone.kind == "to_tensor" and alone.name == "ToTensor" else None
    pipeline = pipelines.get(id(transform))
    if pipeline is None:
        return None
    found = [[one.call for one in each.steps if one.name == "ToTensor"] for each in pipeline.variants if each.whole]
    kinds = {one.kind for each in pipeline.variants for one in each.steps}
    certain = len(found) == len(pipeline.variants) and all(found) and not kinds & {"convert", "rescale", "normalize"}
    return found[0][0] if certain and found else None


def _text(call: Call) -> Iterator[CodeFinding]:
    given = call.keywords.get("transform")
    for _, value in alternatives(given) if given is not None else ():
        if isinstance(value, Literal) and isinstance(value.value, str) and value.spot is not None:
            yield finding(
                "TARE104",
                "error",
                value.spot,
                f"the dataset gets the text {value.value!r} as its transform, and calls it with the first image",
                "give it the pipeline itself; mind that `a[x] if c else y` is `(a[x]) if c else y`",
                evidence=(step("the dataset", call.spot),),
            )
