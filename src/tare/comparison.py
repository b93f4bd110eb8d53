"""``tare.compare``: two datasets, whatever they are given as."""

from __future__ import annotations

import difflib
import os
from pathlib import Path
from typing import Any

from tare import comparing
from tare.catalog import entries, named
from tare.comparing import Comparison
from tare.dataset_stats import DatasetStats
from tare.decode import ColourMode
from tare.errors import DataError
from tare.measuring import MAX_SKIPPED, Progress, measure

_PREFIX = "catalog:"


def compare(
    source: Any,
    target: Any,
    *,
    channels: ColourMode = "stored",
    workers: int | None = None,
    max_skipped: float = MAX_SKIPPED,
    confidence: float = 0.95,
    progress: Progress | None = None,
) -> Comparison:
    """Compare two datasets: shift and ratio of stds per channel with intervals, and what kind of difference it looks like.

    Each is a statistics file of ``tare measure --out``, anything that :func:`tare.measure` takes (``channels``, ``workers``
    and ``max_skipped`` are as there), the name of a published constant (``"cifar10"``, or ``"catalog:cifar10"`` where a folder
    has that name), or a :class:`DatasetStats`.

    Raises :class:`DataError` if one of the two cannot be found or read, or their channels cannot be paired.
    """
    first, second = (
        stats_from(data, channels=channels, workers=workers, max_skipped=max_skipped, progress=progress)
        for data in (source, target)
    )
    return comparing.compare(first, second, confidence)


def stats_from(
    data: Any,
    *,
    channels: ColourMode = "stored",
    workers: int | None = None,
    max_skipped: float = MAX_SKIPPED,
    progress: Progress | None = None,
) -> DatasetStats:
    """Statistics of what the user named: stated, read from a file, published, or else measured."""
    if isinstance(data, DatasetStats):
        return data
    if isinstance(data, str) and (data.startswith(_PREFIX) or _is_name(data)):
        return _published(data)
    if isinstance(data, str | os.PathLike) and Path(data).suffix == ".json" and Path(data).is_file():
        return DatasetStats.load(Path(data))
    return measure(data, channels=channels, workers=workers, max_skipped=max_skipped, progress=progress)


def _is_name(text: str) -> bool:
    """Whether a text can only be a name of the catalog: no path, no pattern, no file, and nothing of that name is there."""
    return not any(sign in text for sign in "/\\*?[{.~") and not Path(text).exists()


def _published(text: str) -> DatasetStats:
    name = text.removeprefix(_PREFIX)
    known = [entry.name for entry in entries()]
    if name not in known:
        near = difflib.get_close_matches(name, known)
        guess = f"did you mean {' or '.join(near)}?" if near else f"the catalog has {', '.join(sorted(known))}"
        raise DataError("a file, a folder, or a name in the catalog", repr(text), guess)
    return named(name).stats()
