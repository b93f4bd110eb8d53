"""What operations on the axes of raw values do to their channels: turned over, cut, joined, given other places.

Axes are counted from the end where they are stored, since arithmetic adds axes in front, and against the number of axes where an
operation counts from the front. A selection or an axis that cannot be told is :class:`Unread`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from tare.readers.keras.graph import Call
from tare.readers.keras.value import Unread, Value, from_the_end

#: The reason where the place of the channels is unknown.
LOST = "a layer before it gives its input other axes"
#: Layers over places, and over how many axes they run; those without a number run over two.
_OVER_PLACES = re.compile(r"(?:(?:Pooling|Cropping|ZeroPadding|UpSampling)([123])D|Resizing|CenterCrop|RandomCrop)$")
_BOUNDS = ("start", "stop", "step")
_UNCOUNTED = "the model does not say how many axes its input has"


def passed(value: Value, call: Call, name: str) -> Value:
    """Values behind a layer that moves, cuts or averages places. Raises :class:`Unread` where it mixes unlike channels."""
    if call.kind == "RepeatVector":
        return replace(value, rank=3)
    found = _OVER_PLACES.search(call.kind)
    if found is None:
        return value
    stated = -int(found[1] or 2) - 1 if call.config.get("data_format") == "channels_first" else -1
    axis = value.axis if value.axis == stated else None
    if axis is None and len(value.order) > 1:
        why = LOST if value.axis is None else f"they lie along axis {value.axis}"
        raise Unread(f"{name} takes axis {stated} for that of the channels, and {why}")
    if call.kind.startswith("Global") and not call.config.get("keepdims"):
        return replace(value, rank=2, axis=None if axis is None else -1)
    return replace(value, axis=axis)


def moved(value: Value, call: Call) -> Value:
    """Values behind a layer that gives them other axes: ``Flatten``, ``Reshape`` or ``Permute``."""
    if call.kind == "Permute":
        return replace(value, axis=_permuted(value, call.config.get("dims")))
    if call.kind == "Reshape":
        shape = call.config.get("target_shape")
        if not isinstance(shape, list | tuple) or not shape:
            return replace(value, axis=None, rank=None)
        kept = not value.is_open and value.axis == -1 and shape[-1] == len(value.order)
        return replace(value, axis=-1 if kept else None, rank=len(shape) + 1)
    return value if value.rank == 2 else replace(value, axis=None, rank=2)


def _permuted(value: Value, axes: Any) -> int | None:
    """Where the channels lie behind a ``Permute``; it counts axes from 1, without the batch."""
    if value.axis is None or not isinstance(axes, list | tuple) or not all(isinstance(axis, int) for axis in axes):
        return None
    count = len(axes)
    if sorted(axes) != list(range(1, count + 1)) or value.rank not in (None, count + 1):
        return None
    before = value.axis + count + 1
    return axes.index(before) - count if before in axes else None


def taken(value: Value, index: Any, name: str) -> Value:
    """Places turned over (``v[:, ::-1]``), channels reversed (``v[..., ::-1]``), or one channel (``v[..., 2]``).

    Raises :class:`Unread` for other selections.
    """
    parts = index if isinstance(index, list) else [index]
    rank = value.rank
    for axis, part in _selections(parts, value, name):
        if axis is not None and rank is not None and axis <= -rank:
            raise Unread(f"{name} takes a part of the batch")
        bounds = _bounds(part, name)
        if axis == value.axis and axis is not None:
            value = _of_channels(value, part if bounds is None else bounds, name)
        elif bounds != (None, None, -1):
            raise Unread(f"{name} takes a part of its input")
        elif axis is None or (value.axis is None and not value.is_single):
            raise Unread(f"{name} reverses an axis, and {_UNCOUNTED if value.axis is not None else LOST}")
    return value


def _selections(parts: Sequence[Any], value: Value, name: str) -> list[tuple[int | None, Any]]:
    """Each part of an index that is not whole, last axis first, with its axis from the end; None where that is unknown."""
    gaps = [place for place, part in enumerate(parts) if _is_a(part, "__ellipsis__")]
    if len(gaps) > 1 or (value.rank is not None and len(parts) - len(gaps) > value.rank):
        raise Unread(f"{name} takes a part of its input by an index that does not fit it")
    before = gaps[0] if gaps else len(parts)
    front = [(None if value.rank is None else place - value.rank, part) for place, part in enumerate(parts[:before])]
    back = [(place - len(parts), part) for place, part in enumerate(parts) if place > before]
    return [(axis, part) for axis, part in reversed([*front, *back]) if not _is_whole(part)]


def _of_channels(value: Value, part: Any, name: str) -> Value:
    """What a slice or an integer takes of the channels."""
    if isinstance(part, int):
        if value.is_open or not -len(value.order) <= part < len(value.order):
            raise Unread(f"{name} takes channel {part} of its input")
        rank = None if value.rank is None else value.rank - 1
        return replace(_chosen(value, [part]), axis=None, rank=rank)
    if value.is_open and part == (None, None, -1):
        raise Unread(f"{name} reverses channels, and the model does not say how many there are")
    channels = [] if value.is_open or part[2] == 0 else list(range(*slice(*part).indices(len(value.order))))
    if channels and len(channels) == len(value.order):
        return value if channels[0] == 0 else reversed_channels(value, name)
    if len(channels) != 1:
        raise Unread(f"{name} takes a part of its input")
    return _chosen(value, channels)


def _chosen(value: Value, channels: list[int]) -> Value:
    scale, shift = (tuple(each[channel] for channel in channels) for each in (value.scale, value.shift))
    return replace(value, order=tuple(value.order[channel] for channel in channels), scale=scale, shift=shift)


def flipped(value: Value, axes: Any, name: str) -> Value:
    """``Flip`` along one axis or several: places only move, and channels are reversed."""
    for axis in axes if isinstance(axes, list | tuple) else [axes]:
        place = from_the_end(axis, value.rank)
        if place is None:
            raise Unread(f"{name} reverses axis {axis}, and {_UNCOUNTED}" if axis is not None else f"{name} reverses all axes")
        if value.rank is not None and place <= -value.rank:
            raise Unread(f"{name} reverses the batch")
        if place == value.axis:
            value = reversed_channels(value, name)
        elif value.axis is None and not value.is_single:
            raise Unread(f"{name} reverses an axis, and {LOST}")
    return value


def reversed_channels(value: Value, name: str) -> Value:
    """The channels in reversed order. Raises :class:`Unread` while their number is unknown."""
    if value.is_open:
        raise Unread(f"{name} reverses channels, and the model does not say how many there are")
    turned = _chosen(value, list(range(len(value.order)))[::-1])
    return replace(turned, steps=(*value.steps, "reversed channels"))


def laid(values: Sequence[Value], call: Call, name: str) -> Value:
    """Tensors made from the input, behind one another along an axis (``Concatenate``) or a new one (``Stack``).

    These are the same tensor several times, or single channels. Raises :class:`Unread` for others.
    """
    value, is_stack = values[0], call.kind == "Stack"
    rank = None if value.rank is None else value.rank + is_stack
    stated = call.config.get("axis", 0 if is_stack else -1)
    axis = from_the_end(stated, rank)
    if axis is None:
        raise Unread(f"{name} joins tensors along axis {stated}, and {_UNCOUNTED}")
    if rank is not None and axis <= -rank:
        raise Unread(f"{name} joins tensors along the batch")
    if all(each.is_alike(value) for each in values):
        if len(values) == 1 and not is_stack:
            return value
        moves = is_stack or value.axis == axis
        return replace(value, axis=None if moves else value.axis, rank=rank)
    single = all(each.is_single and each.rank == value.rank and (is_stack or each.axis == axis) for each in values)
    if not single:
        raise Unread(f"{name} joins two tensors that are made from the input")
    order = tuple(channel for each in values for channel in each.order)
    if sorted(order) != list(range(len(order))):
        raise Unread(f"{name} joins channels of which one is missing or twice there")
    scale, shift = (tuple(v for each in values for v in getattr(each, field)) for field in ("scale", "shift"))
    step = "reversed channels" if order == tuple(range(len(order)))[::-1] and len(order) > 1 else name
    return replace(value, order=order, scale=scale, shift=shift, steps=(*value.steps, step), axis=axis, rank=rank)


def _is_a(part: Any, kind: str) -> bool:
    return isinstance(part, Mapping) and part.get("class_name") == kind


def _is_whole(part: Any) -> bool:
    config = part.get("config") if isinstance(part, Mapping) else None
    if not isinstance(config, Mapping) or not _is_a(part, "__slice__"):
        return False
    return config.get("start") in (None, 0) and config.get("stop") is None and config.get("step") in (None, 1)


def _bounds(part: Any, name: str) -> tuple[Any, ...] | None:
    """Start, stop and step of a slice; None for an integer. Raises :class:`Unread` for another selection."""
    if isinstance(part, int) and not isinstance(part, bool):
        return None
    config = part.get("config") if isinstance(part, Mapping) else None
    if not isinstance(config, Mapping):
        raise Unread(f"{name} takes a part of its input")
    bounds = tuple(config.get(key) for key in _BOUNDS)
    if not all(each is None or (isinstance(each, int) and not isinstance(each, bool)) for each in bounds):
        raise Unread(f"{name} takes a part of its input")
    return bounds
