"""The likelihood of stored moments under a normalisation, if the probe images are not the training images.

The images' influences D on the moments are split by regression into a part explained by content F (mean and std of each colour,
sharpness, colourfulness) and a rest E: D = F B + E. The residual of the moments is then

    r ~ t(0, B' (cov(F)/n + rho_c P) B + (1/n + rho_r) cov(E) + tau^2 I).

P is the covariance of content between sets of photographs, and rho_c scales it. rho_r is the variance of the rest between sets,
as a share of its variance between images. tau is the error of each channel by itself: running averages over a few batches, and
an augmentation that is modelled roughly. All three are integrated out over grids. A candidate that fits badly needs large values
of them, which spread its likelihood widely; so if even the best candidate fits badly, the others come closer to it.
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
# Chosen on half of the networks of benchmarks/identify_rates; docs/identify.md reports the other half.
_BELIEVED, _HALF_BELIEVED, _SAMPLING, _POOR = 0.4, 32, 0.3, 0.01


@dataclass(frozen=True, slots=True)
class ShiftGrid:
    """Grids of the distance between training and probe images: rho_c, rho_r, and tau in stds of a channel."""

    content: tuple[float, ...]
    rest: tuple[float, ...]
    error: tuple[float, ...] = (0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 0.32)


#: Probe images from the training data.
SAME = ShiftGrid((0.0,), (0.0, 0.003))
#: Probe images of unknown origin.
OTHER = ShiftGrid((0.25, 1.0, 4.0), (0.0, 0.01, 0.05, 0.2, 1.0))

# Standard deviations between the sets of photographs in the catalog and in the benchmark: of the mean and of the std, common to
# all colours and of each colour, in unit values; of sharpness and colourfulness, relative to their size.
_MEAN, _MEAN_EACH, _STD, _STD_EACH, _RELATIVE = 0.05, 0.025, 0.04, 0.015, 0.3


def left_by(stored: Fingerprint, mean: Doubles, variance: Doubles) -> Doubles:
    """Stored minus predicted moments ``(..., 2 K)``, of the channels that are alive; ``mean`` and ``variance`` ``(..., K)``."""
    kept = stored.alive
    of_mean = (stored.mean - mean)[..., kept] / np.sqrt(stored.variance[kept])
    least = 1e-12 * stored.variance[kept]
    of_variance = 0.5 * np.log(stored.variance[kept] / np.maximum(variance[..., kept], least))
    return np.concatenate([of_mean, of_variance], axis=-1)


@dataclass(frozen=True, slots=True, eq=False)
class Residual:
    """Stored minus predicted moments ``(2 K,)``, and the images' influences ``(N, 2 K)``.

    Means are divided by the stored stds, and variances are half their logarithm, so that both are in units of one std.
    """

    values: Doubles
    influences: Doubles

    @classmethod
    def of(cls, stored: Fingerprint, predicted: Predicted) -> Residual:
        """The residual of the channels that are alive."""
        kept = stored.alive
        spread = np.sqrt(stored.variance[kept])
        variance = np.maximum(predicted.variance[kept], 1e-12 * stored.variance[kept])
        values = left_by(stored, predicted.mean, predicted.variance)
        influences = [predicted.of_mean[:, kept] / spread, predicted.of_variance[:, kept] / (2 * variance)]
        return cls(values, np.concatenate(influences, axis=1))


@dataclass(frozen=True, slots=True, eq=False)
class Content:
    """The images' content: whitened ``features`` ``(N, F)``, and ``shift`` ``(F, S)``, a root of P in their units."""

    features: Doubles
    shift: Doubles

    @classmethod
    def of(cls, values: Doubles, channels: int) -> Content:
        """From means and stds of the colours, sharpness and colourfulness ``(N, 2 C + 2)`` (``2 C + 1`` of grey images)."""
        left, singular, right = np.linalg.svd(values - values.mean(axis=0), full_matrices=False)
        kept = singular > 1e-3 * max(float(singular[0]), 1e-300)
        freedom = np.sqrt(max(1, len(values) - 1))
        root = np.zeros((values.shape[1], values.shape[1] + 2))
        for place, (common, each) in enumerate(((_MEAN, _MEAN_EACH), (_STD, _STD_EACH))):
            part = slice(place * channels, (place + 1) * channels)
            root[part, values.shape[1] + place] = common
            root[part, part] = each * np.eye(channels)
        for place in range(2 * channels, values.shape[1]):
            root[place, place] = _RELATIVE * values[:, place].mean()
        return cls(left[:, kept] * freedom, (right[kept] @ root) / singular[kept, None] * freedom)


@dataclass(frozen=True, slots=True, eq=False)
class Spread:
    """The covariance between images: the rest's eigenvalues ``variances`` ``(D,)`` and eigenvectors ``directions`` ``(D, D)``.

    In the same basis, ``content`` ``(D, F)`` are the directions in which content moves the moments from image to image, and
    ``shift`` ``(D, S)`` those from one set of images to another.
    """

    variances: Doubles
    directions: Doubles
    content: Doubles
    shift: Doubles
    images: int

    @classmethod
    def of(cls, influences: Doubles, content: Content) -> Spread:
        """Estimate it from influences ``(N, D)``, shrunk toward independent moments by 2/N."""
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
        """The directions of content and of shift as the columns of one matrix ``(D, F + S)``."""
        return np.concatenate([self.content, self.shift], axis=1)

    def sizes(self, rho: float) -> Doubles:
        """The variance of each loading."""
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
        growth, reduction = _low_rank(inner, projected, np.sqrt(spread.sizes(rho)))
        distance = np.log1p((squares - reduction) / freedom)
        found.append(-0.5 * (logs + growth + (freedom + dimension) * distance))
    constant = math.lgamma((freedom + dimension) / 2) - math.lgamma(freedom / 2) - dimension / 2 * math.log(freedom * math.pi)
    return np.stack(found) + constant


def _low_rank(inner: Doubles, projected: Doubles, root: Doubles) -> tuple[Doubles, Doubles]:
    """The growth of the log determinant and the reduction of the squared distance by loadings of variance ``root ** 2``.

    Matrix determinant lemma and Woodbury's identity, with ``inner`` ``(..., F, F)`` and ``projected`` ``(..., F)``.
    """
    whole = np.eye(len(root)) + root[:, None] * inner * root
    scaled = projected * root
    solved = np.linalg.solve(whole, scaled[..., None])[..., 0]
    return np.linalg.slogdet(whole)[1], (scaled * solved).sum(axis=-1)


def evidence(log_likelihood: NDArray[np.float64]) -> float:
    """The log evidence: the likelihood averaged over all grids, every grid point with the same prior."""
    return float(np.logaddexp.reduce(log_likelihood.ravel()) - np.log(log_likelihood.size))


def temper(images: int, divergence: float) -> float:
    """The factor for log likelihoods: smaller with few images, and if even the best candidate fits badly.

    0.4 n / (n + 32), divided by 1 + (d - 0.3/n) / 0.01 if the least divergence d is above 0.3/n.
    """
    excess = max(0.0, divergence - _SAMPLING / images) / _POOR
    return _BELIEVED * images / (images + _HALF_BELIEVED) / (1 + excess)


# Networks of benchmarks/identify_rates leave at most this, plus this over n, if the candidates hold their truth.
_UNEXPLAINED, _UNEXPLAINED_SAMPLING, _TIMES_EXPECTED = 0.008, 0.25, 2.0


def sampled(influences: Doubles) -> float:
    """The divergence that sampling is expected to leave of the true normalisation, by the images' influences ``(N, 2 K)``.

    To second order it is half the square of a mean's error plus that of half a log variance, averaged over the channels.
    """
    means, variances = np.split(influences.var(axis=0, ddof=1) / len(influences), 2)
    return float(0.5 * means.mean() + variances.mean())


def most_explained(images: int, expected: float = 0.0) -> float:
    """The largest divergence that the best candidate has if the list of candidates holds the truth: 0.008 + 0.25/n.

    Or twice what sampling is ``expected`` to leave, if that is more: where a batch norm sees one value an image, not a map of
    them, it is several times 1/n; of maps it is about 0.25/n.

    A conformal bound (Vovk, Gammerman and Shafer 2005): none of thirty networks with known truths exceeds it, so a network of
    their kind whose truth is listed exceeds it with a probability of at most 1/31, for images of the training data. It was
    widened from 0.003 + 0.25/n for a further network whose rate did not fall (0.0068 at 256 images).
    """
    return max(_UNEXPLAINED + _UNEXPLAINED_SAMPLING / images, _TIMES_EXPECTED * expected)


def covariance_at(log_likelihood: NDArray[np.float64], spread: Spread, shift: ShiftGrid) -> Doubles:
    """The residual's covariance ``(D, D)`` at the most likely grid point, in the residual's own basis."""
    content, rest, error = np.unravel_index(int(np.argmax(log_likelihood)), log_likelihood.shape)
    diagonal = (1.0 / spread.images + shift.rest[rest]) * spread.variances + shift.error[error] ** 2
    loadings = spread.loadings * np.sqrt(spread.sizes(shift.content[content]))
    return np.asarray(spread.directions @ (np.diag(diagonal) + loadings @ loadings.T) @ spread.directions.T)
