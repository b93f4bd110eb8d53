"""The distribution of a channel's values, as a comparison reads it: shares below any value, and how well they are known."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tare.statistics.bins import Bins, quantiles_inside
from tare.statistics.dataset_stats import ChannelStats

Doubles = NDArray[np.float64]

# Cells between two cuts: more would see finer differences of shape, and be noisier.
_CELLS = 24
#: A constant that differs by less than this share is the same, written with fewer digits.
DIGITS = 1e-6
# A value with more than this share is an atom: the ground of a drawing, or clipped values.
_ATOM = 1 / _CELLS
# The density around a bin is that of so many other values at least.
_AROUND = 20
#: By chance a bin holds an atom's share, or values lie beyond all of the other side, as rarely as this.
RARELY = 1e-4
# The level and contrast of an image move all its values at once; the rest of the shape is known as well as by this many times
# the values. Chosen on halves of CIFAR-10, MNIST, Fashion-MNIST and made data: of 16 settings with 25 pairs
# of halves, two had a pair whose unchanged shape was rejected at 99%; of 120 pairs drawn afterwards, none.
_FINER = 4.0
# A quantile tells the place of an atom to within this share of a bin: there are at least 16 buckets in one.
PLACED = 1 / 8
# An atom fills this share of its bin: a bin spread over its width would be cut in two by maps that bend.
_NARROW = 0.01


@dataclass(frozen=True, slots=True, eq=False)
class Spread:
    """How the shares below ``values`` ``(K,)``, in rising order, differ from sample to sample: their covariance ``(K, K)``.

    Values of one sample are alike, and no mean and std tell how: the covariance is measured over ``samples`` samples.
    """

    values: Doubles
    covariance: Doubles
    samples: int

    def of_one(self, shape: Shape, values: Doubles, shares: Doubles | None = None) -> Doubles:
        """The covariance of the shares of one sample below each of ``values``, which the samples of ``shape`` measured.

        Shares are linear between the places that are known. A sample of s samples tells K numbers poorly: what mean and std
        alone say of them counts as K samples more (Ledoit and Wolf 2004 shrink towards the identity in the same way). ``shares``
        are as in :meth:`Shape.covariance`.
        """
        places = np.concatenate([[shape.low - shape.step], self.values, [shape.high + shape.step]])
        places = np.maximum.accumulate(places)
        weights = np.stack([np.interp(values, places, row) for row in np.eye(len(places))[1:-1]], axis=1)
        known, alone, count = weights @ self.covariance @ weights.T, shape.covariance(values, shares), len(values)
        return np.asarray((self.samples * known + count * self.samples * alone) / (self.samples + count))


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """Shares of values below ``knots``, linear between them; ``step`` is the distance of neighbouring values.

    ``number`` is the number of independent values whose mean and std would be as uncertain, and ``shape_number`` that of the
    rest of the shape. ``moved`` ``(knots, 2)`` is what one standard error of the mean, and of the std, changes in ``below``.
    ``low`` and ``high`` are the extremes, ``at_low`` and ``at_high`` the shares there, where values may have been clipped.
    ``edges`` are the ends of bins, or of cells around the steps of a scale. ``samples`` is the number of samples, and
    ``spread`` says how they differ, where that was measured. ``atoms`` ``(K, 3)`` are values that hold much by themselves, their
    shares, and how far off their places may be: those that quantiles tell are known to a part of a step. ``core`` is the length
    of the shortest stretch that holds half of the values, at least a step. ``rows`` says that each sample is one value.
    """

    knots: Doubles
    below: Doubles
    edges: Doubles
    step: float
    number: float
    shape_number: float
    moved: Doubles
    low: float
    high: float
    at_low: float
    at_high: float
    samples: int = 0
    spread: Spread | None = None
    atoms: Doubles = field(default_factory=lambda: np.zeros((0, 3)))
    core: float = math.nan
    rows: bool = False

    @classmethod
    def of(cls, channel: ChannelStats, step: float, samples: int = 0, spread: Spread | None = None) -> Shape | None:
        """From the channel's fine histogram, else from its coarse one; None for a channel that has neither."""
        bins = channel.fine or channel.histogram
        total = sum(bins.counts) if bins is not None else 0
        if bins is None or not total or not math.isfinite(channel.max):
            return None
        counts = np.array(bins.counts, np.float64)
        shares = (counts[(bins.edges[:-1] <= end) & (end < bins.edges[1:])].sum() / total for end in (channel.min, channel.max))
        at_low, at_high = (float(share) if share > 0.002 else 0.0 for share in shares)
        places, told = _places(channel, bins)
        edges, counts, kept = _cells(bins.edges - step / 2, counts)
        places, told = places[kept] - step / 2, told[kept]
        lows, highs = edges[:-1].copy(), edges[1:].copy()
        atoms, half = _atoms(np.array(bins.counts))[kept], _NARROW * bins.width / 2
        lows[atoms], highs[atoms] = np.maximum(lows[atoms], places[atoms] - half), np.minimum(highs[atoms], places[atoms] + half)
        after = np.cumsum(counts) / total
        knots, below = np.stack([lows, highs], 1).ravel(), np.stack([np.concatenate([[0.0], after[:-1]]), after], 1).ravel()
        number = min(_number_by_mean(channel), _number_by_std(channel, bins))
        finer = min(float(total), _FINER * number)
        lone = np.zeros(len(bins.counts), np.bool_)
        lone[kept[atoms & told]] = True
        moved = _moved(channel, bins, step, lone, knots, 1 - number / finer if finer > number else 0.0)
        width, ends = max(step, bins.width), (channel.min, channel.max, at_low, at_high)
        errors = np.where(told, PLACED * width, width)
        known = np.stack([places, counts / total, errors], axis=1)[atoms]
        core = max(width, _core(knots, below))
        return cls(
            knots, below, edges, width, number, finer, moved, *ends, samples, spread, known, core, channel.count == samples
        )

    def share(self, values: Doubles) -> Doubles:
        """The share of values below each of ``values``."""
        return np.asarray(np.interp(values, self.knots, self.below, left=0.0, right=1.0), np.float64)

    @property
    def placed(self) -> Doubles:
        """The atoms whose places are known."""
        return self.atoms[self.atoms[:, 2] < self.step]

    def ends_at(self, values: Doubles) -> NDArray[np.bool_]:
        """Whether a bin ends at each of ``values``: what lies below is counted there."""
        nearest = np.abs(values[:, None] - self.edges).min(axis=1)
        return np.asarray(nearest < 1e-6 * self.step)

    def hidden(self, values: Doubles, reach: Doubles) -> Doubles:
        """The share of values nearer to each of ``values`` than ``reach``: what lies below them is known to within so much.

        Of an atom whose place is known it is known where it lies, unless it is one of ``values`` itself.
        """
        found = self.share(values + reach) - self.share(values - reach)
        for place, share, error in self.placed:
            away = np.abs(values - place)
            found -= np.where((away < reach) & (away > error), share, 0.0)
        return np.maximum(found, 0.0)

    def held(self, value: float, close: float) -> float:
        """The share that one value may hold by itself: the rest of its bin, and the largest atom as near as ``close``."""
        first = max(int(np.searchsorted(self.edges, value - PLACED * self.step, side="right")) - 1, 0)
        last = max(int(np.searchsorted(self.edges, value + PLACED * self.step)), first + 1)
        ends = self.edges[first : last + 1]  # of two bins if the value is near an end: one of them holds it
        places, shares, errors = self.atoms.T
        rest = np.diff(self.share(ends)) - np.histogram(places, ends, weights=shares)[0]
        return float(rest.max(initial=0.0)) + float(shares[np.abs(value - places) <= close + errors].max(initial=0.0))

    def density(self, values: Doubles) -> Doubles:
        """The density of the values that are no atoms at each of ``values``, as a normal kernel of Silverman's width smooths it.

        Source: Silverman, Density Estimation for Statistics and Data Analysis, 1986, section 3.4.2.
        """
        shares = np.maximum(
            np.diff(self.share(self.edges)) - np.histogram(self.atoms[:, 0], self.edges, weights=self.atoms[:, 1])[0], 0
        )
        widths, middles, total = np.diff(self.edges), (self.edges[:-1] + self.edges[1:]) / 2, float(shares.sum())
        if not total > 0:
            return np.zeros(len(values))
        below = np.cumsum(shares) / total
        spread = math.sqrt(max(float(shares @ (middles - shares @ middles / total) ** 2) / total, 0.0))
        quartiles = float(np.diff(np.interp([0.25, 0.75], below, middles))[0]) / 1.34
        kernel = 0.9 * (min(spread, quartiles) if quartiles > 0 else spread) * (self.shape_number * total) ** -0.2
        reach = np.sqrt(max(kernel, self.step) ** 2 + widths**2 / 12)
        away = (values[:, None] - middles) / reach
        return np.asarray(np.exp(-(away**2) / 2) @ (shares / reach) / math.sqrt(2 * math.pi), np.float64)

    def quantile(self, shares: Doubles) -> Doubles:
        """The values that have these shares below them."""
        return np.asarray(np.interp(shares, self.below, self.knots), np.float64)

    def covariance(self, values: Doubles, shares: Doubles | None = None) -> Doubles:
        """The covariance of the shares below each of ``values``; ``shares`` are better known ones than these values' own."""
        shares = np.clip(self.share(values) if shares is None else shares, 1e-4, 1 - 1e-4)
        bridge = np.minimum.outer(shares, shares) - np.outer(shares, shares)
        moved = np.stack([np.interp(values, self.knots, column) for column in self.moved.T], axis=1)
        return np.asarray(bridge / self.shape_number + moved @ moved.T, np.float64)

    def sampling(self, target: Shape, values: Doubles, cuts: Doubles, *, falls: bool) -> Doubles:
        """The covariance of the differences of shares below ``values`` to those of a target below ``cuts``.

        If the map is right, both sides have the same shares, of which all values together tell most: a few values' own share of 0
        or 1 would seem certain. Without a measured spread the covariance is the sum of both. Samples of a target that is these
        values under a map differ as these do. A map that ``falls`` leads what lies below to what lies above.
        """
        mine, theirs = self.shape_number, target.shape_number
        mapped = 1 - target.share(cuts) if falls else target.share(cuts)
        shares = (mine * self.share(values) + theirs * mapped) / (mine + theirs)
        if self.spread is None or target.samples < 2:
            return self.covariance(values, shares) + target.covariance(
                cuts, target.expected(cuts, 1 - shares if falls else shares)
            )
        one = self.spread.of_one(self, values, shares)
        return np.asarray(one * (1 / self.spread.samples + 1 / target.samples), np.float64)

    def expected(self, cuts: Doubles, shares: Doubles) -> Doubles:
        """The shares below its own ``cuts`` by which their errors are told; ``shares`` are those that both sides tell.

        An atom, or a step of a scale, holds what both tell. Any other cell was cut where it held enough values: it holds these
        for certain, and chance decides where it ends. The share of both sides there may be small by chance, and so its error.
        """
        own, both = (np.diff(each, prepend=0.0, append=1.0) for each in (self.share(cuts), shares))
        ends = np.searchsorted(self.edges, cuts + PLACED * self.step, side="right") - 1
        first, last = np.concatenate([[0], ends]), np.concatenate([ends, [len(self.edges) - 1]])
        is_scale = float(np.ptp(np.diff(self.edges))) > 1e-6 * self.step  # bins have one width
        alone = (last - first == 1) & (is_scale | self._are_atoms[np.minimum(first, len(self.edges) - 2)])
        held = np.maximum(np.where(alone, both, own), 0.0)
        return np.asarray(np.cumsum(held / held.sum())[:-1], np.float64)

    @property
    def _are_atoms(self) -> NDArray[np.bool_]:
        """Which cells between the edges are atoms."""
        found = np.zeros(len(self.edges) - 1, np.bool_)
        places = np.searchsorted(self.edges, self.atoms[:, 0], side="right") - 1
        found[np.minimum(places, len(found) - 1)] = True
        return found

    def cuts(self) -> Doubles:
        """Ends of bins between which every cell holds about one twenty-fourth of the values that are no atoms."""
        shares, atoms = np.diff(self.share(self.edges)), self._are_atoms
        least = max(1e-3, float(shares[~atoms].sum()) / _CELLS)
        found, held = [], 0.0
        for place, share in enumerate(shares[:-1]):
            held += share
            if atoms[place] or atoms[place + 1] or held >= least:
                found.append(place + 1)
                held = 0.0
        inner = self.edges[found] if found else np.zeros(0)
        known = self.share(inner)
        return np.asarray(inner[(known > 0) & (known < 1)], np.float64)


@dataclass(frozen=True, slots=True)
class Beyond:
    """``number`` values below or above all of another sample, which ends at ``end``."""

    side: Literal["below", "above"]
    end: float
    number: int

    def words(self, channel: ChannelStats, other: str) -> str:
        """The share of the channel's values that lie beyond all of the other sample, in words."""
        which = "lowest" if self.side == "below" else "highest"
        share = f"{self.number / channel.count:.2%} of {channel.name}"
        return f"{share} lie {self.side} all values of the {other}, the {which} of which is {self.end:g}"


def beyond(before: ChannelStats, now: ChannelStats, together: float, rarely: float = RARELY) -> Iterator[Beyond]:
    """The values of ``now`` beyond those of ``before`` where chance puts so many as rarely; so many ``together`` count as one.

    Of n values and m before, the k lowest of all are among the n with a probability of at most (n / (n + m))^k, if all are of one
    population.
    """
    if now.fine is None or not before.count or not now.count:
        return
    edges, counts = now.fine.edges, np.array(now.fine.counts)
    near = DIGITS * abs(before.max) if before.min == before.max else 0.0  # one value, which may be written with fewer digits
    low, high = before.min - near, before.max + near
    for side, end, there in (("below", before.min, edges[1:] <= low), ("above", before.max, edges[:-1] > high)):
        number = int(counts[there].sum())
        log_chance = number / together * math.log(now.count / (now.count + before.count))
        if log_chance < math.log(rarely):
            yield Beyond("below" if side == "below" else "above", end, number)


def _atoms(counts: NDArray[np.int64]) -> NDArray[np.bool_]:
    """The bins that hold atoms: a large share of all values more than the density around puts there, and than chance does."""
    least = _ATOM * counts.sum()
    found = counts > least
    before = np.concatenate([[0], np.cumsum(counts)])
    for place in np.flatnonzero(found).tolist():
        # The bins around that hold so many other values, on each side half of them or all that there are.
        around = max(_AROUND, least) / 2
        first = max(int(np.searchsorted(before, before[place] - around, side="right")) - 1, 0)
        last = min(int(np.searchsorted(before, before[place + 1] + around)), len(counts))
        others = int(before[last] - before[first] - counts[place]) / max(last - first - 1, 1)
        found[place] = counts[place] - others > least and _chance(int(counts[place]), others) < RARELY
    return np.asarray(found, np.bool_)


def _chance(count: int, mean: float) -> float:
    """A bound of the probability of so many or more, where ``mean`` are expected (Poisson)."""
    if not count > mean > 0:
        return float(mean > 0)
    ratio = mean / (count + 1)
    return math.exp(count * math.log(mean) - mean - math.lgamma(count + 1)) / (1 - ratio)


def _places(channel: ChannelStats, bins: Bins) -> tuple[Doubles, NDArray[np.bool_]]:
    """Where in its bin an atom would be, and whether that is known: where the quantiles in the bin are, else in its middle."""
    known = np.zeros(len(bins.counts), np.bool_)
    places = np.asarray(bins.edges[:-1] + bins.width / 2, np.float64)
    for place, inside in quantiles_inside(bins.edges[:-1], bins.edges[1:], channel.quantiles).items():
        values = [value for _, value in inside]
        # One quantile tells nothing of the others' places; of values that lie evenly two lie apart.
        if len(values) > 1 and channel.quantile_error > 0 and max(values) - min(values) <= 2 * channel.quantile_error:
            places[place], known[place] = (max(values) + min(values)) / 2, True
    return places, known


def _cells(edges: Doubles, counts: Doubles) -> tuple[Doubles, Doubles, NDArray[np.intp]]:
    """The ends of cells, their counts and the bins that they are of.

    They are the bins, but of values on a scale of steps a cell from middle to middle of two gaps. A map leads the ends of such
    cells to those of the target's. Between the bins themselves the shares would jump, and no map could be followed to within a
    part of a step.
    """
    filled = np.flatnonzero(counts)
    apart = np.diff(filled) > 1
    alone = np.concatenate([[True], apart]) & np.concatenate([apart, [True]])
    if len(filled) < 2 or counts[filled][alone].sum() <= counts.sum() / 2:
        return edges, counts, np.arange(len(counts))
    between = (edges[filled[:-1] + 1] + edges[filled[1:]]) / 2
    return np.concatenate([edges[filled[:1]], between, edges[filled[-1:] + 1]]), counts[filled], filled


def _core(knots: Doubles, below: Doubles) -> float:
    """The length of the shortest stretch that holds half of the values."""
    first = below[below <= 0.5]
    starts, ends = (np.interp(shares, below, knots) for shares in (first, first + 0.5))
    return float((ends - starts).min())


def _number_by_mean(channel: ChannelStats) -> float:
    return channel.effective_samples if math.isfinite(channel.effective_samples) else math.nan


def _number_by_std(channel: ChannelStats, bins: Bins) -> float:
    """The number of independent values whose std is as uncertain: (m4 - s^4) / (4 s^2 Var(s))."""
    middles = bins.edges[:-1] + bins.width / 2
    counts = np.array(bins.counts, np.float64) / sum(bins.counts)
    away = middles - float(counts @ middles)
    widest = float(np.abs(away).max())  # the unit of the powers: those of the values themselves may be beyond all numbers
    if not channel.std_se > 0 or not widest > 0:
        return math.inf
    second, fourth = (float(counts @ (away / widest) ** power) for power in (2, 4))
    error = channel.std_se / widest
    return max(1.0, (fourth - second**2) / (4 * second * error**2)) if error**2 > 0 else math.inf


def _moved(channel: ChannelStats, bins: Bins, step: float, lone: NDArray[np.bool_], knots: Doubles, share: float) -> Doubles:
    """What one standard error of the mean and of the std changes in the shares below ``knots``: the density times the move.

    Atoms, the bins ``lone``, stay where they are, as zeros among amounts do.
    """
    middles, counts = bins.edges[:-1] - step / 2 + bins.width / 2, np.where(lone, 0.0, bins.counts)
    density = np.interp(knots, middles, counts / sum(bins.counts) / bins.width)
    of_mean = density * channel.mean_se
    of_std = density * (knots - channel.mean) / channel.std * channel.std_se
    return np.asarray(math.sqrt(share) * np.stack([of_mean, of_std], axis=1), np.float64)
