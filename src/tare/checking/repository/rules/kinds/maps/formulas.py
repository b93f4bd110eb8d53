"""Slips in the arithmetic that normalises an image whose way is known: a bracket, a scale, a bit depth."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tare.checking.repository.result import CodeFinding
from tare.checking.repository.rules.feeds import within
from tare.checking.repository.rules.found import finding, step
from tare.checking.repository.rules.kinds.maps.scaling import evidence_of
from tare.checking.repository.rules.kinds.maps.ways import certain, of_values
from tare.checking.repository.rules.published import mixed_scales, near, published
from tare.checking.repository.rules.reached import Numbers, Reached, reached
from tare.code.facts import Facts, Pipeline
from tare.code.interpreter.values import Call, Literal, Value
from tare.code.libraries.flows import is_guarded, root, unit_scaling
from tare.code.libraries.opencv import is_bgr
from tare.code.libraries.step import number, numbers, text
from tare.code.networks.expected import listed

_Pipelines = Mapping[int, Pipeline]
#: Divisors for values of 10, 12, 14 and 16 bits.
_DEEP = (1023, 4095, 16383, 65535)
_SUBTRACTING = frozenset(("operator.-", ".sub", ".sub_", ".subtract", "torch.sub", "torch.subtract", "numpy.subtract"))
_DIVIDING = frozenset(("operator./", ".div", ".div_", ".true_divide", "torch.div", "torch.true_divide", "numpy.divide"))
_SCALING = _DIVIDING | {"operator.*", ".mul", ".mul_", "torch.mul", "numpy.multiply"}
_MAY_SCALE = frozenset(("/", "*", "div", "div_", "true_divide", "divide", "mul", "mul_", "multiply"))
#: Constants may be rounded before they are divided by each other.
_ROUNDED = 0.01


def formulas(facts: Facts) -> Iterator[CodeFinding]:
    """``x - mean / std``, a mean and a std of two scales, and 8-bit values divided as if they had more bits."""
    pipelines = {id(each.call): each for each in facts.pipelines}
    for call in facts.calls:
        yield from certain(_of_call(call, facts, pipelines), call, _calculated, pipelines, of_values)


def _of_call(call: Call, facts: Facts, pipelines: _Pipelines) -> Iterator[CodeFinding]:
    if call.function == "operator.-":
        yield from _bracket(call, pipelines)
    elif call.function in _SCALING:
        yield from _depth(call, pipelines)
        if call.function in _DIVIDING:
            yield from _scales(call, facts, pipelines)


def _calculated(call: Call) -> Value | None:
    return next((each for each in _given(call) if not isinstance(each, Literal)), None)


def _given(call: Call) -> tuple[Value, ...]:
    return (call.receiver, *call.args) if call.function.startswith(".") else call.args


def _three_of(value: Value) -> Numbers | None:
    """The three numbers that a list is; None for anything else, most often one number."""
    found = None if isinstance(value, Literal) else numbers(root(value))
    return found if found is not None and len(found) == 3 else None


def _bracket(call: Call, pipelines: _Pipelines) -> Iterator[CodeFinding]:
    """``x - mean / std`` and ``x / std - mean`` with a published mean and its std, on values of 0..1 or 0..255."""
    given = _given(call)
    subtracted = _three_of(given[1]) if len(given) == 2 else None
    if subtracted is None or len(set(subtracted)) == 1:
        return
    image = reached(given[0], pipelines)
    if image is None or any(image.offset):
        return
    for one in published():
        slip = _slip(image, subtracted, one.mean, one.std) or _slip(image, subtracted, one.mean[::-1], one.std[::-1])
        if slip:
            yield finding(
                "TARE046",
                "error",
                call.spot,
                f"the formula is {slip}, with mean {listed(one.mean)} and std {listed(one.std)}",
                "write (x - mean) / std",
                evidence=evidence_of(image),
            )
            return


def _slip(image: Reached, subtracted: Numbers, mean: Numbers, std: Numbers) -> str:
    """The formula by which a number is subtracted, if it lacks a bracket."""
    ratios = tuple(a / b for a, b in zip(mean, std, strict=True))
    if len(set(mean)) > 1 and (image.is_raw or image.is_unit) and near(subtracted, ratios, _ROUNDED):
        return "x - mean / std: the mean is divided by the std, and the values are not"
    for top in (1, 255):
        if near(tuple(1 / each / top for each in image.scale), std) and near(subtracted, mean):
            return "x / std - mean: the values are divided by the std, and the mean is not"
    return ""


def _scales(call: Call, facts: Facts, pipelines: _Pipelines) -> Iterator[CodeFinding]:
    """``(x - mean) / std`` with a published mean and its std, one of them for values of 0..1 and the other for 0..255."""
    given = _given(call)
    std = _three_of(given[1]) if len(given) == 2 else None
    inner = root(given[0]) if std is not None else None
    if not isinstance(inner, Call) or inner.function not in _SUBTRACTING or len(_given(inner)) != 2:
        return
    value, means = _given(inner)
    mean = _three_of(means)
    top = mixed_scales(mean, std) if mean is not None and std is not None else 0
    image = reached(value, pipelines) if top else None
    if image is None or not (image.is_raw or image.is_unit) or is_guarded(call) or _is_scaled_later(call, facts, pipelines):
        return
    tops, here = ("0..1", "0..255") if top == 1 else ("0..255", "0..1"), "0..255" if image.is_raw else "0..1"
    yield finding(
        "TARE016",
        "error",
        call.spot,
        f"mean {listed(mean or ())} is for values of {tops[0]}, and std {listed(std or ())} for values of {tops[1]}; the image "
        f"is {here} here",
        f"take both for values of {here}",
        evidence=evidence_of(image),
    )


def _is_scaled_later(call: Call, facts: Facts, pipelines: _Pipelines) -> bool:
    """Whether what a call gives may be multiplied or divided somewhere, which may bring it to the right scale."""
    node = call.spot.node
    for each in facts.calls:
        if each.last in _MAY_SCALE and each.spot.node is not node:
            if any(part.spot.node is node for one in _given(each) for part in within(one)):
                return True
            image = unit_scaling(each)
            if image is not None and reached(image, pipelines) is None:
                return True
    return False


def _depth(call: Call, pipelines: _Pipelines) -> Iterator[CodeFinding]:
    """An image that a reader brings to 8 bits, divided by the largest value of more bits."""
    given = _given(call)
    orders = (given, given[::-1]) if "*" in call.function else (given,)
    for value, other in orders if len(given) == 2 else ():
        by = number(other) or 0.0
        top = by if call.function in _DIVIDING else 1 / by if by else 0.0
        depth = next((each for each in _DEEP if abs(top - each) < 1e-3), 0)
        image = reached(value, pipelines) if depth else None
        if image is not None and image.is_raw and not is_guarded(call) and _has_8_bits(value, image):
            deep = "read it with cv2.IMREAD_UNCHANGED" if is_bgr(image.source) else "do not convert it to RGB"
            yield finding(
                "TARE011",
                "error",
                call.spot,
                f"the image is read with 8 bits, and is divided by {depth}: values arrive as 0..{255 / depth:.2g}",
                f"divide it by 255, or {deep} if the file has more bits",
                evidence=[step(f"read by {image.reader}", image.source.spot)],
            )


def _has_8_bits(value: Value, image: Reached) -> bool:
    """Whether a reader gives 8 bits whatever the file has, and no channel is looked at alone, as of depths kept as colours."""
    parts = list(within(value))
    if any(each.function in ("operator.slice", "operator.item") and "::-1" not in text(each.args[1]) for each in parts):
        return False
    return is_bgr(image.source) or any(each.function == ".convert" and text(each.argument(0)) == "RGB" for each in parts)
