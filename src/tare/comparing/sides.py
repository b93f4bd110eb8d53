"""The two sides of a comparison: statistics that are stated, read from a file, published, or measured."""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from tare.errors import DataError
from tare.measuring.api import measured
from tare.measuring.inputs import MeasureRequest, MeasuringOptions
from tare.normalisation.catalog import entries, named
from tare.sources.reading import Readers, Skipping
from tare.statistics.dataset_stats import DatasetStats
from tare.system.options import OptionGroup
from tare.system.progress import Advance

_PREFIX = "catalog:"


def stats_from(data: Any, how: OptionGroup | None = None, progress: Advance | None = None) -> DatasetStats:
    """Statistics of what the user named: stated, read from a file, published, or else measured, as ``how`` says."""
    if isinstance(data, DatasetStats):
        return data
    if _is_published(data):
        return _published(data)
    if _is_file(data):
        return DatasetStats.load(Path(data))
    given = () if how is None else (MeasuringOptions, Readers, Skipping)
    stated = {entry.name: getattr(how, entry.name) for group in given for entry in fields(group)}
    return measured(MeasureRequest(data, **stated, progress=progress))


def check_asked(sides: Sequence[Any], asked: Mapping[str, Any]) -> None:
    """Raise :class:`DataError` if it was said how to measure, and neither of the two sides is measured."""
    given = [f"--{name.replace('_', '-')}" for name, value in asked.items() if value]
    if given and all(isinstance(data, DatasetStats) or _is_published(data) or _is_file(data) for data in sides):
        raise DataError(f"data to measure with {', '.join(given)}", "two sides that state their figures", "leave it out")


def _is_published(data: Any) -> bool:
    return isinstance(data, str) and (data.startswith(_PREFIX) or _is_name(data))


def _is_file(data: Any) -> bool:
    return isinstance(data, str | os.PathLike) and Path(data).suffix == ".json" and Path(data).is_file()


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
