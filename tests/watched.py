"""Networks and batches for the tests of ``tare.watch``: 8-bit images that look like photographs to a histogram."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

import tare
from tare.errors import TareWarning
from tare.input_spec.spec import InputSpec

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
SPEC = InputSpec.of(MEAN, STD, raw_dtype="uint8")


class Net(nn.Module):
    """A network with batch norm and a head that says of itself what it was trained with, as timm's do."""

    def __init__(self, mean: Sequence[float] = MEAN, std: Sequence[float] = STD) -> None:
        super().__init__()
        self.pretrained_cfg = {"architecture": "tiny", "mean": tuple(mean), "std": tuple(std), "input_size": (len(mean), 32, 32)}
        self.body = nn.Sequential(
            nn.Conv2d(len(mean), 4, 3, 2), nn.BatchNorm2d(4), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()
        )
        self.head = nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.head(self.body(x))
        return result


def raw_images(count: int = 16, channels: int = 3, edge: int = 32, seed: int = 0) -> Tensor:
    """``(N, C, H, W)`` uint8: smooth random fields over the whole range, each image of its own brightness."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.randn(count, channels, 6, 6, generator=generator)
    fields = nn.functional.interpolate(coarse, (edge, edge), mode="bilinear") * 75
    return (fields + 90 + 80 * torch.rand(count, 1, 1, 1, generator=generator)).clamp(0, 255).byte()


def unit(raw: Tensor) -> Tensor:
    """Bytes as values in [0, 1]."""
    return raw.float() / 255


def normalised(units: Tensor, mean: Sequence[float] = MEAN, std: Sequence[float] = STD) -> Tensor:
    """``(x - mean) / std`` per channel."""
    return (units - torch.tensor(mean)[:, None, None]) / torch.tensor(std)[:, None, None]


def blurred(values: Tensor) -> Tensor:
    """Floats resized, so that no grid of 8-bit values is left."""
    return nn.functional.interpolate(values, scale_factor=0.9, mode="bilinear", antialias=True)


def right(count: int = 16, seed: int = 0) -> Tensor:
    """A batch as the network expects it."""
    return normalised(unit(raw_images(count, seed=seed)))


def codes(values: Tensor, spec: Any = SPEC, *, size: int = 8, training: bool = False) -> list[str]:
    """The codes that a watch finds in the batches of ``size`` that values are cut into."""
    model = nn.Identity().train(training)
    with tare.watch(model, spec, on_finding=lambda _: None) as watch:
        for batch in torch.split(values, size):
            model(batch)
    return [finding.code for finding in watch.findings if finding.fails]


def warned(caught: list[warnings.WarningMessage]) -> list[str]:
    """The texts of tare's own warnings."""
    return [str(one.message) for one in caught if issubclass(one.category, TareWarning)]
