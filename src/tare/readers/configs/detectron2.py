"""Detectron2's YAML configurations: ``MODEL.PIXEL_MEAN``, ``MODEL.PIXEL_STD`` and ``INPUT.FORMAT``.

The network subtracts and divides in ``preprocess_image`` of its meta-architecture, 8-bit values in the order of FORMAT.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

from tare.errors import SpecError, short_repr
from tare.input_spec.fields import Field, Known, Unknown
from tare.input_spec.spec import InputSpec
from tare.readers.configs.documents import known, listed, made, stated

_ORDERS = ("RGB", "BGR", "L")
_KEYS = ("PIXEL_MEAN", "PIXEL_STD")


def is_detectron2(document: Mapping[str, Any]) -> bool:
    """Whether a document has Detectron2's keys in ``MODEL``."""
    model = document.get("MODEL")
    return isinstance(model, Mapping) and any(key in model for key in (*_KEYS, "META_ARCHITECTURE"))


def read_detectron2_document(document: Mapping[str, Any], source: str) -> InputSpec:
    """Read a configuration that is already parsed; what it leaves to ``_BASE_`` is unknown."""
    model = document["MODEL"]
    base = document.get("_BASE_")
    inherited = f"; it may be in {short_repr(base)}, the _BASE_" if base is not None else ""
    if all(model.get(key) is None for key in _KEYS):
        remedy = (
            f"name {short_repr(base)}, the _BASE_, or a dump of the whole" if base is not None else "name a dump of the whole"
        )
        raise SpecError(f"MODEL.PIXEL_MEAN and MODEL.PIXEL_STD in {source}", "neither", remedy)
    fields: dict[str, Field[Any]] = {
        name: _numbers(name, model.get(key), key, source, inherited) for name, key in (("mean", _KEYS[0]), ("std", _KEYS[1]))
    }
    counts = [len(field.value) for field in fields.values() if isinstance(field, Known)]
    is_image = counts[0] in (1, 3)
    other = Unknown(f"{source}: {counts[0]} channels, and the loader's raw type is not stated")
    fields |= {
        "channels": _order(document, counts[0], source, inherited),
        "scale": known(1.0, f"{source}: PIXEL_MEAN and PIXEL_STD apply to the values as they are loaded"),
        "raw_dtype": known("uint8", "Detectron2's read_image reads 8-bit images") if is_image else other,
        "layout": known("NCHW", "Detectron2's batches of images"),
        "dtype": known("float32", "Detectron2 normalises float32 values"),
        "size": Unknown("Detectron2 resizes the shorter edge and pads; that is not read"),
    }
    return made(fields, source)


def _numbers(name: str, value: Any, key: str, source: str, inherited: str) -> Field[Any]:
    if value is None:
        return Unknown(f"{source} has no MODEL.{key}{inherited}")
    if isinstance(value, str) and len(value) <= 1000:  # yacs reads "(103.53, 116.28, 123.675)" as a literal
        try:
            value = ast.literal_eval(value)
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            raise SpecError(f"numbers as MODEL.{key} in {source}", short_repr(value), "correct the file") from None
    return stated(name, listed(value), f"{source}, key MODEL.{key}")


def _order(document: Mapping[str, Any], count: int, source: str, inherited: str) -> Field[str]:
    part = document.get("INPUT")
    order = part.get("FORMAT") if isinstance(part, Mapping) else None
    if order is not None and (not isinstance(order, str) or (count == 3) != (order in ("RGB", "BGR"))):
        return Unknown(f"{source}: INPUT.FORMAT {short_repr(order)} of {count} channels")
    if order in _ORDERS:
        return known(order, f"{source}, key INPUT.FORMAT")
    if order is not None or count != 3:
        names = "L" if count == 1 else ",".join(f"c{index}" for index in range(count))
        return known(names, f"{source}: {count} values in PIXEL_MEAN or PIXEL_STD")
    model = document["MODEL"]
    is_ours = "META_ARCHITECTURE" in model or str(model.get("WEIGHTS", "")).startswith("detectron2://")
    if is_ours and not inherited:
        return known("BGR", f"{source} has no INPUT.FORMAT; Detectron2's default is BGR")
    return Unknown(f"{source} has no INPUT.FORMAT{inherited}")
