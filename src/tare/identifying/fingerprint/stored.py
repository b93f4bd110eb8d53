"""The moments that batch norm stores of a network's training: a running mean and variance per channel.

They are moments of each layer's input during training, and so depend on how the network's input was normalised.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from tare.errors import ModelError
from tare.networks.batch_norm import batch_norms

#: A channel whose stored variance is below this share of the layer's median is dead.
_DEAD = 1e-5
_FEWEST_CHANNELS = 2


@dataclass(frozen=True, slots=True, eq=False)
class Fingerprint:
    """The moments that one batch norm stores, in units of its own input.

    ``mean`` and ``variance`` are float64 ``(C,)``; ``alive`` says which channels are not dead.
    """

    name: str
    mean: NDArray[np.float64]
    variance: NDArray[np.float64]
    alive: NDArray[np.bool_]


def fingerprints(module: nn.Module) -> dict[str, Fingerprint]:
    """The trained batch norms of ``module`` by name; empty for a module without batch norm.

    Raises :class:`ModelError` for weights or moments that are not finite, for frozen batch norm, whose moments are those of an
    earlier training, for layers that keep no moments, and if all moments have their initial values (mean 0, variance 1).
    """
    kept = batch_norms(module)
    _check_finite(module, kept)
    if not kept:
        _check_other_kinds(module)
        return {}
    trained = {name: _of(name, layer) for name, layer in kept.items() if not _is_new(layer)}
    if not trained:
        found = f"mean 0 and variance 1 in all {len(kept)} layers: never trained, or reset"
        raise ModelError("batch norm moments from a training", found, "name the checkpoint that the training wrote")
    return {name: stored for name, stored in trained.items() if stored.alive.sum() >= _FEWEST_CHANNELS}


def fingerprint_divergence(stored: Fingerprint, mean: NDArray[np.float64], variance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Gaussian KL divergence in nats of moments ``(..., C)`` from the stored ones, averaged over the live channels.

    KL = (v/v0 + (m - m0)^2/v0 - 1 - log(v/v0)) / 2 per channel, with v0 and m0 stored.
    """
    kept = stored.alive
    ratio = np.maximum(variance[..., kept], 1e-300) / stored.variance[kept]
    shift = np.square(mean[..., kept] - stored.mean[kept]) / stored.variance[kept]
    return np.asarray((0.5 * (ratio + shift - 1.0 - np.log(ratio))).mean(axis=-1))


def _of(name: str, layer: Any) -> Fingerprint:
    mean, variance = (values.detach().double().cpu().numpy() for values in (layer.running_mean, layer.running_var))
    alive = variance > _DEAD * float(np.median(variance))
    return Fingerprint(name, mean, variance, alive)


def _is_new(layer: Any) -> bool:
    return bool((layer.running_mean == 0).all()) and bool((layer.running_var == 1).all())


def _check_finite(module: nn.Module, kept: Mapping[str, Any]) -> None:
    for name, values in module.state_dict().items():
        if isinstance(values, torch.Tensor) and values.is_floating_point() and not bool(torch.isfinite(values).all()):
            raise ModelError(
                "finite weights", f"NaN or infinity in {name!r}", "name a checkpoint from before the training diverged"
            )
    negative = [name for name, layer in kept.items() if bool((layer.running_var < 0).any())]
    if negative:
        raise ModelError("variances of at least 0", f"a negative variance in {negative[0]!r}", "check the checkpoint")


def _check_other_kinds(module: nn.Module) -> None:
    kinds: Sequence[str] = [type(layer).__name__ for layer in module.modules()]
    if any("Frozen" in kind and "Norm" in kind for kind in kinds):
        raise ModelError(
            "batch norm that was trained with these weights",
            "frozen batch norm, whose moments are those of an earlier training",
            "identify the backbone's own checkpoint instead",
        )
    if any(isinstance(layer, nn.modules.batchnorm._BatchNorm) for layer in module.modules()):
        raise ModelError(
            "batch norm that keeps running moments",
            "layers with track_running_stats=False",
            "nothing in these weights can tell",
        )
