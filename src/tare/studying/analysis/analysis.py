"""Analyse scores: means, contrasts to the baseline, crossovers, a summary over groups, and sentences."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from tare.errors import DataError
from tare.statistics.intervals import Interval, mean_interval
from tare.studying.analysis.contrasts import Contrast, Family, Overall, contrasts_together, overall
from tare.studying.analysis.crossover import Crossover, crossover
from tare.studying.analysis.scores import ScoreGroup, Scores
from tare.system.files import finite

SCHEMA = "tare.analysis/1"
# Strategies that a message names.
_NAMED = 5


@dataclass(frozen=True, slots=True)
class Mean:
    """Mean score of a strategy in a group over its pairs, with a 95% interval."""

    group: ScoreGroup
    strategy: str
    pairs: int
    score: Interval


@dataclass(frozen=True, slots=True)
class Crossing:
    """Where a strategy overtakes the baseline as the size grows; ``group`` is without the size."""

    group: ScoreGroup
    strategy: str
    sizes: tuple[int, ...]
    crossover: Crossover


@dataclass(frozen=True, slots=True)
class Analysis:
    """The result of the analysis; ``unit`` is ``points`` for shares in [0, 1], else empty.

    ``score`` is the name of what is compared; with ``lower`` a lower score is the better one. ``unpaired`` counts the scores of
    each strategy that no score of the baseline has the pair and the group of: they are compared with nothing. ``mixed`` are the
    numbers of scores up to 1 and above it, if they look like shares beside percent. ``scoreless`` are the strategies of which no
    cell has a score.
    """

    baseline: str
    margin: float
    unit: str
    means: tuple[Mean, ...]
    contrasts: tuple[Contrast, ...]
    overall: tuple[Overall, ...]
    crossings: tuple[Crossing, ...]
    missing: int
    score: str = "accuracy"
    lower: bool = False
    unpaired: Mapping[str, int] = field(default_factory=dict)
    mixed: tuple[int, int] = (0, 0)
    scoreless: tuple[str, ...] = ()

    @property
    def sentences(self) -> tuple[str, ...]:
        """The verdict as sentences, made from the numbers."""
        return tuple(_sentences(self))

    def told(self, value: float) -> str:
        """A difference as text, with its sign, without its unit."""
        return f"{100 * value:+z.1f}" if self.unit else f"{value:+.3g}"

    def ends(self, interval: Interval) -> str:
        """Both ends of an interval of differences as text."""
        return f"{self.told(interval.low)} to {self.told(interval.high)}"

    @property
    def unit_text(self) -> str:
        """The unit as it follows a number: `` points``, or nothing."""
        return f" {self.unit}" if self.unit else ""

    @property
    def margin_text(self) -> str:
        """The margin with its unit."""
        if not self.unit:
            return f"{self.margin:g}"
        return f"{100 * self.margin:g} point{'' if round(100 * self.margin, 9) == 1 else 's'}"

    def to_json(self) -> dict[str, Any]:
        """The analysis as a JSON object with schema ``tare.analysis/1``; a value that is not finite is null or a word."""
        return {
            "schema": SCHEMA,
            "baseline": self.baseline,
            "margin": self.margin,
            "unit": self.unit,
            "score": self.score,
            "lower": self.lower,
            "missing": self.missing,
            "unpaired": dict(self.unpaired),
            "scoreless": list(self.scoreless),
            "shares_beside_percent": list(self.mixed),
            "verdict": list(self.sentences),
            "means": [_plain(item) for item in self.means],
            "contrasts": [{**_plain(item), "within_margin": item.within} for item in self.contrasts],
            "overall": [_plain(item) for item in self.overall],
            "crossovers": [
                {**_plain(item), "crossover": {name: _size(value) for name, value in asdict(item.crossover).items()}}
                for item in self.crossings
            ],
        }


def analyse(
    scores: Scores,
    *,
    baseline: str = "source",
    margin: float | None = None,
    size: str | None = None,
    lower: bool = False,
    score: str = "accuracy",
) -> Analysis:
    """Analyse scores against ``baseline``.

    ``margin`` is the largest difference that counts as equivalent: one point by default (0.01) for shares, and one percent of the
    baseline's mean for other scores, also where a ``lower`` score is the better one. ``score`` is its name.
    ``size`` names the group column with the target's size, along which crossovers are looked for.

    Raises :class:`DataError` if no group has the baseline, no score can be paired with one of it, or a size is not a whole
    number.
    """
    if not any(baseline in strategies for strategies in scores.values.values()):
        raise DataError(
            f"scores of the baseline {baseline!r}", f"strategies {', '.join(scores.strategies)}", "name one with --baseline"
        )
    others = [name for name in scores.strategies if name != baseline]
    if others and not any(scores.differences(group, name, baseline) for group in scores.values for name in others):
        raise DataError(
            f"scores of a strategy and of {baseline!r} for the same pair and group",
            f"none of {', '.join(others[:_NAMED])}{', ...' if len(others) > _NAMED else ''}",
            "name the columns that a pair shares with --pair-columns, and those of a group with --group-columns",
        )
    if margin is None:
        margin = scores.margin(baseline, 1.0, lower=lower)
    return analyse_together({"": Family(scores, baseline, margin, lower, score=score)}, size=size)[""]


def analyse_together(families: Mapping[str, Family], *, size: str | None = None) -> dict[str, Analysis]:
    """As :func:`analyse` for several scores of the same trials, by name; p values are adjusted over all of them together."""
    for family in families.values():
        if not family.margin > 0:
            raise DataError("a margin above zero", f"{family.margin:g}", "1 point is usual")
    found = contrasts_together(list(families.values()))
    return {name: _analysis(each, compared, size) for (name, each), compared in zip(families.items(), found, strict=True)}


def _analysis(family: Family, found: tuple[Contrast, ...], size: str | None) -> Analysis:
    scores, baseline = family.scores, family.baseline
    steps = {group: scores.step(group) for group in scores.values}
    means = tuple(
        Mean(group, name, len(pairs), mean_interval(list(pairs.values()), step=steps[group]))
        for group, strategies in scores.values.items()
        for name, pairs in strategies.items()
    )
    crossings = _crossings(family, size) if size else ()
    unit = "" if family.lower else _unit(scores)
    return Analysis(
        baseline,
        family.margin,
        unit,
        means,
        found,
        overall(found, scores, baseline),
        crossings,
        scores.missing,
        family.score,
        family.lower,
        scores.alone(baseline),
        (0, 0) if family.lower else scores.shares_beside_percent,
        scores.scoreless,
    )


def _unit(scores: Scores) -> str:
    """``points`` for shares, else nothing."""
    return "points" if scores.largest <= 1.0 else ""


def _crossings(family: Family, size: str) -> tuple[Crossing, ...]:
    """One crossover per strategy and group, sizes taken together."""
    scores, baseline, sign = family.scores, family.baseline, -1.0 if family.lower else 1.0
    rest: dict[ScoreGroup, dict[int, ScoreGroup]] = {}
    for group in scores.values:
        others = tuple(item for item in group if item[0] != size)
        text = dict(group).get(size, "")
        if not text.isdecimal() or len(text) > 18:
            raise DataError(f"whole numbers in {size!r}", f"{text[:80]!r}", "name the column that holds the number of samples")
        rest.setdefault(others, {})[int(text)] = group
    found = []
    for others, by_size in rest.items():
        for strategy in (name for name in scores.strategies if name != baseline):
            found_gaps = ((n, scores.differences(group, strategy, baseline)) for n, group in by_size.items())
            gaps = {n: {pair: sign * value for pair, value in gap.items()} for n, gap in found_gaps if gap}
            crossing = crossover(gaps, max(scores.step(group) for group in by_size.values()))
            if crossing is not None:
                found.append(Crossing(others, strategy, tuple(sorted(gaps)), crossing))
    return tuple(found)


def _sentences(analysis: Analysis) -> list[str]:
    found = analysis.contrasts
    lines = [
        _strategy_sentence(analysis, [item for item in found if item.strategy == strategy])
        for strategy in dict.fromkeys(item.strategy for item in found)
    ] or ["Nothing is compared: no strategy has scores beside those of the baseline."]
    shown = {(item.strategy, *item.group) for item in found if item.shown}
    for crossing in analysis.crossings:
        if not any(key[0] == crossing.strategy and set(crossing.group) <= set(key[1:]) for key in shown):
            continue  # no difference is shown at any size, so the strategy cannot be said to overtake
        sentence = crossing.crossover.sentence(crossing.strategy, analysis.baseline, crossing.sizes[0], crossing.sizes[-1])
        where = group_text(crossing.group)
        lines.append(f"{where}: {sentence}" if where else sentence)
    for strategy, count in analysis.unpaired.items():
        noun, verb = ("score", "has") if count == 1 else ("scores", "have")
        lines.append(f"{strategy}: {count} {noun} {verb} none of {analysis.baseline} beside them, and are compared with nothing.")
    unscored = "none of its cells has a score, and it is compared with nothing."
    lines += [f"{strategy}: {unscored}" for strategy in analysis.scoreless]
    if any(analysis.mixed):
        small, large = analysis.mixed
        said = f"{small} of the scores are up to 1 and {large} from there to 100, like shares beside percent"
        lines.append(f"{said}: they are compared as they are.")
    if analysis.missing:
        lines.append(f"{analysis.missing} cells are missing; their results are not known.")
    return lines


def _strategy_sentence(analysis: Analysis, items: Sequence[Contrast]) -> str:
    """One sentence on a strategy: the number of comparisons for each statement, and the largest difference."""
    strategy, total = items[0].strategy, len(items)
    parts = []
    for statement in ("better", "worse"):
        shown = [item for item in items if item.statement == statement]
        if shown:
            best = max(shown, key=lambda item: abs(item.difference.estimate))
            where = f", {group_text(best.group)}" if best.group and total > 1 else ""
            most = "at most " if len(shown) > 1 else ""
            parts.append(
                f"{statement} than {analysis.baseline}{_of(len(shown), total)} (by {most}{_amount(analysis, best)}{where})"
            )
    same = sum(item.statement == "equivalent" for item in items)
    if same:
        parts.append(f"equivalent to it within {analysis.margin_text}{_of(same, total)}")
    identical = sum(item.statement == "identical" for item in items)
    if identical == total:
        why = "which is unlikely with different inputs: the strategy had no effect"
        if analysis.unit and {mean.score.estimate for mean in analysis.means if mean.strategy == strategy} <= {0.0, 1.0}:
            why = "all at the end of the score's range, where no difference can show: make the task harder"
        parts.append(f"bit-identical to it{_of(identical, total)}, {why}")
    elif identical:
        parts.append(f"the same scores{_of(identical, total)}")
    few = sum(item.statement == "too few" for item in items)
    if few:
        parts.append(f"one pair, too few to tell{_of(few, total)}")
    undecided = [item for item in items if item.statement == "undecided"]
    if undecided:
        ends = [(item.difference.low, item.difference.high) for item in undecided if math.isfinite(item.difference.low)]
        low, high = min((low for low, _ in ends), default=math.nan), max((high for _, high in ends), default=math.nan)
        span = f" (intervals from {analysis.told(low)} to {analysis.told(high)}{analysis.unit_text})" if ends else ""
        parts.append(f"no difference shown{_of(len(undecided), total)}{span}")
    return f"{strategy}: {'; '.join(parts)}."


def _of(count: int, total: int) -> str:
    return "" if total == 1 else f" in all {total} comparisons" if count == total else f" in {count} of {total} comparisons"


def _amount(analysis: Analysis, item: Contrast) -> str:
    gap = item.difference
    return f"{analysis.told(gap.estimate).lstrip('+-')}{analysis.unit_text}, {analysis.ends(gap)}"


def group_text(group: ScoreGroup) -> str:
    """A group as text: its columns and values."""
    return ", ".join(f"{name} {value}" for name, value in group)


def _plain(item: Any) -> dict[str, Any]:
    document: dict[str, Any] = finite(asdict(item))
    return {**document, "group": dict(item.group)} if hasattr(item, "group") else document


def _size(value: float) -> float | str:
    if math.isfinite(value):
        return value
    return "beyond the largest" if value > 0 else "below the smallest"
