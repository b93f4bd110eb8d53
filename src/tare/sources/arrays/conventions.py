"""What the attributes of an array state of its values by the names of the CF conventions, and what was never stored of it."""

from __future__ import annotations

import struct
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tare.samples.records import Facts

#: Longer lists of missing values, and longer words, are not looked at.
_MOST_VALUES, _MOST_SIGNS = 16, 80

#: Classes of MATLAB whose arrays hold no numbers.
_NO_NUMBERS = frozenset(("char", "cell", "function_handle", "string"))


def facts_of(attributes: Any, dtype: np.dtype[Any]) -> Facts:
    """Units, scale, no-data and valid range, if the attributes have any of them; ``dtype`` is that of the values."""
    stated = {name: _word(attributes, name) for name in ("units", "scale_factor", "add_offset")}
    missing = _missing(attributes, dtype)
    valid = _valid(attributes, dtype)
    if not (any(stated.values()) or missing or valid):
        return ()
    scale, offset = stated["scale_factor"], stated["add_offset"]
    facts = [("units", "stored numbers" if scale or offset else stated["units"] or "unstated")]
    if scale or offset:
        said = f"{scale or 1} v + {offset or 0} {stated['units']} stated for a raw value v, not applied"
        facts.append(("scale", said.replace("  ", " ")))
    if missing:
        facts.append(("nodata", " ".join(missing)))
    if valid:
        facts.append(("valid range", f"{valid} of raw values; others are not left out"))
    return tuple(facts)


def attributes_of(array: Any) -> Mapping[str, Any]:
    """The attributes of an open array of h5py or zarr; empty for an array without any.

    Of version 2 xarray keeps the value that means no data as a Zarr array's own fill value, beside its axes.
    """
    found = getattr(array, "attrs", None)
    if not isinstance(found, Mapping):
        return {}
    is_of_xarray = "_ARRAY_DIMENSIONS" in found and getattr(getattr(array, "metadata", None), "zarr_format", None) == 2
    return {"_FillValue": array.fill_value, **found} if is_of_xarray and array.fill_value is not None else found


def unstored(chunks: int | None, stored: int | None, fill: Any) -> Facts:
    """A fact on the chunks that were never written, whose values count as the fill value."""
    if not chunks or stored is None or stored >= chunks:
        return ()
    return (("chunks that are not stored", f"{chunks - stored} of {chunks}, whose values count as the fill value {fill}"),)


def chunks_of(shape: tuple[int, ...], along: tuple[int, ...] | None) -> int | None:
    """The number of chunks of an array."""
    return prod(-(-length // step) for length, step in zip(shape, along, strict=True)) if along else None


def meant_dtype(attributes: Any, dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The type of what stored integers stand for: unsigned ones by NetCDF's ``_Unsigned``, truth values by ``MATLAB_class``."""
    if dtype.kind == "i" and _word(attributes, "_Unsigned").lower() == "true":
        return np.dtype(dtype.str.replace("i", "u"))
    return np.dtype(bool) if dtype == np.uint8 and _word(attributes, "MATLAB_class") == "logical" else dtype


def is_no_number(attributes: Any) -> bool:
    """Whether MATLAB says that stored integers are a text's codes, a cell's references, or the size of an empty array."""
    return _word(attributes, "MATLAB_class") in _NO_NUMBERS or _word(attributes, "MATLAB_empty") not in ("", "0")


class Viewed:
    """Stored integers that stand for values of another type of the same width, by slices."""

    def __init__(self, array: Any, dtype: np.dtype[Any]) -> None:
        self.array, self.dtype = array, dtype

    def __getitem__(self, index: Any) -> NDArray[Any]:
        return np.asarray(self.array[index]).view(self.dtype)


@contextmanager
def viewed(opened: Callable[[], AbstractContextManager[Any]], dtype: np.dtype[Any]) -> Iterator[Any]:
    """The values of an array that ``opened`` opens, as those of another type."""
    with opened() as array:
        yield Viewed(array, dtype)


def _missing(attributes: Any, dtype: np.dtype[Any]) -> list[str]:
    """The numbers that stand for no data, as the values are read."""
    numbers = [number for name in ("_FillValue", "missing_value") for number in _numbers(attributes, name)]
    return list(dict.fromkeys(str(_as_read(number, dtype)) for number in numbers))


def _as_read(number: Any, dtype: np.dtype[Any]) -> Any:
    """A number in the type of the values: of unsigned values it may be stored as a negative one."""
    if dtype.kind == "u" and number < 0:
        return number + (1 << 8 * dtype.itemsize)
    return float(dtype.type(number)) if dtype.kind == "f" else number


def _valid(attributes: Any, dtype: np.dtype[Any]) -> str:
    both = _numbers(attributes, "valid_range")
    low = both[:1] if len(both) == 2 else _numbers(attributes, "valid_min")[:1]
    high = both[1:] if len(both) == 2 else _numbers(attributes, "valid_max")[:1]
    ends = [f"{word} {_as_read(end[0], dtype)}" for word, end in (("from", low), ("to", high)) if end]
    return " ".join(ends)


def _numbers(attributes: Any, name: str) -> list[Any]:
    try:
        values = np.asarray(attributes[name]).ravel()
    except Exception:  # missing, or of a type that h5py cannot read
        return []
    if values.size == 1 and values.dtype.kind in "USO":
        return _number_of(_word(attributes, name))
    return values.tolist() if values.dtype.kind in "iuf" and values.size <= _MOST_VALUES else []


def _number_of(word: str) -> list[float]:
    """The number that a text states, in digits or as xarray writes a float into Zarr of version 3: eight bytes in base64."""
    try:
        return [float(word)]
    except ValueError:
        pass
    try:
        return list(struct.unpack("<d", b64decode(word, validate=True)))
    except (ValueError, struct.error):
        return []


def _word(attributes: Any, name: str) -> str:
    try:
        value = np.asarray(attributes[name]).ravel()
    except Exception:  # as above
        return ""
    if value.size != 1 or value.dtype.kind == "V":
        return ""
    word = value[0].decode("utf-8", "replace") if isinstance(value[0], bytes) else str(value[0])
    return word if len(word) <= _MOST_SIGNS else ""
