"""OpenTelemetry gauges of a monitor."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import groupby
from typing import Any

from tare.monitoring.monitor import Monitor
from tare.serving.gauges import gauges
from tare.system.optional import require


def observe(monitor: Monitor, meter_provider: Any = None) -> None:
    """Give a monitor's numbers to OpenTelemetry, which reads them whenever it exports.

    ``meter_provider`` is the global one by default. Names are those of the Prometheus metrics; channel and figure are
    attributes.
    """
    metrics = require("opentelemetry.metrics", extra="otel", purpose="OpenTelemetry")
    meter = (meter_provider or metrics.get_meter_provider()).get_meter("tare")
    for name, family in groupby(gauges(monitor), key=lambda each: each.name):
        first = next(iter(family))
        make = meter.create_observable_counter if first.counts else meter.create_observable_gauge
        make(name, callbacks=[_reader(monitor, name, metrics.Observation)], description=first.meaning)


def _reader(monitor: Monitor, name: str, observation: Any) -> Callable[[Any], Iterator[Any]]:
    def read(_: Any) -> Iterator[Any]:
        for each in gauges(monitor):
            if each.name == name:
                yield observation(each.value, dict(each.labels))

    return read
