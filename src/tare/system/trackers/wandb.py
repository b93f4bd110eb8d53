"""Weights & Biases: files in the run's folder ``wandb``, which ``wandb sync`` sends; nothing is sent unless WANDB_MODE asks."""

from __future__ import annotations

import hashlib
import importlib
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tare.system.trackers.tracker import Tracker


class WandbTracker(Tracker):
    """A run of the project ``tare``; its id comes from the folder, so that a run that is resumed goes on."""

    name = "wandb"

    def __init__(self, folder: Path) -> None:
        library: Any = importlib.import_module("wandb")
        self._run = library.init(
            project=os.environ.get("WANDB_PROJECT", "tare"),
            name=folder.name,
            id=hashlib.sha256(str(folder.absolute()).encode()).hexdigest()[:16],
            resume="allow",
            dir=str(folder),
            mode=os.environ.get("WANDB_MODE", "offline"),
            settings=library.Settings(silent=True, console="off", disable_git=True, save_code=False, x_disable_stats=True),
        )

    def settings(self, values: Mapping[str, Any]) -> None:
        """Log the configuration."""
        self._run.config.update(dict(values), allow_val_change=True)

    def numbers(self, values: Mapping[str, float], step: int) -> None:
        """Log a row."""
        self._run.log(dict(values), step=step)

    def file(self, path: Path) -> None:
        """Keep a copy with the run's files."""
        shutil.copy(path, Path(self._run.dir) / path.name)

    def end(self, *, failed: bool) -> None:
        """Finish the run."""
        self._run.finish(exit_code=int(failed))
