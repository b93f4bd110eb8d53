"""The numbers of a monitor that a dashboard shows, each with its name, its meaning and its labels."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from tare.monitoring.monitor import Monitor

# The largest capital that is shown: its logarithm is what grows without end.
_MOST = 700.0


#: What each number means, by its name, in the order of :func:`gauges`.
MEANINGS = {
    "tare_monitor_batches": "Batches counted.",
    "tare_monitor_samples": "Samples counted.",
    "tare_monitor_unsaved_batches": "Batches that the monitor's file does not have yet.",
    "tare_monitor_alarm": "1 once a change was shown, which it stays; 0 before.",
    "tare_monitor_alarm_batch": "The batch that raised the alarm; 0 before.",
    "tare_monitor_evidence": "Natural logarithm of the e-value against no change.",
    "tare_monitor_e_value": "The e-value, at most e to the 700.",
    "tare_monitor_threshold": "The evidence that is an alarm.",
    "tare_served_mean": "Mean of the values served, in unit values.",
    "tare_reference_mean": "Mean of the reference.",
    "tare_served_std": "Standard deviation of the values served, in unit values.",
    "tare_reference_std": "Standard deviation of the reference.",
    "tare_figure_evidence": "Natural logarithm of the e-value of one figure of samples.",
}
#: The numbers that never fall.
COUNTS = frozenset({"tare_monitor_batches", "tare_monitor_samples"})


@dataclass(frozen=True, slots=True)
class Gauge:
    """One number. ``labels`` are pairs of name and value."""

    name: str
    value: float
    labels: tuple[tuple[str, str], ...] = ()


def gauges(monitors: Monitor | Mapping[str, Monitor]) -> Iterator[Gauge]:
    """All numbers of a monitor as it is now, or of several by their names, which are a label; those of one name together."""
    if isinstance(monitors, Monitor):
        yield from _gauges(monitors)
        return
    labelled = ((("monitor", name), each) for name, monitor in monitors.items() for each in _gauges(monitor))
    found = [replace(each, labels=(label, *each.labels)) for label, each in labelled]
    for name in MEANINGS:
        yield from (each for each in found if each.name == name)


def _gauges(monitor: Monitor) -> Iterator[Gauge]:
    state, evidence = monitor.state, monitor.evidence()
    served, reference = monitor.served(), monitor.reference.stats
    yield Gauge("tare_monitor_batches", state.batches)
    yield Gauge("tare_monitor_samples", state.samples)
    yield Gauge("tare_monitor_unsaved_batches", monitor.unsaved)
    yield Gauge("tare_monitor_alarm", float(state.alarm > 0))
    yield Gauge("tare_monitor_alarm_batch", state.alarm)
    yield Gauge("tare_monitor_evidence", evidence)
    yield Gauge("tare_monitor_e_value", math.exp(min(evidence, _MOST)))
    yield Gauge("tare_monitor_threshold", monitor.threshold)
    for name in ("mean", "std"):
        for place, channel in enumerate(reference.channels):
            live = math.nan if served is None else float(getattr(served.channels[place], name))
            yield Gauge(f"tare_served_{name}", live, (("channel", channel.name),))
        for channel in reference.channels:
            yield Gauge(f"tare_reference_{name}", float(getattr(channel, name)), (("channel", channel.name),))
    for track in monitor.tracks():
        yield Gauge("tare_figure_evidence", track.evidence, (("figure", track.figure),))
