"""DICOM as samples of training: one image, or a series as one volume, with every pixel.

Slope and intercept are applied, a window is not. MONOCHROME1, where low values are white, is inverted, so that low is dark in
every file (PS3.3, C.7.6.3.1.2). Pixels of padding get the lowest value of the others, since a network takes every pixel.
"""

from __future__ import annotations

import logging
import os
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tare.errors import reason_of
from tare.samples.decode import UndecodableError
from tare.samples.records import Facts, Skipped, along_axes
from tare.sources.volumes.dicom import check_one_look, facts_of, frames_of, in_order, inverted, one_type, places_twice, rescaled
from tare.sources.volumes.dicom_header import Slice, read_slice
from tare.sources.volumes.sniffing import is_dicom
from tare.system.optional import require

_ENDINGS = (".dcm", ".dicom", ".ima")
#: The most values of a volume, in bytes of float64, as for NIfTI.
_MOST_BYTES = 1 << 30


def is_named_dicom(path: str) -> bool:
    """Whether a file is DICOM by the ending of its name, or by its content if the name has none."""
    ending = os.path.splitext(path)[1].lower()
    return ending in _ENDINGS or (ending == "" and is_dicom(path))


def series_in(paths: Iterable[str]) -> Iterator[tuple[str, ...]]:
    """The files of each series of one folder, in the order of its first file; a damaged file stands alone.

    Files without an image are left out. Raises :class:`MissingDependencyError` without pydicom.
    """
    require("pydicom", extra="medical", purpose="DICOM series")
    logging.getLogger("pydicom").addHandler(logging.NullHandler())  # it prints tracebacks of files that are refused in one line
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for path in paths:
        found = read_slice(path)
        if not isinstance(found, Skipped):
            groups[found.series].append(path)
        elif not found.foreign:
            groups[path].append(path)
    return (tuple(group) for group in groups.values())


def dicom_image(path: str) -> NDArray[Any] | Skipped:
    """One image ``(H, W, C)`` of the modality's values, or the reason why the file is none."""
    return _or_reason(_image, (path,))


def whole_series(files: Sequence[str]) -> NDArray[Any] | Skipped:
    """One volume ``(X, Y, Z, C)`` of the modality's values, or the reason why the series is none.

    X runs along the rows of a slice, Y along its columns from the last row to the first, Z along the normal: the array that
    dcm2niix writes as NIfTI.
    """
    return _or_reason(lambda them: np.ascontiguousarray(np.stack(_frames(them)).transpose(2, 1, 0, 3)[:, ::-1]), files)


def series_facts(files: Sequence[str]) -> Facts:
    """What the headers of a series state of its axes; empty where one of them is damaged."""
    found = [read_slice(file) for file in files]
    slices = in_order([each for each in found if not isinstance(each, Skipped)]).slices if found else ()
    return along_axes(facts_of(slices)) if slices and len(slices) == len(found) else ()


def _or_reason(read: Callable[[Sequence[str]], NDArray[Any]], files: Sequence[str]) -> NDArray[Any] | Skipped:
    require("pydicom", extra="medical", purpose="DICOM")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pydicom warns of values that break the standard and are read all the same
            return read(files)
    except Exception as error:  # pydicom and its decoders raise errors of many kinds
        return Skipped(files[0], reason_of(error) or type(error).__name__)


def _image(files: Sequence[str]) -> NDArray[Any]:
    found = _frames(files)
    if len(found) > 1:
        raise UndecodableError(f"{len(found)} frames, a volume: name a network whose first layer is 3-D")
    return found[0]


def _frames(files: Sequence[str]) -> list[NDArray[Any]]:
    """The frames ``(H, W, C)`` of a series in order, of one type. Raises :class:`UndecodableError` if there are none."""
    slices = [_header(file, alone=len(files) == 1) for file in files]
    series = in_order(slices)
    if series.skipped is not None:
        raise UndecodableError(series.skipped.reason)
    check_one_look(slices)
    if places_twice(slices):
        raise UndecodableError(f"{len(slices)} slices, several of them at one place: a series of more than one volume")
    height, width = slices[0].shape
    if 8 * height * width * len(slices) > _MOST_BYTES:
        raise UndecodableError(f"{len(slices)} slices of {height} x {width}: too many to be held at once")
    kind = one_type(slices)
    found = [frame for each in series.slices for frame in _of_slice(each, kind)]
    if len({(frame.shape, frame.dtype) for frame in found}) != 1:
        raise UndecodableError("slices of several types" if found else "no pixel data")
    return found


def _header(file: str, *, alone: bool) -> Slice:
    found = read_slice(file)
    if isinstance(found, Skipped):
        raise UndecodableError(found.reason if alone else f"{os.path.split(file)[1]!r}: {found.reason}")
    return found


def _of_slice(each: Slice, kind: np.dtype[Any] | None) -> Iterator[NDArray[Any]]:
    held = 0
    for frame in frames_of(each):
        held += frame.size
        if 8 * held > _MOST_BYTES:
            raise UndecodableError(f"{os.path.split(each.path)[1]!r}: too many frames to be held at once")
        values = frame if frame.ndim == 3 else frame[..., None]
        yield rescaled(inverted(_filled(values, each), each), each, kind)


def _filled(values: NDArray[Any], each: Slice) -> NDArray[Any]:
    if each.padding is None:
        return values
    low, high = each.padding
    padded = (values >= low) & (values <= high)
    if not padded.any() or padded.all():
        return values
    others = values[~padded]
    # Low is dark: after an inversion the highest stored value is.
    return np.where(padded, others.max() if each.photometric == "MONOCHROME1" else others.min(), values)
