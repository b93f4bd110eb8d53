"""Moments at a batch norm behind an affine front, for every normalisation at once.

Let R_cj be the front's response to the unit values of colour j in channel c, B_c its response to ones in channel c inside the
image (zeros where the input is padded after normalisation), and Z its response to values that augmentation adds, biases included.
Under ``y_c = a_c x_p(c) + b_c`` the layer's input is ``sum_c a_c R_cp(c) + sum_c b_c B_c + Z``. The first and second moments of
(R, B, Z) are taken once, image by image. Mean and variance are then a linear and a quadratic form in (a, b), exact at borders.
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
# A nearly constant image has a std below one level, and is not blown up.
_LEAST_STD = 1 / 255

#: A network up to one of its layers, from input ``(N, C, *size)`` to the layer's input ``(N, K, P)``.
FrontFunction = Callable[[torch.Tensor], torch.Tensor]


@dataclass(frozen=True, slots=True, eq=False)
class Views:
    """``V`` augmented views of each image: unit values, a mask of the image, and added noise.

    ``values`` are ``(N, V, C, H, W)`` float32. ``mask`` ``(N, V, 1, H, W)`` is 1 inside the image and 0 in padding, or None
    without padding. ``added`` is ``(N, V, C, H, W)`` in units of the network's input, or None.
    """

    values: torch.Tensor
    mask: torch.Tensor | None = None
    added: torch.Tensor | None = None


def standardised(views: Views, whole: bool) -> Views:
    """Each view by its own mean and std, of all its values (``whole``) or of each channel; padding takes no part."""
    values, axes = views.values, (2, 3, 4) if whole else (3, 4)
    inside = torch.ones_like(values[:, :, :1]) if views.mask is None else views.mask
    weight = inside.expand_as(values)
    number = weight.sum(axes, keepdim=True).clamp_min(1.0)
    mean = (values * weight).sum(axes, keepdim=True) / number
    variance = ((values - mean).square() * weight).sum(axes, keepdim=True) / number
    return Views((values - mean) / variance.sqrt().clamp_min(_LEAST_STD), views.mask, views.added)


@dataclass(frozen=True, slots=True, eq=False)
class Predicted:
    """Moments of each channel pooled over the images, and each image's influence on them.

    ``mean`` and ``variance`` are ``(K,)``. ``of_mean`` and ``of_variance`` ``(N, K)`` are the influences, which average to zero;
    their spread gives the standard errors.
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

    The terms T are the (channel, colour) ``pairs``, then the masks of the channels, then the constant.
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
        """The weight of each term ``(T,)`` under a normalisation."""
        terms = [affine.scale[c] * _UNIT if affine.order[c] == j else 0.0 for c, j in self.pairs]
        return np.array([*terms, *affine.shift, 1.0])

    def of_images(self, chosen: NDArray[np.int64]) -> Responses:
        """The responses of some of the images."""
        return Responses(self.first[chosen], self.second[chosen], self.pairs)

    def with_more(self, other: Responses) -> Responses:
        """The responses of these images and those of ``other``."""
        return Responses(np.concatenate([self.first, other.first]), np.concatenate([self.second, other.second]), self.pairs)


def pairs_of(channels: int) -> tuple[tuple[int, int], ...]:
    """The (channel, colour) pairs: each channel with its own colour, and with three channels red and blue exchanged."""
    straight = tuple((c, c) for c in range(channels))
    return (*straight, (0, 2), (2, 0)) if channels == 3 else straight


@torch.inference_mode()
def responses(front: FrontFunction, views: Views, batch: int = 32) -> Responses:
    """Take the moments of the responses of an affine ``front`` to ``views``.

    Means and products are taken in float32 within a view, and in float64 over views and images. Large maps are sampled at random
    positions, drawn again for every batch, since neighbouring positions are alike.
    """
    count, each, channels, *size = views.values.shape
    pairs = pairs_of(channels)
    bias = front(torch.zeros(1, channels, *size))
    ones = torch.ones(1, 1, *size)
    everywhere = [front(_only(ones, c, channels)) - bias for c in range(channels)] if views.mask is None else []
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
        terms += [at(term) for term in everywhere]
        terms.append(constant if views.added is None else at(front(views.added[part].flatten(0, 1))))
        moments.append(term_moments(torch.stack(terms, dim=2), each))
    first, second = (np.concatenate(parts) for parts in zip(*moments, strict=True))
    return Responses(first, second, pairs)


def _positions(number: int, seed: int) -> torch.Tensor:
    """All positions; if there are many, a random part of them."""
    if number <= _MOST_POSITIONS:
        return torch.arange(number)
    generator = torch.Generator().manual_seed(seed)
    return torch.randperm(number, generator=generator)[:_MOST_POSITIONS].sort().values


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
