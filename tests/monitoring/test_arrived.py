"""What arrived since a change is kept from the alarm on, to the last sample."""

from __future__ import annotations

import json
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tare.monitoring.monitor import Monitor
from tare.monitoring.reference import Reference
from tare.monitoring.state import MonitorState
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


def test_merged_monitors_of_which_one_alone_changed_are_judged_by_the_values_of_all(known: Reference) -> None:
    steady, gained, together = (Monitor(known) for _ in range(3))
    for seed in range(40):
        usual, darker = photographs(8, seed), changed(photographs(8, 500 + seed), gain=0.6)
        steady.update(usual)
        gained.update(darker)
        together.update(np.concatenate([usual, darker]))
    assert gained.alarm
    assert not steady.alarm
    merged = [Monitor(known), Monitor(known)]
    for monitor, states in zip(merged, ((steady.state, gained.state), (gained.state, steady.state)), strict=True):
        for state in states:
            monitor.merge(state)
    one, *both = (monitor.verdict() for monitor in (together, *merged))
    for found in both:
        assert (found.kind, found.command, found.distances) == (one.kind, one.command, one.distances)
    nothing = MonitorState(gained.state.reference, None)
    assert gained.state.merge(nothing).arrived == nothing.merge(gained.state).arrived == gained.state.arrived
    alike = _alarmed(known, 0, 40)
    assert alike.state.began == gained.state.began
    for a, b, c in permutations((steady.state, gained.state, alike.state, nothing), 3):
        assert a.merge(b).merge(c).arrived == a.merge(b.merge(c)).arrived
    for monitor in (*merged, together):  # and what comes later does not stand for all by itself
        monitor.update(photographs(8, 99))
    assert merged[0].verdict().values == together.verdict().values


def test_a_file_of_an_alarm_without_them_is_still_read(known: Reference, tmp_path: Path) -> None:
    monitor = _alarmed(known, 8, 60)
    document = monitor.to_json()
    del document["state"]["arrived"]
    (tmp_path / "old.json").write_text(json.dumps(document), encoding="utf-8")
    assert Monitor.load(tmp_path / "old.json").verdict().kind == "gain"
