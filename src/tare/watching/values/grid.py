"""The grid that 8-bit images leave in a network's input: ``y = a v + b`` has 256 values per channel, ``a`` apart from ``b`` on.

Resizing 8-bit images keeps the grid, and so do flips, crops and most colour augmentation of them; resizing or mixing floats
blurs it. Where it is there, it tells scale and shift per channel to a few thousandths of a level, whatever the images show.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tare.input_spec.affine import Affine

#: Share of the sampled values (frequent ones capped) that must lie on a grid; erased boxes of noise are allowed off it.
ENOUGH = 0.9
#: The same share for the expected map, which is tried first; other grids share at most half of their values with it.
MOSTLY = 0.7
_HIGHEST = 255
# The most frequent values of a channel that are kept: a grid has at most 256, and noise adds some.
_MOST = 512
# One value (a black border) has at most this share of the weight.
_LARGEST_WEIGHT = 0.03
_FEWEST_VALUES, _FEWEST_LEVELS = 24, 48
# In levels: the error of constants rounded to four digits, and the coarsest rounding of a dtype that still shows a grid.
_SLACK, _COARSEST = 0.05, 0.25


@dataclass(frozen=True, slots=True)
class ChannelValues:
    """The distinct values of one channel, ascending, with their weights and how far the tensor's dtype may have rounded them.

    ``covered`` is the share of the sample's weight that the kept values have: far below 1 where there is no grid.
    """

    values: NDArray[np.float64]
    weights: NDArray[np.float64]
    rounding: NDArray[np.float64]
    covered: float

    @classmethod
    def of(cls, sample: NDArray[np.float32], epsilon: float) -> ChannelValues:
        """From the values of one channel ``(n,)`` in network input units; ``epsilon`` is the dtype's (1.2e-7 for float32)."""
        values, counts = np.unique(sample[np.isfinite(sample)].astype(np.float64), return_counts=True)
        weights = np.minimum(counts, max(1.0, _LARGEST_WEIGHT * sample.size))
        kept = np.sort(np.argsort(-weights, kind="stable")[:_MOST])
        # Scaling and shifting round more than once, at the magnitude of what is added.
        rounding = 2 * epsilon * np.maximum(np.abs(values[kept]), 1e-3 * np.abs(values).max(initial=0.0))
        total = float(weights.sum())
        return cls(values[kept], weights[kept], rounding, float(weights[kept].sum()) / total if total else 0.0)

    def share(self, scale: NDArray[np.float64], shift: NDArray[np.float64]) -> NDArray[np.float64]:
        """The share of the weight on the grid of each of ``(k,)`` scales and shifts; NaN where too little can be told."""
        step = np.abs(scale)[:, None]
        levels = (self.values - shift[:, None]) / scale[:, None]
        nearest = np.rint(levels)
        slack = _SLACK + self.rounding / step
        usable = (slack <= _COARSEST) * self.weights
        inside = (nearest >= 0) & (nearest <= _HIGHEST) & (np.abs(levels - nearest) <= slack)
        told = usable.sum(axis=1)
        few = (np.count_nonzero(usable, axis=1) < _FEWEST_VALUES) | (told < 0.5 * self.weights.sum())
        # On a grid much coarser than their own, all values lie near one level.
        distinct = 1 + np.count_nonzero(np.diff(nearest, axis=1) * inside[:, 1:], axis=1)
        inside &= (distinct >= _FEWEST_VALUES)[:, None]
        share = (usable * inside).sum(axis=1) / np.maximum(told, 1e-12)
        return np.where(few, np.nan, share * self.covered)


@dataclass(frozen=True, slots=True)
class Grid:
    """Levels ``step`` apart: ``first`` is the lowest value seen and ``levels`` how many steps above it the highest one lies."""

    step: float
    first: float
    levels: int

    def snapped(self, scale: float, shift: float) -> tuple[float, float]:
        """Scale and shift of this grid, its raw levels counted so that they come closest to those of another map."""
        raw = min(max(round((self.first - shift) / scale), 0), _HIGHEST - self.levels) if scale > 0 else 0
        return self.step, self.first - self.step * raw


def grid_of(values: ChannelValues) -> Grid | None:
    """Estimate the grid of one channel, None without one, or if too few of its levels were seen.

    The largest gap between neighbouring values that explains the others is its step, refined by least squares from the middle
    outward, as an index that is one off would spoil the slope.
    """
    frequent = values.weights >= 2 if np.count_nonzero(values.weights >= 2) >= _FEWEST_VALUES else values.weights > 0
    seen = values.values[frequent]
    if len(seen) < _FEWEST_VALUES:
        return None
    gaps = np.diff(seen)
    gaps = gaps[gaps > 8 * values.rounding[frequent][1:]]
    for gap in np.unique(np.quantile(gaps, (0.6, 0.4, 0.2, 0.1, 0.05, 0.02), method="nearest"))[::-1] if gaps.size else ():
        grid = _refined(seen, float(gap), values)
        if grid is not None:
            return grid
    return None


def _refined(seen: NDArray[np.float64], gap: float, values: ChannelValues) -> Grid | None:
    middle = seen[len(seen) // 2]
    step, origin = gap, float(middle)
    for reach in (8, 32, 128, 512):
        near = np.abs(seen - middle) <= reach * gap
        index = np.rint((seen[near] - origin) / step)
        inside = np.abs(seen[near] - origin - index * step) <= _COARSEST * step
        if np.unique(index[inside]).size < 2:
            return None
        step, origin = (float(each) for each in np.polyfit(index[inside], seen[near][inside], 1))
        if step <= 0:
            return None
    index = np.rint((seen - origin) / step)
    on = np.abs(seen - origin - index * step) <= (_SLACK * step + values.rounding.max())
    if values.rounding.max() > _COARSEST * step or not on.any():
        return None
    low, high = index[on].min(), index[on].max()
    if not _FEWEST_LEVELS <= high - low <= _HIGHEST:
        return None
    first = origin + step * float(low)
    share = values.share(np.array([step]), np.array([first]))[0]
    return Grid(step, first, int(high - low)) if share >= ENOUGH else None


def fitting(channels: Sequence[ChannelValues], maps: Sequence[Affine], enough: float = ENOUGH) -> list[int]:
    """The places of the maps on whose grids the channels lie; a channel that tells nothing neither confirms nor refutes."""
    shares = np.array(
        [
            values.share(np.array([each.scale[c] for each in maps]), np.array([each.shift[c] for each in maps]))
            for c, values in enumerate(channels)
        ]
    )
    told = ~np.isnan(shares)
    agree = np.where(told, shares >= enough, True).all(axis=0) & told.any(axis=0)
    return [int(place) for place in np.flatnonzero(agree)]


def snapped(grids: Sequence[Grid], to: Affine) -> Affine:
    """The map of these grids whose raw levels are counted so that it comes closest to another map."""
    pairs = [grid.snapped(*ends) for grid, *ends in zip(grids, to.scale, to.shift, strict=True)]
    return Affine(to.order, tuple(scale for scale, _ in pairs), tuple(shift for _, shift in pairs))
