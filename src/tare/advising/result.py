"""The result of ``tare advise``: a strategy, the reasons, the confidence, and the cost of being wrong."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from tare.advising.rates import Rate
from tare.advising.rule import AdvisedProtocol, Confidence, Gain, Outcome, Reason
from tare.comparing.result import Comparison
from tare.normalisation.applied import Normalisation
from tare.normalisation.names import Strategy
from tare.statistics.dataset_stats import nullable
from tare.system.shown import Shown

SCHEMA = "tare.advice/1"
#: The recommendation if all strategies are alike.
NO_MATTER = "it does not matter"


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number with its unit, and its 95% interval or None."""

    name: str
    value: float
    interval: tuple[float, float] | None
    unit: str

    def to_json(self) -> dict[str, Any]:
        """As a JSON object; a value that is not finite is null."""
        ends = self.interval
        known = ends is not None and all(map(math.isfinite, ends))
        value = self.value if math.isfinite(self.value) else None
        return {"name": self.name, "value": value, "interval": list(ends) if known and ends else None, "unit": self.unit}


@dataclass(frozen=True, slots=True, repr=False)
class Advice(Shown):
    """The recommendation; ``strategy`` is the one to use, even if the choice does not matter.

    ``headline`` is the advice in one sentence. ``outcome`` says what is known: the strategy is shown to be better on these
    labels, it is expected to be better, or the choice does not matter. ``basis`` names the rule that decided, ``rule`` is that
    rule as a sentence. ``rate`` is how often this kind of advice was right in the benchmark, or None if too few cases are known.
    ``normalisations`` has the mean and std of every strategy that can be computed; ``refused`` says why the others cannot.
    ``labelled`` says whether accuracies were compared. ``protocol`` is what will be trained: a head, or all weights. ``gains``
    has each other strategy's gain in accuracy over ``source``; it is empty where the rule needed none.
    """

    recommendation: str
    headline: str
    outcome: Outcome
    strategy: Strategy
    confidence: Confidence
    basis: Reason
    rule: str
    rate: Rate | None
    because: tuple[str, ...]
    evidence: tuple[Figure, ...]
    would_change: tuple[str, ...]
    cost: str
    model: str
    data: str
    samples: int
    labelled: bool
    protocol: AdvisedProtocol
    seed: int
    normalisations: Mapping[Strategy, Normalisation]
    refused: Mapping[Strategy, str]
    comparison: Comparison | None
    notes: tuple[str, ...]
    gains: Mapping[Strategy, Gain] = field(default_factory=dict)

    @property
    def matters(self) -> bool:
        """Whether the choice of strategy matters."""
        return self.recommendation != NO_MATTER

    def summary(self) -> str:
        """The headline, the confidence, and what the wrong choice costs."""
        return f"{self.headline} Confidence: {self.confidence}. Cost of being wrong: {self.cost}."

    def table(self) -> list[dict[str, Any]]:
        """One row for each measured number."""
        return [
            {"name": one.name, "value": one.value, "low": low, "high": high, "unit": one.unit}
            for one in self.evidence
            for low, high in (one.interval or (None, None),)
        ]

    def points(self) -> list[dict[str, Any]]:
        """The measured numbers with their intervals, by unit."""
        rows = [nullable(row) for row in self.table()]
        return [{"panel": row["unit"], **{key: row[key] for key in ("name", "value", "low", "high")}} for row in rows]

    def to_json(self) -> dict[str, Any]:
        """The advice as a JSON object with schema ``tare.advice/1``."""
        return {
            "schema": SCHEMA,
            "recommendation": self.recommendation,
            "headline": self.headline,
            "outcome": self.outcome,
            "strategy": self.strategy,
            "confidence": self.confidence,
            "basis": self.basis,
            "rule": self.rule,
            "rate": None if self.rate is None else self.rate.to_json(),
            "because": list(self.because),
            "evidence": [item.to_json() for item in self.evidence],
            "would_change": list(self.would_change),
            "cost": self.cost,
            "model": self.model,
            "data": self.data,
            "samples": self.samples,
            "labelled": self.labelled,
            "protocol": self.protocol,
            "seed": self.seed,
            "normalisations": {name: one.to_json() for name, one in self.normalisations.items()},
            "refused": dict(self.refused),
            "gains": {name: _gain(one) for name, one in self.gains.items()},
            "kind": None if self.comparison is None else self.comparison.kind,
            "notes": list(self.notes),
        }


def _gain(gain: Gain) -> dict[str, Any]:
    """The expected gain with its range, and what the labels alone say."""
    return {
        "expected": nullable(asdict(gain.range)),
        "measured": None if gain.measured is None else nullable(asdict(gain.measured)),
    }
