"""Find batch norm's running moments, and re-estimate them on target samples without labels (AdaBN, Li et al. 2016)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from tare.folding.first_layers import evaluating

#: Each call returns the batches of one pass over the target.
PassBatches = Callable[[], Iterable[torch.Tensor]]

#: Moments have settled when a pass changes them by less than this share of the layer's std.
TOLERANCE = 1e-5


@dataclass(frozen=True, slots=True)
class ChannelMoments:
    """Pooled moments of ``count`` values per channel: ``mean`` and population ``variance``, float64 ``(C,)`` each."""

    count: int
    mean: torch.Tensor
    variance: torch.Tensor

    @classmethod
    def of(cls, values: torch.Tensor) -> ChannelMoments:
        """Return the moments of ``(N, C, ...)``, pooled over all axes except the channels."""
        rows = values.detach().double().transpose(0, 1).flatten(1)
        return cls(rows.shape[1], rows.mean(dim=1), rows.var(dim=1, correction=0))

    def merge(self, other: ChannelMoments) -> ChannelMoments:
        """Return the moments of both sets of values together (Chan, Golub and LeVeque 1979)."""
        total = self.count + other.count
        mean, variance = mixed((self.mean, self.variance), (other.mean, other.variance), self.count / total)
        return ChannelMoments(total, mean, variance)


@dataclass(frozen=True, slots=True)
class Reestimation:
    """The outcome of a re-estimation: passes over the target, whether the moments settled, and the source's weight."""

    layers: int
    samples: int
    passes: int
    settled: bool
    source_weight: float


def batch_norms(module: nn.Module) -> Mapping[str, _BatchNorm]:
    """Return the batch norms of ``module`` that keep running moments, by name."""
    found = ((name, layer) for name, layer in module.named_modules() if isinstance(layer, _BatchNorm))
    return {name: layer for name, layer in found if layer.running_mean is not None}


def mixed(
    first: tuple[torch.Tensor, torch.Tensor], second: tuple[torch.Tensor, torch.Tensor], weight: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and variance of a mixture: ``weight`` parts of the first population, ``1 - weight`` of the second.

    mean = w m1 + (1 - w) m2 and var = w v1 + (1 - w) v2 + w (1 - w) (m1 - m2)^2. Schneider et al. (NeurIPS 2020, eq. 2) omit
    the last term, the variance between the two means.
    """
    (mean1, variance1), (mean2, variance2) = first, second
    between = weight * (1 - weight) * (mean1 - mean2) ** 2
    return weight * mean1 + (1 - weight) * mean2, weight * variance1 + (1 - weight) * variance2 + between


def source_weight(prior: float, samples: int) -> float:
    """Return N / (N + n): the weight of a source that counts as N = ``prior`` samples beside n = ``samples`` of the target."""
    return 1.0 if math.isinf(prior) else prior / (prior + samples)


@torch.inference_mode()
def reestimate(module: nn.Module, batches: PassBatches, *, prior: float = 0.0, passes: int | None = None) -> Reestimation:
    """Replace the running moments of every batch norm of ``module`` by the pooled moments of its input on the target.

    A layer's input depends on the moments of the layers before it. Each pass therefore measures all layers under the moments
    of the previous pass. After p passes the first p layers are exact, in any order and with any branches, so one pass per layer
    gives the exact moments. The passes end earlier when no moment changes by more than :data:`TOLERANCE`. Variances are those
    of the population (ddof 0); the batch size does not matter. ``prior`` is the number of samples that the layers' own moments
    count as (:func:`mixed`). The training mode of ``module`` is restored.
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
    """Run one pass in eval mode; return the moments of each layer's input and the number of samples."""
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

    handles = [layer.register_forward_pre_hook(hook(name)) for name, layer in layers.items()]
    try:
        with evaluating(module):
            yield
    finally:
        for handle in handles:
            handle.remove()


def _stored(layer: _BatchNorm) -> tuple[torch.Tensor, torch.Tensor]:
    mean, variance = layer.running_mean, layer.running_var
    assert mean is not None  # noqa: S101 - batch_norms leaves out layers without running moments
    assert variance is not None  # noqa: S101
    return mean.double().clone(), variance.double().clone()


def _replaced(layer: _BatchNorm, mean: torch.Tensor, variance: torch.Tensor) -> float:
    """Set a layer's moments; return their largest change as a share of the layer's std."""
    old_mean, old_variance = _stored(layer)
    std, old_std = (variance + layer.eps).sqrt(), (old_variance + layer.eps).sqrt()
    moved = torch.maximum((mean - old_mean).abs(), (std - old_std).abs()) / std
    layer.running_mean.copy_(mean)  # type: ignore[union-attr]
    layer.running_var.copy_(variance)  # type: ignore[union-attr]
    return float(moved.max())
