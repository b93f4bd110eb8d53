"""One class of several for each sample."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from tare.tasks.evaluations.classification import ClassEvaluation, evaluate
from tare.tasks.names import TaskName
from tare.tasks.task import Epochs, Target, Task, Texts

if TYPE_CHECKING:
    from torchmetrics import Metric


@dataclass(frozen=True)
class Classification(Task):
    """One class for each sample: logits ``(N, K)``, cross-entropy, probabilities by softmax."""

    name: ClassVar[TaskName] = "classification"
    epochs: ClassVar[Epochs] = Epochs("accuracy", "validation accuracy")
    stratifies: ClassVar[bool] = True

    @classmethod
    def read(cls, columns: Sequence[str], rows: Sequence[Texts], where: str) -> tuple[tuple[str, ...], list[Target]]:
        """The classes, numbers by value and before words, and the index of each sample's class."""
        del columns, where
        labels = [row[0] for row in rows]
        names = tuple(sorted({*labels}, key=natural))
        place = {name: index for index, name in enumerate(names)}
        return names, [place[label] for label in labels]

    def loss(self, outputs: torch.Tensor, targets: torch.Tensor, weights: torch.Tensor | None, smoothing: float) -> torch.Tensor:
        """Cross-entropy of logits ``(N, K)`` with classes ``(N,)``, or with shares ``(N, K)`` of mixed images."""
        return functional.cross_entropy(outputs, targets, weights, label_smoothing=smoothing)

    def metric(self) -> Metric:
        """The share of samples whose class has the largest logit."""
        from torchmetrics.classification import MulticlassAccuracy

        return MulticlassAccuracy(len(self.names), average="micro", validate_args=False)

    def answers(self, outputs: torch.Tensor) -> torch.Tensor:
        """The probability of each class."""
        return outputs.softmax(dim=1)

    def said(self, answer: Sequence[float], top: int) -> tuple[tuple[str, float], ...]:
        """The ``top`` most probable classes, best first; of equal ones the first."""
        order = sorted(range(len(answer)), key=lambda place: -answer[place])[:top]
        return tuple((self.names[place], answer[place]) for place in order)

    def headings(self, top: int) -> tuple[str, ...]:
        """Label and probability of each rank."""
        ranks = range(2, min(top, len(self.names)) + 1)
        return ("label", "probability", *(f"{name}_{rank}" for rank in ranks for name in ("label", "probability")))

    def cells(self, said: Sequence[tuple[str, float]], present: Sequence[str]) -> tuple[str, ...]:
        """Label and probability of each rank."""
        del present
        return tuple(text for label, probability in said for text in (label, f"{probability:.6f}"))

    def evaluated(self, outputs: NDArray[np.floating[Any]], targets: Sequence[Target], samples: Sequence[str]) -> ClassEvaluation:
        """Accuracy, precision and recall of each class, the confusion matrix, and the most confident mistakes."""
        return evaluate(outputs, np.asarray(targets, np.int64), self.names, samples)


def natural(name: str) -> tuple[int, int, str]:
    """Sort key: numbers by value, before words; of the same value, such as 1 and 01, by their text."""
    return (0, int(name), name) if name.isdecimal() and len(name) <= _DIGITS else (1, 0, name)


#: Longer ones are words: Python turns no more than 4,300 digits into a number.
_DIGITS = 1000
