"""Size and crop out of a Hugging Face processor configuration, for the classes whose geometry the keys fix."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tare.errors import SpecError, short_repr
from tare.input_spec.fields import Crop, Field, Known, Unknown, edges, finite
from tare.input_spec.foreign import flag_of
from tare.input_spec.formats.hf_classes import (
    CROPPED_BY_BACKEND,
    DYNAMIC_KEYS,
    NEVER_CROPPED,
    NUMBER_IS_SHORTER_EDGE,
    OWN_RESIZE,
    PADDED_FIRST,
    UNFIXED,
)

SizeAndCrop = tuple[Field[tuple[int, int]], Field[Crop]]

#: Keys of what ``do_pad`` pads to; without one nothing is padded.
_PADDED_TO = ("pad_size", "size_divisor")
#: From this edge on, ConvNext resizes both edges and crops nothing.
_CONVNEXT_SQUASH = 384


def size_and_crop(stem: str, config: Mapping[str, Any], source: str) -> SizeAndCrop:
    """Size and crop; unknown with the reason where they depend on the image. Raises :class:`SpecError` if malformed."""
    reason = _why_unfixed(stem, config, source)
    if reason is not None:
        return Unknown(reason), Unknown(reason)
    origin = f"{source}, keys 'size' and 'crop_size' as {stem} takes them"
    crops = flag_of(config, "do_center_crop", False, source) and stem not in NEVER_CROPPED
    cropped = _cropped(config, source) if crops else None
    if flag_of(config, "do_resize", False, source):
        return _resized(stem, cropped, config, source, origin)
    if cropped is None:
        return Unknown(f"{source} does not resize: the image's own size"), Known(Crop("none", 1.0), origin)
    return Known(cropped, origin), Unknown(f"{source} crops without resizing")


def _why_unfixed(stem: str, config: Mapping[str, Any], source: str) -> str | None:
    if stem in UNFIXED:
        return f"{UNFIXED[stem]} ({stem})"
    for key, reason in DYNAMIC_KEYS.items():
        if flag_of(config, key, False, source):
            return f"{source} sets {key!r}: {reason}"
    if flag_of(config, "do_pad", False, source) and stem in PADDED_FIRST:
        return f"{source} sets 'do_pad': {PADDED_FIRST[stem]} ({stem})"
    padded = next((key for key in _PADDED_TO if config.get(key) is not None), None)
    if padded is not None and flag_of(config, "do_pad", False, source):
        return f"{source} pads to {padded!r}"
    if flag_of(config, "do_center_crop", False, source) and stem in CROPPED_BY_BACKEND:
        return f"{source} sets 'do_center_crop': one backend of {stem} crops, the other does not"
    return None


def _resized(stem: str, cropped: tuple[int, int] | None, config: Mapping[str, Any], source: str, origin: str) -> SizeAndCrop:
    square = flag_of(config, "default_to_square", True, source) and stem not in NUMBER_IS_SHORTER_EDGE
    stated = _edges(config.get("size"), square, f"key 'size' of {source}")
    if stem == "ConvNext":
        return _convnext(stated, cropped, config, source, origin)
    resized = _enlarged(stem, stated, config, source) if stem in OWN_RESIZE else stated
    if resized and cropped is not None:
        return _cut(cropped, resized, source, origin)
    if any(edge % _multiple(config, source) for edge in resized):
        given = f"{short_repr(config.get('size'))}, rounded to multiples of {config['ensure_multiple_of']}"
        reason = Unknown(f"{source} resizes to {given}: each class rounds in its own way")
        return reason, reason
    if len(resized) == 2:
        return Known((resized[0], resized[1]), origin), Known(Crop("squash", 1.0), origin)
    reason = Unknown(f"{source} resizes to {short_repr(config.get('size'))} and crops nothing: the size depends on the image")
    return reason, reason


def _cut(cropped: tuple[int, int], resized: tuple[int, ...], source: str, origin: str) -> SizeAndCrop:
    """A centre crop of an image with both edges, or the shorter one, resized; what it lacks is padded."""
    size = Known(cropped, origin)
    lacks = [crop - edge for crop, edge in zip(cropped, resized * (3 - len(resized)), strict=True)]
    if any(lack > 0 and (len(resized) == 1 or lack % 2) for lack in lacks):
        edges = " x ".join(map(str, resized))
        return size, Unknown(f"{source} pads {edges} pixels to {cropped[0]} x {cropped[1]}; where differs by backend")
    return size, Known(Crop("center" if len(resized) == 1 else "squash", cropped[0] / resized[0], resized, "down"), origin)


def _enlarged(stem: str, stated: tuple[int, ...], config: Mapping[str, Any], source: str) -> tuple[int, ...]:
    """The edges to which Levit and PoolFormer resize: more than those stated, equal ones standing for the shorter."""
    if stem == "Levit":
        return (int((256 / 224) * stated[0]),) if len(stated) == 1 else stated
    if config.get("crop_pct") is None:
        return stated
    fraction = _fraction(config, source)
    larger = tuple(int(edge / fraction) for edge in stated)
    return larger[:1] if len(set(larger)) == 1 else larger


def _convnext(
    stated: tuple[int, ...], cropped: tuple[int, int] | None, config: Mapping[str, Any], source: str, origin: str
) -> SizeAndCrop:
    """ConvNext cuts a square as it resizes, and the centre crop, which is off by default, out of that."""
    if len(stated) != 1:
        given = short_repr(config.get("size"))
        raise SpecError(f"a 'shortest_edge' in 'size' of {source}, as ConvNext needs it", given, "correct it")
    edge = stated[0]
    if edge >= _CONVNEXT_SQUASH:
        if cropped is None:
            return Known((edge, edge), origin), Known(Crop("squash", 1.0), origin)
        return _cut(cropped, (edge, edge), source, origin)
    fraction = _fraction(config, source)
    larger = int(edge / fraction)
    if cropped is None:
        return Known((edge, edge), origin), Known(Crop("center", fraction, (larger,), "down"), origin)
    if any(crop > edge or (edge - crop) % 2 for crop in cropped):
        reason = f"{source} cuts {cropped[0]} x {cropped[1]} out of a crop of {edge} x {edge}, which is no single crop"
        return Known(cropped, origin), Unknown(reason)
    return Known(cropped, origin), Known(Crop("center", cropped[0] / larger, (larger,), "down"), origin)


def _multiple(config: Mapping[str, Any], source: str) -> int:
    key = "ensure_multiple_of"
    value = config.get(key, 1)
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise SpecError(f"a whole number {key!r} in {source}", short_repr(value), "correct it")
    return value


def _fraction(config: Mapping[str, Any], source: str) -> float:
    value = config.get("crop_pct")
    try:
        fraction = finite(value)
    except ValueError as error:
        raise SpecError(f"a 'crop_pct' in {source}", f"{short_repr(value)} ({error})", "correct it") from None
    if not 0 < fraction <= 1:
        raise SpecError(f"a 'crop_pct' above 0 and at most 1 in {source}", f"{fraction:g}", "correct it")
    return fraction


def _cropped(config: Mapping[str, Any], source: str) -> tuple[int, int]:
    value = config.get("crop_size")
    resized = _edges(value, True, f"key 'crop_size' of {source}")
    if len(resized) != 2:
        raise SpecError(f"height and width as 'crop_size' of {source}", short_repr(value), "correct it")
    return resized[0], resized[1]


def _edges(value: Any, square: bool, where: str) -> tuple[int, ...]:
    """``(height, width)``, ``(shortest edge,)``, or nothing where the size depends on the image otherwise."""
    try:
        if isinstance(value, bool) or value is None:
            raise ValueError("not a size")
        if isinstance(value, int):
            return edges([value, value] if square else [value], (1, 2))
        if isinstance(value, list | tuple):
            return edges(value)
        stated = {key: edge for key, edge in value.items() if edge is not None}
        if set(stated) == {"height", "width"}:
            return edges([stated["height"], stated["width"]])
        if set(stated) == {"shortest_edge"}:
            return edges([stated["shortest_edge"]], (1,))
    except (ValueError, AttributeError) as error:
        raise SpecError(f"a size ({where})", f"{short_repr(value)} ({error})", "correct it") from None
    return ()
