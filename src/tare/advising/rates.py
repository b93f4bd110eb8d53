"""How often each kind of advice was right in the benchmark of the rule (figures written by ``benchmarks.advice_regret``)."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from tare.advising.rule import AdvisedProtocol

SCHEMA = "tare.advice-rates/2"
#: The three kinds of advice: take another strategy than ``source``, keep ``source``, or "it does not matter".
AdviceKind = Literal["another", "source", "no matter"]

_FEWEST = 5


@dataclass(frozen=True, slots=True)
class Rate:
    """How often advice of the kind ``said`` was right at one ``confidence``, with or without ``labels``, on the judged tasks.

    ``protocol`` says what was trained.
    The advice was given ``times`` times and was right in the share ``right`` of them, on samples that it never saw. Advice of
    another strategy is right if that strategy beats ``source``; advice of ``source``, if no strategy is more than a point better;
    "no matter", if no strategy is more than a point away. ``gain`` is the mean gain in accuracy over ``source`` (a share).
    ``tasks`` counts the tasks behind all rates.
    """

    said: AdviceKind
    confidence: str
    protocol: AdvisedProtocol
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
        advice = {
            "another": f"advised another strategy than source with {self.confidence} confidence",
            "source": f"kept source with {self.confidence} confidence",
            "no matter": "said that the choice does not matter",
        }[self.said]
        trained = "frozen networks with a new head" if self.protocol == "probe" else "all weights trained"
        share = f"in {self.right:.0%} of the cases"
        outcome = {
            "another": f"{share} that strategy was better than source, by {100 * self.gain:+.1f} points on average",
            "source": f"{share} no other strategy was better by more than a point",
            "no matter": f"{share} no other strategy was more than a point away from source",
        }[self.said]
        return (
            f"in the benchmark of this rule ({self.tasks} tasks, {trained}) advice {'with' if self.labels else 'without'} labels "
            f"{advice} "
            f"{self.times} times; {outcome}"
        )


def rate_of(said: AdviceKind, confidence: str, protocol: AdvisedProtocol, *, labels: bool) -> Rate | None:
    """The rate of this kind of advice; None if the benchmark has fewer than five cases of it."""
    return next(
        (
            one
            for one in _rates()
            if (one.said, one.confidence, one.protocol, one.labels) == (said, confidence, protocol, labels)
            and one.times >= _FEWEST
        ),
        None,
    )


@cache
def _rates() -> tuple[Rate, ...]:
    document = json.loads((files("tare.advising") / "advice_rates.json").read_text(encoding="utf-8"))
    return tuple(Rate(**cell, tasks=document["tasks"]) for cell in document["rates"])
