"""Datasets in HDF5 files, NetCDF-4 and MATLAB 7.3 among them, through h5py. Nothing outside the file is read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from tare.errors import DataError, TareError, reason_of
from tare.sources.arrays.conventions import chunks_of, facts_of, is_no_number, meant_dtype, unstored, viewed
from tare.sources.containers.labels import StoredLabels, check_labels, labelled, without_label
from tare.sources.containers.stored import (
    Claimed,
    StoredArray,
    check_chunk,
    check_numbers,
    check_size,
    chosen,
    described,
    open_claimed,
)
from tare.sources.options import Options
from tare.sources.places import parted
from tare.system.optional import require

#: Endings of HDF5 and netCDF-4 files.
SUFFIXES = (".h5", ".hdf5", ".hdf", ".he5", ".nc", ".nc4")

#: Groups of MATLAB with what its cells and objects refer to.
_REFERRED = ("#refs#/", "#subsystem#/")


def open_hdf5(place: str, options: Options) -> StoredArray:
    """Open one dataset of a file, ``FILE#DATASET``; if there are several, it must be named.

    Raises :class:`DataError` for objects, records, external or soft links, external storage, and virtual datasets of other files.
    """
    require("h5py", extra="science", purpose="HDF5 files")
    file, name = parted(place, options.array)
    source = open_claimed(claimed_dataset(file, name, options.label), options)
    return source if options.label is None else labelled(source, _labels(file, options.label, source))


def _labels(file: str, name: str, source: StoredArray) -> StoredLabels:
    """The dataset of labels, of numbers or of texts."""
    import h5py

    with _file(file) as opened:
        _check_links(opened, name, file)
        data = opened.get(name)
        whole = f"{file}#{name}"
        if not isinstance(data, h5py.Dataset):
            raise DataError("a dataset of labels", f"none at {whole!r}", "name it with --label")
        _check_inside(data, whole)
        kind = "S" if h5py.check_string_dtype(data.dtype) is not None else data.dtype.kind
        check_labels(whole, tuple(data.shape), kind, source.number())
        return StoredLabels(whole, source.number(), partial(_dataset, file, name))


def claimed_dataset(file: str, name: str | None, label: str | None = None) -> Claimed:
    """The stated or only dataset of a file; see :func:`open_hdf5`."""
    with _file(file) as opened:
        if name is not None:
            _check_links(opened, name, file)
        found = chosen(file, without_label(_datasets(opened), label), name)
        data = opened[found]
        whole = f"{file}#{found}"
        check_numbers(data.dtype, whole)
        _check_inside(data, whole)
        check_size(whole, data.size * data.dtype.itemsize, data.id.get_storage_size())
        check_chunk(whole, data.chunks, data.dtype.itemsize)
        dtype, opener = np.dtype(data.dtype), partial(_dataset, file, found)
        if (meant := meant_dtype(data.attrs, dtype)) != dtype:
            dtype, opener = meant, partial(viewed, opener, meant)
        stored = data.id.get_num_chunks() if data.chunks else None
        facts = (*facts_of(data.attrs, dtype), *unstored(chunks_of(data.shape, data.chunks), stored, data.fillvalue))
        return Claimed(whole, tuple(data.shape), dtype, opener, data.chunks, facts)


def words_beside(place: str, name: str, source: StoredArray, wanted: Callable[[str], bool]) -> dict[str, list[str]]:
    """The words of the datasets in the group of another, one a sample, whose names are ``wanted``."""
    group = name.rpartition("/")[0]
    with _file(place) as opened:
        inside = opened[group] if group else opened
        named = [each for each in inside if wanted(each)]
    found: dict[str, list[str]] = {}
    for each in named:
        try:
            labels = _labels(place, f"{group}/{each}" if group else each, source)
        except DataError:  # it has another number of values, or is a group
            continue
        found[each] = [*labels.of(0, source.number())]
    return found


@contextmanager
def _dataset(file: str, name: str) -> Iterator[Any]:
    with _file(file) as opened:
        yield opened[name]


@contextmanager
def _file(place: str) -> Iterator[Any]:
    import h5py

    try:
        file = h5py.File(Path(place), "r", locking=False)
    except (OSError, ValueError) as error:
        raise DataError("an HDF5 file", f"{place!r}: {reason_of(error)}", "check the file, or fetch it again") from None
    with file:
        yield file


def _datasets(file: Any) -> dict[str, str]:
    """Datasets of numbers by name; links are not followed. MATLAB's texts, cells, sparse matrices and empty arrays are none."""
    import h5py

    found: dict[str, str] = {}
    others = list(_REFERRED)

    def look(name: str, item: Any) -> None:
        if "MATLAB_sparse" in item.attrs:
            others.append(f"{name}/")
        if isinstance(item, h5py.Dataset) and item.shape and item.size and item.name and not is_no_number(item.attrs):
            found[name] = described(item.shape, item.dtype)

    try:
        file.visititems(look)
    except TareError:
        raise
    except Exception as error:  # h5py raises errors of many kinds for damaged groups
        raise DataError("an undamaged HDF5 file", f"{file.filename!r}: {reason_of(error)}", "fetch it again") from None
    return {name: what for name, what in found.items() if not name.startswith(tuple(others))}


def _check_links(file: Any, name: str, place: str) -> None:
    """Raise :class:`DataError` if a name leads through a link, which may leave the file."""
    import h5py

    group = file
    for part in name.strip("/").split("/"):
        link = group.get(part, getlink=True) if isinstance(group, h5py.Group) else None
        if isinstance(link, h5py.ExternalLink):
            found = f"{name!r} in {place!r}, which is a link to {link.filename!r}"
            raise DataError("a dataset in the file itself", found, "name that file")
        if isinstance(link, h5py.SoftLink):
            raise DataError("a dataset by its own name", f"{name!r} in {place!r}, a link to {link.path!r}", f"name {link.path}")
        if not isinstance(link, h5py.HardLink):
            return  # there is no such name, and the list of names says so
        group = group[part]


def _check_inside(data: Any, name: str) -> None:
    if data.external:
        raise DataError(
            "values in the file itself", f"{name!r}, whose values lie in {data.external[0][0]!r}", "copy it with h5repack"
        )
    if data.is_virtual:
        outside = sorted({source.file_name for source in data.virtual_sources()} - {"."})
        if outside:
            found = f"{name!r}, a virtual dataset of {outside[0]!r}"
            raise DataError("values in the file itself", found, "name the files that hold the values")
