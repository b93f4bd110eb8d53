"""The normalisation as a layer: from raw uint8 or unit float samples to network input, on the samples' own device."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import nn

from tare.errors import StrategyError
from tare.input_spec.affine import Affine
from tare.input_spec.input_map import mapped as value_mapped
from tare.input_spec.tensors import ROUNDING, by_sample, is_eager, own_moments
from tare.normalisation.applied import Normalisation


class InputLayer(nn.Module):
    """Map raw uint8 0..255 or unit floats to float network input, as a strategy's :class:`Normalisation` states.

    Samples are images ``(N, C, H, W)``, signals ``(N, C, T)``, volumes or clips ``(N, C, D, H, W)`` or rows ``(N, C)``. Bytes are
    converted to floats on the accelerator; on the CPU images under a mean and std are mapped in one pass
    (:mod:`tare.normalisation.fused`). Float64 values are normalised in float64 and then rounded to float32, which could not
    represent large values of small spread.

    Under ``sample`` every sample and channel is z-scored by its own moments. The std of an 8-bit image is at least 1/sqrt(H W),
    as in ``tf.image.per_image_standardization``. The std of a signal or a deeper image has no such floor; a constant one becomes
    zeros. Rows raise :class:`StrategyError`: one value per channel has no std, and no percentiles.

    Where each sample is normalised by its own values, NaN marks the padding of a signal or volume: it is left out of the moments
    and percentiles and becomes zero.
    """

    scale: torch.Tensor
    shift: torch.Tensor

    def __init__(self, normalisation: Normalisation) -> None:
        super().__init__()
        affine = normalisation.affine()
        self.chosen = normalisation
        self.unit = affine
        self.raw = Affine(affine.order, tuple(scale / 255 for scale in affine.scale), affine.shift)
        self.register_buffer("scale", torch.tensor(affine.scale), persistent=False)
        self.register_buffer("shift", torch.tensor(affine.shift), persistent=False)

    def forward(self, samples: torch.Tensor) -> torch.Tensor:
        """Normalise a batch."""
        each = self.chosen.per_sample
        if self.chosen.is_affine:
            return self._mapped(samples)
        if each is not None and samples.ndim < 3:
            wanted = f"images or signals for the strategy {self.chosen.strategy!r}"
            raise StrategyError(wanted, "rows of one value per channel", "use another")
        if each is None or each.kind != "zscore":
            return self._ranged(samples)
        if samples.ndim in (3, 5) and samples.dtype != torch.uint8:
            return _z_scored(samples if samples.dtype == torch.float64 else self._mapped(samples)).to(self.scale.dtype)
        mapped = self._mapped(samples)
        positions = tuple(range(2, samples.ndim))
        centred = mapped - mapped.mean(dim=positions, keepdim=True)
        if samples.dtype == torch.uint8:
            std = centred.square().mean(dim=positions, keepdim=True).sqrt()
            return centred / std.clamp_min(mapped[0, 0].numel() ** -0.5)
        centred = centred - centred.mean(dim=positions, keepdim=True)  # a runtime's sum of many equal values is rounded
        std = centred.square().mean(dim=positions, keepdim=True).sqrt()
        # Of deeper images a level is not known: only what is rounding error is kept from being amplified, and becomes zero.
        least = ROUNDING * mapped.abs().amax(dim=positions, keepdim=True)
        return centred / torch.where(std > least, std, math.inf)

    def _ranged(self, samples: torch.Tensor) -> torch.Tensor:
        """Percentiles of the sample, a logarithm, a clip, then mean and std, each where the normalisation has one."""
        chosen, kind = self.chosen, torch.float64 if samples.dtype == torch.float64 else torch.float32
        given = values = samples.to(kind) / 255 if samples.dtype == torch.uint8 else samples.to(kind)

        def column(numbers: Iterable[float]) -> torch.Tensor:
            return torch.tensor([*numbers], dtype=kind, device=samples.device).reshape((-1,) + (1,) * (samples.ndim - 2))

        if chosen.per_sample is not None:
            values = by_sample(chosen.per_sample, values, 1 - samples.ndim, batched=True)
        if chosen.value_map != "identity":
            values = value_mapped(chosen.value_map, torch, values / chosen.step)
        if chosen.clip is not None:
            low, high = zip(*chosen.clip, strict=True)
            values = values.clamp(column(low), column(high))
        fed = ((values - column(chosen.mean)) / column(chosen.std)).to(self.scale.dtype)
        if chosen.per_sample is None or samples.ndim not in (3, 5):
            return fed
        return torch.where(given.isnan(), torch.zeros_like(fed), fed)

    def _mapped(self, samples: torch.Tensor) -> torch.Tensor:
        # Compilers and exporters need plain tensor operations, which they fuse themselves.
        if is_eager() and self.scale.dtype == torch.float32 and samples.dtype == torch.uint8 and samples.device.type == "cpu":
            from tare.normalisation import fused  # compiled loops, loaded where the first bytes arrive

            if fused.takes(samples):
                return fused.normalise(samples, self.raw)
        shape = (-1,) + (1,) * (samples.ndim - 2)
        if samples.dtype == torch.float64 and self.scale.dtype != torch.float64:
            return self._narrowed(samples, shape)
        scale, shift = self.scale.reshape(shape), self.shift.reshape(shape)
        if samples.dtype == torch.uint8:
            return torch.addcmul(shift, samples.to(scale.dtype), scale / 255)
        return torch.addcmul(shift, samples, scale)

    def _narrowed(self, samples: torch.Tensor, shape: tuple[int, ...]) -> torch.Tensor:
        """Normalise float64 values in float64, then round to the layer's dtype."""
        constants = (self.unit.shift, self.unit.scale)
        shift, scale = (torch.tensor(c, dtype=samples.dtype, device=samples.device).reshape(shape) for c in constants)
        return torch.addcmul(shift, samples, scale).to(self.scale.dtype)


def padded_input(chosen: Normalisation, samples: torch.Tensor) -> torch.Tensor:
    """Normalise ``samples`` under ``chosen``; the padding of signals (NaN) becomes zero, as in training."""
    fed: torch.Tensor = InputLayer(chosen)(samples)
    return fed.nan_to_num(nan=0.0) if samples.ndim in (3, 5) else fed


def _z_scored(signals: torch.Tensor) -> torch.Tensor:
    """Z-score signals ``(N, C, T)`` or volumes by their own mean and std (ddof 0), without NaN; NaN becomes zero."""
    mean, std = own_moments(signals)
    return torch.where((std > 0) & ~signals.isnan(), (signals - mean) / std, torch.zeros_like(signals))
