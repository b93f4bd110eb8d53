"""The table of formats: from the data that the user names to the source that reads them. A new format is one more line."""

from __future__ import annotations

import errno
import importlib
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from tare.errors import DataError, TareError, reason_of
from tare.samples.decode import SUFFIXES
from tare.samples.records import Sample, Stack
from tare.sources.base import Source
from tare.sources.containers.names import is_lerobot, is_lmdb, is_zarr
from tare.sources.files.each import left_out_remark
from tare.sources.files.image_folder import open_image_folder
from tare.sources.files.listed import LocalFolder, RemoteFolder, open_folder, open_named
from tare.sources.files.masks import check_named
from tare.sources.files.picture_masks import MASK_LEVELS
from tare.sources.files.pinned import Opened, pin_of, unchanged
from tare.sources.hf_dataset import is_hf_dataset
from tare.sources.listed_objects import is_listed
from tare.sources.options import Options
from tare.sources.places import files_at, is_folder, is_url, parted
from tare.sources.rasters.tags import scene_kind
from tare.sources.shards import Shards
from tare.sources.tables.saved import without_cache
from tare.sources.torch_data import is_torch_data
from tare.sources.volumes.sniffing import is_dicom
from tare.system.handed.arguments import of_kind
from tare.system.local.opened import forbidden, said

#: Ranks up to _SAMPLES: one sample per file; below _SINGLE: many samples per file, of which _CONTAINER gives way to all others;
#: _SINGLE: never the format of a folder.
_SAMPLES, _CONTAINER, _SINGLE = 1, 8, 9


@dataclass(frozen=True, slots=True)
class Format:
    """A format: the pattern of its file names, the function that opens a file, and the options that apply to it.

    Of formats that are equally frequent in a folder the lowest ``rank`` wins; files of the others are ignored. With ``each`` the
    function takes a name and many files, each of which is a sample.
    """

    pattern: re.Pattern[str]
    opener: str
    takes: frozenset[str] = frozenset()
    rank: int = _SINGLE
    each: bool = False

    def open(self, place: Any, options: Options) -> Source[Any]:
        """Open one file or object, importing the module on first use."""
        if self.each:
            return self.open_all(place, (place,), options)
        if not isinstance(place, str) or self.rank <= _SAMPLES or is_url(place):
            return self._function(place, options)  # type: ignore[no-any-return]
        pin = pin_of(parted(place, None)[0])  # before it is opened
        with unchanged(place, pin):
            source: Source[Any] = self._function(place, options)
        return source if isinstance(source, Shards) else Opened(source, pin)

    def open_all(self, name: str, files: tuple[str, ...], options: Options) -> Source[Any]:
        """Open files each of which is a sample, as one source; for a format with ``each``."""
        for file in files[:1]:
            if is_url(file):
                raise DataError("files on this machine, as the library of their format reads them", f"{file!r}", "copy them here")
        source: Source[Any] = self._function(name, files, options)
        return source

    @property
    def _function(self) -> Callable[..., Any]:
        module, _, function = self.opener.partition(":")
        return getattr(importlib.import_module(f"tare.sources.{module}"), function)  # type: ignore[no-any-return]


def _format(pattern: str, opener: str, *takes: str, rank: int = _SINGLE, each: bool = False) -> Format:
    return Format(re.compile(pattern, re.IGNORECASE), opener, frozenset(takes), rank, each)


_IMAGES = "|".join(re.escape(suffix) for suffix in sorted(SUFFIXES))

#: DICOM files have any name, often one without an ending.
_DICOM = _format(r"\.(dcm|dicom|ima)$", "volumes.dicom:open_series", rank=8, each=True)
#: A Zarr array or group is a folder.
_ZARR = _format(r"\.zarr/?$", "containers.zarr_store:open_zarr", "layout", "array", "label")
#: Recordings that a library decodes; of WAV files only large ones, as a stream.
_SOUNDS = _format(
    r"\.(flac|ogg|oga|opus|mp3|aiff?|aifc|au|snd|caf|w64|rf64)$", "streams.sound:open_sounds", "front", rank=8, each=True
)
_LARGE_WAV = 64 << 20
_LMDB = _format(r"\.(mdb|lmdb)/?$", "containers.lmdb_store:open_lmdb", "pages")

FORMATS = (
    _format(rf"({_IMAGES})$", "files.listed:open_encoded", "pages", rank=0),
    _format(r"\.wav$", "files.listed:open_encoded", "front", rank=1),
    _format(r"\.(tar|tar\.gz|tgz)$", "files.tar:open_tar", "pages", "front", rank=2),
    _format(r"\.parquet$", "tables.parquet:open_parquet", "columns", "pages", "label", rank=3),
    _format(r"\.(arrow|feather|ipc)$", "tables.arrow:open_arrow", "columns", "pages", "label", rank=4),
    _format(r"\.npy$", "arrays.npy:open_npy", "layout", rank=5),
    _format(r"\.npz$", "arrays.npy:open_npz", "layout", "array", rank=6),
    _format(r"\.(csv|tsv)(\.gz)?$", "tables.csv_table:open_csv", "columns", "pages", "label", "front", rank=7),
    _format(r"(\.idx|[.-]idx\d-ubyte)(\.gz)?$", "arrays.idx:open_idx", "layout", rank=7),
    _format(r"\.(h5|hdf5|hdf|he5|nc|nc4)$", "containers.hdf5:open_hdf5", "layout", "array", "label", rank=8),
    _ZARR,
    _LMDB,
    _format(r"\.(tfrecords?|tfrec)(-\d+-of-\d+)?(\.gz)?$", "containers.tfrecord:open_tfrecord", "columns", "pages", rank=8),
    _format(r"\.mat$", "containers.mat:open_mat", "layout", "array", rank=8),
    _format(r"\.safetensors$", "containers.tensors:open_safetensors", "layout", "array", rank=8),
    _format(r"\.(pt|pth)$", "containers.tensors:open_pt", "layout", "array", rank=8),
    _format(r"\.(jsonl|ndjson)(\.gz)?$", "tables.json_lines:open_json_lines", "columns", "pages", rank=8),
    _format(r"\.(sqlite|sqlite3|db)$", "tables.databases:open_sqlite", "columns", "array", rank=8),
    _format(r"\.duckdb$", "tables.databases:open_duckdb", "columns", "array", rank=8),
    _format(r"\.(xlsx|xlsm|xlsb|xls|ods)$", "tables.databases:open_excel", "columns", "array", rank=8),
    _SOUNDS,
    _format(r"\.(mp4|m4v|mov|mkv|webm|avi|mpg|mpeg)$", "streams.video:open_videos", rank=8, each=True),
    _format(r"\.nii(\.gz)?$", "volumes.nifti:open_volumes", "layout", rank=8, each=True),
    _DICOM,
    _format(r"\.(bsq|bil|bip|envi)$", "rasters.georeferenced:open_rasters", "columns", rank=8, each=True),
    _format(r"\.(txt|lst|list|manifest)$", "files.listed:open_manifest", "pages", "front"),
)

#: TIFF files that are scenes rather than pictures.
_SCENES = {
    "geo": _format("", "rasters.georeferenced:open_rasters", "columns", each=True),
    "ome": _format("", "rasters.ome:open_ome", each=True),
}

#: Folders that are one dataset by what lies in them.
_FOLDERS: tuple[tuple[Callable[[str], bool], Format], ...] = (
    (is_zarr, _ZARR),
    (is_lmdb, _LMDB),
    (is_lerobot, _format("", "tables.lerobot:open_lerobot", "columns")),
)

#: Number of file names that decide the format of a folder.
_NAMES_LOOKED_AT = 1000
#: Number of files whose content is looked at where no name says anything.
_NAMES_SNIFFED = 20


def open_source(data: Any, options: Options | None = None) -> Source[Any]:
    """Open data: a path, URL or pattern, an array, a Pillow image, a list of one of these, a table, a dataset, or a source.

    Raises :class:`DataError` if the data do not exist, have an unknown format, or do not take one of the given options.
    """
    if options is None:
        options = Options()
    of_kind(options, Options, "the options of data", "pass tare.sources.options.Options", DataError)
    twice = [name for name, count in Counter(options.columns or ()).items() if count > 1]
    if twice:
        raise DataError(
            "columns that differ", f"{twice[0]!r} more than once in {', '.join(options.columns or ())}", "name it once"
        )
    if isinstance(data, Source):
        return data
    if isinstance(data, str | os.PathLike):
        place = os.fspath(data)
        try:
            source = _open_place(place, options)
        except PermissionError as error:
            raise _forbidden(place, error) from None
        except (OSError, UnicodeError) as error:
            if isinstance(error, OSError) and error.errno != errno.ENAMETOOLONG:
                raise
            found = f"{place[:80]!r}: {'too long' if isinstance(error, OSError) else reason_of(error)}"
            raise DataError("the name of a file that can exist", found, "check the path") from None
        return Opened(source, None, (f"read from the address {place!r}",)) if is_url(place) else source
    if isinstance(data, list | tuple) and data and all(isinstance(item, str | os.PathLike) for item in data):
        return _open_files(f"{len(data)} files", tuple(os.fspath(item) for item in data), options)
    return _open_object(data, options)


def open_file(place: str, options: Options) -> Source[Any]:
    """Open one file by its name, or ``FILE#ARRAY``. Raises :class:`DataError` for an unknown format or a missing file."""
    if not is_url(place) and not os.path.exists(parted(place, None)[0]):  # noqa: PTH110 - a name may have a null byte
        if forbidden(parted(place, None)[0]):
            raise _forbidden(place, PermissionError(errno.EACCES, os.strerror(errno.EACCES)))
        dangling = os.path.lexists(place)
        found = f"{place!r}, a link to nothing" if dangling else f"{place!r} does not exist"
        raise DataError("an existing file or folder", found, "check the path")
    kind = _format_of(place)
    return _checked(_scenes(kind, (place,)) or kind, options, place).open(place, options)


def _forbidden(place: str, error: PermissionError) -> DataError:
    found = f"{place!r}: {said(error)}"
    return DataError("a file or folder that may be read", found, "ask for the permission to read it and to enter its folders")


def _open_place(place: str, options: Options) -> Source[Any]:
    folder = parted(place, None)[0]
    if not is_url(place) and Path(folder).is_dir():
        kind = next((kind for recognises, kind in _FOLDERS if recognises(folder)), None)
        if kind is not None:
            return _checked(kind, options, place).open(place, options)
    if is_folder(place):
        return _open_folder(place, options)
    files = files_at(place)
    return open_file(files[0], options) if len(files) == 1 else _open_files(place, files, options)


def _open_folder(place: str, options: Options) -> Source[Any]:
    """Open a folder in the format of most of its files; without any known file, as a folder of images."""
    stores = _stores_in(place)
    if stores:
        return _shards(place, stores, options)
    found = Counter(kind for name in islice(_names_in(place), _NAMES_LOOKED_AT) for kind in [_known(name)] if kind is not None)
    chosen = _most_frequent(found)
    if chosen is None and any(map(is_dicom, islice(_names_in(place), _NAMES_SNIFFED))):
        return _checked(_DICOM, options, place).open_all(place, tuple(_names_in(place)), options)
    chosen = chosen or FORMATS[0]
    read_as = _checked(_scenes(chosen, _names_in(place)) or chosen, options, place)
    if read_as.each or chosen.rank > _SAMPLES:
        names = [*_names_in(place)]
        taken, remarks = without_cache([name for name in names if _known(name) is chosen], names)
        source = read_as.open_all(place, taken, options) if read_as.each else _shards(place, taken, options)
        kept = {*taken}
        remark = left_out_remark([name for name in names if name not in kept], place)
        said = (*(remarks if options.columns is None else ()), *((remark,) if remark else ()))
        return Opened(source, None, said) if said else source
    if chosen is FORMATS[0] and not is_url(place):
        return open_image_folder(
            Path(place), options.channels, turned=options.turned, background=options.background, pages=options.pages
        )
    return open_folder(place, options)


def _open_files(name: str, files: tuple[str, ...], options: Options) -> Source[Any]:
    formats = [_format_of(file) for file in files]
    instead = {kind: _scenes(kind, files) or kind for kind in {*formats}}
    read_as = [instead[kind] for kind in formats]
    for kind, file in zip(read_as, files, strict=True):
        _checked(kind, options, file)
    if len({*read_as}) == 1 and read_as[0].each:
        return read_as[0].open_all(name, files, options)
    if all(kind.rank <= _SAMPLES for kind in formats):
        return open_named(name, files, options)
    return _shards(name, files, options)


def _most_frequent(found: Counter[Format]) -> Format | None:
    """The format of most files; containers, which often lie beside images as their annotations, only where nothing else is."""
    kinds = [kind for kind in found if kind.rank < _SINGLE]
    first = [kind for kind in kinds if kind.rank < _CONTAINER or kind.each]
    return min(first or kinds, key=lambda kind: (-found[kind], kind.rank), default=None)


def _stores_in(place: str) -> tuple[str, ...]:
    """The Zarr folders directly in a folder, if it holds nothing else."""
    if is_url(place):
        return ()
    found = []
    try:
        with os.scandir(place) as entries:
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                if not entry.is_dir() or not is_zarr(entry.path):
                    return ()  # without a list of what may be a million images
                found.append(entry.path)
    except OSError:  # a folder that cannot be listed is refused where it is walked
        return ()
    return tuple(sorted(found))


def _scenes(kind: Format, names: Iterable[str]) -> Format | None:
    """The format of scenes instead of images, if the first TIFF is one, of streams instead of large WAV files; else None."""
    if kind is FORMATS[1]:
        return _SOUNDS if any(_is_large_wav(name) for name in names) else None
    if kind is not FORMATS[0]:
        return None
    first = next((name for name in islice(names, _NAMES_LOOKED_AT) if name.lower().endswith((".tif", ".tiff"))), None)
    return None if first is None else _SCENES.get(scene_kind(first) or "")


def _is_large_wav(name: str) -> bool:
    return name.lower().endswith(".wav") and not is_url(name) and Path(name).exists() and Path(name).stat().st_size > _LARGE_WAV


def _shards(name: str, files: tuple[str, ...], options: Options) -> Shards:
    """Open many files as one dataset; of array files without a stated layout, say whether a file is one sample or many."""
    if len(files) < 2 or not all(file.lower().endswith((".npy", ".npz")) for file in files):
        return Shards(name, files, options, open_file)
    check_named(name, files, partial(_is_drawn, options), "take the masks out, or name the images by a pattern")
    if options.layout is not None:
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
    wanted = "a path, URL, array, table or dataset, or a list of paths, arrays or images"
    raise DataError(wanted, f"an object of type {type(data).__name__!r}", "pass one of those")


def _checked(kind: Format, options: Options, name: str) -> Format:
    foreign = options.given() - kind.takes
    if "front" in foreign and options.front is not None:
        found, remedy = f"other data in {name!r}", "name recordings, or a network for these data"
        raise DataError(f"recordings, which the front end {options.front.name} takes", found, remedy)
    if foreign:
        takes = ", ".join(sorted(kind.takes)) or "none"
        raise DataError(f"options that fit {name!r} ({takes})", ", ".join(sorted(foreign)), "leave it out")
    return kind


def _format_of(place: str) -> Format:
    kind = _known(parted(place, None)[0]) or (_DICOM if is_dicom(place) else None)
    if kind is None:
        raise DataError(
            "a folder, or a file such as .jpg, .tif, .wav, .flac, .mp4, .nii, .dcm, .npy, .h5, .zarr, .mat, .parquet, .csv, .tar",
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
    (is_listed, _format("", "listed_objects:open_listed", "layout")),
    (is_hf_dataset, _format("", "hf_dataset:open_hf_dataset", "columns", "pages", "label")),
    (lambda data: hasattr(data, "__arrow_c_stream__"), _format("", "tables.arrow:open_table", "columns", "pages", "label")),
    (
        lambda data: isinstance(data, np.ndarray) or hasattr(data, "__array__"),
        _format("", "arrays.in_memory:open_array", "layout"),
    ),
    (is_torch_data, _format("", "torch_data:open_torch_data", "layout", "columns", "label")),
)


def _is_drawn(options: Options, file: str) -> bool:
    """Whether the first samples of a file of arrays have few whole values, as masks have."""
    try:
        source = open_file(file, options)
        first = next((record for chunk in source.chunks() for record in source.read(chunk)), None)
    except (TareError, OSError):
        return False
    if not isinstance(first, Sample | Stack) or first.values.dtype.kind not in "biu":
        return False
    return len(np.unique(first.values)) <= MASK_LEVELS
