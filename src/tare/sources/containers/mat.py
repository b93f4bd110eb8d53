"""Arrays in MATLAB files: versions 4 to 7 through scipy, 7.3 through h5py. Cells, structs and function handles are refused."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from math import prod
from typing import Any

import numpy as np

from tare.errors import DataError, reason_of
from tare.sources.arrays.in_memory import open_array
from tare.sources.base import Source
from tare.sources.containers.hdf5 import claimed_dataset
from tare.sources.containers.stored import check_numbers, chosen, described, open_claimed
from tare.sources.options import Options
from tare.sources.places import parted
from tare.system.local.opened import opened, said
from tare.system.optional import require

_NUMBERS = frozenset(("double", "single", "logical", *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64))))
#: The largest array of MATLAB's own packed files; as large as it claims an array is made in memory.
_MOST_BYTES = 2 << 30


def open_mat(place: str, options: Options) -> Source[Any]:
    """Open one array of a file, ``FILE#ARRAY``; the axes of ``options.layout`` are those that MATLAB shows, N anywhere.

    Raises :class:`DataError` if the file is damaged, several arrays are there, or the chosen one holds no numbers.
    """
    file, name = parted(place, options.array)
    if _is_hdf5(file):
        require("h5py", extra="science", purpose="MATLAB 7.3 files")
        claimed = claimed_dataset(file, name)
        # HDF5 counts the axes from the slowest, MATLAB from the fastest.
        return open_claimed(claimed, options, None if options.layout is None else options.layout[::-1])
    found = chosen(file, _arrays(file), name)
    values = _values(file, found)
    check_numbers(values.dtype, f"{file}#{found}")
    layout = options.layout
    if layout and "N" in layout.upper() and len(layout) == values.ndim:
        axis = layout.upper().index("N")
        values, layout = np.moveaxis(values, axis, 0), f"N{layout[:axis]}{layout[axis + 1 :]}"
    source = open_array(values, replace(options, layout=layout))
    return replace(source, name=f"{file}#{found}")


def _is_hdf5(file: str) -> bool:
    try:
        with opened(file, 0) as raw:
            head = raw.read(520)
    except OSError as error:
        raise DataError("a readable file", f"{file!r}: {said(error)}", "check the path") from None
    return b"\x89HDF\r\n\x1a\n" in (head[:8], head[512:520])


def _arrays(file: str) -> dict[str, str]:
    from scipy import io

    whos = _read(file, partial(io.whosmat, file, appendmat=False))
    return {name: described(shape, kind) for name, shape, kind in whos if kind in _NUMBERS and prod(shape)}


def _values(file: str, name: str) -> Any:
    from scipy import io

    shape = next(shape for each, shape, _ in _read(file, partial(io.whosmat, file, appendmat=False)) if each == name)
    if 8 * prod(shape) > _MOST_BYTES:
        raise DataError("an array that fits into memory", f"{name!r} of shape {shape} in {file!r}", "save it with -v7.3")
    return _read(file, lambda: io.loadmat(file, variable_names=[name], appendmat=False)[name])


def _read(file: str, read: Any) -> Any:
    try:
        return read()
    except Exception as error:  # scipy raises errors of many kinds for damaged files
        raise DataError("a MATLAB file", f"{file!r}: {reason_of(error) or type(error).__name__}", "fetch it again") from None
