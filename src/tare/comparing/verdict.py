"""The kind of difference that a comparison shows: content, gain, offset, units, no difference, or unclear.

Another sensor changes values by x -> a x + b, and the quantiles in the same way, whatever the pictures show. Other content
changes the shape of the distribution. Without quantiles, or with too few samples to see the shape, the verdict is ``unclear``.
"""

from __future__ import annotations

import math

from tare.comparing.result import ChannelShift, Fit, ShiftKind

# A change of units changes the std by more than this factor, up or down; content or exposure hardly ever do.
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
# A gain is compared with the known factors only if its relative error is below this.
_WELL_KNOWN = 0.05


def verdict_of(channels: tuple[ChannelShift, ...]) -> tuple[ShiftKind, str]:
    """Name the kind of difference that measured channels show together, and the evidence in one line."""
    if any(math.isnan(end) for channel in channels for end in (channel.shift.low, channel.ratio.low)):
        return "unclear", "one of the two datasets has no standard errors (fewer than two samples)"
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
            "explain (other content, or a nonlinear tone curve)"
        )
    if not any(channel.differs for channel in channels):
        return "no difference shown", "every interval holds no shift and a ratio of 1"
    return _of_one_shape(channels, fits)


def verdict_of_constants(channels: tuple[ChannelShift, ...]) -> tuple[ShiftKind, str]:
    """Name the kind of difference between two published constants, which have no sampling error, and the evidence in one line."""
    if any(channel.differs for channel in channels):
        return (
            "unclear",
            "the figures differ by more than their rounding, but published constants state no sampling error",
        )
    return "no difference shown", "the figures are the same to their rounding"


def _of_one_shape(channels: tuple[ChannelShift, ...], fits: list[Fit]) -> tuple[ShiftKind, str]:
    """Name the kind of difference if the shapes agree: gain, offset, both or units; ``unclear`` if shapes cannot be judged."""
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
    """Name the change of units that a line matches within its errors and 5%, else ``""``; a gain of two may be exposure."""
    if max(fit.gain_error / abs(fit.gain) for fit in fits) > _WELL_KNOWN:
        return ""
    for gain, offset in ((2.0, -1.0), (0.5, 0.5)):
        if all(abs(f.gain - gain) <= f.gain_error and abs(f.offset - offset) <= f.offset_error for f in fits):
            return "[0, 1] against [-1, 1]"
    if any(abs(fit.offset) > fit.offset_error for fit in fits):
        return ""
    return _known_factor([fit.gain for fit in fits], max(fit.gain_error / abs(fit.gain) for fit in fits))


def _units(channels: tuple[ChannelShift, ...]) -> str:
    """The evidence for a change of units: one very large ratio of stds in all channels; ``""`` without it."""
    ratios = [channel.ratio.estimate for channel in channels]
    certain = all(c.ratio.low > _LARGE for c in channels) or all(c.ratio.high < 1 / _LARGE for c in channels)
    if not certain or max(ratios) > 2 * min(ratios):
        return ""
    nearest = _known_factor(ratios, 0.25) or "no known factor lies within 25% of it"
    return f"stds differ by a factor of {_geometric_mean(ratios):.3g} in all channels: {nearest}"


def _known_factor(ratios: list[float], tolerance: float) -> str:
    """Name the known factor nearest to all ratios, within a relative tolerance; ``""`` if there is none."""
    if min(ratios) <= 0:
        return ""
    found = _geometric_mean(ratios)
    factor = min(_FACTORS, key=lambda f: abs(abs(math.log(found)) - math.log(f)))
    away = max(abs(abs(math.log(ratio)) - math.log(factor)) for ratio in ratios)
    return f"near {factor:.4g} ({_FACTORS[factor]})" if away <= math.log1p(tolerance) else ""


def _geometric_mean(values: list[float]) -> float:
    return math.exp(math.fsum(map(math.log, values)) / len(values))
