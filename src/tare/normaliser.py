"""The normalisation as a layer: raw uint8 or unit float images in, network input out, on whichever device they are."""

from __future__ import annotations

import torch
from torch import nn

from tare.strategies import Normalisation


class Normaliser(nn.Module):
    """``(N, C, H, W)`` uint8 (raw 0..255) or float (unit values) to float network input, one ``a * x + b`` per channel.

    With ``per_sample`` every sample and channel is z-scored by its own moments, its std not taken below 1/sqrt(H W), as
    ``tf.image.per_image_standardization`` does for constant images.
    """

    scale: torch.Tensor
    shift: torch.Tensor

    def __init__(self, normalisation: Normalisation) -> None:
        super().__init__()
        affine = normalisation.affine()
        shape = (1, len(affine.scale), 1, 1)
        self.per_sample = normalisation.per_sample
        self.register_buffer("scale", torch.tensor(affine.scale).reshape(shape), persistent=False)
        self.register_buffer("shift", torch.tensor(affine.shift).reshape(shape), persistent=False)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Normalise a batch."""
        if images.dtype == torch.uint8:
            scale, unit = self.scale / 255, images.to(self.scale.dtype)
        else:
            scale, unit = self.scale, images
        mapped = torch.addcmul(self.shift, unit, scale)
        if not self.per_sample:
            return mapped
        mean = mapped.mean(dim=(2, 3), keepdim=True)
        std = mapped.std(dim=(2, 3), keepdim=True, correction=0)
        floor = (mapped.shape[2] * mapped.shape[3]) ** -0.5
        return (mapped - mean) / std.clamp_min(floor)
