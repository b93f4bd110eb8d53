"""Evaluate a multi-label task: average precision of each label, its threshold, and precision and recall there."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tare.statistics.dataset_stats import nullable
from tare.statistics.intervals import Interval
from tare.tasks.evaluations.figure import Figure

_RESAMPLES = 500
_MISTAKES = 12


@dataclass(frozen=True, slots=True)
class LabelScore:
    """One label: average precision, the threshold with the highest F1, precision, recall and F1 there, and its samples.

    Without a sample that has the label, or one that lacks it, the figures are NaN.
    """

    name: str
    average_precision: float
    threshold: float
    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True, slots=True)
class LabelMistake:
    """A sample whose label is wrong at the label's threshold, with the label's probability."""

    sample: str
    label: str
    has: bool
    probability: float


@dataclass(frozen=True, slots=True)
class LabelEvaluation:
    """The evaluation of a multi-label task; ``mean_precision`` is the mean average precision over labels."""

    samples: int
    mean_precision: Interval
    scores: tuple[LabelScore, ...]
    mistakes: tuple[LabelMistake, ...]

    @property
    def headline(self) -> Figure:
        """Mean average precision."""
        return Figure("mAP", self.mean_precision)

    @property
    def thresholds(self) -> tuple[float, ...]:
        """The threshold of each label; 0.5 where it is unknown."""
        return tuple(0.5 if math.isnan(score.threshold) else score.threshold for score in self.scores)

    def table(self) -> list[dict[str, Any]]:
        """One row for each label."""
        return [asdict(score) for score in self.scores]

    def points(self) -> list[dict[str, Any]]:
        """Average precision, and F1 at the threshold, of each label."""
        return [
            nullable({"panel": key.replace("_", " "), "name": score.name, "value": getattr(score, key)})
            for key in ("average_precision", "f1")
            for score in self.scores
        ]

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object with schema ``tare.labels/1``; unknown figures are null."""
        return {
            "schema": "tare.labels/1",
            "samples": self.samples,
            "map": nullable(asdict(self.mean_precision)),
            "labels": [nullable(asdict(score)) for score in self.scores],
            "mistakes": [asdict(mistake) for mistake in self.mistakes],
        }


def evaluate_labels(
    answers: NDArray[np.float64],
    targets: NDArray[np.float64],
    names: Sequence[str],
    samples: Sequence[str],
    thresholds: Sequence[float] = (),
) -> LabelEvaluation:
    """Compare probabilities ``(N, K)`` with marks ``(N, K)`` of 0 and 1; ``samples`` name the rows.

    Without ``thresholds`` each label gets that of the highest F1 on these samples.

    Average precision is the area below the step curve of precision over recall (scikit-learn's and torchmetrics' definition).
    The interval of its mean over labels is the percentile bootstrap over samples.
    """
    scores = tuple(
        _score(name, answers[:, k], targets[:, k], thresholds[k] if thresholds else None) for k, name in enumerate(names)
    )
    return LabelEvaluation(len(targets), _mean_precision(answers, targets), scores, _mistakes(answers, targets, scores, samples))


def average_precision(
    answers: NDArray[np.float64], marks: NDArray[np.float64], weights: NDArray[np.float64] | None = None
) -> NDArray[np.float64]:
    """Average precision of each of B resamples, whose ``weights`` ``(B, N)`` count the samples; one without weights.

    The sum over distinct probabilities of the gain of recall times the precision there. NaN without a marked sample.
    """
    order = np.argsort(-answers, kind="stable")
    weights = np.ones((1, len(marks))) if weights is None else weights
    right = np.cumsum(weights[:, order] * marks[order], axis=1)
    given = np.cumsum(weights[:, order], axis=1)
    last = np.append(np.diff(answers[order]) != 0, True)  # equal probabilities are given together
    right, given = right[:, last], given[:, last]
    gained = np.diff(right, axis=1, prepend=0)
    total = right[:, -1:]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(total[:, 0] > 0, (gained * (right / np.maximum(given, 1))).sum(axis=1) / total[:, 0], np.nan)


def _mean_precision(answers: NDArray[np.float64], targets: NDArray[np.float64]) -> Interval:
    known = (targets.sum(axis=0) > 0) & (targets.sum(axis=0) < len(targets))
    if not known.any():
        return Interval(math.nan, math.nan, math.nan)
    places = np.flatnonzero(known)
    whole = float(np.mean([average_precision(answers[:, k], targets[:, k])[0] for k in places]))
    if len(targets) < 2:
        return Interval(whole, math.nan, math.nan)
    generator = np.random.default_rng(0)
    counts = generator.multinomial(len(targets), np.full(len(targets), 1 / len(targets)), size=_RESAMPLES).astype(np.float64)
    each = np.stack([average_precision(answers[:, k], targets[:, k], counts) for k in places])
    drawn = each[:, np.isfinite(each).all(axis=0)].mean(axis=0)  # some resamples of few samples lack a label altogether
    if len(drawn) < 2:
        return Interval(whole, math.nan, math.nan)
    low, high = np.quantile(drawn, (0.025, 0.975))
    return Interval(whole, float(low), float(high))


def _score(name: str, answers: NDArray[np.float64], marks: NDArray[np.float64], stated: float | None) -> LabelScore:
    support = int(marks.sum())
    if support in (0, len(marks)):
        unknown = math.nan if stated is None else stated
        return LabelScore(name, math.nan, unknown, math.nan, math.nan, math.nan, support)
    threshold = _best_threshold(answers, marks) if stated is None else stated
    given = answers >= threshold
    right = float((given & (marks > 0)).sum())
    precision = right / given.sum() if given.any() else math.nan
    f1 = 2 * right / float(given.sum() + support)
    return LabelScore(
        name, float(average_precision(answers, marks)[0]), threshold, float(precision), right / support, f1, support
    )


def _best_threshold(answers: NDArray[np.float64], marks: NDArray[np.float64]) -> float:
    """The probability from which on F1 is highest, half way to the next lower answer: at an answer rounding would decide."""
    from sklearn.metrics import precision_recall_curve

    precision, recall, limits = precision_recall_curve(marks, answers)
    both = precision[:-1] + recall[:-1]
    best = limits[int(np.argmax(2 * precision[:-1] * recall[:-1] / np.where(both > 0, both, 1)))]
    return float(best + answers[answers < best].max(initial=0.0)) / 2


def _mistakes(
    answers: NDArray[np.float64], targets: NDArray[np.float64], scores: Sequence[LabelScore], samples: Sequence[str]
) -> tuple[LabelMistake, ...]:
    limits = np.array([score.threshold for score in scores])
    wrong = np.argwhere((answers >= limits) != (targets > 0))
    sure = np.abs(answers - targets)
    order = sorted(map(tuple, wrong.tolist()), key=lambda place: -sure[place])[:_MISTAKES]
    return tuple(LabelMistake(samples[row], scores[k].name, bool(targets[row, k]), float(answers[row, k])) for row, k in order)
