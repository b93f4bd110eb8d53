"""Moments at a batch norm behind an affine front, for every normalisation at once.

Let R_cj be the front's response to the unit values of colour j in its channel c, B_c that to ones in channel c where the image
is (zero where the input is padded after normalisation), and Z that to what augmentation adds by itself, biases included. What
reaches the layer under ``y_c = a_c x_p(c) + b_c`` is ``sum_c a_c R_cp(c) + sum_c b_c B_c + Z``. The first and second moments of
(R, B, Z) are taken once, image by image; mean and variance then are a linear and a quadratic form in (a, b), exact at borders.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from tare.input_spec.affine import Affine
from tare.samples.layout import Doubles

_UNIT = 255.0
_MOST_POSITIONS = 2048

#: A network up to one of its layers: input ``(N, C, *size)`` to what reaches the layer, ``(N, K, P)``.
FrontFunction = Callable[[torch.Tensor], torch.Tensor]


@dataclass(frozen=True, slots=True, eq=False)
class Views:
    """Images as augmentation leaves them, ``V`` views of each: unit values, where the image is, and what was added.

    ``values`` ``(N, V, C, H, W)`` float32; ``mask`` ``(N, V, 1, H, W)``, or None where the image is everywhere; ``added``
    ``(N, V, C, H, W)`` in units of the input, or None.
    """

    values: torch.Tensor
    mask: torch.Tensor | None = None
    added: torch.Tensor | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Predicted:
    """Moments of each channel pooled over the images, and what each image adds to them.

    ``mean`` and ``variance`` are ``(K,)``; ``of_mean`` and ``of_variance`` ``(N, K)`` are the influences of the images, which
    average to zero: the spread of an estimate follows from theirs.
    """

    mean: Doubles
    variance: Doubles
    of_mean: Doubles
    of_variance: Doubles

    @classmethod
    def of(cls, first: Doubles, second: Doubles) -> Predicted:
        """From every image's mean and mean square ``(N, K)``."""
        mean, square = first.mean(axis=0), second.mean(axis=0)
        of_mean = first - mean
        return cls(mean, square - mean**2, of_mean, second - square - 2 * mean * of_mean)


@dataclass(frozen=True, slots=True, eq=False)
class Responses:
    """Moments of the responses, image by image: ``first`` ``(N, K, T)`` and ``second`` ``(N, K, T, T)``.

    ``pairs`` says of which (channel, colour) the first terms are; then come the masks of the channels, then the constant.
    """

    first: Doubles
    second: Doubles
    pairs: tuple[tuple[int, int], ...]

    def predict(self, affine: Affine) -> Predicted:
        """Moments under a normalisation (a map from raw values 0..255), exactly."""
        weights = self.weights(affine)
        return Predicted.of(self.first @ weights, np.einsum("nkij,i,j->nk", self.second, weights, weights, optimize=True))

    def pooled(self, affines: Sequence[Affine]) -> tuple[Doubles, Doubles]:
        """Mean and variance ``(A, K)`` under many normalisations, pooled over the images."""
        weights = np.stack([self.weights(affine) for affine in affines])
        first, second = self.first.mean(axis=0), self.second.mean(axis=0)
        mean = weights @ first.T
        return mean, np.einsum("ai,kij,aj->ak", weights, second, weights, optimize=True) - mean**2

    def weights(self, affine: Affine) -> Doubles:
        """How much of each term ``(T,)`` there is under a normalisation."""
        terms = [affine.scale[c] * _UNIT if affine.order[c] == j else 0.0 for c, j in self.pairs]
        return np.array([*terms, *affine.shift, 1.0])

    def of_images(self, chosen: NDArray[np.int64]) -> Responses:
        """The same for some of the images."""
        return Responses(self.first[chosen], self.second[chosen], self.pairs)

    def with_more(self, other: Responses) -> Responses:
        """The same for more images."""
        return Responses(np.concatenate([self.first, other.first]), np.concatenate([self.second, other.second]), self.pairs)


def pairs_of(channels: int) -> tuple[tuple[int, int], ...]:
    """Which colour may reach which channel: its own, and of three channels red and blue exchanged."""
    straight = tuple((c, c) for c in range(channels))
    return (*straight, (0, 2), (2, 0)) if channels == 3 else straight


@torch.inference_mode()
def responses(front: FrontFunction, views: Views, batch: int = 32) -> Responses:
    """Take the moments of the responses of an affine ``front`` to ``views``.

    Means and products are taken in float32 within a view, and in float64 over views and images. Of large maps a random part of
    the positions, other ones for every batch, stands for all: neighbours tell the same.
    """
    count, each, channels, *size = views.values.shape
    pairs = pairs_of(channels)
    bias = front(torch.zeros(1, channels, *size))
    everywhere = None if views.mask is not None else _channelwise(front, torch.ones(1, 1, *size), bias, channels)
    moments = []
    step = max(1, batch // each)
    for start in range(0, count, step):
        part = slice(start, start + step)
        values, chosen = views.values[part].flatten(0, 1), _positions(bias.shape[-1], start)

        def at(term: torch.Tensor, chosen: torch.Tensor = chosen, length: int = len(values)) -> torch.Tensor:
            return term.index_select(-1, chosen).expand(length, -1, -1)

        constant = at(bias)
        terms = [at(front(_only(values[:, j : j + 1], c, channels))) - constant for c, j in pairs]
        if views.mask is not None:
            mask = views.mask[part].flatten(0, 1)
            terms += [at(front(_only(mask, c, channels))) - constant for c in range(channels)]
        terms += [at(term) for term in everywhere or ()]
        terms.append(constant if views.added is None else at(front(views.added[part].flatten(0, 1))))
        moments.append(term_moments(torch.stack(terms, dim=2), each))
    first, second = (np.concatenate(parts) for parts in zip(*moments, strict=True))
    return Responses(first, second, pairs)


def _positions(number: int, seed: int) -> torch.Tensor:
    """All positions, or a random part of many."""
    if number <= _MOST_POSITIONS:
        return torch.arange(number)
    generator = torch.Generator().manual_seed(seed)
    return torch.randperm(number, generator=generator)[:_MOST_POSITIONS].sort().values


def _channelwise(front: FrontFunction, mask: torch.Tensor, bias: torch.Tensor, channels: int) -> list[torch.Tensor]:
    return [front(_only(mask, c, channels)) - bias for c in range(channels)]


def _only(values: torch.Tensor, channel: int, channels: int) -> torch.Tensor:
    """An input that holds ``values`` ``(N, 1, H, W)`` in one channel and zeros in the others."""
    whole = values.new_zeros(len(values), channels, *values.shape[2:])
    whole[:, channel] = values[:, 0]
    return whole


def term_moments(terms: torch.Tensor, each: int) -> tuple[Doubles, Doubles]:
    """Mean ``(N, K, T)`` and mean of products ``(N, K, T, T)`` over positions and views of ``(N * each, K, T, P)``."""
    first = terms.mean(dim=-1).double()
    second = (terms @ terms.transpose(-1, -2)).double() / terms.shape[-1]
    pooled = [moments.reshape(-1, each, *moments.shape[1:]).mean(dim=1).numpy() for moments in (first, second)]
    return pooled[0], pooled[1]
