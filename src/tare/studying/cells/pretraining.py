"""Pretrain a study's small network on dataset0, z-scored with its own constants, and train a network on dataset1."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from tare.errors import DataError
from tare.normalisation.input_layer import InputLayer
from tare.normalisation.strategies import Constants, normalisation
from tare.studying.cells.optimiser import AdamW
from tare.studying.tasks.samples import Samples
from tare.studying.tasks.small_networks import SideBySide, SmallNetwork
from tare.studying.tasks.task import Pretrained, Task
from tare.system.seeds import derived, seeded

#: A function from an epoch's number to all its normalised samples.
EpochInputs = Callable[[int], torch.Tensor]

EPOCHS = 12
RATE = 4e-3
_BATCH = 64
_DECAY = 0.01
_MOVED = 2


def pretrain(task: Task, network: str, seed: int, epochs: int = EPOCHS, lr: float = RATE) -> Pretrained:
    """Train ``network`` from scratch on the task's dataset0; images are moved by up to two pixels, the border filled with zero.

    It is a plain loop: a trainer's set-up would take longer than the steps. The same seed gives the same weights on one kind of
    machine.
    """
    source, start = source_of(task), _untrained(task, network, seed)
    train(start.module, _fed(source, start, seed), torch.from_numpy(source.labels), seed=seed, epochs=epochs, lr=lr)
    return start


def pretrain_together(
    task: Task, network: str, seeds: Sequence[int], epochs: int = EPOCHS, lr: float = RATE
) -> tuple[Pretrained, ...]:
    """As :func:`pretrain` for each of ``seeds``, up to the order of sums; small image networks are trained at once."""
    source = source_of(task)
    starts = [_untrained(task, network, seed) for seed in seeds]
    modules = [start.module for start in starts if isinstance(start.module, SmallNetwork)]
    if len(modules) < len(seeds):
        return tuple(pretrain(task, network, seed, epochs, lr) for seed in seeds)
    with torch.random.fork_rng(devices=[]):
        together = SideBySide(modules)
    inputs = [_fed(source, start, seed) for start, seed in zip(starts, seeds, strict=True)]
    _train_together(together, inputs, torch.from_numpy(source.labels), seeds, epochs, lr)
    return tuple(starts)


def source_of(task: Task) -> Samples:
    """The task's dataset0. Raises :class:`DataError` if the task's networks come pretrained."""
    if task.source is None:
        raise DataError("a study that pretrains its networks", f"{task.name!r}, whose networks come pretrained", "load them")
    return task.source()


@lru_cache(maxsize=64)
def source_moments(source: Samples, seed: int) -> tuple[Constants, Constants]:
    """The constants of pretraining on ``source``, and the moments of its augmented samples."""
    stats = source.measure()
    seen = Samples(f"{source.name} as augmented", _moved_values(source, seed, 0), source.labels).measure()
    return (
        Constants(stats.mean, stats.std, f"measured on {source.name}"),
        Constants(seen.mean, seen.std, f"measured on {source.name} as augmented"),
    )


def train(
    module: nn.Module, inputs: EpochInputs, labels: torch.Tensor, *, seed: int, epochs: int, lr: float, batch: int = _BATCH
) -> None:
    """Train with cross-entropy, AdamW and a one-cycle rate; ``inputs(epoch)`` gives all normalised samples of an epoch.

    Dropout and other random layers draw the same for the same seed.
    """
    count = len(labels)
    batch = min(batch, count)
    steps = max(1, count // batch)
    if not any(weights.ndim == 5 for weights in module.parameters()):  # of volumes, which the format is not for
        module.to(memory_format=torch.channels_last)  # faster for convolutions of few channels
    module.train()
    optimiser = AdamW(module.parameters(), rate=lr, steps=epochs * steps, decay=_DECAY)
    with seeded(derived(seed, 5)):
        for epoch in range(epochs):
            fed = inputs(epoch)
            fed = fed.contiguous(memory_format=torch.channels_last) if fed.ndim == 4 else fed
            order = _order(count, seed, epoch)
            for start in range(0, steps * batch, batch):  # a small last batch would give batch norm a poor variance
                chosen = order[start : start + batch]
                functional.cross_entropy(module(fed[chosen]), labels[chosen]).backward()  # type: ignore[no-untyped-call]
                optimiser.step()
    optimiser.done()
    module.eval()


def _train_together(
    together: SideBySide, inputs: Sequence[EpochInputs], labels: torch.Tensor, seeds: Sequence[int], epochs: int, lr: float
) -> None:
    """As :func:`train`, each network on its own samples in its own order; a network's loss moves only its own weights."""
    count = len(labels)
    batch = min(_BATCH, count)
    steps = max(1, count // batch)
    together.to(memory_format=torch.channels_last).train()
    optimiser = AdamW(together.parameters(), rate=lr, steps=epochs * steps, decay=_DECAY)
    for epoch in range(epochs):
        orders = [_order(count, seed, epoch) for seed in seeds]
        fed = torch.cat([each(epoch)[order] for each, order in zip(inputs, orders, strict=True)], dim=1)
        fed, wanted = fed.contiguous(memory_format=torch.channels_last), torch.stack([labels[order] for order in orders])
        for start in range(0, steps * batch, batch):
            logits, chosen = together(fed[start : start + batch]), wanted[:, start : start + batch]
            loss = functional.cross_entropy(logits.flatten(0, 1), chosen.flatten(), reduction="sum") / batch
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
    together.hand_back()


def _untrained(task: Task, network: str, seed: int) -> Pretrained:
    """A seed's network as initialised, with the constants and moments of its pretraining."""
    source = source_of(task)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derived(seed, 0))
        module = task.build(network, source.channels, source.classes)
    return Pretrained(module.eval(), *source_moments(source, seed))


def _fed(source: Samples, start: Pretrained, seed: int) -> EpochInputs:
    normaliser = InputLayer(normalisation("source", source.channels, source=start.constants))
    return lambda epoch: normaliser(_moved(source, seed, epoch))


def _order(count: int, seed: int, epoch: int) -> torch.Tensor:
    return torch.randperm(count, generator=torch.Generator().manual_seed(derived(seed, 1, epoch)))


def _moved(samples: Samples, seed: int, epoch: int) -> torch.Tensor:
    return Samples(samples.name, _moved_values(samples, seed, epoch), samples.labels).tensor()


def _moved_values(samples: Samples, seed: int, epoch: int) -> np.ndarray[tuple[int, ...], np.dtype[np.generic]]:
    """Each image moved by a random number of pixels in each direction; signals and rows unchanged."""
    values = samples.values
    if values.ndim != 4:
        return values
    height, width = values.shape[1:3]
    padded = np.pad(values, ((0, 0), (_MOVED, _MOVED), (_MOVED, _MOVED), (0, 0)))
    tops, lefts = np.random.default_rng((seed, 2, epoch)).integers(0, 2 * _MOVED + 1, (2, len(values)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (height, width), axis=(1, 2))
    return np.ascontiguousarray(np.moveaxis(windows[np.arange(len(values)), tops, lefts], 1, -1))
