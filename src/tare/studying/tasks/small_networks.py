"""A convolutional network that is pretrained in a second, with a choice of normalisation layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, cast

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


class SideBySide(nn.Module):
    """S networks of one kind trained at once: logits ``(S, N, K)`` of images ``(N, S C, H, W)``, C channels per network.

    Convolutions and norm layers have separate channels or groups for each network, so that each network computes the same as
    alone, up to the order of sums. A few wide operations take less time than many narrow ones.
    """

    def __init__(self, networks: Sequence[SmallNetwork]) -> None:
        super().__init__()
        self.networks = tuple(networks)  # not submodules: copies are trained, until :meth:`hand_back`
        self.blocks = nn.Sequential(*map(_joined, *(network.blocks for network in networks)))
        self.weight = nn.Parameter(torch.stack([network.head.weight.detach().T for network in networks]))
        self.bias = nn.Parameter(torch.stack([network.head.bias.detach()[None] for network in networks]))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Classify a batch for each network."""
        means = self.blocks(images).mean(dim=(2, 3))
        return torch.baddbmm(self.bias, means.unflatten(1, (len(self.networks), -1)).transpose(0, 1), self.weight)

    @torch.no_grad()
    def hand_back(self) -> None:
        """Copy the trained weights back to their networks."""
        for name, buffer in self.blocks.state_dict().items():
            parts = buffer.chunk(len(self.networks)) if buffer.ndim else [buffer] * len(self.networks)
            for network, part in zip(self.networks, parts, strict=True):
                network.blocks.state_dict()[name].copy_(part)
        for network, weight, bias in zip(self.networks, self.weight, self.bias, strict=True):
            network.head.weight.copy_(weight.T)
            network.head.bias.copy_(bias[0])


def _norm(norm: Norm, width: int) -> nn.Module:
    if norm == "batch":
        return nn.BatchNorm2d(width)
    if norm == "none":
        return nn.Identity()
    return nn.GroupNorm(1 if norm == "layer" else width // 4, width)


@torch.no_grad()
def _joined(*blocks: nn.Module) -> nn.Sequential:
    """Join the same block of several networks into one block with a group per network."""
    number = len(blocks)
    convolution, norm = cast(tuple[nn.Conv2d, nn.Module], tuple(blocks[0].children())[:2])
    channels = (number * convolution.in_channels, number * convolution.out_channels)
    wide = nn.Conv2d(*channels, 3, convolution.stride, padding=1, groups=number, bias=convolution.bias is not None)  # type: ignore[arg-type]
    wide_norm: nn.Module = nn.Identity()
    if isinstance(norm, nn.BatchNorm2d):
        wide_norm = nn.BatchNorm2d(channels[1])
    elif isinstance(norm, nn.GroupNorm):
        wide_norm = nn.GroupNorm(number * norm.num_groups, channels[1])
    joined = nn.Sequential(wide, wide_norm, nn.ReLU(inplace=True))
    states = [block.state_dict() for block in blocks]
    for name, buffer in joined.state_dict().items():
        buffer.copy_(torch.cat([state[name] for state in states]) if buffer.ndim else states[0][name])
    return joined
