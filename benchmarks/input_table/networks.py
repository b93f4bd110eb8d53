"""Networks of the table that no library has: a first layer in three dimensions, for volumes and for clips."""

from __future__ import annotations

from torch import nn


def volumes() -> nn.Module:
    """Two classes of volumes of one channel."""
    return _small(1)


def clips() -> nn.Module:
    """Two classes of clips of three colours."""
    return _small(3)


def _small(channels: int) -> nn.Module:
    body = (nn.Conv3d(channels, 8, 3, 2), nn.BatchNorm3d(8), nn.ReLU(), nn.AdaptiveAvgPool3d(1), nn.Flatten())
    return nn.Sequential(*body, nn.Linear(8, 2))
