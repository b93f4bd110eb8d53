"""Pass a study's samples through a frozen network: what several cells are fed alike once."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from tare.batch_norm import reestimate
from tare.normaliser import Normaliser
from tare.probe import features_of
from tare.strategies import Normalisation
from tare.studies.frozen import Frozen
from tare.studies.plan import Cell
from tare.studies.samples import Samples
from tare.studies.small_networks import SmallNetwork
from tare.studies.tasks import Pretrained

#: Strategies whose normalisation does not depend on the target, so that all sizes and splits are fed alike.
_FIXED = ("source", "none", "sample")
BATCH = 128

Features = NDArray[np.float32]
Indices = NDArray[np.int64]


class FeatureStore(Protocol):
    """Where features of all samples of the target are kept, by shift and strategy, for the seeds that share a network."""

    def load(self, shift: str, strategy: str) -> Features | None:
        """What is kept, if anything."""

    def save(self, shift: str, strategy: str, features: Features) -> None:
        """Keep features ``(N, D)``."""


@dataclass(slots=True)
class Passing:
    """Features of ``samples`` by what the network is fed; ``shared`` keeps those that other seeds are fed too."""

    source: Pretrained
    samples: Samples
    shared: FeatureStore | None = None
    known: dict[tuple[Any, ...], Features] = field(default_factory=dict)
    frozen: Frozen | None = None

    def __post_init__(self) -> None:
        if isinstance(self.source.module, SmallNetwork):
            self.frozen = Frozen.of(self.source.module, self.samples.tensor())

    def features(self, cell: Cell, applied: Normalisation, train: Indices, test: Indices) -> tuple[Features, Features]:
        """Features of training and test samples as ``cell`` is fed them; batch norm is re-estimated where it says so."""
        if cell.batchnorm == "reestimate":
            return self._reestimated(applied, train, test)
        if cell.strategy in _FIXED:
            everything = self._everything(cell, applied)
            return everything[train], everything[test]
        key = (len(train), applied.mean, applied.std)  # two strategies may choose the same constants
        if key not in self.known:
            self.known[key] = self._passed(applied, np.concatenate([train, test]))
        return self.known[key][: len(train)], self.known[key][len(train) :]

    def _everything(self, cell: Cell, applied: Normalisation) -> Features:
        """Features of all samples of the target: those of every size, and for a network that seeds share of every seed."""
        key = (cell.strategy,)
        if key not in self.known:
            found = self.shared.load(cell.shift, cell.strategy) if self.shared else None
            if found is None:
                found = self._passed(applied, np.arange(len(self.samples.labels)))
                if self.shared:
                    self.shared.save(cell.shift, cell.strategy, found)
            self.known[key] = found
        return self.known[key]

    def _passed(self, applied: Normalisation, chosen: Indices) -> Features:
        if self.frozen is not None and not applied.per_sample:
            return self.frozen.features(chosen, applied)
        return features_of(self.source.module, self.source.head, self.batches(chosen), Normaliser(applied))

    def _reestimated(self, applied: Normalisation, train: Indices, test: Indices) -> tuple[Features, Features]:
        """With batch norm's moments re-estimated on the training samples, as they are normalised."""
        module, prepare = copy.deepcopy(self.source.module), Normaliser(applied)
        reestimate(module, lambda: (prepare(batch) for batch in self.batches(train)))
        fitted, tested = (features_of(module, self.source.head, self.batches(part), prepare) for part in (train, test))
        return fitted, tested

    def batches(self, chosen: Indices) -> Iterator[torch.Tensor]:
        """The chosen samples as they are stored."""
        for start in range(0, len(chosen), BATCH):
            yield self.samples.take(chosen[start : start + BATCH]).tensor()
