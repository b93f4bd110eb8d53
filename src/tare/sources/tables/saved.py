"""Datasets that the Hugging Face library keeps in folders: which of the Arrow files there are theirs, and which its cache."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass

from tare.errors import DataError
from tare.sources.places import open_binary

_STATE, _INFO, _MOST_STATE = "state.json", "dataset_info.json", 1 << 24
#: What ``map``, ``filter`` and others leave beside the data, for the next call with the same function.
_CACHE = "cache-"


@dataclass(frozen=True, slots=True)
class _Saved:
    """What a ``state.json`` states: the names of the files beside it, and the columns that the format shows, None for all."""

    files: frozenset[str]
    shown: tuple[str, ...] | None


def without_cache(files: Sequence[str], names: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Those of ``files`` that are no cache of the Hugging Face library, and remarks; ``names`` are all files of their folders.

    Beside a ``state.json`` (``save_to_disk``) the dataset is the files that it states, as ``load_from_disk`` reads them; beside a
    ``dataset_info.json`` alone (where the library keeps what it downloaded) it is all that are not named as results of ``map``
    and the like. Raises :class:`DataError` if a stated file is missing.
    """
    folders = {os.path.dirname(file) for file in files if file.lower().endswith(".arrow")}  # noqa: PTH120 - also of URLs
    known = [(*os.path.split(name), name) for name in names if name.endswith((_STATE, _INFO))] if folders else []
    stated: dict[str, _Saved | None] = {folder: None for folder, name, _ in known if name in (_STATE, _INFO)}
    stated |= {folder: _stated(place, {*names}) for folder, name, place in known if name == _STATE and folder in folders}
    shown = dict.fromkeys(", ".join(each.shown) for each in stated.values() if each is not None and each.shown is not None)
    remarks = tuple(f"the format that is saved with the dataset shows {each} alone: --columns measures these" for each in shown)
    return tuple(file for file in files if _is_data(*os.path.split(file), stated)), remarks


def _is_data(folder: str, name: str, stated: dict[str, _Saved | None]) -> bool:
    if folder not in stated or not name.lower().endswith(".arrow"):
        return True
    state = stated[folder]
    return not name.startswith(_CACHE) if state is None else name in state.files


def _stated(place: str, there: set[str]) -> _Saved | None:
    """What a ``state.json`` states of the files ``there``; None if it names none: then it is of something else."""
    try:
        with open_binary(place) as file:
            state = json.loads(file.read(_MOST_STATE))
        named = frozenset(str(each["filename"]) for each in state["_data_files"])
        shown = state.get("_format_columns")
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    missing = sorted(name for name in named if place.removesuffix(_STATE) + name not in there)
    if missing:
        raise DataError(f"the files that {place!r} states", f"no {missing[0]!r} beside it", "fetch or save the dataset again")
    return _Saved(named, tuple(map(str, shown)) if isinstance(shown, list) else None)
