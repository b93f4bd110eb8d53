"""Score every candidate against one batch norm's fingerprint, under every augmentation that training may have used."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import nn

from tare.identifying.candidates import Candidate, Sample
from tare.identifying.fingerprint.front import NetworkFront, listening
from tare.identifying.fingerprint.moments import Predicted, Responses, Views, responses, standardised
from tare.identifying.fingerprint.patches import Kernel, kernel_of, patch_responses
from tare.identifying.fingerprint.stored import Fingerprint, fingerprint_divergence
from tare.identifying.fingerprint.views import TrainingAugmentation
from tare.identifying.likelihood import OTHER, SAME, Content, Residual, Spread, evidence, log_likelihoods
from tare.input_spec.affine import Affine
from tare.networks.batch_norm import ChannelMoments
from tare.samples.layout import Doubles
from tare.system.progress import SILENT, Reporter

#: The most candidates and augmentations whose evidence is computed; of candidates that explain the moments alike, all.
_MOST_CANDIDATES, _MOST_AUGMENTATIONS = 24, 3
# Divergences over the same images within this factor tell nothing: behind a layer that standardises, all candidates are alike.
_TIED = 1.5
# If even the least divergence is above _POOR, the order of divergences says little, and up to _MOST_OF_POOR are weighed.
_POOR, _MOST_OF_POOR = 0.01, 72
_FAR, _SLACK = 4.0, 0.004
#: None, and the best for a kind of sample, are followed up to so many times that.
_HOPELESS = 4.0
_FIRST_IMAGES = 32

#: The divergence of the constants, from a candidate on, that explain stored moments best under an augmentation.
FreeDivergence = Callable[[Candidate, Fingerprint, "MomentModel"], float]
MakeViews = Callable[[TrainingAugmentation, int, int], Views]


class MomentModel(Protocol):
    """The moments that reach the batch norm under a normalisation, for one augmentation."""

    def predict(self, affine: Affine) -> Predicted:
        """Moments of each channel, and every image's share in them."""

    def pooled(self, affines: Sequence[Affine]) -> tuple[Doubles, Doubles]:
        """Mean and variance ``(A, K)`` under many normalisations."""


@dataclass(frozen=True, slots=True, eq=False)
class Forward:
    """A :class:`MomentModel` by forward passes through a front that is not affine, one for every normalisation."""

    front: NetworkFront
    views: Views
    batch: int = 64

    @torch.inference_mode()
    def predict(self, affine: Affine) -> Predicted:
        """Moments of each channel, and every image's share in them."""
        count, each = self.views.values.shape[:2]
        fed = _mapped(self.views, affine)
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


#: The moment models of one augmentation: of images as they are, and standardised by themselves.
Models = Mapping[Sample, MomentModel]


@dataclass(frozen=True, slots=True, eq=False)
class Score:
    """One candidate under its best augmentation.

    ``divergence`` is the least KL divergence. ``same`` and ``other`` are the log evidence for probe images from the training data
    and from anywhere. Candidates far behind have an evidence of minus infinity.
    """

    candidate: Candidate
    augmentation: TrainingAugmentation
    divergence: float
    same: float = -np.inf
    other: float = -np.inf


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """All candidates, and the moment models of the augmentations that constants may be estimated under."""

    scores: tuple[Score, ...]
    models: Mapping[TrainingAugmentation, Models]


def follow(
    front: NetworkFront,
    stored: Fingerprint,
    known: Sequence[Candidate],
    augmentations: Sequence[TrainingAugmentation],
    make: MakeViews,
    *,
    images: int,
    shape: Sequence[int],
    reporter: Reporter = SILENT,
    free: FreeDivergence | None = None,
) -> tuple[Sequence[Candidate], dict[TrainingAugmentation, Models]]:
    """The candidates worth weighing, and the moment models of the augmentations that explain the moments best.

    ``shape`` is an input's ``(C, *size)``; ``make(augmentation, start, stop)`` gives views of images ``start`` to ``stop - 1``.
    Augmentations are compared on a few images first; those that explain the moments much worse are left out, by the candidates
    and, where ``free`` is given, by the constants that explain them best under each.
    """
    few = min(images, _FIRST_IMAGES)
    kernel = kernel_of(front, shape) if front.affine else None
    begun: dict[TrainingAugmentation, Models] = {}
    with reporter.counting("comparing augmentations of training", "augmentations", len(augmentations)) as advance:
        for one in augmentations:
            begun[one] = _models(front, kernel, make(one, 0, few), 0, known)
            advance(1)
    if not front.affine:  # every candidate needs its own passes, so only likely candidates are kept
        plain = _divergences(stored, next(iter(begun.values())), known)
        kept = max(_MOST_CANDIDATES, int((plain <= _TIED * plain.min()).sum()))
        known = [known[place] for place in np.argsort(plain)[:kept]]
    followed = _followed(begun, _table(stored, begun, known), known)
    if free is not None:
        followed = list(dict.fromkeys([*followed, *_by_free_constants(begun, stored, known, free)]))
    if images == few:
        return known, {one: begun[one] for one in followed}
    models: dict[TrainingAugmentation, Models] = {}
    with reporter.counting("explaining the moments by all images", "augmentations", len(followed)) as advance:
        for one in followed:
            start = few if front.affine else 0
            more = _models(front, kernel, make(one, start, images), start, known)
            models[one] = {kind: _with_more(begun[one][kind], model) for kind, model in more.items()}
            advance(1)
    return known, models


def _with_more(first: MomentModel, more: MomentModel) -> MomentModel:
    return first.with_more(more) if isinstance(first, Responses) and isinstance(more, Responses) else more


def _models(front: NetworkFront, kernel: Kernel | None, views: Views, start: int, known: Sequence[Candidate]) -> Models:
    """The models that the candidates need."""
    return {kind: _model(front, kernel, _prepared(views, kind), start) for kind in dict.fromkeys(one.sample for one in known)}


def _prepared(views: Views, sample: Sample) -> Views:
    return standardised(views, sample == "sample") if sample else views


def weigh(
    stored: Fingerprint, known: Sequence[Candidate], models: Mapping[TrainingAugmentation, Models], content: Content
) -> Scored:
    """Divergence of every candidate, and evidence of the leading candidates, under the leading augmentations."""
    table = _table(stored, models, known)
    followed = _followed(models, table, known)
    table, every = table[[list(models).index(one) for one in followed]], models
    models = {one: models[one] for one in followed}
    least, best = table.min(axis=0), table.argmin(axis=0)
    scores = [Score(candidate, followed[best[place]], float(least[place])) for place, candidate in enumerate(known)]
    most = max(_MOST_CANDIDATES, len(_near(least))) if float(least.min()) <= _POOR else _MOST_OF_POOR
    for place in np.argsort(least)[:most]:
        scores[place] = _weighed(scores[place], table[:, place], models, stored, content)
    return Scored(tuple(sorted(scores, key=lambda one: (-one.other, one.divergence))), every)


def _table(stored: Fingerprint, models: Mapping[TrainingAugmentation, Models], known: Sequence[Candidate]) -> Doubles:
    """Divergences ``(augmentations, candidates)``."""
    return np.stack([_divergences(stored, one, known) for one in models.values()])


def _divergences(stored: Fingerprint, models: Models, known: Sequence[Candidate]) -> Doubles:
    """Divergences ``(candidates,)`` under one augmentation."""
    found = np.full(len(known), np.inf)
    for kind, model in models.items():
        places = [place for place, one in enumerate(known) if one.sample == kind]
        if places:
            found[places] = fingerprint_divergence(stored, *model.pooled([known[place].affine for place in places]))
    return found


def _followed(
    models: Mapping[TrainingAugmentation, Models], table: Doubles, known: Sequence[Candidate]
) -> list[TrainingAugmentation]:
    """The augmentations that explain the moments best; and none, and the best for each kind of sample, unless hopeless.

    Over few images the divergence under the true augmentation may be many times that under another one, whose sampling error is
    less; judged under others alone, the true constants would be excluded.
    """
    of_each = table.min(axis=1)
    others = [0]  # no augmentation
    for kind in dict.fromkeys(one.sample for one in known):
        columns = [place for place, one in enumerate(known) if one.sample == kind]
        others.append(int(table[:, columns].min(axis=1).argmin()))
    hopeful = [place for place in others if of_each[place] <= _HOPELESS * (_FAR * of_each.min() + _SLACK)]
    return [list(models)[place] for place in dict.fromkeys([*_near(of_each)[:_MOST_AUGMENTATIONS], *hopeful])]


def _by_free_constants(
    models: Mapping[TrainingAugmentation, Models], stored: Fingerprint, known: Sequence[Candidate], free: FreeDivergence
) -> list[TrainingAugmentation]:
    """The augmentations under which some constants, listed or not, explain the moments best; each begins with its best candidate.

    Constants that nobody published, without augmentation, are otherwise taken for published ones with mixup.
    """
    listed = [one for one in known if not one.sample]
    found = []
    for each in models.values():
        start = listed[int(fingerprint_divergence(stored, *each[""].pooled([one.affine for one in listed])).argmin())]
        found.append(free(start, stored, each[""]))
    return [list(models)[place] for place in _near(np.array(found))[:_MOST_AUGMENTATIONS]]


def _model(front: NetworkFront, kernel: Kernel | None, views: Views, start: int) -> MomentModel:
    """Through one convolution, another affine function, or any other front; the first view is of image ``start``."""
    if kernel is not None:
        return patch_responses(kernel, views, start)
    return responses(front, views) if front.affine else Forward(front, views)


def _near(divergences: Doubles) -> list[int]:
    """Places of the divergences not far above the least, the least first."""
    order = np.argsort(divergences)
    return [int(place) for place in order if divergences[place] <= _FAR * divergences[order[0]] + _SLACK]


def _weighed(
    one: Score, divergences: Doubles, models: Mapping[TrainingAugmentation, Models], stored: Fingerprint, content: Content
) -> Score:
    """Average the likelihood over the augmentations near this candidate's best, all with the same prior."""
    found: list[tuple[float, float, TrainingAugmentation]] = []
    for place in _near(divergences):
        augmentation = list(models)[place]
        residual = Residual.of(stored, models[augmentation][one.candidate.sample].predict(one.candidate.affine))
        spread = Spread.of(residual.influences, content)
        same, other = (evidence(log_likelihoods(residual.values, spread, shift)) for shift in (SAME, OTHER))
        found.append((same, other, augmentation))
    same, other = (float(np.logaddexp.reduce(values)) for values in ([each[0] for each in found], [each[1] for each in found]))
    best = max(found, key=lambda each: each[1])[2]
    return Score(one.candidate, best, one.divergence, same, other)


def normalised(views: Views, candidate: Candidate) -> torch.Tensor:
    """The views as the network's input under a candidate, ``(N * V, C, H, W)``."""
    return _mapped(_prepared(views, candidate.sample), candidate.affine)


def _mapped(views: Views, affine: Affine) -> torch.Tensor:
    scale, shift = (torch.tensor(values, dtype=torch.float32)[:, None, None] for values in (affine.scale, affine.shift))
    fed = views.values[:, :, list(affine.order)] * (scale * 255) + shift
    fed = fed if views.mask is None else fed * views.mask
    return (fed if views.added is None else fed + views.added).flatten(0, 1)


@torch.inference_mode()
def deep_divergence(module: nn.Module, stored: Mapping[str, Fingerprint], batches: Sequence[torch.Tensor]) -> float:
    """KL divergence of the moments at each batch norm from the stored ones, averaged over channels, then over layers.

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
    """Moments of one batch by torch's Welford sums in float32: float64 copies would cost as much as the convolutions."""
    others = [place for place in range(given.ndim) if place != 1]
    variance, mean = torch.var_mean(given, dim=others, correction=0)
    return ChannelMoments(given.numel() // given.shape[1], mean.double(), variance.double())
