"""Measure a logarithm of the values: a second pass, where the first one's counts of levels do not give it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from tare.measuring.one_pass import measure_state, stats_of
from tare.normalisation.names import Strategy
from tare.samples.layout import unit_scale
from tare.samples.records import Kept, Part, Record, Rows, Skipped
from tare.sources.base import Source
from tare.sources.derived import Derived
from tare.statistics.dataset_stats import DatasetStats
from tare.statistics.inference.logarithms import LOGARITHMS, LOWEST, logarithm
from tare.system.progress import Advance


@dataclass(frozen=True)
class Logarithms(Derived):
    """The samples of another source with the logarithm ``of`` in place of each value, in float64."""

    of: str

    def changed(self, record: Record) -> Iterator[Record]:
        """Map the values of one record; those without a logarithm become NaN or infinite."""
        if isinstance(record, Skipped):
            yield record
        elif isinstance(record, Rows):
            yield replace(record, columns=[logarithm(self.of, column) for column in record.columns], dtype="float64")
        elif isinstance(record, Kept | Part):
            yield replace(record, channels=tuple(logarithm(self.of, values) for values in record.channels))
        else:
            yield replace(record, values=logarithm(self.of, record.values))


def with_logarithms(
    stats: DatasetStats, strategy: Strategy, source: Source[Any], workers: int, progress: Advance | None = None
) -> DatasetStats:
    """The statistics with what ``strategy`` needs: measured again only if it is a logarithm of values that are no levels."""
    if strategy not in LOGARITHMS or all(strategy in channel.mapped for channel in stats.channels):
        return stats
    lowest = LOWEST[strategy] * unit_scale(stats.dtype or "float64")
    if any(channel.min <= lowest for channel in stats.channels):
        return stats  # the strategy is refused, whatever the others' logarithms are
    mapped = Logarithms(source, strategy)
    return with_logarithm(stats, strategy, stats_of(measure_state(mapped, workers, progress), mapped))


def with_logarithm(stats: DatasetStats, name: str, of_logarithms: DatasetStats) -> DatasetStats:
    """The statistics with the moments of a logarithm, which ``of_logarithms`` measured over the same data."""
    pairs = ((one.mean, one.std) for one in of_logarithms.channels)
    channels = tuple(
        replace(channel, mapped={**channel.mapped, name: pair}) if all(map(math.isfinite, pair)) else channel
        for channel, pair in zip(stats.channels, pairs, strict=True)
    )
    return replace(stats, channels=channels)
