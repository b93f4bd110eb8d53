"""Which gross mistake the range and the spread of values show where no grid of 8-bit values is left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tare.input_spec.affine import Affine
from tare.normalisation.diagnosis import GROSS

# In shares of the raw range, and of the values. Bicubic resizing overshoots by up to a fifth.
_OVERSHOOT, _OUTSIDE = 0.25, 0.05
_END = 0.02
# A mistake explains the values if, taken back, they fill the raw range like images: most of it, and neither black nor white.
_FILLED, _LEAST_STD = 0.6, 0.08
# Values spread over less than this share of the raw range are dark or flat images, or were scaled too small.
_NARROW = 0.6


@dataclass(frozen=True, slots=True)
class GrossMistake:
    """The map that explains the values, or else a code with its own words."""

    fed: Affine | None
    code: str = ""
    message: str = ""
    remedy: str = ""


def gross_mistake(
    images: Sequence[NDArray[np.float32]], expected: Affine, maps: Sequence[tuple[str, Affine]]
) -> GrossMistake | None:
    """The mistake that images ``(C, n)`` show; None if they may be images as the network expects them.

    Values far outside of what any raw value becomes are always wrong. Values inside are wrong only if they are spread over a
    part of the range which another map fills from end to end.
    """
    pixels = [np.concatenate(channel) for channel in zip(*images, strict=True)]
    inside = _outside(images, expected) <= _OUTSIDE
    if inside and _spread(pixels, expected) > _NARROW:
        return None
    candidates = [(kind, each) for kind, each in maps if kind in GROSS and _explains(pixels, each, exact=inside)]
    kinds = {kind for kind, _ in candidates}
    if len(kinds) == 1 or (kinds and inside):
        return GrossMistake(candidates[0][1])
    return None if inside else _beyond_the_range(np.concatenate(pixels), expected)


def is_narrow(images: Sequence[NDArray[np.float32]], expected: Affine) -> bool:
    """Whether images ``(C, n)`` are spread over a small part of the range of raw values, which other maps make of it, too."""
    return _spread([np.concatenate(channel) for channel in zip(*images, strict=True)], expected) <= _NARROW


def _beyond_the_range(values: NDArray[np.float32], expected: Affine) -> GrossMistake:
    """Values that no single mistake explains and no raw value becomes."""
    low, high = (float(np.quantile(values, q)) for q in (0.005, 0.995))
    ends = [scale * raw + shift for scale, shift in zip(expected.scale, expected.shift, strict=True) for raw in (0, 255)]
    range_of_network = f"the network was trained with {min(ends):.4g} to {max(ends):.4g}"
    if all(shift == 0 for shift in expected.shift) and low < -_OVERSHOOT * max(ends):
        said = f"values from {low:.4g} to {high:.4g} look normalised, and {range_of_network}: it normalises inside"
        return GrossMistake(None, "TARE003", said, "remove the Normalize from the pipeline")
    said = f"values from {low:.4g} to {high:.4g} are beyond what any raw value becomes: {range_of_network}"
    return GrossMistake(None, "TARE010", said, "compare the pipeline with the network: `tare check`")


def _raw(values: NDArray[np.floating[Any]], affine: Affine, channel: int) -> NDArray[np.float64]:
    """The raw levels, in shares of the raw range, that values come from."""
    return (values.astype(np.float64) - affine.shift[channel]) / (255 * affine.scale[channel])


def _outside(images: Sequence[NDArray[np.float32]], affine: Affine) -> float:
    """The share of values that no raw value becomes, in the channel where it is greatest, for the lower quartile of the images.

    Mistakes are made with every image; boxes that training fills with noise are in some of them.
    """
    return float(np.quantile(np.stack([beyond(image, affine) for image in images]), 0.25, axis=0).max())


def beyond(image: NDArray[np.float32], affine: Affine) -> NDArray[np.float64]:
    """The share of the values of an image ``(C, n)`` that no raw value becomes, for each channel."""
    return np.asarray(are_beyond(image, affine).mean(axis=1))


def are_beyond(values: NDArray[np.floating[Any]], affine: Affine) -> NDArray[np.bool_]:
    """Which values ``(C, n)`` no raw value becomes."""
    raw = np.stack([_raw(each, affine, channel) for channel, each in enumerate(values)])
    return np.asarray((raw < -_OVERSHOOT) | (raw > 1 + _OVERSHOOT))


def _spread(pixels: Sequence[NDArray[np.float32]], affine: Affine) -> float:
    """The greatest share of the raw range, over channels, that the middle 98% of the values are spread over."""
    raw = [_raw(values, affine, c) for c, values in enumerate(pixels)]
    return max(float(np.ptp(np.quantile(each, (0.01, 0.99)))) for each in raw)


def _explains(pixels: Sequence[NDArray[np.float32]], affine: Affine, exact: bool) -> bool:
    """Whether the values, taken back by this map, look like images; ``exact``: both ends of the range are reached as well."""
    for channel, values in enumerate(pixels):
        raw = _raw(values, affine, channel)
        low, high = np.quantile(raw, (0.01, 0.99))
        if np.mean((raw < -_END) | (raw > 1 + _END)) > _OUTSIDE or high - low < _FILLED or raw.std() < _LEAST_STD:
            return False
        if exact and not (abs(raw.min()) < _END and abs(raw.max() - 1) < _END):
            return False
    return True
