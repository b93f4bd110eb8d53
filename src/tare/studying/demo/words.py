"""The demo's verdict on a shift."""

from __future__ import annotations

from collections.abc import Sequence

from tare.studying.analysis.contrasts import Contrast
from tare.studying.demo.result import shift_of


def verdict(shift: str, contrasts: Sequence[Contrast], seeds: int) -> str:
    """One sentence: which strategies differ from ``source`` under a shift, by how much, and for which no difference is shown."""
    here = [item for item in contrasts if shift_of(item) == shift]
    shown = sorted((item for item in here if item.shown), key=lambda item: -abs(item.difference.estimate))
    if not shown:
        low = min(item.difference.low for item in here)
        high = max(item.difference.high for item in here)
        return (
            f"No difference from source shown: over {seeds} seeds the 95% intervals of the paired differences "
            f"lie between {signed_points(low)} and {signed_points(high)} points."
        )
    parts = [
        f"{item.strategy} is {item.statement} than source by {100 * abs(item.difference.estimate):.1f} points "
        f"({signed_points(item.difference.low)} to {signed_points(item.difference.high)})"
        for item in shown
    ]
    others = [item.strategy for item in here if not item.shown]
    rest = f"; no difference shown for {', '.join(others)}" if others else ""
    return f"{'; '.join(parts)}{rest} ({seeds} seeds, paired, Holm-adjusted)."


def signed_points(share: float) -> str:
    """A share as signed percentage points; what rounds to nothing is +0.0, from either side."""
    return f"{round(100 * share, 1) + 0.0:+.1f}"
