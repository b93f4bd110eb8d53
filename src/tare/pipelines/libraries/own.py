"""tare's own ``Normaliser`` as the steps that other libraries would need for it, and the step that only checks an image."""

from __future__ import annotations

from typing import Any

from tare.pipelines.found import Found, Library, step


def _normaliser(thing: Any) -> Found:
    spec = thing.spec
    unit, raw = spec.affine_from("float32"), spec.require("raw_dtype")
    if raw != "uint8" and not raw.startswith("float"):
        raise ValueError(f"it takes {raw}")
    std = tuple(1 / a for a in unit.scale)
    mean = tuple(-b * s for b, s in zip(unit.shift, std, strict=True))
    if raw == "uint8" and spec.require("scale") == 1 / 255:
        mean, std = spec.require("mean"), spec.require("std")
    scaled = (step("to_dtype", dtype="float32", scale=True),) if raw == "uint8" else ()
    moved = () if unit.order == tuple(range(len(unit.order))) else (step("order", order=unit.order),)
    return (*scaled, *moved, step("normalize", mean=mean, std=std, max_value=1.0))


LIBRARY = Library(
    "tare", ("tare.parts.normaliser", "tare.input_spec.resize"), {"Normaliser": _normaliser, "EightBits": lambda _: ()}
)
