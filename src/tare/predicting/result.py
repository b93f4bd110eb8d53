"""The prediction for one sample."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

SCHEMA = "tare.predictions/1"


@dataclass(frozen=True, slots=True)
class Prediction:
    """The most probable classes of one sample with their probabilities, best first, or the ``error`` that prevented them."""

    path: str
    ranks: tuple[tuple[str, float], ...] = ()
    error: str | None = None

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
        ranks = [{"label": label, "probability": value} for label, value in self.ranks]
        return {"path": self.path, "label": self.label, "probability": self.probability, "ranks": ranks, "error": self.error}
