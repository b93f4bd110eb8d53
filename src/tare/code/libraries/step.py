"""One step of a pipeline as its library's table reads it from a call."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from tare.code.interpreter.values import Call, Items, Library, Value
from tare.code.interpreter.values import Literal as Constant
from tare.code.networks.published import named_constants
from tare.code.networks.table import expected

StepKind = Literal[
    "identity",
    "to_tensor",  # 8-bit values become [0, 1], channels first
    "convert",  # to a tensor or array, values as they are
    "to_float",  # to floats, scaled to [0, 1]
    "rescale",  # factor, offset
    "normalize",  # mean, std, max_value
    "geometric",  # pixels move, values stay
    "photometric",  # values change, as colour does
    "erase",
    "grey",
    "opaque",  # anything else
]


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """A step: what it does, its library's name for it, the call, whether two runs differ, and its parameters."""

    kind: StepKind
    name: str
    call: Call
    random: bool = False
    values: Mapping[str, Value] = field(default_factory=dict)


#: Reads a call; None if the call is no step of this library.
Reader = Callable[[Call], Step]


# No constant of a normalisation, a size or a rate lies beyond this, or closer to zero than its inverse.
_MOST = 1e15


def number(value: Value | None) -> float | None:
    """The number that a constant is; None for anything else, and for numbers that no arithmetic of images or sound has."""
    if not isinstance(value, Constant) or not isinstance(value.value, int | float) or isinstance(value.value, bool):
        return None
    return float(value.value) if not value.value or 1 / _MOST <= abs(value.value) <= _MOST else None


def numbers(value: Value | None) -> tuple[float, ...] | None:
    """The numbers of a list of constants, or the one number; None for anything else."""
    if isinstance(value, Library):
        return named_constants(value.name)
    if isinstance(value, Items):
        found = tuple(each for each in (number(item) for item in value.items) if each is not None)
        return found if len(found) == len(value.items) and found else None
    if isinstance(value, Call):
        return _of_processor(value)
    one = number(value)
    return None if one is None else (one,)


def _of_processor(value: Call) -> tuple[float, ...] | None:
    """The constants that are read from a processor, as in ``processor.image_mean``, where its identifier is known."""
    made = value.receiver
    if value.function not in ("@image_mean", "@image_std"):
        return None
    if isinstance(made, Call) and made.function in ("@image_processor", "@feature_extractor"):
        made = made.receiver
    if not isinstance(made, Call) or made.last != "from_pretrained" or not made.function.startswith("transformers."):
        return None
    if _is_set(made, value.function[1:]):
        return None
    known = expected("transformers", text(made.argument(0))) if not {"image_mean", "image_std"} & set(made.keywords) else None
    constants = known.constants if known is not None else None
    return None if constants is None else constants.mean if value.function == "@image_mean" else constants.std


def _is_set(made: Call, attribute: str) -> bool:
    """Whether a program gives an attribute of an object another value after it was made."""
    code = made.spot.source.document.text
    return any(re.search(rf"\b{re.escape(each)}(?:\.\w+)*\.{attribute}\b[^=\n]*=(?!=)", code) for each in made.names)


def text(value: Value | None) -> str:
    """The text that a constant is; empty for anything else."""
    return value.value if isinstance(value, Constant) and isinstance(value.value, str) else ""


def flag(value: Value | None) -> bool | None:
    """The truth value that a constant is; None for anything else."""
    return value.value if isinstance(value, Constant) and isinstance(value.value, bool) else None


def fixed(kind: StepKind) -> Reader:
    """A step that does the same each time."""
    return lambda call: Step(kind, call.last, call)


def sometimes(kind: StepKind, default: float, position: int = -1) -> Reader:
    """A step that is applied with probability ``p``; certain and without effect for p = 1 and p = 0."""

    def read(call: Call) -> Step:
        stated = call.argument(position, "p")
        chance = default if stated is None else number(stated)
        always = call.keywords.get("always_apply")
        if chance == 0:
            return Step("identity", call.last, call)
        return Step(kind, call.last, call, chance is not None and chance < 1 and flag(always) is not True)

    return read


def drawn(kind: StepKind) -> Reader:
    """A step that draws its parameters whenever it runs."""
    return lambda call: Step(kind, call.last, call, True)
