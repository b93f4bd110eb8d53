"""Every batch norm behind the first one, as confirmation: what a candidate makes of the whole network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import nn

from tare.identifying.fingerprint.front import listening
from tare.identifying.fingerprint.stored import Fingerprint, divergence
from tare.networks.batch_norm import ChannelMoments


@torch.inference_mode()
def deep_divergence(module: nn.Module, stored: Mapping[str, Fingerprint], batches: Sequence[torch.Tensor]) -> float:
    """KL divergence of the moments reaching each batch norm from the stored ones, averaged over channels, then over layers.

    ``batches`` are normalised input; ``module`` must be in eval mode.
    """
    moments: dict[str, ChannelMoments] = {}

    def note(name: str, given: torch.Tensor) -> None:
        new = _moments(given)
        moments[name] = moments[name].merge(new) if name in moments else new

    with listening(module, list(stored), note):
        for batch in batches:
            module(batch)
    found = [
        float(divergence(stored[name], seen.mean.cpu().numpy(), seen.variance.cpu().numpy())) for name, seen in moments.items()
    ]
    return float(np.mean(found))


def _moments(given: torch.Tensor) -> ChannelMoments:
    """Of one batch, by torch's Welford sums in float32: copies in float64 would cost as much as the convolutions do."""
    others = [place for place in range(given.ndim) if place != 1]
    variance, mean = torch.var_mean(given, dim=others, correction=0)
    return ChannelMoments(given.numel() // given.shape[1], mean.double(), variance.double())
