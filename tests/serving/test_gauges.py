from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tare.errors import DataError
from tare.monitoring.monitor import Monitor
from tare.monitoring.reference import Reference
from tare.serving.gauges import MEANINGS, gauges
from tare.serving.run_logging import log_wandb, logged
from tests.monitoring.made import changed, photographs, reference


@pytest.fixture
def monitor() -> Monitor:
    made = Monitor(reference(300))
    for place in range(15):
        made.update(changed(photographs(8, place), 0.6))
    return made


def test_the_numbers_are_those_of_the_values_served(monitor: Monitor) -> None:
    found = {(each.name, *each.labels): each.value for each in gauges(monitor)}
    served = np.concatenate([changed(photographs(8, place), 0.6) for place in range(15)]).reshape(-1, 3) / 255
    for place, channel in enumerate(("red", "green", "blue")):
        assert found[("tare_served_mean", ("channel", channel))] == pytest.approx(served[:, place].mean())
        assert found[("tare_served_std", ("channel", channel))] == pytest.approx(served[:, place].std())
    assert found[("tare_monitor_batches",)] == 15
    assert found[("tare_monitor_samples",)] == 120
    assert found[("tare_monitor_alarm",)] == 1
    assert math.log(found[("tare_monitor_e_value",)]) == pytest.approx(found[("tare_monitor_evidence",)])


def test_numbers_of_one_name_stand_together(monitor: Monitor) -> None:
    names = [name for name, _ in groupby(each.name for each in gauges(monitor))]
    assert len(names) == len(set(names))


def test_before_the_first_batch_the_means_are_unknown() -> None:
    found = [each for each in gauges(Monitor(reference(100))) if each.name == "tare_served_mean"]
    assert len(found) == 3
    assert all(math.isnan(each.value) for each in found)


def test_prometheus_reads_what_is_exposed(monitor: Monitor) -> None:
    pytest.importorskip("prometheus_client")
    from prometheus_client.parser import text_string_to_metric_families

    from tare.serving.prometheus import exposition

    kind, content = exposition(monitor)
    assert kind.startswith("text/plain")
    samples = [sample for family in text_string_to_metric_families(content.decode()) for sample in family.samples]
    assert next(each.value for each in samples if each.name == "tare_monitor_samples_total") == 120
    assert {each.labels["channel"] for each in samples if each.name == "tare_served_std"} == {"red", "green", "blue"}
    assert len([each for each in samples if each.name == "tare_figure_evidence"]) == len(monitor.reference.figures)


def test_several_monitors_are_told_apart(monitor: Monitor) -> None:
    other = Monitor(reference(100))
    both = {"day": monitor, "night": other}
    assert [name for name, _ in groupby(each.name for each in gauges(both))] == [*MEANINGS]
    expected = {(name, each.name, *each.labels): each.value for name, one in both.items() for each in gauges(one)}
    found = {(each.labels[0][1], each.name, *each.labels[1:]): each.value for each in gauges(both)}
    assert {each.labels[0][0] for each in gauges(both)} == {"monitor"}
    assert str(found) == str({key: expected[key] for key in found})  # NaN is NaN
    assert len(found) == len(expected)
    read = observed(both)()
    assert read["tare_monitor_alarm", ("monitor", "day")] == 1
    assert read["tare_monitor_alarm", ("monitor", "night")] == 0


def test_a_second_monitor_by_itself_is_refused(monitor: Monitor) -> None:
    """Its numbers would be dropped, or stand under the names of the first."""
    client = pytest.importorskip("prometheus_client")
    pytest.importorskip("opentelemetry.sdk")
    from opentelemetry.sdk.metrics import MeterProvider

    from tare.serving.prometheus import MonitorCollector
    from tare.serving.telemetry import observe

    other, registry, provider = Monitor(reference(100)), client.CollectorRegistry(), MeterProvider()
    registry.register(MonitorCollector(monitor))
    with pytest.raises(ValueError, match="Duplicated"):
        registry.register(MonitorCollector(other))
    observe(monitor, provider)
    with pytest.raises(DataError, match="one call for all monitors of a meter provider"):
        observe(other, provider)


def observed(monitor: Monitor | Mapping[str, Monitor]) -> Callable[[], dict[Any, float]]:
    """What OpenTelemetry reads of a monitor, asked anew with every call."""
    pytest.importorskip("opentelemetry.sdk")
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader

    from tare.serving.telemetry import observe

    reader = InMemoryMetricReader()
    observe(monitor, MeterProvider(metric_readers=[reader]))

    def read() -> dict[Any, float]:
        data: Any = reader.get_metrics_data()
        return {
            (metric.name, *sorted(point.attributes.items())): point.value
            for metric in data.resource_metrics[0].scope_metrics[0].metrics
            for point in metric.data.data_points
        }

    return read


def test_opentelemetry_reads_the_same_numbers(monitor: Monitor) -> None:
    assert observed(monitor)() == {(each.name, *each.labels): each.value for each in gauges(monitor)}


def test_opentelemetry_that_observes_before_the_first_batch_reads_all_numbers_later(tmp_path: Path) -> None:
    with Monitor.open(tmp_path / "m.json", reference(100)) as monitor:
        read = observed(monitor)
        read()
        monitor.update(photographs(8, 0))
        assert read() == {(each.name, *each.labels): each.value for each in gauges(monitor)}
        assert read()["tare_monitor_unsaved_batches",] == 1
        monitor.save(tmp_path / "m.json")
        assert read()["tare_monitor_unsaved_batches",] == 0


def test_trackers_get_finite_numbers_under_names_that_they_take(monitor: Monitor) -> None:
    found = logged(monitor)
    assert found["tare_served_mean/red"] == pytest.approx(0.3, abs=0.1)
    assert all(math.isfinite(value) for value in found.values())
    assert all(set(name) <= set("abcdefghijklmnopqrstuvwxyz_/ -.") for name in found)

    class Run:
        def log(self, numbers: dict[str, float], step: int) -> None:
            self.seen = (numbers, step)

    run = Run()
    log_wandb(monitor, run)
    assert run.seen == (found, 15)


def test_trackers_tell_several_monitors_apart(monitor: Monitor) -> None:
    other = Monitor(reference(100))
    other.update(photographs(8, 0))
    both = {"day": monitor, "night": other}

    class Run:
        def log(self, numbers: dict[str, float], step: int) -> None:
            self.seen = (numbers, step)

    run = Run()
    log_wandb(both, run)
    found, step = run.seen
    assert step == 16
    for name, one in both.items():
        apart = [key.partition("/") for key in logged(one)]
        named = [f"{head}/{name}/{tail}".rstrip("/") for head, _, tail in apart]
        assert [found[key] for key in named] == list(logged(one).values())
    assert len(found) == len(logged(monitor)) + len(logged(other))


def test_names_that_differ_in_refused_signs_alone_keep_a_number_each() -> None:
    frames = pytest.importorskip("pandas")
    chance = np.random.default_rng(0)
    table = frames.DataFrame({name: chance.normal(place, 1, 300) for place, name in enumerate(("t (C)", "t [C]", "t {C}"))})
    made = Monitor(Reference.of(table))
    made.update(table[:200])
    found = logged(made)
    named = [found[f"tare_served_mean/t _C_{end}"] for end in ("", "_2", "_3")]
    assert named == pytest.approx(table[:200].mean().to_list(), rel=1e-6)


def test_mlflow_takes_them(monitor: Monitor, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")  # a database is more than mlflow-skinny has
    mlflow = pytest.importorskip("mlflow")
    from tare.serving.run_logging import log_mlflow

    mlflow.set_tracking_uri(tmp_path.as_uri())
    mlflow.set_experiment("served")
    with mlflow.start_run() as run:
        log_mlflow(monitor)
    assert mlflow.get_run(run.info.run_id).data.metrics["tare_monitor_samples"] == 120
