"""The trackers by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from tare.system.trackers.mlflow import MlflowTracker
from tare.system.trackers.tensorboard import TensorboardTracker
from tare.system.trackers.tracker import Tracker
from tare.system.trackers.wandb import WandbTracker

OPENERS: Mapping[str, Callable[[Path], Tracker]] = {
    tracker.name: tracker for tracker in (TensorboardTracker, MlflowTracker, WandbTracker)
}
