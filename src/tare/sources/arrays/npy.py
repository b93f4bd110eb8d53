"""NumPy's ``.npy`` files and ``.npz`` archives; arrays of objects are refused, since they are pickles."""

from __future__ import annotations

import warnings
import zipfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from math import prod
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
from numpy.lib import format as npy_format
from numpy.typing import NDArray

from tare.errors import DataError, reason_of
from tare.samples.records import Record
from tare.sources.arrays.axes import arranged, as_record
from tare.sources.arrays.in_memory import open_array, samples_per_chunk
from tare.sources.arrays.streamed import Header, OpenFile, StreamedArray, behind_header
from tare.sources.base import Indexed, Source, row_ranges
from tare.sources.options import Options
from tare.sources.places import is_url, open_binary, opened_for, parted
from tare.system.local.opened import fill

_REMEDY = "save it again with numpy.save"
_AGAIN = "save it again with numpy.savez"


def open_npy(place: str, options: Options) -> Source[Any]:
    """Open a ``.npy`` file: read by ranges if local, streamed from a URL.

    Raises :class:`DataError` if it is damaged, holds objects, or has an ambiguous channel axis.
    """
    if is_url(place):
        return _streamed(partial(open_binary, place), place, options)
    with open_binary(place) as file:
        header, fortran = _read_header(file, place)
        offset = file.tell()
    shape, axes, remarks = arranged(header.shape, header.dtype, options.layout, place)
    needed = offset + prod(header.shape) * header.dtype.itemsize
    if Path(place).stat().st_size < needed:
        raise DataError(f"{needed} bytes, as its header says", f"{Path(place).stat().st_size} in {place!r}", "fetch it again")
    spread = fortran and len(header.shape) > 1
    return _checked(NpyFile(place, Header(shape, header.dtype), axes, offset, remarks, spread, len(shape) > len(header.shape)))


@dataclass(frozen=True)
class NpyFile(Source[tuple[int, int]]):
    """A local array, of which each worker reads its own ranges.

    A mapped file would let memory grow with it, and end the program if it is cut.
    ``fortran``: the first axis lies closest in the file, so that a sample is spread over all of it. ``whole``: it is one sample.
    """

    name: str
    header: Header
    axes: str
    offset: int
    remarks: tuple[str, ...] = ()
    fortran: bool = False
    whole: bool = False

    def chunks(self) -> Iterator[tuple[int, int]]:
        """Ranges of samples."""
        return row_ranges(self.header.shape[0], samples_per_chunk(self.header.shape, self.header.dtype))

    def chunk_length(self, chunk: tuple[int, int]) -> int:
        """Number of samples in the range."""
        return chunk[1] - chunk[0]

    def number(self) -> int:
        """Length of the first axis."""
        return self.header.shape[0]

    def read(self, chunk: tuple[int, int]) -> Iterator[Record]:
        """One block of samples."""
        block = self._spread(*chunk) if self.fortran else self._together(*chunk)
        yield as_record(f"{self.name}[{chunk[0]}]", block, self.axes)

    def _together(self, start: int, stop: int) -> NDArray[Any]:
        """Samples of an array in C order, which lie side by side."""
        values = np.empty((stop - start, *self.header.shape[1:]), self.header.dtype)
        with opened_for(self.name) as file:
            _read_values(file, self.offset + start * (values.nbytes // (stop - start)), values, self.name)
        return values

    def _spread(self, start: int, stop: int) -> NDArray[Any]:
        """Samples of an array in Fortran order: a piece of every column of the file."""
        shape = self.header.shape[1:]
        if self.whole:
            values = np.empty(shape[::-1], self.header.dtype)
            with opened_for(self.name) as file:
                _read_values(file, self.offset, values, self.name)
            return values.T[None]
        columns = np.empty((prod(shape), stop - start), self.header.dtype)
        length, itemsize = self.header.shape[0], self.header.dtype.itemsize
        with opened_for(self.name) as file:
            for number, column in enumerate(columns):
                _read_values(file, self.offset + (number * length + start) * itemsize, column, self.name)
        return columns.reshape(*shape[::-1], stop - start).T

    def indexed(self) -> Indexed:
        """One sample along the first axis."""
        return Indexed(self.header.shape[0], lambda index: self.read((index, index + 1)))


def _read_values(file: BinaryIO, place: int, values: NDArray[Any], name: str) -> None:
    """Fill an array with the bytes from a place of the file. Raises :class:`DataError` if the file ends before."""
    file.seek(place)
    memory = memoryview(values.reshape(-1).view(np.uint8))  # type: ignore[arg-type]
    if fill(file, memory) < values.nbytes:
        raise DataError("a .npy file that holds what its header says", f"{name!r} ends before its values", "fetch it again")


def open_npz(place: str, options: Options) -> Source[Any]:
    """Open one array of a ``.npz`` archive, streamed; ``FILE#ARRAY`` or ``options.array`` must name it if there are several."""
    place, array = parted(place, options.array)
    options = replace(options, array=array)
    chosen = _chosen(place, options)
    return _streamed(partial(_member, place, f"{chosen}.npy"), f"{place}:{chosen}", options)


def header_of(place: str, options: Options) -> Header:
    """Shape and dtype of a ``.npy`` file, or of the chosen array of a ``.npz`` archive, without its values."""
    place, array = parted(place, options.array)
    if place.lower().endswith(".npz"):
        options = replace(options, array=array)
        with _member(place, f"{_chosen(place, options)}.npy") as file:
            return _read_header(file, place)[0]
    with open_binary(place) as file:
        return _read_header(file, place)[0]


def _chosen(place: str, options: Options) -> str:
    with open_binary(place) as file, _archive(file, place) as archive:
        members = archive.namelist()
    arrays = [name.removesuffix(".npy") for name in members if name.endswith(".npy")]
    chosen = options.array if options.array is not None else arrays[0] if len(members) == len(arrays) == 1 else None
    if chosen not in arrays:
        others = ", ".join(repr(name) for name in members if not name.endswith(".npy"))
        found = f"{chosen!r}" if chosen is not None else f"no name, beside {others}" if others else "no name"
        remedy = "choose with --array, or name FILE.npz#ARRAY"
        raise DataError(f"one of the arrays {', '.join(arrays) or '(none)'}", f"{found} for {place!r}", remedy)
    return str(chosen)


@contextmanager
def _member(place: str, name: str) -> Iterator[BinaryIO]:
    """Open one member of a zip archive at its beginning, without extracting it; raises :class:`DataError` if it is damaged."""
    with open_binary(place) as file, _archive(file, place) as archive:
        try:
            with archive.open(name) as member:
                yield cast(BinaryIO, member)
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
            raise DataError("a complete .npz archive", f"{place!r}: {error}", "fetch the file again") from None


def _streamed(open_file: OpenFile, name: str, options: Options) -> Source[Any]:
    with open_file() as stream:
        header, fortran = _read_header(stream, name)
        if fortran and len(header.shape) > 1:  # its first axis is spread over the whole file, so it has to be in memory
            flat = np.frombuffer(stream.read(), header.dtype, prod(header.shape))
            return open_array(flat.reshape(header.shape, order="F"), options)
    at_values = partial(behind_header, open_file, _read_header, name)
    shape, axes, remarks = arranged(header.shape, header.dtype, options.layout, name)
    return _checked(StreamedArray(name, Header(shape, header.dtype), axes, at_values, remarks))


def _checked(source: NpyFile | StreamedArray) -> Source[Any]:
    shape = source.header.shape
    if prod(shape) == 0:
        raise DataError("at least one sample", f"an array of shape {shape} in {source.name!r}", "check the file")
    return source


def _read_header(file: BinaryIO, name: str) -> tuple[Header, bool]:
    try:
        version = npy_format.read_magic(file)
        read = npy_format.read_array_header_1_0 if version == (1, 0) else npy_format.read_array_header_2_0
        with warnings.catch_warnings():  # that Python 2 wrote it is no news to a reader of values
            warnings.simplefilter("ignore", UserWarning)
            shape, fortran, dtype = read(file)
    except OSError:
        raise
    except Exception as error:  # numpy's reader parses the header as Python's tokens and lets out what they raise
        reason = reason_of(error) or type(error).__name__
        raise DataError("a .npy file", f"{name!r}: {reason}", _REMEDY) from None
    if any(length < 0 for length in shape):
        raise DataError("a .npy file whose axes have lengths", f"the shape {shape} in {name!r}", "save it again with numpy")
    return Header(shape, dtype), fortran


@contextmanager
def _archive(file: BinaryIO, place: str) -> Iterator[zipfile.ZipFile]:
    try:
        archive = zipfile.ZipFile(file)
    except zipfile.BadZipFile as error:
        raise DataError("a .npz archive", f"{place!r}: {error}", _AGAIN) from None
    with archive:
        check_archive(archive, place)
        yield archive


def check_archive(archive: zipfile.ZipFile, place: str) -> None:
    """Raise :class:`DataError` for an archive that readers read differently: one name twice, or another archive before it."""
    twice = [name for name, count in Counter(archive.namelist()).items() if count > 1]
    if twice:
        raise DataError("a .npz archive with each array once", f"{twice[0]!r} twice in {place!r}", _AGAIN)
    before = min((member.header_offset for member in archive.infolist()), default=0)
    if before:
        found = f"{before} bytes before it in {place!r}, as of another archive"
        raise DataError("a .npz archive that begins with its first array", found, _AGAIN)
