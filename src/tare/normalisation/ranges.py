"""Ranges of values that become a range at the network's input: from quantiles, extremes or a stated window."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from tare.errors import StrategyError
from tare.input_spec.input_map import InputMap, Window, mapped
from tare.samples.layout import Doubles, unit_scale
from tare.statistics.dataset_stats import ChannelStats, DatasetStats

Constants = tuple[tuple[float, ...], tuple[float, ...]]


def extremes(stats: DatasetStats) -> Window:
    """The smallest and largest value of each channel, unit values. Raises :class:`StrategyError` for a constant channel."""
    return _spread((channel, channel.min, channel.max) for channel in stats.channels)


def quantiles(stats: DatasetStats, low: float, high: float) -> Window:
    """Two quantiles of each channel, unit values.

    Raises :class:`StrategyError` for statistics without these quantiles, for a channel in which both are one value, and for one
    in which a few values far from all others make them uncertain.
    """
    names = [f"{share:g}" for share in (low, high)]
    for channel in stats.channels:
        missing = next((name for name in names if not math.isfinite(channel.quantiles.get(name, math.nan))), None)
        if missing is not None:
            found = f"none in channel {channel.name!r}, which has {', '.join(channel.quantiles) or 'no quantiles'}"
            raise StrategyError(f"the quantile {missing} of every channel", found, "measure the data again: tare measure --out")
        if channel.crowded:
            found = (
                f"an error of {channel.quantile_error:.3g} in channel {channel.name!r}, whose values reach to {_far(channel):.4g}"
            )
            remedy = "leave those values out, or state --window LOW,HIGH"
            raise StrategyError("quantiles known to a hundredth of their range", found, remedy)
    first, last = names
    return _spread((channel, channel.quantiles[first], channel.quantiles[last]) for channel in stats.channels)


def _far(channel: ChannelStats) -> float:
    """The end of a channel's values that is farther from the middle."""
    middle = channel.quantiles.get("0.5", channel.mean)
    return max(channel.min, channel.max, key=lambda end: abs(end - middle))


def window_of(raw: tuple[float, float], channels: int, unit: float) -> Window:
    """A stated window of raw values as one of unit values for every channel. Raises :class:`StrategyError` for an empty one."""
    low, high = raw
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise StrategyError("a window from a low end to a higher one", f"{low:g} to {high:g}", "state --window LOW,HIGH")
    return ((low * unit, high * unit),) * channels


def to_unit(window: Window) -> Constants:
    """Mean and std that map a window to [0, 1]."""
    return tuple(low for low, _ in window), tuple(high - low for low, high in window)


def to_symmetric(window: Window) -> Constants:
    """Mean and std that map a window to [-1, 1]."""
    return tuple((low + high) / 2 for low, high in window), tuple((high - low) / 2 for low, high in window)


def is_raw(step: float, dtype: str) -> bool:
    """Whether a unit value divided by ``step`` is the raw value of the type ``dtype``, "" for floats."""
    return math.isclose(step, unit_scale(dtype or "float64"), rel_tol=1e-9)


def moments_through(applied: InputMap, step: float, stats: DatasetStats) -> Constants:
    """Mean and std per channel after a map of single values.

    ``step`` is what one raw value is in unit values. The moments are exact where the clip cuts nothing and those of g are
    known, and for counted levels (8 bits, and 16 bits of at most 256 levels). Else each value counts as the middle of its bin of
    ``fine``, whose first and last bin also hold far outliers. Values that g has no number for are left out. NaN for a channel
    without a histogram. Raises ValueError for statistics of another number of channels.
    """
    if len(stats.channels) != len(applied.affine.order):
        raise ValueError(f"statistics of {len(stats.channels)} channels for a map of {len(applied.affine.order)}")
    integers = np.dtype(stats.dtype or "float64").kind in "biu"
    level = float(unit_scale(stats.dtype)) if integers else 0.0
    channels = [stats.channels[place] for place in applied.affine.order]
    if not is_raw(step, stats.dtype):  # logarithms were measured of raw values
        channels = [replace(channel, mapped={}) for channel in channels]
    pairs = [_through(applied, step, index, channel, level) for index, channel in enumerate(channels)]
    return tuple(mean for mean, _ in pairs), tuple(std for _, std in pairs)


def _through(applied: InputMap, step: float, index: int, channel: ChannelStats, level: float) -> tuple[float, float]:
    own = (channel.mean / step, channel.std / step)
    known = own if applied.value_map == "identity" else channel.mapped.get(applied.value_map)
    if known is not None and (applied.clip is None or _within(applied.clip[index], applied.value_map, step, channel)):
        scale, shift = applied.affine.scale[index], applied.affine.shift[index]
        return known[0] * scale + shift, known[1] * abs(scale)
    if channel.fine is None:
        return math.nan, math.nan
    middles = channel.fine.edges[:-1] + max(channel.fine.width - level, 0.0) / 2
    columns = np.repeat((middles / step)[:, None], len(applied.affine.order), axis=1)
    return _moments(applied.apply(columns)[:, index], np.array(channel.fine.counts, np.float64))


def _within(window: tuple[float, float], value_map: str, step: float, channel: ChannelStats) -> bool:
    """Whether all values of the channel are known to lie in a window of mapped raw values."""
    first, last = (mapped(value_map, np, value / step) for value in (channel.min, channel.max))
    return bool(window[0] <= first and last <= window[1])


def _moments(values: Doubles, weights: Doubles) -> tuple[float, float]:
    kept = np.isfinite(values)
    total = float(weights[kept].sum())
    if not total:
        return math.nan, math.nan
    mean = float(np.dot(values[kept], weights[kept])) / total
    return mean, math.sqrt(float(np.dot((values[kept] - mean) ** 2, weights[kept])) / total)


def _spread(rows: Iterable[tuple[ChannelStats, float, float]]) -> Window:
    found = []
    for channel, low, high in rows:
        if not low < high:
            name, constant = channel.name, channel.min == channel.max
            wanted = "two ends apart in every channel, to make a range of them"
            # Of a channel of one value alone, the std is zero as well.
            remedy = "drop the channel" if constant else "drop the channel, or use --strategy target"
            raise StrategyError(wanted, f"{low:g} and {high:g} in channel {name!r}", remedy)
        found.append((low, high))
    return tuple(found)
