"""The table of formats: from the data that the user names to the source that reads them. A new format is one more line."""

from __future__ import annotations

import importlib
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from tare.errors import DataError
from tare.samples.decode import SUFFIXES
from tare.sources.base import Source
from tare.sources.files.image_folder import open_image_folder
from tare.sources.files.listed import LocalFolder, RemoteFolder, open_folder, open_named
from tare.sources.hf_dataset import is_hf_dataset
from tare.sources.options import Options
from tare.sources.places import files_at, is_folder, is_url
from tare.sources.shards import Shards
from tare.sources.torch_data import is_torch_data

#: Ranks up to _SAMPLES: one sample per file; below _SINGLE: many samples per file; _SINGLE: never the format of a folder.
_SAMPLES, _SINGLE = 1, 9


@dataclass(frozen=True, slots=True)
class Format:
    """A format: the pattern of its file names, the function that opens a file, and the options that apply to it.

    Of formats that are equally frequent in a folder the lowest ``rank`` wins; files of the others are ignored.
    """

    pattern: re.Pattern[str]
    opener: str
    takes: frozenset[str] = frozenset()
    rank: int = _SINGLE

    def open(self, place: Any, options: Options) -> Source[Any]:
        """Open one file or object, importing the module on first use."""
        module, _, function = self.opener.partition(":")
        source: Source[Any] = getattr(importlib.import_module(f"tare.sources.{module}"), function)(place, options)
        return source


def _format(pattern: str, opener: str, *takes: str, rank: int = _SINGLE) -> Format:
    return Format(re.compile(pattern, re.IGNORECASE), opener, frozenset(takes), rank)


_IMAGES = "|".join(re.escape(suffix) for suffix in sorted(SUFFIXES))

FORMATS = (
    _format(rf"({_IMAGES})$", "files.listed:open_encoded", "pages", rank=0),
    _format(r"\.wav$", "files.listed:open_encoded", rank=1),
    _format(r"\.(tar|tar\.gz|tgz)$", "files.tar:open_tar", "pages", rank=2),
    _format(r"\.parquet$", "tables.parquet:open_parquet", "columns", "pages", "label", rank=3),
    _format(r"\.(arrow|feather|ipc)$", "tables.arrow:open_arrow", "columns", "pages", "label", rank=4),
    _format(r"\.npy$", "arrays.npy:open_npy", "layout", rank=5),
    _format(r"\.npz$", "arrays.npy:open_npz", "layout", "array", rank=6),
    _format(r"\.(csv|tsv)(\.gz)?$", "tables.csv_table:open_csv", "columns", "pages", "label", rank=7),
    _format(r"(\.idx|[.-]idx\d-ubyte)(\.gz)?$", "arrays.idx:open_idx", "layout", rank=8),
    _format(r"\.(txt|lst|list|manifest)$", "files.listed:open_manifest", "pages"),
)

#: Number of file names that decide the format of a folder.
_NAMES_LOOKED_AT = 1000


def open_source(data: Any, options: Options | None = None) -> Source[Any]:
    """Open data: a path, URL or pattern, a list of them, an array, a table, a dataset, or a source, which is returned.

    Raises :class:`DataError` if the data do not exist, have an unknown format, or do not take one of the given options.
    """
    options = options or Options()
    if isinstance(data, Source):
        return data
    if isinstance(data, str | os.PathLike):
        return _open_place(os.fspath(data), options)
    if isinstance(data, list | tuple) and data and all(isinstance(item, str | os.PathLike) for item in data):
        return _open_files(f"{len(data)} files", tuple(os.fspath(item) for item in data), options)
    return _open_object(data, options)


def open_file(place: str, options: Options) -> Source[Any]:
    """Open one file by its name. Raises :class:`DataError` for an unknown format or a missing file."""
    if not is_url(place) and not Path(place).exists():
        raise DataError("an existing file or folder", f"{place!r} does not exist", "check the path")
    return _checked(_format_of(place), options, place).open(place, options)


def _open_place(place: str, options: Options) -> Source[Any]:
    if is_folder(place):
        return _open_folder(place, options)
    files = files_at(place)
    return open_file(files[0], options) if len(files) == 1 else _open_files(place, files, options)


def _open_folder(place: str, options: Options) -> Source[Any]:
    """Open a folder in the format of most of its files; without any known file, as a folder of images."""
    found = Counter(kind for name in islice(_names_in(place), _NAMES_LOOKED_AT) for kind in [_known(name)] if kind is not None)
    chosen = min((kind for kind in found if kind.rank < _SINGLE), key=lambda kind: (-found[kind], kind.rank), default=FORMATS[0])
    _checked(chosen, options, place)
    if chosen.rank > _SAMPLES:
        return _shards(place, tuple(name for name in _names_in(place) if _known(name) is chosen), options)
    if chosen is FORMATS[0] and not is_url(place):
        return open_image_folder(
            Path(place), options.channels, turned=options.turned, background=options.background, pages=options.pages
        )
    return open_folder(place, options)


def _open_files(name: str, files: tuple[str, ...], options: Options) -> Source[Any]:
    formats = [_checked(_format_of(file), options, file) for file in files]
    if all(kind.rank <= _SAMPLES for kind in formats):
        return open_named(name, files, options)
    return _shards(name, files, options)


def _shards(name: str, files: tuple[str, ...], options: Options) -> Shards:
    """Open many files as one dataset; of array files without a stated layout, say whether a file is one sample or many."""
    if len(files) < 2 or options.layout is not None or not all(file.lower().endswith((".npy", ".npz")) for file in files):
        return Shards(name, files, options, open_file)
    from tare.sources.arrays.axes import layout_of_files
    from tare.sources.arrays.npy import header_of

    headers = [header_of(file, options) for file in files[:_NAMES_LOOKED_AT]]
    layout, assumed = layout_of_files([header.shape for header in headers], headers[0].dtype, name)
    return Shards(name, files, replace(options, layout=layout), open_file, (assumed,))


def _open_object(data: Any, options: Options) -> Source[Any]:
    for recognises, kind in _OBJECTS:
        if recognises(data):
            name = type(data).__name__
            return _checked(kind, options, name).open(data, options)
    raise DataError("a path, URL, array, table or dataset", f"an object of type {type(data).__name__!r}", "pass one of those")


def _checked(kind: Format, options: Options, name: str) -> Format:
    foreign = options.given() - kind.takes
    if foreign:
        takes = ", ".join(sorted(kind.takes)) or "none"
        raise DataError(f"options that fit {name!r} ({takes})", ", ".join(sorted(foreign)), "leave it out")
    return kind


def _format_of(place: str) -> Format:
    kind = _known(place)
    if kind is None:
        raise DataError(
            "a folder, or a file of images, .wav, .tar, .parquet, .arrow, .csv, .npy, .npz, .idx or a .txt list",
            f"{place!r}",
            "rename or convert it",
        )
    return kind


def _known(name: str) -> Format | None:
    return next((kind for kind in FORMATS if kind.pattern.search(name)), None)


def _names_in(place: str) -> Iterator[str]:
    listing = RemoteFolder(place) if is_url(place) else LocalFolder(place)
    return (file.path for file in listing)


_OBJECTS: tuple[tuple[Callable[[Any], bool], Format], ...] = (
    (is_hf_dataset, _format("", "hf_dataset:open_hf_dataset", "columns", "pages", "label")),
    (lambda data: hasattr(data, "__arrow_c_stream__"), _format("", "tables.arrow:open_table", "columns", "pages", "label")),
    (
        lambda data: isinstance(data, np.ndarray) or hasattr(data, "__array__"),
        _format("", "arrays.in_memory:open_array", "layout"),
    ),
    (is_torch_data, _format("", "torch_data:open_torch_data", "layout", "columns", "label")),
)
