"""Torchvision's presets, which a weights enum carries as ``transforms``, as fields of a specification, and back.

A preset of detection only scales to [0, 1]: the model normalises inside, with the mean and std of its own ``transform``. The
preset's own mean is therefore 0 and its std 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tare.errors import SpecError, short_repr
from tare.input_spec.fields import Crop, Field, Known, Unknown
from tare.input_spec.foreign import Fields, known_field, refuse_other, unit_constants, value_of
from tare.input_spec.resize import interpolation_mode

_ABLE = {"channels": ("RGB",), "raw_dtype": ("uint8",), "layout": ("NCHW",), "dtype": ("float32",)}
_PRESETS = ("ImageClassification", "SemanticSegmentation", "ObjectDetection", "VideoClassification", "OpticalFlow")


def is_preset(thing: Any) -> bool:
    """Whether ``thing`` is one of torchvision's presets."""
    return type(thing).__module__ == "torchvision.transforms._presets" and type(thing).__name__ in _PRESETS


def fields_of_preset(preset: Any, source: str) -> Fields:
    """Read a preset object. Raises :class:`SpecError` for another object, or for an invalid value."""
    if not is_preset(preset):
        raise SpecError(f"a torchvision preset: {', '.join(_PRESETS)}", type(preset).__name__, "name weights.transforms()")
    kind = type(preset).__name__
    library = f"{source}: what torchvision's {kind} does"
    size, crop = _geometry(preset, kind, source)
    fields: Fields = {"size": size, "crop": crop, "interpolation": _interpolation(preset, source)}
    mean, std = {"ObjectDetection": (0.0, 1.0), "OpticalFlow": (0.5, 0.5)}.get(kind, (None, None))
    for name, value in (("mean", mean), ("std", std)):
        stated = getattr(preset, name, None) if value is None else [value] * 3
        said = f"{library}; the model normalises inside, by its own transform" if kind == "ObjectDetection" else library
        fields[name] = known_field(name, stated, f"{source}, {name}" if value is None else said)
    layout = "NCTHW" if kind == "VideoClassification" else "NCHW"
    always = {"channels": "RGB", "scale": 1 / 255, "raw_dtype": "uint8", "layout": layout, "dtype": "float32"}
    fields |= {name: Known(value, library) for name, value in always.items()}
    fields["antialias"] = _antialias(preset, kind, source, library)
    return fields


def preset_of(fields: Mapping[str, Field[Any]]) -> Any:
    """An ``ImageClassification`` preset that prepares an image as the fields say; mean and std for its scale of 1/255.

    Raises :class:`SpecError` for a spec that it cannot state (BGR, a size that is not square, no resize) and for unknown fields.
    """
    from torchvision.transforms._presets import ImageClassification

    target = "torchvision's ImageClassification"
    refuse_other(fields, _ABLE, target)
    value_of(fields, "channels", target)
    mean, std = unit_constants(fields, target)
    size, crop = value_of(fields, "size", target), value_of(fields, "crop", target)
    resized = crop.resized(size)
    if crop.mode != "center" or len(resized) != 1 or size[0] != size[1]:
        found = f"{crop.mode} to {size[0]} x {size[1]}"
        raise SpecError(f"a centre crop to a square, which is all that {target} can state", found, "keep tare's own JSON")
    return ImageClassification(
        crop_size=size[0],
        resize_size=resized[0],
        mean=mean,
        std=std,
        interpolation=interpolation_mode(value_of(fields, "interpolation", target)),
        antialias=value_of(fields, "antialias", target),
    )


def _geometry(preset: Any, kind: str, source: str) -> tuple[Field[tuple[int, int]], Field[Crop]]:
    resized = getattr(preset, "resize_size", None)
    if kind in ("ObjectDetection", "OpticalFlow") or resized is None:
        nothing = Unknown(f"{source}: {kind} does not resize, so the size is the image's own")
        return nothing, Known(Crop("none", 1.0), f"{source}: {kind} does not resize")
    origin = f"{source}, resize_size and crop_size"
    edges = _edges(resized, origin)
    if kind == "SemanticSegmentation":
        nothing = Unknown(f"{source}: the shorter edge becomes {edges[0]} and nothing is cropped: the size depends on the image")
        return nothing, nothing
    cropped = _edges(preset.crop_size, origin)
    size = (cropped[0], cropped[-1])
    mode = "center" if len(edges) == 1 else "squash"
    return known_field("size", list(size), origin), Known(Crop(mode, size[0] / edges[0], edges), origin)


def _edges(value: Any, origin: str) -> tuple[int, ...]:
    edges = tuple(value) if isinstance(value, list | tuple) else (value,)
    if len(edges) not in (1, 2) or not all(isinstance(edge, int) and edge > 0 for edge in edges):
        raise SpecError(f"one or two edges ({origin})", short_repr(value), "correct it")
    return edges


def _interpolation(preset: Any, source: str) -> Field[str]:
    mode = getattr(preset, "interpolation", None)
    if mode is None:
        return Unknown(f"{source} does not resize")
    return known_field("interpolation", getattr(mode, "value", mode), f"{source}, interpolation")


def _antialias(preset: Any, kind: str, source: str, library: str) -> Field[bool]:
    if kind == "VideoClassification":
        return Known(False, library)
    stated = getattr(preset, "antialias", None)
    return Unknown(f"{source} does not state it") if stated is None else known_field("antialias", stated, f"{source}, antialias")
