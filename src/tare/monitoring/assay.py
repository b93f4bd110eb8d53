"""The evidence in a monitor's state: of a change at any moment, of each figure by itself, and the intervals to plot."""

from __future__ import annotations

import math
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np

from tare.monitoring.evidence.betting import BETS, Bets, bets_of
from tare.monitoring.evidence.confidence import Scale, intervals
from tare.monitoring.evidence.detection import log_evidence, log_weight
from tare.monitoring.evidence.figures import product_units
from tare.monitoring.evidence.levels import SHARES, Figure
from tare.monitoring.inputs import MonitorOptions
from tare.monitoring.reference import Reference
from tare.monitoring.result import Course, Moment, Track
from tare.monitoring.state import MonitorState, Stretch
from tare.samples.layout import Doubles
from tare.statistics.intervals import Interval


@dataclass(frozen=True, slots=True)
class Since:
    """Beginnings of stretches, as numbers of batches before them, and the logarithm of the evidence of a change there."""

    starts: tuple[int, ...]
    evidence: Doubles

    def interval(self) -> Interval:
        """The likeliest first batch, counted from 1, and the range that holds 95% of the evidence.

        The weights of moments are the prior of this interval. It begins after the moment before the earliest that it holds.
        """
        shares = np.exp(self.evidence - self.evidence.max())
        shares /= shares.sum()
        best = int(shares.argmax())
        low = high = best
        while shares[low : high + 1].sum() < 0.95:
            left = shares[low - 1] if low else -1.0
            right = shares[high + 1] if high + 1 < len(shares) else -1.0
            low, high = (low - 1, high) if left >= right else (low, high + 1)
        return Interval(self.starts[best] + 1, (self.starts[low - 1] + 1 if low else 0) + 1, self.starts[high] + 1)


class Assay:
    """The bets of one reference; sums of finished stretches are kept, so that a look costs little."""

    def __init__(self, reference: Reference, options: MonitorOptions) -> None:
        self.reference, self.options = reference, options
        # Who states a memory says that neighbours are alike: then those of the reference count as they are, too.
        one = 1.0 if options.memory is None else reference.alike.samples
        self.bets: Bets = bets_of(reference.counts / one, options.alpha, options.tolerance)
        self.threshold = self.bets.threshold + (0.0 if options.memory is None else math.log(options.memory + 1))
        self._allowed = self.bets.allowed.reshape(-1, self.bets.allowed.shape[-1])
        self._weights = self.bets.weights.ravel()
        self._scales = [
            Scale.of(held, _shown(reference, figure), is_share=figure.kind in SHARES)
            for held, figure in zip(reference.counts, reference.figures, strict=True)
        ]
        self._sums: WeakKeyDictionary[Stretch, tuple[Doubles, Doubles]] = WeakKeyDictionary()

    def evidence(self, state: MonitorState) -> float:
        """The logarithm of the capital of all bets at all moments; 0 before the first batch."""
        if not state.ladder:
            return 0.0
        gains, drops = self._summed(state)
        starts = np.array([log_weight(start) for start in starts_of(state)])
        return float(log_evidence(gains, drops, starts, self._weights, self._allowed)[0])

    def since(self, state: MonitorState) -> Since:
        """The evidence of a change at each beginning of a stretch."""
        starts = starts_of(state)
        capital = self._capital(state) + self._weights
        return Since(starts, np.logaddexp.reduce(capital, axis=1) + np.array([log_weight(start) for start in starts]))

    def tracks(self, state: MonitorState) -> tuple[Track, ...]:
        """Each figure over the whole life, with an interval that holds at every batch, for all figures at once."""
        if not state.ladder:
            return ()
        reference = self.reference
        starts = np.array([log_weight(start) for start in starts_of(state)])
        capital = self._capital(state) + self._weights + starts[:, None]
        each = np.logaddexp.reduce(capital.reshape(len(starts), -1, BETS), axis=(0, 2))
        counts = np.sum([stretch.counts for stretch in state.ladder], axis=0) / state.unit
        live = self._intervals(counts[:, None], np.zeros(1))
        return tuple(
            Track(reference.taking.said(figure), self._known(place), live[place][0], float(each[place]))
            for place, figure in enumerate(reference.figures)
            if reference.counts[place].any()
        )

    def courses(self, state: MonitorState) -> tuple[Course, ...]:
        """Each figure over time: at the end of every stretch the interval of the whole life so far, and that of the stretch.

        All of them hold at once: the bets of a stretch count with the weight of its beginning, as those of the test do.
        """
        if not state.ladder:
            return ()
        reference = self.reference
        starts, ends = starts_of(state), np.cumsum([stretch.length for stretch in state.ladder])
        each = np.stack([stretch.counts for stretch in state.ladder], axis=1) / state.unit
        life = self._intervals(np.cumsum(each, axis=1), np.full(len(ends), math.log(2.0)))
        windows = self._intervals(each, math.log(2.0) - np.array([log_weight(start) for start in starts]))
        return tuple(
            Course(
                reference.taking.said(figure),
                self._known(place),
                tuple(
                    Moment(start, int(end), life[place][k], windows[place][k])
                    for k, (start, end) in enumerate(zip(starts, ends, strict=True))
                ),
            )
            for place, figure in enumerate(reference.figures)
            if reference.counts[place].any()
        )

    def evidence_over_time(self, state: MonitorState) -> tuple[tuple[int, float], ...]:
        """The number of batches and the evidence at the end of every stretch, from the stretches as they are kept now.

        Bets that began inside of a stretch are gone, so the evidence of that time may have been higher.
        """
        if not state.ladder:
            return ()
        gains, drops = self._summed(state)
        starts, ends = starts_of(state), np.cumsum([stretch.length for stretch in state.ladder]).tolist()
        begun = np.array([log_weight(start) for start in starts])
        return tuple(
            (end, float(log_evidence(gains[: k + 1], drops[: k + 1], begun[: k + 1], self._weights, self._allowed)[0]))
            for k, end in enumerate(ends)
        )

    def _known(self, place: int) -> float:
        """The reference's mean of a figure, whose far samples count as 2.5 spreads away, unless it is a share."""
        scale, held = self._scales[place], self.reference.counts[place]
        return float(scale.mean + scale.spread * (held @ scale.z) / max(held.sum(), 1))

    def _intervals(self, counts: Doubles, extra: Doubles) -> list[list[Interval]]:
        """The intervals of counts ``(F, M, 64)``; ``extra`` ``(M,)`` adds to the logarithm of the capital that they need."""
        figures, moments, levels = counts.shape
        z = np.repeat(np.stack([scale.z for scale in self._scales]), moments, axis=0)
        certain = np.tile(math.log(figures) + self.threshold + extra, figures)
        shares = np.repeat([scale.is_share for scale in self._scales], moments)
        found = [part.reshape(figures, moments) for part in intervals(counts.reshape(-1, levels), z, certain, shares)]
        back = [[scale.back(part[place]) for part in found] for place, scale in enumerate(self._scales)]
        return [[Interval(*map(float, row)) for row in zip(*rows, strict=True)] for rows in back]

    def _capital(self, state: MonitorState) -> Doubles:
        """The logarithm of the capital of each bet at each moment ``(S, F * B)``, whatever the population's mean is."""
        gains, drops = (np.cumsum(part[::-1], axis=0)[::-1] for part in self._summed(state))
        places = np.arange(1, self._allowed.shape[1] + 1) / self._allowed.shape[1]
        loss = np.full(gains.shape, -np.inf)
        for place, allowed in zip(places, self._allowed.T, strict=True):
            loss = np.maximum(loss, drops * place - allowed)
        return np.asarray(gains - loss, np.float64)

    def _summed(self, state: MonitorState) -> tuple[Doubles, Doubles]:
        """The sums of gains and drops ``(S, F * B)`` of each stretch."""
        for stretch in state.ladder:
            if stretch not in self._sums:
                counts = stretch.counts[:, None, :] / state.unit
                self._sums[stretch] = ((counts @ self.bets.gains).ravel(), (counts @ self.bets.drops).ravel())
        found = [self._sums[stretch] for stretch in state.ladder]
        return np.stack([gains for gains, _ in found]), np.stack([drops for _, drops in found])


def _shown(reference: Reference, figure: Figure) -> Doubles:
    """What each level of a figure means to a reader ``(64,)``.

    A row has no data or has some; products of columns, whose levels have steps of their own, are in stds.
    """
    if reference.taking.rows and figure.kind in SHARES:
        return np.asarray(np.arange(len(figure.shown)) > 0, np.float64)
    if not reference.taking.rows or figure.kind != "correlation":
        return figure.shown
    units = product_units(reference.figures)
    stds = [(units[place], reference.stats.channels[place].std) for place in figure.channels]
    return figure.shown * math.prod(unit / std if std > 0 else 1.0 for unit, std in stds)


def starts_of(state: MonitorState) -> tuple[int, ...]:
    """The number of batches before each stretch."""
    lengths = [stretch.length for stretch in state.ladder]
    return tuple(sum(lengths[:place]) for place in range(len(lengths)))
