"""Which kind of difference the figures of a comparison show: content, gain, offset, units, none, or none that can be told.

Data recorded by another sensor are affinely related, x -> a x + b: so are their quantiles, whatever is in the pictures.
Other content changes the shape. The verdict is held to what the figures can carry: without quantiles, or with too few
samples to see the shape, it is ``unclear``.
"""

from __future__ import annotations

import math

from tare.comparing.result import ChannelShift, Fit, ShiftKind

# Ratios of stds that a change of units makes, and content or exposure hardly: beyond a factor of eight, either way.
_LARGE = 8.0
# Known factors between units: bit depths and their ranges, per cent, per mille, degrees per radian.
_FACTORS = {
    4.0: "2 bits, 14 in 16",
    16.0: "4 bits, 12 in 16",
    64.0: "6 bits, 10 in 16",
    255.0: "8-bit levels against [0, 1]",
    65535.0: "16-bit levels against [0, 1]",
    100.0: "per cent, or centimetres and metres",
    1000.0: "per mille, or milli",
    180 / math.pi: "degrees against radians",
}
# Shape can be judged only where sampling leaves less than this uncertain, in units of the std.
_SHARPEST = 0.2
# A gain is held against the known factors only where it is known to this share.
_WELL_KNOWN = 0.05


def verdict_of(channels: tuple[ChannelShift, ...]) -> tuple[ShiftKind, str]:
    """Name the kind of difference that measured channels show together, and the evidence in one line."""
    if any(math.isnan(end) for channel in channels for end in (channel.shift.low, channel.ratio.low)):
        return "unclear", "one of the two has no standard errors (fewer than two samples)"
    units = _units(channels)
    if units:
        return "units", units
    fits = [channel.fit for channel in channels if channel.fit is not None]
    name, misfit = max(
        ((c.name, c.fit.misfit) for c in channels if c.fit is not None), key=lambda found: found[1], default=("", 0.0)
    )
    if misfit > 1:
        most = f", most in {name}" if len(channels) > 1 else ""
        return "content", (
            f"the shape differs{most}: quantiles lie up to {misfit:.3g} times as far from one line as sampling and rounding "
            "explain (other content, or a tone curve that is no line)"
        )
    if not any(channel.differs for channel in channels):
        return "no difference shown", "every interval holds no shift and a ratio of 1"
    return _of_one_shape(channels, fits)


def verdict_of_constants(channels: tuple[ChannelShift, ...]) -> tuple[ShiftKind, str]:
    """Name the kind of difference between two published constants, which have no sampling error, and the evidence in one line."""
    if any(channel.differs for channel in channels):
        return (
            "unclear",
            "the figures differ by more than their rounding, but two stated constants do not say how well samples fix them",
        )
    return "no difference shown", "the figures are the same to their rounding"


def _of_one_shape(channels: tuple[ChannelShift, ...], fits: list[Fit]) -> tuple[ShiftKind, str]:
    """Name the line that relates the quantiles, where no difference in shape was seen and one could have been."""
    if len(fits) < len(channels):
        return "unclear", "mean or std differ, but there are too few quantiles to tell content from gain or offset"
    if max(fit.blur for fit in fits) > _SHARPEST:
        return "unclear", "mean or std differ, but too few samples were measured to tell content from gain or offset"
    gains, offsets = (
        ", ".join(f"{value:.3g}" for value in column) for column in ((f.gain for f in fits), (f.offset for f in fits))
    )
    shape = "the shape is the same to what sampling and rounding explain"
    known = _known_line(fits)
    if known:
        return "units", f"{shape}, and values are multiplied by {gains}: {known}"
    gain = any(abs(fit.gain - 1) > fit.gain_error for fit in fits)
    offset = any(abs(fit.offset) > fit.offset_error for fit in fits)
    gain_error, offset_error = max(fit.gain_error for fit in fits), max(fit.offset_error for fit in fits)
    found: dict[tuple[bool, bool], tuple[ShiftKind, str]] = {
        (True, True): ("gain and offset", f"gain {gains}, offset {offsets}"),
        (True, False): ("gain", f"gain {gains}, and no offset beyond {offset_error:.2g}"),
        (False, True): ("offset", f"offset {offsets}, and no gain beyond {gain_error:.1%}"),
        (False, False): ("unclear", "the line through the quantiles shows neither gain nor offset"),
    }
    kind, line = found[gain, offset]
    return kind, f"{shape}; {line}"


def _known_line(fits: list[Fit]) -> str:
    """Name the change of units that a line is known to be, within its errors and 5%; a gain of two alone may be exposure."""
    if max(fit.gain_error / abs(fit.gain) for fit in fits) > _WELL_KNOWN:
        return ""
    for gain, offset in ((2.0, -1.0), (0.5, 0.5)):
        if all(abs(f.gain - gain) <= f.gain_error and abs(f.offset - offset) <= f.offset_error for f in fits):
            return "[0, 1] against [-1, 1]"
    if any(abs(fit.offset) > fit.offset_error for fit in fits):
        return ""
    return _known_factor([fit.gain for fit in fits], max(fit.gain_error / abs(fit.gain) for fit in fits))


def _units(channels: tuple[ChannelShift, ...]) -> str:
    """Say why a difference looks like another unit: one very large ratio of stds in all channels."""
    ratios = [channel.ratio.estimate for channel in channels]
    certain = all(c.ratio.low > _LARGE for c in channels) or all(c.ratio.high < 1 / _LARGE for c in channels)
    if not certain or max(ratios) > 2 * min(ratios):
        return ""
    nearest = _known_factor(ratios, 0.25) or "no usual factor is within a quarter of it"
    return f"stds differ by a factor of {_geometric_mean(ratios):.3g} in all channels: {nearest}"


def _known_factor(ratios: list[float], tolerance: float) -> str:
    """Name the usual factor nearest to all ratios, within a relative tolerance, or return an empty text."""
    if min(ratios) <= 0:
        return ""
    found = _geometric_mean(ratios)
    factor = min(_FACTORS, key=lambda f: abs(abs(math.log(found)) - math.log(f)))
    away = max(abs(abs(math.log(ratio)) - math.log(factor)) for ratio in ratios)
    return f"near {factor:.4g} ({_FACTORS[factor]})" if away <= math.log1p(tolerance) else ""


def _geometric_mean(values: list[float]) -> float:
    return math.exp(math.fsum(map(math.log, values)) / len(values))
