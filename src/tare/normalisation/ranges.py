"""Ranges of values that become a range at the network's input: from quantiles, extremes or a stated window."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from tare.errors import StrategyError
from tare.input_spec.input_map import InputMap, Window
from tare.samples.layout import Doubles
from tare.statistics.dataset_stats import ChannelStats, DatasetStats

Constants = tuple[tuple[float, ...], tuple[float, ...]]


def extremes(stats: DatasetStats) -> Window:
    """The smallest and largest value of each channel, unit values. Raises :class:`StrategyError` for a constant channel."""
    return _spread((channel.name, channel.min, channel.max) for channel in stats.channels)


def quantiles(stats: DatasetStats, low: float, high: float) -> Window:
    """Two quantiles of each channel, unit values.

    Raises :class:`StrategyError` for statistics without these quantiles, and for a channel in which both are one value.
    """
    names = [f"{share:g}" for share in (low, high)]
    for channel in stats.channels:
        missing = next((name for name in names if not math.isfinite(channel.quantiles.get(name, math.nan))), None)
        if missing is not None:
            found = f"none in channel {channel.name!r}, which has {', '.join(channel.quantiles) or 'no quantiles'}"
            raise StrategyError(f"the quantile {missing} of every channel", found, "measure the data again: tare measure --out")
    first, last = names
    return _spread((channel.name, channel.quantiles[first], channel.quantiles[last]) for channel in stats.channels)


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


def moments_through(applied: InputMap, step: float, stats: DatasetStats) -> Constants:
    """Mean and std per channel after a map of single values: exact for 8-bit data, else as near as a bin of ``fine`` is wide.

    ``step`` is what one raw value is in unit values. NaN for a channel without a histogram.
    """
    pairs = [_through(applied, step, index, channel, stats.dtype) for index, channel in enumerate(stats.channels)]
    means, stds = zip(*pairs, strict=True)
    return means, stds


def _through(applied: InputMap, step: float, index: int, channel: ChannelStats, dtype: str) -> tuple[float, float]:
    known = channel.mapped.get(applied.value_map)
    scale, shift = applied.affine.scale[index], applied.affine.shift[index]
    if known is not None and (applied.clip is None or channel.min >= _lowest(applied, step, index)):
        return known[0] * scale + shift, known[1] * scale
    if channel.fine is None:
        return math.nan, math.nan
    bins = channel.fine
    values = bins.edges[:-1] + (0.0 if dtype == "uint8" else bins.width / 2)
    column = np.repeat((values / step)[:, None], len(applied.affine.scale), axis=1)
    return _moments(applied.apply(column)[:, index], np.array(bins.counts, np.float64))


def _lowest(applied: InputMap, step: float, index: int) -> float:
    """The unit value that the low end of a clip in dB stands for."""
    return step * 10 ** ((applied.clip or ((-math.inf, math.inf),) * (index + 1))[index][0] / 10) * (1 - 1e-9)


def _moments(values: Doubles, weights: Doubles) -> tuple[float, float]:
    kept = (weights > 0) & np.isfinite(values)
    total = float(weights[kept].sum())
    if not total:
        return math.nan, math.nan
    mean = float(np.dot(values[kept], weights[kept])) / total
    return mean, math.sqrt(float(np.dot((values[kept] - mean) ** 2, weights[kept])) / total)


def _spread(rows: Iterable[tuple[str, float, float]]) -> Window:
    found = []
    for name, low, high in rows:
        if not low < high:
            wanted = "two ends apart in every channel, to make a range of them"
            raise StrategyError(wanted, f"{low:g} and {high:g} in channel {name!r}", "drop the channel, or use --strategy target")
        found.append((low, high))
    return tuple(found)
