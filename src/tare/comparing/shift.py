"""Compare two datasets: shift and ratio per channel with intervals, and a line through the quantiles."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tare.comparing.constants import like_with_like
from tare.comparing.maps import forms, unmapped
from tare.comparing.raw_kinds import bit_depth, check_front_ends, measured_otherwise, missing_shares, raw_kinds
from tare.comparing.result import ChannelShift, Comparison, Fit, Form
from tare.comparing.shape import RARELY, Shape, Spread, beyond
from tare.comparing.verdict import Judged, verdict_beside, verdict_of_constants
from tare.datasets.parts.names import says_parts
from tare.errors import DataError
from tare.measuring.stated.facts import finite
from tare.samples.layout import are_unnamed, by_name, by_place, is_given
from tare.statistics.dataset_stats import ChannelStats, DatasetStats
from tare.statistics.inference.distributions import freedom_of, t_quantile
from tare.statistics.intervals import Interval

_FEWEST_POINTS = 4
# Values with a std above this, or below its inverse, are none that a sensor gives: fillers such as 1e300 are among them.
_FAR = 1e100
# Student's intervals of mean and std hold the truth too seldom from this kurtosis on; that of a normal distribution is 3.
_KURTOSIS = 6.0
_COLUMNS = "choose the columns with `tare measure --columns A,B --out FILE`, and compare the files"


def compare_stats(
    source: DatasetStats, target: DatasetStats, confidence: float = 0.95, spreads: Sequence[Spread] = ()
) -> Comparison:
    """Compare two datasets that were sampled independently.

    Shift d = (m1 - m0)/s0 with Var(d) = (SE(m1)^2 + SE(m0)^2)/s0^2 + d^2 (SE(s0)/s0)^2; the ratio of stds on the log scale,
    with Var = (SE(s1)/s1)^2 + (SE(s0)/s0)^2 (delta method, without the covariance of a mean and its std). Student's t with
    the degrees of freedom of the smaller dataset, of its clusters where it has some, simultaneously for all 2C figures
    (Bonferroni). Columns of tables are paired by name. A published constant of n0 samples gets the sampling error of n0 samples
    of the other dataset. ``spreads`` say how the samples of the source differ, one for each channel; without them mean and std
    tell it roughly.

    Raises :class:`DataError` if the channels cannot be paired, a std is zero or unknown, or the values are those of different
    front ends for sound.
    """
    check_front_ends(source, target)
    named = by_name(_names(source), _names(target))
    target = _paired(source, target)
    paired = (*named, *by_place(_names(source), _names(target)))
    source, target, definitions, comparable = like_with_like(source, target)
    _check(source, target)
    z = _quantile(source, target, confidence)
    tests = len(source.channels)
    pairs = zip(_sampled(source, target), _sampled(target, source), _shapes(source, spreads), _shapes(target), strict=True)
    top = _top(source, target)
    known = min((freedom_of(_independent(each)) for each in (source, target) if not _are_rows(each)), default=math.inf)
    channels = tuple(
        replace(
            _channel(a, b, z, _step(source), _step(target)),
            forms=() if mine is None or theirs is None or not _is_ordinary(a, b) else forms(mine, theirs, top, tests, known),
            heavy=(_is_heavy(a, _independent(source)) or _is_heavy(b, _independent(target)))
            and not _beyond(a, b, source, target),
            core=math.nan if mine is None or theirs is None else _grown(mine, theirs),
        )
        for a, b, mine, theirs in pairs
    )
    if _stated(source) or _stated(target):
        both = _stated(source) and _stated(target)
        channels = tuple(
            replace(channel, kind=verdict_of_constants((channel,), both=both, stds=comparable)[0]) for channel in channels
        )
        judged = Judged(*verdict_of_constants(channels, both=both, stds=comparable))
    else:
        both_sides = zip(source.channels, target.channels, strict=True)
        crowded = tuple(a.name for a, b in both_sides if a.crowded or b.crowded)
        by_itself = (verdict_beside((channel,), tuple({channel.name} & set(crowded))) for channel in channels)
        channels = tuple(replace(channel, kind=each.kind) for channel, each in zip(channels, by_itself, strict=True))
        judged = verdict_beside(channels, crowded, related=any(is_given(channel.name) for channel in channels))
    kind, reason, affected = judged.kind, judged.reason, judged.affected
    notes, other = raw_kinds(source, target)
    notes = (*notes, *missing_shares(source, target), *_strays(source, target))
    depth = bit_depth(source, target, channels)
    if other:
        kind, reason, affected = "units", other, ()
    elif depth and kind in ("units", "gain"):
        kind, reason, affected = "bit depth", depth, ()
    if otherwise := measured_otherwise(source, target):
        notes = (*notes, otherwise)
        if kind not in ("units", "no difference shown"):
            kind, reason, affected = "unclear", f"{otherwise}; measure both in one way", ()
    notes = (*definitions, *paired, *notes, *_pooled(source, target))
    return Comparison(source, target, channels, kind, reason, confidence, notes, affected)


def _pooled(source: DatasetStats, target: DatasetStats) -> tuple[str, ...]:
    """Which side counts several parts of its dataset as one, as it was said when it was measured."""
    told = []
    for stats in (source, target):
        remarks = stats.extra.get("remarks")  # a file may hold anything there
        said = [each for each in remarks if isinstance(each, str)] if isinstance(remarks, list | tuple) else []
        told += [f"of {stats.source!r}: {each}" for each in said if says_parts(each)]
    return tuple(dict.fromkeys(told))


def _shapes(stats: DatasetStats, spreads: Sequence[Spread] = ()) -> list[Shape | None]:
    """The distributions of the channels, None for one without a histogram, or one whose bins a few far values made wide."""
    known = [spread if len(spread.values) > 1 else None for spread in spreads] or [None] * len(stats.channels)
    each = zip(stats.channels, known, strict=True)
    return [None if channel.crowded else Shape.of(channel, _step(stats), stats.samples, spread) for channel, spread in each]


def same_forms(source: DatasetStats, target: DatasetStats, spreads: Sequence[Spread] = ()) -> list[list[Form | None]]:
    """How well each channel of the target, unchanged, explains each of the source: one row a channel of the source.

    The statistics are of values in the same units, as those of one service are.
    """
    tests = len(source.channels)
    return [
        [None if a is None or b is None else unmapped(a, b, tests) for b in _shapes(target)] for a in _shapes(source, spreads)
    ]


def _top(source: DatasetStats, target: DatasetStats) -> float | None:
    """The largest value of the range from 0 that both sides share: 1 for integers and for floats in [0, 1], else None."""
    channels = (*source.channels, *target.channels)
    within = all(channel.min >= -1e-6 and channel.max <= 1 + 1e-6 for channel in channels)
    return 1.0 if within else None


def _names(stats: DatasetStats) -> list[str]:
    return [channel.name for channel in stats.channels]


def _paired(source: DatasetStats, target: DatasetStats) -> DatasetStats:
    """The target with its channels in the order of the source, paired by name unless one of both names none of its own."""
    mine, theirs = _names(source), _names(target)
    unnamed = [are_unnamed(names) for names in (mine, theirs)]
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
    """The channels; those of a published constant get the sampling error of as many samples of the other dataset."""
    if not stats.samples or not other.samples or not _stated(stats) or _stated(other):
        return stats.channels
    share = math.sqrt(other.samples / stats.samples)
    return tuple(
        replace(a, mean_se=math.hypot(a.mean_se, share * b.mean_se), std_se=math.hypot(a.std_se, share * b.std_se))
        for a, b in zip(stats.channels, other.channels, strict=True)
    )


def _stated(stats: DatasetStats) -> bool:
    """Whether the moments were published, without values."""
    return not any(channel.count for channel in stats.channels)


def _check(source: DatasetStats, target: DatasetStats) -> None:
    for stats in (source, target):
        if not stats.channels:
            raise DataError("statistics of at least one channel", f"no channel in {stats.source!r}", "measure the data again")
        for channel in finite(stats).channels:
            if not channel.std > 0:
                raise DataError(
                    "a std above zero in every channel",
                    f"{channel.std:g} in channel {channel.name!r} of {stats.source!r}",
                    "leave the constant channel out",
                )


def _quantile(source: DatasetStats, target: DatasetStats, confidence: float) -> float:
    # If a published constant does not state its number of samples, that of the other dataset counts.
    samples = min((_independent(s) for s in (source, target) if s.samples), default=2)
    return t_quantile(1 - (1 - confidence) / (4 * len(source.channels)), freedom_of(samples))


def _grown(a: Shape, b: Shape) -> float:
    """The ratio of the lengths that hold half of the values; of the medians where the bins of one side hide its length."""
    if (a.core > a.step) == (b.core > b.step):
        return b.core / a.core
    before, after = (abs(float(side.quantile(np.array([0.5]))[0])) for side in (a, b))
    return after / before if before > 0 else math.nan


def _are_rows(stats: DatasetStats) -> bool:
    """Whether every value is a sample of its own."""
    return all(channel.count == stats.samples for channel in stats.channels)


def _independent(stats: DatasetStats) -> float:
    """The number of independent units of equal size: samples, or the clusters that standard errors count."""
    number = float(stats.extra.get("clusters", stats.samples))
    return min((channel.equal_samples for channel in stats.channels if channel.equal_samples <= number), default=number)


def _is_ordinary(*channels: ChannelStats) -> bool:
    """Whether the squares of stds and their ratios are numbers; no map is fitted where they are not."""
    return all(1 / _FAR < channel.std < _FAR for channel in channels)


def _are_heavy(a: ChannelStats, b: ChannelStats, source: DatasetStats, target: DatasetStats) -> bool:
    """Whether the tails of either side are heavy, and no more values lie beyond all of the other than chance puts there."""
    heavy = _is_heavy(a, _independent(source)) or _is_heavy(b, _independent(target))
    return heavy and not _beyond(a, b, source, target)


def _is_heavy(channel: ChannelStats, samples: float) -> bool:
    """Whether the tails are heavy: the error of the std is that of samples with a kurtosis above the limit."""
    return 1 + 4 * samples * (channel.std_se / channel.std) ** 2 > _KURTOSIS


def _beyond(a: ChannelStats, b: ChannelStats, source: DatasetStats, target: DatasetStats) -> bool:
    """Whether more values of one side lie beyond all of the other than chance puts there: then heavy tails explain no difference.

    The values of one sample, or of one cluster, count as one.
    """
    sides = ((a, b, target), (b, a, source))
    return any(list(beyond(before, now, now.count / max(1, _independent(of)))) for before, now, of in sides)


def _strays(source: DatasetStats, target: DatasetStats) -> tuple[str, ...]:
    """Notes on columns of rows of which more values lie beyond all of the other side than chance puts there."""
    sides = ((source, target, "source"), (target, source, "target"))
    return tuple(
        each.words(b, name)
        for one, other, name in sides
        for a, b in zip(one.channels, other.channels, strict=True)
        if a.count == one.samples and b.count == other.samples
        for each in beyond(a, b, b.count / max(1, _independent(other)), RARELY / (2 * len(one.channels)))
    )


def _step(stats: DatasetStats) -> float:
    """The distance between two neighbouring values, unit values."""
    return {"uint8": 1 / 255, "uint16": 1 / 65535}.get(stats.dtype, 0.0)


def _channel(a: ChannelStats, b: ChannelStats, z: float, step_a: float, step_b: float) -> ChannelShift:
    d, ratio = (b.mean - a.mean) / a.std, b.std / a.std
    half = z * math.hypot(b.mean_se / a.std, a.mean_se / a.std, d * a.std_se / a.std)
    factor = math.exp(min(700.0, z * math.hypot(b.std_se / b.std, a.std_se / a.std)))
    return ChannelShift(
        a.name, Interval(d, d - half, d + half), Interval(ratio, ratio / factor, ratio * factor), _fit(a, b, z, step_a, step_b)
    )


def _fit(a: ChannelStats, b: ChannelStats, z: float, step_a: float, step_b: float) -> Fit | None:
    """Fit a line through the quantiles of both, each weighted by the inverse of its error."""
    common = [key for key in a.quantiles if key in b.quantiles]
    inside = [key for key in common if _inside(a, a.quantiles[key], step_a) and _inside(b, b.quantiles[key], step_b)]
    if len(inside) < _FEWEST_POINTS or a.crowded or b.crowded or not _is_ordinary(a, b):
        return None
    x, y = (np.array([c.quantiles[key] for key in inside]) for c in (a, b))
    slope = b.std / a.std
    errors = np.hypot(z * slope * _errors(a, inside), z * _errors(b, inside)) + (slope * step_a + step_b) / 2
    if not np.isfinite(errors).all() or np.ptp(x) == 0:
        return None
    errors = np.maximum(errors, 1e-9 * b.std)  # exact values are still rounded to doubles
    gain, offset = np.polyfit(x, y, 1, w=1 / errors)
    misfit = float(np.max(np.abs(y - gain * x - offset) / errors))
    relative = z * math.hypot(a.std_se / a.std, b.std_se / b.std) + (step_a / a.std + step_b / b.std) / 2
    gain_error = abs(float(gain)) * relative
    offset_error = math.hypot(z * math.hypot(b.mean_se, gain * a.mean_se), gain_error * a.mean) + step_b + abs(gain) * step_a
    return Fit(float(gain), float(offset), gain_error, float(offset_error), misfit, float(np.median(errors) / b.std))


def _inside(channel: ChannelStats, value: float, step: float) -> bool:
    """Whether a quantile lies away from the channel's extremes, where clipping may have moved it."""
    return channel.min + step < value < channel.max - step


def _errors(channel: ChannelStats, keys: list[str]) -> NDArray[np.float64]:
    """Standard error of each quantile: sqrt(p(1-p)/n) over the density.

    The density is the slope of the distribution between the neighbouring quantiles; n is the mean's effective number of values.
    """
    shares = np.array([float(key) for key in channel.quantiles])
    order = np.argsort(shares)
    shares, values = shares[order], np.array(list(channel.quantiles.values()))[order]
    widths = np.gradient(values) / np.gradient(shares)
    errors = np.sqrt(shares * (1 - shares) / channel.effective_samples) * widths
    known = dict(zip(shares.tolist(), errors.tolist(), strict=True))
    return np.array([known[float(key)] for key in keys])
