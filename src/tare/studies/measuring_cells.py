"""Measure the cells of a study that share a network, a seed and a shift."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from tare.batch_norm import reestimate
from tare.dataset_stats import DatasetStats
from tare.normaliser import Normaliser
from tare.probe import features_of, fit_head
from tare.seeds import derived
from tare.strategies import Normalisation, Strategy, normalisation
from tare.studies.plan import Cell
from tare.studies.pretraining import train
from tare.studies.samples import Samples, split
from tare.studies.shifts import shift_named
from tare.studies.tasks import Pretrained, Task

#: Inverse penalty of the logistic head on standardised features: the same for all, since choosing it costs 35 fits a cell.
STRENGTH = 1.0
#: Steps, whatever the size, and peak rate: epochs would leave small targets untrained.
_FINETUNE = (200, 1e-3)
_SCRATCH = (400, 4e-3)
#: Strategies whose normalisation does not depend on the target, so that all sizes and splits are fed alike.
_FIXED = ("source", "none", "sample")
_BATCH = 128

Features = NDArray[np.float32]


class FeatureStore(Protocol):
    """Where features of all samples of the target are kept, by shift and strategy, for the seeds that share a network."""

    def load(self, shift: str, strategy: str) -> Features | None:
        """What is kept, if anything."""

    def save(self, shift: str, strategy: str, features: Features) -> None:
        """Keep features ``(N, D)``."""


@dataclass(frozen=True, slots=True)
class Result:
    """A cell's accuracy on ``tested`` held-out samples, the moments that its training samples were fed with, or its error."""

    cell: Cell
    accuracy: float | None
    tested: int
    fed_mean: float | None
    fed_std: float | None
    error: str = ""


def measure_cells(
    task: Task, source: Pretrained, cells: Sequence[Cell], pool: int, shared: FeatureStore | None = None
) -> list[Result]:
    """Measure cells of one network, protocol, seed and shift; training samples are taken from ``pool`` of the target's.

    Training samples of a smaller size are the first of a larger one's, and all sizes are tested on the same samples, so that
    sizes and strategies are paired. Normalisation, batch norm, the head and its feature scaling are fitted on the training
    samples alone. What several cells are fed alike is passed through the network once; ``shared`` keeps it for other seeds.
    """
    target, first = task.target(), cells[0]
    train_all, test = split(target, pool, first.seed)
    shifted = Samples(target.name, shift_named(first.shift).apply(target.values), target.labels)
    work = _Work(task, source, shifted, train_all, test, shared)
    return [work.result(cell) for cell in cells]


def failed(cells: Sequence[Cell], tested: int, error: Exception) -> list[Result]:
    """The results of cells that none was measured of."""
    reason = " ".join(f"{type(error).__name__}: {error}".split())[:300]
    return [Result(cell, None, tested, None, None, reason) for cell in cells]


@dataclass(slots=True)
class _Work:
    """What the cells of one unit share: statistics by size, and features by what the network is fed."""

    task: Task
    source: Pretrained
    shifted: Samples
    train: NDArray[np.int64]
    test: NDArray[np.int64]
    shared: FeatureStore | None
    stats: dict[int, DatasetStats] = field(default_factory=dict)
    features: dict[tuple[Any, ...], Features] = field(default_factory=dict)

    def result(self, cell: Cell) -> Result:
        chosen = self.train[: cell.size]
        tested = len(self.test)
        try:
            if cell.size not in self.stats:
                self.stats[cell.size] = self.shifted.take(chosen).measure()
            stats = self.stats[cell.size]
            applied = cell_normalisation(cell.strategy, self.source, stats)
            predicted = self._probed(cell, applied) if cell.protocol == "probe" else self._trained(cell, applied)
            mean, std = pooled(*applied.moments_fed(stats))
        except Exception as error:  # whatever a network raises: the study goes on, and says so
            return failed([cell], tested, error)[0]
        return Result(cell, float((predicted == self.shifted.labels[self.test]).mean()), tested, mean, std)

    def _probed(self, cell: Cell, applied: Normalisation) -> NDArray[np.int64]:
        chosen = self.train[: cell.size]
        if cell.batchnorm == "reestimate":
            module = self._reestimated(applied, chosen)
            fitted, tested = (self._passed(module, applied, part) for part in (chosen, self.test))
        elif cell.strategy in _FIXED:
            everything = self._everything(cell, applied)
            fitted, tested = everything[chosen], everything[self.test]
        else:
            fitted, tested = self._own(applied, chosen)
        return fit_head(fitted, self.shifted.labels[chosen], strength=STRENGTH).predict(tested)

    def _everything(self, cell: Cell, applied: Normalisation) -> Features:
        """Features of all samples of the target: those of every size, and for a network that seeds share of every seed."""
        key = (cell.strategy,)
        if key not in self.features:
            found = self.shared.load(cell.shift, cell.strategy) if self.shared else None
            if found is None:
                found = self._passed(self.source.module, applied, np.arange(len(self.shifted.labels)))
                if self.shared:
                    self.shared.save(cell.shift, cell.strategy, found)
            self.features[key] = found
        return self.features[key]

    def _own(self, applied: Normalisation, chosen: NDArray[np.int64]) -> tuple[Features, Features]:
        """Features of training and test samples under a normalisation that only this size has, in one pass."""
        key = (len(chosen), applied.mean, applied.std)
        if key not in self.features:
            both = np.concatenate([chosen, self.test])
            self.features[key] = self._passed(self.source.module, applied, both)
        return self.features[key][: len(chosen)], self.features[key][len(chosen) :]

    def _reestimated(self, applied: Normalisation, chosen: NDArray[np.int64]) -> nn.Module:
        """The network with batch norm's moments re-estimated on the training samples, as they are normalised."""
        module, prepare = copy.deepcopy(self.source.module), Normaliser(applied)
        reestimate(module, lambda: (prepare(batch) for batch in self._batches(chosen)))
        return module

    def _passed(self, module: nn.Module, applied: Normalisation, chosen: NDArray[np.int64]) -> Features:
        return features_of(module, self.source.head, self._batches(chosen), Normaliser(applied))

    def _batches(self, chosen: NDArray[np.int64]) -> Iterator[torch.Tensor]:
        for start in range(0, len(chosen), _BATCH):
            yield self.shifted.take(chosen[start : start + _BATCH]).tensor()

    def _trained(self, cell: Cell, applied: Normalisation) -> NDArray[np.int64]:
        part = self.shifted.take(self.train[: cell.size])
        module = self._to_train(cell)
        steps, lr = _FINETUNE if cell.protocol == "finetune" else _SCRATCH
        normaliser = Normaliser(applied)
        fed = normaliser(part.tensor())
        batch = max(2, min(32, cell.size))
        epochs = math.ceil(steps / max(1, cell.size // batch))
        train(module, lambda _: fed, torch.from_numpy(part.labels), seed=cell.seed, epochs=epochs, lr=lr, batch=batch)
        with torch.inference_mode():
            logits = torch.cat([module(normaliser(batch)) for batch in self._batches(self.test)])
        if not bool(torch.isfinite(logits).all()):
            raise ValueError(f"the network's outputs are not finite after training ({cell.protocol})")
        return np.asarray(logits.argmax(dim=1).numpy(), dtype=np.int64)

    def _to_train(self, cell: Cell) -> nn.Module:
        """The pretrained network, or one drawn anew, with a classifier for the target, the same for all strategies."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(derived(cell.seed, 4))
            if cell.protocol == "scratch":
                module = self.task.build(cell.network, self.shifted.channels, self.shifted.classes)
            else:
                module = copy.deepcopy(self.source.module)
            old = module.get_submodule(self.source.head)
            new = nn.Linear(old.in_features, self.shifted.classes)  # type: ignore[arg-type]
            parent, _, leaf = self.source.head.rpartition(".")
            setattr(module.get_submodule(parent), leaf, new)
        return module


def cell_normalisation(strategy: Strategy, source: Pretrained, stats: DatasetStats) -> Normalisation:
    """The normalisation of ``strategy`` for training samples with the statistics ``stats``."""
    return normalisation(strategy, len(stats.channels), source=source.constants, target=stats, source_seen=source.seen)


def pooled(means: Sequence[float], stds: Sequence[float]) -> tuple[float, float]:
    """Mean and std over all channels, each with as many values: var = mean of (var_c + mean_c^2), less the mean squared."""
    mean = math.fsum(means) / len(means)
    square = math.fsum(s * s + (m - mean) ** 2 for m, s in zip(means, stds, strict=True)) / len(means)
    return mean, math.sqrt(square)


def row_of(result: Result) -> dict[str, Any]:
    """A result as a row of the tidy table."""
    cell = result.cell
    return {
        "network": cell.network,
        "protocol": cell.protocol,
        "batchnorm": cell.batchnorm,
        "shift": cell.shift,
        "size": cell.size,
        "strategy": cell.strategy,
        "seed": cell.seed,
        "accuracy": result.accuracy,
        "tested": result.tested,
        "fed_mean": result.fed_mean,
        "fed_std": result.fed_std,
        "error": result.error,
    }
