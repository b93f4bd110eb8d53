"""Open Model Zoo's ``model.yml``: ``--mean_values`` and ``--scale_values`` of OpenVINO's model conversion.

The converted model computes ``(v - mean) / scale`` inside, after ``--reverse_input_channels``; the spec is that of the network
behind it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tare.errors import SpecError, short_repr
from tare.input_spec.fields import Field, Known, Unknown
from tare.input_spec.spec import InputSpec
from tare.readers.configs.documents import known, made, number, spread, stated

_KEYS = ("model_optimizer_args", "model_conversion_args", "conversion_args")
_OPTION = re.compile(r"--(\w+)(?:[= ](.*))?", re.ASCII | re.DOTALL)
_VALUES = re.compile(r"([\w./:-]*)[\[(]([^\[\]()]{0,2000})[\])]", re.ASCII)


def is_openvino(document: Mapping[str, Any]) -> bool:
    """Whether a document has arguments for OpenVINO's model conversion."""
    return any(isinstance(document.get(key), list) for key in _KEYS)


def read_openvino_document(document: Mapping[str, Any], source: str, tensor: str = "") -> InputSpec:
    """Read a ``model.yml`` that is already parsed, for the input that ``PATH#INPUT`` names, or for the only one."""
    key = next(key for key in _KEYS if isinstance(document.get(key), list))
    options = _options(document[key])
    origin = f"{source}, {key}"
    tables: dict[str, dict[str, list[Any]]] = {}
    for name in ("mean_values", "scale_values"):
        if name in options:
            tables[name] = _by_input(options[name], f"{origin}, --{name}")
    if "scale" in options:
        tables.setdefault("scale_values", {"": [number(options["scale"].strip())]})
    inputs = [name for name in dict.fromkeys(name for table in tables.values() for name in table) if name]
    if tensor and tensor not in inputs:
        raise SpecError(f"the input {tensor!r} in {origin}", ", ".join(inputs)[:200] or "none by name", "name one as PATH#INPUT")
    if len(inputs) > 1 and not tensor:
        raise SpecError(f"one input in {origin}", ", ".join(inputs)[:200], "name one as PATH#INPUT")
    chosen = tensor or (inputs[0] if inputs else "")
    fields: dict[str, Field[Any]] = _constants(tables, chosen, origin)
    mean, std = fields["mean"], fields["std"]
    count = len(mean.value) if isinstance(mean, Known) else 0
    shape, width = _shape(document, options, count, origin)
    is_reversed = "reverse_input_channels" in options
    if count == 1 and (is_reversed or width == 3) and isinstance(mean, Known) and isinstance(std, Known):
        count, pair = 3, [Known(field.value * 3, f"{field.origin}, one for all channels") for field in (mean, std)]
        fields |= {"mean": pair[0], "std": pair[1]}
    fields |= shape
    fields["raw_dtype"] = Unknown(f"{origin} does not state the type of raw values")
    fields["channels"] = Unknown(f"{origin} does not state the order of channels of the network")
    if is_reversed and count == 3:
        said = f"{origin}, --reverse_input_channels: Open Model Zoo's converted models take blue, green, red"
        fields["channels"] = known("RGB", said)
    elif width == 1:
        fields["channels"] = known("L", f"{origin}, the input's shape")
    return made(fields, origin)


def _options(arguments: list[Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    for argument in arguments[:1000]:
        matched = _OPTION.fullmatch(argument.strip()) if isinstance(argument, str) else None
        if matched:
            found[matched[1]] = matched[2] or ""
    return found


def _by_input(text: str, origin: str) -> dict[str, list[Any]]:
    """``data[1,2,3],other[4]`` or ``[1,2,3]`` as numbers by the name of an input; ``255`` alone as one number."""
    text = text.strip().strip("\"'")
    if not text or _VALUES.sub("", text).strip(" ,"):
        alone = number(text)
        if isinstance(alone, str):
            raise SpecError(f"values such as data[1,2,3] as {origin}", short_repr(text), "correct the file")
        return {"": [alone]}
    return {name: [number(part.strip()) for part in values.split(",")] for name, values in _VALUES.findall(text)}


def _constants(tables: Mapping[str, Mapping[str, list[Any]]], chosen: str, origin: str) -> dict[str, Field[Any]]:
    scale = known(1.0, f"{origin}: constants are of the values that the converted model receives")
    mean, std = (table.get(chosen, table.get("")) for table in (tables.get("mean_values", {}), tables.get("scale_values", {})))
    if mean is None and std is None:
        reason = Unknown(f"{origin} states neither --mean_values nor --scale_values; the network may normalise inside")
        return {"scale": reason, "mean": reason, "std": reason}
    unstated = f"{origin} does not state it; the converted model leaves it out"
    first = known((0.0,), unstated) if mean is None else stated("mean", mean, f"{origin}, --mean_values")
    second = known((1.0,), unstated) if std is None else stated("std", std, f"{origin}, --scale_values")
    first, second = spread(first, second)
    return {"scale": scale, "mean": first, "std": second}


def _shape(document: Mapping[str, Any], options: Mapping[str, str], count: int, origin: str) -> tuple[dict[str, Field[Any]], int]:
    """Layout, size and the number of channels (0: unknown) of the one image input: ``--input_shape`` or ``input_info``."""
    shape: Any = [number(part.strip()) for part in options.get("input_shape", "").strip("[]()\"' ").split(",")]
    info = document.get("input_info")
    if isinstance(info, list) and len(info) == 1 and isinstance(info[0], Mapping):
        shape = info[0].get("shape", shape)
    whole = isinstance(shape, list) and len(shape) == 4
    edges = [int(edge) for edge in shape if isinstance(edge, int | float) and edge == int(edge)] if whole else []
    if len(edges) != 4 or (edges[1] in (1, 3)) == (edges[3] in (1, 3)) or count not in (0, 1, edges[1], edges[3]):
        return {}, 0
    is_first = edges[1] in (1, 3)
    size = edges[2:] if is_first else edges[1:3]
    said = f"{origin}, the input's shape"
    fields: dict[str, Field[Any]] = {"layout": known("NCHW" if is_first else "NHWC", said), "size": stated("size", size, said)}
    return fields, edges[1] if is_first else edges[3]
