"""Paired contrasts of every strategy to the baseline: better, worse, equivalent within a margin, or undecided."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tare.statistics.inference.distributions import t_quantile
from tare.statistics.intervals import (
    Interval,
    equivalence_p_value,
    holm,
    mean_interval,
    paired_p_value,
    random_effects,
)
from tare.studying.analysis.scores import Pair, ScoreGroup, Scores

Statement = Literal["better", "worse", "equivalent", "undecided", "identical", "too few"]
LEVEL = 0.05
#: The pairs that the mean variance of the groups counts for in that of each.
_PRIOR = 4


@dataclass(frozen=True, slots=True)
class Contrast:
    """Paired difference of a strategy to the baseline in one group, with its 95% interval and adjusted p values.

    The statement is ``identical`` if every pair has equal scores, which may be chance in one group with coarse scores, and is a
    mistake if it holds in all groups. It is ``too few`` with one pair. A significant difference within the margin is still
    ``better`` or ``worse``; ``within`` then says that it is small.
    """

    group: ScoreGroup
    strategy: str
    pairs: int
    difference: Interval
    p_adjusted: float
    p_equivalent: float
    statement: Statement

    @property
    def shown(self) -> bool:
        """Whether a difference is shown, in either direction."""
        return self.statement in ("better", "worse")

    @property
    def within(self) -> bool:
        """Whether the difference is shown to be smaller than the margin."""
        return self.p_equivalent < LEVEL


@dataclass(frozen=True, slots=True)
class Overall:
    """A strategy against the baseline over all groups: random effects, and ``between``, the std of the groups' true effects."""

    strategy: str
    groups: int
    difference: Interval
    between: float


@dataclass(frozen=True, slots=True)
class Family:
    """Scores to compare with ``baseline``: ``margin`` counts as none, and with ``lower`` a lower score is the better one.

    ``score`` is the name of the score.
    """

    scores: Scores
    baseline: str
    margin: float
    lower: bool = False
    score: str = "accuracy"


def contrasts(scores: Scores, baseline: str, margin: float) -> tuple[Contrast, ...]:
    """Compare every strategy with ``baseline`` in every group.

    The tests are two-sided paired t tests, and two one-sided t tests against ``margin``; the variance that the step of coarse
    scores hides counts in them (:func:`tare.statistics.intervals.spacing`). Each family is Holm-adjusted over all
    groups and strategies: the chance of any wrong "better" or "worse" is at most 5%, and so is that of any wrong "equivalent".
    """
    return contrasts_together([Family(scores, baseline, margin)])[0]


def contrasts_together(families: Sequence[Family]) -> list[tuple[Contrast, ...]]:
    """As :func:`contrasts` for several scores of the same trials; p values are adjusted over all of them together."""
    flat = [(place, gaps) for place, family in enumerate(families) for gaps in _gaps(family)]
    tested = [index for index, (_, gaps) in enumerate(flat) if len(gaps.values) > 1 and any(gaps.values)]
    p_values = dict(zip(tested, holm([paired_p_value(flat[i][1].values, flat[i][1].step) for i in tested]), strict=True))
    within = [
        equivalence_p_value(gaps.values, families[place].margin, gaps.step) for place, gaps in (flat[index] for index in tested)
    ]
    p_equivalent = dict(zip(tested, holm(within), strict=True))
    made = [
        (place, _contrast(gaps, p_values.get(index, math.nan), p_equivalent.get(index, math.nan), families[place].lower))
        for index, (place, gaps) in enumerate(flat)
    ]
    return [tuple(one for place, one in made if place == number) for number in range(len(families))]


@dataclass(frozen=True, slots=True)
class _Gaps:
    """The paired differences of a strategy in a group, and the step that the group's scores come in."""

    group: ScoreGroup
    strategy: str
    values: Sequence[float]
    step: float


def _gaps(family: Family) -> Iterator[_Gaps]:
    """The paired differences of each strategy in each group; those without a pair are left out."""
    for group, strategies in family.scores.values.items():
        step = family.scores.step(group)
        for name in (name for name in strategies if name != family.baseline):
            gap = list(family.scores.differences(group, name, family.baseline).values())
            if gap:
                yield _Gaps(group, name, gap, step)


def _contrast(gaps: _Gaps, p: float, p_equivalent: float, lower: bool) -> Contrast:
    gap = gaps.values
    interval = mean_interval(gap, step=gaps.step)
    statement: Statement = "undecided"
    if len(gap) > 1 and not any(gap):
        statement = "identical"
    elif len(gap) < 2:
        statement = "too few"
    elif p < LEVEL:
        statement = "better" if (interval.estimate > 0) != lower else "worse"
    elif p_equivalent < LEVEL:
        statement = "equivalent"
    return Contrast(gaps.group, gaps.strategy, len(gap), interval, p, p_equivalent, statement)


def overall(found: Sequence[Contrast], scores: Scores, baseline: str) -> tuple[Overall, ...]:
    """Each strategy over all its groups, by random effects: the groups are a sample of possible groups.

    Groups with the same pairs are not independent: what moves a pair in all groups together does not differ between them. So
    the interval is at least that of the mean over the groups pair by pair, and of the spread of the groups, together.
    """
    result = []
    for strategy in dict.fromkeys(item.strategy for item in found):
        usable = [item for item in found if item.strategy == strategy and item.pairs > 1]
        if len(usable) < 2:
            continue
        estimates, errors = [item.difference.estimate for item in usable], _moderated(usable)
        interval, between = random_effects(estimates, errors)
        weights = np.array([1 / max(error**2 + between**2, 1e-300) for error in errors])
        gaps = [scores.differences(item.group, strategy, baseline) for item in usable]
        half = max(interval.high - interval.estimate, _half(gaps, weights / weights.sum(), between))
        widened = Interval(interval.estimate, interval.estimate - half, interval.estimate + half)
        result.append(Overall(strategy, len(usable), widened, between))
    return tuple(result)


def _half(gaps: Sequence[Mapping[Pair, float]], weights: NDArray[np.float64], between: float) -> float:
    """Half the 95% interval of the weighted mean of groups that share pairs.

    Its variance has two parts: that of the pairs' own weighted means, and that of the groups' true effects. Degrees of freedom
    by Satterthwaite (1946).
    """
    means = [math.fsum(gap.values()) / len(gap) for gap in gaps]
    pairs = sorted({pair for gap in gaps for pair in gap})
    moved = [
        math.fsum(w * (gap[pair] - mean) / len(gap) for w, gap, mean in zip(weights, gaps, means, strict=True) if pair in gap)
        for pair in pairs
    ]
    of_pairs = math.fsum(each**2 for each in moved) * len(pairs) / (len(pairs) - 1)
    of_groups = between**2 * float((weights**2).sum())
    if of_pairs + of_groups == 0.0:
        return 0.0
    freedom = (of_pairs + of_groups) ** 2 / (of_pairs**2 / (len(pairs) - 1) + of_groups**2 / (len(gaps) - 1))
    return t_quantile(0.975, freedom) * math.sqrt(of_pairs + of_groups)


def _moderated(found: Sequence[Contrast]) -> list[float]:
    """The standard errors of groups, with variances drawn towards their mean as by four more pairs (Smyth 2004).

    Weights by the variances of a few pairs would favour the groups whose variance happens to be estimated too low.
    """
    variances = [_error(item) ** 2 * item.pairs for item in found]
    usual = math.fsum(variances) / len(variances)
    drawn = [
        ((item.pairs - 1) * own + _PRIOR * usual) / (item.pairs - 1 + _PRIOR) for item, own in zip(found, variances, strict=True)
    ]
    return [math.sqrt(variance / item.pairs) for item, variance in zip(found, drawn, strict=True)]


def _error(item: Contrast) -> float:
    return (item.difference.high - item.difference.low) / 2 / t_quantile(0.975, item.pairs - 1)
