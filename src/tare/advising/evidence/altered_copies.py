"""Altered copies of labelled samples: small changes that a head should ignore, so that few samples constrain it better."""

from __future__ import annotations

import torch

#: Altered copies per sample.
COPIES = 4
#: A copy is moved by a 16th of every axis at most, and gets noise of a tenth of the values' std.
_MOVED, _NOISE = 16, 0.1


def altered(samples: torch.Tensor, seed: int) -> tuple[torch.Tensor, ...]:
    """:data:`COPIES` copies of raw bytes or unit floats ``(N, C, ...)``, of the same shape and dtype.

    Each copy is moved by -L // 16, 0 or L // 16 positions (at least one) along every axis of length L, with its edge repeated.
    Then Gaussian noise is added: 0.1 times the samples' std, averaged over samples and channels; for rows ``(N, C)``, 0.1 times
    the std of each column. NaN beyond a signal's end stays NaN. Bytes are rounded and clipped;
    values of images and signals of which none is negative stay so, since a logarithm may follow.
    """
    generator = torch.Generator().manual_seed(seed)
    values = samples.double()
    noise = _NOISE * _std(values)
    floor = 0.0 if values.ndim > 2 and not bool((values < 0).any()) else None  # False for NaN
    return tuple(_stored(_copy(values, noise, generator), samples.dtype, floor) for _ in range(COPIES))


def _copy(values: torch.Tensor, noise: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """The values moved along every axis, plus noise of the std ``noise``."""
    moved = values
    for axis in range(2, values.ndim):
        length = values.shape[axis]
        step = int(torch.randint(-1, 2, (1,), generator=generator)) * max(1, length // _MOVED)
        moved = moved.index_select(axis, (torch.arange(length) + step).clamp(0, length - 1))
    return moved + noise * torch.randn(moved.shape, generator=generator, dtype=torch.float64)


def _stored(values: torch.Tensor, dtype: torch.dtype, floor: float | None) -> torch.Tensor:
    """The values as ``dtype``, at least ``floor``; integers are rounded and clipped."""
    values = values if floor is None else values.clamp(min=floor)
    if not dtype.is_floating_point:
        limits = torch.iinfo(dtype)
        values = values.round().clamp(limits.min, limits.max)
    return values.to(dtype)


def _std(values: torch.Tensor) -> torch.Tensor:
    """The std of each column of rows; else the mean std of a sample's channel, NaN left out."""
    if values.ndim == 2:
        return values.std(dim=0, keepdim=True)
    flat = values.flatten(2)
    return (flat - flat.nanmean(dim=2, keepdim=True)).square().nanmean(dim=2).sqrt().nanmean()
