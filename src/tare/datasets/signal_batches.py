"""Batches of signals, rows and spectrograms for a network: signals are cut or padded to its length; normalisation comes after."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import DTypeLike, NDArray
from torch.utils.data import Dataset

from tare.datasets.files import LabelledFile
from tare.datasets.volumes.sizing import sized_volume
from tare.errors import DataError
from tare.input_spec.geometry import NOUNS, RowGeometry, SignalGeometry, SoundGeometry, VolumeGeometry
from tare.samples.layout import unit_scale
from tare.samples.records import Skipped
from tare.system.seeds import derived
from tare.tasks.task import Target

#: How samples that are no images become a network's input.
NumberGeometry = SignalGeometry | RowGeometry | SoundGeometry | VolumeGeometry


class SignalBatches(Dataset[tuple[torch.Tensor, Target]]):
    """Signals ``(C, T)``, rows ``(C,)`` or spectrograms ``(1, frames, bins)`` of unit values with their labels.

    An index is ``epoch * len(files) + position``. With ``varies`` a longer signal is cut at a random place that the index
    seeds, so that it depends neither on the number of workers nor on where a run was resumed; else its middle is kept.
    """

    def __init__(self, files: Sequence[LabelledFile], geometry: NumberGeometry, seed: int = 0, *, varies: bool = False) -> None:
        self.files = tuple(files)
        self.geometry, self.seed, self.varies = geometry, seed, varies

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, Target]:
        file = self.files[index % len(self.files)]
        values = file.read("stored")
        if isinstance(values, Skipped):  # readable when the run began: the data changed meanwhile
            noun = NOUNS[self.geometry.kind]
            raise DataError(f"{noun} that stay readable during training", f"{file.path!r}: {values.reason}", "restore it")
        place = np.random.default_rng(derived(self.seed, index)).random() if self.varies else None
        return sized(values, self.geometry, place), file.label


def sized(values: NDArray[Any], geometry: NumberGeometry, place: float | None = None) -> torch.Tensor:
    """Raw values ``(T, C)`` or ``(C,)`` as unit values ``(C, T)`` or ``(C,)`` of the network's size (:func:`of_length`).

    A spectrogram ``(frames, bins)``, also with an axis of channels behind, becomes ``(1, frames, bins)``.
    """
    if isinstance(geometry, VolumeGeometry):
        return sized_volume(values, geometry)
    unit = unit_tensor(values)
    if isinstance(geometry, SoundGeometry):
        return unit.reshape(1, *geometry.size)
    if isinstance(geometry, RowGeometry):
        return unit
    pad = (np.nan,) * unit.shape[1] if geometry.pad is None else geometry.pad
    return torch.from_numpy(of_length(unit.numpy(), geometry.length, pad, place)).T.contiguous()


def of_length(values: NDArray[Any], length: int, pad: Sequence[float] | NDArray[Any], place: float | None = None) -> NDArray[Any]:
    """Cut or pad a signal ``(T, C)`` to ``length`` steps, of the same dtype.

    ``place`` in [0, 1) is the start of the cut as a share of all possible starts; None cuts the middle. A shorter signal gets
    ``pad``, one value per channel, on both sides, the longer half at the end.
    """
    spare = len(values) - length
    if spare >= 0:
        first = spare // 2 if place is None else int(place * (spare + 1))
        return values[first : first + length]
    padded = np.repeat(np.asarray(pad, values.dtype)[None], length, axis=0)
    before = -spare // 2
    padded[before : before + len(values)] = values
    return padded


def unit_tensor(values: NDArray[Any]) -> torch.Tensor:
    """Raw values as unit values: float64 for wide dtypes (:func:`is_wide`), else float32.

    Apple's accelerator has no float64: values with many digits lose the last digits there before normalisation.
    """
    unit = np.asarray(values, np.float64) * float(unit_scale(values.dtype))
    return torch.from_numpy(np.ascontiguousarray(unit, np.float64 if is_wide(values.dtype) else np.float32))


def is_wide(dtype: DTypeLike) -> bool:
    """Whether unit values of raw ``dtype`` are kept as float64 until they are normalised."""
    return np.dtype(dtype).name in ("float64", "int32", "int64", "uint32", "uint64") and not torch.backends.mps.is_available()
