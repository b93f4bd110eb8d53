"""Fine-tuning on Lightning's Trainer: cross-entropy, AdamW, a warmed-up cosine; normalisation runs with the network."""

from __future__ import annotations

import contextlib
import logging
import math
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.callbacks import Callback, ModelCheckpoint, RichProgressBar
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader

from tare.errors import ModelError, SpecError, TareError
from tare.files import write_text
from tare.seeds import derived

#: Gives the training batches of an epoch, so that they are a function of the epoch alone, also after a resume.
EpochBatches = Callable[[int], DataLoader[Any]]

_WARM_UP = 0.1


@dataclass(frozen=True, slots=True)
class Training:
    """How to train; ``accelerator``, ``devices`` and ``precision`` go to Lightning's Trainer as they are."""

    epochs: int = 10
    lr: float = 3e-4
    weight_decay: float = 0.05
    seed: int = 0
    accelerator: str = "auto"
    devices: int | str = "auto"
    precision: str = "32-true"
    progress: bool = True


class DivergedError(TareError):
    """The loss became NaN or infinite."""


class TransferModule(lightning.LightningModule):
    """Normalise, run the network, and learn its classes; batches are ``(images (N, C, H, W), labels (N,))``."""

    def __init__(self, network: nn.Module, normaliser: nn.Module, training: Training, batches: EpochBatches) -> None:
        super().__init__()
        self.network, self.normaliser, self.training_options, self.batches = network, normaliser, training, batches

    def train_dataloader(self) -> DataLoader[Any]:
        """The batches of the current epoch; the trainer asks anew every epoch."""
        return self.batches(self.current_epoch)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Raw images to logits ``(N, K)``."""
        logits: torch.Tensor = self.network(self.normaliser(images))
        return logits

    def on_train_epoch_start(self) -> None:
        """Seed dropout and its kin by epoch, so that a resumed run continues as an uninterrupted one."""
        torch.manual_seed(derived(self.training_options.seed, self.current_epoch))

    def training_step(self, batch: tuple[torch.Tensor, torch.Tensor], index: int) -> torch.Tensor:
        """One step; raises :class:`DivergedError` when the loss is no longer a number."""
        images, labels = batch
        loss = functional.cross_entropy(self(images), labels)
        if not torch.isfinite(loss.detach()):
            raise DivergedError(
                "a finite loss",
                f"{loss.item()} at epoch {self.current_epoch}, step {index}",
                "lower --lr, or check the normalisation with another --strategy",
            )
        self.log("train_loss", loss, on_step=False, on_epoch=True, prog_bar=True, batch_size=len(labels))
        return loss

    def validation_step(self, batch: tuple[torch.Tensor, torch.Tensor], index: int) -> None:
        """Loss and accuracy on validation images."""
        del index
        images, labels = batch
        logits = self(images)
        accuracy = (logits.argmax(dim=1) == labels).float().mean()
        self.log("val_loss", functional.cross_entropy(logits, labels), batch_size=len(labels), sync_dist=True)
        self.log("val_accuracy", accuracy, prog_bar=True, batch_size=len(labels), sync_dist=True)

    def configure_optimizers(self) -> Any:
        """AdamW without decay on biases and norms, and a cosine to zero after a linear warm-up, stepped per batch."""
        decayed = [p for p in self.network.parameters() if p.requires_grad and p.ndim > 1]
        plain = [p for p in self.network.parameters() if p.requires_grad and p.ndim <= 1]
        options = self.training_options
        groups = [{"params": decayed, "weight_decay": options.weight_decay}, {"params": plain, "weight_decay": 0.0}]
        optimiser = torch.optim.AdamW(groups, lr=options.lr)
        steps = int(self.trainer.estimated_stepping_batches)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: warmed_cosine(step, steps))
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


class History(Callback):
    """Writes ``metrics.csv``, a row an epoch. The rows travel in the checkpoint, so a resumed run loses and repeats none."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows: list[dict[str, float]] = []

    def state_dict(self) -> dict[str, Any]:
        """The rows so far."""
        return {"rows": self.rows}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up the rows of a checkpoint."""
        self.rows = list(state_dict["rows"])

    def on_train_epoch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Add the epoch's row and write the table anew."""
        del pl_module
        values = {name: float(trainer.callback_metrics[name]) for name in ("train_loss", "val_loss", "val_accuracy")}
        self.rows.append({"epoch": trainer.current_epoch, **values, "lr": trainer.optimizers[0].param_groups[0]["lr"]})
        if trainer.is_global_zero:
            lines = [",".join(self.rows[0]), *(",".join(f"{value:.8g}" for value in row.values()) for row in self.rows)]
            write_text(self.path, "\n".join(lines) + "\n")


def warmed_cosine(step: int, steps: int) -> float:
    """Learning-rate factor: linear up over the first tenth of ``steps``, then a half cosine down to zero."""
    warm = max(1, round(steps * _WARM_UP))
    if step < warm:
        return (step + 1) / warm
    return 0.5 * (1 + math.cos(math.pi * min(1.0, (step - warm) / max(1, steps - warm))))


def fit(module: TransferModule, val: DataLoader[Any], folder: Path, *, resume: bool) -> dict[str, float]:
    """Train, keep ``checkpoints/last.ckpt`` and ``best.ckpt`` and ``metrics.csv`` in ``folder``, load the best weights.

    Returns the metrics of the last and of the best epoch. Raises :class:`DivergedError`, keeping the last checkpoint.
    """
    options = module.training_options
    best = _checkpoint(folder, "best", monitor="val_accuracy", mode="max")
    # A checkpoint of its own: save_last would renew last.ckpt only when an epoch is the best so far. It comes after the
    # best one, whose score it records.
    last = _checkpoint(folder, "last")
    callbacks: list[Callback] = [History(folder / "metrics.csv"), best, last]
    if options.progress:
        callbacks.append(RichProgressBar(leave=False, console_kwargs={"stderr": True}))
    with _quiet():
        trainer = _trainer(options, callbacks=callbacks, enable_progress_bar=options.progress)
        latest = folder / "checkpoints" / "last.ckpt"
        try:
            trainer.fit(
                module, val_dataloaders=val, ckpt_path=str(latest) if resume and latest.exists() else None, weights_only=True
            )
        except SystemExit:  # how Lightning ends after Ctrl-C; whoever called shall see what happened
            raise KeyboardInterrupt from None
        except torch.cuda.OutOfMemoryError:
            raise ModelError("a batch that fits the device's memory", "out of memory", "lower --batch-size") from None
    metrics = {key: float(value) for key, value in trainer.callback_metrics.items()}
    state = torch.load(best.best_model_path, map_location="cpu", weights_only=True)
    module.load_state_dict(state["state_dict"])
    score = math.nan if best.best_model_score is None else float(best.best_model_score)
    return {**metrics, "best_val_accuracy": score, "best_epoch": float(state["epoch"])}


def _checkpoint(folder: Path, name: str, **which: str) -> ModelCheckpoint:
    """Keep one checkpoint under a fixed name, written when an epoch is complete, its row of the history included."""
    return ModelCheckpoint(
        dirpath=folder / "checkpoints",
        filename=name,
        save_on_train_epoch_end=True,
        enable_version_counter=False,
        **which,  # type: ignore[arg-type]
    )


def train_in_memory(module: TransferModule) -> None:
    """Train without writing anything, for small networks that are a step of something larger."""
    options = module.training_options
    with _quiet():
        _trainer(options, enable_checkpointing=False, enable_progress_bar=False).fit(module)


def check_training(options: Training) -> None:
    """Raise :class:`SpecError` if Lightning has no such accelerator, devices or precision on this machine."""
    with _quiet():
        _trainer(options, enable_checkpointing=False, enable_progress_bar=False)


def _trainer(options: Training, **more: Any) -> lightning.Trainer:
    try:
        return lightning.Trainer(
            accelerator=options.accelerator,
            devices=options.devices,
            precision=options.precision,  # type: ignore[arg-type]
            max_epochs=options.epochs,
            deterministic="warn",
            logger=False,
            enable_model_summary=False,
            num_sanity_val_steps=0,
            reload_dataloaders_every_n_epochs=1,
            **more,
        )
    except (MisconfigurationException, ValueError) as error:
        asked = f"--device {options.accelerator} --devices {options.devices} --precision {options.precision}"
        reason = " ".join(str(error).split())[:200]
        raise SpecError("what Lightning can train with here", f"{asked}: {reason}", "use --device auto or cpu") from None


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Silence Lightning's advertisements and its advice about settings that are chosen here on purpose."""
    loggers = [logging.getLogger(name) for name in ("lightning.pytorch", "lightning.fabric")]
    levels = [logger.level for logger in loggers]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="lightning")
        warnings.filterwarnings("ignore", message=".*lr_scheduler.step.*")
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)
