"""Samples that are not independent, such as the tiles of one scene: standard errors count their clusters."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from tare.errors import DataError
from tare.samples.layout import unit_scale
from tare.sources.base import Source
from tare.sources.containers.names import is_zarr
from tare.sources.derived import SameChannels
from tare.statistics.dataset_stats import DatasetStats
from tare.statistics.moments import Moments
from tare.statistics.state import DatasetState, Totals

#: The word for "the samples of one folder are one cluster".
FOLDER = "folder"


@dataclass(frozen=True)
class Clusters:
    """The cluster of a sample by its path: its folder, or what a regular expression finds in the path (its first group)."""

    pattern: str

    def __call__(self, path: str) -> str:
        """Name the cluster of a path. Raises :class:`DataError` for a path in which the expression finds nothing."""
        if self.pattern == FOLDER:
            return os.path.split(_file_of(path))[0]
        match = self._expression.search(path)
        name = None if match is None else match.group(1 if self._expression.groups else 0)
        if name is None:  # a group may take no part in a match: (a)|(b)
            found = f"{'no match' if match is None else 'nothing in the first group'} of {self.pattern!r} in {path!r}"
            raise DataError("a cluster in every path", found, f"correct --cluster, or write --cluster {FOLDER}")
        return str(name)

    @cached_property
    def _expression(self) -> re.Pattern[str]:
        try:
            return re.compile(self.pattern)
        except re.error as error:
            raise DataError("a regular expression for --cluster", f"{self.pattern!r}: {error}", "correct it") from None

    def __getstate__(self) -> dict[str, Any]:
        return {"pattern": self.pattern}


def _file_of(path: str) -> str:
    """The file of a sample: of one in an array of a file, such as ``a.h5#train/images[3]``, without the array's name."""
    place, sign, _ = path.rpartition("#")
    return place if sign and _holds_arrays(place) and not os.path.lexists(path) else path


@lru_cache(maxsize=256)
def _holds_arrays(place: str) -> bool:
    return Path(place).is_file() or is_zarr(place)


@dataclass(frozen=True)
class Clustered(SameChannels):
    """The samples of another source in the clusters that a pattern states."""

    clusters: Clusters

    @property
    def cluster_of(self) -> Callable[[str], str] | None:  # type: ignore[override]
        """The stated clusters."""
        return self.clusters

    def read(self, chunk: Any) -> Any:
        """The other source's samples, unchanged."""
        return self.source.read(chunk)

    def changed(self, record: Any) -> Any:
        """The record itself."""
        yield record


def in_clusters(source: Source[Any], pattern: str | None) -> Source[Any]:
    """Return the source with its samples in clusters, or as it is without a pattern."""
    return source if pattern is None else Clustered(source, Clusters(pattern))


def with_cluster_errors(stats: DatasetStats, state: DatasetState) -> DatasetStats:
    """Replace standard errors that count samples by those that count clusters; all other figures stay.

    The variance of a ratio estimator over clusters: the totals (n, S, Q) of a cluster take the place of those of a sample
    (Cochran, Sampling Techniques, 1977, section 9A.4). Raises :class:`DataError` for a single cluster, which has no error.
    """
    if not state.clusters:
        return stats
    totals: defaultdict[str, list[tuple[Totals, ...]]] = defaultdict(list)
    for cluster, each in state.pooled().clusters.items():
        totals[cluster.name].append(each)
    if len(totals) < 2:
        found = f"one, {next(iter(totals))!r}, of all {stats.samples} samples"
        raise DataError("at least two clusters", found, "correct --cluster, or leave it out")
    scale = float(unit_scale(stats.dtype))
    by_channel = zip(*(each for found in totals.values() for each in found), strict=True)
    moments = [Moments.of_totals(of_clusters) for of_clusters in by_channel]
    channels = tuple(
        replace(
            channel,
            mean_se=each.mean_se * scale,
            std_se=each.std_se * scale,
            effective_samples=each.effective_samples,
            equal_samples=each.equal_samples,
        )
        for channel, each in zip(stats.channels, moments, strict=True)
    )
    return replace(stats, channels=channels, extra={**stats.extra, "clusters": len(totals)})
