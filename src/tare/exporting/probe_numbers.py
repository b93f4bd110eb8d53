"""Signals and rows to compare an exported file on: the run's own validation samples, the user's, or made ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from tare.datasets.split import Split
from tare.errors import DataError
from tare.exporting.probe_images import COUNT
from tare.input_spec.geometry import NOUNS, RowGeometry, SignalGeometry
from tare.networks.stored.trained import TrainedModel
from tare.predicting.number_inputs import number_inputs
from tare.samples.layout import unit_scale
from tare.samples.records import Skipped

_SIZES = (1, 2, 5)


@dataclass(frozen=True, slots=True, eq=False)
class ProbeNumbers:
    """Raw signals ``(T, C)`` of their own lengths or rows ``(C,)``, and where they are from."""

    samples: tuple[NDArray[Any], ...]
    origin: str
    real: bool

    def batches(self, takes: SignalGeometry | RowGeometry, *, any_length: bool) -> Iterator[torch.Tensor]:
        """Every sample alone, and batches of 2 and 5: signals of their own lengths, or of the one that the network takes.

        For the latter a longer one is cut and a shorter one repeated, since padding is not for every type of number.
        """
        if isinstance(takes, SignalGeometry) and any_length:
            yield from (_turned(signal, _SIZES[index % len(_SIZES)]) for index, signal in enumerate(self._at_least(len(_SIZES))))
            return
        sized = self.samples
        if isinstance(takes, SignalGeometry):
            sized = tuple(np.resize(signal, (takes.length, signal.shape[1])) for signal in sized)
        yield from (torch.from_numpy(sample[None].copy()) for sample in sized)
        yield from (torch.from_numpy(np.stack([sized[index % len(sized)] for index in range(count)])) for count in _SIZES[1:])

    def _at_least(self, count: int) -> Iterator[NDArray[Any]]:
        return (self.samples[index % len(self.samples)] for index in range(max(count, len(self.samples))))


def _turned(signal: NDArray[Any], count: int) -> torch.Tensor:
    """Batches need one length: a signal, itself backwards, and itself begun elsewhere."""
    every = [signal, signal[::-1], *(np.roll(signal, len(signal) // part, axis=0) for part in (2, 3, 5))]
    return torch.from_numpy(np.stack(every[:count]))


def probe_numbers(
    trained: TrainedModel, takes: SignalGeometry | RowGeometry, split: Split | None, words: Sequence[str] = (), count: int = COUNT
) -> ProbeNumbers:
    """At most ``count`` of the samples named by ``words``, else of the validation samples in ``split``, else made ones.

    Raises :class:`DataError` if some are named and none of them is a sample that the network takes.
    """
    noun, kind = NOUNS[takes.kind], np.dtype(takes.raw_dtype)
    if words:
        read = _fitting((item.read() for item in number_inputs(takes, words)), trained, kind, count)
        if not read:
            found = "none that can be read, with the channels and the type of number of the training data"
            raise DataError(f"{noun} among --images that the network takes", found, "name others")
        return ProbeNumbers(read, f"{len(read)} {noun} that were named", real=True)
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


def _made(trained: TrainedModel, takes: SignalGeometry | RowGeometry, kind: np.dtype[Any], seed: int) -> NDArray[Any]:
    """Normal noise of the mean and std that are subtracted and divided by, as raw values."""
    generator, chosen = np.random.default_rng(seed), trained.model.normalisation
    steps = (max(2, int(takes.length * generator.uniform(0.5, 1.5))),) if isinstance(takes, SignalGeometry) else ()
    values = generator.normal(chosen.mean, chosen.std, (*steps, len(chosen.mean))) / float(unit_scale(kind))
    if kind.kind not in "iu":
        return values.astype(kind)
    limits = np.iinfo(kind)
    return np.clip(np.rint(values), limits.min, limits.max).astype(kind)
