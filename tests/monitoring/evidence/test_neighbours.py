from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.signal import lfilter

import tare
from tare.errors import DataError
from tare.monitoring.evidence.neighbours import Alike
from tare.monitoring.reference import Reference
from tests.monitoring.made import changed, photographs, reference


def autoregressive(seed: int, correlation: float, number: int = 2000) -> NDArray[np.float64]:
    """Rows ``(N, 1)`` with std 1 and this correlation of neighbours."""
    noise = np.random.default_rng(seed).normal(size=number + 500) * np.sqrt(1 - correlation**2)
    return np.asarray(lfilter([1.0], [1.0, -correlation], noise)[500:, None], np.float64)


def found(before: Any, after: Any, **options: Any) -> Any:
    return tare.drift(before if isinstance(before, Reference) else Reference.of(before, workers=1), after, **options)


def test_independent_rows_are_alike_by_chance_alone_whatever_changes_on_the_way() -> None:
    assert [Reference.of(autoregressive(seed, 0.0, 960), workers=1).alike for seed in range(40)] == [Alike()] * 40
    moved = [autoregressive(seed, 0.0, 480) + 4.0 * (np.arange(480) >= 240 + seed)[:, None] for seed in range(1, 6)]
    verdicts = [found(autoregressive(0, 0.0), each) for each in moved]
    assert {each.neighbours for each in verdicts} == {""}
    assert all(each.alarm for each in verdicts)


@pytest.mark.parametrize("kind", ["rare", "far", "pareto", "cauchy"])
def test_independent_rows_of_which_few_differ_are_not_alike(kind: str) -> None:
    made: dict[str, Callable[[np.random.Generator], Any]] = {
        "rare": lambda chance: chance.random((600, 3)) < 0.02,
        "far": lambda chance: chance.normal(size=(600, 3)) + 50.0 * (chance.random((600, 3)) < 0.01),
        "pareto": lambda chance: chance.pareto(0.5, (600, 3)),
        "cauchy": lambda chance: chance.standard_cauchy((600, 3)),
    }
    rows = [made[kind](np.random.default_rng(seed)).astype(np.float64) for seed in range(60)]
    assert [Reference.of(each, workers=1).alike for each in rows] == [Alike()] * 60
    runs = np.repeat(made[kind](np.random.default_rng(0)).astype(np.float64), 4, axis=0)
    assert Reference.of(runs, workers=1).alike.samples > 3


@pytest.mark.parametrize("correlation", [0.5, 0.8, 0.95])
def test_as_many_rows_count_as_one_as_their_sum_shows(correlation: float) -> None:
    known = [Reference.of(autoregressive(seed, correlation, 8000), workers=1).alike.samples for seed in range(5)]
    assert np.median(known) == pytest.approx((1 + correlation) / (1 - correlation), rel=0.5)


def test_a_table_in_its_order_is_no_drift_of_itself() -> None:
    rows = autoregressive(3, 0.97)
    assert found(rows, rows, memory=0).neighbours == ""
    verdict = found(rows, rows)
    assert verdict.clean
    assert str(verdict).startswith("Neighbouring samples are alike (mean of c0 has a correlation of 0.")
    assert "in a row count as one, as with --memory" in str(verdict)
    assert verdict.to_json()["neighbours"] == verdict.neighbours
    monitor = tare.Monitor(Reference.of(rows, workers=1))  # without a memory a monitor raises the false alarm, and says why
    assert any(monitor.update(rows[start : start + 8]) for start in range(0, 2000, 8))
    assert "neighbouring samples of the reference are alike" in str(monitor.verdict().notes)


def test_data_in_the_order_of_their_classes_are_told_from_other_data() -> None:
    classes = np.concatenate([autoregressive(seed, 0.0, 300) + 3.0 * seed for seed in range(3)])
    for after, is_order in ((classes, True), (classes + 0.8, False), (np.random.default_rng(0).permutation(classes), None)):
        verdict = found(classes, after)
        assert verdict.alarm == 0 if is_order is None else verdict.alarm
        assert ("it is their order that changed" in verdict.reason) == bool(is_order)


def test_a_change_of_rows_that_are_alike_is_found_and_said_with_them() -> None:
    verdict = found(autoregressive(1, 0.8), autoregressive(2, 0.8) + 2.0 * (np.arange(2000) >= 1000)[:, None])
    assert verdict.alarm
    assert 110 < verdict.since.estimate < 150
    assert str(verdict).startswith("Neighbouring samples are alike")
    assert verdict.headline.startswith("Changed since batch")


def test_few_rows_are_judged_as_those_of_the_reference_are() -> None:
    assert found(autoregressive(1, 0.9), autoregressive(2, 0.9, 60)).neighbours
    assert not found(autoregressive(1, 0.9), np.random.default_rng(0).permutation(autoregressive(2, 0.9))).neighbours


def test_images_that_follow_each_other_are_alike_and_single_ones_are_not() -> None:
    known = reference(300)
    assert known.alike == Alike()
    frames = np.repeat(photographs(40, 5), 6, axis=0)
    assert "std of" in found(known, frames).neighbours or "mean of" in found(known, frames).neighbours
    assert not found(known, np.concatenate([photographs(100, 6), changed(photographs(100, 7), gain=0.6)])).neighbours


def test_a_file_keeps_what_is_known_of_neighbours(tmp_path: Path) -> None:
    known = Reference.of(autoregressive(1, 0.9), workers=1)
    known.save(tmp_path / "r.json")
    assert Reference.load(tmp_path / "r.json").alike == known.alike
    assert Reference.load(tmp_path / "r.json").digest == known.digest
    document = known.to_json()
    assert Reference.from_json({name: value for name, value in document.items() if name != "alike"}).alike == Alike()
    for damage in ({"samples": 0.5}, {"samples": 1e9}, {"correlation": 2}, {"samples": "many"}):
        with pytest.raises(DataError, match=r"a complete 'tare.reference/1' object"):
            Reference.from_json({**document, "alike": {**document["alike"], **damage}})


def test_a_stated_memory_counts_those_of_the_reference_as_they_are() -> None:
    known, rows = Reference.of(autoregressive(1, 0.95), workers=1), autoregressive(2, 0.95) + 1.5
    less, more = (tare.drift(each, rows, memory=4).peak for each in (known, replace(known, alike=Alike())))
    assert less < more
