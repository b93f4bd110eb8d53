"""Size and crop out of a Hugging Face processor configuration, for the classes whose geometry the keys fix."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tare.errors import SpecError, short_repr
from tare.input_spec.fields import Crop, Field, Known, Unknown, edges, finite
from tare.input_spec.foreign import flag_of
from tare.input_spec.formats.hf_classes import DYNAMIC_KEYS, OWN_RESIZE, UNFIXED

SizeAndCrop = tuple[Field[tuple[int, int]], Field[Crop]]

#: From this edge on, ConvNext resizes both edges and crops nothing.
_CONVNEXT_SQUASH = 384


def size_and_crop(stem: str, config: Mapping[str, Any], source: str) -> SizeAndCrop:
    """Size and crop; unknown with the reason where they depend on the image. Raises :class:`SpecError` if malformed."""
    reason = _why_unfixed(stem, config, source)
    if reason is not None:
        return Unknown(reason), Unknown(reason)
    origin = f"{source}, keys 'size' and 'crop_size' as {stem} takes them"
    crops = flag_of(config, "do_center_crop", False, source) and stem != "ConvNext"
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
    if flag_of(config, "do_pad", False, source) and config.get("pad_size") is not None:
        return f"{source} pads to 'pad_size'"
    return None


def _resized(stem: str, cropped: tuple[int, int] | None, config: Mapping[str, Any], source: str, origin: str) -> SizeAndCrop:
    square = flag_of(config, "default_to_square", True, source)
    resized = _edges(config.get("size"), square, f"key 'size' of {source}")
    if stem in OWN_RESIZE and (stem, config.get("crop_pct")) != ("PoolFormer", None):  # which then resizes as others do
        size, crop = _own(stem, resized, cropped, config, source)
        return Known(size, origin), Known(crop, origin)
    if len(resized) == 2:
        size = cropped or (resized[0], resized[1])
        crop = Crop("squash", size[0] / resized[0], resized, "down") if cropped else Crop("squash", 1.0)
        return Known(size, origin), Known(crop, origin)
    if resized and cropped is not None:
        return Known(cropped, origin), Known(Crop("center", cropped[0] / resized[0], resized, "down"), origin)
    reason = Unknown(f"{source} resizes to {short_repr(config.get('size'))} and crops nothing: the size depends on the image")
    return reason, reason


def _own(
    stem: str, resized: tuple[int, ...], cropped: tuple[int, int] | None, config: Mapping[str, Any], source: str
) -> tuple[tuple[int, int], Crop]:
    """The classes that resize the shorter edge to more than they keep."""
    if len(resized) != 1 and stem != "PoolFormer":
        raise SpecError(
            f"a 'shortest_edge' in 'size' of {source}, as {stem} needs it", short_repr(config.get("size")), "correct it"
        )
    edge = resized[0]
    if stem == "ConvNext":
        if edge >= _CONVNEXT_SQUASH:
            return (edge, edge), Crop("squash", 1.0)
        fraction = _fraction(config, source)
        return (edge, edge), Crop("center", fraction, (int(edge / fraction),), "down")
    larger = int((256 / 224) * edge) if stem == "Levit" else int(edge / _fraction(config, source))
    if cropped is None or len(set(resized)) > 1:
        raise SpecError(f"a square 'size' and a 'crop_size' in {source}, as {stem} needs them", "another", "correct it")
    return cropped, Crop("center", cropped[0] / larger, (larger,), "down")


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
