"""The first stage of a graph for signals, rows or spectrograms: from raw values to unit values of the network's length."""

from __future__ import annotations

import math

import torch
from torch import nn

from tare.datasets.signal_batches import NumberGeometry, is_wide
from tare.input_spec.geometry import SignalGeometry, SoundGeometry, VolumeGeometry
from tare.samples.layout import unit_scale


class NumberFront(nn.Module):
    """Map signals ``(N, T, C)``, rows ``(N, C)`` or spectrograms ``(N, frames, bins)`` to unit values with channels first.

    The map is that of :func:`tare.datasets.signal_batches.sized`. With ``fits_length`` signals of any length are cut to their
    middle or padded on both sides.
    """

    pad: torch.Tensor

    def __init__(self, takes: NumberGeometry, *, fits_length: bool) -> None:
        super().__init__()
        self.stored = takes.raw_dtype
        self.scale = float(unit_scale(takes.raw_dtype))
        self.unit_dtype = torch.float64 if is_wide(takes.raw_dtype) else torch.float32
        self.is_signal = isinstance(takes, SignalGeometry)
        self.is_volume = isinstance(takes, VolumeGeometry)
        self.is_sound = isinstance(takes, SoundGeometry)
        self.length = takes.length if isinstance(takes, SignalGeometry) and fits_length else None
        pad = takes.pad if isinstance(takes, SignalGeometry) else None
        self.register_buffer("pad", torch.tensor(pad or (math.nan,), dtype=self.unit_dtype), persistent=False)

    def forward(self, samples: torch.Tensor) -> torch.Tensor:
        """Bring a batch to unit values and to the network's length."""
        if self.is_volume and self.stored == "uint8":
            return samples.permute(0, 4, 1, 2, 3)  # bytes, which the normaliser scales
        unit = samples
        if self.stored not in ("float32", "float64"):
            unit = (samples.to(torch.float64) * self.scale).to(self.unit_dtype)
        if self.length is not None:
            unit = self._of_length(unit, self.length)
        if self.is_volume:
            return unit.to(torch.float32).permute(0, 4, 1, 2, 3)
        if self.is_sound:
            return unit.unsqueeze(1)
        return unit.transpose(1, 2) if self.is_signal else unit

    def _of_length(self, signals: torch.Tensor, length: int) -> torch.Tensor:
        # Computed from data: signals.shape[1] is a Python number during recording, and would become a constant of the graph.
        steps = torch.arange(signals.shape[1], device=signals.device).max() + 1
        spare = steps - length
        first = torch.where(spare >= 0, _half(spare), -_half(-spare))
        index = torch.arange(length, device=signals.device) + first
        inside = (index >= 0) & (index < steps)
        values = signals.index_select(1, index.clamp(min=0).minimum(steps - 1))
        return torch.where(inside[None, :, None], values, self.pad)


def _half(number: torch.Tensor) -> torch.Tensor:
    return torch.div(number, 2, rounding_mode="floor")
