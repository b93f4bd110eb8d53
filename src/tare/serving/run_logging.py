"""The numbers of monitors in experiment trackers: MLflow and Weights & Biases."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from itertools import chain, count
from typing import Any

from tare.monitoring.monitor import Monitor
from tare.serving.gauges import Gauge, gauges
from tare.system.optional import require


def logged(monitor: Monitor | Mapping[str, Monitor]) -> dict[str, float]:
    """The finite numbers by name; a label follows its name after a slash, such as ``tare_served_mean/red``.

    Of several monitors their name comes first: ``tare_served_mean/day/red``. Of names that differ in signs alone which MLflow
    refuses, the second ends in ``_2``, and so on.
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


def log_mlflow(monitor: Monitor | Mapping[str, Monitor]) -> None:
    """Log the numbers to the active MLflow run; the step is the number of batches.

    Several monitors go together and by name, such as ``{"day": ..., "night": ...}``, since one run keeps one number a name.
    """
    mlflow = require("mlflow", extra="mlflow", purpose="logging to MLflow")
    mlflow.log_metrics(logged(monitor), step=_step(monitor))


def log_wandb(monitor: Monitor | Mapping[str, Monitor], run: Any) -> None:
    """Log the numbers to a run of Weights & Biases (what ``wandb.init`` returned); the step is the number of batches.

    Several monitors go together and by name, as for :func:`log_mlflow`.
    """
    run.log(logged(monitor), step=_step(monitor))


def _step(monitor: Monitor | Mapping[str, Monitor]) -> int:
    """The number of batches, of several monitors together: it never falls, which Weights & Biases asks of a step."""
    monitors = [monitor] if isinstance(monitor, Monitor) else monitor.values()
    return sum(each.state.batches for each in monitors)


def _key(gauge: Gauge) -> str:
    """A name that both take: MLflow refuses signs other than these."""
    return "/".join((gauge.name, *(re.sub(r"[^\w\-. ]", "_", value) for _, value in gauge.labels)))
