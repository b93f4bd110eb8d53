"""Batch norm's running moments: found, and re-estimated on a target without labels (AdaBN, Li et al. 2016)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

#: Gives the batches of one pass over the target, anew at every call.
PassBatches = Callable[[], Iterable[torch.Tensor]]

#: Moments that moved by less than this share of a layer's std from one pass to the next have settled.
TOLERANCE = 1e-5


@dataclass(frozen=True, slots=True)
class ChannelMoments:
    """Pooled moments of ``count`` values per channel: ``mean`` and population ``variance``, float64 ``(C,)`` each."""

    count: int
    mean: torch.Tensor
    variance: torch.Tensor

    @classmethod
    def of(cls, values: torch.Tensor) -> ChannelMoments:
        """Moments of ``(N, C, ...)``, pooled over everything but the channels."""
        rows = values.detach().double().transpose(0, 1).flatten(1)
        return cls(rows.shape[1], rows.mean(dim=1), rows.var(dim=1, correction=0))

    def merge(self, other: ChannelMoments) -> ChannelMoments:
        """Moments of both sets of values together (Chan, Golub and LeVeque 1979)."""
        total = self.count + other.count
        mean, variance = mixed((self.mean, self.variance), (other.mean, other.variance), self.count / total)
        return ChannelMoments(total, mean, variance)


@dataclass(frozen=True, slots=True)
class Reestimation:
    """What a re-estimation did: passes over the target, whether the moments settled, and the weight of the source."""

    layers: int
    samples: int
    passes: int
    settled: bool
    source_weight: float


def batch_norms(module: nn.Module) -> Mapping[str, _BatchNorm]:
    """The batch norms of ``module`` that keep running moments, by name."""
    found = ((name, layer) for name, layer in module.named_modules() if isinstance(layer, _BatchNorm))
    return {name: layer for name, layer in found if layer.running_mean is not None}


def mixed(
    first: tuple[torch.Tensor, torch.Tensor], second: tuple[torch.Tensor, torch.Tensor], weight: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and variance of a mixture: ``weight`` parts of the first population, ``1 - weight`` of the second.

    mean = w m1 + (1 - w) m2 and var = w v1 + (1 - w) v2 + w (1 - w) (m1 - m2)^2. Schneider et al. (NeurIPS 2020, eq. 2) leave
    the last term out, the variance between the two means.
    """
    (mean1, variance1), (mean2, variance2) = first, second
    between = weight * (1 - weight) * (mean1 - mean2) ** 2
    return weight * mean1 + (1 - weight) * mean2, weight * variance1 + (1 - weight) * variance2 + between


def source_weight(prior: float, samples: int) -> float:
    """N / (N + n): the share of a source that counts as ``prior`` samples beside ``samples`` of the target."""
    return 1.0 if math.isinf(prior) else prior / (prior + samples)


@torch.inference_mode()
def reestimate(module: nn.Module, batches: PassBatches, *, prior: float = 0.0, passes: int | None = None) -> Reestimation:
    """Replace the running moments of every batch norm of ``module`` by the pooled moments of its input on the target.

    A layer's input depends on the moments of the layers before it. Every pass therefore measures all layers under the
    moments of the pass before: after p passes the first p layers are exact, whatever their order and branches, so as many
    passes as there are layers give the exact answer. It ends earlier when nothing moves by more than :data:`TOLERANCE`.
    Variances are those of the population (ddof 0); batches of any size give the same moments. ``prior`` weighs the moments
    that the layers come with as so many samples (:func:`mixed`). ``module`` is left in the mode it came in.
    """
    layers = batch_norms(module)
    source = {name: _stored(layer) for name, layer in layers.items()}
    limit = len(layers) if passes is None else passes
    done, samples, moved = 0, 0, math.inf if layers else 0.0
    while done < limit and moved > TOLERANCE:
        measured, samples = _measured(module, layers, batches)
        moved = 0.0
        for name, moments in measured.items():
            share = source_weight(prior, samples)
            moved = max(moved, _replaced(layers[name], *mixed(source[name], (moments.mean, moments.variance), share)))
        done += 1
    settled = moved <= TOLERANCE or done >= len(layers)
    return Reestimation(len(layers), samples, done, settled, source_weight(prior, max(samples, 1)))


def _measured(module: nn.Module, layers: Mapping[str, _BatchNorm], batches: PassBatches) -> tuple[dict[str, ChannelMoments], int]:
    """One pass in eval mode: the moments of what reaches each layer, and the number of samples."""
    moments: dict[str, ChannelMoments] = {}
    samples = 0
    with _listening(module, layers, moments):
        for batch in batches():
            module(batch)
            samples += len(batch)
    return moments, samples


@contextmanager
def _listening(module: nn.Module, layers: Mapping[str, _BatchNorm], moments: dict[str, ChannelMoments]) -> Iterator[None]:
    def hook(name: str) -> Callable[[nn.Module, tuple[torch.Tensor, ...]], None]:
        def note(_: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
            new = ChannelMoments.of(inputs[0])
            moments[name] = moments[name].merge(new) if name in moments else new

        return note

    modes = {layer: layer.training for layer in module.modules()}
    handles = [layer.register_forward_pre_hook(hook(name)) for name, layer in layers.items()]
    module.eval()
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
        for layer, mode in modes.items():
            layer.training = mode


def _stored(layer: _BatchNorm) -> tuple[torch.Tensor, torch.Tensor]:
    mean, variance = layer.running_mean, layer.running_var
    assert mean is not None  # noqa: S101 - batch_norms leaves out those without
    assert variance is not None  # noqa: S101
    return mean.double().clone(), variance.double().clone()


def _replaced(layer: _BatchNorm, mean: torch.Tensor, variance: torch.Tensor) -> float:
    """Set a layer's moments; return by how much of its std they moved."""
    old_mean, old_variance = _stored(layer)
    std, old_std = (variance + layer.eps).sqrt(), (old_variance + layer.eps).sqrt()
    moved = torch.maximum((mean - old_mean).abs(), (std - old_std).abs()) / std
    layer.running_mean.copy_(mean)  # type: ignore[union-attr]
    layer.running_var.copy_(variance)  # type: ignore[union-attr]
    return float(moved.max())
