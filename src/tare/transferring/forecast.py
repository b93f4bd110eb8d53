"""Targets that are later values of the sample's own channels."""

from __future__ import annotations

from dataclasses import replace

from tare.errors import SpecError
from tare.input_spec.geometry import NOUNS
from tare.networks.network import Network
from tare.normalisation.names import Strategy
from tare.samples.layout import unit_scale
from tare.statistics.dataset_stats import DatasetStats
from tare.tasks.regression import Regression
from tare.tasks.task import Task
from tare.transferring.inputs import TransferRequest


def check_forecast(request: TransferRequest, network: Network, strategy: Strategy) -> None:
    """Raise :class:`SpecError` unless a forecast can be mapped back: signals z-scored by themselves, and trained weights."""
    if request.forecast is None:
        return
    takes = NOUNS[network.kind] if network.front is None else "recordings"
    remedies = (
        (takes == NOUNS["signal"], "signals for --forecast", takes, "name a network of signals, such as tare:cnn1d"),
        (strategy == "sample", "--strategy sample for --forecast", f"--strategy {strategy}", "use it, or leave --forecast out"),
        (
            request.protocol != "probe",
            "trained weights for --forecast",
            "--protocol probe, whose head is fitted to all samples in one unit",
            "use --protocol finetune or scratch",
        ),
    )
    for holds, expected, found, remedy in remedies:
        if not holds:
            raise SpecError(expected, found, remedy)


def forecasting(task: Task, channels: str, stats: DatasetStats) -> Task:
    """The task whose targets are later values of ``channels``: one name or number from 0 for all targets, or one each.

    Raises :class:`SpecError` for a task of other targets, and for names that no channel has.
    """
    if not isinstance(task, Regression):
        raise SpecError("numbers as targets for --forecast", f"--task {task.name}", "leave --forecast out")
    known = [channel.name for channel in stats.channels]
    numbered = {str(place): place for place in range(len(known))} | {name: place for place, name in enumerate(known)}
    named = [name.strip() for name in channels.split(",")]
    strange = [name for name in named if name not in numbered]
    if strange:
        raise SpecError("channels of the data for --forecast", ", ".join(map(repr, strange)), f"use {', '.join(known[:8])}")
    if len(named) not in (1, len(task.names)):
        found = f"{len(named)} for {len(task.names)} targets"
        raise SpecError("one channel for all targets of --forecast, or one for each", found, "name that many")
    places = tuple(numbered[name] for name in named) * (len(task.names) if len(named) == 1 else 1)
    return replace(task, channels=places, step=float(unit_scale(stats.dtype or "float64")))
