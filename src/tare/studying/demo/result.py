"""The result of the demo: accuracies, their analysis, the strategies' inputs, and the saved model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tare.normalisation.applied import Normalisation
from tare.normalisation.names import Strategy
from tare.statistics.dataset_stats import DatasetStats
from tare.studying.analysis.analysis import Analysis, Mean
from tare.studying.analysis.contrasts import Contrast


@dataclass(frozen=True, slots=True)
class ProbeScore:
    """Accuracy of one strategy under one condition (``shift``) with one seed."""

    strategy: Strategy
    shift: str
    seed: int
    accuracy: float


@dataclass(frozen=True, slots=True)
class FedByStrategy:
    """One strategy's inputs under one shift: the normalisation, the inputs' mean and std, and examples."""

    shift: str
    normalisation: Normalisation
    fed_mean: float
    fed_std: float
    inputs: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Saved:
    """The saved fine-tuned model; ``reload_difference`` is the largest change of its outputs by saving and loading."""

    folder: Path
    strategy: Strategy
    accuracy: float
    reload_difference: float


@dataclass(frozen=True, slots=True)
class Feed:
    """One way to feed the network.

    ``agreement`` is the share of photographs with the same answer as under the right feed; ``trust`` is the mean probability
    of that answer; ``codes`` are the findings of ``tare.check``.
    """

    name: str
    agreement: float
    trust: float
    codes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PretrainedResult:
    """What a real network does with right and wrong input; ``named`` is what ``tare.identify`` found, with the numbers."""

    feeds: tuple[Feed, ...]
    images: int
    named: str
    others: int
    finds: str


@dataclass(frozen=True, slots=True)
class DemoResult:
    """The results of the demo; the analysis has one group per shift."""

    source_stats: DatasetStats
    target_stats: DatasetStats
    seeds: int
    train_size: int
    test_size: int
    cells: tuple[ProbeScore, ...]
    analysis: Analysis
    verdicts: Mapping[str, str]
    same_inputs: Mapping[str, Mapping[Strategy, Strategy]]
    fed: tuple[FedByStrategy, ...]
    saved: Saved
    pretrained: PretrainedResult | None = None

    def to_json(self) -> dict[str, Any]:
        """The results as a JSON object with schema ``tare.demo/1``."""
        return {
            "schema": "tare.demo/1",
            "seeds": self.seeds,
            "source": self.source_stats.to_json(),
            "target": self.target_stats.to_json(),
            "cells": [asdict(cell) for cell in self.cells],
            "summaries": [
                {"strategy": mean.strategy, "shift": shift_of(mean), "accuracy": asdict(mean.score), "seeds": mean.pairs}
                for mean in self.analysis.means
            ],
            "differences": [
                {
                    "strategy": contrast.strategy,
                    "shift": shift_of(contrast),
                    "accuracy": asdict(contrast.difference),
                    "p_adjusted": stated_p(contrast),
                }
                for contrast in self.analysis.contrasts
            ],
            "verdicts": dict(self.verdicts),
            "same_inputs": {shift: dict(same) for shift, same in self.same_inputs.items()},
            "pretrained": None if self.pretrained is None else asdict(self.pretrained),
            "saved": {**asdict(self.saved), "folder": str(self.saved.folder)},
        }


def shift_of(item: Mean | Contrast) -> str:
    """The shift of a mean or contrast of the demo."""
    return dict(item.group)["shift"]


def stated_p(contrast: Contrast) -> float:
    """The adjusted p value; 1 for identical scores, which cannot be tested."""
    return 1.0 if contrast.statement == "identical" else contrast.p_adjusted
