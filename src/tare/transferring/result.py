"""The result of a transfer."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tare.input_spec.geometry import SampleKind
from tare.networks.stored.directory import TransferredModel, load_model
from tare.normalisation.strategies import Normalisation
from tare.statistics.dataset_stats import DatasetStats, nullable
from tare.system.shown import Shown, numbers
from tare.training.evaluation import Evaluation


@dataclass(frozen=True, slots=True, repr=False)
class TransferRun(Shown):
    """A transfer's run directory, validation accuracy, and the normalisation of its model.

    ``history`` has one row per epoch and is empty for a probe. ``settings`` are the settings of the run. ``views`` are the
    misclassified images of the evaluation at the network's size, ``(H, W)`` or ``(H, W, 3)`` before normalisation; empty for
    signals and rows.
    """

    out: Path
    val_accuracy: float
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

    @property
    def model_dir(self) -> Path:
        """The directory to load: ``timm.create_model(f"local-dir:{model_dir}", pretrained=True)``."""
        return self.out / "model"

    def summary(self) -> str:
        """The accuracy with its interval, the normalisation, and the place of the run."""
        accuracy, chosen = self.evaluation.accuracy, self.normalisation
        return (
            f"validation accuracy {accuracy.estimate:.1%} ({accuracy.low:.1%} to {accuracy.high:.1%}, {self.evaluation.samples} "
            f"samples), strategy {chosen.strategy}, mean {numbers(chosen.mean)}, std {numbers(chosen.std)}, in {self.out}"
        )

    def table(self) -> list[dict[str, Any]]:
        """One row for each class."""
        return [asdict(score) for score in self.evaluation.scores]

    def points(self) -> list[dict[str, Any]]:
        """Precision, recall and F1 of each class."""
        return [
            nullable({"panel": figure, "name": score.name, "value": getattr(score, figure)})
            for figure in ("precision", "recall", "f1")
            for score in self.evaluation.scores
        ]

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
            "per_sample": chosen.per_sample,
            "val_accuracy": self.val_accuracy,
            "metrics": nullable(self.metrics),
            "evaluation": self.evaluation.to_json(),
            "notes": list(self.notes),
        }

    def load(self, factory: str | None = None) -> TransferredModel:
        """Load the model back; see :func:`tare.networks.stored.directory.load_model`."""
        return load_model(self.model_dir, factory)
