"""Dataset statistics for tests: made from arrays, or stated."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tare.samples.records import Sample, Stack
from tare.statistics.dataset_stats import ChannelStats, DatasetStats, summarise
from tare.statistics.state import DatasetState


def stats_of(samples: Iterable[NDArray[Any]], source: str = "arrays") -> DatasetStats:
    """Measure samples ``(..., C)``, each of them one sample."""
    records = [Sample(f"{index:06}", values) for index, values in enumerate(samples)]
    return summarise(DatasetState.of(records), source, "test")


def stacked(samples: NDArray[Any], source: str = "stack") -> DatasetStats:
    """Measure samples of one size ``(N, ..., C)`` in one pass."""
    return summarise(DatasetState.of([Stack("0", samples)]), source, "test")


def stated_stats(mean: Sequence[float], std: Sequence[float], samples: int = 100, error: float | None = None) -> DatasetStats:
    """Statistics with the given moments; standard errors are those of ``samples`` independent values unless given."""
    channels = tuple(
        ChannelStats(
            name=f"c{index}",
            count=samples,
            mean=m,
            std=s,
            mean_se=s / np.sqrt(samples) if error is None else error,
            std_se=s / np.sqrt(2 * samples) if error is None else error,
            min=m - 2 * s,
            max=m + 2 * s,
            mean_of_sample_std=s,
        )
        for index, (m, s) in enumerate(zip(mean, std, strict=True))
    )
    return DatasetStats(samples, channels)
