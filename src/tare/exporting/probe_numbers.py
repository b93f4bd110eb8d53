"""Signals and rows to compare an exported file on: the user's, the run's validation samples, or generated samples."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from tare.datasets.signal_batches import NumberGeometry
from tare.datasets.split import Split
from tare.datasets.volumes.sizing import fitted
from tare.errors import DataError
from tare.exporting.probe_images import COUNT
from tare.input_spec.geometry import NOUNS, SignalGeometry, SoundGeometry, VolumeGeometry
from tare.networks.stored.trained import TrainedModel
from tare.predicting.number_inputs import number_inputs
from tare.samples.layout import unit_scale
from tare.samples.records import Skipped

_SIZES = (1, 2, 5)


@dataclass(frozen=True, slots=True, eq=False)
class ProbeNumbers:
    """Raw signals ``(T, C)`` of any lengths or rows ``(C,)``, their origin in words, and whether they are ``real`` data.

    ``files`` are those that were named, read or not.
    """

    samples: tuple[NDArray[Any], ...]
    origin: str
    real: bool
    files: tuple[str, ...] = ()

    def batches(self, takes: NumberGeometry, *, any_length: bool) -> Iterator[torch.Tensor]:
        """Yield every sample alone, and batches of 2 and 5; with ``any_length`` each batch has the length of one signal.

        Otherwise signals get the network's length: longer signals are cut and shorter signals repeated, because some dtypes
        cannot hold the padding.
        """
        sized = self.samples
        if isinstance(takes, VolumeGeometry):
            sized = tuple(fitted(values, takes) for values in sized)
        if isinstance(takes, SoundGeometry):
            sized = tuple(values.reshape(takes.size) for values in sized)
        if isinstance(takes, SignalGeometry) and any_length:
            for index in range(max(len(_SIZES), len(sized))):
                yield _turned(sized[index % len(sized)], _SIZES[index % len(_SIZES)])
            return
        if isinstance(takes, SignalGeometry):
            sized = tuple(np.resize(signal, (takes.length, signal.shape[1])) for signal in sized)
        yield from (torch.from_numpy(sample[None].copy()) for sample in sized)
        yield from (torch.from_numpy(np.stack([sized[index % len(sized)] for index in range(count)])) for count in _SIZES[1:])


def _turned(signal: NDArray[Any], count: int) -> torch.Tensor:
    """Make a batch of one length from a signal: the signal, its reverse, and rotations of it."""
    every = [signal, signal[::-1], *(np.roll(signal, len(signal) // part, axis=0) for part in (2, 3, 5))]
    return torch.from_numpy(np.stack(every[:count]))


def probe_numbers(
    trained: TrainedModel, takes: NumberGeometry, split: Split | None, words: Sequence[str] = (), count: int = COUNT
) -> ProbeNumbers:
    """Return at most ``count`` of the samples that ``words`` name, else of the validation samples, else generated samples.

    Raises :class:`DataError` if samples are named and the network takes none of the samples.
    """
    noun, kind = NOUNS[takes.kind], np.dtype(takes.raw_dtype)
    if words:
        inputs = number_inputs(takes, words, channels=trained.model.network.channels)
        read = _fitting((item.read() for item in inputs), trained, kind, count)
        if not read:
            expected = f"readable {noun} among --images, with the channels and dtype of the training data"
            raise DataError(expected, "none", "name others")
        files = (*words, *(item.name for item in inputs))
        return ProbeNumbers(read, f"{len(read)} {noun} that were named", real=True, files=files)
    if split is not None:
        step = max(1, len(split.val) // count)
        read = _fitting((file.read("stored") for file in split.val[::step]), trained, kind, count)
        if read:
            return ProbeNumbers(read, f"{len(read)} validation {noun} of the run", real=True)
    made = tuple(_made(trained, takes, kind, seed) for seed in range(count))
    return ProbeNumbers(made, f"{count} made {noun} (the run's data are not at hand; --images names real ones)", real=False)


def _fitting(
    values: Iterable[NDArray[Any] | Skipped], trained: TrainedModel, kind: np.dtype[Any], count: int
) -> tuple[NDArray[Any], ...]:
    channels = trained.model.network.channels
    readable = (value for value in values if not isinstance(value, Skipped) and value.shape[-1] == channels)
    fitting = (np.ascontiguousarray(value, kind) for value in readable if unit_scale(value.dtype) == unit_scale(kind))
    return tuple(islice((value for value in fitting if value.size and np.isfinite(value).all()), count))


def _made(trained: TrainedModel, takes: NumberGeometry, kind: np.dtype[Any], seed: int) -> NDArray[Any]:
    """Generate normal noise with the normalisation's own mean and std, as raw values."""
    generator, chosen = np.random.default_rng(seed), trained.model.normalisation
    steps: tuple[int, ...] = takes.shape
    if isinstance(takes, SignalGeometry):
        steps = (max(2, int(takes.length * generator.uniform(0.5, 1.5))),)
    values = generator.normal(chosen.mean, chosen.std, (*steps, len(chosen.mean))) / float(unit_scale(kind))
    if kind.kind not in "iu":
        return values.astype(kind)
    limits = np.iinfo(kind)
    return np.clip(np.rint(values), limits.min, limits.max).astype(kind)
