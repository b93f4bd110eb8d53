"""OpenTelemetry gauges of a monitor."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import groupby
from typing import Any

from tare.monitoring.monitor import Monitor
from tare.monitoring.state import MonitorState
from tare.serving.gauges import Gauge, gauges
from tare.system.optional import require


def observe(monitor: Monitor, meter_provider: Any = None) -> None:
    """Give a monitor's numbers to OpenTelemetry, which reads them whenever it exports.

    ``meter_provider`` is the global one by default. Names are those of the Prometheus metrics; channel and figure are
    attributes.
    """
    metrics = require("opentelemetry.metrics", extra="otel", purpose="OpenTelemetry")
    meter = (meter_provider or metrics.get_meter_provider()).get_meter("tare")
    latest = _Latest(monitor)
    for name, family in groupby(latest.gauges(), key=lambda each: each.name):
        first = next(iter(family))
        make = meter.create_observable_counter if first.counts else meter.create_observable_gauge
        make(name, callbacks=[_reader(latest, name, metrics.Observation)], description=first.meaning)


class _Latest:
    """The numbers of a monitor, computed once for each state, since every instrument asks for its own."""

    def __init__(self, monitor: Monitor) -> None:
        self._monitor = monitor
        self._known: tuple[MonitorState, list[Gauge]] | None = None

    def gauges(self) -> list[Gauge]:
        state, known = self._monitor.state, self._known
        if known is None or known[0] is not state:
            known = self._known = (state, list(gauges(self._monitor)))
        return known[1]


def _reader(latest: _Latest, name: str, observation: Any) -> Callable[[Any], Iterator[Any]]:
    def read(_: Any) -> Iterator[Any]:
        for each in latest.gauges():
            if each.name == name:
                yield observation(each.value, dict(each.labels))

    return read
