"""The distributions of two channels over the same bins, to draw one over the other."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tare.statistics.bins import MOST
from tare.statistics.dataset_stats import ChannelStats

Shares = tuple[float, ...]

# Bins are cut above this multiple of the highest inner bin: clipped values or a plain ground would flatten the rest.
_CUT = 1.25


@dataclass(frozen=True, slots=True)
class Overlay:
    """Share of each channel's values in each bin; None for a channel known by its moments alone."""

    edges: tuple[float, ...]
    source: Shares | None
    target: Shares | None
    coarse: bool

    @property
    def top(self) -> float:
        """Upper end of the drawn shares: the highest bin, or 1.25 times the highest inner bin if that is lower."""
        known = [shares for shares in (self.source, self.target) if shares is not None]
        largest = max(max(shares) for shares in known)
        inner = max((max(shares[1:-1], default=0.0) for shares in known), default=0.0)
        return min(largest, _CUT * inner) if inner else largest

    @property
    def cut(self) -> bool:
        """Whether a bin is higher than :attr:`top`."""
        return any(max(shares) > self.top for shares in (self.source, self.target) if shares is not None)


def overlay(source: ChannelStats, target: ChannelStats) -> Overlay | None:
    """Lay two channels over common bins, from their histograms or else (``coarse``) their quantiles; None without both."""
    ranges = [found for found in (_range(source), _range(target)) if found is not None]
    low, high = min((r[0] for r in ranges), default=0.0), max((r[1] for r in ranges), default=0.0)
    if not low < high:
        return None
    edges = np.linspace(low, high, MOST + 1)
    shares = (_shares(source, edges), _shares(target, edges))
    coarse = any(found is not None and channel.histogram is None for channel, found in zip((source, target), shares, strict=True))
    return Overlay(tuple(edges.tolist()), *shares, coarse)


def _range(channel: ChannelStats) -> tuple[float, float] | None:
    if channel.histogram is not None:
        edges = channel.histogram.edges
        return float(edges[0]), float(edges[-1])
    known = channel.quantiles and math.isfinite(channel.min) and math.isfinite(channel.max)
    return (channel.min, channel.max) if known else None


def _shares(channel: ChannelStats, edges: NDArray[np.float64]) -> Shares | None:
    if channel.histogram is not None:
        below = channel.histogram.below(edges) / (channel.count or sum(channel.histogram.counts))
    elif _range(channel):
        below = _between_quantiles(channel, edges)
    else:
        return None
    return tuple(np.diff(below).tolist())


def _between_quantiles(channel: ChannelStats, edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """The share of values below each edge, if values lie evenly between two quantiles.

    Equal quantiles make a step. The step lies just above their value, so that the bin that begins there holds it.
    """
    known = sorted((float(share), value) for share, value in channel.quantiles.items())
    shares = np.array([0.0, *(share for share, _ in known), 1.0])
    values = np.maximum.accumulate(np.array([channel.min, *(value for _, value in known), channel.max]))
    step = 1e-9 * (edges[-1] - edges[0])
    below = np.interp(edges, values + step * np.arange(len(values)), shares)
    below[-1] = 1.0 if edges[-1] >= channel.max else below[-1]
    return np.asarray(below, np.float64)
