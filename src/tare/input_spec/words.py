"""An input specification in plain words."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tare.input_spec.fields import ADDED, UNSTATED, Field, Known, Unknown
from tare.input_spec.input_map import InputMap
from tare.samples.layout import dtype_range

_ORDERS = {"RGB": "red, green, blue", "BGR": "blue, green, red", "L": "grey"}
_SHAPES = {"center": "centre crop after", "squash": "both edges resized to", "border": "padded after"}


def description(fields: Mapping[str, Field[Any]], whole: InputMap | None) -> list[str]:
    """Lines of text: the network's input, what raw 0 and 255 become, the origin of each field, and the unknown fields."""
    stated = {name: value.value for name, value in fields.items() if isinstance(value, Known)}
    order = str(stated.get("channels", "channels unknown"))
    lines = [", ".join([f"input     {_ORDERS.get(order, order)}", *(stated[n] for n in ("layout", "dtype") if n in stated)])]
    if "size" in stated:
        lines.append(f"size      {_size(stated)}")
    lines += _raw(stated)
    if whole is not None:
        lines += _values(stated, whole, names_in_order(order, len(whole.affine.scale)))
    elif "mean" in stated or "std" in stated:
        lines += _constants(stated, order)
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


def _raw(stated: Mapping[str, Any]) -> list[str]:
    """What a raw value is, where that is stated."""
    if not {"raw_dtype", "bits", "units", "nodata"} & set(stated):
        return []
    parts = [str(stated["raw_dtype"])] if "raw_dtype" in stated else []
    parts += [f"{stated['bits']} bits in use"] if "bits" in stated else []
    parts += [str(stated["units"])] if "units" in stated else []
    parts += [f"no data: {', '.join(f'{value:g}' for value in stated['nodata'])}"] if "nodata" in stated else []
    return [f"raw       {', '.join(parts)}"]


def _values(stated: Mapping[str, Any], whole: InputMap, names: tuple[str, ...]) -> list[str]:
    scale = stated["scale"]
    raw_scale = f"raw / {1 / scale:.6g}" if 0 < scale < 1 else "raw" if scale == 1 else f"raw x {scale:.6g}"
    lines = [f"value     ({_before_constants(raw_scale, whole)} - mean) / std"]
    width = _width(names)
    for c, (name, ends) in enumerate(zip(names, _ends(stated, whole), strict=True)):
        becomes = ", ".join(f"raw {v:g} reaches the network as {y:.4f}" for v, y in ends if math.isfinite(v))
        lines.append(
            f"  {name:<{width}}mean {stated['mean'][c]:.6g}, std {stated['std'][c]:.6g}{': ' if becomes else ''}{becomes}"
        )
    return lines


def _constants(stated: Mapping[str, Any], order: str) -> list[str]:
    """Mean and std of each channel where the map as a whole is unknown."""
    parts = {name: stated[name] for name in ("mean", "std") if name in stated}
    count = max(map(len, parts.values()))
    names = names_in_order(order, count)
    missing = " and ".join(name for name in ("channels", "scale", "mean", "std") if name not in stated)
    lines = [f"value     unknown, as {missing or 'the number of means and stds'} is; the constants that are stated:"]
    width = _width(names)
    return lines + [
        f"  {names[c]:<{width}}{', '.join(f'{name} {values[c]:.6g}' for name, values in parts.items() if c < len(values))}"
        for c in range(count)
    ]


def _width(names: Sequence[str]) -> int:
    """The width of the column of names: at least that of the colours."""
    return max(8, *(len(name) + 1 for name in names))


def _before_constants(raw_scale: str, whole: InputMap) -> str:
    """What becomes of a raw value before mean and std: per-sample normalisation, map, clip, scale."""
    said = raw_scale
    if whole.clip is not None:
        windows = dict.fromkeys(f"{low:g}, {high:g}" for low, high in whole.clip)
        said = said.replace("raw", f"clip(raw, {'; '.join(windows)})")
    if whole.value_map != "identity":
        said = said.replace("raw", f"{whole.value_map}(raw)")
    if whole.per_sample is not None:
        of = "its sample" if whole.per_sample.over == "sample" else "its channel of the sample"
        said = said.replace("raw", f"raw by the {whole.per_sample.kind} of {of}")
    return said


def _ends(stated: Mapping[str, Any], whole: InputMap) -> list[list[tuple[float, float]]]:
    """What the ends of the raw range become in each channel: of the type, of the window; empty where neither is stated."""
    count = len(whole.affine.scale)
    span = dtype_range(stated["raw_dtype"], stated.get("bits")) if "raw_dtype" in stated else None
    if whole.per_sample is not None or whole.value_map != "identity":
        return [[]] * count
    ends = whole.clip if whole.clip is not None else None if span is None else (span,) * count
    if ends is None and "raw_dtype" in stated:  # floats: 0 and 1, of unit values
        ends = ((0.0, 1.0),) * count
    if ends is None:
        return [[]] * count
    order = np.argsort(whole.affine.order)  # apply() takes channels in red, green, blue order
    columns = [whole.apply(np.array([end[place] for end in ends], np.float64)[order]) for place in (0, 1)]
    return [[(float(ends[c][place]), float(columns[place][c])) for place in (0, 1)] for c in range(count)]


def _origins(fields: Mapping[str, Field[Any]]) -> list[str]:
    stated: dict[str, list[str]] = {}
    unknown: dict[str, list[str]] = {}
    eight_bit = isinstance(fields["raw_dtype"], Known) and fields["raw_dtype"].value == "uint8"
    for name, value in fields.items():
        if value == UNSTATED and name in ADDED and (name != "units" or eight_bit):
            continue  # most conventions have no clip, map or no-data value, and need not state that
        group, said = (unknown, value.reason) if isinstance(value, Unknown) else (stated, value.origin)
        group.setdefault(said, []).append(name)
    lines = [f"from      {origin}: {', '.join(names)}" for origin, names in stated.items()]
    return lines + [f"unknown   {', '.join(names)}: {reason}" for reason, names in unknown.items()]
