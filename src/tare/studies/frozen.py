"""A small image network as it is passed through many times: batch norm folded, its first layer computed once a sample."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

from tare.strategies import Normalisation
from tare.studies.small_networks import SmallNetwork

#: Samples passed at once: their tensors stay in the processor's cache, and what it costs to begin is shared by enough.
_BATCH = 256
_ONE = 255.0


@dataclass(frozen=True, slots=True, eq=False)
class Frozen:
    """Convolutions of a network in eval mode, and what the first makes of all samples and of a constant image of ones.

    The first layer is linear, and its input under a strategy is ``a x + b`` inside the image and 0 around it. So it gives
    ``a conv(x) + b conv(1) + bias``, in which only a and b differ between strategies.
    """

    layers: tuple[nn.Conv2d, ...]
    responses: torch.Tensor
    ones: torch.Tensor

    @classmethod
    @torch.inference_mode()
    def of(cls, module: nn.Module, samples: torch.Tensor) -> Frozen | None:
        """The network for these samples ``(N, 1, H, W)``, bytes or unit values.

        None for other samples, another kind of network, or one whose norm layers cannot be folded.
        """
        if not isinstance(module, SmallNetwork) or samples.ndim != 4 or samples.shape[1] != 1:
            return None
        layers = [_folded(block) for block in module.blocks]
        if not all(isinstance(layer, nn.Conv2d) for layer in layers):
            return None
        parts = (part / _ONE if part.dtype == torch.uint8 else part for part in samples.split(_BATCH))
        responses = torch.cat([_linear(layers[0], part) for part in parts])
        return cls(tuple(layers), responses, _linear(layers[0], torch.ones(1, *samples.shape[1:])))

    @torch.inference_mode()
    def features(self, chosen: NDArray[np.int64], applied: Normalisation) -> NDArray[np.float32]:
        """Features ``(N, D)`` of the chosen samples, normalised as ``applied`` says (which is not each by its own moments)."""
        affine, bias = applied.affine(), self.layers[0].bias
        constant = affine.shift[0] * self.ones + (0.0 if bias is None else bias[:, None, None])
        found = []
        for part in torch.from_numpy(chosen).split(_BATCH):
            passed = torch.add(constant, self.responses[part], alpha=affine.scale[0]).relu_()
            for layer in self.layers[1:]:
                passed = layer(passed).relu_()
            found.append(passed.mean(dim=(2, 3)))
        return torch.cat(found).numpy()


def _folded(block: Any) -> nn.Conv2d | None:
    """A block's convolution with its norm layer in it, its own left as it is; None where a norm layer depends on the sample."""
    convolution, norm = copy.deepcopy(block[0]), block[1]
    if isinstance(norm, nn.BatchNorm2d):
        convolution = fuse_conv_bn_eval(convolution, norm)
    elif not isinstance(norm, nn.Identity):
        return None
    return convolution.to(memory_format=torch.channels_last)


def _linear(layer: nn.Conv2d, samples: torch.Tensor) -> torch.Tensor:
    given = samples.contiguous(memory_format=torch.channels_last)
    return functional.conv2d(given, layer.weight, None, layer.stride, layer.padding)
