"""``tare.compare``: two datasets, whatever they are given as."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tare.comparing.inputs import check_asked, stats_from
from tare.comparing.result import Comparison
from tare.comparing.shift import compare_stats
from tare.measuring.one_pass import MAX_SKIPPED, Progress
from tare.samples.decode import ColourMode


def compare(
    source: Any,
    target: Any,
    *,
    channels: ColourMode = "stored",
    columns: str | Sequence[str] | None = None,
    exclude_nan: bool = False,
    as_seen: Any = None,
    workers: int | None = None,
    max_skipped: float = MAX_SKIPPED,
    confidence: float = 0.95,
    progress: Progress | None = None,
) -> Comparison:
    """Compare two datasets: shift and ratio of stds per channel with intervals, and what kind of difference it looks like.

    Each is a statistics file of ``tare measure --out``, anything that :func:`tare.measure` takes (``channels``, ``columns``,
    ``exclude_nan``, ``as_seen``, ``workers`` and ``max_skipped`` are as there, and count for those of the two that are
    measured), the name of a published constant (``"cifar10"``, or ``"catalog:cifar10"`` where a folder has that name), or a
    :class:`DatasetStats`.

    Raises :class:`DataError` if one of the two cannot be found or read, or their channels cannot be paired, or if it was
    said how to measure and neither is measured.
    """
    asked = {"columns": columns, "exclude_nan": exclude_nan, "as_seen": as_seen}
    check_asked((source, target), asked)
    first, second = (
        stats_from(data, channels=channels, workers=workers, max_skipped=max_skipped, progress=progress, **asked)
        for data in (source, target)
    )
    return compare_stats(first, second, confidence)
