"""Every candidate held against one batch norm's fingerprint, under every augmentation that training may have used."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import nn

from tare.identifying.candidates import Candidate
from tare.identifying.fingerprint.front import NetworkFront, listening
from tare.identifying.fingerprint.moments import Predicted, Responses, Views, responses
from tare.identifying.fingerprint.patches import Kernel, kernel_of, patch_responses
from tare.identifying.fingerprint.stored import Fingerprint, fingerprint_divergence
from tare.identifying.fingerprint.views import TrainingAugmentation
from tare.identifying.likelihood import OTHER, SAME, Content, Residual, Spread, evidence, log_likelihoods
from tare.input_spec.affine import Affine
from tare.networks.batch_norm import ChannelMoments
from tare.samples.layout import Doubles

#: Candidates and augmentations whose divergence is far above the best one's are not weighed any further.
_MOST_CANDIDATES, _MOST_AUGMENTATIONS = 24, 3
# Where even the least divergence is above this, the order of divergences says little, and more candidates are weighed.
_POOR, _MOST_OF_POOR = 0.01, 72
_FAR, _SLACK = 4.0, 0.004
_FIRST_IMAGES = 32

MakeViews = Callable[[TrainingAugmentation, int, int], Views]


class MomentModel(Protocol):
    """What reaches the batch norm: its moments under a normalisation, for one augmentation."""

    def predict(self, affine: Affine) -> Predicted:
        """Moments of each channel, and every image's share in them."""

    def pooled(self, affines: Sequence[Affine]) -> tuple[Doubles, Doubles]:
        """Mean and variance ``(A, K)`` under many normalisations."""


@dataclass(frozen=True, slots=True, eq=False)
class Forward:
    """The same by passes through a front that is not affine: one for every normalisation that is asked for."""

    front: NetworkFront
    views: Views
    batch: int = 64

    @torch.inference_mode()
    def predict(self, affine: Affine) -> Predicted:
        """Moments of each channel, and every image's share in them."""
        count, each = self.views.values.shape[:2]
        fed = normalised(self.views, affine)
        moments = []
        for start in range(0, len(fed), self.batch):
            values = self.front(fed[start : start + self.batch]).double()
            moments.append(torch.stack([values.mean(dim=-1), values.square().mean(dim=-1)]))
        first, second = torch.cat(moments, dim=1).reshape(2, count, each, -1).mean(dim=2).numpy()
        return Predicted.of(first, second)

    def pooled(self, affines: Sequence[Affine]) -> tuple[Doubles, Doubles]:
        """Mean and variance ``(A, K)`` under many normalisations."""
        found = [self.predict(affine) for affine in affines]
        return np.stack([one.mean for one in found]), np.stack([one.variance for one in found])


@dataclass(frozen=True, slots=True, eq=False)
class Score:
    """One candidate under its best augmentation.

    ``divergence`` is the least KL divergence; ``same`` and ``other`` the log evidence for probes of the training's population and
    for any. Candidates far behind have an evidence of minus infinity.
    """

    candidate: Candidate
    augmentation: TrainingAugmentation
    divergence: float
    same: float = -np.inf
    other: float = -np.inf


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """All candidates with the model of each augmentation that was not left behind."""

    scores: tuple[Score, ...]
    models: Mapping[TrainingAugmentation, MomentModel]


def follow(
    front: NetworkFront,
    stored: Fingerprint,
    known: Sequence[Candidate],
    augmentations: Sequence[TrainingAugmentation],
    make: MakeViews,
    *,
    images: int,
    shape: Sequence[int],
) -> tuple[Sequence[Candidate], dict[TrainingAugmentation, MomentModel]]:
    """The models of the augmentations that explain the moments best, and the candidates that are worth weighing.

    ``shape`` is that of an input ``(C, *size)``; ``make(augmentation, start, stop)`` gives the views of some of the images.
    Augmentations are compared on a few images first, and those that explain the moments much worse are left out.
    """
    few = min(images, _FIRST_IMAGES)
    way = _Way(front, kernel_of(front, shape) if front.affine else None)
    begun = {one: way.model(make(one, 0, few), 0) for one in augmentations}
    if not front.affine:  # a pass for each candidate: only the likely ones are followed through every augmentation
        plain = fingerprint_divergence(stored, *next(iter(begun.values())).pooled([candidate.affine for candidate in known]))
        known = [known[place] for place in np.argsort(plain)[:_MOST_CANDIDATES]]
    followed = _followed(begun, _table(stored, begun, known))
    return known, {one: _continued(way, begun[one], make, one, few, images) for one in followed}


def weigh(
    stored: Fingerprint, known: Sequence[Candidate], models: Mapping[TrainingAugmentation, MomentModel], content: Content
) -> Scored:
    """Divergence of every candidate and evidence of the leading ones, under the leading of the augmentations."""
    table = _table(stored, models, known)
    followed = _followed(models, table)
    table = table[[list(models).index(one) for one in followed]]
    models = {one: models[one] for one in followed}
    scores = [_scored(candidate, table[:, place], models) for place, candidate in enumerate(known)]
    least = table.min(axis=0)
    for place in np.argsort(least)[: _MOST_CANDIDATES if float(least.min()) <= _POOR else _MOST_OF_POOR]:
        scores[place] = _weighed(scores[place], table[:, place], models, stored, content)
    return Scored(tuple(sorted(scores, key=lambda one: (-one.other, one.divergence))), models)


def _table(stored: Fingerprint, models: Mapping[TrainingAugmentation, MomentModel], known: Sequence[Candidate]) -> Doubles:
    """Divergences ``(augmentations, candidates)``."""
    affines = [candidate.affine for candidate in known]
    return np.stack([fingerprint_divergence(stored, *model.pooled(affines)) for model in models.values()])


def _followed(models: Mapping[TrainingAugmentation, MomentModel], table: Doubles) -> list[TrainingAugmentation]:
    return [list(models)[place] for place in _near(table.min(axis=1))[:_MOST_AUGMENTATIONS]]


@dataclass(frozen=True, slots=True, eq=False)
class _Way:
    """How the input reaches the layer: through one convolution, through another affine function, or through something else."""

    front: NetworkFront
    kernel: Kernel | None

    def model(self, views: Views, start: int) -> MomentModel:
        """From the views of the images from the one numbered ``start`` on."""
        if self.kernel is not None:
            return patch_responses(self.kernel, views, start)
        return responses(self.front, views) if self.front.affine else Forward(self.front, views)


def _continued(
    way: _Way, begun: MomentModel, make: MakeViews, augmentation: TrainingAugmentation, few: int, images: int
) -> MomentModel:
    if images == few:
        return begun
    if not isinstance(begun, Responses):
        return way.model(make(augmentation, 0, images), 0)
    more = way.model(make(augmentation, few, images), few)
    assert isinstance(more, Responses)  # noqa: S101 - the same way gives the same kind
    return begun.with_more(more)


def _near(divergences: Doubles) -> list[int]:
    """Places of those not far above the least, the least first."""
    order = np.argsort(divergences)
    return [int(place) for place in order if divergences[place] <= _FAR * divergences[order[0]] + _SLACK]


def _scored(candidate: Candidate, divergences: Doubles, models: Mapping[TrainingAugmentation, MomentModel]) -> Score:
    best = int(np.argmin(divergences))
    return Score(candidate, list(models)[best], float(divergences[best]))


def _weighed(
    one: Score, divergences: Doubles, models: Mapping[TrainingAugmentation, MomentModel], stored: Fingerprint, content: Content
) -> Score:
    """Integrate the likelihood over the augmentations that are near this candidate's best, each as likely as the next."""
    found: list[tuple[float, float, TrainingAugmentation]] = []
    for place in _near(divergences):
        augmentation = list(models)[place]
        residual = Residual.of(stored, models[augmentation].predict(one.candidate.affine))
        spread = Spread.of(residual.influences, content)
        same, other = (evidence(log_likelihoods(residual.values, spread, shift)) for shift in (SAME, OTHER))
        found.append((same, other, augmentation))
    same, other = (float(np.logaddexp.reduce(values)) for values in ([each[0] for each in found], [each[1] for each in found]))
    best = max(found, key=lambda each: each[1])[2]
    return Score(one.candidate, best, one.divergence, same, other)


def normalised(views: Views, affine: Affine) -> torch.Tensor:
    """The views as the network would be fed them, one after another, ``(N * V, C, H, W)``."""
    scale, shift = (torch.tensor(values, dtype=torch.float32)[:, None, None] for values in (affine.scale, affine.shift))
    fed = views.values[:, :, list(affine.order)] * (scale * 255) + shift
    fed = fed if views.mask is None else fed * views.mask
    return (fed if views.added is None else fed + views.added).flatten(0, 1)


@torch.inference_mode()
def deep_divergence(module: nn.Module, stored: Mapping[str, Fingerprint], batches: Sequence[torch.Tensor]) -> float:
    """KL divergence of the moments reaching each batch norm from the stored ones, averaged over channels, then over layers.

    Every batch norm behind the first confirms what a candidate makes of the whole network.

    ``batches`` are normalised input; ``module`` must be in eval mode.
    """
    moments: dict[str, ChannelMoments] = {}

    def note(name: str, given: torch.Tensor) -> None:
        new = _batch_moments(given)
        moments[name] = moments[name].merge(new) if name in moments else new

    with listening(module, list(stored), note):
        for batch in batches:
            module(batch)
    found = [
        float(fingerprint_divergence(stored[name], seen.mean.cpu().numpy(), seen.variance.cpu().numpy()))
        for name, seen in moments.items()
    ]
    return float(np.mean(found))


def _batch_moments(given: torch.Tensor) -> ChannelMoments:
    """Of one batch, by torch's Welford sums in float32: copies in float64 would cost as much as the convolutions do."""
    others = [place for place in range(given.ndim) if place != 1]
    variance, mean = torch.var_mean(given, dim=others, correction=0)
    return ChannelMoments(given.numel() // given.shape[1], mean.double(), variance.double())
