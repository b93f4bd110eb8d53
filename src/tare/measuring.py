"""``tare.measure``: one pass over the data, exact and the same for any number of workers."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tare._version import __version__
from tare.dataset_state import DatasetState
from tare.dataset_stats import DatasetStats, summarise
from tare.decode import ColourMode
from tare.engines.local import default_workers, ordered_map
from tare.errors import DataError
from tare.sources.base import Source
from tare.sources.image_folder import open_image_folder

#: Called with the number of samples done since the last call.
Progress = Callable[[int], None]

MAX_SKIPPED = 0.01


class TooManySkippedError(DataError):
    """More samples were unreadable than allowed; ``stats`` holds the statistics of those that were read."""

    def __init__(self, stats: DatasetStats, share: float, allowed: float) -> None:
        worst = stats.unreadable[0]
        super().__init__(
            f"at most {allowed:.2%} unreadable samples",
            f"{len(stats.unreadable)} of {stats.samples + len(stats.unreadable)} ({share:.2%}), "
            f"the first {worst.path!r}: {worst.reason}",
            "repair or remove them, or allow more with --max-skipped",
        )
        self.stats = stats


def measure(
    data: str | os.PathLike[str],
    *,
    workers: int | None = None,
    channels: ColourMode = "stored",
    max_skipped: float = MAX_SKIPPED,
    progress: Progress | None = None,
) -> DatasetStats:
    """Measure per-channel statistics of a folder of images, in unit values ([0, 1] for integer images).

    Mean and std are pooled over all pixels of all images (population, ddof 0) and exact for 8-bit and 16-bit images;
    standard errors count images. ``channels`` converts every image to ``"grey"`` or ``"rgb"``; with ``"stored"`` a folder
    that mixes both is an error.

    Raises :class:`DataError` if there is nothing to measure, and :class:`TooManySkippedError`, which carries the statistics
    of the readable samples, if more than the share ``max_skipped`` cannot be read.
    """
    source = open_image_folder(Path(data), channels)
    state = measure_state(source, workers or default_workers(), progress)
    return checked(summarise(state, source.name, __version__), max_skipped)


def measure_state(source: Source[Any], workers: int, progress: Progress | None = None) -> DatasetState:
    """Reduce a source to its mergeable state."""

    def reduce(chunk: Any) -> tuple[DatasetState, int]:
        return DatasetState.of(source.read(chunk)), source.chunk_length(chunk)

    state = DatasetState()
    for part, length in ordered_map(reduce, source.chunks(), workers):
        state = state.merge(part)
        if progress is not None:
            progress(length)
    return state


def checked(stats: DatasetStats, max_skipped: float) -> DatasetStats:
    """Return ``stats``, or raise :class:`TooManySkippedError` if too large a share could not be read."""
    bad = len(stats.unreadable)
    share = bad / (bad + stats.samples)
    if share > max_skipped:
        raise TooManySkippedError(stats, share, max_skipped)
    return stats
