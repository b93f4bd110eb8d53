"""The result of a transfer."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tare.input_spec.geometry import SampleKind
from tare.networks.stored.directory import TransferredModel, load_model
from tare.normalisation.applied import Normalisation
from tare.statistics.dataset_stats import DatasetStats, nullable
from tare.system.shown import Shown, numbers
from tare.tasks.evaluations.classification import ClassEvaluation
from tare.tasks.evaluations.figure import Evaluation
from tare.tasks.task import Task


@dataclass(frozen=True, slots=True, repr=False)
class TransferRun(Shown):
    """A transfer's run directory, its evaluation on the validation split and on the test, and its model's normalisation.

    ``history`` has one row per epoch and is empty for a probe. ``settings`` are the settings of the run. ``views`` are the
    misclassified images of the evaluation at the network's size, ``(H, W)`` or ``(H, W, 3)`` before normalisation; empty for
    signals and rows. ``test`` is the evaluation on the samples that were scored once, if there are any.
    """

    out: Path
    normalisation: Normalisation
    target_stats: DatasetStats
    metrics: dict[str, float]
    notes: tuple[str, ...]
    evaluation: Evaluation
    settings: dict[str, Any]
    history: tuple[dict[str, float], ...] = ()
    views: tuple[NDArray[np.uint8], ...] = ()
    is_timm: bool = True
    kind: SampleKind = "image"
    task: Task | None = None
    test: Evaluation | None = None

    @property
    def val_accuracy(self) -> float:
        """The accuracy on the validation split; NaN for a task other than classification."""
        found = self.evaluation
        return found.accuracy.estimate if isinstance(found, ClassEvaluation) else math.nan

    @property
    def model_dir(self) -> Path:
        """The directory to load: ``timm.create_model(f"local-dir:{model_dir}", pretrained=True)``."""
        return self.out / "model"

    def summary(self) -> str:
        """The figure of the task with its interval, the normalisation, and the place of the run."""
        chosen = self.normalisation
        test = "" if self.test is None else f"test {_said(self.test)}, "
        return (
            f"validation {_said(self.evaluation)}, {test}strategy {chosen.strategy}, mean {numbers(chosen.mean)}, "
            f"std {numbers(chosen.std)}, in {self.out}"
        )

    def table(self) -> list[dict[str, Any]]:
        """One row for each class, or for each output of another task."""
        return self.evaluation.table()

    def points(self) -> list[dict[str, Any]]:
        """The figures of each class, or of each output of another task."""
        return self.evaluation.points()

    def to_json(self) -> dict[str, Any]:
        """Return the run as a JSON object with schema ``tare.transfer/1``."""
        chosen = self.normalisation
        return {
            "schema": "tare.transfer/1",
            "out": str(self.out),
            "model": str(self.model_dir),
            "strategy": chosen.strategy,
            "mean": list(chosen.mean),
            "std": list(chosen.std),
            "per_sample": chosen.per_sample is not None,
            "task": None if self.task is None else self.task.name,
            "val_accuracy": None if math.isnan(self.val_accuracy) else self.val_accuracy,
            "metrics": nullable(self.metrics),
            "evaluation": self.evaluation.to_json(),
            "test": None if self.test is None else self.test.to_json(),
            "notes": list(self.notes),
        }

    def load(self, factory: str | None = None) -> TransferredModel:
        """Load the model back; see :func:`tare.networks.stored.directory.load_model`."""
        return load_model(self.model_dir, factory)


def _said(evaluation: Evaluation) -> str:
    figure = evaluation.headline
    return f"{figure.name} {figure.in_words()} ({figure.interval()}, {evaluation.samples} samples)"
