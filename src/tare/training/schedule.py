"""Learning rates over the steps of a run: the head alone first, then a cosine with warm-up."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Schedule:
    """Factors of the peak learning rate at each of ``steps`` steps; the first ``head_steps`` train the head alone.

    ``warm_up`` is the share of a phase's steps in which the rate rises.
    """

    steps: int
    head_steps: int = 0
    warm_up: float = 0.1

    def head(self, step: int) -> float:
        """Return the head's factor: it rises to one and stays there while the head trains alone, then equals the body's."""
        if step < self.head_steps:
            return min(1.0, (step + 1) / max(1, round(self.head_steps * self.warm_up)))
        return self.body(step)

    def body(self, step: int) -> float:
        """Return the body's factor: zero while the head trains alone, then a rise, then a half cosine to zero."""
        if step < self.head_steps:
            return 0.0
        return warmed_cosine(step - self.head_steps, self.steps - self.head_steps, self.warm_up)


def warmed_cosine(step: int, steps: int, warm_up: float = 0.1) -> float:
    """Return the learning-rate factor: a linear rise over the share ``warm_up`` of ``steps``, then a half cosine to zero."""
    warm = max(1, round(steps * warm_up))
    if step < warm:
        return (step + 1) / warm
    return 0.5 * (1 + math.cos(math.pi * min(1.0, (step - warm) / max(1, steps - warm))))
