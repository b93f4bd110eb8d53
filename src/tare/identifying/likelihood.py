"""How likely stored moments are under a normalisation, when the probe images are not the images of the training.

An image's influence on the moments D is split by regression into what its content explains (mean and std of each colour,
sharpness, colourfulness: F) and the rest: D = F B + E. The residual of the moments then is

    r ~ t(0, B' (cov(F)/n + rho_c P) B + (1/n + rho_r) cov(E) + tau^2 I).

P is how far one set of photographs lies from another in content, and rho_c a multiple of it; rho_r is the same of the rest, as a
share of the variance between single images; tau is what moves every channel by itself: running averages over a few batches,
augmentation that is modelled roughly. All three are integrated out over grids. A candidate that fits badly is only kept by
assuming large ones, which costs likelihood in every direction: where even the best fits badly, the others come closer.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tare.identifying.fingerprint.moments import Predicted
from tare.identifying.fingerprint.stored import Fingerprint
from tare.samples.layout import Doubles

_RIDGE = 2.0
# Chosen on half of the networks of benchmarks/identify_rates, and judged on the other half.
_BELIEVED, _HALF_BELIEVED, _SAMPLING, _POOR = 0.4, 32, 0.3, 0.01


@dataclass(frozen=True, slots=True)
class ShiftGrid:
    """How far the training's images may be from the probe's: grids of rho_c, of rho_r, and of tau in stds of a channel."""

    content: tuple[float, ...]
    rest: tuple[float, ...]
    error: tuple[float, ...] = (0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 0.32)


#: Images of the training's own population.
SAME = ShiftGrid((0.0,), (0.0, 0.003))
#: Images of which nobody knows.
OTHER = ShiftGrid((0.25, 1.0, 4.0), (0.0, 0.01, 0.05, 0.2, 1.0))

# Between the sets of photographs in the catalog and those of the benchmark: stds, in unit values, of the mean and of the std,
# common to all colours and of each colour; of sharpness and colourfulness as a share of their own size.
_MEAN, _MEAN_EACH, _STD, _STD_EACH, _RELATIVE = 0.05, 0.025, 0.04, 0.015, 0.3


@dataclass(frozen=True, slots=True, eq=False)
class Residual:
    """Stored less predicted moments ``(2 K,)``, and the images' influences ``(N, 2 K)``.

    Means are in stored stds, variances as half their logarithm, so that both are in units of one std.
    """

    values: Doubles
    influences: Doubles

    @classmethod
    def of(cls, stored: Fingerprint, predicted: Predicted) -> Residual:
        """Of the channels that are alive."""
        kept = stored.alive
        spread = np.sqrt(stored.variance[kept])
        variance = np.maximum(predicted.variance[kept], 1e-12 * stored.variance[kept])
        of_mean = (stored.mean - predicted.mean)[kept] / spread
        of_variance = 0.5 * np.log(stored.variance[kept] / variance)
        influences = [predicted.of_mean[:, kept] / spread, predicted.of_variance[:, kept] / (2 * variance)]
        return cls(np.concatenate([of_mean, of_variance]), np.concatenate(influences, axis=1))


@dataclass(frozen=True, slots=True, eq=False)
class Content:
    """What the images show: white ``features`` ``(N, F)``, and ``shift`` ``(F, S)``, a root of P in their units."""

    features: Doubles
    shift: Doubles

    @classmethod
    def of(cls, shown: Doubles, channels: int) -> Content:
        """From means and stds of the colours, sharpness and colourfulness ``(N, 2 C + 2)`` (``2 C + 1`` of grey images)."""
        centred = shown - shown.mean(axis=0)
        left, values, right = np.linalg.svd(centred, full_matrices=False)
        kept = values > 1e-3 * max(float(values[0]), 1e-300)
        freedom = np.sqrt(max(1, len(shown) - 1))
        root = np.zeros((shown.shape[1], shown.shape[1] + 2))
        for place, (common, each) in enumerate(((_MEAN, _MEAN_EACH), (_STD, _STD_EACH))):
            part = slice(place * channels, (place + 1) * channels)
            root[part, shown.shape[1] + place] = common
            root[part, part] = each * np.eye(channels)
        for place in range(2 * channels, shown.shape[1]):
            root[place, place] = _RELATIVE * shown[:, place].mean()
        return cls(left[:, kept] * freedom, (right[kept] @ root) / values[kept, None] * freedom)


@dataclass(frozen=True, slots=True, eq=False)
class Spread:
    """The covariance between images: of the rest in its eigenbasis, ``variances`` ``(D,)`` and ``directions`` ``(D, D)``.

    ``content`` ``(D, F)`` and ``shift`` ``(D, S)`` are the directions in which content moves the moments, in the same basis: from
    image to image, and from one set of images to another.
    """

    variances: Doubles
    directions: Doubles
    content: Doubles
    shift: Doubles
    images: int

    @classmethod
    def of(cls, influences: Doubles, content: Content) -> Spread:
        """Estimated from influences ``(N, D)``, shrunk toward independent moments: few images tell little."""
        count, features = len(influences), content.features
        gram = features.T @ features + _RIDGE * np.eye(features.shape[1])
        effects = np.linalg.solve(gram, features.T @ influences)
        rest = influences - features @ effects
        covariance = rest.T @ rest / max(1, count - 1 - features.shape[1] // 2)
        share = min(1.0, 2.0 / count)
        variances, directions = np.linalg.eigh((1 - share) * covariance + share * np.diag(np.diag(covariance)))
        turned = directions.T @ effects.T
        return cls(np.maximum(variances, 0.0), directions, turned, turned @ content.shift, count)

    @property
    def loadings(self) -> Doubles:
        """Both kinds of directions beside each other."""
        return np.concatenate([self.content, self.shift], axis=1)

    def sizes(self, rho: float) -> Doubles:
        """The variance of each of the loadings."""
        return np.concatenate([np.full(self.content.shape[1], 1.0 / self.images), np.full(self.shift.shape[1], rho)])


def log_likelihoods(residual: Doubles, spread: Spread, shift: ShiftGrid) -> NDArray[np.float64]:
    """Log density of the residual for every size of shift and error, ``(len(content), len(rest), len(error))``.

    Student's t with n - 1 degrees of freedom: the covariance is itself estimated from n images (Hotelling 1931).
    """
    turned = spread.directions.T @ residual
    rest = 1.0 / spread.images + np.array(shift.rest)
    diagonal = rest[:, None, None] * spread.variances + np.square(np.array(shift.error))[None, :, None]
    logs, squares = np.log(diagonal).sum(axis=-1), (np.square(turned) / diagonal).sum(axis=-1)
    scaled = np.moveaxis(spread.loadings / diagonal[..., None], -1, -2)
    inner, projected = scaled @ spread.loadings, scaled @ turned
    freedom, dimension = spread.images - 1, len(turned)
    found = []
    for rho in shift.content:
        more, less = _low_rank(inner, projected, np.sqrt(spread.sizes(rho)))
        distance = np.log1p((squares - less) / freedom)
        found.append(-0.5 * (logs + more + (freedom + dimension) * distance))
    constant = math.lgamma((freedom + dimension) / 2) - math.lgamma(freedom / 2) - dimension / 2 * math.log(freedom * math.pi)
    return np.stack(found) + constant


def _low_rank(inner: Doubles, projected: Doubles, root: Doubles) -> tuple[Doubles, Doubles]:
    """What loadings of variance ``root ** 2`` beside a diagonal do: the log determinant grows, the squared distance shrinks.

    Matrix determinant lemma and Woodbury's identity, with ``inner`` ``(..., F, F)`` and ``projected`` ``(..., F)``.
    """
    whole = np.eye(len(root)) + root[:, None] * inner * root
    scaled = projected * root
    solved = np.linalg.solve(whole, scaled[..., None])[..., 0]
    return np.linalg.slogdet(whole)[1], (scaled * solved).sum(axis=-1)


def evidence(log_likelihood: NDArray[np.float64]) -> float:
    """Integrated over all grids, every size being as likely as the next."""
    return float(np.logaddexp.reduce(log_likelihood.ravel()) - np.log(log_likelihood.size))


def temper(images: int, divergence: float) -> float:
    """By how much log likelihoods are to be believed: less with few images, and less where even the best candidate fits badly.

    0.4 n / (n + 32), over 1 + (d - 0.3/n) / 0.01 where the least divergence d is above 0.3/n.
    """
    excess = max(0.0, divergence - _SAMPLING / images) / _POOR
    return _BELIEVED * images / (images + _HALF_BELIEVED) / (1 + excess)


def covariance_at(log_likelihood: NDArray[np.float64], spread: Spread, shift: ShiftGrid) -> Doubles:
    """The residual's covariance ``(D, D)`` at the most likely sizes, in the residual's own basis."""
    content, rest, error = np.unravel_index(int(np.argmax(log_likelihood)), log_likelihood.shape)
    diagonal = (1.0 / spread.images + shift.rest[rest]) * spread.variances + shift.error[error] ** 2
    loadings = spread.loadings * np.sqrt(spread.sizes(shift.content[content]))
    return np.asarray(spread.directions @ (np.diag(diagonal) + loadings @ loadings.T) @ spread.directions.T)
