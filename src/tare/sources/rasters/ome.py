"""OME-TIFF images of microscopy through tifffile: one file a sample, read plane by plane, with its channel names."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from math import prod
from typing import Any
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from tare.errors import DataError, reason_of
from tare.samples.decode import MAX_PIXELS, UndecodableError
from tare.samples.records import UNSTATED, Facts, Part, Record
from tare.sources.files.each import EachFile
from tare.sources.options import Options
from tare.system.local.opened import regular
from tare.system.optional import require


def open_ome(name: str, files: tuple[str, ...], options: Options) -> EachFile:
    """Open OME-TIFF files; the first readable one names the channels.

    Raises :class:`DataError` for another colour mode than stored, and the error that names tifffile without it.
    """
    require("tifffile", extra="geo", purpose="OME-TIFF images")
    logging.getLogger("tifffile").addHandler(logging.NullHandler())  # it prints what is said in one line
    if options.channels != "stored":
        raise DataError("channels as stored", f"--channels {options.channels} for {name!r}", "leave it out")
    for file in files:
        try:
            with _opened(file) as tiff:
                return EachFile(name, files, options, read_ome, _names(tiff))
        except UndecodableError:
            continue
    return EachFile(name, files, options, read_ome)


def read_ome(place: str, options: Options) -> Iterator[Record]:
    """Read the first image of a file, each plane as a part of one sample; axes other than C count as positions.

    A note says so where the file holds further images.

    Raises :class:`UndecodableError` if the file is damaged, has no planes, or holds complex values.
    """
    del options
    with _opened(place) as tiff:
        series = tiff.series[0]
        if np.dtype(series.dtype).kind not in "iufb":
            raise UndecodableError(f"values of {np.dtype(series.dtype)}, which are not real numbers")
        facts, channels = _facts(tiff), _channels(series)
        notes = ("first of several images of the file read",) if len(tiff.series) > 1 else ()
        if series.keyframe.imagewidth * series.keyframe.imagelength > MAX_PIXELS:
            raise UndecodableError(f"the header claims planes of {series.shape} values")
        for index, page in enumerate(series.pages):
            if page is None:
                raise UndecodableError(f"plane {index} of {len(series.pages)} is missing")
            values = _colours(_plane(page, index), series.keyframe)
            yield _of_plane(place, values, _place(series, index), channels, notes, facts)


def _opened(place: str) -> Any:
    import tifffile

    try:
        # An OME-TIFF may name other files of its image; those are read as files of their own, if at all.
        regular(place)
        tiff = tifffile.TiffFile(place, _multifile=False)
        if not tiff.is_ome:
            raise UndecodableError("no OME-TIFF among others: measure each kind by itself")
        if not tiff.series or tiff.series[0].kind != "ome":
            raise UndecodableError("damaged: its OME metadata cannot be read")
    except UndecodableError:
        raise
    except Exception as error:  # tifffile raises errors of many kinds for damaged files
        raise UndecodableError(f"damaged: {reason_of(error) or type(error).__name__}") from None
    return tiff


def _plane(page: Any, index: int) -> NDArray[Any]:
    try:
        return np.asarray(page.asarray())
    except Exception as error:  # tifffile and its codecs raise errors of many kinds
        raise UndecodableError(f"damaged at plane {index}: {reason_of(error) or type(error).__name__}") from None


def _channels(series: Any) -> int:
    """Number of channels: along the axis C, times samples of a colour pixel (S)."""
    lengths = dict(zip(series.axes, series.shape, strict=True))
    return int(lengths.get("C", 1) * lengths.get("S", 1))


def _place(series: Any, index: int) -> int:
    """The place along the axis C of the plane ``index``."""
    outer = [(axis, length) for axis, length in zip(series.axes, series.shape, strict=True) if axis not in "YXS"]
    if prod(length for _, length in outer) != len(series.pages):
        raise UndecodableError(f"{len(series.pages)} planes for the axes {series.axes} of lengths {series.shape}")
    places = np.unravel_index(index, [length for _, length in outer]) if outer else ()
    return int(dict(zip((axis for axis, _ in outer), places, strict=True)).get("C", 0))


def _colours(values: NDArray[Any], keyframe: Any) -> list[NDArray[Any]]:
    """The samples of colour pixels in one plane, each of shape ``(H, W)``; one without colours."""
    if values.ndim not in (2, 3):
        raise UndecodableError(f"planes of shape {values.shape}")
    if values.ndim == 2:
        return [values]
    return list(values if int(keyframe.planarconfig) == 2 else np.moveaxis(values, -1, 0))


def _of_plane(path: str, colours: list[NDArray[Any]], channel: int, channels: int, notes: tuple[str, ...], facts: Facts) -> Part:
    """One plane as a part of its sample, with the values of its channels alone."""
    found, held = [colours[0].ravel()[:0]] * channels, range(channel * len(colours), (channel + 1) * len(colours))
    found[held.start : held.stop] = [np.ascontiguousarray(colour).ravel() for colour in colours]
    if len(found) != channels:
        raise UndecodableError(f"planes of {len(colours)} colours for {channels} channels")
    return Part(path, tuple(found), notes, facts, held=tuple(held))


def _pixels(tiff: Any) -> Any:
    """The element Pixels of the first image, or None."""
    try:
        root = ElementTree.fromstring(tiff.ome_metadata)  # noqa: S314 - expat of this Python limits entity expansion
    except (ElementTree.ParseError, TypeError, ValueError):
        return None
    return next((element for element in root.iter() if element.tag.rpartition("}")[2] == "Pixels"), None)


def _names(tiff: Any) -> tuple[str, ...] | None:
    pixels = _pixels(tiff)
    channels = _channels(tiff.series[0])
    if pixels is None:
        return None
    named = [element.get("Name") or "" for element in pixels if element.tag.rpartition("}")[2] == "Channel"]
    return tuple(named) if len(named) == channels and all(named) and len({*named}) == channels else None


def _facts(tiff: Any) -> Facts:
    pixels = _pixels(tiff)
    steps = (
        []
        if pixels is None
        else [(pixels.get(f"PhysicalSize{axis}"), pixels.get(f"PhysicalSize{axis}Unit", "µm")) for axis in "ZYX"]
    )
    stated = [f"{_short(step)} {unit}" for step, unit in steps if step]
    return ("units", UNSTATED), ("spacing", " x ".join(stated) or UNSTATED)


def _short(step: str) -> str:
    try:
        return f"{float(step):.4g}"
    except ValueError:
        return step[:20]
