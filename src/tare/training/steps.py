"""How far training is, for a progress bar, and how long the rest will take."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import lightning
from lightning.pytorch.callbacks import Callback
from torch.utils.data import DataLoader

from tare.system.pacing.costs import Costs
from tare.system.progress import Counted
from tare.training.module import TransferModule

#: Samples of epochs that train the head alone, of other epochs, and of the validation split; and beginnings of passes over data.
_HEAD, _ALL, _VAL, _BEGIN = "head", "all", "validation", "begin"
#: A sample that trains all layers passes forward, and backward at twice the cost; if decoding takes longest, it costs the same.
_BESIDE_HEAD = 1.7


class Steps(Callback):
    """Count the samples that passed, by what they cost; after an epoch the remark is its number and its validation figure.

    The first batch of a pass waits for loaders that begin, so it is counted by itself.
    """

    def __init__(
        self,
        progress: Counted,
        module: TransferModule,
        val: DataLoader[Any],
        epochs: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._progress, self._clock, self._remark, self._at = progress, clock, "", clock()
        self._trained, self._validated, self._heads = _length(module.batches(0)), _length(val), min(module.head_epochs, epochs)
        kinds = {_HEAD: self._heads * self._trained, _ALL: (epochs - self._heads) * self._trained}
        kinds |= {_VAL: epochs * self._validated, _BEGIN: 2 * epochs}
        passed = (_HEAD, 1.0) if self._heads else (_ALL, 1 / _BESIDE_HEAD)
        self._costs = Costs(kinds, {_ALL: (_HEAD, _BESIDE_HEAD), _VAL: passed})

    @staticmethod
    def total(module: TransferModule, val: DataLoader[Any], epochs: int) -> int:
        """Samples that pass in ``epochs`` epochs."""
        return epochs * (_length(module.batches(0)) + _length(val))

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Count the epochs that a resumed run has behind it."""
        del pl_module
        done, self._at = trainer.current_epoch, self._clock()
        heads = min(done, self._heads)
        for kind, amount in ((_HEAD, heads * self._trained), (_ALL, (done - heads) * self._trained)):
            self._costs.skip(kind, amount)
        self._costs.skip(_VAL, done * self._validated)
        self._costs.skip(_BEGIN, 2 * done)
        self._progress(done * (self._trained + self._validated))

    def on_train_batch_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Count the batch, of which every device has one."""
        del pl_module, outputs
        self._count(_HEAD if trainer.current_epoch < self._heads else _ALL, len(batch[1]) * trainer.world_size, batch_idx)

    def on_validation_batch_end(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Count the batch."""
        del pl_module, outputs, dataloader_idx
        self._count(_VAL, len(batch[1]) * trainer.world_size, batch_idx)

    def on_train_epoch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Remark the epoch."""
        if not isinstance(pl_module, TransferModule):
            raise TypeError(f"a TransferModule, got {type(pl_module).__name__}")
        column = pl_module.task.epochs.column
        figure = trainer.callback_metrics.get(column)
        said = "" if figure is None else f", {column} {float(figure):.4g}"
        self._remark = f"epoch {trainer.current_epoch + 1} of {trainer.max_epochs}{said}"

    def _count(self, kind: str, samples: int, place: int) -> None:
        now = self._clock()
        if place:
            self._costs.spend(kind, samples, now - self._at)
        else:
            self._costs.skip(kind, samples)
            self._costs.spend(_BEGIN, 1, now - self._at)
        self._at = now
        self._progress(samples, self._remark, self._costs.left())


def _length(batches: DataLoader[Any]) -> int:
    return len(batches) * (batches.batch_size or 1) if batches.drop_last else len(batches.dataset)  # type: ignore[arg-type]
