"""Labelled samples in memory, and how a study divides them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from tare.measuring.mapped.logarithms import with_logarithm
from tare.samples.layout import unit_scale
from tare.samples.records import Stack, stacked_rows
from tare.statistics.dataset_stats import DatasetStats, summarise
from tare.statistics.inference.logarithms import LOGARITHMS, logarithm
from tare.statistics.state import DatasetState
from tare.studying.tasks.shifts import shift_named


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """Raw values ``(N, D, H, W, C)``, ``(N, H, W, C)``, ``(N, T, C)`` or ``(N, C)``, labels ``(N,)`` from 0, and a name.

    ``remarks`` say what was assumed or left out when they were read.
    """

    name: str
    values: NDArray[Any]
    labels: NDArray[np.int64]
    remarks: tuple[str, ...] = ()

    def take(self, chosen: NDArray[np.int64]) -> Samples:
        """The chosen samples."""
        return Samples(self.name, self.values[chosen], self.labels[chosen])

    @property
    def classes(self) -> int:
        """Number of classes."""
        return int(self.labels.max()) + 1

    @property
    def channels(self) -> int:
        """Number of channels."""
        return int(self.values.shape[-1])

    def measure(self, strategies: Iterable[str] = ()) -> DatasetStats:
        """Statistics in unit values; each image, signal or row is one sample.

        They have the moments of logarithms that ``strategies`` need.
        """
        stats = _measured(self.name, self.values)
        for name in LOGARITHMS.keys() & set(strategies):
            if any(name not in channel.mapped for channel in stats.channels):
                stats = with_logarithm(stats, name, _measured(self.name, logarithm(name, self.values)))
        return stats

    def tensor(self) -> torch.Tensor:
        """Values with the channel axis second: bytes as they are, other types as float32 in unit values."""
        moved = np.moveaxis(self.values, -1, 1) if self.values.ndim > 2 else self.values
        kept = moved if moved.dtype == np.uint8 else (moved * float(unit_scale(moved.dtype))).astype(np.float32)
        return torch.from_numpy(np.ascontiguousarray(kept))

    def digest(self) -> str:
        """A hash of values and labels."""
        hashed = hashlib.sha256(repr((self.values.shape, str(self.values.dtype))).encode())
        hashed.update(np.ascontiguousarray(self.values).tobytes())
        hashed.update(self.labels.tobytes())
        return hashed.hexdigest()


def _measured(name: str, values: NDArray[Any]) -> DatasetStats:
    flat = values.reshape(len(values), -1, *values.shape[3:]) if values.ndim == 5 else values  # of a volume, without a copy
    record = stacked_rows(name, values) if values.ndim == 2 else Stack(name, flat)
    return summarise(DatasetState.of([record]), name, "")


@lru_cache(maxsize=1)
def shifted_samples(samples: Samples, shift: str) -> Samples:
    """The samples as another sensor stores them; the last result is cached, since the seeds of a shift run in turn."""
    return Samples(samples.name, shift_named(shift).apply(samples.values), samples.labels)


def least_tested(target: Samples) -> int:
    """The fewest test samples: two per class, and a fifth of all samples."""
    return max(2 * target.classes, len(target.labels) // 5)


def pool_size(target: Samples, largest: int) -> int:
    """Number of samples that training sizes are taken from: half of all samples, or the largest size if that is more.

    The test samples thus stay the same if a study is extended by a size of up to half the data.
    """
    return max(largest, len(target.labels) // 2)


def seeded_split(target: Samples, pool: int, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """``pool`` training samples, of which every size takes the first (all classes come early), and the test samples."""
    generator = np.random.default_rng((seed, 3))
    order = generator.permutation(len(target.labels))
    first = np.array([order[target.labels[order] == label][0] for label in range(target.classes)])
    rest = order[~np.isin(order, first)]
    order = np.concatenate([generator.permutation(first), rest])
    return order[:pool], order[pool:]
