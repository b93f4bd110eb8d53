"""Evaluate a regression: mean absolute error, root mean square error and R2 of each target, and the largest errors."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tare.statistics.dataset_stats import nullable
from tare.statistics.intervals import Interval, mean_interval
from tare.tasks.evaluations.figure import Figure, mean_of_ratios

_ERRORS = 12
_POINTS = 2000
_FIGURES = ("mae", "rmse", "r2")
# The mean of equal numbers is rounded, and so may be the numbers: a std below this share of the mean is none.
_ROUNDING = 1e-12


@dataclass(frozen=True, slots=True)
class TargetScore:
    """Errors of one target in its own unit, and R2 = 1 - sum of squared errors / sum of squares around the samples' mean.

    R2 of a target that is constant in the samples is NaN.
    """

    name: str
    mae: Interval
    rmse: Interval
    r2: Interval


@dataclass(frozen=True, slots=True)
class TargetError:
    """A sample with a large error, in the target's own unit."""

    sample: str
    target: str
    truth: float
    predicted: float


@dataclass(frozen=True, slots=True)
class RegressionEvaluation:
    """The evaluation of a regression; ``pairs`` are some pairs of truth and answer of each target, for a chart."""

    samples: int
    r2: Interval
    scores: tuple[TargetScore, ...]
    errors: tuple[TargetError, ...]
    pairs: tuple[tuple[str, float, float], ...] = ()

    @property
    def headline(self) -> Figure:
        """R2, the mean over targets."""
        return Figure("R2", self.r2, share=False)

    def table(self) -> list[dict[str, Any]]:
        """One row for each target."""
        return [{"name": score.name, **{key: getattr(score, key).estimate for key in _FIGURES}} for score in self.scores]

    def points(self) -> list[dict[str, Any]]:
        """MAE, RMSE and R2 of each target."""
        return [
            nullable({"panel": key, "name": score.name, "value": getattr(score, key).estimate})
            for key in _FIGURES
            for score in self.scores
        ]

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object with schema ``tare.regression/1``; unknown figures are null."""
        return {
            "schema": "tare.regression/1",
            "samples": self.samples,
            "r2": nullable(asdict(self.r2)),
            "targets": [
                {"name": score.name, **{name: nullable(asdict(getattr(score, name))) for name in _FIGURES}}
                for score in self.scores
            ],
            "errors": [asdict(error) for error in self.errors],
        }


def evaluate_regression(
    answers: NDArray[np.float64], targets: NDArray[np.float64], names: Sequence[str], samples: Sequence[str]
) -> RegressionEvaluation:
    """Compare answers ``(N, T)`` with ``targets`` ``(N, T)``, both in the targets' own units; ``samples`` name the rows.

    The intervals count samples: Student's t of the mean absolute error; the root of the ends of the mean square error; R2 by
    :func:`tare.tasks.evaluations.figure.mean_of_ratios`. The errors listed are the largest in stds of their target.
    """
    residual = answers - targets
    around = np.where(spreads(targets) > 0, (targets - targets.mean(axis=0)) ** 2, 0.0)
    scores = tuple(_score(name, residual[:, k], around[:, k]) for k, name in enumerate(names))
    return RegressionEvaluation(
        len(targets),
        _r2(residual**2, around),
        scores,
        _largest(answers, targets, names, samples),
        _pairs(answers, targets, names),
    )


def spreads(targets: NDArray[np.float64]) -> NDArray[np.float64]:
    """The std of each target ``(N, T)`` over samples; 0 for one that is constant but for rounding."""
    spread = targets.std(axis=0)
    return np.where(spread > _ROUNDING * np.abs(targets.mean(axis=0)), spread, 0.0)


def _score(name: str, residual: NDArray[np.float64], around: NDArray[np.float64]) -> TargetScore:
    square = mean_interval(residual**2)  # type: ignore[arg-type]
    rmse = Interval(*(math.sqrt(max(0.0, value)) if math.isfinite(value) else value for value in asdict(square).values()))
    mae = mean_interval(np.abs(residual))  # type: ignore[arg-type]
    return TargetScore(name, mae, rmse, _r2((residual**2)[:, None], around[:, None]))


def _r2(squares: NDArray[np.float64], around: NDArray[np.float64]) -> Interval:
    left = mean_of_ratios(squares, around)
    return Interval(1 - left.estimate, 1 - left.high, 1 - left.low)


def _largest(
    answers: NDArray[np.float64], targets: NDArray[np.float64], names: Sequence[str], samples: Sequence[str]
) -> tuple[TargetError, ...]:
    spread = spreads(targets)
    size = np.abs(answers - targets) / np.where(spread > 0, spread, 1.0)
    order = np.argsort(-size, axis=None, kind="stable")[:_ERRORS]
    places = [divmod(int(place), len(names)) for place in order]
    return tuple(
        TargetError(samples[row], names[k], float(targets[row, k]), float(answers[row, k])) for row, k in places if size[row, k]
    )


def _pairs(
    answers: NDArray[np.float64], targets: NDArray[np.float64], names: Sequence[str]
) -> tuple[tuple[str, float, float], ...]:
    """Evenly spaced samples, at most :data:`_POINTS` points altogether."""
    step = max(1, math.ceil(targets.size / _POINTS))
    return tuple(
        (name, float(targets[row, k]), float(answers[row, k]))
        for k, name in enumerate(names)
        for row in range(0, len(targets), step)
    )
