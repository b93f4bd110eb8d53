"""Statistics of the two sides of a comparison: stated, read from a file, published, or measured."""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from tare.comparing.constants import of_constants
from tare.comparing.inputs import CompareRequest
from tare.errors import DataError
from tare.measuring.api import measured
from tare.measuring.inputs import MeasureRequest, MeasuringOptions
from tare.normalisation.catalog import CatalogEntry, by_name, named
from tare.sources.reading import Readers, Skipping
from tare.statistics.dataset_stats import DatasetStats
from tare.system.options import flag
from tare.system.progress import Advance

_PREFIX = "catalog:"


def sides_from(how: CompareRequest, opened: Callable[[str, Any], DatasetStats]) -> tuple[DatasetStats, DatasetStats]:
    """The two sides of a comparison: ``opened("A", data)`` for data, and a published constant, also one that is not pooled.

    A constant is taken in the unit values of the data that it is compared with.
    """
    sides = {"A": how.source, "B": how.target}
    found = {name: opened(name, data) for name, data in sides.items() if not _is_published(data)}
    dtype = next((stats.dtype for stats in found.values()), "")
    first, second = (found.get(name) or of_constants(_entry(data), dtype) for name, data in sides.items())
    return first, second


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
    known = by_name()
    if name not in known:
        near = difflib.get_close_matches(name, known)
        guess = f"did you mean {' or '.join(near)}?" if near else f"the catalog has {', '.join(sorted(known))}"
        raise DataError("a file, a folder, or a name in the catalog", repr(text), guess)
    return named(name)
