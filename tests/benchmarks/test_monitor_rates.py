"""The simulated services of `benchmarks.monitor_rates` have the evidence of `tare.Monitor`, after every batch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("numba", reason="the simulation is compiled")

from benchmarks.monitor_rates.services import Pool, Service

from tare.monitoring.evidence.figures import Taking, figures_of
from tare.monitoring.monitor import Monitor
from tare.monitoring.reference import Reference, state_of
from tare.statistics.dataset_stats import summarise

_BATCH, _REFERENCE = 4, 60
_CHANCE = np.random.default_rng(3)


def _images(gain: float) -> NDArray[np.uint8]:
    """Images of 12 by 12 pixels of three channels, each with a brightness of its own."""
    level = _CHANCE.uniform(40, 160, (200, 1, 3)) + _CHANCE.normal(0, 30, (200, 144, 3))
    return np.clip(level * gain, 0, 255).astype(np.uint8)


def _rows(gain: float) -> NDArray[np.float64]:
    """Rows of two numbers, of which some are missing."""
    rows = _CHANCE.normal(5, 1, (200, 1, 2)) * gain
    rows[::9, 0, 1] = np.nan
    return rows


_COLOURS = Taking(("red", "green", "blue"), "uint8", (0.0,) * 3, (255.0,) * 3)
_COLUMNS = Taking(("a", "b"), "float64", (0.0,) * 2, (10.0,) * 2, rows=True)
_SETS = {"images": (_images, _COLOURS), "rows": (_rows, _COLUMNS)}


def _served(kind: str, gain: float, memory: int | None) -> tuple[Service, Monitor, NDArray[Any], NDArray[np.int64]]:
    """One stream of 500 batches, of which the last 200 changed, for both."""
    make, taking = _SETS[kind]
    before, after = make(1.0), make(gain)
    pool = Pool(kind, taking, figures_of(before, taking))
    every = np.concatenate([before, after])
    service = Service.of(pool, np.arange(_REFERENCE), 0.05, 0.0, figures_of(every, taking))
    stats = summarise(state_of([before[:_REFERENCE]], taking), kind, "", exclude_nan=True)
    monitor = Monitor(Reference.from_figures(pool.values[:_REFERENCE], taking, stats), memory=memory)
    chance = np.random.default_rng(8)
    drawn = np.concatenate([chance.integers(_REFERENCE, 200, (300, _BATCH)), chance.integers(200, 400, (200, _BATCH))])
    return service, monitor, every, drawn


@pytest.mark.parametrize(("kind", "gain", "memory"), [("images", 0.9, None), ("images", 0.5, 3), ("rows", 0.8, None)])
def test_a_simulated_service_has_the_evidence_of_a_monitor_after_every_batch(kind: str, gain: float, memory: int | None) -> None:
    service, monitor, every, drawn = _served(kind, gain, memory)
    evidence, alarm = [], 0
    for batch in drawn:
        monitor.count([every[batch]])
        evidence.append(monitor.evidence())
    alarm = monitor.state.alarm
    np.testing.assert_allclose(service.evidence(drawn, memory), evidence, rtol=1e-9, atol=1e-9)
    assert 300 < alarm == service.first_alarm(drawn, memory)


@pytest.mark.parametrize("kind", sorted(_SETS))
def test_no_batch_whose_evidence_is_an_alarm_is_left_out(kind: str) -> None:
    service, _, _, drawn = _served(kind, 0.97, None)
    evidence = service.evidence(drawn)
    looked_at = service.evidence(drawn, until_alarm=True)
    known = np.isfinite(looked_at)
    np.testing.assert_array_equal(looked_at[known], evidence[known])
    end = service.first_alarm(drawn) or len(drawn)
    assert (evidence[:end][~known[:end]] < service.threshold(None)).all()
    assert known.sum() < len(drawn) / 2
