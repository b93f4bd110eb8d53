from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tare
from tare.monitoring.evidence.confidence import Scale, intervals
from tare.monitoring.monitor import Monitor
from tests.monitoring.made import changed, photographs, reference

_LEVELS = np.arange(64.0)


def _scale() -> Scale:
    held = np.exp(-(((_LEVELS - 32) / 8) ** 2) / 2)
    return Scale.of(held, _LEVELS)


def _capital(z: np.ndarray[tuple[int], np.dtype[np.float64]], mean: float, sign: int) -> float:
    """The definition, sample by sample: the mean over stakes of a product."""
    stakes = 0.95 * 0.5 ** np.arange(15) / (2.5 + abs(mean))
    return float(np.mean([np.prod(1 + sign * stake * (z - mean)) for stake in stakes]) / 2)


@pytest.mark.parametrize("number", [1, 5, 40])
def test_the_ends_are_where_the_capital_of_the_definition_is_reached(number: int) -> None:
    scale, chance = _scale(), np.random.default_rng(number)
    drawn = np.clip(np.round(chance.normal(38, 6, number)), 0, 63).astype(int)
    counts, certain = np.bincount(drawn, minlength=64).astype(float), math.log(20)
    live, low, high = (part[0] for part in intervals(counts[None], scale.z[None], np.array([certain])))
    assert live == pytest.approx(scale.z[drawn].mean())
    assert low <= live <= high
    for end, sign in ((low, 1), (high, -1)):
        if abs(end) < 2.5:
            assert _capital(scale.z[drawn], end, sign) == pytest.approx(20, rel=1e-4)
        else:
            assert _capital(scale.z[drawn], -sign * 2.4999, sign) < 20


@given(st.lists(st.integers(0, 63), min_size=1, max_size=60), st.floats(0.5, 8))
def test_more_certainty_is_a_wider_interval(drawn: list[int], certain: float) -> None:
    z, counts = _scale().z[None], np.bincount(drawn, minlength=64).astype(float)[None]
    _, low, high = intervals(counts, z, np.array([certain]))
    _, lower, higher = intervals(counts, z, np.array([certain + 1]))
    assert lower <= low + 1e-6
    assert high <= higher + 1e-6


def test_no_sample_has_no_interval() -> None:
    assert all(np.isnan(part[0]) for part in intervals(np.zeros((1, 64)), _scale().z[None], np.ones(1)))


def test_the_true_mean_is_inside_at_all_times_in_nearly_all_streams() -> None:
    """Of 200 streams of 2,000 samples, looked at after each 10, at most 5% leave the interval at any time: 10, and chance."""
    scale, left = _scale(), 0
    shares = np.exp(-(((_LEVELS - 32) / 8) ** 2) / 2)
    shares /= shares.sum()
    true = float(shares @ scale.z)
    for seed in range(200):
        drawn = np.random.default_rng(seed).choice(64, 2000, p=shares)
        counts = np.cumsum(np.eye(64)[drawn].reshape(-1, 10, 64).sum(axis=1), axis=0)
        # The capitals at the true mean decide, which is faster than every interval.
        stakes = 0.95 * 0.5 ** np.arange(15) / (2.5 + abs(true))
        for sign in (1, -1):
            grown = counts @ np.log1p(sign * stakes[:, None] * (scale.z - true)).T
            left += bool((np.logaddexp.reduce(grown, axis=1) - math.log(30) >= math.log(20)).any())
    assert left <= 18


@pytest.mark.parametrize("share", [0.01, 0.3, 0.97])
def test_the_true_share_is_inside_at_all_times_in_nearly_all_streams(share: float) -> None:
    """As above, of samples that have no data or have some: a reference of few says nothing of how many there may be."""
    held, shown = np.zeros(64), (_LEVELS > 0).astype(float)
    held[0], held[63] = 980, 20
    scale, left = Scale.of(held, shown, is_share=True), 0
    for seed in range(200):
        drawn = np.cumsum((np.random.default_rng(seed).random(1000) < share).reshape(-1, 50).sum(axis=1))
        counts = np.zeros((len(drawn), 64))
        counts[:, 63], counts[:, 0] = drawn, 50 * np.arange(1, len(drawn) + 1) - drawn
        z, certain = np.repeat(scale.z[None], len(drawn), axis=0), np.full(len(drawn), math.log(20))
        live, low, high = (scale.back(part) for part in intervals(counts, z, certain, np.ones(len(drawn), bool)))
        np.testing.assert_allclose(live, drawn / counts.sum(axis=1), atol=1e-12)
        left += bool(((low > share + 1e-9) | (high < share - 1e-9)).any())
    assert left <= 18
    assert high[-1] - low[-1] < 0.2


def test_shares_without_data_are_those_of_the_rows(tmp_path: Path) -> None:
    """A row has no data or has some; the share was cut at 2.5 spreads of the reference."""
    rows = np.random.default_rng(0).normal(5, 1, (3000, 2))
    for name, every in (("a", 20), ("b", 2)):
        lacking = rows.copy()
        lacking[::every, 1] = np.nan
        np.savetxt(tmp_path / f"{name}.csv", lacking, delimiter=",", header="x,y", comments="")
    (track,) = (
        each for each in tare.drift(tmp_path / "a.csv", tmp_path / "b.csv").tracks if each.figure == "share without data of y"
    )
    assert track.reference == pytest.approx(0.05)
    assert track.live.estimate == pytest.approx(0.5)
    assert 0.45 < track.live.low < 0.5 < track.live.high < 0.55


def test_a_course_tells_when_a_change_came_and_keeps_the_time_before() -> None:
    monitor = Monitor(reference(800))
    for place in range(128):
        batch = photographs(8, 100 + place)
        monitor.update(changed(batch, 0.5) if place >= 64 else batch)
    course = next(each for each in monitor.courses() if each.figure == "mean of red")
    before = [moment for moment in course.moments if moment.until <= 64]
    after = [moment for moment in course.moments if moment.start >= 64]
    assert before
    assert after
    assert all(
        m.window.low <= course.reference <= m.window.high and m.life.low <= course.reference <= m.life.high for m in before
    )
    assert any(m.window.high < course.reference for m in after)
    assert course.moments[-1].until == 128
    assert [m.start for m in course.moments[1:]] == [m.until for m in course.moments[:-1]]


def test_the_last_evidence_over_time_is_the_evidence_now() -> None:
    monitor = Monitor(reference(300))
    assert monitor.courses() == ()
    assert monitor.evidence_over_time() == ()
    for place in range(20):
        monitor.update(photographs(8, place))
    batches, evidence = monitor.evidence_over_time()[-1]
    assert batches == 20
    assert evidence == pytest.approx(monitor.verdict().evidence)
