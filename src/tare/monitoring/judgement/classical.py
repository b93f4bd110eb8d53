"""The classical distances between two distributions, which promise nothing: PSI, Kolmogorov-Smirnov, Wasserstein."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tare.monitoring.result import Distances
from tare.statistics.bins import Bins
from tare.statistics.dataset_stats import ChannelStats, DatasetStats

# Cells of the population stability index, and the share that an empty one counts as.
_CELLS, _LEAST = 10, 1e-4
_ROUNDING = 1e-9
# Bins are put together up to this power of two.
_MOST_DOUBLED = 2


def distances(reference: DatasetStats, live: DatasetStats) -> tuple[Distances, ...]:
    """The distances of every channel, from histograms; NaN for a channel without one, and where a few values hide the rest."""
    return tuple(_of_channel(a, b) for a, b in zip(reference.channels, live.channels, strict=True))


def hidden(reference: DatasetStats, live: DatasetStats) -> tuple[str, ...]:
    """The channels whose distances are not known because a few values lie far from all others."""
    return tuple(a.name for a, b in zip(reference.channels, live.channels, strict=True) if a.crowded or b.crowded)


def _of_channel(a: ChannelStats, b: ChannelStats) -> Distances:
    if a.fine is None or b.fine is None or not a.std > 0 or a.crowded or b.crowded:
        return Distances(a.name, math.nan, math.nan, math.nan)
    cells = _cells(a.fine, b.fine)
    before, after = (np.concatenate([[0.0], np.cumsum(each) / each.sum()]) for each in (cells.first, cells.second))
    gap = np.abs(before - after)
    # Shares are linear in a cell, and constant between two cells that do not touch.
    within = (cells.highs - cells.lows) * (gap[:-1] + gap[1:]) / 2
    between = (cells.lows[1:] - cells.highs[:-1]) * gap[1:-1]
    middles = (cells.lows + cells.highs) / 2
    # The first and the last bin also hold what lies beyond them: the mean says how far.
    beyond = [each.mean - float(middles @ part) / part.sum() for each, part in ((a, cells.first), (b, cells.second))]
    moved = (float(within.sum() + between.sum()) + abs(beyond[0] - beyond[1])) / a.std
    return Distances(a.name, _psi(before, after), float(gap.max()), moved)


@dataclass(frozen=True, slots=True)
class _Cells:
    """The counts of two histograms in the same cells, from ``lows`` to ``highs``; cells that hold nothing may be left out."""

    lows: NDArray[np.float64]
    highs: NDArray[np.float64]
    first: NDArray[np.float64]
    second: NDArray[np.float64]


def _cells(a: Bins, b: Bins) -> _Cells:
    """Both in the wider bins of the two, where those hold a few whole bins of the other, as the bins of one dtype do.

    A bin that is cut would be spread over its width, and one that holds many equal values would be cut in two. Much wider bins
    would hide how the narrower side differs; then bins are cut.
    """
    width = max(a.width, b.width)
    ratio = math.log2(width / min(a.width, b.width))
    if ratio > _MOST_DOUBLED or abs(ratio - round(ratio)) > _ROUNDING:
        edges = np.unique(np.concatenate([a.edges, b.edges]))
        first, second = (np.diff(each.below(edges)) for each in (a, b))
        return _Cells(edges[:-1], edges[1:], first, second)
    inside = [np.arange(len(each.counts)) + 0.5 for each in (a, b)]
    places = [np.floor((each.low + place * each.width) / width) for each, place in zip((a, b), inside, strict=True)]
    held = np.unique(np.concatenate(places))
    counted = (
        np.bincount(np.searchsorted(held, place), weights=each.counts, minlength=len(held))
        for each, place in zip((a, b), places, strict=True)
    )
    first, second = (np.asarray(each, np.float64) for each in counted)
    return _Cells(held * width, (held + 1) * width, first, second)


def _psi(before: NDArray[np.float64], after: NDArray[np.float64]) -> float:
    """Sum of (q - p) log(q / p) over cells that hold a tenth of the reference each, as far as its values allow.

    Both are shares below the ends of common cells.
    """
    cuts = np.unique(np.searchsorted(before, np.arange(1, _CELLS) / _CELLS))
    cuts = cuts[before[cuts] < 1]
    p, q = (np.maximum(np.diff([0.0, *each[cuts], 1.0]), _LEAST) for each in (before, after))
    return float(((q - p) * np.log(q / p)).sum())
