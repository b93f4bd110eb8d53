"""An input specification in plain words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tare.input_spec.affine import Affine
from tare.input_spec.fields import Field, Known, Unknown
from tare.samples.layout import unit_scale

_ORDERS = {"RGB": "red, green, blue", "BGR": "blue, green, red", "L": "grey"}
_SHAPES = {"center": "centre crop after", "squash": "both edges resized to", "border": "padded after"}


def description(fields: Mapping[str, Field[Any]], affine: Affine | None) -> list[str]:
    """Lines of text: the network's input, what raw 0 and 255 become, the origin of each field, and the unknown fields."""
    stated = {name: value.value for name, value in fields.items() if isinstance(value, Known)}
    order = str(stated.get("channels", "channels unknown"))
    lines = [", ".join([f"input     {_ORDERS.get(order, order)}", *(stated[n] for n in ("layout", "dtype") if n in stated)])]
    if "size" in stated:
        lines.append(f"size      {_size(stated)}")
    if affine is not None:
        lines += _values(stated, affine, names_in_order(order, len(affine.scale)))
    return lines + _origins(fields)


def names_in_order(channels: str, count: int) -> tuple[str, ...]:
    """Name each channel in the order in which the network receives them."""
    names = tuple(_ORDERS[channels].split(", ")) if channels in _ORDERS else tuple(channels.split(","))
    return names if len(names) == count else tuple(f"c{index}" for index in range(count))


def _size(stated: Mapping[str, Any]) -> str:
    height, width = stated["size"]
    parts = [f"{height} x {width} px"]
    crop = stated.get("crop")
    if crop is not None:
        resized = crop.resized((height, width))
        edges = f"the shorter edge is {resized[0]}" if len(resized) == 1 else f"{resized[0]} x {resized[1]}"
        parts.append(f"{_SHAPES[crop.mode]} {edges}" if crop.mode in _SHAPES else "not resized")
    parts += [f"{stated['interpolation']} interpolation"] if "interpolation" in stated else []
    return ", ".join(parts)


def _values(stated: Mapping[str, Any], affine: Affine, names: tuple[str, ...]) -> list[str]:
    raw = str(stated.get("raw_dtype", "uint8"))
    ends = (0.0, 1 / float(unit_scale(raw)))
    scale = stated["scale"]
    raw_scale = f"raw / {1 / scale:.6g}" if 0 < scale < 1 else "raw" if scale == 1 else f"raw x {scale:.6g}"
    lines = [f"value     ({raw_scale} - mean) / std"]
    for c, name in enumerate(names):
        becomes = ", ".join(f"raw {v:g} reaches the network as {affine.scale[c] * v + affine.shift[c]:.4f}" for v in ends)
        lines.append(f"  {name:<8}mean {stated['mean'][c]:.6g}, std {stated['std'][c]:.6g}: {becomes}")
    return lines


def _origins(fields: Mapping[str, Field[Any]]) -> list[str]:
    stated: dict[str, list[str]] = {}
    unknown: dict[str, list[str]] = {}
    for name, value in fields.items():
        group, said = (unknown, value.reason) if isinstance(value, Unknown) else (stated, value.origin)
        group.setdefault(said, []).append(name)
    lines = [f"from      {origin}: {', '.join(names)}" for origin, names in stated.items()]
    return lines + [f"unknown   {', '.join(names)}: {reason}" for reason, names in unknown.items()]
