"""Volumes and clips at a network's size: volumes are cut and padded, frames are resized and cropped."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from tare.input_spec.geometry import VolumeGeometry
from tare.input_spec.resize import centre
from tare.samples.layout import unit_scale


def sized_volume(values: NDArray[Any], takes: VolumeGeometry) -> torch.Tensor:
    """A volume or clip ``(D, H, W, C)`` as the network takes it, ``(C, D, H, W)``: bytes, or other types in unit values.

    A volume keeps its middle along each axis and is padded there, so that its spacing stays; frames are resized to the shorter
    edge, bilinearly with antialiasing, and cropped to their centre, which transformers rounds down.
    """
    if takes.clip:
        return _resized(values, takes.size[1:])
    whole = values if values.dtype == np.uint8 else np.asarray(values, np.float64) * float(unit_scale(values.dtype))
    if values.dtype == np.uint8 and _fits(values.shape[:3], takes.size):
        return torch.from_numpy(np.ascontiguousarray(np.moveaxis(_cut(values, takes.size), -1, 0)))
    scale = 1 / 255 if values.dtype == np.uint8 else 1.0
    pad: Sequence[float] = (np.nan,) * values.shape[-1] if takes.pad is None else takes.pad
    placed = np.empty((*takes.size, values.shape[-1]), np.float32)
    placed[...] = np.asarray(pad, np.float32)
    kept = _cut(np.asarray(whole, np.float32) * np.float32(scale), takes.size)
    placed[_middle(takes.size, kept.shape)] = kept
    return torch.from_numpy(np.ascontiguousarray(np.moveaxis(placed, -1, 0)))


def as_stored_volume(values: NDArray[Any], takes: VolumeGeometry, pad: NDArray[Any]) -> NDArray[Any]:
    """A raw volume or clip ``(D, H, W, C)`` at the network's size and in its own type; a short volume is padded with ``pad``."""
    if takes.clip:
        return fitted(values, takes)
    placed = np.empty((*takes.size, values.shape[-1]), values.dtype)
    placed[...] = pad
    kept = _cut(values, takes.size)
    placed[_middle(takes.size, kept.shape)] = kept
    return placed


def fitted(values: NDArray[Any], takes: VolumeGeometry) -> NDArray[Any]:
    """A raw volume or clip at the network's size and in its own type, as a graph takes it: cut, or repeated where it is short."""
    if takes.clip:
        return np.ascontiguousarray(np.moveaxis(_resized(values, takes.size[1:]).numpy(), 0, -1))
    for axis, room in enumerate(takes.size):
        start = max(0, (values.shape[axis] - room) // 2)
        values = np.take(values, np.arange(start, start + room) % values.shape[axis], axis=axis)
    return np.ascontiguousarray(values)


def _middle(size: Sequence[int], shape: Sequence[int]) -> tuple[slice, ...]:
    """Where a volume that is no longer than ``size`` along any axis lies in the middle of one that is."""
    return tuple(slice((room - had) // 2, (room - had) // 2 + had) for room, had in zip(size, shape, strict=False))


def _fits(shape: Sequence[int], size: Sequence[int]) -> bool:
    return all(had >= room for had, room in zip(shape, size, strict=True))


def _cut(values: NDArray[Any], size: Sequence[int]) -> NDArray[Any]:
    """The middle of each axis that is longer than the network's."""
    starts = [max(0, (had - room) // 2) for had, room in zip(values.shape, size, strict=False)]
    return values[tuple(slice(start, start + room) for start, room in zip(starts, size, strict=True))]


def _resized(values: NDArray[Any], size: tuple[int, ...]) -> torch.Tensor:
    """Frames ``(T, H, W, 3)`` as ``(3, T, height, width)``."""
    from torchvision.transforms.v2 import functional as steps

    frames = torch.from_numpy(np.ascontiguousarray(np.moveaxis(values, -1, 1)))
    height, width = frames.shape[-2:]
    share = max(size[0] / height, size[1] / width)
    resized = steps.resize(frames, [max(size[0], round(height * share)), max(size[1], round(width * share))], antialias=True)
    cropped: torch.Tensor = centre((size[0], size[1]), "down")(resized)
    return cropped.movedim(0, 1).contiguous()
