"""The classical distances between two distributions, which promise nothing: PSI, Kolmogorov-Smirnov, Wasserstein."""

from __future__ import annotations

import math

import numpy as np

from tare.monitoring.result import Distances
from tare.statistics.bins import Bins
from tare.statistics.dataset_stats import ChannelStats, DatasetStats

# Cells of the population stability index, and the share that an empty one counts as.
_CELLS, _LEAST = 10, 1e-4


def distances(reference: DatasetStats, live: DatasetStats) -> tuple[Distances, ...]:
    """The distances of every channel, from histograms; NaN for a channel without one."""
    return tuple(_of_channel(a, b) for a, b in zip(reference.channels, live.channels, strict=True))


def _of_channel(a: ChannelStats, b: ChannelStats) -> Distances:
    if a.fine is None or b.fine is None or not a.std > 0:
        return Distances(a.name, math.nan, math.nan, math.nan)
    knots = np.unique(np.concatenate([a.fine.edges, b.fine.edges]))
    first, second = (each.below(knots) / sum(each.counts) for each in (a.fine, b.fine))
    gap = np.abs(first - second)
    moved = float((np.diff(knots) * (gap[:-1] + gap[1:]) / 2).sum()) / a.std
    return Distances(a.name, _psi(a.fine, b.fine), float(gap.max()), moved)


def _psi(a: Bins, b: Bins) -> float:
    """Sum of (q - p) log(q / p) over cells that hold a tenth of the reference each, as far as its values allow."""
    reached = np.cumsum(a.counts) / sum(a.counts)
    places = np.unique(np.searchsorted(reached, np.arange(1, _CELLS) / _CELLS)) + 1
    cuts = a.edges[places[places < len(a.counts)]]
    shares = (np.diff([0.0, *(each.below(cuts) / sum(each.counts)), 1.0]) for each in (a, b))
    p, q = (np.maximum(share, _LEAST) for share in shares)
    return float(((q - p) * np.log(q / p)).sum())
