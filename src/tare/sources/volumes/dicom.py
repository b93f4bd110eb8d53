"""DICOM series through pydicom: one series a sample, its slices in order, stored values turned into those of the modality.

Slope and intercept are applied, so that CT is in Hounsfield units. A padding value is left out. MONOCHROME1, where low values are
white, is inverted, so that low is dark in every file (PS3.3, C.7.6.3.1.2), and that is said. A file is never followed to another
one, and no deflated data set is inflated.
"""

from __future__ import annotations

import logging
import os
import warnings
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tare.errors import reason_of
from tare.samples.decode import MAX_PIXELS, UndecodableError
from tare.samples.records import UNSTATED, Facts, Part, Record, Skipped
from tare.sources.base import Indexed, Source
from tare.sources.files.masks import check_own_masks, found_of
from tare.sources.options import Options
from tare.sources.volumes.dicom_header import Slice, read_slice, stored_values
from tare.sources.volumes.dicom_masks import ENDINGS, Masks, belongs_to_masks
from tare.sources.volumes.sniffing import is_dicom
from tare.system.optional import require

#: Millimetres below which two slices lie at one place.
_ONE_PLACE = 1e-3


@dataclass(frozen=True)
class Series:
    """One series: its slices from one end to the other, or the reason why it is no sample."""

    path: str
    slices: tuple[Slice, ...]
    skipped: Skipped | None = None


@dataclass(frozen=True)
class DicomSource(Source[Series]):
    """The series of a folder, in the order of their first files."""

    applies_mask = True

    name: str
    series: tuple[Series, ...]
    remarks: tuple[str, ...] = ()
    mask: str | None = None

    def chunks(self) -> Iterator[Series]:
        """One series a chunk."""
        return iter(self.series)

    def read(self, chunk: Series) -> Iterator[Record]:
        """Read the slices of one series as parts of one sample."""
        if chunk.skipped is not None:
            yield chunk.skipped
            return
        try:
            yield from _parts(chunk, None if self.mask is None else Masks(self.mask, self.name))
        except Exception as error:  # pydicom and its decoders raise errors of many kinds
            yield Skipped(chunk.path, reason_of(error) or type(error).__name__)

    def beside(self, chunk: Series) -> Iterator[str]:
        """The mask of each slice."""
        if self.mask is not None:
            for each in chunk.slices:
                places = Masks(self.mask, self.name).places(each.path)
                yield found_of(places) or places[0]

    def indexed(self) -> Indexed:
        """One series."""
        return Indexed(len(self.series), lambda index: self.read(self.series[index]))


def open_series(name: str, files: tuple[str, ...], options: Options) -> DicomSource:
    """Group files by their series and sort the slices of each; headers are read, pixels are not.

    With ``options.mask`` each slice has a mask of its size, in a DICOM file of the same name in a folder, or beside it with the
    ending of a mask. Raises :class:`MissingDependencyError` without pydicom.
    """
    require("pydicom", extra="medical", purpose="DICOM series")
    if options.mask is not None:
        files = tuple(file for file in files if not belongs_to_masks(file, options.mask))
    logging.getLogger("pydicom").addHandler(logging.NullHandler())  # it prints tracebacks of files that are refused in one line
    groups: defaultdict[str, list[Slice]] = defaultdict(list)
    series = []
    for file in files:
        found = read_slice(file) if is_dicom(file) else Skipped(file, "no DICOM file by its content", foreign=True)
        if isinstance(found, Skipped):
            series.append(Series(file, (), found))
        else:
            groups[found.series].append(found)
    series += [in_order(slices) for slices in groups.values()]
    if options.mask is not None and os.path.isdir(options.mask) and not os.path.isdir(name):  # noqa: PTH112
        slices = [each for one in series for each in one.slices]
        check_own_masks(lambda: (each.path for each in slices), ENDINGS, Masks(options.mask, name).places)
    remarks = () if options.mask is None else (f"only values where the mask ({options.mask}) is not 0",)
    return DicomSource(name, tuple(sorted(series, key=lambda each: each.path)), remarks, options.mask)


def in_order(slices: list[Slice]) -> Series:
    """The slices along the normal of their planes, else by their numbers."""
    placed = all(each.position is not None for each in slices)
    ordered = sorted(slices, key=lambda each: (each.position if placed else each.number, each.path))
    path = min(each.path for each in slices)
    sizes = {each.shape for each in ordered}
    if len(sizes) > 1:
        found = " and ".join(f"{rows} x {columns}" for rows, columns in sorted(sizes))
        return Series(
            path, (), Skipped(path, f"a series with slices of {found}: move those of another kind to a folder of theirs")
        )
    return Series(path, tuple(ordered))


def _parts(series: Series, masks: Masks | None) -> Iterator[Record]:
    slices = series.slices
    check_one_look(slices)
    facts, notes = facts_of(slices), _notes(slices)
    kind = one_type(slices)
    for each in slices:
        inside = [] if masks is None else masks.of(each)
        for place, frame in enumerate(frames_of(each)):
            values = frame.reshape(-1, frame.shape[-1]) if frame.ndim == 3 else frame.reshape(-1, 1)
            number = len(values)
            where = inside[min(place, len(inside) - 1)] if inside else None
            values = values if where is None else values[where.kept]
            said = () if where is None else where.notes
            kept = (inverted(_kept(values[:, c], each), each) for c in range(values.shape[1]))
            yield Part(series.path, tuple(rescaled(channel, each, kind) for channel in kept), (*notes, *said), facts, number)


def frames_of(each: Slice) -> Iterator[NDArray[Any]]:
    """The stored frames of a file. Raises :class:`UndecodableError`, with its name, for one that cannot be decoded."""
    if each.shape[0] * each.shape[1] > MAX_PIXELS:
        raise UndecodableError(f"{each.path!r}: the header claims {each.shape[0]} x {each.shape[1]} pixels")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom warns of values that break the standard and are read all the same
        try:
            yield from stored_values(each)
        except Exception as error:  # as above, with the name of the slice
            raise UndecodableError(f"{os.path.split(each.path)[1]!r}: {reason_of(error) or type(error).__name__}") from None


def _kept(values: NDArray[Any], each: Slice) -> NDArray[Any]:
    if each.padding is None:
        return values
    low, high = each.padding
    return np.asarray(values[(values < low) | (values > high)])


def check_one_look(slices: Sequence[Slice]) -> None:
    """Raise :class:`UndecodableError` for a series in which low values are dark in some slices and white in others."""
    looks = sorted({each.photometric for each in slices})
    if len(looks) > 1:
        raise UndecodableError(f"a series with slices of {' and '.join(looks)}")


def inverted(values: NDArray[Any], each: Slice) -> NDArray[Any]:
    """The stored values with low as dark: of MONOCHROME1 the sum of the least and the largest stored value, less each.

    Raises :class:`UndecodableError` for floats, whose largest stored value nothing states.
    """
    if each.photometric != "MONOCHROME1":
        return values
    if values.dtype.kind not in "iu" or not each.bits:
        raise UndecodableError("MONOCHROME1 in values that state no bits, so that they cannot be inverted")
    return (_ends(each, values.dtype.kind == "i") - values.astype(np.int64)).astype(values.dtype)


def _ends(each: Slice, signed: bool) -> int:
    """The sum of the least and the largest value that the bits of a file can store."""
    return -1 if signed else (1 << each.bits) - 1


def one_type(slices: Sequence[Slice]) -> np.dtype[Any] | None:
    """The type of the values of a series: None for those of one type as they are stored, without slope and intercept.

    Of a series with a slope, or with slices of several types, it is int32 if every value is whole, else float64.
    """
    if not any(each.rescaled for each in slices) and len({(each.signed, each.allocated) for each in slices}) == 1:
        return None
    return np.dtype(np.int32 if _are_whole(slices) else np.float64)


def _are_whole(slices: Sequence[Slice]) -> bool:
    """Whether every value that the slices can store is a whole number of 32 bits after slope and intercept."""
    return all(
        each.slope.is_integer()
        and each.intercept.is_integer()
        and all(-(1 << 31) <= end * each.slope + each.intercept < 1 << 31 for end in each.ends)
        for each in slices
    )


def rescaled(values: NDArray[Any], each: Slice, kind: np.dtype[Any] | None) -> NDArray[Any]:
    """The modality's values in the type of the series (:func:`one_type`)."""
    if kind is None:
        return values
    if kind.kind == "i" and values.dtype.kind in "iu":
        return np.asarray(values.astype(np.int32) * np.int32(each.slope) + np.int32(each.intercept))
    return np.asarray(values.astype(np.float64) * each.slope + each.intercept)


def facts_of(slices: tuple[Slice, ...]) -> Facts:
    """What the headers of a series state of its values."""
    first = slices[0]
    units = {each.units for each in slices}
    facts = [("units", units.pop() if len(units) == 1 else UNSTATED)]
    facts.append(("spacing", f"{first.spacing} x {_distance(slices)} mm"))
    if first.axes:
        facts.append(("orientation", first.axes))
    turned = " (inverted, so that low is dark)" if first.photometric == "MONOCHROME1" else ""
    facts.append(("photometric interpretation", f"{first.photometric}{turned}"))
    if one_type(slices) is None:
        facts.append(("bits", str(max(each.bits for each in slices))))
    padding = sorted(
        {str(_shown(end, each) * each.slope + each.intercept) for each in slices if each.padding for end in each.padding}
    )
    return (*facts, ("nodata", " ".join(padding) or UNSTATED))


def _shown(stored: float, each: Slice) -> float:
    """A stored value after inversion."""
    return _ends(each, each.signed) - stored if each.photometric == "MONOCHROME1" else stored


def _notes(slices: tuple[Slice, ...]) -> tuple[str, ...]:
    steps = _steps(slices)
    if places_twice(slices):
        return ("several slices at one place: copies, or more than one volume",)
    gaps = steps.size > 1 and steps.max() > 1.5 * np.median(steps)
    return ("slices at uneven distances: some may be missing",) if gaps else ()


def places_twice(slices: Sequence[Slice]) -> bool:
    """Whether two slices lie at one place along the normal, to a thousandth of a millimetre."""
    places = sorted(each.position for each in slices if each.position is not None)
    return any(after - before < _ONE_PLACE for before, after in pairwise(places))


def _steps(slices: tuple[Slice, ...]) -> NDArray[np.float64]:
    return np.diff([each.position for each in slices if each.position is not None])


def _distance(slices: tuple[Slice, ...]) -> str:
    steps = _steps(slices)
    return f"{np.median(steps):.3g}" if steps.size else slices[0].thickness
