"""What a pipeline is fed to check it: raw values, channels and axes as the network's specification states them."""

from __future__ import annotations

import math

from tare.input_spec.affine import Affine
from tare.input_spec.spec import InputSpec, Known
from tare.normalisation.diagnosis import EIGHT_BITS, RawRange
from tare.pipelines.probe import Probe, probe_for

_AROUND = 3.0
_NEAR = 0.01


def probe_of(spec: InputSpec) -> Probe:
    """The samples that the network takes; 8-bit images where nobody states its raw values."""
    dtype = spec.raw_dtype.value if isinstance(spec.raw_dtype, Known) else "uint8"
    raw = raw_range_of(spec)
    layout = spec.layout.value if isinstance(spec.layout, Known) else None
    return probe_for(layout, spec.channel_count(), dtype, raw.low, raw.high)


def raw_range_of(spec: InputSpec) -> RawRange:
    """The raw values over which maps are compared: those of an unsigned type, else three stds around the mean."""
    stated = spec.raw_range()
    if isinstance(spec.raw_dtype, Known) and stated is not None and stated[0] == 0 and stated[1] > 1:
        high = float(stated[1])
        largest = high if _is_scale(spec, 1 / high) else float(2 ** (8 * _bytes(spec.raw_dtype.value)) - 1)
        return EIGHT_BITS if high == 255 == largest else RawRange(0.0, high, 1 / largest, largest)
    if not isinstance(spec.raw_dtype, Known):
        return EIGHT_BITS
    affine = spec.affine_if_known()
    if affine is None:
        return RawRange(0.0, 1.0, 1.0)
    ends = [(side * _AROUND - b) / a for a, b in zip(affine.scale, affine.shift, strict=True) for side in (-1, 1) if a]
    low, high = (min(ends), max(ends)) if ends else (0.0, 1.0)
    if stated is not None:  # signed integers: the constants' own surroundings, in whole numbers that there are
        low, high = math.floor(max(low, stated[0])), math.ceil(min(high, stated[1]))
    return RawRange(float(low), float(high), 1.0)


def of_raw(affine: Affine, raw: RawRange) -> Affine:
    """The map from raw values, of one from levels 0 to 255 that lie evenly in their range."""
    if raw.low == 0 and raw.high == 255:
        return affine
    times = 255 / raw.width
    shift = tuple(b - a * times * raw.low for a, b in zip(affine.scale, affine.shift, strict=True))
    return Affine(affine.order, tuple(a * times for a in affine.scale), shift)


def _is_scale(spec: InputSpec, scale: float) -> bool:
    return isinstance(spec.scale, Known) and abs(spec.scale.value / scale - 1) < _NEAR


def _bytes(dtype: str) -> int:
    return {"uint8": 1, "uint16": 2, "uint32": 4, "uint64": 8}.get(dtype, 1)
