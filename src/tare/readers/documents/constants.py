"""JSON files that state a mean and a std: open_clip's configuration, and pairs of keys such as ``norm_mean`` and ``norm_std``."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from tare.errors import SpecError, short_repr
from tare.input_spec.fields import Crop, Field, Known, Unknown
from tare.input_spec.foreign import known_field
from tare.input_spec.spec import InputSpec
from tare.samples.constants import code_range

#: Keys of a mean and its std; several pairs that are there must state the same.
PAIRS = (
    ("image_mean", "image_std"), ("img_mean", "img_std"), ("norm_mean", "norm_std"), ("pixel_mean", "pixel_std"),
    ("normalize_mean", "normalize_std"), ("data_mean", "data_std"), ("mean", "std"),
)  # fmt: skip

#: Two numbers are the same constant, written with more digits or fewer, if they differ by less than this share.
_SAME = 1e-5
#: What ``open_clip.transform.PreprocessCfg`` takes for keys that a configuration leaves out.
_OPEN_CLIP: Mapping[str, Any] = {
    "mean": [0.48145466, 0.4578275, 0.40821073], "std": [0.26862954, 0.26130258, 0.27577711],
    "interpolation": "bicubic", "resize_mode": "shortest", "mode": "RGB",
}  # fmt: skip
_MODES = {"shortest": "center", "longest": "border", "squash": "squash"}
_LIBRARY = "open_clip's transforms: 8-bit images, scaled to [0, 1], as a float32 tensor"


def is_open_clip(document: Mapping[str, Any]) -> bool:
    """Whether a JSON document is an ``open_clip_config.json``."""
    return isinstance(document.get("preprocess_cfg"), Mapping)


def read_open_clip_document(document: Mapping[str, Any], source: str) -> InputSpec:
    """Read ``preprocess_cfg``; an absent key has the value that open_clip takes, and the size is the model's.

    Raises :class:`SpecError` for a value of the wrong type or out of range.
    """
    config: Mapping[str, Any] = document["preprocess_cfg"]

    def said(key: str) -> tuple[Any, str]:
        if config.get(key) is not None:
            return config[key], f"{source}, preprocess_cfg, key {key!r}"
        return _OPEN_CLIP[key], f"open_clip, what it takes where {source} does not state {key!r}"

    mean, std = (known_field(name, _each(said(name)[0]), said(name)[1]) for name in ("mean", "std"))
    order, order_origin = said("mode")
    size = _size(document, config, source)
    filter_name, filter_origin = said("interpolation")
    if filter_name == "random":
        filter_name, filter_origin = "bicubic", f"{filter_origin}: outside of training, open_clip takes bicubic for 'random'"
    mode, mode_origin = said("resize_mode")
    if not isinstance(mode, str) or mode not in _MODES:
        raise SpecError(f"{', '.join(_MODES)} ({mode_origin})", short_repr(mode), "correct it")
    fields: dict[str, Field[Any]] = {
        "mean": mean,
        "std": std,
        "size": size,
        "channels": Known("RGB", order_origin) if order == "RGB" else Unknown(f"{order_origin}: {short_repr(order)}"),
        "interpolation": known_field("interpolation", filter_name, filter_origin),
        "crop": Known(Crop(_MODES[mode], 1.0), mode_origin),
    }
    for name, value in {"scale": 1 / 255, "raw_dtype": "uint8", "layout": "NCHW", "dtype": "float32", "antialias": True}.items():
        fields[name] = Known(value, _LIBRARY)
    largest = code_range(mean.value, std.value)
    if largest is not None:
        fields["scale"] = Unknown(f"{source} has constants of 0..{largest} values, and open_clip scales to [0, 1]")
    return InputSpec(**fields).checked()  # type: ignore[arg-type]


def has_constants(document: Mapping[str, Any]) -> bool:
    """Whether a JSON document states a pair of mean and std, and is not one of tare's own."""
    return "schema" not in document and pair_of(document) is not None


def pair_of(document: Mapping[str, Any]) -> tuple[str, str] | None:
    """The keys of mean and std, None without such a pair."""
    return next((pair for pair in PAIRS if all(document.get(key) is not None for key in pair)), None)


def check_one_pair(document: Mapping[str, Any], source: str, read: Callable[[Any], Any] = lambda value: value) -> None:
    """Raise :class:`SpecError` with the list if a document with a pair states another mean or std; ``read`` reads a value."""
    pairs = (*PAIRS, ("means", "stds"))
    if not any(all(document.get(key) is not None for key in pair) for pair in pairs):
        return
    stated = [{key: read(document[key]) for key in keys if document.get(key) is not None} for keys in zip(*pairs, strict=True)]
    if all(_same(first, other) for first, *others in (values.values() for values in stated) for other in others):
        return
    listed = ", ".join(
        f"{key} {short_repr(values[key])}" for pair in pairs for key, values in zip(pair, stated, strict=True) if key in values
    )
    raise SpecError(f"one mean and std in {source}", listed, "leave those that the network takes")


def _same(one: Any, other: Any) -> bool:
    """Whether two values state the same constants: of the same channels, or one number for each of them."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        if one.keys() != other.keys():
            return False
        other = {name: other[name] for name in one}
    first, second = _listed(one), _listed(other)
    most = max(len(first), len(second))
    first, second = (each * most if len(each) == 1 else each for each in (first, second))
    return len(first) == len(second) and all(map(_close, first, second))


def _close(one: Any, other: Any) -> bool:
    if not (isinstance(one, int | float) and isinstance(other, int | float)):
        return False
    try:
        return math.isclose(one, other, rel_tol=_SAME)
    except OverflowError:  # a whole number that no float holds
        return one == other


def _listed(value: Any) -> list[Any]:
    if isinstance(value, Mapping):
        return [*value.values()]
    return [*value] if isinstance(value, list | tuple) else [value]


def read_constants_document(document: Mapping[str, Any], source: str) -> InputSpec:
    """Read mean and std of a JSON document that says no more; scale, order and the type of raw values are unknown.

    Raises :class:`SpecError` with the list if it states pairs of different constants.
    """
    pair = pair_of(document)
    if pair is None:
        raise SpecError(f"a mean and a std in {source}", "none", "name a spec, a model or a processor config")
    check_one_pair(document, source)
    mean, std = (document[key] for key in pair)
    stated: dict[str, Field[Any]] = {}
    if isinstance(mean, Mapping) and isinstance(std, Mapping):
        if set(mean) != set(std):
            raise SpecError(f"the same channels in {pair[0]!r} and {pair[1]!r} of {source}", "others", "correct the file")
        stated["channels"] = known_field("channels", ",".join(map(str, mean)), f"{source}, names in {pair[0]!r}")
        mean, std = [*mean.values()], [std[name] for name in mean]
    for name, key, value in (("mean", pair[0], mean), ("std", pair[1], std)):
        stated[name] = known_field(name, _each(value), f"{source}, key {key!r}")
    return of_pair(stated, source)


def of_pair(stated: Mapping[str, Field[Any]], source: str) -> InputSpec:
    """A specification of mean and std alone, which says what their size shows about the values that they are of."""
    values = [field.value for name, field in stated.items() if name != "channels" and isinstance(field, Known)]
    largest = code_range(*values)
    size = "" if largest is None else f"; they are not of unit values, and may be of 0..{largest} values"
    silent = Unknown(f"{source} states a mean and a std, and not of which values{size}")
    fields: dict[str, Any] = {**dict.fromkeys(("scale", "channels", "raw_dtype"), silent), **stated}
    return InputSpec(**fields).checked()


def _size(document: Mapping[str, Any], config: Mapping[str, Any], source: str) -> Field[Any]:
    """``image_size`` of ``vision_cfg``, which open_clip gives to its transforms; else ``size`` of ``preprocess_cfg``."""
    model = document.get("model_cfg")
    vision = model.get("vision_cfg") if isinstance(model, Mapping) else None
    edge, where = (vision.get("image_size") if isinstance(vision, Mapping) else None), "vision_cfg, key 'image_size'"
    if edge is None:
        edge, where = config.get("size"), "preprocess_cfg, key 'size'"
    if edge is None:
        return Unknown(f"{source} does not state 'size'")
    return known_field("size", list(edge) if isinstance(edge, list | tuple) else [edge, edge], f"{source}, {where}")


def _each(value: Any) -> Any:
    return [value] if isinstance(value, int | float) and not isinstance(value, bool) else value
