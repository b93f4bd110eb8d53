"""OpenTelemetry gauges of a monitor."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

from tare.monitoring.monitor import Monitor
from tare.monitoring.state import MonitorState
from tare.serving.gauges import COUNTS, MEANINGS, Gauge, gauges
from tare.system.optional import require


def observe(monitor: Monitor, meter_provider: Any = None) -> None:
    """Give a monitor's numbers to OpenTelemetry, which reads them whenever it exports.

    ``meter_provider`` is the global one by default. Names are those of the Prometheus metrics; channel and figure are
    attributes.
    """
    metrics = require("opentelemetry.metrics", extra="otel", purpose="OpenTelemetry")
    meter = (meter_provider or metrics.get_meter_provider()).get_meter("tare")
    latest = _Latest(monitor)
    for name, meaning in MEANINGS.items():  # all of them, since before the first batch a monitor does not have each yet
        make = meter.create_observable_counter if name in COUNTS else meter.create_observable_gauge
        make(name, callbacks=[_reader(latest, name, metrics.Observation)], description=meaning)


class _Latest:
    """The numbers of a monitor, computed once for each state and save, since every instrument asks for its own."""

    def __init__(self, monitor: Monitor) -> None:
        self._monitor = monitor
        self._known: tuple[MonitorState, int, list[Gauge]] | None = None

    def gauges(self) -> list[Gauge]:
        state, unsaved, known = self._monitor.state, self._monitor.unsaved, self._known
        if known is None or known[0] is not state or known[1] != unsaved:
            known = self._known = (state, unsaved, list(gauges(self._monitor)))
        return known[2]


def _reader(latest: _Latest, name: str, observation: Any) -> Callable[[Any], Iterator[Any]]:
    def read(_: Any) -> Iterator[Any]:
        for each in latest.gauges():
            if each.name == name and not math.isnan(each.value):  # which OpenTelemetry would warn of
                yield observation(each.value, dict(each.labels))

    return read
