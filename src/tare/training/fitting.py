"""Train on Lightning's Trainer with checkpoints, early stopping and averaged weights; resuming changes no result."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import signal
import threading
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.fabric.plugins.io.torch_io import TorchCheckpointIO
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.callbacks import Callback, EarlyStopping, EMAWeightAveraging, ModelCheckpoint
from torch.utils.data import DataLoader

from tare.datasets.image_batches import loader_errors
from tare.errors import ModelError, SpecError, reason_of
from tare.system.files import remove_parts, replacing
from tare.system.progress import SILENT, Reporter
from tare.system.seeds import seeded
from tare.system.trackers.tracker import check_installed
from tare.tasks.task import Epochs
from tare.training.history import History, RowWatcher
from tare.training.module import TransferModule
from tare.training.options import Machine, Training
from tare.training.run_dir import check_processes
from tare.training.steps import Steps

BEST, LAST = "best", "last"

#: What torch says when its writer cannot go on, by where in the file the disk was full.
_DISK_FULL = ("PytorchStreamWriter", "unexpected pos", "iostream error")


@dataclass(frozen=True, slots=True)
class Fitted:
    """One row of figures per epoch, the row with the best figure of the validation split, and what that figure is."""

    rows: tuple[dict[str, float], ...]
    best: dict[str, float]
    epochs: Epochs

    def metrics(self) -> dict[str, float]:
        """Return the figures of the last epoch, and the best figure with the number of its epoch."""
        last = {name: value for name, value in self.rows[-1].items() if name not in ("epoch", "lr")}
        return {**last, f"best_{self.epochs.column}": self.best[self.epochs.column], "best_epoch": self.best["epoch"]}


class Patience(EarlyStopping):
    """Lightning's early stopping, which also stops a run that is resumed after its end."""

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Stop at once if training had already stopped when the checkpoint was written."""
        del pl_module
        if self.wait_count >= self.patience:
            trainer.should_stop = True


class CheckpointFiles(TorchCheckpointIO):
    """Write checkpoints under a temporary name and rename them: a killed run leaves the old or the new file, never a part.

    What is read names the files of the folder in which it lies: in a run that was moved, Lightning would forget the best epoch.
    """

    def load_checkpoint(self, path: Any, *others: Any, **named: Any) -> dict[str, Any]:
        """Read a checkpoint."""
        checkpoint: dict[str, Any] = super().load_checkpoint(path, *others, **named)
        folder = os.path.realpath(Path(path).parent)  # as Lightning names it
        for state in checkpoint.get("callbacks", {}).values():
            if "dirpath" in state:
                state.update(_moved(state, folder))
        return checkpoint

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any | None = None) -> None:
        """Write a checkpoint. Raises :class:`tare.errors.OutputError` if the disk is full."""
        del storage_options
        with replacing(Path(path)) as temporary:
            try:
                torch.save(checkpoint, temporary)
            except RuntimeError as error:  # torch's writer raises this on a full disk
                if not any(sign in str(error) for sign in _DISK_FULL):
                    raise
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from None


def _moved(state: dict[str, Any], folder: str) -> dict[str, Any]:
    """The folder and files that the state of a ``ModelCheckpoint`` names, by their places in ``folder``."""

    def here(path: str) -> str:
        return os.path.join(folder, os.path.basename(path)) if path else path  # noqa: PTH119 - an empty path is none

    named = {name: here(state[name]) for name in ("best_model_path", "kth_best_model_path", "last_model_path")}
    return {"dirpath": folder, **named, "best_k_models": {here(path): score for path, score in state["best_k_models"].items()}}


def fit(
    module: TransferModule,
    val: DataLoader[Any],
    folder: Path,
    machine: Machine,
    *,
    resume: bool = False,
    reporter: Reporter = SILENT,
    told: RowWatcher | None = None,
) -> Fitted:
    """Train on ``machine``; write ``checkpoints/last.ckpt``, ``checkpoints/best.ckpt`` and ``metrics.csv`` into ``folder``.

    ``told`` gets the row of each epoch; ``reporter`` shows how far training is.

    Raises :class:`tare.training.module.DivergedError`, keeping the last checkpoint, and :class:`tare.errors.OutputError` if the
    disk is full.
    """
    training = module.training_options
    epochs = module.task.epochs
    history = History(folder / "metrics.csv", epochs, told)
    latest = folder / "checkpoints" / f"{LAST}.ckpt"
    if resume and latest.exists():
        _loaded(latest)  # raises a readable error before the trainer loads the file
    number = training.epochs_of_head + training.epochs
    total = Steps.total(module, val, number)
    with _quiet(), _deterministic(), _compiled(module), _explained(), reporter.counting("training", "samples", total) as progress:
        trainer = _trainer(
            training,
            machine,
            callbacks=[*_callbacks(training, history, folder / "checkpoints"), Steps(progress, module, val, number)],
            enable_progress_bar=False,
            logger=False,
            plugins=[CheckpointFiles()],
        )
        start = str(latest) if resume and latest.exists() else None
        remove_parts(latest.parent)
        with _interruptions():
            trainer.fit(module, val_dataloaders=val, ckpt_path=start, weights_only=True)
    if trainer.is_global_zero:
        history.write()  # a run killed between its last checkpoint and that epoch's row lacks the row
    return Fitted(tuple(history.rows), history.best(), epochs)


def load_state(module: TransferModule, folder: Path, name: str) -> None:
    """Load the weights of the checkpoint ``best`` or ``last``: averaged weights if weights are averaged."""
    path = folder / "checkpoints" / f"{name}.ckpt"
    try:
        module.cpu().load_state_dict(_loaded(path)["state_dict"])
    except RuntimeError as error:
        raise _unreadable(path, "weights of another network") from error


def _loaded(path: Path) -> dict[str, Any]:
    """Read a checkpoint without executing code in it. Raises :class:`ModelError` if it is foreign or damaged."""
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many kinds for damaged files and for files that would run code
        raise _unreadable(path, type(error).__name__) from None
    if not isinstance(state, dict) or not {"state_dict", "loops", "epoch"} <= set(state):
        raise _unreadable(path, "something else")
    return state


def _unreadable(path: Path, found: str) -> ModelError:
    remedy = "restore it, or start the run again with --overwrite"
    return ModelError("a checkpoint of this run that can be read", f"{found} in {str(path)!r}", remedy)


def train_in_memory(module: TransferModule, machine: Machine) -> None:
    """Train without writing files."""
    options = module.training_options
    with _quiet(), _deterministic(), seeded(options.seed):
        trainer = _trainer(options, machine, enable_checkpointing=False, enable_progress_bar=False, logger=False)
        with _interruptions():
            trainer.fit(module)


@contextlib.contextmanager
def _interruptions() -> Iterator[None]:
    """Raise an interrupt as one, although what Lightning closes after one that came while its loaders began fails by itself.

    Lightning ignores interrupts from the first on, and leaves it so: whoever catches this one can be interrupted again.
    """
    handler = signal.getsignal(signal.SIGINT)
    try:
        yield
    except Exception as error:
        cause: BaseException | None = error
        while cause is not None and not isinstance(cause, KeyboardInterrupt):
            cause = cause.__context__
        if cause is None:
            raise
        raise KeyboardInterrupt from None
    finally:
        if handler is not None and threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, handler)


def check_training(training: Training, machine: Machine) -> None:
    """Raise :class:`SpecError` if Lightning has no such accelerator, devices or precision here, or a tracker is missing.

    Also for a launcher that started other processes than Lightning trains with.
    """
    with _quiet(), _deterministic():
        trainer = _trainer(training, machine, enable_checkpointing=False, enable_progress_bar=False, logger=False)
    check_processes(trainer.num_devices * trainer.num_nodes)
    check_installed(machine.tracker)


def _callbacks(training: Training, history: History, folder: Path) -> list[Callback]:
    """Return the callbacks in their necessary order: weight averaging before validation, the last checkpoint after the best."""
    callbacks: list[Callback] = []
    if training.ema is not None:
        callbacks.append(EMAWeightAveraging(decay=training.ema))
    if training.patience is not None:
        callbacks.append(Patience(history.epochs.column, mode=history.epochs.mode, patience=training.patience))
    callbacks.append(history)
    # Two callbacks, because save_last would renew the last checkpoint only when an epoch is the best so far. The last checkpoint
    # records the best score, so it comes second. The best checkpoint holds only weights, a third of the bytes, unless weights
    # are averaged: only a whole checkpoint has the average.
    whole = training.ema is not None
    callbacks += [
        _checkpoint(folder, BEST, monitor=history.epochs.column, mode=history.epochs.mode, save_weights_only=not whole),
        _checkpoint(folder, LAST),
    ]
    return callbacks


def _checkpoint(folder: Path, name: str, **which: Any) -> ModelCheckpoint:
    """Return a callback that writes one checkpoint under a fixed name when an epoch and its row of the history are complete."""
    return ModelCheckpoint(
        dirpath=folder,
        filename=name,
        save_on_train_epoch_end=True,
        enable_version_counter=False,
        **which,
    )


def _trainer(training: Training, machine: Machine, **more: Any) -> lightning.Trainer:
    try:
        return lightning.Trainer(
            accelerator=machine.device,
            devices=machine.devices,
            precision=training.precision,  # type: ignore[arg-type]
            max_epochs=training.epochs_of_head + training.epochs,
            accumulate_grad_batches=training.accumulate,
            gradient_clip_val=training.grad_clip,
            deterministic="warn",
            enable_model_summary=False,
            num_sanity_val_steps=0,
            reload_dataloaders_every_n_epochs=1,
            **more,
        )
    except (MisconfigurationException, RuntimeError, ValueError, TypeError) as error:
        options = f"--device {machine.device} --devices {machine.devices} --precision {training.precision}"
        expected = "a device and precision that Lightning supports here"
        raise SpecError(expected, f"{options}: {reason_of(error, 200)}", "use --device auto or cpu") from None


@contextlib.contextmanager
def _compiled(module: TransferModule) -> Iterator[None]:
    """Compile the network in place during training, with ``--compile``; parameter names and saved weights are unaffected."""
    if not module.training_options.compile:
        yield
        return
    module.network.compile()
    try:
        yield
    finally:
        module.network._compiled_call_impl = None


@contextlib.contextmanager
def _deterministic() -> Iterator[None]:
    """Restore torch's process-wide determinism settings after training.

    Filling of uninitialised memory with NaN, which takes time and only finds mistakes in torch's kernels, is off meanwhile.
    """
    enabled, warns = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    fills = torch.utils.deterministic.fill_uninitialized_memory  # type: ignore[attr-defined]
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(enabled, warn_only=warns)
        torch.utils.deterministic.fill_uninitialized_memory = fills  # type: ignore[attr-defined]


@contextlib.contextmanager
def _explained() -> Iterator[None]:
    """Turn failures of a training loop that the user can resolve into one-line errors."""
    from torch._dynamo.exc import TorchDynamoException

    try:
        with loader_errors():
            yield
    except SystemExit as end:  # Lightning's exit after Ctrl-C, which callers expect as KeyboardInterrupt
        if type(end) is SystemExit and not isinstance(end.__context__, KeyboardInterrupt):
            found = f"SystemExit: {reason_of(end)}"
            raise ModelError("code of a network that comes to its end", found, "take sys.exit out of it") from None
        raise KeyboardInterrupt from None
    except torch.cuda.OutOfMemoryError:
        raise ModelError("a batch that fits the device's memory", "out of memory", "lower --batch-size") from None
    except TorchDynamoException as error:
        reason = reason_of(error)
        raise ModelError("a network that torch.compile can compile here", reason, "leave out --compile") from None
    except ValueError as error:
        if "more than 1 value per channel" not in str(error):
            raise
        remedy = "raise --batch-size, or use --batchnorm frozen"
        raise ModelError("batches in which batch norm has a variance", "a batch of one image", remedy) from None


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
