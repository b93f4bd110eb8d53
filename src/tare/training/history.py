"""The table of a run's epochs, ``metrics.csv``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.pytorch.callbacks import Callback

from tare.system.files import write_text
from tare.tasks.task import Epochs
from tare.training.module import TransferModule

#: Takes the row of an epoch.
RowWatcher = Callable[[Mapping[str, float]], None]


class History(Callback):
    """Write ``metrics.csv``, one row per epoch. Checkpoints hold the rows, so a resumed run neither loses nor repeats a row."""

    def __init__(self, path: Path, epochs: Epochs, told: RowWatcher | None = None) -> None:
        self.path, self.epochs, self.told = path, epochs, told
        self.rows: list[dict[str, float]] = []

    def state_dict(self) -> dict[str, Any]:
        """Return the rows so far."""
        return {"rows": self.rows}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the rows from a checkpoint."""
        self.rows = list(state_dict["rows"])

    def on_train_epoch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Add the epoch's row and rewrite the table."""
        if not isinstance(pl_module, TransferModule):
            raise TypeError(f"a TransferModule, got {type(pl_module).__name__}")
        loss = float(trainer.strategy.reduce(torch.tensor(pl_module.mean_loss(), device=pl_module.device), reduce_op="mean"))
        pl_module.log("train_loss", loss)
        values = {name: float(trainer.callback_metrics[name]) for name in ("val_loss", self.epochs.column)}
        rate = max(group["lr"] for group in trainer.optimizers[0].param_groups)
        self.rows.append({"epoch": trainer.current_epoch, "train_loss": loss, **values, "lr": rate})
        if trainer.is_global_zero:
            self.write()
            if self.told is not None:
                self.told(self.rows[-1])

    def write(self) -> None:
        """Write the table."""
        lines = [",".join(self.rows[0]), *(",".join(f"{value:.8g}" for value in row.values()) for row in self.rows)]
        write_text(self.path, "\n".join(lines) + "\n")

    def best(self) -> dict[str, float]:
        """Return the row of the first epoch with the best figure of the validation split."""
        return dict(self.epochs.best(self.rows))
