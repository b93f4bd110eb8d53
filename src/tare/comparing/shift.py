"""How one dataset differs from another: shift and ratio per channel with intervals, and what kind of difference it looks like.

Data recorded by another sensor are affinely related, x -> a x + b: so are their quantiles, whatever is in the pictures.
Other content changes the shape. The verdict is held to what the figures can carry: without quantiles, or with too few
samples to see the shape, it is ``unclear``.
"""

from __future__ import annotations

import math
import re
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from tare.errors import DataError
from tare.statistics.dataset_stats import ChannelStats, DatasetStats
from tare.statistics.intervals import Interval

SCHEMA = "tare.compare/1"

Kind = Literal["no difference shown", "content", "gain", "offset", "gain and offset", "units", "unclear"]

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
_FEWEST_POINTS = 4
# Names that a file does not state: channels of these are paired by their place.
_UNNAMED = re.compile(r"red|green|blue|grey|c\d+|log-mel")
_COLUMNS = "choose the columns with `tare measure --columns A,B --out FILE`, and compare the files"
# A gain is held against the known factors only where it is known to this share.
_WELL_KNOWN = 0.05


@dataclass(frozen=True, slots=True)
class Fit:
    """The line ``b = gain * a + offset`` through two channels' quantiles (unit values) that touch no end of the range.

    ``misfit`` is the largest distance of a quantile from it over what sampling and rounding explain (above 1: the shape
    differs); ``blur`` is the median explained distance, in units of the target's std. The errors are half-widths.
    """

    gain: float
    offset: float
    gain_error: float
    offset_error: float
    misfit: float
    blur: float


@dataclass(frozen=True, slots=True)
class ChannelShift:
    """One channel: shift of the mean in units of source std, ratio of stds (target over source), and the quantiles' fit.

    ``kind`` is what this channel looks like by itself; its intervals are those that hold for all channels at once.
    """

    name: str
    shift: Interval
    ratio: Interval
    fit: Fit | None
    kind: Kind = "unclear"

    @property
    def differs(self) -> bool:
        """Whether the interval of the shift leaves out 0, or that of the ratio leaves out 1."""
        return not (self.shift.low <= 0 <= self.shift.high) or not (self.ratio.low <= 1 <= self.ratio.high)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Source against target: all intervals hold at once with ``confidence``; ``reason`` gives the evidence in one line."""

    source: DatasetStats
    target: DatasetStats
    channels: tuple[ChannelShift, ...]
    kind: Kind
    reason: str
    confidence: float

    @property
    def clean(self) -> bool:
        """Whether no difference was shown; what is unclear is not clean."""
        return self.kind == "no difference shown"

    def to_json(self) -> dict[str, Any]:
        """The comparison as a JSON object with schema ``tare.compare/1``, both statistics included; NaN becomes null."""
        return {
            "schema": SCHEMA,
            "kind": self.kind,
            "reason": self.reason,
            "confidence": self.confidence,
            "channels": [_finite({**asdict(channel), "differs": channel.differs}) for channel in self.channels],
            "source": self.source.to_json(),
            "target": self.target.to_json(),
        }


def compare(source: DatasetStats, target: DatasetStats, confidence: float = 0.95) -> Comparison:
    """Compare two datasets that were sampled independently.

    Shift d = (m1 - m0)/s0 with Var(d) = (SE(m1)^2 + SE(m0)^2)/s0^2 + d^2 (SE(s0)/s0)^2; the ratio of stds on the log scale,
    with Var = (SE(s1)/s1)^2 + (SE(s0)/s0)^2 (delta method, the covariance of a mean with its std left out). Student's t
    with the degrees of freedom of the smaller dataset, at once for all 2C figures (Bonferroni). Columns of tables are paired
    by their names. A published constant of n0 samples is one draw, known as well as n0 of the other's samples would be.

    Raises :class:`DataError` if the channels cannot be paired, or a std is zero or unknown.
    """
    target = _paired(source, target)
    _check(source, target)
    z = _quantile(source, target, confidence)
    pairs = zip(_sampled(source, target), _sampled(target, source), strict=True)
    channels = tuple(_channel(a, b, z, _step(source), _step(target)) for a, b in pairs)
    judge = _of_constants if _stated(source) and _stated(target) else _verdict
    channels = tuple(replace(channel, kind=judge((channel,))[0]) for channel in channels)
    kind, reason = judge(channels)
    return Comparison(source, target, channels, kind, reason, confidence)


def _paired(source: DatasetStats, target: DatasetStats) -> DatasetStats:
    """The target with its channels in the order of the source's names, where both were named by their files."""
    mine, theirs = ([channel.name for channel in stats.channels] for stats in (source, target))
    unnamed = [_UNNAMED.fullmatch(name) is not None for name in (*mine, *theirs)]
    by_name = {channel.name: channel for channel in target.channels}
    if len(by_name) == len(theirs) and sorted(mine) == sorted(theirs):
        return replace(target, channels=tuple(by_name[name] for name in mine))
    if not any(unnamed):
        odd = [repr(name) for name in (*mine, *theirs) if (name in mine) != (name in theirs)]
        raise DataError(
            "the same columns in both",
            f"{', '.join(odd[:5])} in one of {source.source!r} and {target.source!r}",
            _COLUMNS,
        )
    if len(mine) != len(theirs):
        raise DataError(
            "two datasets with the same number of channels",
            f"{len(mine)} in {source.source!r} and {len(theirs)} in {target.source!r}",
            "convert one with --channels rgb or --channels grey" if all(unnamed) else _COLUMNS,
        )
    return target


def _sampled(stats: DatasetStats, other: DatasetStats) -> tuple[ChannelStats, ...]:
    """The channels, those of a published constant with the sampling error that as many of the other's samples have."""
    if not stats.samples or not other.samples or not _stated(stats) or _stated(other):
        return stats.channels
    share = math.sqrt(other.samples / stats.samples)
    return tuple(
        replace(a, mean_se=math.hypot(a.mean_se, share * b.mean_se), std_se=math.hypot(a.std_se, share * b.std_se))
        for a, b in zip(stats.channels, other.channels, strict=True)
    )


def _stated(stats: DatasetStats) -> bool:
    """Whether the moments were published, with no values behind them here."""
    return not any(channel.count for channel in stats.channels)


def _of_constants(channels: tuple[ChannelShift, ...]) -> tuple[Kind, str]:
    if any(channel.differs for channel in channels):
        return (
            "unclear",
            "the figures differ by more than their rounding, but two stated constants do not say how well samples fix them",
        )
    return "no difference shown", "the figures are the same to their rounding"


def _finite(value: Any) -> Any:
    """NaN and infinities become None, in nested objects too."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _check(source: DatasetStats, target: DatasetStats) -> None:
    for stats in (source, target):
        if not stats.channels:
            raise DataError("statistics of at least one channel", f"none in those of {stats.source!r}", "measure the data again")
        for channel in stats.channels:
            if (channel.nan or channel.inf) and math.isnan(channel.std):
                raise DataError(
                    "a mean and std in every channel",
                    f"{channel.nan} NaN and {channel.inf} infinite values in channel {channel.name!r} of {stats.source!r}",
                    "measure it with --exclude-nan --out FILE, and compare the file",
                )
            if not channel.std > 0:
                raise DataError(
                    "a std above zero in every channel",
                    f"{channel.std:g} in channel {channel.name!r} of {stats.source!r}",
                    "leave the constant channel out",
                )


def _quantile(source: DatasetStats, target: DatasetStats, confidence: float) -> float:
    from scipy import stats

    # A published constant may not say how many samples it comes from; then the other side decides.
    samples = min((s.samples for s in (source, target) if s.samples), default=2)
    return float(stats.t.ppf(1 - (1 - confidence) / (4 * len(source.channels)), max(1, samples - 1)))


def _step(stats: DatasetStats) -> float:
    """The distance between two neighbouring values, unit values."""
    return {"uint8": 1 / 255, "uint16": 1 / 65535}.get(stats.dtype, 0.0)


def _channel(a: ChannelStats, b: ChannelStats, z: float, step_a: float, step_b: float) -> ChannelShift:
    d, ratio = (b.mean - a.mean) / a.std, b.std / a.std
    half = z * math.sqrt((b.mean_se**2 + a.mean_se**2) / a.std**2 + (d * a.std_se / a.std) ** 2)
    factor = math.exp(min(700.0, z * math.hypot(b.std_se / b.std, a.std_se / a.std)))
    return ChannelShift(
        a.name, Interval(d, d - half, d + half), Interval(ratio, ratio / factor, ratio * factor), _fit(a, b, z, step_a, step_b)
    )


def _fit(a: ChannelStats, b: ChannelStats, z: float, step_a: float, step_b: float) -> Fit | None:
    """Fit a line through the quantiles of both, weighting each by how well it is known."""
    common = [key for key in a.quantiles if key in b.quantiles]
    inside = [key for key in common if _inside(a, a.quantiles[key], step_a) and _inside(b, b.quantiles[key], step_b)]
    if len(inside) < _FEWEST_POINTS:
        return None
    x, y = (np.array([c.quantiles[key] for key in inside]) for c in (a, b))
    slope = b.std / a.std
    errors = np.hypot(z * slope * _errors(a, inside), z * _errors(b, inside)) + (slope * step_a + step_b) / 2
    if not np.isfinite(errors).all() or np.ptp(x) == 0:
        return None
    errors = np.maximum(errors, 1e-9 * b.std)  # values that are known exactly are still rounded as doubles
    gain, offset = np.polyfit(x, y, 1, w=1 / errors)
    misfit = float(np.max(np.abs(y - gain * x - offset) / errors))
    relative = z * math.hypot(a.std_se / a.std, b.std_se / b.std) + (step_a / a.std + step_b / b.std) / 2
    gain_error = abs(float(gain)) * relative
    offset_error = math.hypot(z * math.hypot(b.mean_se, gain * a.mean_se), gain_error * a.mean) + step_b + abs(gain) * step_a
    return Fit(float(gain), float(offset), gain_error, float(offset_error), misfit, float(np.median(errors) / b.std))


def _inside(channel: ChannelStats, value: float, step: float) -> bool:
    """Whether a quantile lies off the channel's extremes, where clipping may have moved it."""
    return channel.min + step < value < channel.max - step


def _errors(channel: ChannelStats, keys: list[str]) -> NDArray[np.float64]:
    """Standard error of each quantile: sqrt(p(1-p)/n) over the density, n the effective number of values.

    The density is the slope of the distribution between the neighbouring quantiles, the effective number that of the mean.
    """
    shares = np.array([float(key) for key in channel.quantiles])
    order = np.argsort(shares)
    shares, values = shares[order], np.array(list(channel.quantiles.values()))[order]
    widths = np.gradient(values) / np.gradient(shares)
    errors = np.sqrt(shares * (1 - shares) / channel.effective_samples) * widths
    known = dict(zip(shares.tolist(), errors.tolist(), strict=True))
    return np.array([known[float(key)] for key in keys])


def _verdict(channels: tuple[ChannelShift, ...]) -> tuple[Kind, str]:
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


def _of_one_shape(channels: tuple[ChannelShift, ...], fits: list[Fit]) -> tuple[Kind, str]:
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
    found: dict[tuple[bool, bool], tuple[Kind, str]] = {
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
