"""Measure the cells of a study that share a network, a seed and a shift."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from tare.errors import DataError, ModelError
from tare.networks.heads.batched import fit_heads
from tare.normalisation.applied import Normalisation
from tare.normalisation.input_layer import InputLayer
from tare.normalisation.names import Strategy
from tare.normalisation.strategies import normalisation
from tare.statistics.dataset_stats import DatasetStats
from tare.studying.cells.passing import Features, FeatureStore, Indices, Passing
from tare.studying.cells.pretraining import train
from tare.studying.plan import Cell
from tare.studying.tasks.samples import Samples, seeded_split, shifted_samples
from tare.studying.tasks.task import Pretrained, Task
from tare.system.seeds import derived
from tare.system.user_code import one_line

#: Inverse penalty of the logistic head on standardised features, the same for all cells: choosing it would cost 35 fits per cell.
STRENGTH = 1.0
#: Number of steps and peak rate. Steps do not depend on the size: a number of epochs would leave small targets untrained.
_FINETUNE = (200, 1e-3)
_SCRATCH = (400, 4e-3)


@dataclass(frozen=True, slots=True)
class Result:
    """A cell's accuracy on ``tested`` held-out samples and its training inputs' mean and std, or its error.

    ``scores`` are those of the user's own function, by name, in place of an accuracy.
    """

    cell: Cell
    accuracy: float | None
    tested: int
    fed_mean: float | None
    fed_std: float | None
    error: str = ""
    scores: Mapping[str, float] | None = None


def measure_cells(
    task: Task, source: Pretrained, cells: Sequence[Cell], pool: int, shared: FeatureStore | None = None
) -> list[Result]:
    """Measure cells of one network, protocol, seed and shift; training samples come from ``pool`` of the target's samples.

    A smaller size takes the first training samples of a larger one, and all sizes are tested on the same samples, so that sizes
    and strategies are paired. Normalisation, batch norm, the head and its feature scaling are fitted on the training samples
    alone. Inputs that several cells share pass through the network once; ``shared`` keeps their features for other seeds.
    """
    target, first = task.target(), cells[0]
    everything, test = seeded_split(target, pool, first.seed)
    train_all = everything[: max(cell.size for cell in cells)]
    shifted = shifted_samples(target, first.shift)
    work = _Work(task, source, shifted, train_all, test, Passing(source, shifted, train_all, test, shared))
    found: dict[Cell, Result] = {}
    for size in dict.fromkeys(cell.size for cell in cells):
        found |= work.results([cell for cell in cells if cell.size == size])
    return [found[cell] for cell in cells]


def failed(cells: Sequence[Cell], tested: int, error: BaseException) -> list[Result]:
    """The results of cells that could not be measured."""
    return [Result(cell, None, tested, None, None, one_line(error, 300)) for cell in cells]


@dataclass(slots=True)
class _Work:
    """The task, network and samples that the cells of one unit share."""

    task: Task
    source: Pretrained
    shifted: Samples
    train: Indices
    test: Indices
    passing: Passing

    def results(self, cells: Sequence[Cell]) -> dict[Cell, Result]:
        """Results of cells of one size, whose heads are fitted together."""
        chosen = self.train[: cells[0].size]
        found: dict[Cell, Result] = {}
        try:
            stats = self.shifted.take(chosen).measure(cell.strategy for cell in cells)
        except Exception as error:  # without statistics no cell can be measured
            return dict(zip(cells, failed(cells, len(self.test), error), strict=True))
        fed: dict[Cell, Normalisation] = {}
        probed: dict[Cell, tuple[Features, Features]] = {}
        for cell in cells:
            try:
                fed[cell] = cell_normalisation(cell.strategy, self.source, stats)
                if cell.protocol == "probe":
                    probed[cell] = self._features(cell, fed[cell])
                else:
                    found[cell] = self._result(cell, self._trained(cell, fed[cell]), fed[cell], stats)
            except Exception as error:  # a network's code may raise anything: the study records it and goes on
                found[cell] = failed([cell], len(self.test), error)[0]
        heads = fit_heads([fitted for fitted, _ in probed.values()], self.shifted.labels[chosen], strength=STRENGTH)
        for (cell, (_, tested)), head in zip(probed.items(), heads, strict=True):
            found[cell] = self._result(cell, head.predict(tested), fed[cell], stats)
        return found

    def _features(self, cell: Cell, applied: Normalisation) -> tuple[Features, Features]:
        fitted, tested = self.passing.features(cell, applied)
        if not (np.isfinite(fitted).all() and np.isfinite(tested).all()):
            raise DataError("finite features", "NaN or infinity", "check the weights and the normalisation of the network")
        return fitted, tested

    def _result(self, cell: Cell, predicted: Indices, applied: Normalisation, stats: DatasetStats) -> Result:
        mean, std = (value if math.isfinite(value) else None for value in pooled(*applied.moments_fed(stats)))
        return Result(cell, float((predicted == self.shifted.labels[self.test]).mean()), len(self.test), mean, std)

    def _trained(self, cell: Cell, applied: Normalisation) -> NDArray[np.int64]:
        part = self.shifted.take(self.train[: cell.size])
        module = self._to_train(cell)
        normaliser = InputLayer(applied)
        fed = normaliser(part.tensor())
        _, batch, epochs = steps_of(cell.protocol, cell.size)
        lr = _FINETUNE[1] if cell.protocol == "finetune" else _SCRATCH[1]
        train(module, lambda _: fed, torch.from_numpy(part.labels), seed=cell.seed, epochs=epochs, lr=lr, batch=batch)
        with torch.inference_mode():
            logits = torch.cat([module(normaliser(batch)) for batch in self.passing.batches(self.test)])
        if not bool(torch.isfinite(logits).all()):
            raise ValueError(f"the network's outputs are not finite after training ({cell.protocol})")
        return np.asarray(logits.argmax(dim=1).numpy(), dtype=np.int64)

    def _to_train(self, cell: Cell) -> nn.Module:
        """The pretrained network, or a newly initialised one, with the same new classifier for all strategies."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(derived(cell.seed, 4))
            if cell.protocol == "scratch":
                module = self.task.build(cell.network, self.shifted.channels, self.shifted.classes)
            else:
                module = copy.deepcopy(self.source.module)
            old = module.get_submodule(self.source.head)
            if not isinstance(old, nn.Linear):
                expected, remedy = (
                    f"a linear classifier at {self.source.head!r}",
                    "name another network, or use the protocol probe",
                )
                raise ModelError(expected, type(old).__name__, remedy)
            new = nn.Linear(old.in_features, self.shifted.classes)
            parent, _, leaf = self.source.head.rpartition(".")
            setattr(module.get_submodule(parent), leaf, new)
        for weights in module.parameters():  # a factory may have frozen some, for a probe
            weights.requires_grad_(weights.is_floating_point())
        return module


def steps_of(protocol: str, size: int) -> tuple[int, int, int]:
    """Steps of training on ``size`` samples, the samples of a step, and the epochs that make at least so many steps."""
    steps = (_FINETUNE if protocol == "finetune" else _SCRATCH)[0]
    batch = max(2, min(32, size))
    each = max(1, size // batch)
    epochs = math.ceil(steps / each)
    return epochs * each, batch, epochs


def cell_normalisation(strategy: Strategy, source: Pretrained, stats: DatasetStats) -> Normalisation:
    """The normalisation of ``strategy`` for training samples with the statistics ``stats``."""
    return normalisation(
        strategy, len(stats.channels), source=source.constants, target=stats, source_seen=source.seen, window=source.window
    )


def pooled(means: Sequence[float], stds: Sequence[float]) -> tuple[float, float]:
    """Mean and std over channels of equal size: var = mean of (std_c^2 + (mean_c - mean)^2)."""
    mean = math.fsum(means) / len(means)
    square = math.fsum(s * s + (m - mean) ** 2 for m, s in zip(means, stds, strict=True)) / len(means)
    return mean, math.sqrt(square)


def row_of(result: Result) -> dict[str, Any]:
    """A result as a row of the tidy table."""
    row = asdict(result)
    if row["scores"] is None:
        del row["scores"]
    return {**row.pop("cell"), **row}
