"""A Hugging Face ``preprocessor_config.json`` as fields of a specification, and back.

The configuration's class decides what its keys mean and which default an absent key has
(:mod:`tare.input_spec.formats.hf_classes`). A class or switch that is not in those tables makes the fields unknown.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tare.errors import SpecError, short_repr
from tare.input_spec.fields import Crop, Field, Known, Unknown
from tare.input_spec.foreign import Fields, flag_of, known_field, refuse_other, value_of
from tare.input_spec.formats.hf_classes import (
    DTYPES,
    GREY,
    HARMLESS_SWITCHES,
    MORE_CHANNELS,
    NEVER_NORMALISED,
    NEVER_RESCALED,
    NOT_ANTIALIASED,
    NULLS,
    OFFSET,
    REVERSED,
    REVERSED_FIRST,
    UNREAD_VALUES,
    VIDEOS,
    class_of,
    defaults_of,
    library,
)
from tare.input_spec.formats.hf_geometry import size_and_crop
from tare.input_spec.formats.timm import fields_of_pretrained_cfg

#: Pillow's numbers for a resize filter. Its nearest pixel is that under the centre, which torch calls nearest-exact.
RESAMPLE = ("nearest-exact", "lanczos", "bilinear", "bicubic", "box", "hamming")

_SWITCHES = frozenset(
    {"do_resize", "do_center_crop", "do_rescale", "do_normalize", "do_pad", "do_flip_channel_order", "do_grayscale"}
    | {"do_image_splitting", "do_split_image", "do_pan_and_scan", "do_thumbnail", "do_align_long_axis", "do_crop_margin"}
    | {"do_affine_transform"}
) | HARMLESS_SWITCHES  # fmt: skip
_STATING = frozenset({"image_processor_type", "feature_extractor_type", "image_mean", "image_std", "do_normalize", "do_resize"})
#: The fields that depend on a switch; on another one, all may.
_SWITCHED = {
    "do_normalize": ("mean", "std"),
    "do_rescale": ("scale", "mean", "std", "raw_dtype"),
    "do_resize": ("size", "crop", "interpolation", "antialias"),
    "do_center_crop": ("size", "crop"),
    "do_convert_rgb": (),
}
#: Layouts of clips; which axis is first is the model's, and the processor of videos gives time first.
_CLIPS = ("NCTHW", "NTCHW")
_ABLE = {
    "channels": ("RGB",), "raw_dtype": ("uint8",), "layout": ("NCHW", *_CLIPS), "dtype": ("float32",), "antialias": (True,),
    "interpolation": (*RESAMPLE, "nearest"),
}  # fmt: skip


def fields_of_processor_config(config: Any, source: str) -> Fields:
    """Read a processor configuration, or the one nested under ``image_processor`` in a ``processor_config.json``.

    Raises :class:`SpecError` for a value of the wrong type or out of range.
    """
    if not isinstance(config, Mapping):
        raise _not_a_processor(type(config).__name__, source)
    if isinstance(config.get("image_processor"), Mapping):
        return fields_of_processor_config(config["image_processor"], f"{source}, image_processor")
    for key in ("pretrained_cfg", "data_config"):  # TimmWrapperImageProcessor, and config.json beside timm's weights
        if isinstance(config.get(key), Mapping):
            return fields_of_pretrained_cfg(config[key], f"{source}, {key}")
    if not _STATING & set(config):
        raise _not_a_processor(f"the keys {', '.join(map(str, list(config)[:6]))}"[:160], source)
    named = config.get("image_processor_type", config.get("feature_extractor_type"))
    stem = class_of(named)
    strange = next((key for key, on in config.items() if _is_switch(key) and key not in _SWITCHES and on is True), None)
    if stem is None or strange is not None:
        return _unread(_why_unread(named, strange if stem else None, source), config, source)
    nulls = NULLS.get(stem, ())
    given = {key: value for key, value in config.items() if value is not None or key in nulls}
    defaults = defaults_of(stem)
    fields = _read(stem, {**defaults, **given}, set(given), source)
    for key in (key for key, value in config.items() if value is None and defaults.get(key) is True):
        # Off in transformers 5 and in the slow processors of 4, the class's default in the fast ones of 4.
        reason = f"{source} states null for {key!r}, which versions of transformers take for off or for on"
        fields |= dict.fromkeys(_SWITCHED.get(key, fields), Unknown(reason))
    return fields


def _not_a_processor(found: str, source: str) -> SpecError:
    return SpecError(f"an image processor's configuration in {source}", found, "name a preprocessor_config.json")


def _why_unread(named: Any, switch: str | None, source: str) -> str:
    """The reason why a configuration is not read: no class, an unknown class, or a ``switch`` that is not in the tables."""
    if not named:
        return f"{source} does not state image_processor_type"
    what = f"{source} sets {switch!r}" if switch else f"{source} names the class {short_repr(named)}"
    return f"{what}, and what it does is not known"


def processor_config_of(fields: Mapping[str, Field[Any]]) -> dict[str, Any]:
    """Write a ``preprocessor_config.json`` for a class that resizes, crops, rescales and normalises as its keys say.

    Raises :class:`SpecError` for specs that such a class cannot state (BGR, padding, another layout) and for every unknown field,
    since the class would take a default for it. Where a centre crop falls between two pixels, transformers rounds down.
    """
    target = "a preprocessor_config.json"
    refuse_other(fields, _ABLE, target)
    value_of(fields, "channels", target)
    size, crop = value_of(fields, "size", target), value_of(fields, "crop", target)
    mean, std, scale = (value_of(fields, name, target) for name in ("mean", "std", "scale"))
    filter_name = value_of(fields, "interpolation", target)
    layout = fields.get("layout")
    of_clips = isinstance(layout, Known) and layout.value in _CLIPS
    # ViT's class and CLIP's both do what every key says; they differ in what a size of one number means.
    of_images = "ViTImageProcessor" if crop.mode == "squash" else "CLIPImageProcessor"
    return {
        "image_processor_type": "VideoMAEImageProcessor" if of_clips else of_images,
        **_resize_keys(crop, size),
        "resample": RESAMPLE.index("nearest-exact" if filter_name == "nearest" else filter_name),
        "do_rescale": True,
        "rescale_factor": scale,
        "do_normalize": True,
        "image_mean": list(mean),
        "image_std": list(std),
        "do_convert_rgb": True,
    }


def _read(stem: str, config: Mapping[str, Any], given: set[str], source: str) -> Fields:
    def origin(key: str) -> str:
        return f"{source}, key {key!r}" if key in given else f"{library()}, what {stem}ImageProcessor takes for {key!r}"

    fields: Fields = _values(stem, config, origin, source)
    size, crop = size_and_crop(stem, config, source)
    resample = config.get("resample")
    fields["interpolation"] = _interpolation(resample, origin("resample"), f"{source} states no 'resample'")
    fields |= {"size": size, "crop": crop, "channels": _channels(stem, config, origin, source)}
    said = f"{library()}, {stem}ImageProcessor"
    fields["antialias"] = Known(stem not in NOT_ANTIALIASED, f"{said}: how it resizes")
    fields["raw_dtype"] = Known("uint8", f"{said}: images are 8-bit unless do_rescale is off")
    fields["dtype"] = Known("uint8" if _untouched(fields) else DTYPES.get(stem, "float32"), f"{said}: what it returns")
    layout = "NTCHW" if stem in VIDEOS else "NCHW"
    unfixed = isinstance(size, Unknown) and isinstance(crop, Unknown)
    fields["layout"] = crop if unfixed else Known(layout, f"{said}: what it returns")
    return fields


def _untouched(fields: Fields) -> bool:
    """Whether raw values pass unchanged; bytes then stay bytes."""
    stated = [fields[name].value if isinstance(fields[name], Known) else None for name in ("scale", "mean", "std")]
    return stated == [1.0, (0.0,) * 3, (1.0,) * 3]


def _values(stem: str, config: Mapping[str, Any], origin: Any, source: str) -> Fields:
    """Scale, mean and std of ``(scale v - mean) / std`` as the class computes it, in the channel order of its output."""
    if stem in UNREAD_VALUES:
        reason = Unknown(f"{UNREAD_VALUES[stem]} ({stem})")
        return {"scale": reason, "mean": reason, "std": reason}
    rescales = flag_of(config, "do_rescale", False, source) and stem not in NEVER_RESCALED
    factor = known_field("scale", config.get("rescale_factor"), origin("rescale_factor")) if rescales else None
    scale = factor or Known(1.0, f"{origin('do_rescale')}: raw values are not rescaled")
    shift = 1.0 if rescales and stem in OFFSET and flag_of(config, OFFSET[stem], False, source) else 0.0
    mean, std = _mean_and_std(stem, config, origin, source)
    if shift:
        mean = Known(tuple(m + shift for m in mean.value), f"{mean.origin}, and 1 for {OFFSET[stem]!r}")
    if _reverses(stem, config, source) and stem not in REVERSED_FIRST:  # the means were given in red, green, blue order
        mean, std = Known(mean.value[::-1], mean.origin), Known(std.value[::-1], std.origin)
    return {"scale": scale, "mean": mean, "std": std}


def _mean_and_std(stem: str, config: Mapping[str, Any], origin: Any, source: str) -> tuple[Known[Any], Known[Any]]:
    """Mean and std as the configuration gives them, in its order of channels; 0 and 1 without normalisation."""
    normalises = flag_of(config, "do_normalize", False, source) and stem not in NEVER_NORMALISED
    twice = stem == "EfficientNet" and flag_of(config, "include_top", False, source)
    if normalises:
        mean = known_field("mean", _three(config.get("image_mean")), origin("image_mean"))
        std = known_field("std", _three(config.get("image_std")), origin("image_std"))
    else:
        nothing = f"{origin('do_normalize')}: no mean is subtracted"
        mean, std = Known((0.0,) * 3, nothing), Known((1.0,) * 3, nothing)
    if twice:
        again = known_field("std", _three(config.get("image_std")), origin("image_std"))
        products = tuple(a * b for a, b in zip(std.value, again.value, strict=False))
        std = Known(products, f"{again.origin}, once more for 'include_top'")
    return mean, std


def _channels(stem: str, config: Mapping[str, Any], origin: Any, source: str) -> Field[str]:
    if stem in MORE_CHANNELS:
        return Unknown(f"{MORE_CHANNELS[stem]} ({stem})")
    if stem in GREY and flag_of(config, "do_grayscale", False, source):
        return Unknown(f"{origin('do_grayscale')}: the image is turned grey and repeated, which is no order of channels")
    if _reverses(stem, config, source):
        key = REVERSED[stem]
        return Known("BGR", origin(key) if isinstance(key, str) else f"{library()}, {stem}ImageProcessor reverses the channels")
    return Known("RGB", f"{library()}, {stem}ImageProcessor: images in red, green, blue order")


def _reverses(stem: str, config: Mapping[str, Any], source: str) -> bool:
    when = REVERSED.get(stem, False)
    return flag_of(config, when, False, source) if isinstance(when, str) else when


def _interpolation(value: Any, origin: str, missing: str) -> Field[str]:
    if value is None:
        return Unknown(missing)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < len(RESAMPLE):
        raise SpecError(f"a resize filter 0 to {len(RESAMPLE) - 1} ({origin})", short_repr(value), "correct it")
    return Known(RESAMPLE[value], origin)


def _three(value: Any) -> Any:
    """One number stands for all three channels."""
    return [value] * 3 if isinstance(value, int | float) and not isinstance(value, bool) else value


def _is_switch(key: Any) -> bool:
    return isinstance(key, str) and key.startswith("do_")


def _unread(reason: str, config: Mapping[str, Any], source: str) -> Fields:
    """Read mean and std only; every other field is unknown, since the class is."""
    nothing = Unknown(reason)
    names = ("channels", "scale", "size", "interpolation", "antialias", "crop", "layout", "dtype", "raw_dtype")
    fields: Fields = dict.fromkeys(names, nothing)
    for name, key in (("mean", "image_mean"), ("std", "image_std")):
        value = config.get(key)
        fields[name] = nothing if value is None else known_field(name, _three(value), f"{source}, key {key!r}")
    return fields


def _resize_keys(crop: Crop, size: tuple[int, int]) -> dict[str, Any]:
    wanted = {"height": size[0], "width": size[1]}
    if crop.mode == "none":
        return {"do_resize": False, "do_center_crop": False}
    resized = crop.resized(size)
    if crop.mode == "squash":
        box = {"height": resized[0], "width": resized[1]}
        return {"do_resize": True, "size": box, "do_center_crop": box != wanted, "crop_size": wanted}
    if crop.mode == "center" and len(resized) == 1:
        return {"do_resize": True, "size": {"shortest_edge": resized[0]}, "do_center_crop": True, "crop_size": wanted}
    found = f"{crop.mode} with the edges {' x '.join(map(str, resized))}"
    raise SpecError("a shorter edge, or height and width, to resize to", found, "keep the spec as tare's own JSON")
