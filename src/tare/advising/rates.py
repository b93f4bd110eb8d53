"""How often advice of a kind was right in its own benchmark: figures that ``benchmarks.advice_regret`` writes."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

SCHEMA = "tare.advice-rates/1"
#: What advice can say: take another strategy, stay with ``source``, or that it does not matter.
AdviceKind = Literal["another", "source", "no matter"]

_FEWEST = 5


@dataclass(frozen=True, slots=True)
class Rate:
    """How advice that ``said`` this with this ``confidence``, with or without ``labels``, fared on the tasks that are judged.

    ``right`` is the share of ``times`` that it was: another strategy better than ``source`` on samples that advice never saw; no
    strategy more than a point better than ``source``; none more than a point away from it. ``gain`` is the mean gain over
    ``source`` in accuracy, a share. ``tasks`` counts the tasks behind all rates.
    """

    said: AdviceKind
    confidence: str
    labels: bool
    times: int
    right: float
    gain: float
    tasks: int

    def to_json(self) -> dict[str, Any]:
        """As a JSON object."""
        return asdict(self)

    def in_words(self) -> str:
        """One sentence."""
        told = {
            "another": f"advised another strategy than source with {self.confidence} confidence",
            "source": f"kept source with {self.confidence} confidence",
            "no matter": "said that it does not matter",
        }[self.said]
        outcome = {
            "another": f"it was better than source in {self.right:.0%} of them, by {100 * self.gain:+.1f} points on average",
            "source": f"in {self.right:.0%} of them no other was better by more than a point",
            "no matter": f"in {self.right:.0%} of them no other was more than a point away from it",
        }[self.said]
        return (
            f"in the benchmark of this rule ({self.tasks} tasks) advice {'with' if self.labels else 'without'} labels {told} "
            f"{self.times} times; {outcome}"
        )


def rate_of(said: AdviceKind, confidence: str, *, labels: bool) -> Rate | None:
    """The rate of such advice, or None where the benchmark met too few cases to say."""
    return next(
        (
            one
            for one in _rates()
            if (one.said, one.confidence, one.labels) == (said, confidence, labels) and one.times >= _FEWEST
        ),
        None,
    )


@cache
def _rates() -> tuple[Rate, ...]:
    document = json.loads((files("tare.advising") / "advice_rates.json").read_text(encoding="utf-8"))
    return tuple(Rate(**cell, tasks=document["tasks"]) for cell in document["rates"])
