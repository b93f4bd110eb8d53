"""Pretrain a study's small network on dataset0, z-scored with its own constants; and train one further on dataset1."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from tare.errors import DataError
from tare.normaliser import Normaliser
from tare.seeds import derived
from tare.strategies import Constants, normalisation
from tare.studies.samples import Samples
from tare.studies.tasks import Pretrained, Task

#: All normalised samples of an epoch, by its number.
Inputs = Callable[[int], torch.Tensor]

EPOCHS = 12
_BATCH = 64
_MOVED = 2


def pretrain(task: Task, network: str, seed: int, epochs: int = EPOCHS, lr: float = 4e-3) -> Pretrained:
    """Train ``network`` from scratch on the task's dataset0; images are moved by up to two pixels, the border filled with zero.

    One loop of a hundred steps: a trainer's set-up would take longer than they do. The same seed gives the same weights on one
    kind of machine.
    """
    source = source_of(task)
    constants, seen = moments_of(source, seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derived(seed, 0))
        module = task.build(network, source.channels, source.classes)
    normaliser = Normaliser(normalisation("source", source.channels, source=constants))
    labels = torch.from_numpy(source.labels)
    train(module, lambda epoch: normaliser(_moved(source, seed, epoch)), labels, seed=seed, epochs=epochs, lr=lr)
    return Pretrained(module, constants, seen)


def source_of(task: Task) -> Samples:
    """The task's dataset0. Raises :class:`DataError` where its networks come pretrained."""
    if task.source is None:
        raise DataError("a study that pretrains its networks", f"{task.name!r}, whose networks come pretrained", "load them")
    return task.source()


@lru_cache(maxsize=64)
def moments_of(source: Samples, seed: int) -> tuple[Constants, Constants]:
    """The constants that pretraining on ``source`` normalises with, and the moments that its augmented samples really have."""
    stats = source.measure()
    seen = Samples(f"{source.name} as augmented", _moved_values(source, seed, 0), source.labels).measure()
    return (
        Constants(stats.mean, stats.std, f"measured on {source.name}"),
        Constants(seen.mean, seen.std, f"measured on {source.name} as augmented"),
    )


def train(
    module: nn.Module, inputs: Inputs, labels: torch.Tensor, *, seed: int, epochs: int, lr: float, batch: int = _BATCH
) -> None:
    """Train with cross-entropy, AdamW and a one-cycle rate; ``inputs(epoch)`` gives all normalised samples of an epoch."""
    count = len(labels)
    batch = min(batch, count)
    steps = max(1, count // batch)
    # Both only save time: convolutions of a few channels are faster with channels last, and so is one pass over all weights.
    module.to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(module.parameters(), lr=lr, weight_decay=0.01, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, lr, total_steps=epochs * steps)
    module.train()
    for epoch in range(epochs):
        fed = inputs(epoch)
        fed = fed.contiguous(memory_format=torch.channels_last) if fed.ndim == 4 else fed
        order = torch.randperm(count, generator=torch.Generator().manual_seed(derived(seed, 1, epoch)))
        for start in range(0, steps * batch, batch):  # a last batch of a few would give batch norm a poor variance
            chosen = order[start : start + batch]
            optimiser.zero_grad(set_to_none=True)
            functional.cross_entropy(module(fed[chosen]), labels[chosen]).backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
    module.to(memory_format=torch.contiguous_format).eval()


def _moved(samples: Samples, seed: int, epoch: int) -> torch.Tensor:
    return Samples(samples.name, _moved_values(samples, seed, epoch), samples.labels).tensor()


def _moved_values(samples: Samples, seed: int, epoch: int) -> np.ndarray[tuple[int, ...], np.dtype[np.generic]]:
    """Each image moved by a random number of pixels in each direction; signals and rows as they are."""
    values = samples.values
    if values.ndim != 4:
        return values
    height, width = values.shape[1:3]
    padded = np.pad(values, ((0, 0), (_MOVED, _MOVED), (_MOVED, _MOVED), (0, 0)))
    tops, lefts = np.random.default_rng((seed, 2, epoch)).integers(0, 2 * _MOVED + 1, (2, len(values)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (height, width), axis=(1, 2))
    return np.ascontiguousarray(np.moveaxis(windows[np.arange(len(values)), tops, lefts], 1, -1))
