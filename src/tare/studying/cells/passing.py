"""Pass a study's samples through a frozen network, once for all cells with the same input."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from tare.networks.batch_norm import reestimate
from tare.networks.heads.pass_size import pass_size
from tare.networks.heads.reference import features_of
from tare.normalisation.applied import Normalisation
from tare.normalisation.input_layer import InputLayer
from tare.normalisation.names import DECLARED
from tare.studying.cells.frozen import Frozen
from tare.studying.cells.once import once
from tare.studying.plan import Cell
from tare.studying.tasks.samples import Samples
from tare.studying.tasks.small_networks import SmallNetwork
from tare.studying.tasks.task import Pretrained

#: Strategies whose normalisation does not depend on the target, so that all sizes and splits have the same inputs.
FIXED = tuple(name for name, declared in DECLARED.items() if declared.whose in ("source", "user", "nobody"))
BATCH = 128
#: Values of volumes that a pass takes at once.
_MOST_VALUES = 1 << 22

Features = NDArray[np.float32]
Indices = NDArray[np.int64]


class FeatureStore(Protocol):
    """A store of features of all target samples, by shift and strategy, for seeds that share a network."""

    def load(self, shift: str, strategy: str) -> Features | None:
        """The kept features, or None."""

    def save(self, shift: str, strategy: str, features: Features) -> None:
        """Keep features ``(N, D)``."""


@dataclass(slots=True)
class Passing:
    """Features by the network's input; a size takes the first samples of ``train``, and all sizes are tested on ``test``.

    ``shared`` keeps features for other seeds.
    """

    source: Pretrained
    samples: Samples
    train: Indices
    test: Indices
    shared: FeatureStore | None = None
    known: dict[tuple[Any, ...], tuple[Features, Features]] = field(default_factory=dict)
    frozen: Frozen | None = None

    def __post_init__(self) -> None:
        if isinstance(self.source.module, SmallNetwork):
            self.frozen = Frozen.of(self.source.module, *(self.samples.take(part).tensor() for part in (self.train, self.test)))

    def features(self, cell: Cell, applied: Normalisation) -> tuple[Features, Features]:
        """Features of ``cell``'s training and test samples, with batch norm re-estimated if the cell asks for it."""
        if cell.batchnorm == "reestimate":
            return self._reestimated(applied, self.train[: cell.size])
        fixed = cell.strategy in FIXED
        # Strategies with the same constants share features; a fixed strategy has the same constants for all sizes.
        key: tuple[Any, ...] = (cell.strategy,) if fixed else (cell.size, replace(applied, strategy="source"))
        if key not in self.known:
            if fixed and self.shared:
                everything = self._everything(cell, applied, self.shared)
                self.known[key] = everything[self.train], everything[self.test]
            else:
                self.known[key] = self._passed(applied, len(self.train) if fixed else cell.size)
        fitted, tested = self.known[key]
        return fitted[: cell.size], tested

    def _everything(self, cell: Cell, applied: Normalisation, shared: FeatureStore) -> Features:
        """Features of all samples of the target, from which every seed takes its own."""
        found = shared.load(cell.shift, cell.strategy)
        if found is None:
            with once():
                found = self._of(np.arange(len(self.samples.labels)), applied)
            shared.save(cell.shift, cell.strategy, found)
        return found

    def _passed(self, applied: Normalisation, size: int) -> tuple[Features, Features]:
        """Features of the first ``size`` training samples and of the test samples."""
        if self.frozen is not None and applied.is_affine:
            return self.frozen.features(size, applied)
        found = self._of(np.concatenate([self.train[:size], self.test]), applied)
        return found[:size], found[size:]

    def _of(self, chosen: Indices, applied: Normalisation) -> Features:
        return features_of(self.source.module, self.source.head, self.batches(chosen), InputLayer(applied))

    def _reestimated(self, applied: Normalisation, train: Indices) -> tuple[Features, Features]:
        """Features with batch norm re-estimated on the normalised training samples."""
        module, prepare = copy.deepcopy(self.source.module), InputLayer(applied)
        reestimate(module, lambda: (prepare(batch) for batch in self.batches(train)))
        fitted, tested = (features_of(module, self.source.head, self.batches(part), prepare) for part in (train, self.test))
        return fitted, tested

    def batches(self, chosen: Indices) -> Iterator[torch.Tensor]:
        """The chosen samples as stored, in batches."""
        size = self.batch
        for start in range(0, len(chosen), size):
            yield self.samples.take(chosen[start : start + size]).tensor()

    @property
    def batch(self) -> int:
        """Samples a pass; of volumes and clips so few that their activations fit the memory."""
        shape = self.samples.values.shape[1:]
        return pass_size(shape, BATCH) if len(shape) < 4 else max(1, min(BATCH, _MOST_VALUES // math.prod(shape)))
