"""Labelled samples as files: an image, a recording, or one sample of another source, with its label."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tare.datasets.samples import LabelledSamples
from tare.errors import TareError
from tare.samples.decode import SUFFIXES
from tare.samples.modes import ColourMode
from tare.samples.records import Facts, Part, Record, Sample, Skipped, stacked_rows
from tare.samples.sixteen_bit import grey_of
from tare.samples.sound.front_end import FrontEnd
from tare.sources.base import ItemSource
from tare.sources.files.image_folder import read_image
from tare.sources.files.listed import Listed, open_encoded
from tare.sources.options import Options
from tare.sources.rasters.tags import scene_kind
from tare.sources.streams.sound import open_sounds, rate_of
from tare.sources.volumes.dicom_whole import dicom_image, is_named_dicom
from tare.tasks.task import Target

_PICTURES = tuple(SUFFIXES)


@dataclass(frozen=True, slots=True)
class LabelledFile:
    """One image file and what it is labelled with: the index of its class, or the target of another task."""

    path: str
    label: Target

    def read(self, colour: ColourMode) -> NDArray[Any] | Skipped:
        """Read its raw values ``(H, W, C)``, or give the reason why it is unreadable."""
        return finite_image(read_image(self.path, colour), self.path)

    @property
    def facts(self) -> Facts:
        """What is stated of the axes of its values, such as the sampling rate of a recording; empty where nothing is."""
        return ()


@dataclass(frozen=True, slots=True)
class LabelledRaster(LabelledFile):
    """One georeferenced raster and its label; ``bands`` are those of the network in its order, None for all."""

    bands: tuple[str, ...] | None = None

    def read(self, colour: ColourMode) -> NDArray[Any] | Skipped:
        """Read its values ``(H, W, C)``, or give the reason why it is unreadable."""
        from tare.sources.rasters.georeferenced import read_tile

        values = finite_image(read_tile(self.path, self.bands), self.path)
        return values if isinstance(values, Skipped) else coloured(values, colour)

    @property
    def facts(self) -> Facts:
        """Its spacing, and the scale and offset that it states, which are not applied."""
        from tare.sources.rasters.georeferenced import tile_facts

        return tile_facts(self.path, self.bands)


@dataclass(frozen=True, slots=True)
class LabelledDicom(LabelledFile):
    """One DICOM image and its label."""

    def read(self, colour: ColourMode) -> NDArray[Any] | Skipped:
        """Read its values ``(H, W, C)``, or give the reason why it is unreadable."""
        values = finite_image(dicom_image(self.path), self.path)
        return values if isinstance(values, Skipped) else coloured(values, colour)


@dataclass(frozen=True, slots=True)
class LabelledRecording(LabelledFile):
    """One recording and its label; ``front`` is what it is turned into, None for its waveform as stored."""

    front: FrontEnd | None = None

    def read(self, colour: ColourMode) -> NDArray[Any] | Skipped:
        """Read its values ``(T, C)``, or what its front end makes of them, or give the reason why it is unreadable."""
        del colour
        return read_recording(self.path, self.front)

    @property
    def facts(self) -> Facts:
        """The sampling rate of its steps; empty if its header cannot be read, or a front end converts it."""
        rate = None if self.front is not None else recording_rate(self.path)
        return () if rate is None else (("sampling rate", f"{rate} Hz"),)


@dataclass(frozen=True, slots=True, eq=False)
class LabelledItem(LabelledFile):
    """One sample of another source, at ``index`` of ``samples``; ``path`` names it."""

    samples: LabelledSamples
    index: int

    def read(self, colour: ColourMode) -> NDArray[Any] | Skipped:
        """Read its raw values, an image ``(H, W, C)`` in the given colour mode, or give the reason why it is unreadable."""
        values = self.samples.read(self.index)
        values = values if isinstance(values, Skipped) else finite_or_skipped(values, self.path)
        return coloured(values, colour) if self.samples.kind == "image" and not isinstance(values, Skipped) else values

    @property
    def facts(self) -> Facts:
        """What the source states of the axes of this sample."""
        return self.samples.stated(self.index)


@dataclass(frozen=True)
class LabelledFiles(ItemSource[LabelledFile]):
    """The listed files as a source."""

    name: str
    files: tuple[LabelledFile, ...]
    colour: ColourMode = "stored"
    channel_names: tuple[str, ...] | None = None

    def items(self) -> Iterator[LabelledFile]:
        """The files in the order of the list."""
        return iter(self.files)

    def number(self) -> int:
        """Length of the list."""
        return len(self.files)

    def read(self, chunk: tuple[LabelledFile, ...]) -> Iterator[Record]:
        """Read each file; rows of numbers that follow each other are one record, which is counted much faster."""
        for alike, records in groupby(map(self.read_item, chunk), key=_row_layout):
            rows = list(records)
            if alike is None:
                yield from rows
            else:
                yield stacked_rows(rows[0].path, np.stack([row.values for row in rows if isinstance(row, Sample)]))

    def read_item(self, item: LabelledFile) -> Sample | Skipped:
        """Decode one file."""
        values = item.read(self.colour)
        if isinstance(values, Skipped):
            return replace(values, path=item.path)
        return Sample(item.path, values, str(item.label), facts=item.facts)


def _row_layout(record: Sample | Skipped) -> tuple[int, str] | None:
    """The number of columns and the type of a row of numbers; None for every other sample."""
    is_row = isinstance(record, Sample) and record.values.ndim == 1 and not (record.notes or record.facts)
    return (len(record.values), record.values.dtype.name) if is_row and isinstance(record, Sample) else None


def read_named(path: str, colour: ColourMode, bands: Sequence[str] | None = None) -> NDArray[Any] | Skipped:
    """Read an image file as training read its own: the ``bands`` of a raster, a DICOM image, or a picture ``(H, W, C)``."""
    if bands is not None:
        if os.path.isfile(path) and path.lower().endswith(_PICTURES) and scene_kind(path) != "geo":  # noqa: PTH113
            return Skipped(path, f"a picture, whose channels have no names, and the network takes the bands {', '.join(bands)}")
        return LabelledRaster(path, 0, tuple(bands)).read(colour)
    if is_tile(path):
        return LabelledRaster(path, 0).read(colour)
    return LabelledDicom(path, 0).read(colour) if is_named_dicom(path) else finite_image(read_image(path, colour), path)


def facts_of(path: str, bands: Sequence[str] | None = None) -> Facts:
    """What an image file that is read as :func:`read_named` does states of its spacing and scale; empty for a picture."""
    if not os.path.isfile(path) or not (scene_kind(path) == "geo" if bands is not None else is_tile(path)):  # noqa: PTH113
        return ()
    return LabelledRaster(path, 0, None if bands is None else tuple(bands)).facts


def is_tile(path: str) -> bool:
    """Whether a file is a georeferenced raster that has to be read as one: as a picture it would have other values.

    Raises :class:`tare.errors.MissingDependencyError` for georeferenced rasters without rasterio.
    """
    if scene_kind(path) != "geo":
        return False
    from tare.sources.rasters.georeferenced import is_no_picture

    return is_no_picture(path)


def read_recording(path: str, front: FrontEnd | None = None) -> NDArray[Any] | Skipped:
    """Read the values ``(T, C)`` of a recording, or give the reason why it is unreadable.

    With a ``front`` end they are its values: ``(frames, bins, 1)``, or one channel at the rate of the network.

    Raises :class:`tare.errors.MissingDependencyError` for FLAC, Ogg, MP3 and AIFF without soundfile.
    """
    options = Options(front=front)
    record = open_encoded(path, options).read_item(Listed(path)) if path.lower().endswith(".wav") else _decoded(path, options)
    if isinstance(record, Skipped):
        return record
    axes = 3 if front is not None and front.size is not None else 2
    if isinstance(record, Sample) and record.values.ndim == axes:
        return finite_or_skipped(record.values, path)
    return Skipped(path, "an image, not a recording")


def recording_rate(path: str) -> int | None:
    """The sampling rate in Hz that the header of a recording states; None if it cannot be read."""
    try:
        return rate_of(path)
    except (TareError, OSError):
        return None


def stated_rate(facts: Facts) -> int | None:
    """The one sampling rate in Hz among facts; None where they state none, or several."""
    rates = {words.removesuffix(" Hz") for name, words in facts if name == "sampling rate"}
    words = rates.pop() if len(rates) == 1 else ""
    return int(words) if words.isdecimal() else None


def _decoded(path: str, options: Options) -> Record:
    """One recording through soundfile; longer ones, which are read in parts, are no samples of training."""
    try:
        found = next(open_sounds(path, (path,), options).read((path,)))
    except StopIteration:
        return Skipped(path, "a recording without a value")
    return Skipped(path, "a recording of more than four million values: cut it into clips") if isinstance(found, Part) else found


def finite_or_skipped(values: NDArray[Any], path: str) -> NDArray[Any] | Skipped:
    """Return the values of a sample, or :class:`Skipped` if one of them is NaN or infinite."""
    if values.dtype.kind != "f":
        return values
    bad = int(values.size - np.isfinite(values).sum())
    return Skipped(path, f"{bad} of {values.size} values are missing, NaN or infinite") if bad else values


def finite_image(values: NDArray[Any] | Skipped, path: str) -> NDArray[Any] | Skipped:
    """An image whose values are all numbers, or the reason why it is none: one NaN makes all of a network's answers NaN."""
    return values if isinstance(values, Skipped) else finite_or_skipped(values, path)


def coloured(values: NDArray[Any], colour: ColourMode) -> NDArray[Any]:
    """Convert an image to a colour mode: grey ``(H, W, 1)`` is copied to three channels, colour weighed by ITU-R BT.601."""
    if colour == "rgb" and values.shape[-1] == 1:
        return np.repeat(values, 3, axis=-1)
    if colour == "grey" and values.shape[-1] == 3:
        if values.dtype in (np.uint8, np.uint16):
            return grey_of(values)  # the very levels that a file of these colours becomes
        grey = values.astype(np.float64) @ np.array([0.299, 0.587, 0.114])
        return np.asarray((np.rint(grey) if values.dtype.kind in "ui" else grey).astype(values.dtype)[..., None])
    return values
