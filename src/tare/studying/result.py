"""The result of a study: its rows, the inputs that each strategy feeds the network, and the analysis."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tare.statistics.dataset_stats import nullable
from tare.studying.analysis.analysis import Analysis, group_text
from tare.studying.plan import StudyPlan
from tare.system.shown import Shown

SCHEMA = "tare.study/1"
#: The name of the pretraining's own input among the inputs of the strategies.
PRETRAINING = "pretraining"

#: A row of the tidy table: one cell.
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class FedInputs:
    """Moments of a strategy's inputs under a shift, and the share of values in each of equal bins from ``low`` to ``high``.

    The values are the training samples of the largest size with seed 0, in input units, pooled over channels; values outside the
    range count in the bins at its ends. The strategy ``pretraining`` is dataset0 as the network was trained on it, and ``stored``
    the unit values before normalisation.
    """

    shift: str
    strategy: str
    mean: float
    std: float
    low: float
    high: float
    shares: tuple[float, ...]


@dataclass(frozen=True, slots=True, eq=False)
class ExampleInputs:
    """Example inputs ``(N, C, H, W)`` of a strategy under a shift, in input units; large images are thinned."""

    shift: str
    strategy: str
    images: NDArray[np.float32]


@dataclass(frozen=True, slots=True, repr=False)
class StudyRun(Shown):
    """A study: its folder, its rows in the plan's order, the inputs of each strategy, and the analysis of each score.

    ``missing`` counts the cells of the plan that are not measured yet; a finished study has none. ``notes`` say what was assumed
    or left out when the samples were read.
    """

    folder: Path
    plan: StudyPlan
    rows: tuple[Row, ...]
    fed: tuple[FedInputs, ...]
    views: tuple[ExampleInputs, ...]
    analyses: Mapping[str, Analysis]
    measured: int
    command: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    missing: int = 0
    notes: tuple[str, ...] = ()

    @property
    def analysis(self) -> Analysis:
        """The analysis of the only score, or of the first."""
        return next(iter(self.analyses.values()))

    @property
    def failed(self) -> int:
        """Number of cells with an error."""
        return sum(bool(row["error"]) for row in self.rows)

    def summary(self) -> str:
        """The verdict's first sentence, the number of cells, and the folder."""
        failed = f", {self.failed} failed" if self.failed else ""
        failed += f", {self.missing:,} not measured yet" if self.missing else ""
        return f"{next(iter(self.analysis.sentences), 'no verdict')} ({len(self.rows):,} cells{failed}, in {self.folder})"

    def table(self) -> list[dict[str, Any]]:
        """One row for each strategy in each group and score: its difference to the baseline."""
        return [
            {
                "score": name,
                "group": group_text(one.group),
                "strategy": one.strategy,
                "pairs": one.pairs,
                "difference": one.difference.estimate,
                "low": one.difference.low,
                "high": one.difference.high,
                "p_adjusted": one.p_adjusted,
                "statement": one.statement,
            }
            for name, analysis in self.analyses.items()
            for one in analysis.contrasts
        ]

    def points(self) -> list[dict[str, Any]]:
        """The difference of each strategy to the baseline, by group, in the first score."""
        return [
            nullable(
                {
                    "panel": group_text(one.group),
                    "name": one.strategy,
                    "value": one.difference.estimate,
                    "low": one.difference.low,
                    "high": one.difference.high,
                }
            )
            for one in self.analysis.contrasts
        ]

    def to_json(self) -> dict[str, Any]:
        """The summary as a JSON object with schema ``tare.study/1``."""
        return {
            "schema": SCHEMA,
            "versions": dict(self.versions),
            "command": self.command,
            "plan": self.plan.to_json(),
            "cells": len(self.rows),
            "failed": self.failed,
            "notes": list(self.notes),
            "errors": sorted({row["error"] for row in self.rows if row["error"]})[:20],
            "fed": [asdict(item) for item in self.fed],
            "analysis": self.analysis.to_json(),
            "further": [analysis.to_json() for analysis in list(self.analyses.values())[1:]],
        }
