"""Small architectures for 32 x 32 images: three with batch norm right after the first convolution, three without any."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn


def _unit(inputs: int, outputs: int, kernel: int = 3, stride: int = 1, groups: int = 1) -> nn.Sequential:
    convolution = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))


def plain() -> nn.Module:
    """Padded 3x3 convolutions of 16, 32, 64 and 64 channels."""
    body = [_unit(3, 16), _unit(16, 32, stride=2), _unit(32, 64, stride=2), _unit(64, 64, stride=2)]
    return nn.Sequential(*body, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


class _Residual(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first, self.second = _unit(channels, channels), _unit(channels, channels)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return values + self.second(self.first(values))


def residual() -> nn.Module:
    """A 5x5 convolution of stride 2, then residual blocks."""
    body = [_unit(3, 24, 5, 2), _unit(24, 32, stride=2), _Residual(32), _unit(32, 64, stride=2)]
    return nn.Sequential(*body, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


def separable() -> nn.Module:
    """Patches of 4x4 without padding, then depthwise and pointwise convolutions."""
    stem = nn.Sequential(nn.Conv2d(3, 48, 4, 4), nn.BatchNorm2d(48), nn.SiLU())
    blocks = [layer for _ in range(3) for layer in (_unit(48, 48, 3, 1, 48), _unit(48, 48, 1))]
    return nn.Sequential(stem, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(48, 10))


def _without(norm: Callable[[int], nn.Module]) -> nn.Module:
    layers: list[nn.Module] = []
    for inputs, outputs in ((3, 16), (16, 32), (32, 64), (64, 64)):
        stride = 1 if inputs == 3 else 2
        layers += [nn.Conv2d(inputs, outputs, 3, stride, 1), norm(outputs), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


def bare() -> nn.Module:
    """The convolutions of :func:`plain` with nothing between them but ReLU."""
    return _without(lambda _: nn.Identity())


def grouped() -> nn.Module:
    """The same with group norm, eight channels a group."""
    return _without(lambda channels: nn.GroupNorm(channels // 8, channels))


def layered() -> nn.Module:
    """The same with layer norm over channels and positions."""
    return _without(lambda channels: nn.GroupNorm(1, channels))
