"""What cells of a study say: means, paired differences to ``source``, and a sentence no stronger than they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tare.normalisation.names import Strategy
from tare.statistics.intervals import Interval, holm, mean_interval, paired_p_value

BASELINE: Strategy = "source"
_LEVEL = 0.05


@dataclass(frozen=True, slots=True)
class Cell:
    """Accuracy of one strategy under one shift with one seed."""

    strategy: Strategy
    shift: str
    seed: int
    accuracy: float


@dataclass(frozen=True, slots=True)
class Summary:
    """Mean accuracy of a strategy under a shift over its seeds, with a 95% interval."""

    strategy: Strategy
    shift: str
    accuracy: Interval
    seeds: int


@dataclass(frozen=True, slots=True)
class Difference:
    """Paired difference of a strategy to ``source`` under a shift, with a 95% interval and Holm's adjusted p value."""

    strategy: Strategy
    shift: str
    accuracy: Interval
    p_adjusted: float

    @property
    def shown(self) -> bool:
        """Whether a difference is shown at the 5% level after adjustment."""
        return self.p_adjusted < _LEVEL


def summaries(cells: Sequence[Cell]) -> tuple[Summary, ...]:
    """One summary a shift and strategy, in the order in which they first appear."""
    groups: dict[tuple[str, Strategy], list[float]] = {}
    for cell in cells:
        groups.setdefault((cell.shift, cell.strategy), []).append(cell.accuracy)
    return tuple(Summary(key[1], key[0], mean_interval(values), len(values)) for key, values in groups.items())


def differences(cells: Sequence[Cell]) -> tuple[Difference, ...]:
    """Differences to ``source`` paired by seed; Holm's adjustment covers all of them, every shift and strategy."""
    accuracy = {(cell.shift, cell.strategy, cell.seed): cell.accuracy for cell in cells}
    pairs: dict[tuple[str, Strategy], list[float]] = {}
    for (shift, strategy, seed), value in accuracy.items():
        base = accuracy.get((shift, BASELINE, seed))
        if strategy != BASELINE and base is not None:
            pairs.setdefault((shift, strategy), []).append(value - base)
    adjusted = holm([paired_p_value(values) for values in pairs.values()])
    return tuple(
        Difference(strategy, shift, mean_interval(values), p)
        for ((shift, strategy), values), p in zip(pairs.items(), adjusted, strict=True)
    )


def winner(shift: str, compared: Sequence[Difference]) -> Strategy:
    """The strategy to take: ``source``, unless one is shown to be better; of those the best."""
    better = [item for item in compared if item.shift == shift and item.shown and item.accuracy.estimate > 0]
    return max(better, key=lambda item: item.accuracy.estimate).strategy if better else BASELINE


def verdict(shift: str, compared: Sequence[Difference], seeds: int) -> str:
    """One sentence on a shift, made of its numbers only."""
    here = [item for item in compared if item.shift == shift]
    shown = sorted((item for item in here if item.shown), key=lambda item: -abs(item.accuracy.estimate))
    if not shown:
        low = min(item.accuracy.low for item in here)
        high = max(item.accuracy.high for item in here)
        return (
            f"No difference to source shown: over {seeds} seeds the 95% intervals of the paired differences "
            f"lie between {points(low)} and {points(high)} points."
        )
    parts = [
        f"{item.strategy} is {'better' if item.accuracy.estimate > 0 else 'worse'} than source by "
        f"{100 * abs(item.accuracy.estimate):.1f} points ({points(item.accuracy.low)} to {points(item.accuracy.high)})"
        for item in shown
    ]
    others = [item.strategy for item in here if not item.shown]
    rest = f"; no difference shown for {', '.join(others)}" if others else ""
    return f"{'; '.join(parts)}{rest} ({seeds} seeds, paired, Holm-adjusted)."


def points(value: float) -> str:
    """A share as signed percentage points."""
    return f"{100 * value:+.1f}"
