"""timm's ``pretrained_cfg`` as fields of a specification, and back.

timm fills a missing mean or std with ImageNet's (``timm.data.resolve_data_config``), so that unknown and ImageNet look the
same afterwards. Here, a key that the configuration does not state is unknown, and an unknown field cannot be written.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from tare.errors import SpecError, short_repr
from tare.input_spec.fields import Crop, Field, Known, Unknown
from tare.input_spec.foreign import Fields, known_field, refuse_other, unit_constants, value_of
from tare.samples.constants import code_range

#: What timm's transforms do with every image that Pillow opens as grey or colours.
_ALWAYS: Mapping[str, Any] = {"scale": 1 / 255, "raw_dtype": "uint8", "layout": "NCHW", "dtype": "float32", "antialias": True}
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
    reason = why_not_images(config, fields["mean"], fields["std"], source)
    if reason is not None:
        return fields | dict.fromkeys(_ALWAYS, Unknown(reason))
    return fields | {name: Known(value, _LIBRARY) for name, value in _ALWAYS.items()}


def why_not_images(config: Mapping[str, Any], mean: Field[Any], std: Field[Any], source: str) -> str | None:
    """Why the input is not what timm's own transforms make of 8-bit images; None if nothing speaks against them.

    Constants above those of unit values, named bands, and other numbers of channels than 1 and 3 speak against them.
    """
    stated = [value.value if isinstance(value, Known) else () for value in (mean, std)]
    if code_range(*stated) is not None:
        largest = max(map(abs, (*stated[0], *stated[1])))
        looks = ", which look like 0..255 values" if 30 < largest <= 255 and min(stated[0], default=0.0) >= 0 else ""
        return f"{source} has constants up to {largest:g}, which are not of unit values{looks}; it does not state their scale"
    if config.get("bands") is not None:
        return f"{source} names bands, and neither the type of their raw values nor a scale"
    count = _count(config)
    if count not in (None, 1, 3):
        return f"{source} states {short_repr(count)} channels, and timm's transforms make 1 or 3; nobody states the scale"
    return None


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
    """Channels and size: ``input_size``, the names in ``bands``, the number ``in_chans``, the edge ``img_size``."""
    value, edge = config.get("input_size"), config.get("img_size")
    if value is not None:
        origin = f"{source}, key 'input_size'"
        if not isinstance(value, list | tuple) or len(value) != 3:
            raise SpecError(f"channels, height and width ({origin})", short_repr(value), "correct it")
        size: Field[Any] = known_field("size", list(value[1:]), origin)
    elif edge is not None:
        edges = list(edge) if isinstance(edge, list | tuple) else [edge, edge]
        size = known_field("size", edges, f"{source}, key 'img_size'")
    else:
        size = Unknown(f"{source} does not state 'input_size'")
    return _channels(config, source), size


def _channels(config: Mapping[str, Any], source: str) -> Field[str]:
    """The names of bands, else grey or red, green, blue where there are one or three channels."""
    bands, count = config.get("bands"), _count(config)
    if bands is not None:
        return _bands(bands, config, f"{source}, key 'bands'")
    if count is None:
        return Unknown(f"{source} does not state 'input_size'")
    name = {1: "L", 3: "RGB"}.get(count) if isinstance(count, int) and not isinstance(count, bool) else None
    key = "in_chans" if config.get("in_chans") is not None else "input_size"
    return (
        Known(name, f"{source}, key {key!r}")
        if name
        else Unknown(f"{source} states {short_repr(count)} channels and not what they are")
    )


def _bands(bands: Any, config: Mapping[str, Any], origin: str) -> Field[str]:
    """Names of bands, joined by commas. Raises :class:`SpecError` if the configuration states another number of channels."""
    if not isinstance(bands, list | tuple) or not bands or not all(isinstance(band, str | int) for band in bands):
        raise SpecError(f"a list of names ({origin})", short_repr(bands), "correct it")
    counts = [len(config[key]) for key in ("mean", "std") if isinstance(config.get(key), list | tuple)]
    counts += [count] if isinstance(count := _count(config), int) else []
    wrong = next((count for count in counts if count not in (1, len(bands))), None)
    if wrong is not None:
        raise SpecError(f"as many channels as {origin}, {len(bands)}", f"{wrong}", "correct the configuration")
    return known_field("channels", ",".join(str(band).replace(",", " ") for band in bands), origin)


def _count(config: Mapping[str, Any]) -> Any:
    """The number of channels as the configuration states it, whatever it is; None if it does not."""
    if config.get("in_chans") is not None:
        return config["in_chans"]
    size = config.get("input_size")
    return size[0] if isinstance(size, list | tuple) and size else None


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
