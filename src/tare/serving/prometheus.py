"""Prometheus metrics of a monitor, by prometheus_client."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any

from tare.monitoring.monitor import Monitor
from tare.serving.gauges import COUNTS, MEANINGS, Gauge, gauges
from tare.system.optional import require


class MonitorCollector:
    """A collector for ``prometheus_client.REGISTRY.register``: the numbers are read from the monitor when they are asked for.

    Several monitors by name, such as ``{"day": ..., "night": ...}``, are told apart by the label ``monitor``. A registry takes
    one collector, and raises ValueError for another: their series would have the same names.
    """

    def __init__(self, monitor: Monitor | Mapping[str, Monitor]) -> None:
        self._core = _library("prometheus_client.core")
        self._monitor = monitor

    def describe(self) -> list[Any]:
        """The names alone, so that registering asks for no numbers."""
        return [self._kind(name)(name, meaning) for name, meaning in MEANINGS.items()]

    def collect(self) -> Iterator[Any]:
        """One family of metrics for each name."""
        for name, family in groupby(gauges(self._monitor), key=lambda each: each.name):
            yield self._family(name, list(family))

    def _family(self, name: str, members: list[Gauge]) -> Any:
        first = members[0]
        family = self._kind(name)(name, MEANINGS[name], labels=[label for label, _ in first.labels])
        for member in members:
            family.add_metric([value for _, value in member.labels], member.value)
        return family

    def _kind(self, name: str) -> Any:
        return self._core.CounterMetricFamily if name in COUNTS else self._core.GaugeMetricFamily


def exposition(monitor: Monitor) -> tuple[str, bytes]:
    """The metrics of one monitor in Prometheus's text format: the type of the content, and the content."""
    library = _library("prometheus_client")
    registry = library.CollectorRegistry()
    registry.register(MonitorCollector(monitor))
    return str(library.CONTENT_TYPE_LATEST), bytes(library.generate_latest(registry))


def _library(name: str) -> Any:
    return require(name, extra="serve", purpose="Prometheus metrics")
