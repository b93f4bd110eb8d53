"""OpenTelemetry gauges of a monitor."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from weakref import WeakKeyDictionary

from tare.errors import DataError
from tare.monitoring.monitor import Monitor
from tare.monitoring.state import MonitorState
from tare.serving.gauges import COUNTS, MEANINGS, Gauge, gauges
from tare.system.optional import require

#: What each provider reads; it would drop instruments of the same names without a word.
_READ: WeakKeyDictionary[Any, Monitor | Mapping[str, Monitor]] = WeakKeyDictionary()


def observe(monitor: Monitor | Mapping[str, Monitor], meter_provider: Any = None) -> None:
    """Give a monitor's numbers to OpenTelemetry, which reads them whenever it exports.

    ``meter_provider`` is the global one by default. Names are those of the Prometheus metrics; channel and figure are
    attributes. Several monitors by name, such as ``{"day": ..., "night": ...}``, are told apart by the attribute ``monitor``.
    Raises :class:`DataError` for others than a provider already reads.
    """
    metrics = require("opentelemetry.metrics", extra="otel", purpose="OpenTelemetry")
    provider = meter_provider or metrics.get_meter_provider()
    if provider in _READ:
        if _READ[provider] is monitor:
            return
        remedy = "give them together, by name: observe({'day': monitor, 'night': other})"
        raise DataError("one call for all monitors of a meter provider", "another call", remedy)
    _READ[provider] = monitor
    meter = provider.get_meter("tare")
    latest = _Latest(monitor)
    for name, meaning in MEANINGS.items():  # all of them, since before the first batch a monitor does not have each yet
        make = meter.create_observable_counter if name in COUNTS else meter.create_observable_gauge
        make(name, callbacks=[_reader(latest, name, metrics.Observation)], description=meaning)


class _Latest:
    """The numbers of monitors, computed once for their states and saves, since every instrument asks for its own."""

    def __init__(self, monitor: Monitor | Mapping[str, Monitor]) -> None:
        self._monitor = monitor
        self._known: tuple[list[tuple[MonitorState, int]], list[Gauge]] | None = None

    def gauges(self) -> list[Gauge]:
        each = [self._monitor] if isinstance(self._monitor, Monitor) else [*self._monitor.values()]
        now, known = [(monitor.state, monitor.unsaved) for monitor in each], self._known
        if known is None or any(a is not b or c != d for (a, c), (b, d) in zip(known[0], now, strict=True)):
            known = self._known = (now, list(gauges(self._monitor)))
        return known[1]


def _reader(latest: _Latest, name: str, observation: Any) -> Callable[[Any], Iterator[Any]]:
    def read(_: Any) -> Iterator[Any]:
        for each in latest.gauges():
            if each.name == name and not math.isnan(each.value):  # which OpenTelemetry would warn of
                yield observation(each.value, dict(each.labels))

    return read
