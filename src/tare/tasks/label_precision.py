"""The mean average precision of labels over an epoch's validation samples."""

from __future__ import annotations

import warnings

import torch
from torchmetrics.classification import MultilabelAveragePrecision


class MeanPrecision(MultilabelAveragePrecision):
    """torchmetrics' average precision of each label, its mean over the labels that some and not all samples have.

    Without such a label it is 0, so that an epoch always has a figure.
    """

    def __init__(self, labels: int) -> None:
        super().__init__(labels, average="none", validate_args=False)

    def update(self, preds: torch.Tensor, target: torch.Tensor) -> None:
        """Take logits and marks ``(N, K)``."""
        super().update(preds, target.long())

    def compute(self) -> torch.Tensor:  # type: ignore[override]
        """The mean over labels."""
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="No positive samples")  # such labels are left out below
            each = torch.nan_to_num(super().compute(), nan=0.0)
        target = torch.cat(self.target) if isinstance(self.target, list) else self.target
        told = (target.sum(dim=0) > 0) & (target.sum(dim=0) < len(target))
        return each[told].mean() if bool(told.any()) else each.new_zeros(())
