"""The trackers by name, opened for one run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tare.errors import SpecError, reason_of
from tare.system.progress import Reporter
from tare.system.trackers.mlflow import MlflowTracker
from tare.system.trackers.tensorboard import TensorboardTracker
from tare.system.trackers.tracker import Tracker, Trackers, check_installed
from tare.system.trackers.wandb import WandbTracker

_TRACKERS: Mapping[str, Callable[[Path], Tracker]] = {
    tracker.name: tracker for tracker in (TensorboardTracker, MlflowTracker, WandbTracker)
}


@contextmanager
def tracked(names: Sequence[str], folder: Path, reporter: Reporter, settings: Mapping[str, Any]) -> Iterator[Trackers]:
    """The run in ``folder``, in each tracker named; a run that goes on in its folder goes on in its trackers.

    Raises :class:`SpecError` if one cannot be opened, before anything is trained.
    """
    trackers = Trackers([_opened(name, folder) for name in names], reporter)
    trackers.settings(settings)
    try:
        yield trackers
    except BaseException:
        trackers.end(failed=True)
        raise
    trackers.end(failed=False)


def _opened(name: str, folder: Path) -> Tracker:
    check_installed([name])
    try:
        return _TRACKERS[name](folder)
    except Exception as error:  # likewise
        reason = reason_of(error, 200)
        raise SpecError(f"a tracker that works for --tracker {name}", reason, f"leave --tracker {name} out") from None
