"""The value that says what a network is taught, and all that follows from it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from tare.tasks.evaluations.figure import Evaluation
from tare.tasks.names import TaskName

if TYPE_CHECKING:
    from torchmetrics import Metric

#: What a sample is taught: the index of a class, one number a target, one 0 or 1 a label, or the class of each pixel.
Target: TypeAlias = "int | tuple[float, ...] | Pixels"


class Pixels(Protocol):
    """A mask: the class of each pixel."""

    @property
    def classes(self) -> tuple[tuple[int, int], ...]:
        """Pairs of a stored value and the index of its class."""

    def read(self) -> NDArray[np.uint8]:
        """The class indices ``(H, W)``."""


#: The texts of a sample in the columns of labels.
Texts: TypeAlias = tuple[str, ...]


@dataclass(frozen=True)
class Epochs:
    """The figure that chooses the best epoch: its ``name`` in ``metrics.csv``, its name in ``words``, and its direction."""

    name: str
    words: str
    rises: bool = True

    @property
    def column(self) -> str:
        """The name of the figure of the validation split."""
        return f"val_{self.name}"

    @property
    def mode(self) -> str:
        """The direction as Lightning names it."""
        return "max" if self.rises else "min"

    def best(self, rows: Sequence[Mapping[str, float]]) -> Mapping[str, float]:
        """The first row with the best figure."""
        sign = 1 if self.rises else -1
        return max(rows, key=lambda row: sign * row[self.column])


@dataclass(frozen=True)
class Task(ABC):
    """What a network is taught; ``names`` are those of its outputs: classes, labels or targets.

    ``unfit`` are options of training, with their neutral values, that the task cannot follow. ``answer`` names what
    :meth:`answers` gives. ``stratifies`` says whether a split is made within each class, ``dense`` whether
    each pixel has an output.
    """

    names: tuple[str, ...]

    name: ClassVar[TaskName]
    epochs: ClassVar[Epochs]
    answer: ClassVar[str] = "probabilities"
    noun: ClassVar[str] = "classes"
    stratifies: ClassVar[bool] = False
    dense: ClassVar[bool] = False
    unfit: ClassVar[Mapping[str, Any]] = {}

    @property
    def unit(self) -> tuple[float, ...]:
        """What a difference of one in each output means, in what :meth:`answers` gives."""
        return (1.0,) * len(self.names)

    @classmethod
    @abstractmethod
    def read(cls, columns: Sequence[str], rows: Sequence[Texts], where: str) -> tuple[tuple[str, ...], list[Target]]:
        """The names of the outputs, and each sample's target, from the texts of its columns of labels.

        Raises :class:`DataError` for texts that are no targets of this task.
        """

    @classmethod
    def of(cls, names: tuple[str, ...], targets: Sequence[Target], where: str) -> Self:
        """The task of these training targets."""
        del targets, where
        return cls(names)

    @classmethod
    def of_json(cls, names: tuple[str, ...], document: Mapping[str, Any]) -> Self:
        """The task that :meth:`to_json` wrote. Raises KeyError, TypeError or ValueError if it is malformed."""
        del document
        return cls(names)

    def to_json(self) -> dict[str, Any]:
        """The task as ``tare.json`` holds it, beside the names."""
        return {"name": self.name}

    def taught(self, target: Target) -> Target:
        """What the network is taught for ``target``."""
        return target

    @abstractmethod
    def loss(self, outputs: torch.Tensor, targets: torch.Tensor, weights: torch.Tensor | None, smoothing: float) -> torch.Tensor:
        """The loss of a batch; ``weights`` are those of the classes."""

    @abstractmethod
    def metric(self) -> Metric:
        """The metric of torchmetrics that is :attr:`epochs` of outputs and targets."""

    @abstractmethod
    def answers(self, outputs: torch.Tensor) -> torch.Tensor:
        """What the network's outputs ``(N, K, ...)`` say, in operations that a graph can hold."""

    def judged(self, evaluation: Evaluation) -> Task:
        """The task with what the evaluation found, such as thresholds."""
        del evaluation
        return self

    def restored(self, outputs: torch.Tensor, samples: torch.Tensor) -> torch.Tensor:
        """The network's outputs ``(N, K)`` of unit ``samples``, in the unit that :attr:`taught` targets have."""
        del samples
        return outputs

    def check_unit(self, where: str) -> None:
        """Raise :class:`tare.errors.DataError` for targets in a unit that the shipped network cannot answer in."""
        del where

    @property
    def is_scaled_in_head(self) -> bool:
        """Whether :meth:`shipped` scales what the last layer gives, so that nothing may come after that layer."""
        return False

    @contextmanager
    def shipped(self, last: nn.Module) -> Iterator[Task]:
        """Prepare the ``last`` layer for other programs within the block; it gives the task of the network as it is then."""
        del last
        yield self

    def gathered(self, outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """What :meth:`evaluated` needs of a batch: the outputs."""
        del targets
        return outputs

    def summed(self, answers: torch.Tensor) -> torch.Tensor:
        """One number an output of each sample, from its answers."""
        return answers

    def said(self, answer: Sequence[float], top: int) -> tuple[tuple[str, float], ...]:
        """The outputs by name with their numbers; of classes the ``top`` most probable, best first."""
        del top
        return tuple(zip(self.names, answer, strict=True))

    def present(self, answer: Sequence[float]) -> tuple[str, ...]:
        """The labels that a sample has, for a task whose samples have several."""
        del answer
        return ()

    def headings(self, top: int) -> tuple[str, ...]:
        """The columns of a table of answers."""
        del top
        return self.names

    def cells(self, said: Sequence[tuple[str, float]], present: Sequence[str]) -> tuple[str, ...]:
        """One row of a table of answers."""
        del present
        return tuple(f"{value:.9g}" for _, value in said)

    @abstractmethod
    def evaluated(self, outputs: NDArray[np.floating[Any]], targets: Sequence[Target], samples: Sequence[str]) -> Evaluation:
        """How good outputs ``(N, K)`` are; ``targets`` are as read, ``samples`` name the rows."""
