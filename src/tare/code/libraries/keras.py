"""Keras: generators of images, scaling layers, and the ``preprocess_input`` of each network."""

from __future__ import annotations

from dataclasses import dataclass

from tare.code.interpreter.values import Call, Library, Literal, Value
from tare.code.libraries.expected import Scaling, scaling_of_module
from tare.code.libraries.step import flag, number, numbers, text

_RANDOM = [
    "rotation_range",
    "width_shift_range",
    "height_shift_range",
    "brightness_range",
    "shear_range",
    "zoom_range",
    "channel_shift_range",
    "horizontal_flip",
    "vertical_flip",
]
_FLOWS = frozenset((".flow_from_directory", ".flow_from_dataframe", ".flow"))


@dataclass(frozen=True, slots=True, eq=False)
class Generator:
    """An ``ImageDataGenerator``: its factor, the scaling of its ``preprocessing_function`` ("other": one's own), its chances."""

    call: Call
    rescale: float | None
    function: Scaling | str
    random: tuple[str, ...]
    closed: bool


def generator(call: Value) -> Generator | None:
    """The generator that a call makes; None for other calls."""
    if not isinstance(call, Call) or not call.function.endswith("ImageDataGenerator"):
        return None
    if not call.function.startswith(("keras.", "tensorflow.", "keras_preprocessing.")):
        return None
    rescale = call.keywords.get("rescale")
    function = call.keywords.get("preprocessing_function")
    closed = not call.spread and not call.args and (rescale is None or isinstance(rescale, Literal))
    random = tuple(name for name in _RANDOM if _draws(call.keywords.get(name)))
    return Generator(call, number(rescale), _function(function), random, closed)


def _draws(value: Value | None) -> bool:
    if value is None:
        return False
    return flag(value) is True or bool(number(value)) or (numbers(value) or (1, 1))[0] != (numbers(value) or (1, 1))[-1]


def _function(value: Value | None) -> Scaling | str:
    if value is None or (isinstance(value, Literal) and value.value is None):
        return ""
    return (preprocessing(value.name) if isinstance(value, Library) else None) or "other"


def preprocessing(name: str) -> Scaling | None:
    """The scaling of a ``preprocess_input`` of keras.applications; None for any other function."""
    parts = name.split(".")
    if parts[-1] != "preprocess_input" or parts[0] not in ("keras", "tensorflow", "tf") or len(parts) < 3:
        return None
    return scaling_of_module(parts[-2])


#: What ``imagenet_utils.preprocess_input`` does in each of its modes.
_MODES: dict[str, Scaling] = {"caffe": "caffe", "tf": "signed", "torch": "torch"}


def preprocessed(call: Call) -> Scaling | None:
    """The scaling of a call of ``preprocess_input``, which that of imagenet_utils is told; None for any other call."""
    kind = preprocessing(call.function)
    mode = call.argument(2, "mode") if ".imagenet_utils." in call.function else None
    return kind if mode is None or kind is None else _MODES.get(text(mode))


def flow(call: Call) -> Generator | None:
    """The generator whose images a call loads; None for other calls."""
    return generator(call.receiver) if call.function in _FLOWS else None


def rescaling(call: Call) -> tuple[float, float] | None:
    """The factor and offset of a ``Rescaling`` layer; None for any other call or where they cannot be told."""
    if call.last != "Rescaling" or not call.function.startswith(("keras.", "tensorflow.")):
        return None
    scale, offset = number(call.argument(0, "scale")), number(call.argument(1, "offset") or Literal(0.0))
    return None if scale is None or offset is None else (scale, offset)
