"""Altered copies of labelled samples: what a head should not mind, so that few samples tell more about it."""

from __future__ import annotations

import torch

#: Copies of each sample beside itself.
COPIES = 4
#: A copy is moved by up to one in so many positions along every axis, and gets noise of this share of the values' std.
_MOVED, _NOISE = 16, 0.1


def altered(samples: torch.Tensor, seed: int) -> tuple[torch.Tensor, ...]:
    """:data:`COPIES` copies of raw bytes or unit floats ``(N, C, ...)``, of the same shape and dtype.

    Each is moved by -L // 16, 0 or L // 16 positions (at least one) along every axis of length L, its edge repeated, and gets
    Gaussian noise: of 0.1 times the samples' own std, mean over samples and channels; for rows ``(N, C)`` of 0.1 times each
    column's. NaN, beyond a signal's end, stays NaN. Bytes are rounded and kept within their range.
    """
    generator = torch.Generator().manual_seed(seed)
    values = samples.double()
    noise = _NOISE * _std(values)
    return tuple(_stored(_copy(values, noise, generator), samples.dtype) for _ in range(COPIES))


def _copy(values: torch.Tensor, noise: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """The values moved along every axis, with noise of this std."""
    moved = values
    for axis in range(2, values.ndim):
        length = values.shape[axis]
        step = int(torch.randint(-1, 2, (1,), generator=generator)) * max(1, length // _MOVED)
        moved = moved.index_select(axis, (torch.arange(length) + step).clamp(0, length - 1))
    return moved + noise * torch.randn(moved.shape, generator=generator, dtype=torch.float64)


def _stored(values: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """The values in a type, for bytes rounded and kept within their range."""
    if not dtype.is_floating_point:
        limits = torch.iinfo(dtype)
        values = values.round().clamp(limits.min, limits.max)
    return values.to(dtype)


def _std(values: torch.Tensor) -> torch.Tensor:
    """Of each column of rows; else of a sample's channel, mean over all, without what is NaN."""
    if values.ndim == 2:
        return values.std(dim=0, keepdim=True)
    flat = values.flatten(2)
    return (flat - flat.nanmean(dim=2, keepdim=True)).square().nanmean(dim=2).sqrt().nanmean()
