"""A convolutional network small enough to be pretrained in a second, with the normalisation layers of one's choice."""

from __future__ import annotations

from typing import Literal

import torch
from torch import nn

Norm = Literal["batch", "layer", "group", "none"]
_WIDTHS = (8, 16, 16, 32)
_STRIDES = (1, 2, 1, 2)


class SmallNetwork(nn.Module):
    """Logits ``(N, K)`` of images ``(N, C, H, W)`` of at least 4 x 4: four 3 x 3 convolutions, mean over positions, a head."""

    def __init__(self, channels: int, classes: int, norm: Norm = "batch") -> None:
        super().__init__()
        widths = (channels, *_WIDTHS)
        self.blocks = nn.Sequential(
            *(
                nn.Sequential(nn.Conv2d(before, after, 3, stride, padding=1, bias=norm == "none"), _norm(norm, after), nn.ReLU())
                for before, after, stride in zip(widths, widths[1:], _STRIDES, strict=False)
            )
        )
        self.head = nn.Linear(widths[-1], classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Classify a batch."""
        logits: torch.Tensor = self.head(self.blocks(images).mean(dim=(2, 3)))
        return logits


def _norm(norm: Norm, width: int) -> nn.Module:
    if norm == "batch":
        return nn.BatchNorm2d(width)
    if norm == "none":
        return nn.Identity()
    return nn.GroupNorm(1 if norm == "layer" else width // 4, width)
