"""Two small networks: a 1-D convolutional network for signals and a perceptron for rows of numbers."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Literal

import torch
from torch import nn

NormKind = Literal["batch", "layer", "none"]
_NORMS: tuple[NormKind, ...] = ("batch", "layer", "none")


class SignalNetwork(nn.Module):
    """Logits ``(N, K)`` of signals ``(N, C, T)`` of any length T from 16 on: four strided blocks, the mean over time, a head.

    The first kernel is wide, as in the 1-D residual networks of Wang, Yan and Oates (2017, "Time series classification from
    scratch"). ``norm`` is batch norm, a layer norm over channels and time, or none.
    """

    def __init__(self, channels: int, classes: int = 2, width: int = 32, norm: NormKind = "batch") -> None:
        super().__init__()
        widths = [channels, width, width, 2 * width, 2 * width]
        kernels = [9, 5, 5, 3]
        self.blocks = nn.Sequential(
            *(
                nn.Sequential(
                    nn.Conv1d(before, after, kernel, stride=2, padding=kernel // 2, bias=norm == "none"),
                    _norm(norm, after, nn.GroupNorm(1, after)),
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
                nn.Sequential(nn.Linear(before, width, bias=norm != "batch"), _norm(norm, width, nn.LayerNorm(width)), nn.ReLU())
                for before in (channels, width)
            )
        )
        self.head = nn.Linear(width, classes)

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        """Classify a batch."""
        logits: torch.Tensor = self.head(self.blocks(rows))
        return logits


#: Builds the network ``tare:NAME`` from the number of channels and classes; the name's suffix is the kind of norm layers.
NETWORKS: dict[str, Callable[[int, int], nn.Module]] = {
    f"{name}{'' if norm == 'batch' else f'-{norm}'}": partial(kind, norm=norm)
    for name, kind in (("cnn1d", SignalNetwork), ("mlp", Perceptron))
    for norm in _NORMS
}


def _norm(norm: NormKind, width: int, layer_norm: nn.Module) -> nn.Module:
    if norm == "batch":
        return nn.BatchNorm1d(width)
    return layer_norm if norm == "layer" else nn.Identity()
