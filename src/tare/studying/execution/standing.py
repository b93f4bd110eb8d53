"""The running mean accuracy of each strategy while a study runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


class Standing:
    """Running mean accuracy of each strategy over the cells measured so far; strategies differ only in failed cells."""

    def __init__(self) -> None:
        self.sums: dict[str, float] = {}
        self.counts: dict[str, int] = {}

    def add(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Count rows of the tidy table."""
        for row in rows:
            if row["accuracy"] is not None:
                name = row["strategy"]
                self.sums[name] = self.sums.get(name, 0.0) + row["accuracy"]
                self.counts[name] = self.counts.get(name, 0) + 1

    def text(self) -> str:
        """The leading strategy and ``source`` with their running means, which are not a result."""
        means = {name: self.sums[name] / self.counts[name] for name in self.sums}
        if not means:
            return ""
        best = max(means, key=means.__getitem__)
        beside = f", source {means['source']:.1%}" if best != "source" and "source" in means else ""
        return f"ahead: {best} {means[best]:.1%}{beside}"
