"""NumPy's ``.npy`` files and ``.npz`` archives; arrays of objects are refused, since they are pickles."""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from math import prod
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
from numpy.lib import format as npy_format

from tare.errors import DataError, reason_of
from tare.samples.records import Record
from tare.sources.arrays.axes import arranged, as_record
from tare.sources.arrays.in_memory import ArraySource, open_array, samples_per_chunk
from tare.sources.arrays.streamed import Header, OpenFile, StreamedArray, behind_header
from tare.sources.base import Indexed, Source, row_ranges
from tare.sources.options import Options
from tare.sources.places import is_url, open_binary, parted

_REMEDY = "save it again with numpy.save"


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
    if fortran and len(header.shape) > 1:  # a sample is spread over the whole file
        mapped = np.load(Path(place), mmap_mode="r", allow_pickle=False)
        return _checked(ArraySource(place, mapped if len(shape) == mapped.ndim else mapped[None], axes, remarks))
    return _checked(NpyFile(place, Header(shape, header.dtype), axes, offset, remarks))


@dataclass(frozen=True)
class NpyFile(Source[tuple[int, int]]):
    """A local array in C order. Each worker reads its own ranges; mapping the file would let memory grow with it."""

    name: str
    header: Header
    axes: str
    offset: int
    remarks: tuple[str, ...] = ()

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
        each = prod(self.header.shape[1:])
        with open_binary(self.name) as file:
            file.seek(self.offset + chunk[0] * each * self.header.dtype.itemsize)
            data = file.read((chunk[1] - chunk[0]) * each * self.header.dtype.itemsize)
        block = np.frombuffer(data, self.header.dtype).reshape(-1, *self.header.shape[1:])
        yield as_record(f"{self.name}[{chunk[0]}]", block, self.axes)

    def indexed(self) -> Indexed:
        """One sample along the first axis."""
        return Indexed(self.header.shape[0], lambda index: self.read((index, index + 1)))


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
        arrays = [name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")]
    chosen = options.array if options.array is not None else arrays[0] if len(arrays) == 1 else None
    if chosen not in arrays:
        found = f"{chosen!r}" if chosen is not None else "no name"
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


def _checked(source: ArraySource | NpyFile | StreamedArray) -> Source[Any]:
    shape = source.values.shape if isinstance(source, ArraySource) else source.header.shape
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
        raise DataError("a .npz archive", f"{place!r}: {error}", "save it again with numpy.savez") from None
    with archive:
        yield archive
