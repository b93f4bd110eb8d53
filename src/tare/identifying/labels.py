"""For networks without batch norm: the likelihood of known labels under every candidate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from tare.identifying.candidates import Candidate
from tare.identifying.fingerprint.moments import Views
from tare.identifying.scores import normalised
from tare.networks.heads.pass_size import pass_size
from tare.samples.layout import Doubles

_FIRST_IMAGES, _FOLLOWED = 16, 12
_MOST = 64


@dataclass(frozen=True, slots=True, eq=False)
class LabelLikelihood:
    """One candidate: the log probability ``(N,)`` of each image's label, and the accuracy."""

    candidate: Candidate
    log_probability: Doubles
    accuracy: float


def by_labels(module: nn.Module, views: Views, labels: NDArray[np.int64], known: Sequence[Candidate]) -> list[LabelLikelihood]:
    """Rank candidates by the mean log probability of the labels; only the likeliest on a few images are run on all images."""
    few = min(len(labels), _FIRST_IMAGES)
    first = sorted((_labelled(module, views, labels, one, few) for one in known), key=_mean, reverse=True)
    if few == len(labels):
        return first
    return sorted(
        (_labelled(module, views, labels, one.candidate, len(labels)) for one in first[:_FOLLOWED]), key=_mean, reverse=True
    )


def relative_by_labels(found: Sequence[LabelLikelihood]) -> list[float]:
    """Relative likelihood of each candidate: exp(-t^2 / 2), t the paired difference from the best in standard errors.

    A network's probabilities are not calibrated, so the difference is judged by its spread from image to image.
    """
    best = found[0].log_probability
    shares = []
    for one in found:
        difference = best - one.log_probability
        error = float(difference.std(ddof=1)) / np.sqrt(len(difference))
        t = float(difference.mean()) / error if error > 0 else 0.0
        shares.append(float(np.exp(-0.5 * t * t)))
    return shares


def _mean(one: LabelLikelihood) -> float:
    return float(one.log_probability.mean())


@torch.inference_mode()
def _labelled(module: nn.Module, views: Views, labels: NDArray[np.int64], candidate: Candidate, count: int) -> LabelLikelihood:
    fed = normalised(Views(views.values[:count]), candidate)
    size = pass_size(fed.shape[1:], _MOST)
    outputs = torch.cat([module(fed[start : start + size]) for start in range(0, count, size)]).double()
    logs = functional.log_softmax(outputs, dim=1).nan_to_num(-1e4, -1e4, -1e4)
    truth = torch.from_numpy(labels[:count])
    chosen = logs.gather(1, truth[:, None])[:, 0].numpy()
    return LabelLikelihood(candidate, np.maximum(chosen, -50.0), float((outputs.argmax(dim=1) == truth).double().mean()))
