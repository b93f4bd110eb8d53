"""A small image network for many passes: batch norm is folded, and the first layer is computed once per sample."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_weights

from tare.normalisation.applied import Normalisation
from tare.studying.tasks.small_networks import SmallNetwork

#: Pairs of samples per pass.
_BATCH = 128
_ONE = 255.0


class _Layer(NamedTuple):
    """The arguments of :func:`torch.nn.functional.conv2d` behind its input."""

    weight: torch.Tensor
    bias: torch.Tensor | None
    stride: int
    padding: int
    dilation: int = 1
    groups: int = 2


@dataclass(frozen=True, slots=True, eq=False)
class Frozen:
    """Convolutions of a network in eval mode, and the first one's responses to all samples and to an image of ones.

    The first layer is linear, and its input under a strategy is ``a x + b`` inside the image and 0 around it. Its output is
    therefore ``a conv(x) + b conv(1) + bias``, in which only a and b differ between strategies.

    Two samples form one image, each with its own group in every convolution: with few channels, two groups take three quarters of
    the time of two images. Test pairs come before training pairs, so that the test samples and the training samples of any size
    are contiguous.
    """

    layers: tuple[_Layer, ...]
    responses: torch.Tensor
    ones: torch.Tensor
    tested: int

    @classmethod
    @torch.inference_mode()
    def of(cls, module: nn.Module, train: torch.Tensor, test: torch.Tensor) -> Frozen | None:
        """The network for these training and test samples ``(N, 1, H, W)``, bytes or unit values.

        None for samples of another shape, another kind of network, or norm layers that cannot be folded.
        """
        if not isinstance(module, SmallNetwork) or test.ndim != 4 or test.shape[1] != 1:
            return None
        layers = [layer for block in module.blocks if (layer := _folded(block)) is not None]
        if len(layers) < len(module.blocks):
            return None
        pairs = torch.cat([_pairs(test), _pairs(train)])
        parts = (part / _ONE if part.dtype == torch.uint8 else part for part in torch.split(pairs, _BATCH))
        first = layers[0]._replace(bias=None)
        responses = torch.cat([_passed(first, part) for part in parts])
        return cls(tuple(layers), responses, _passed(first, torch.ones(1, *pairs.shape[1:])), len(test))

    @torch.inference_mode()
    def features(self, size: int, applied: Normalisation) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Features ``(N, D)`` of the first ``size`` training samples, and of all test samples.

        ``applied`` must be a mean and std alone.
        """
        affine, bias = applied.affine(), self.layers[0].bias
        constant = affine.shift[0] * self.ones + (0.0 if bias is None else bias[:, None, None])
        begin = -(-self.tested // 2)
        found = []
        for part in torch.split(self.responses[: begin - (-size // 2)], _BATCH):
            passed = torch.add(constant, part, alpha=affine.scale[0]).relu_()
            for layer in self.layers[1:]:
                passed = functional.conv2d(passed, *layer).relu_()
            found.append(passed.mean(dim=(2, 3)))
        features = torch.cat(found).reshape(2 * sum(map(len, found)), -1).numpy()
        return features[2 * begin : 2 * begin + size], features[: self.tested]


def _folded(block: Any) -> _Layer | None:
    """A block's convolution with its norm layer folded in; None if the norm layer depends on the sample."""
    convolution, norm = block[0], block[1]
    weight, bias = convolution.weight, convolution.bias
    if isinstance(norm, nn.BatchNorm2d):
        moments = (norm.running_mean, norm.running_var, norm.eps, norm.weight, norm.bias)
        weight, bias = fuse_conv_bn_weights(weight, bias, *moments)  # type: ignore[arg-type]
    elif not isinstance(norm, nn.Identity):
        return None
    weight = torch.cat([weight, weight]).contiguous(memory_format=torch.channels_last)
    return _Layer(weight, None if bias is None else torch.cat([bias, bias]), convolution.stride, convolution.padding)


def _pairs(samples: torch.Tensor) -> torch.Tensor:
    """Samples ``(N, 1, H, W)`` as pairs ``(N / 2, 2, H, W)``; of an odd number, the last sample comes twice."""
    even = torch.cat([samples, samples[-1:]]) if len(samples) % 2 else samples
    return even.reshape(-1, 2, *samples.shape[2:])


def _passed(layer: _Layer, samples: torch.Tensor) -> torch.Tensor:
    return functional.conv2d(samples.contiguous(memory_format=torch.channels_last), *layer)
