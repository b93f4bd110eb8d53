"""The benchmark's own figures: what regret is, and that the best in hindsight does not flatter itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from benchmarks.advice_regret import advised, fixed, regret

NAMES = ("source", "target", "sample")


def records(levels: dict[str, float], noise: float, seeds: int = 6, draw: int = 0) -> list[dict[str, Any]]:
    rng = np.random.default_rng(draw)
    return [
        {"fair": {name: (levels[name] + noise * rng.normal(size=2)).tolist() for name in NAMES}, "seed": seed}
        for seed in range(seeds)
    ]


def test_regret_is_the_best_strategys_lead_over_the_advised_one() -> None:
    made = records({"source": 0.7, "target": 0.8, "sample": 0.5}, 0.0)
    assert regret("", made, fixed("target")).points == pytest.approx(0.0)
    assert regret("", made, fixed("source")).points == pytest.approx(10.0)
    assert regret("", made, fixed("source")).hindsight == pytest.approx(10.0)


def test_among_equals_hindsight_finds_a_regret_and_the_crossed_halves_none() -> None:
    found = [regret("", records(dict.fromkeys(NAMES, 0.7), 0.05, draw=draw), fixed("source")) for draw in range(200)]
    points = np.array([one.points for one in found])
    assert abs(points.mean()) < 3 * points.std() / np.sqrt(200)
    assert np.mean([one.hindsight for one in found]) > 0.5


def test_a_record_decides_again_as_the_evidence_did() -> None:
    folds = np.linspace(-0.02, 0.02, 25)
    evidence = {
        "scores": {name: {"activations": None, "at_input": {"estimate": 0.1}} for name in NAMES},
        "accuracy": {"source": (0.7 + folds).tolist(), "target": (0.8 + folds[::-1]).tolist()},
        "credit": {"source": (0.7 + folds).tolist(), "target": (0.9 + folds[::-1]).tolist()},
        "by_classes": {},
        "ratio": 0.25,
        "gaps": {"source": 0.0, "target": 0.5},
        "twins": {},
        "shares": {"target": [{"norm": "norm", "train": 0.1}]},
    }
    record = {"evidence": evidence, "batch_norm": True}
    assert advised(record).strategy == "target"
    assert advised(record, labels=False).strategy == "source"
    assert advised(record, protocol="finetune").basis == "absorbed"
