"""timm's ``pretrained_cfg`` as fields of a specification, and back.

timm fills a missing mean or std with ImageNet's (``timm.data.resolve_data_config``), so that unknown and ImageNet look the
same afterwards. Here, a key that the configuration does not state is unknown, and an unknown field cannot be written.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from tare.errors import SpecError
from tare.input_spec.fields import Crop, Field, Known, Unknown, short_repr
from tare.input_spec.foreign import Fields, known_field, refuse_other, unit_constants, value_of

_LIBRARY = "timm's transforms: 8-bit images, scaled to [0, 1], as a float32 tensor"
_ABLE = {
    "channels": ("RGB", "L"),
    "raw_dtype": ("uint8",),
    "layout": ("NCHW",),
    "dtype": ("float32",),
    "antialias": (True,),
    "interpolation": ("nearest", "bilinear", "bicubic", "box", "hamming", "lanczos"),
}


def fields_of_pretrained_cfg(config: Any, source: str) -> Fields:
    """Read what ``config`` states; ``source`` names it in every origin.

    Raises :class:`SpecError` for a value of the wrong type or out of range.
    """
    if not isinstance(config, Mapping):
        raise SpecError(f"a mapping as pretrained_cfg of {source}", type(config).__name__, "correct it")
    channels, size = _input_size(config, source)
    fields: Fields = {name: _stated(config, name, source) for name in ("mean", "std", "interpolation")}
    fields |= {"channels": channels, "size": size, "crop": _crop(config, source)}
    always = {"scale": 1 / 255, "raw_dtype": "uint8", "layout": "NCHW", "dtype": "float32", "antialias": True}
    return fields | {name: Known(value, _LIBRARY) for name, value in always.items()}


def pretrained_cfg_of(fields: Mapping[str, Field[Any]]) -> dict[str, Any]:
    """Write the keys of a pretrained_cfg that say how its input is prepared; mean and std for timm's scale of 1/255.

    Raises :class:`SpecError` for what timm cannot state (BGR, another layout, no resize) and for every unknown field, since
    timm would take ImageNet's value for it.
    """
    target = "a timm pretrained_cfg"
    refuse_other(fields, _ABLE, target)
    mean, std = unit_constants(fields, target)
    count = {"RGB": 3, "L": 1}[value_of(fields, "channels", target)]
    size, crop = value_of(fields, "size", target), value_of(fields, "crop", target)
    return {
        "input_size": (count, *size),
        "interpolation": value_of(fields, "interpolation", target),
        "crop_pct": crop_pct_of(crop, size),
        "crop_mode": crop.mode,
        "mean": mean,
        "std": std,
    }


def _stated(config: Mapping[str, Any], key: str, source: str) -> Field[Any]:
    value = config.get(key)
    return Unknown(f"{source} does not state {key!r}") if value is None else known_field(key, value, f"{source}, key {key!r}")


def _input_size(config: Mapping[str, Any], source: str) -> tuple[Field[str], Field[tuple[int, int]]]:
    value = config.get("input_size")
    if value is None:
        nothing = Unknown(f"{source} does not state 'input_size'")
        return nothing, nothing
    origin = f"{source}, key 'input_size'"
    if not isinstance(value, list | tuple) or len(value) != 3:
        raise SpecError(f"channels, height and width ({origin})", short_repr(value), "correct it")
    count, *edges = value
    name = {1: "L", 3: "RGB"}.get(count) if isinstance(count, int) and not isinstance(count, bool) else None
    channels = Known(name, origin) if name else Unknown(f"{source} states {short_repr(count)} channels and not what they are")
    return channels, known_field("size", edges, origin)


def _crop(config: Mapping[str, Any], source: str) -> Field[Crop]:
    if config.get("crop_pct") is None:
        return Unknown(f"{source} does not state 'crop_pct'")
    crop = {"mode": config.get("crop_mode") or "center", "fraction": config["crop_pct"]}
    return known_field("crop", crop, f"{source}, key 'crop_pct'")


def crop_pct_of(crop: Crop, size: tuple[int, int]) -> float:
    """The fraction from which timm computes the same resized edge, ``floor(size / fraction)``.

    Raises :class:`SpecError` if no fraction gives that edge.
    """
    if crop.mode == "none":
        raise SpecError("a crop mode that timm has: center, squash or border", "no resize at all", "state a crop in the spec")
    if crop.resize is None:
        return crop.fraction
    wanted = crop.resize if len(crop.resize) == 2 else crop.resize * 2
    # The quotient may round up, and floor() then loses a pixel; a slightly smaller fraction does not.
    for fraction in (size[0] / wanted[0], size[0] / (wanted[0] + 1e-6)):
        if tuple(math.floor(edge / fraction) for edge in size) == wanted:
            return fraction
    found = f"{' x '.join(map(str, crop.resize))} for {size[0]} x {size[1]}"
    raise SpecError("a resized edge of floor(size / crop_pct), which is all that timm can state", found, "keep tare's own JSON")
