"""The evidence in a monitor's state: of a change at any moment, of each figure by itself, and the intervals to plot."""

from __future__ import annotations

import math
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np

from tare.monitoring.evidence.betting import BETS, Bets, bets_of
from tare.monitoring.evidence.detection import log_evidence, log_weight
from tare.monitoring.inputs import MonitorOptions
from tare.monitoring.reference import Reference
from tare.monitoring.result import Track
from tare.monitoring.state import UNIT, MonitorState, Stretch
from tare.samples.layout import Doubles
from tare.statistics.intervals import Interval

# Shares of the largest stake that an interval's bets stake, down to those for a billion samples.
_STAKES = 0.95 * 0.5 ** np.arange(15)
_CUT = 2.5


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
        self.bets: Bets = bets_of(reference.counts, reference.middles, options.alpha, options.tolerance)
        self.threshold = self.bets.threshold + (0.0 if options.memory is None else math.log(options.memory + 1))
        self._allowed = self.bets.allowed.reshape(-1, self.bets.allowed.shape[-1])
        self._weights = self.bets.weights.ravel()
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
        starts = np.array([log_weight(start) for start in starts_of(state)])
        capital = self._capital(state) + self._weights + starts[:, None]
        each = np.logaddexp.reduce(capital.reshape(len(starts), -1, BETS), axis=(0, 2))
        counts = np.sum([stretch.counts for stretch in state.ladder], axis=0) / UNIT
        certain = math.log(len(each)) + self.threshold
        return tuple(
            Track(figure.name, *_means(held, served, figure.shown, certain), float(capital))
            for figure, held, served, capital in zip(self.reference.figures, self.reference.counts, counts, each, strict=True)
        )

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
                counts = stretch.counts[:, None, :] / UNIT
                self._sums[stretch] = ((counts @ self.bets.gains).ravel(), (counts @ self.bets.drops).ravel())
        found = [self._sums[stretch] for stretch in state.ladder]
        return np.stack([gains for gains, _ in found]), np.stack([drops for _, drops in found])


def starts_of(state: MonitorState) -> tuple[int, ...]:
    """The number of batches before each stretch."""
    lengths = [stretch.length for stretch in state.ladder]
    return tuple(sum(lengths[:place]) for place in range(len(lengths)))


def _means(held: Doubles, served: Doubles, shown: Doubles, certain: float) -> tuple[float, Interval]:
    """The reference's mean of a figure, and that of the samples with an interval; in both far figures count as 2.5 spreads away.

    The interval is the set of means against which no bet has won: Waudby-Smith and Ramdas 2024, with fixed stakes.
    """
    shares = held / held.sum()
    mean = float(shares @ shown)
    spread = max(math.sqrt(float(shares @ (shown - mean) ** 2)), float(shown[1] - shown[0]))
    z = np.clip((shown - mean) / spread, -_CUT, _CUT)
    known = mean + spread * float(shares @ z)
    number = float(served.sum())
    if not number:
        return known, Interval(math.nan, math.nan, math.nan)
    live = float(served @ z) / number

    def won(candidate: float, sign: int) -> bool:
        stakes = _STAKES / (_CUT + abs(candidate))
        grown = np.log1p(sign * stakes[:, None] * (z - candidate)) @ served
        return float(np.logaddexp.reduce(grown)) - math.log(2 * len(stakes)) >= certain

    low, high = (_edge(lambda m, s=sign: won(m, s), live, -sign * _CUT) for sign in (1, -1))
    ends = (float(np.clip(mean + spread * each, shown.min(), shown.max())) for each in (low, high))
    return known, Interval(mean + spread * live, *ends)


def _edge(won: object, inside: float, outside: float) -> float:
    """The candidate between ``inside`` and ``outside`` from which on the bets have won, by bisection."""
    assert callable(won)  # noqa: S101 - for the type checker
    if not won(outside):
        return outside
    for _ in range(40):
        middle = (inside + outside) / 2
        inside, outside = (inside, middle) if won(middle) else (middle, outside)
    return outside
