"""One class for each pixel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from tare.errors import DataError
from tare.tasks.evaluations.segmentation import SegmentationEvaluation, evaluate_masks
from tare.tasks.names import TaskName
from tare.tasks.task import Epochs, Target, Task, Texts

if TYPE_CHECKING:
    from torchmetrics import Metric

#: What a pixel that is left out is taught; no class has this index.
IGNORED = 255


@dataclass(frozen=True)
class Segmentation(Task):
    """A class for each pixel: logits ``(N, K, H, W)``, cross-entropy over the pixels that are not left out, softmax.

    ``values`` are the masks' values, one a class in the order of the names; pixels of the value ``ignore`` are left out.
    """

    values: tuple[int, ...] = ()
    ignore: int | None = None

    name: ClassVar[TaskName] = "segmentation"
    epochs: ClassVar[Epochs] = Epochs("miou", "validation mean IoU")
    dense: ClassVar[bool] = True
    unfit: ClassVar[Mapping[str, Any]] = {
        "label_smoothing": 0.0,
        "class_weights": "none",
        "mixup": 0.0,
        "cutmix": 0.0,
        "erasing": 0.0,
    }

    @classmethod
    def read(cls, columns: Sequence[str], rows: Sequence[Texts], where: str) -> tuple[tuple[str, ...], list[Target]]:
        """Labels in a table are no masks: raise :class:`DataError`."""
        del rows
        found = f"the column {columns[0]!r} of {where!r}"
        raise DataError("a mask for each image, for --task segmentation", found, "name a folder of images/ beside masks/")

    @classmethod
    def of(cls, names: tuple[str, ...], targets: Sequence[Target], where: str) -> Self:
        """The values of the masks, which every mask of a split has in common."""
        del where
        pairs: dict[int, int] = dict(targets[0].classes)  # type: ignore[union-attr]
        places = {index: value for value, index in pairs.items()}
        return cls(names, tuple(places[index] for index in range(len(names))), places.get(IGNORED))

    @classmethod
    def of_json(cls, names: tuple[str, ...], document: Mapping[str, Any]) -> Self:
        """Read the masks' values."""
        values = tuple(int(value) for value in document["values"])
        if len(values) != len(names):
            raise ValueError("one value of masks for each class")
        ignore = document["ignore"]
        return cls(names, values, None if ignore is None else int(ignore))

    def to_json(self) -> dict[str, Any]:
        """The masks' values."""
        return {"name": self.name, "values": list(self.values), "ignore": self.ignore}

    def loss(self, outputs: torch.Tensor, targets: torch.Tensor, weights: torch.Tensor | None, smoothing: float) -> torch.Tensor:
        """The mean cross-entropy over pixels; zero for a batch whose pixels are all left out."""
        del weights, smoothing
        total = functional.cross_entropy(outputs, targets, ignore_index=IGNORED, reduction="sum")
        return total / (targets != IGNORED).sum().clamp(min=1)

    def metric(self) -> Metric:
        """The mean intersection over union of the classes that occur, counted over all pixels of the split."""
        from torchmetrics.classification import MulticlassJaccardIndex

        return MulticlassJaccardIndex(len(self.names), ignore_index=IGNORED, validate_args=False)

    def answers(self, outputs: torch.Tensor) -> torch.Tensor:
        """The probability of each class in each pixel."""
        return outputs.softmax(dim=1)

    def gathered(self, outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Pixels ``(N, K, 3)`` of each image and class: shared by answer and mask, in the answer, in the mask."""
        kept = (targets != IGNORED)[:, None]
        classes = torch.arange(len(self.names), device=outputs.device)[None, :, None, None]
        given, true = (outputs.argmax(dim=1, keepdim=True) == classes) & kept, (targets[:, None] == classes) & kept
        return torch.stack([part.flatten(2).sum(dim=2) for part in (given & true, given, true)], dim=2)

    def summed(self, answers: torch.Tensor) -> torch.Tensor:
        """The share of the pixels of each class."""
        indices = answers.argmax(dim=1, keepdim=True)
        classes = torch.arange(len(self.names), device=answers.device)[None, :, None, None]
        return (indices == classes).double().mean(dim=(2, 3))

    def headings(self, top: int) -> tuple[str, ...]:
        """The share of the pixels of each class."""
        del top
        return self.names

    def evaluated(
        self, outputs: NDArray[np.floating[Any]], targets: Sequence[Target], samples: Sequence[str]
    ) -> SegmentationEvaluation:
        """IoU and Dice of each class, from the counts that :meth:`gathered` gave."""
        del targets
        return evaluate_masks(np.asarray(outputs, np.float64), self.names, samples)
