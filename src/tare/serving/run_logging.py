"""A monitor's numbers in experiment trackers: MLflow and Weights & Biases."""

from __future__ import annotations

import math
import re
from itertools import chain, count
from typing import Any

from tare.monitoring.monitor import Monitor
from tare.serving.gauges import Gauge, gauges
from tare.system.optional import require


def logged(monitor: Monitor) -> dict[str, float]:
    """A monitor's finite numbers by name; a label follows its name after a slash, such as ``tare_served_mean/red``.

    Of names that differ in signs alone which MLflow refuses, the second ends in ``_2``, and so on.
    """
    found: dict[str, float] = {}
    given: set[str] = set()
    for each in gauges(monitor):  # numbers that are not finite have a name, too, so that the others keep theirs
        name = _key(each)
        key = next(key for key in chain([name], (f"{name}_{number}" for number in count(2))) if key not in given)
        given.add(key)
        if math.isfinite(each.value):
            found[key] = each.value
    return found


def log_mlflow(monitor: Monitor) -> None:
    """Log the numbers to the active MLflow run; the step is the number of batches."""
    mlflow = require("mlflow", extra="mlflow", purpose="logging to MLflow")
    mlflow.log_metrics(logged(monitor), step=monitor.state.batches)


def log_wandb(monitor: Monitor, run: Any) -> None:
    """Log the numbers to a run of Weights & Biases (what ``wandb.init`` returned); the step is the number of batches."""
    run.log(logged(monitor), step=monitor.state.batches)


def _key(gauge: Gauge) -> str:
    """A name that both take: MLflow refuses signs other than these."""
    return "/".join((gauge.name, *(re.sub(r"[^\w\-. ]", "_", value) for _, value in gauge.labels)))
