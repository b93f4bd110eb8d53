"""One pass of a network over dataset1 under one strategy: features for a head, and moments at the input and batch norms."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from tare.networks.batch_norm import batch_norms
from tare.networks.heads.pass_size import pass_size
from tare.normalisation.applied import Normalisation
from tare.normalisation.input_layer import InputLayer
from tare.samples.layout import Doubles

_MOST = 64


@dataclass(frozen=True, slots=True, eq=False)
class PlaceMoments:
    """Mean ``(N, C)`` and mean square ``(N, C)`` of every sample at one place, and the moments ``(C,)`` expected there."""

    mean: Doubles
    square: Doubles
    expected_mean: Doubles
    expected_variance: Doubles


@dataclass(frozen=True, slots=True, eq=False)
class Passed:
    """The results of a pass in eval mode: features ``(N, D)``, and moments by place, the input first.

    ``answers`` are the probabilities ``(N, Z)`` of the network's own Z classes; None if its output is not that of a classifier.
    """

    features: NDArray[np.float32]
    places: Mapping[str, PlaceMoments]
    answers: Doubles | None


INPUT = "input"


@torch.inference_mode()
def passed(
    module: nn.Module,
    head: str,
    samples: torch.Tensor,
    chosen: Normalisation,
    expected: tuple[Sequence[float], Sequence[float]] | None,
    advance: Callable[[int], None] | None = None,
) -> Passed:
    """Pass ``samples`` (raw bytes or unit floats ``(N, C, ...)``) through ``module`` as ``chosen`` normalises them.

    ``expected`` are the mean and std per channel that dataset0 had at the network's input; with None no moments are taken.
    ``module`` keeps its mode.
    """
    prepare, layers = InputLayer(chosen), batch_norms(module) if expected is not None else {}
    rows: dict[str, list[tuple[Doubles, Doubles]]] = {name: [] for name in (INPUT, *layers)}
    features: list[torch.Tensor] = []
    answers: list[Any] = []

    def note(name: str) -> Callable[..., None]:
        return lambda _, inputs: rows[name].append(_moments(inputs[0]))

    def catch(_: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        features.append(inputs[0].flatten(1).float())

    handles = [layer.register_forward_pre_hook(note(name)) for name, layer in layers.items()]
    handles.append(module.get_submodule(head).register_forward_pre_hook(catch))
    was_training = module.training
    module.eval()
    try:
        size = pass_size(samples.shape[1:], _MOST)
        for start in range(0, len(samples), size):
            fed = prepare(samples[start : start + size])
            if expected is not None:
                rows[INPUT].append(_moments(fed))  # NaN beyond a signal's end is left out
            answers.append(module(fed.nan_to_num(nan=0.0) if fed.ndim in (3, 5) else fed))
            if advance is not None:
                advance(len(fed))
    finally:
        for handle in handles:
            handle.remove()
        module.train(was_training)
    wanted = {name: _stored(layer) for name, layer in layers.items()}
    if expected is not None:
        wanted[INPUT] = (np.asarray(expected[0], np.float64), np.square(np.asarray(expected[1], np.float64)))
    places = {
        name: PlaceMoments(
            np.concatenate([mean for mean, _ in found]), np.concatenate([square for _, square in found]), *wanted[name]
        )
        for name, found in rows.items()
        if found
    }
    return Passed(torch.cat(features).numpy(), places, _probabilities(answers))


def _probabilities(answers: Sequence[Any]) -> Doubles | None:
    if not all(isinstance(one, torch.Tensor) and one.ndim == 2 and one.shape[1] > 1 for one in answers):
        return None
    found = torch.cat(list(answers)).double().softmax(dim=1).numpy()
    return found if np.isfinite(found).all() else None


def _moments(values: torch.Tensor) -> tuple[Doubles, Doubles]:
    flat = values.detach().double().reshape(len(values), values.shape[1], -1)
    return flat.nanmean(dim=2).numpy(), (flat**2).nanmean(dim=2).numpy()


def _stored(layer: Any) -> tuple[Doubles, Doubles]:
    mean, variance = layer.running_mean, layer.running_var
    return mean.double().numpy().copy(), variance.double().numpy() + layer.eps
