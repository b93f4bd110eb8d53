"""IDX files, the format of MNIST and its relatives, plain or ``.gz``.

Two zero bytes, a type, the number of axes, their sizes as big-endian 32-bit integers, then the values.
"""

from __future__ import annotations

import struct
from functools import partial
from math import prod
from typing import Any, BinaryIO

import numpy as np

from tare.errors import DataError
from tare.sources.arrays.axes import arranged
from tare.sources.arrays.streamed import Header, StreamedArray, behind_header
from tare.sources.base import Source
from tare.sources.options import Options
from tare.sources.places import open_binary

_TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


def open_idx(place: str, options: Options) -> Source[Any]:
    """Open an IDX file, streamed. Raises :class:`DataError` if its header is malformed."""
    with open_binary(place) as file:
        header = _read_header(file, place)
    if prod(header.shape) == 0:
        raise DataError("at least one sample", f"shape {header.shape} in {place!r}", "check the file")
    at_values = partial(behind_header, partial(open_binary, place), _read_header, place)
    shape, axes, remarks = arranged(header.shape, header.dtype, options.layout, place)
    return StreamedArray(place, Header(shape, header.dtype), axes, at_values, remarks)


def _read_header(file: BinaryIO, place: str) -> Header:
    head = file.read(4)
    if len(head) < 4 or head[:2] != b"\0\0" or head[2] not in _TYPES or head[3] == 0:
        raise DataError("an IDX file (two zero bytes, a type, the number of axes)", f"{place!r} begins with {head!r}", "check it")
    sizes = file.read(4 * head[3])
    if len(sizes) < 4 * head[3]:
        raise DataError("an IDX file with the size of each axis", f"{place!r} ends before them", "fetch the file again")
    return Header(struct.unpack(f">{head[3]}I", sizes), np.dtype(_TYPES[head[2]]))
