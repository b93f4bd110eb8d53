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
        "shares": {},
        "gaps": {"source": 0.0, "target": 0.5},
        "twins": {},
    }
    fair, tuned = {"source": [0.7, 0.7], "target": [0.7 + truth] * 2}, {"source": 0.8, "target": 0.8 + truth / 2}
    return {"evidence": evidence, "fair": fair, "tuned": tuned, "batch_norm": False}


def test_a_rate_counts_how_often_advice_of_a_kind_came_true() -> None:
    made = [record(0.1, 0.08), record(0.1, -0.02), record(0.1, 0.06), record(-0.1, -0.05)]
    told = rates([TASK], {TASK.name: made})
    found = {(one["said"], one["labels"]): one for one in told if one["protocol"] == "probe"}
    assert found["another", True]["times"] == 3
    assert found["another", True]["right"] == pytest.approx(2 / 3, abs=1e-3)
    assert found["another", True]["gain"] == pytest.approx(0.04, abs=1e-4)
    assert (found["source", True]["times"], found["source", True]["right"]) == (1, 1.0)
    # Without labels nothing is foreign: source is kept four times, and twice another was better by more than a point.
    assert (found["source", False]["times"], found["source", False]["right"]) == (4, 0.5)
    tuned = {one["said"]: one for one in told if one["protocol"] == "finetune" and one["labels"]}
    assert tuned["another"]["gain"] == pytest.approx(0.02, abs=1e-4)


def test_advice_that_it_does_not_matter_is_judged_by_the_mean_of_a_tasks_seeds() -> None:
    share = {"target": [{"norm": "norm", "train": 0.1}]}
    made = [record(0.0, truth) for truth in (0.06, -0.05, 0.04, -0.04)]
    for one in made:
        one["batch_norm"], one["evidence"]["shares"] = True, share
    found = [one for one in rates([TASK], {TASK.name: made}) if one["protocol"] == "finetune"]
    assert {(one["said"], one["times"], one["right"]) for one in found} == {("no matter", 4, 1.0)}
    for one in made:
        one["tuned"]["target"] = 0.9
    found = [one for one in rates([TASK], {TASK.name: made}) if one["protocol"] == "finetune"]
    assert {(one["said"], one["right"]) for one in found} == {("no matter", 0.0)}


def test_what_the_program_ships_is_what_the_benchmark_writes() -> None:
    shipped = advice_rates._rates()
    assert all(0 <= one.right <= 1 and one.times > 0 and one.tasks > 0 for one in shipped)
    assert len({(one.said, one.confidence, one.protocol, one.labels) for one in shipped}) == len(shipped)


def test_too_few_cases_are_no_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    many, few = (Rate("another", sure, "probe", True, times, 0.52, 0.008, 43) for sure, times in (("low", 50), ("high", 3)))
    monkeypatch.setattr(advice_rates, "_rates", lambda: (many, few))
    assert rate_of("another", "high", "probe", labels=True) is None
    assert rate_of("another", "low", "probe", labels=False) is None
    assert rate_of("another", "low", "finetune", labels=True) is None
    found = rate_of("another", "low", "probe", labels=True)
    assert found is many
    assert found.in_words() == (
        "in the benchmark of this rule (43 tasks, frozen networks with a new head) advice with labels advised another strategy "
        "than source with low confidence 50 times; in 52% of the cases that strategy was better than source, by +0.8 points on "
        "average"
    )
