from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from benchmarks.advice_regret import rates
from benchmarks.advice_tasks import PAIRS, AdviceTask

from tare.advising import rates as advice_rates
from tare.advising.rates import Rate, rate_of

TASK = AdviceTask(PAIRS[0], "batch", 40, "content")


def record(gain: float, truth: float, count: int = 200) -> dict[str, Any]:
    """Labels that show ``gain`` for target, which really gains ``truth``."""
    noise = np.random.default_rng(0).normal(0, 0.05, count)
    evidence = {
        "scores": {name: {"activations": None, "at_input": {"estimate": 0.1}} for name in ("source", "target")},
        "accuracy": {"source": [0.7] * 25, "target": [0.7 + gain] * 25},
        "credit": {"source": [0.7] * count, "target": (0.7 + gain + noise).tolist()},
        "by_classes": {},
        "ratio": 0.25,
        "gaps": {"source": 0.0, "target": 0.5},
        "twins": {},
    }
    return {"evidence": evidence, "fair": {"source": [0.7, 0.7], "target": [0.7 + truth] * 2}}


def test_a_rate_counts_how_often_advice_of_a_kind_came_true() -> None:
    made = [record(0.1, 0.08), record(0.1, -0.02), record(0.1, 0.06), record(-0.1, -0.05)]
    found = {(one["said"], one["labels"]): one for one in rates([TASK], {TASK.name: made})}
    assert found["another", True]["times"] == 3
    assert found["another", True]["right"] == pytest.approx(2 / 3, abs=1e-3)
    assert found["another", True]["gain"] == pytest.approx(0.04, abs=1e-4)
    assert (found["source", True]["times"], found["source", True]["right"]) == (1, 1.0)
    # Without labels nothing is foreign: source is kept four times, and twice another was better by more than a point.
    assert (found["source", False]["times"], found["source", False]["right"]) == (4, 0.5)


def test_what_the_program_ships_is_what_the_benchmark_writes() -> None:
    shipped = advice_rates._rates()
    assert all(0 <= one.right <= 1 and one.times > 0 and one.tasks > 0 for one in shipped)
    assert len({(one.said, one.confidence, one.labels) for one in shipped}) == len(shipped)


def test_too_few_cases_are_no_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    many, few = (Rate("another", sure, True, times, 0.52, 0.008, 43) for sure, times in (("low", 50), ("high", 3)))
    monkeypatch.setattr(advice_rates, "_rates", lambda: (many, few))
    assert rate_of("another", "high", labels=True) is None
    assert rate_of("another", "low", labels=False) is None
    found = rate_of("another", "low", labels=True)
    assert found is many
    assert found.in_words() == (
        "in the benchmark of this rule (43 tasks) advice with labels advised another strategy than source with low confidence "
        "50 times; in 52% of the cases that strategy was better than source, by +0.8 points on average"
    )
