"""Statistics of the two sides of a comparison: stated, read from a file, published, or measured."""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from tare.comparing.constants import of_constants
from tare.comparing.inputs import CompareRequest
from tare.errors import DataError
from tare.measuring.api import measured
from tare.measuring.inputs import MeasureRequest, MeasuringOptions
from tare.normalisation.catalog import CatalogEntry, entries, named
from tare.sources.reading import Readers, Skipping
from tare.statistics.dataset_stats import DatasetStats
from tare.system.options import flag
from tare.system.progress import Advance

_PREFIX = "catalog:"


def side_from(data: Any, how: CompareRequest, progress: Advance | None = None) -> DatasetStats:
    """One side of a comparison: as :func:`stats_from`, and also a constant whose std is not pooled."""
    return of_constants(_entry(data)) if _is_published(data) else stats_from(data, how, progress)


def stats_from(data: Any, how: CompareRequest | None = None, progress: Advance | None = None) -> DatasetStats:
    """Pooled statistics: stated, read from a file, published, or else measured with the options of ``how``.

    Raises :class:`SpecError` for a constant whose std is not pooled.
    """
    if isinstance(data, DatasetStats):
        return data
    if _is_published(data):
        return _entry(data).stats()
    if _is_file(data):
        return DatasetStats.load(Path(data))
    given = () if how is None else (MeasuringOptions, Readers, Skipping)
    stated = {entry.name: getattr(how, entry.name) for group in given for entry in fields(group)}
    return measured(MeasureRequest(data, **stated, progress=progress))


def check_options(sides: Sequence[Any], options: Mapping[str, Any]) -> None:
    """Raise :class:`DataError` if an option of measuring is given and neither side is measured."""
    given = [flag(name) for name, value in options.items() if value]
    if given and all(isinstance(data, DatasetStats) or _is_published(data) or _is_file(data) for data in sides):
        raise DataError(f"data to measure with {', '.join(given)}", "two sides that state their figures", "leave it out")


def _is_published(data: Any) -> bool:
    """Whether a text names a catalog entry: by its prefix, or because it is neither a path, a pattern nor an existing file."""
    if not isinstance(data, str) or data.startswith(_PREFIX):
        return isinstance(data, str)
    return not any(sign in data for sign in "/\\*?[{.~") and not Path(data).exists()


def _is_file(data: Any) -> bool:
    return isinstance(data, str | os.PathLike) and Path(data).suffix == ".json" and Path(data).is_file()


def _entry(text: str) -> CatalogEntry:
    name = text.removeprefix(_PREFIX)
    known = [entry.name for entry in entries()]
    if name not in known:
        near = difflib.get_close_matches(name, known)
        guess = f"did you mean {' or '.join(near)}?" if near else f"the catalog has {', '.join(sorted(known))}"
        raise DataError("a file, a folder, or a name in the catalog", repr(text), guess)
    return named(name)
