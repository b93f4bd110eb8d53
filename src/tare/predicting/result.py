"""The prediction for one sample."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tare.tasks.names import TaskName

SCHEMA = "tare.predictions/1"


@dataclass(frozen=True, slots=True)
class Prediction:
    """What the network says of one sample, or the ``error`` that prevented it.

    ``ranks`` are the most probable classes with their probabilities, best first; the targets of a regression with their values;
    all labels of a multi-label task with their probabilities, of which ``labels`` are above their thresholds; the
    classes of a segmentation with their shares of the pixels.
    """

    path: str
    ranks: tuple[tuple[str, float], ...] = ()
    error: str | None = None
    task: TaskName = "classification"
    labels: tuple[str, ...] = ()

    @property
    def label(self) -> str | None:
        """The most probable class."""
        return self.ranks[0][0] if self.ranks else None

    @property
    def probability(self) -> float | None:
        """The probability of ``label``."""
        return self.ranks[0][1] if self.ranks else None

    def to_json(self) -> dict[str, Any]:
        """Return the prediction as a JSON object."""
        if self.task == "regression":
            return {"path": self.path, "values": dict(self.ranks), "error": self.error}
        if self.task == "segmentation":
            return {"path": self.path, "shares": dict(self.ranks), "error": self.error}
        if self.task == "multi-label":
            said = {"labels": list(self.labels), "probabilities": dict(self.ranks)}
            return {"path": self.path, **said, "error": self.error}
        ranks = [{"label": label, "probability": value} for label, value in self.ranks]
        return {"path": self.path, "label": self.label, "probability": self.probability, "ranks": ranks, "error": self.error}
