"""What has become of raw values at one tensor in front of a Keras model: a scale and a shift per channel."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tare.errors import SpecError, short_repr
from tare.input_spec.fields import numbers
from tare.readers.keras.graph import Call, Ref, is_own, plain

#: ``moments(path)`` returns mean and variance of the Normalization layer whose weights lie there; None if unknown.
StoredMoments = Callable[[str], tuple[Sequence[float], Sequence[float]] | None]
#: ``learns(path)`` says whether weights of two axes or more lie there, as those of layers that learn do.
StoredKernels = Callable[[str], bool]
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

    ``axis`` is where the channels lie, counted from the end (-1), or None behind a layer that puts them elsewhere. ``rank`` is
    the number of axes with the batch, or None.
    """

    order: tuple[int, ...]
    scale: tuple[float, ...]
    shift: tuple[float, ...]
    is_open: bool = False
    #: How many channels the input has; None while that is unknown.
    count: int | None = None
    axis: int | None = -1
    rank: int | None = None
    #: What was applied, by kind and name, and the divisors above 100 among it.
    steps: tuple[str, ...] = ()
    divisors: tuple[str, ...] = ()
    first: float = 1.0

    @property
    def is_single(self) -> bool:
        """Whether it is one known channel."""
        return len(self.order) == 1 and not self.is_open

    def same(self, other: Value) -> bool:
        """Whether two tensors hold the same values."""
        return (self.order, self.scale, self.shift) == (other.order, other.scale, other.shift)

    def is_alike(self, other: Value) -> bool:
        """Whether two tensors hold the same values along the same axes."""
        axes, others = (self.is_open, self.axis, self.rank), (other.is_open, other.axis, other.rank)
        return self.same(other) and axes == others

    def shaped(self, shape: Sequence[int | None] | None) -> Value:
        """The tensor with the shape that the file states; what does not fit it makes the channels' axis unknown."""
        if shape is None:
            return self
        count, axis = len(shape), self.axis
        if axis is not None and not self.is_open:
            fits = -axis <= count and shape[axis] in (None, len(self.order))
            axis = axis if fits else None
        return replace(self, rank=count, axis=axis if self.rank in (None, count) else None)


def start(count: int | None, rank: int | None = None, axis: int = -1) -> Value:
    """The model's input itself."""
    wanted = count or 1
    return Value(tuple(range(wanted)), (1.0,) * wanted, (0.0,) * wanted, count is None, count, axis, rank)


def from_the_end(axis: Any, rank: int | None) -> int | None:
    """An axis counted from the end; None if it is none, or is counted from the front of an unknown number of axes."""
    if not isinstance(axis, int) or isinstance(axis, bool):
        return None
    place = axis if axis < 0 else None if rank is None else axis - rank
    return place if place is not None and place < 0 and (rank is None or place >= -rank) else None


def scaled(
    value: Value, scale: Sequence[float], shift: Sequence[float], step: str, name: str, *, axis: Any = -1, is_layer: bool = False
) -> Value:
    """``scale * value + shift``, where each is one number, or one per place on ``axis``."""
    count = max(len(scale), len(shift), len(value.scale))
    if max(len(scale), len(shift)) > 1:
        along_channels(value, axis, name)
    if count > len(value.scale):
        if not value.is_open:
            raise Unread(f"{name} has {count} constants for {len(value.scale)} channels")
        value = replace(value, scale=value.scale * count, shift=value.shift * count)
        value = replace(value, order=tuple(range(count)), is_open=False, count=count)
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


def along_channels(value: Value, axis: Any, name: str) -> None:
    """Check that several constants along ``axis`` are those of channels. Raises :class:`Unread` where they may be others."""
    if isinstance(axis, list | tuple):
        if len(axis) != 1:
            raise Unread(f"{name} normalises each place by constants of its own (axis={list(axis)}), not each channel")
        axis = axis[0]
    place = from_the_end(axis, value.rank)
    if place is None:
        raise Unread(f"{name} has constants along axis {axis}, and the model does not say how many axes its input has")
    if value.axis is None:
        raise Unread(f"{name} has several constants, and a layer before it gives its input other axes")
    if place != value.axis:
        raise Unread(f"{name} has constants along axis {axis}, and the channels lie along axis {value.axis}")


def activation_of(call: Call) -> str:
    """The name of the function of an ``Activation``; empty for one that is no name, or not Keras's."""
    function = call.config.get("activation")
    named = function.get("config") if isinstance(function, Mapping) and not is_own(function) else function
    return named if isinstance(named, str) else ""


def rescaled(call: Call, value: Value, name: str) -> Value:
    """``Rescaling``: ``v * scale + offset``."""
    scale = _each(call.config.get("scale"), value, f"{name}, scale", name)
    offset = _each(call.config.get("offset", 0.0), value, f"{name}, offset", name)
    return scaled(value, scale, offset, call.kind, name, is_layer=True)


def normalised(call: Call, value: Value, name: str, moments: StoredMoments) -> Value:
    """``Normalization``: ``(v - mean) / sqrt(variance)``, both in the configuration or among the weights."""
    mean, variance, axis = call.config.get("mean"), call.config.get("variance"), call.config.get("axis", -1)
    if call.config.get("invert"):
        raise Unread(f"{name} undoes a normalisation (invert=True) instead of preparing an input")
    if mean is None or variance is None:
        stored = moments(call.weights)
        if stored is None:
            raise Unread(f"{name}: its mean and variance are weights, which cannot be read here")
        mean, variance = stored
    means, variances = _each(mean, value, f"{name}, mean", name, axis), _each(variance, value, f"{name}, variance", name, axis)
    if min(variances) <= 0:
        raise SpecError(f"a positive variance ({name})", short_repr(variance), "correct the model")
    stds = [max(math.sqrt(each), 1e-7) for each in variances]
    count = max(len(means), len(stds))
    centres, spreads = (list(each) * count if len(each) == 1 else list(each) for each in (means, stds))
    shift = [-m / s for m, s in zip(centres, spreads, strict=True)]
    return scaled(value, [1 / s for s in spreads], shift, call.kind, name, axis=axis)


def computed(call: Call, operands: Sequence[Any], name: str) -> Value | None:
    """Arithmetic of one tensor and one constant. None if it meets another tensor; raises :class:`Unread` for ``1 / v``."""
    sign = _ARITHMETIC[operation_of(call)]
    if len([each for each in operands if isinstance(each, Value)]) > 1:
        raise Unread(f"{name} joins two tensors that are made from the input")
    if any(isinstance(each, Ref) for each in operands):
        return None
    left, right = operands if len(operands) == 2 else (None, None)
    if isinstance(left, Value):
        constant = _constant(right, left, name)
        inverse = [1 / each if each else 0.0 for each in constant]
        scale, shift = {
            "+": ([1.0], constant), "-": ([1.0], [-c for c in constant]), "*": (constant, [0.0]), "/": (inverse, [0.0]),
        }[sign]  # fmt: skip
        return scaled(left, scale, shift, call.kind, name)
    if not isinstance(right, Value):
        raise Unread(f"{name} computes with {len(operands)} values, and one constant is read")
    constant = _constant(left, right, name)
    if sign == "/":
        raise Unread(f"{name} divides by its input")
    scale = {"+": [1.0], "-": [-1.0], "*": constant}[sign]
    return scaled(right, scale, [0.0] if sign == "*" else constant, call.kind, name)


def operation_of(call: Call) -> str:
    """The name of an operation; Keras 2 stored it in the configuration of a wrapper."""
    return str(call.config.get("function", "")) if call.kind in ("TFOpLambda", "SlicingOpLambda") else call.kind


def is_arithmetic(call: Call) -> bool:
    """Whether a call adds, subtracts, multiplies or divides."""
    return operation_of(call) in _ARITHMETIC


def _constant(value: Any, of: Value, name: str) -> list[float]:
    """One number, or one per place on the last axis. Raises :class:`Unread` for anything else."""
    found, depth = _opened(value)
    try:
        stated = list(numbers(found if isinstance(found, list) else [found]))
    except ValueError:
        raise Unread(f"{name} has a constant that is not one number per channel") from None
    if of.rank is not None and depth > of.rank:
        raise Unread(f"{name} has a constant of more axes than its input")
    return stated


def _opened(value: Any) -> tuple[Any, int]:
    """The innermost list of an array whose other axes are of one entry, and the number of its axes."""
    depth = int(isinstance(value, list | tuple))
    while isinstance(value, list | tuple) and len(value) == 1 and isinstance(value[0], list | tuple):
        value, depth = value[0], depth + 1
    return value, depth


def _each(value: Any, of: Value, where: str, name: str, axis: Any = -1) -> tuple[float, ...]:
    """``value`` as one number, or one per channel.

    Raises :class:`Unread` for numbers of another axis than that of the channels, :class:`SpecError` for what is no numbers, and
    for another number of them.
    """
    found, depth = _opened(plain(value))
    stated = found if isinstance(found, list | tuple) else [found]
    if any(isinstance(each, list | tuple) for each in stated) or (of.rank is not None and depth > of.rank):
        raise Unread(f"{name} has an array of constants along several axes, or along another than the last")
    try:
        listed = numbers(stated)
    except ValueError as error:
        raise SpecError(f"numbers ({where})", f"{short_repr(value)} ({error})", "correct the model") from None
    if len(listed) > 1:
        along_channels(of, axis, name)
    wanted = len(listed) if of.is_open else len(of.scale)
    if len(listed) not in (1, wanted) and not of.is_single:
        raise SpecError(f"one number, or {wanted} ({where})", f"{len(listed)}", "correct the model")
    return listed
