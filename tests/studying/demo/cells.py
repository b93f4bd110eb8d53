"""Made accuracies of five seeds, and what is shown of them."""

from __future__ import annotations

from tare.normalisation.names import Strategy
from tare.studying.analysis.contrasts import Contrast
from tare.studying.demo.result import ProbeScore
from tare.studying.demo.run import demo_analysis

SHIFT = "as it is"
BASE = [0.80, 0.82, 0.78, 0.85, 0.81]
BETTER = [0.05, 0.06, 0.055, 0.045, 0.05]
NOISE = [0.01, -0.02, 0.005, -0.01, 0.015]


def probed(gaps: dict[Strategy, list[float]]) -> list[ProbeScore]:
    """Accuracies of ``source``, and of each strategy that many above it."""
    made = [ProbeScore("source", SHIFT, seed, value) for seed, value in enumerate(BASE)]
    for strategy, values in gaps.items():
        made += [ProbeScore(strategy, SHIFT, seed, BASE[seed] + gap) for seed, gap in enumerate(values)]
    return made


def contrasts_of(gaps: dict[Strategy, list[float]]) -> tuple[Contrast, ...]:
    """The contrasts of these accuracies with ``source``."""
    return demo_analysis(probed(gaps)).contrasts
