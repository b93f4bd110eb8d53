"""The classical distances between two distributions, which promise nothing: PSI, Kolmogorov-Smirnov, Wasserstein."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tare.monitoring.result import Distances
from tare.statistics.bins import Bins, quantiles_inside
from tare.statistics.dataset_stats import ChannelStats, DatasetStats

# Cells of the population stability index, and the share that an empty one counts as.
_CELLS, _LEAST = 10, 1e-4
_ROUNDING = 1e-9
# A bin that holds more than this of both sides, whose places in it are not known, hides how far they are apart.
_HIDDEN = 0.05
# Bins are put together up to this power of two.
_MOST_DOUBLED = 2


def distances(reference: DatasetStats, live: DatasetStats) -> tuple[Distances, ...]:
    """The distances of every channel, from histograms; NaN for a channel without one, and where a few values hide the rest."""
    return tuple(_of_channel(a, b) for a, b in zip(reference.channels, live.channels, strict=True))


def hidden(reference: DatasetStats, live: DatasetStats) -> tuple[str, ...]:
    """The channels whose distances are not known because a few values lie far from all others."""
    return tuple(a.name for a, b in zip(reference.channels, live.channels, strict=True) if _is_hidden(a, b))


def _is_hidden(a: ChannelStats, b: ChannelStats) -> bool:
    """Whether values far from the others leave those of one side in bins in which the other side's cannot be told apart."""
    if a.crowded or b.crowded:
        return True
    if a.fine is None or b.fine is None:
        return False
    (narrow, _), (wide, error) = sorted(((a.fine, a.quantile_error), (b.fine, b.quantile_error)), key=lambda each: each[0].width)
    if wide.width <= narrow.width * 2**_MOST_DOUBLED or not error > narrow.width:
        return False
    inside = np.diff(narrow.below(wide.edges)) / sum(narrow.counts)
    shares = np.array(wide.counts) / sum(wide.counts)
    return bool((np.minimum(inside, shares) > _HIDDEN).any())


def _of_channel(a: ChannelStats, b: ChannelStats) -> Distances:
    if a.min == a.max:
        return _of_constant(a, b)
    if a.fine is None or b.fine is None or not a.std > 0 or _is_hidden(a, b):
        return _unknown(a)
    with np.errstate(over="ignore", invalid="ignore"):  # what is beyond all numbers has no distance
        return _of_cells(_cells(a.fine, b.fine), a, b)


def _of_cells(cells: _Cells, a: ChannelStats, b: ChannelStats) -> Distances:
    places, before, after, gap = _refined(cells, a, b)
    # Shares are linear between two places, and constant between two cells that do not touch.
    moved = float((np.diff(places) * (gap[:-1] + gap[1:])).sum()) / 2
    # The first and the last bin also hold what lies beyond them: the mean says how far.
    known = (float((np.diff(shares) * (places[:-1] + places[1:])).sum()) / 2 for shares in (before, after))
    beyond = [each.mean - mean for each, mean in zip((a, b), known, strict=True)]
    return Distances(a.name, _psi(before, after), float(gap.max()), (moved + abs(beyond[0] - beyond[1])) / a.std)


def _unknown(a: ChannelStats) -> Distances:
    return Distances(a.name, math.nan, math.nan, math.nan)


def _of_constant(a: ChannelStats, b: ChannelStats) -> Distances:
    """The distances from one value: other values are infinitely many of its stds away. Those in its bin count as the value."""
    if not b.count:
        return _unknown(a)
    if b.min == b.max or not b.min <= a.min <= b.max:
        below, above = float(b.min < a.min), float(b.max > a.max)
    elif b.fine is None or b.crowded or a.min not in (b.min, b.max):  # nothing says whether any value is that one
        return _unknown(a)
    else:
        place = b.fine.place(a.min)
        low, total = b.fine.low + place * b.fine.width, sum(b.fine.counts)
        inside = [value for value in b.quantiles.values() if low <= value < low + b.fine.width]
        if any(abs(value - a.min) > b.quantile_error for value in inside):  # the bin hides other values
            return _unknown(a)
        below, above = sum(b.fine.counts[: max(0, place)]) / total, sum(b.fine.counts[max(0, place + 1) :]) / total
    others = below + above
    return Distances(a.name, _divergence([1.0, 0.0], [1 - others, others]), max(below, above), math.inf if others else 0.0)


def _refined(cells: _Cells, a: ChannelStats, b: ChannelStats) -> tuple[NDArray[np.float64], ...]:
    """Places in rising order, the shares of both sides below them, and by how much these differ at least.

    Places are the ends of the cells, and quantiles inside of some.

    A cell may hold much of both sides, at two places: where quantiles of the same share lie in it and differ, they tell. They do,
    too, where it holds much of one side alone.
    """
    places: list[float] = []
    below: tuple[list[float], list[float], list[float]] = ([], [], [])
    inside = [quantiles_inside(cells.lows, cells.highs, side.quantiles if side.quantile_error > 0 else {}) for side in (a, b)]
    ends = [np.concatenate([[0.0], np.cumsum(each) / each.sum()]) for each in (cells.first, cells.second)]
    error = a.quantile_error + b.quantile_error
    for index, (low, high) in enumerate(zip(cells.lows.tolist(), cells.highs.tolist(), strict=True)):
        mine, theirs = (dict(each.get(index, ())) for each in inside)
        between = [low, high]
        curves = [([low, high], each[index : index + 2].tolist()) for each in ends]
        held = sorted(float(each[index + 1] - each[index]) for each in ends)
        apart = any(abs(mine[share] - theirs[share]) > error for share in mine.keys() & theirs.keys())
        if apart or (max(len(mine), len(theirs)) > 1 and held[0] < held[1] / 2):
            curves = [
                _curve(low, high, each[index], each[index + 1], known, channel.quantile_error)
                for each, known, channel in zip(ends, (mine, theirs), (a, b), strict=True)
            ]
            between = sorted({*curves[0][0], *curves[1][0]})
        places += between
        found = [np.interp(between, *curve) for curve in curves]
        most = [
            _most(np.array(between), share, high, float(each[index + 1]), known, channel.quantile_error)
            for share, each, known, channel in zip(found, ends, (mine, theirs), (a, b), strict=True)
        ]
        nearest = [np.clip(other, one, highest) for one, other, highest in zip(found, found[::-1], most, strict=True)]
        for side, shares in zip(below, (*found, np.abs(nearest[0] - nearest[1])), strict=True):
            side.extend(shares.tolist())
    return np.array(places), *map(np.array, below)


def _curve(
    low: float, high: float, first: float, last: float, known: dict[float, float], error: float
) -> tuple[list[float], list[float]]:
    """Places in a cell and the shares below them: a jump where all of several quantiles are one value, else lines."""
    values = sorted(known.values())
    if len(values) > 1 and values[-1] - values[0] <= 2 * error:
        return [low, max(low, values[0] - error), min(high, values[-1] + error), high], [first, first, last, last]
    shares = [min(last, max(first, share)) for share in sorted(known)]
    return [low, *(known[share] for share in sorted(known)), high], [first, *shares, last]


def _most(
    places: NDArray[np.float64], shares: NDArray[np.float64], high: float, last: float, known: dict[float, float], error: float
) -> NDArray[np.float64]:
    """The most that may lie below places in a cell: from a value of several quantiles on, all up to the share of the next one."""
    found, told = shares.copy(), [*sorted((value, share) for share, value in known.items()), (high, last)]
    for (before, _), (value, _), (after, share) in zip(told, told[1:], told[2:], strict=False):
        if value - before <= 2 * error:
            there = (places >= value) & (places <= after)
            found[there] = np.maximum(found[there], share)
    return found


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
    return _divergence(*(np.diff([0.0, *each[cuts], 1.0]) for each in (before, after)))


def _divergence(before: ArrayLike, after: ArrayLike) -> float:
    p, q = (np.maximum(each, _LEAST) for each in (before, after))
    return float(((q - p) * np.log(q / p)).sum())
