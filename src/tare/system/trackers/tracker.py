"""What a tracker does, and the trackers of one run."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tare.errors import reason_of
from tare.system.optional import require
from tare.system.progress import Reporter


@dataclass(frozen=True, slots=True)
class TrackedModel:
    """How a model directory is served: the module that loads it, its schemas of input and output, and its specification."""

    loader: str
    signature: Mapping[str, Any]
    spec: Mapping[str, Any]


class Tracker(ABC):
    """One run in one tracker's own store."""

    name: str

    @abstractmethod
    def settings(self, values: Mapping[str, Any]) -> None:
        """Log what the run was asked."""

    @abstractmethod
    def numbers(self, values: Mapping[str, float], step: int) -> None:
        """Log finite numbers of a step, such as an epoch."""

    @abstractmethod
    def file(self, path: Path) -> None:
        """Keep a copy of a file, where the tracker keeps files."""

    def model(self, folder: Path, model: TrackedModel) -> None:
        """Keep the trained model, where the tracker has models that it loads by itself."""
        del folder, model

    @abstractmethod
    def end(self, *, failed: bool) -> None:
        """Close the run."""


def check_installed(names: Sequence[str]) -> None:
    """Raise :class:`MissingDependencyError` for a tracker whose library is not installed."""
    for name in names:
        require(name, extra=name, purpose=f"--tracker {name}")


class Trackers:
    """The trackers of one run. One that fails while the run goes on is told once and left alone: it costs no result."""

    def __init__(self, trackers: Sequence[Tracker], reporter: Reporter) -> None:
        self._trackers, self._reporter = list(trackers), reporter

    def settings(self, values: Mapping[str, Any]) -> None:
        """Log what the run was asked."""
        self._all(lambda tracker: tracker.settings(values))

    def numbers(self, values: Mapping[str, float], step: int) -> None:
        """Log numbers of a step; those that are not finite are left out."""
        kept = {name: float(value) for name, value in values.items() if math.isfinite(value)}
        self._all(lambda tracker: tracker.numbers(kept, step))

    def file(self, path: Path) -> None:
        """Keep a copy of a file."""
        self._all(lambda tracker: tracker.file(path))

    def model(self, folder: Path, model: TrackedModel) -> None:
        """Keep the trained model."""
        self._all(lambda tracker: tracker.model(folder, model))

    def end(self, *, failed: bool) -> None:
        """Close the run in each."""
        self._all(lambda tracker: tracker.end(failed=failed))

    def _all(self, do: Callable[[Tracker], None]) -> None:
        for tracker in list(self._trackers):
            try:
                do(tracker)
            except Exception as error:  # a server, a file system or the tracker's library may raise anything
                self._reporter.note(f"--tracker {tracker.name} stopped: {reason_of(error, 200)}")
                self._trackers.remove(tracker)
