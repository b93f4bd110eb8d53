"""The numbers of a monitor that a dashboard shows, each with its name, its meaning and its labels."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from tare.monitoring.monitor import Monitor

# The largest capital that is shown: its logarithm is what grows without end.
_MOST = 700.0


@dataclass(frozen=True, slots=True)
class Gauge:
    """One number: ``counts`` says that it never falls. ``labels`` are pairs of name and value."""

    name: str
    meaning: str
    value: float
    labels: tuple[tuple[str, str], ...] = ()
    counts: bool = False


def gauges(monitor: Monitor) -> Iterator[Gauge]:
    """All numbers of a monitor as it is now, those of one name together."""
    state, evidence = monitor.state, monitor.evidence()
    served, reference = monitor.served(), monitor.reference.stats
    yield Gauge("tare_monitor_batches", "Batches counted.", state.batches, counts=True)
    yield Gauge("tare_monitor_samples", "Samples counted.", state.samples, counts=True)
    yield Gauge("tare_monitor_unsaved_batches", "Batches that the monitor's file does not have yet.", monitor.unsaved)
    yield Gauge("tare_monitor_alarm", "1 once a change was shown, which it stays; 0 before.", float(state.alarm > 0))
    yield Gauge("tare_monitor_alarm_batch", "The batch that raised the alarm; 0 before.", state.alarm)
    yield Gauge("tare_monitor_evidence", "Natural logarithm of the e-value against no change.", evidence)
    yield Gauge("tare_monitor_e_value", "The e-value, at most e to the 700.", math.exp(min(evidence, _MOST)))
    yield Gauge("tare_monitor_threshold", "The evidence that is an alarm.", monitor.threshold)
    for name, meaning in (("mean", "Mean"), ("std", "Standard deviation")):
        for place, channel in enumerate(reference.channels):
            labels = (("channel", channel.name),)
            live = math.nan if served is None else float(getattr(served.channels[place], name))
            yield Gauge(f"tare_served_{name}", f"{meaning} of the values served, in unit values.", live, labels)
        for channel in reference.channels:
            known = float(getattr(channel, name))
            yield Gauge(f"tare_reference_{name}", f"{meaning} of the reference.", known, (("channel", channel.name),))
    for track in monitor.tracks():
        words = "Natural logarithm of the e-value of one figure of samples."
        yield Gauge("tare_figure_evidence", words, track.evidence, (("figure", track.figure),))
