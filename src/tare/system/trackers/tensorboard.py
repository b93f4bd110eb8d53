"""TensorBoard: event files in the run's folder ``tensorboard``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tare.system.trackers.tracker import Tracker


class TensorboardTracker(Tracker):
    """Scalars by step, and the settings as text; files are not kept."""

    name = "tensorboard"

    def __init__(self, folder: Path) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._writer = SummaryWriter(str(folder / "tensorboard"))

    def settings(self, values: Mapping[str, Any]) -> None:
        """Log the settings as a block of JSON."""
        text = json.dumps(values, indent=2, default=str)
        self._writer.add_text("settings", "\n".join(f"    {line}" for line in text.splitlines()), 0)

    def numbers(self, values: Mapping[str, float], step: int) -> None:
        """Log scalars."""
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)

    def file(self, path: Path) -> None:
        """Do nothing: event files hold no files."""

    def end(self, *, failed: bool) -> None:  # noqa: ARG002
        """Write what is buffered."""
        self._writer.close()
