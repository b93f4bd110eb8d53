"""Image processors of transformers as steps, read from the configuration and the class of each processor."""

from __future__ import annotations

import json
from typing import Any

from tare.input_spec.fields import Crop, Known, Unknown
from tare.input_spec.formats.hf import fields_of_processor_config
from tare.pipelines.found import Container, Found, Library, Reader, step
from tare.pipelines.step import Step


def _processor(thing: Any) -> Found:
    config = json.loads(json.dumps(thing.to_dict(), default=_plain))
    fields = fields_of_processor_config(config, type(thing).__name__)
    return (*_geometry(fields), step("convert", "to_array", layout="CHW"), *_values(fields))


def _geometry(fields: dict[str, Any]) -> tuple[Step, ...]:
    interpolation, antialias = (stated.value if isinstance(stated := fields[name], Known) else None for name in _RESIZE)
    how: dict[str, Any] = {"interpolation": interpolation, "antialias": antialias}
    size, crop = fields["size"], fields["crop"]
    if isinstance(crop, Unknown):
        if isinstance(size, Known):
            return (step("crop", "center_crop", size=size.value, place="center", pads=True, offset="down"),)
        return (step("resize", "resize", size=None, fit="cover", why=crop.reason, **how),)
    if crop.value.mode == "none" or isinstance(size, Unknown):
        return ()
    return _resize_and_crop(size.value, crop.value, how)


def _resize_and_crop(size: tuple[int, int], crop: Crop, how: dict[str, Any]) -> tuple[Step, ...]:
    fit = "squash" if crop.mode == "squash" else "cover"
    resized = crop.resized(size)
    resize = step("resize", "resize", size=resized, fit=fit, **how)
    if resized == size:
        return (resize,)
    return (resize, step("crop", "center_crop", size=size, place="center", pads=True, offset=crop.offset))


def _values(fields: dict[str, Any]) -> tuple[Step, ...]:
    for name in ("scale", "mean", "std", "channels"):
        if isinstance(fields[name], Unknown):
            return (step("opaque", "preprocess", why=fields[name].reason),)
    steps = [step("rescale", "rescale", factor=fields["scale"].value, offset=0.0)]
    if fields["channels"].value == "BGR":
        steps.append(step("order", "flip_channel_order", order=(2, 1, 0)))
    mean, std = fields["mean"].value, fields["std"].value
    if any(mean) or set(std) != {1.0}:
        steps.append(step("normalize", "normalize", mean=mean, std=std, max_value=1.0))
    return tuple(steps)


def _plain(value: Any) -> Any:
    return dict(value) if hasattr(value, "keys") else str(value)


_RESIZE = ("interpolation", "antialias")

#: :func:`fields_of_processor_config` reads tables that know the library's classes by name.
FAMILIES: dict[str, Reader] = {
    "ImageProcessingMixin": _processor,
    "ProcessorMixin": lambda thing: Container((thing.image_processor,)),
}

LIBRARY = Library("transformers", ("transformers",), {}, FAMILIES)
