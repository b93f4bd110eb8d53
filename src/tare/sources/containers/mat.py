"""Arrays in MATLAB files: versions 4 to 7 through scipy, 7.3 through h5py. Cells, structs and function handles are refused."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from math import prod
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tare.errors import DataError, reason_of
from tare.sources.arrays.axes import assumed, axes_of
from tare.sources.arrays.in_memory import open_array
from tare.sources.base import Source
from tare.sources.containers.hdf5 import claimed_dataset
from tare.sources.containers.labels import words_of
from tare.sources.containers.stored import Claimed, OpenArray, check_numbers, chosen, described, open_claimed
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
        meant = _meant(claimed.shape[::-1], claimed.dtype, options.layout, claimed.name)
        return replace(open_claimed(_turned(claimed, meant.order), options, meant.layout), remarks=meant.remarks)
    found = chosen(file, _arrays(file), name)
    values = _values(file, found)
    place = f"{file}#{found}"
    check_numbers(values.dtype, place)
    meant = _meant(values.shape, values.dtype, options.layout, place)
    source = open_array(values.transpose(meant.order), replace(options, layout=meant.layout))
    return replace(source, name=place, remarks=meant.remarks)


def words_beside(file: str, number: int, wanted: Callable[[str], bool]) -> dict[str, list[str]]:
    """The words of the arrays of ``number`` texts or whole numbers in a file whose names are ``wanted``, one a sample."""
    from scipy import io

    if _is_hdf5(file):
        require("h5py", extra="science", purpose="MATLAB 7.3 files")
        import h5py

        with h5py.File(file, "r", locking=False) as opened:  # its texts are numbers of letters, or references
            named = [name for name in opened if wanted(name) and isinstance(opened[name], h5py.Dataset)]
            return words_of({name: opened[name][...] for name in named if opened[name].dtype.kind in "iufb"}, number)
    named = [name for name, _, kind in _read(file, partial(io.whosmat, file, appendmat=False)) if wanted(name)]
    read = _read(file, lambda: io.loadmat(file, variable_names=named, appendmat=False, chars_as_strings=True)) if named else {}
    return words_of({name: np.asarray(read[name]) for name in named if name in read}, number)


class _Meant(NamedTuple):
    """The axes of MATLAB in the order that brings samples to the front, their layout in that order, and what was assumed."""

    order: tuple[int, ...]
    layout: str
    remarks: tuple[str, ...]


def _meant(shape: tuple[int, ...], dtype: np.dtype[Any], layout: str | None, name: str) -> _Meant:
    """What the axes mean that MATLAB shows; of three or more the samples are along the first or, as its images are, the last.

    Raises :class:`DataError` if no layout is stated and both may be, or neither.
    """
    every = tuple(range(len(shape)))
    if layout is not None:
        axis = max(0, layout.upper().find("N"))
        order = (axis, *every[:axis], *every[axis + 1 :]) if len(layout) == len(shape) else every
        return _Meant(order, f"{layout[axis]}{layout[:axis]}{layout[axis + 1 :]}", ())
    last = (every[-1], *every[:-1])
    found = {order: axes for order in (every, last)[: 1 + (len(shape) > 2)] if (axes := _guess(shape, order, dtype))}
    if len(found) != 1:
        raise DataError(
            "an array whose shape shows which axis counts samples, the first or the last, and its channel axis",
            f"shape {shape} in {name!r}",
            "say what the axes mean that MATLAB shows, for example --layout HWCN, NHWC, HWN or NC",
        )
    ((order, axes),) = found.items()
    return _Meant(order, axes, assumed(shape, axes if order == every else f"{axes[1:]}N"))


def _guess(shape: tuple[int, ...], order: tuple[int, ...], dtype: np.dtype[Any]) -> str | None:
    try:
        return axes_of(tuple(shape[axis] for axis in order), dtype, None, "")
    except DataError:
        return None


def _turned(claimed: Claimed, order: tuple[int, ...]) -> Claimed:
    """A stored array with its axes in an ``order`` of those that MATLAB shows, which HDF5 counts from the other end."""
    stored = tuple(len(order) - 1 - axis for axis in order)
    along = claimed.along and tuple(claimed.along[axis] for axis in stored)
    shape = tuple(claimed.shape[axis] for axis in stored)
    return replace(claimed, shape=shape, open=partial(_opened, claimed.open, stored), along=along)


@contextmanager
def _opened(claimed: OpenArray, stored: tuple[int, ...]) -> Iterator[Any]:
    with claimed() as array:
        yield _Turned(array, stored)


class _Turned:
    """An array by slices and indices of its axes in another order: axis k is the array's axis ``stored[k]``."""

    def __init__(self, array: Any, stored: tuple[int, ...]) -> None:
        self.array, self.stored = array, stored

    def __getitem__(self, index: Any) -> NDArray[Any]:
        given = index if isinstance(index, tuple) else (index,)
        parts: dict[int, Any] = dict(zip(self.stored, (*given, *[slice(None)] * (len(self.stored) - len(given))), strict=True))
        values = np.asarray(self.array[tuple(parts[axis] for axis in range(len(parts)))])
        left = [axis for axis in range(len(parts)) if isinstance(parts[axis], slice)]
        return values.transpose([left.index(axis) for axis in self.stored if axis in left])


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
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        values = _read(file, lambda: io.loadmat(file, variable_names=[name], appendmat=False, mat_dtype=True)[name])
    if any("imaginary" in str(each.message) for each in told):  # SciPy makes them doubles, as their class says
        check_numbers(np.dtype(np.complex128), f"{file}#{name}")
    return values


def _read(file: str, read: Any) -> Any:
    try:
        return read()
    except Exception as error:  # scipy raises errors of many kinds for damaged files
        raise DataError("a MATLAB file", f"{file!r}: {reason_of(error) or type(error).__name__}", "fetch it again") from None
