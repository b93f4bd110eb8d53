"""Evaluate a classifier: per-class precision and recall, the confusion matrix, and the most confident mistakes."""

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

_MISTAKES = 12
_TOP = 5


@dataclass(frozen=True, slots=True)
class ClassScore:
    """Precision, recall, F1 and number of samples (``support``) of one class.

    A figure without a denominator is NaN: the precision of a class that was never predicted is unknown, not zero.
    """

    name: str
    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True, slots=True)
class Mistake:
    """A misclassified sample, with the probability of the predicted class."""

    sample: str
    truth: str
    predicted: str
    probability: float


@dataclass(frozen=True, slots=True)
class ClassEvaluation:
    """The evaluation of a classifier; ``confusion[i][j]`` counts the samples of class i that were predicted as class j.

    ``top5`` is the share of samples whose class is among the five most probable, for more than five classes.
    ``calibration_error`` is the mean distance of probability and accuracy over 15 bins of probability.
    """

    classes: tuple[str, ...]
    accuracy: Interval
    macro_f1: float
    scores: tuple[ClassScore, ...]
    confusion: tuple[tuple[int, ...], ...]
    mistakes: tuple[Mistake, ...]
    top5: Interval | None = None
    calibration_error: float = math.nan

    @property
    def samples(self) -> int:
        """Number of samples."""
        return sum(map(sum, self.confusion))

    @property
    def headline(self) -> Figure:
        """Accuracy."""
        return Figure("accuracy", self.accuracy)

    def table(self) -> list[dict[str, Any]]:
        """One row for each class."""
        return [asdict(score) for score in self.scores]

    def points(self) -> list[dict[str, Any]]:
        """Precision, recall and F1 of each class."""
        return [
            nullable({"panel": figure, "name": score.name, "value": getattr(score, figure)})
            for figure in ("precision", "recall", "f1")
            for score in self.scores
        ]

    def confused(self) -> list[tuple[str, str, int]]:
        """Return pairs of true and predicted class with their counts of mistakes, the most frequent first."""
        counts = [
            (self.classes[i], self.classes[j], count)
            for i, row in enumerate(self.confusion)
            for j, count in enumerate(row)
            if i != j and count
        ]
        return sorted(counts, key=lambda item: -item[2])

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object with schema ``tare.evaluation/1``; unknown figures are null."""
        return {
            "schema": "tare.evaluation/1",
            "samples": self.samples,
            "accuracy": asdict(self.accuracy),
            "top5": None if self.top5 is None else asdict(self.top5),
            "calibration_error": _known(self.calibration_error),
            "macro_f1": _known(self.macro_f1),
            "classes": [{key: _known(value) for key, value in asdict(score).items()} for score in self.scores],
            "confusion": [list(row) for row in self.confusion],
            "mistakes": [asdict(mistake) for mistake in self.mistakes],
        }


def evaluate(
    logits: NDArray[np.floating[Any]], labels: NDArray[np.int64], classes: Sequence[str], samples: Sequence[str]
) -> ClassEvaluation:
    """Compare logits ``(N, K)`` with ``labels`` ``(N,)``; ``samples`` name the rows.

    Accuracy comes with Wilson's 95% interval.
    """
    from scipy.special import softmax
    from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

    everything = list(range(len(classes)))
    predicted = logits.argmax(axis=1)
    shares = softmax(np.asarray(logits, np.float64), axis=1)
    columns = precision_recall_fscore_support(labels, predicted, labels=everything, zero_division=np.nan)
    scores = tuple(
        ClassScore(name, float(p), float(r), float(f), int(n)) for name, p, r, f, n in zip(classes, *columns, strict=True)
    )
    return ClassEvaluation(
        classes=tuple(classes),
        accuracy=wilson(int((predicted == labels).sum()), len(labels)),
        macro_f1=float(np.nanmean([score.f1 for score in scores])),
        scores=scores,
        confusion=tuple(tuple(map(int, row)) for row in confusion_matrix(labels, predicted, labels=everything)),
        mistakes=_mistakes(shares, labels, classes, samples),
        top5=_top(logits, labels) if len(classes) > _TOP else None,
        calibration_error=_calibration_error(shares, labels),
    )


def _top(logits: NDArray[np.floating[Any]], labels: NDArray[np.int64]) -> Interval:
    """The share of samples whose class is among the five of the largest logits, with Wilson's interval."""
    best = np.argsort(-logits, axis=1, kind="stable")[:, :_TOP]
    return wilson(int((best == labels[:, None]).any(axis=1).sum()), len(labels))


def _calibration_error(shares: NDArray[np.float64], labels: NDArray[np.int64]) -> float:
    """The expected calibration error with 15 bins (Guo et al. 2017); NaN for probabilities that are no numbers."""
    if not np.isfinite(shares).all():
        return math.nan
    import torch
    from torchmetrics.functional.classification import multiclass_calibration_error

    found = multiclass_calibration_error(
        torch.from_numpy(shares), torch.from_numpy(labels), shares.shape[1], n_bins=15, validate_args=False
    )
    return float(found)


def wilson(right: int, count: int) -> Interval:
    """Return the share ``right / count`` with Wilson's 95% interval (JASA 22, 1927), which stays within 0 to 1."""
    from scipy.stats import binomtest

    test = binomtest(right, count)
    interval = test.proportion_ci(0.95, method="wilson")
    return Interval(float(test.statistic), float(interval.low), float(interval.high))


def _mistakes(
    shares: NDArray[np.float64], labels: NDArray[np.int64], classes: Sequence[str], samples: Sequence[str]
) -> tuple[Mistake, ...]:
    predicted, certain = shares.argmax(axis=1), shares.max(axis=1)
    wrong = sorted(map(int, np.flatnonzero(predicted != labels)), key=lambda row: -certain[row])
    return tuple(
        Mistake(samples[row], classes[labels[row]], classes[predicted[row]], float(certain[row])) for row in wrong[:_MISTAKES]
    )


def _known(value: Any) -> Any:
    return None if isinstance(value, float) and math.isnan(value) else value
