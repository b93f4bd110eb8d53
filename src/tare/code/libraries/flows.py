"""What happened to an image on its way: the operations inside a value, the first one last."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Literal as Word

from tare.code.interpreter.source import Spot
from tare.code.interpreter.values import Call, Items, Library, Literal, Parameter, Value
from tare.code.libraries.step import number, numbers, text

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


#: What a call does to the order of channels: nothing, turn it round, or something that is not known.
Order = Word["kept", "reversed", "unknown"]
#: Calls after which the channels may be another axis than the last one of three.
_MOVING = frozenset(("transpose", "permute", "expand_dims", "unsqueeze", "squeeze", "reshape"))


def channel_order(call: Call) -> Order:
    """What an index or a flip does to the order of an image's channels; all other calls that leave values keep it."""
    if call.function == "operator.slice":
        return _of_indices(_written(text(call.args[1])))
    if call.function == "operator.item":
        key = call.args[1]
        return _of_indices([_index(each) for each in key.items]) if isinstance(key, Items) else "kept"
    if call.last == "flip" and call.function.partition(".")[0] not in ("cv2", "PIL"):  # theirs move pixels only
        return _of_axes(call)
    return "kept"


def _of_indices(words: Sequence[str]) -> Order:
    """The order after ``image[a, b, c]``, each index in a word: an index of the channels is the last one."""
    indices = [each for each in words if each != "new"]
    dots = indices.index("...") if "..." in indices else None
    is_last = len(indices) == 3 if dots is None else dots == len(indices) - 2
    others = indices[:-1] if is_last else indices
    if any(each not in (":", "...", "one") for each in others):
        return "unknown"
    if not is_last or indices[-1] == ":":
        return "kept"
    return "reversed" if indices[-1] == "reversed" and "one" not in others else "unknown"


@lru_cache(maxsize=1024)
def _written(indices: str) -> Sequence[str]:
    """The words of the indices in a text: ``:`` for a slice forwards, ``reversed``, ``one``, ``new``, ``...``, or ``?``."""
    whole = indices.startswith("(") and indices.endswith(")")  # Python writes a tuple of slices so, and does not read it
    try:
        node = ast.parse(f"x[{indices[1:-1] if whole else indices}]", mode="eval").body
    except (SyntaxError, ValueError, RecursionError):  # cut short
        return ["?"]
    key = node.slice if isinstance(node, ast.Subscript) else node
    return [_word(each) for each in (key.elts if isinstance(key, ast.Tuple) else [key])]


def _word(node: ast.expr) -> str:
    if isinstance(node, ast.Slice):
        step = 1 if node.step is None else _constant(node.step)
        first = _constant(node.lower) in (2, -1) or node.lower is None
        is_whole = step == -1 and first and node.upper is None
        return "reversed" if is_whole else ":" if isinstance(step, int) and step > 0 else "?"
    if isinstance(node, ast.List | ast.Tuple):
        return _of_places([_constant(each) for each in node.elts])
    if isinstance(node, ast.Attribute):
        return _of_constant(None) if node.attr == "newaxis" else "?"
    return _of_constant(node.value) if isinstance(node, ast.Constant) else "one" if isinstance(_constant(node), int) else "?"


def _of_constant(value: object) -> str:
    return "new" if value is None else "..." if value is ... else "one" if isinstance(value, int) else "?"


def _constant(node: ast.expr | None) -> object:
    """The constant that an expression is; None for any other."""
    try:
        return None if node is None else ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return None


def _index(value: Value) -> str:
    if isinstance(value, Items):
        return _of_places(numbers(value) or ())
    if isinstance(value, Literal):
        return _of_constant(value.value)
    return "new" if isinstance(value, Library) and value.name.endswith(".newaxis") else "?"


def _of_places(places: Sequence[object]) -> str:
    return {(2, 1, 0): "reversed", (0, 1, 2): ":"}.get(tuple(places), "?")  # type: ignore[arg-type]


def _of_axes(call: Call) -> Order:
    """The order after an array was flipped along axes; without any it is along all."""
    is_method = call.function.startswith(".")
    image = call.receiver if is_method else call.argument(0)
    given = [*(call.args if is_method else call.args[1:]), *(call.keywords.get(name) for name in ("axis", "dims"))]
    axes = [numbers(each) for each in given if each is not None]
    if image is None or not axes or None in axes:
        return "unknown"
    flipped = {axis for each in axes if each is not None for axis in each}
    if _has_channels_last(image):
        return "reversed" if flipped & {2, -1} else "kept"
    return "kept" if flipped == {-2} else "unknown"  # the last but one axis is one of pixels, wherever the channels are


def _has_channels_last(image: Value) -> bool:
    """Whether an array is for certain an image as it was read, height by width by channels."""
    steps = [each for each in chain(image) if isinstance(each, Call)]
    return is_read(image) and not any(each.last in _MOVING or each.function == "operator.element" for each in steps)


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
