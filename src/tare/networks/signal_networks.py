"""Two small networks for what is no image: a 1-D convolutional one for signals, a perceptron for rows of numbers."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Literal

import torch
from torch import nn

NormKind = Literal["batch", "layer", "none"]
_NORMS: tuple[NormKind, ...] = ("batch", "layer", "none")


class SignalNetwork(nn.Module):
    """Logits ``(N, K)`` of signals ``(N, C, T)`` of any length T of at least 16: four strided blocks, mean over time, a head.

    A wide first kernel, as in the 1-D residual networks that do well on time series (Wang, Yan and Oates 2017, "Time series
    classification from scratch"); ``norm`` is batch norm, a layer norm over channels and time, or none.
    """

    def __init__(self, channels: int, classes: int = 2, width: int = 32, norm: NormKind = "batch") -> None:
        super().__init__()
        widths = [channels, width, width, 2 * width, 2 * width]
        kernels = [9, 5, 5, 3]
        self.blocks = nn.Sequential(
            *(
                nn.Sequential(
                    nn.Conv1d(before, after, kernel, stride=2, padding=kernel // 2, bias=norm == "none"),
                    _over_time(norm, after),
                    nn.ReLU(),
                )
                for before, after, kernel in zip(widths, widths[1:], kernels, strict=False)
            )
        )
        self.head = nn.Linear(widths[-1], classes)

    def forward(self, signals: torch.Tensor) -> torch.Tensor:
        """Classify a batch."""
        logits: torch.Tensor = self.head(self.blocks(signals).mean(dim=2))
        return logits


class Perceptron(nn.Module):
    """Logits ``(N, K)`` of rows of numbers ``(N, C)``: two hidden layers and a head."""

    def __init__(self, channels: int, classes: int = 2, width: int = 64, norm: NormKind = "batch") -> None:
        super().__init__()
        self.blocks = nn.Sequential(
            *(
                nn.Sequential(nn.Linear(before, width, bias=norm != "batch"), _over_rows(norm, width), nn.ReLU())
                for before in (channels, width)
            )
        )
        self.head = nn.Linear(width, classes)

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        """Classify a batch."""
        logits: torch.Tensor = self.head(self.blocks(rows))
        return logits


#: ``tare:NAME``: what builds a network for so many channels and classes; the suffix says with which normalisation layers.
NETWORKS: dict[str, Callable[[int, int], nn.Module]] = {
    f"{name}{'' if norm == 'batch' else f'-{norm}'}": partial(kind, norm=norm)
    for name, kind in (("cnn1d", SignalNetwork), ("mlp", Perceptron))
    for norm in _NORMS
}


def _over_time(norm: NormKind, width: int) -> nn.Module:
    if norm == "batch":
        return nn.BatchNorm1d(width)
    return nn.GroupNorm(1, width) if norm == "layer" else nn.Identity()


def _over_rows(norm: NormKind, width: int) -> nn.Module:
    if norm == "batch":
        return nn.BatchNorm1d(width)
    return nn.LayerNorm(width) if norm == "layer" else nn.Identity()
