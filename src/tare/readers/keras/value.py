"""What has become of raw values at one tensor in front of a Keras model: a scale and a shift per channel."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tare.errors import SpecError, short_repr
from tare.input_spec.fields import numbers
from tare.readers.keras.graph import Call, Ref

#: ``moments(path)`` returns mean and variance of the Normalization layer whose weights lie there; None if unknown.
StoredMoments = Callable[[str], tuple[Sequence[float], Sequence[float]] | None]
#: Names of the arithmetic operations, of Keras 3 and of the wrappers that Keras 2 stored.
_ARITHMETIC = {
    "Add": "+", "Subtract": "-", "Multiply": "*", "TrueDivide": "/", "Divide": "/", "math.add": "+", "__operators__.add": "+",
    "math.subtract": "-", "math.multiply": "*", "math.truediv": "/", "math.divide": "/", "nn.bias_add": "+",
}  # fmt: skip
_LARGE_DIVISOR = 100.0


class Unread(Exception):  # noqa: N818
    """An operation on raw values that is no scale and shift per channel, and why."""


@dataclass(frozen=True, slots=True)
class Value:
    """``scale * v + shift`` of channel ``order[c]``; one entry for all channels while their number is unknown (``is_open``).

    ``is_moved`` says that the channels may lie along another axis than the last, where constants are per channel no more.
    """

    order: tuple[int, ...]
    scale: tuple[float, ...]
    shift: tuple[float, ...]
    is_open: bool = False
    is_moved: bool = False
    #: What was applied, by kind and name, and the divisors above 100 among it.
    steps: tuple[str, ...] = ()
    divisors: tuple[str, ...] = ()
    first: float = 1.0

    def same(self, other: Value) -> bool:
        """Whether two tensors hold the same values."""
        return (self.order, self.scale, self.shift) == (other.order, other.scale, other.shift)


def start(count: int | None) -> Value:
    """The model's input itself."""
    wanted = count or 1
    return Value(tuple(range(wanted)), (1.0,) * wanted, (0.0,) * wanted, is_open=count is None)


def scaled(
    value: Value, scale: Sequence[float], shift: Sequence[float], step: str, name: str, *, is_layer: bool = False
) -> Value:
    """``scale * value + shift``, where each is one number, or one per channel."""
    count = max(len(scale), len(shift), len(value.scale))
    if value.is_moved and max(len(scale), len(shift)) > 1:
        raise Unread(f"{name} has several constants, and a layer before it gives its input other axes")
    if count > len(value.scale):
        if not value.is_open:
            raise Unread(f"{name} has {count} constants for {len(value.scale)} channels")
        value = replace(value, order=tuple(range(count)), scale=value.scale * count, shift=value.shift * count, is_open=False)
    factor, offset = (tuple(each) * count if len(each) == 1 else tuple(each) for each in (scale, shift))
    if len(factor) != count or len(offset) != count:
        raise Unread(f"{name} has {len(factor)} constants for {count} channels")
    if 0 in factor:
        if is_layer:
            raise SpecError(f"a scale other than 0 ({name})", "0", "correct the model")
        raise Unread(f"{name} multiplies by 0")
    divisor = abs(1 / factor[0])
    return replace(
        value,
        scale=tuple(a * b for a, b in zip(value.scale, factor, strict=True)),
        shift=tuple(a * s + b for s, a, b in zip(value.shift, factor, offset, strict=True)),
        steps=(*value.steps, step),
        divisors=(*value.divisors, f"by {divisor:g} in {name.rpartition(', ')[2]}")
        if divisor >= _LARGE_DIVISOR
        else value.divisors,
        first=factor[0] if not value.steps and factor[0] > 0 and len(set(factor)) == 1 else value.first,
    )


def moved(value: Value, call: Call) -> Value:
    """Values behind a layer that gives them other axes: ``Flatten``, ``Reshape`` or ``Permute``."""
    kept = len(value.order) == 1 and not value.is_open
    shape, axes = call.config.get("target_shape"), call.config.get("dims")
    if isinstance(shape, list | tuple) and shape:
        kept = not value.is_open and shape[-1] == len(value.order)
    if isinstance(axes, list | tuple) and axes:
        kept = axes[-1] == len(axes)
    return replace(value, is_moved=value.is_moved or not kept)


def activation_of(call: Call) -> str:
    """The name of the function of an ``Activation``; empty for one that is no name."""
    function = call.config.get("activation")
    named = function.get("config") if isinstance(function, Mapping) else function
    return named if isinstance(named, str) else ""


def rescaled(call: Call, value: Value, name: str) -> Value:
    """``Rescaling``: ``v * scale + offset``."""
    scale = _each(call.config.get("scale"), value, f"{name}, scale")
    offset = _each(call.config.get("offset", 0.0), value, f"{name}, offset")
    return scaled(value, scale, offset, call.kind, name, is_layer=True)


def normalised(call: Call, value: Value, name: str, moments: StoredMoments) -> Value:
    """``Normalization``: ``(v - mean) / sqrt(variance)``, both in the configuration or among the weights."""
    mean, variance, axis = (call.config.get(key) for key in ("mean", "variance", "axis"))
    if isinstance(axis, list | tuple) and len(axis) > 1:
        raise Unread(f"{name} normalises each place by constants of its own (axis={list(axis)}), not each channel")
    if call.config.get("invert"):
        raise Unread(f"{name} undoes a normalisation (invert=True) instead of preparing an input")
    if mean is None or variance is None:
        stored = moments(call.weights)
        if stored is None:
            raise Unread(f"{name}: its mean and variance are weights, which cannot be read here")
        mean, variance = stored
    if value.is_moved and max(_length(mean), _length(variance)) > 1:
        raise Unread(f"{name} has several constants, and a layer before it gives its input other axes")
    means, variances = _each(mean, value, f"{name}, mean"), _each(variance, value, f"{name}, variance")
    if min(variances) <= 0:
        raise SpecError(f"a positive variance ({name})", short_repr(variance), "correct the model")
    stds = [max(math.sqrt(each), 1e-7) for each in variances]
    count = max(len(means), len(stds))
    centres, spreads = (list(each) * count if len(each) == 1 else list(each) for each in (means, stds))
    shift = [-m / s for m, s in zip(centres, spreads, strict=True)]
    return scaled(value, [1 / s for s in spreads], shift, call.kind, name)


def computed(call: Call, operands: Sequence[Any], name: str) -> Value | None:
    """Arithmetic of one tensor and one constant. None if it meets another tensor; raises :class:`Unread` for ``1 / v``."""
    sign = _ARITHMETIC[operation_of(call)]
    left, right = operands if len(operands) == 2 else (None, None)
    if len([each for each in operands if isinstance(each, Value)]) > 1:
        raise Unread(f"{name} joins two tensors that are made from the input")
    if isinstance(left, Value) == isinstance(right, Value) or any(isinstance(each, Ref) for each in operands):
        return None
    if isinstance(left, Value):
        constant = _constant(right, name)
        inverse = [1 / each if each else 0.0 for each in constant]
        scale, shift = {
            "+": ([1.0], constant), "-": ([1.0], [-c for c in constant]), "*": (constant, [0.0]), "/": (inverse, [0.0]),
        }[sign]  # fmt: skip
        return scaled(left, scale, shift, call.kind, name)
    constant = _constant(left, name)
    if sign == "/":
        raise Unread(f"{name} divides by its input")
    scale = {"+": [1.0], "-": [-1.0], "*": constant}[sign]
    return scaled(right, scale, [0.0] if sign == "*" else constant, call.kind, name) if isinstance(right, Value) else None


def operation_of(call: Call) -> str:
    """The name of an operation; Keras 2 stored it in the configuration of a wrapper."""
    return str(call.config.get("function", "")) if call.kind in ("TFOpLambda", "SlicingOpLambda") else call.kind


def is_arithmetic(call: Call) -> bool:
    """Whether a call adds, subtracts, multiplies or divides."""
    return operation_of(call) in _ARITHMETIC


def taken(value: Value, index: Any, name: str) -> Value:
    """``v[..., ::-1]`` and ``v[..., 2]``: channels reversed, or one of them. Raises :class:`Unread` for other selections."""
    parts = index if isinstance(index, list) else [index]
    if not parts or not all(part == {"class_name": "__ellipsis__", "config": {}} or _is_whole(part) for part in parts[:-1]):
        raise Unread(f"{name} takes a part of its input")
    last, config = parts[-1], parts[-1].get("config") if isinstance(parts[-1], Mapping) else None
    if isinstance(last, int) and not isinstance(last, bool):
        return _one(value, last, name)
    start_, stop, step = (config.get(key) for key in ("start", "stop", "step")) if isinstance(config, Mapping) else (0, 0, 0)
    if (start_, stop, step) == (None, None, -1):
        return reversed_channels(value, name)
    if step in (None, 1) and isinstance(start_, int) and stop == start_ + 1:
        return _one(value, start_, name)
    raise Unread(f"{name} takes a part of its input")


def reversed_channels(value: Value, name: str) -> Value:
    """The channels in reversed order. Raises :class:`Unread` while their number or their axis is unknown."""
    if value.is_moved:
        raise Unread(f"{name} reverses the last axis, and a layer before it gives its input other axes")
    if value.is_open:
        raise Unread(f"{name} reverses channels, and the model does not say how many there are")
    return replace(
        value,
        order=value.order[::-1],
        scale=value.scale[::-1],
        shift=value.shift[::-1],
        steps=(*value.steps, "reversed channels"),
    )


def joined(values: Sequence[Value], name: str) -> Value:
    """Single channels laid side by side. Raises :class:`Unread` if one occurs twice."""
    order = tuple(channel for value in values for channel in value.order)
    if sorted(order) != list(range(len(order))):
        raise Unread(f"{name} joins channels of which one is missing or twice there")
    scale, shift = (tuple(v for value in values for v in getattr(value, field)) for field in ("scale", "shift"))
    step = "reversed channels" if order == tuple(range(len(order)))[::-1] and len(order) > 1 else name
    return replace(values[0], order=order, scale=scale, shift=shift, steps=(*values[0].steps, step))


def _one(value: Value, channel: int, name: str) -> Value:
    if value.is_open or value.is_moved or not -len(value.order) <= channel < len(value.order):
        raise Unread(f"{name} takes channel {channel} of its input")
    return replace(value, order=(value.order[channel],), scale=(value.scale[channel],), shift=(value.shift[channel],))


def _is_whole(part: Any) -> bool:
    config = part.get("config") if isinstance(part, Mapping) else None
    return isinstance(config, Mapping) and part.get("class_name") == "__slice__" and not any(config.values())


def _constant(value: Any, name: str) -> list[float]:
    """One number, or one per channel on the last axis. Raises :class:`Unread` for anything else."""
    while isinstance(value, list) and len(value) == 1 and isinstance(value[0], list):
        value = value[0]
    try:
        return list(numbers(value if isinstance(value, list) else [value]))
    except ValueError:
        raise Unread(f"{name} has a constant that is not one number per channel") from None


def _length(value: Any) -> int:
    while isinstance(value, list | tuple) and len(value) == 1 and isinstance(value[0], list | tuple):
        value = value[0]
    return len(value) if isinstance(value, list | tuple) else int(getattr(value, "size", 1))


def _each(value: Any, of: Value, where: str) -> tuple[float, ...]:
    """``value`` as one number, or one per channel. Raises :class:`SpecError` if it is neither."""
    while isinstance(value, list | tuple) and len(value) == 1 and isinstance(value[0], list | tuple):
        value = value[0]
    stated = value if isinstance(value, list | tuple) else [value]
    try:
        found = numbers(stated)
    except ValueError as error:
        raise SpecError(f"numbers ({where})", f"{short_repr(value)} ({error})", "correct the model") from None
    wanted = len(found) if of.is_open else len(of.scale)
    if len(found) not in (1, wanted):
        raise SpecError(f"one number, or {wanted} ({where})", f"{len(found)}", "correct the model")
    return found
