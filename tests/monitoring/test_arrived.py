"""What arrived since a change is kept from the alarm on, to the last sample."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tare.monitoring.monitor import Monitor
from tare.monitoring.reference import Reference
from tests.monitoring.made import changed, photographs


@pytest.fixture(scope="module")
def known() -> Reference:
    return Reference.of(photographs(300, 1), workers=1)


def _darker(batches: int) -> list[NDArray[np.uint8]]:
    return [changed(photographs(8, 500 + seed), gain=0.6) for seed in range(batches)]


def _alarmed(known: Reference, before: int, after: int) -> Monitor:
    monitor = Monitor(known)
    for seed in range(before):
        monitor.update(photographs(8, seed))
    for batch in _darker(after):
        monitor.update(batch)
    return monitor


def _samples(monitor: Monitor) -> int:
    return sum(group.samples for group in monitor.state.arrived.groups.values())


@pytest.mark.parametrize("after", [33, 40, 57])
def test_no_sample_since_the_alarm_is_left_out_whatever_stretches_are_kept(known: Reference, after: int) -> None:
    monitor = _alarmed(known, 37, after)
    began = monitor.state.began[0]
    assert 30 < began <= 38
    # The change may lie inside of the first batch, which is left out where there are others.
    assert _samples(monitor) == 8 * (37 + after - began)
    assert monitor.verdict().kind == "gain"


def test_before_an_alarm_nothing_is_kept(known: Reference) -> None:
    monitor = _alarmed(known, 37, 0)
    assert not monitor.alarm
    assert _samples(monitor) == 0
    assert "arrived" not in monitor.state.to_json()


def test_what_arrived_survives_the_file_and_merges(known: Reference, tmp_path: Path) -> None:
    monitor = _alarmed(known, 10, 20)
    monitor.save(tmp_path / "a.json")
    again = Monitor.load(tmp_path / "a.json")
    assert again.state.arrived == monitor.state.arrived
    other = _alarmed(known, 10, 24)
    both = monitor.state.merge(other.state)
    assert both.arrived == other.state.merge(monitor.state).arrived
    assert sum(group.samples for group in both.arrived.groups.values()) == _samples(monitor) + _samples(other)


def test_a_file_of_an_alarm_without_them_is_still_read(known: Reference, tmp_path: Path) -> None:
    monitor = _alarmed(known, 8, 60)
    document = monitor.to_json()
    del document["state"]["arrived"]
    (tmp_path / "old.json").write_text(json.dumps(document), encoding="utf-8")
    assert Monitor.load(tmp_path / "old.json").verdict().kind == "gain"
