"""What happened to an image on its way: the operations inside a value, the first one last."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tare.code.interpreter.source import Spot
from tare.code.interpreter.values import Call, Items, Library, Literal, Parameter, Value
from tare.code.libraries.step import number, text

_DEEPEST = 40
#: Calls that leave the values of an image as they are, and the argument that is the image.
_KEEPING = frozenset(
    [
        "resize",
        "copy",
        "astype",
        "array",
        "asarray",
        "expand_dims",
        "ascontiguousarray",
        "float32",
        "cast",
        "convert_image_dtype",
        "img_to_array",
        "fromarray",
        "to",
        "unsqueeze",
        "squeeze",
        "float",
        "cuda",
        "cpu",
        "detach",
        "numpy",
        "convert_to_tensor",
        "crop",
        "flip",
        "rotate",
        "pad",
        "from_numpy",
        "permute",
        "transpose",
        "imdecode",
        "reshape",
        "convert",
        "get",
    ]
)
#: Calls that change values and leave their range as it is.
_IN_RANGE = frozenset(
    [
        "clip",
        "clamp",
        "clip_by_value",
        "ensure_shape",
        "resize_with_pad",
        "resize_with_crop_or_pad",
        "central_crop",
        "random_crop",
        "flip_left_right",
        "flip_up_down",
        "random_flip_left_right",
        "random_flip_up_down",
        "rot90",
        "adjust_brightness",
        "adjust_contrast",
        "adjust_hue",
        "adjust_saturation",
        "random_brightness",
        "random_contrast",
        "random_hue",
        "random_saturation",
    ]
)
_KEEPING_OPERATORS = frozenset(("operator.slice", "operator.item", "operator.part", "operator.element"))


def before(call: Call, *, in_range: bool = False) -> Value | None:
    """The image that a call which leaves values as they are was given; None if it is not such a call.

    With ``in_range`` a call may change values, as long as it leaves their range as it is.
    """
    if call.function in _KEEPING_OPERATORS:
        return None if _reverses(call) else call.args[0]
    if call.function.startswith("@"):
        return None
    if call.last not in _KEEPING and not (in_range and call.last in _IN_RANGE):
        return None
    if call.function.startswith("."):
        return call.receiver
    return call.args[0] if call.args else None


def _reverses(call: Call) -> bool:
    """Whether a slice turns the order round, as ``image[..., ::-1]`` does with that of the channels."""
    return call.function == "operator.slice" and "-1" in text(call.args[1])


def chain(value: Value, *, in_range: bool = False) -> Iterator[Value]:
    """The value itself, and what it was made of step by step while each step leaves values, or their range, as they are."""
    for _ in range(_DEEPEST):
        yield value
        if not isinstance(value, Call):
            return
        earlier = before(value, in_range=in_range)
        if earlier is None:
            return
        value = earlier


def root(value: Value) -> Value:
    """What an image was before steps that leave its values as they are."""
    *_, last = chain(value)
    return last


#: Calls that read an image, by the last part of their name.
_READING = frozenset(("imread", "imdecode", "decode_image", "decode_jpeg", "read_image", "load_img"))


def is_read(value: Value) -> bool:
    """Whether a value is an image as a library reads it, perhaps in another form."""
    sources = (each for each in chain(value) if isinstance(each, Call))
    return any(each.last in _READING or each.function == "PIL.Image.open" for each in sources)


def unit_scaling(call: Call) -> Value | None:
    """The image that a call divides by 255; None for any other call."""
    if call.function == "operator./" and number(call.args[1]) == 255:
        return call.args[0]
    if call.function == "operator.*":
        for image, factor in (call.args, call.args[::-1]):
            scale = number(factor)
            if scale is not None and abs(scale * 255 - 1) < 1e-3:
                return image
    if call.function == "tensorflow.image.convert_image_dtype" and call.args:
        decoded = root(call.args[0])
        return call.args[0] if isinstance(decoded, Call) and decoded.last.startswith("decode") and _is_float(call) else None
    if call.last in ("div", "div_", "true_divide", "divide") and call.args and number(call.args[-1]) == 255:
        return call.receiver if call.function.startswith(".") else call.args[0]
    return None


def _is_float(call: Call) -> bool:
    kind = call.argument(1, "dtype")
    return text(kind).startswith("float") or (isinstance(kind, Library) and "float" in kind.name)


_GUARDS = re.compile(r"\b(?:a?max|a?min|dtype|any|all|is_floating_point)\b")


def is_guarded(call: Call) -> bool:
    """Whether a call is made only for values of some range or type: ``if image.max() > 1``."""
    return any(_GUARDS.search(each.subject.partition("::")[2]) for each in call.decisions)


def signed_scaling(call: Call) -> Value | None:
    """The image that a call brings to -1..1: ``x / 127.5 - 1``; None for any other call."""
    if call.function == "operator.-" and number(call.args[1]) == 1 and isinstance(call.args[0], Call):
        inner = call.args[0]
        if inner.function == "operator./" and number(inner.args[1]) == 127.5:
            return inner.args[0]
    if call.function == "operator./" and number(call.args[1]) == 127.5 and isinstance(call.args[0], Call):
        inner = call.args[0]
        if inner.function == "operator.-" and number(inner.args[1]) == 127.5:
            return inner.args[0]
    return None


def spot_of(value: Value) -> Spot | None:
    """Where a value is written."""
    return value.spot if isinstance(value, Call | Literal | Items | Parameter) else None
