"""What a transfer gave."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tare.input_spec.geometry import SampleKind
from tare.networks.stored.directory import TransferredModel, load_model
from tare.normalisation.strategies import Normalisation
from tare.statistics.dataset_stats import DatasetStats, nullable
from tare.training.evaluation import Evaluation


@dataclass(frozen=True, slots=True)
class TransferRun:
    """What a transfer gave: where it is, how well it validates, and the normalisation that the model carries.

    ``history`` has a row an epoch, none for a probe; ``settings`` are what the run was asked for; ``views`` are the images of
    the evaluation's mistakes as the network sees them, ``(H, W)`` or ``(H, W, 3)`` before normalisation, none of other samples.
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

    def to_json(self) -> dict[str, Any]:
        """The run as a JSON object with schema ``tare.transfer/1``."""
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
