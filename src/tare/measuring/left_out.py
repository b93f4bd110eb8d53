"""Leave out values that mean "no data", or that lie outside a mask: sources whose samples keep only the others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, reduce
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tare.errors import DataError, short_repr
from tare.samples.records import Facts, Kept, Part, Record, Rows, Sample, Skipped, Stack, names_of
from tare.sources.arrays.whole import are_kept
from tare.sources.base import Source
from tare.sources.derived import SameChannels
from tare.sources.files.contents import texts_of
from tare.sources.files.masks import PICTURES, check_own_masks, found_of, inside, is_mask, mask_places
from tare.sources.files.picture_masks import OUTSIDE, read_mask
from tare.system.local.pins import TreePin

#: The note on samples that had values which mean "no data": as the user says, and as the data state.
LEFT_OUT = "values that mean no data were left out"
STATED_OUT = "values that the data state to mean no data were left out"


@dataclass(frozen=True)
class Foreground(SameChannels):
    """The values of images where their mask is not zero; ``masks`` is a folder of masks, or the ending of a mask's name.

    A mask in a folder has the path of its image, endings apart. With an ending such as ``_mask.png`` the mask of ``7.jpg`` is
    ``7_mask.png`` beside it, and masks themselves are no samples.
    """

    masks: str = ""

    @staticmethod
    def of(source: Source[Any], masks: str) -> Foreground:
        """The foreground of a source. Raises :class:`DataError` if images of several folders have one mask."""
        found = Foreground(source, masks)
        if Path(masks).is_dir() and not Path(source.name).is_dir():
            check_own_masks(lambda: (text for chunk in source.chunks() for text in texts_of(chunk)), PICTURES, found._places)
        return found

    @property
    def remarks(self) -> tuple[str, ...]:  # type: ignore[override]
        """The other source's remarks, and that only the foreground counts."""
        return (*self.source.remarks, f"only values where the mask ({self.masks}) is not 0")

    def changed(self, record: Record) -> Iterator[Record]:
        """The values inside the mask. Raises :class:`DataError` for samples other than images."""
        if isinstance(record, Sample) and record.values.ndim == 3:
            yield self._masked(record)
        elif isinstance(record, Skipped):
            yield record
        else:
            raise DataError("images with a mask each", f"other samples in {record.path!r}", "leave out --mask")

    def beside(self, chunk: Any) -> Iterator[str]:
        """The masks of the samples that a chunk names; of one that names none, such as rows of a table, all as they are."""
        yield from self.source.beside(chunk)
        places = [self._places(text) for text in texts_of(chunk)]
        found = [found_of(each) for each in places]
        yield from (mask or each[0] for mask, each in zip(found, places, strict=True))
        if not any(found) and Path(self.masks).is_dir():
            yield self._as_they_are

    @cached_property
    def _as_they_are(self) -> str:
        pin = TreePin.of(self.masks)
        return f"{pin.files} files of {pin.size} bytes, the last of {pin.written}"

    def _places(self, path: str) -> list[str]:
        return mask_places(path, self.masks, self.source.name, PICTURES)

    def _masked(self, sample: Sample) -> Kept | Skipped:
        if is_mask(sample.path, self.masks):
            return Skipped(sample.path, "a mask", foreign=True)
        places = self._places(sample.path)
        place = found_of(places)
        if place is None:
            return Skipped(sample.path, f"no mask {places[0]!r}")
        mask = read_mask(place)
        if isinstance(mask, Skipped):
            return Skipped(sample.path, f"its mask {place!r}: {mask.reason}")
        shape = mask.values.shape[:2]
        if shape != sample.values.shape[:2]:
            return Skipped(sample.path, f"its mask {place!r} has {shape} pixels instead of {sample.values.shape[:2]}")
        inside_mask = inside(mask.values).any(axis=-1)
        channels = tuple(sample.values[..., c][inside_mask] for c in range(sample.values.shape[-1]))
        notes = (*sample.notes, *mask.notes, *(() if inside_mask.all() else (OUTSIDE,)))
        return Kept(sample.path, channels, sample.label, notes, sample.facts, inside_mask.size)


@dataclass(frozen=True)
class WithoutNodata(SameChannels):
    """The samples of another source without the raw values ``nodata`` and those ``of_data``, in each channel by itself.

    The first are named by the user, the others stated by the data.
    """

    nodata: tuple[float, ...] = ()
    of_data: tuple[float, ...] = ()

    def changed(self, record: Record) -> Iterator[Record]:
        """The other values of each channel; of rows, of each column."""
        if isinstance(record, Kept | Part):
            left, noted = self._left(record.channels)
            yield replace(record, channels=left, notes=(*record.notes, *noted), number=record.whole)
        elif isinstance(record, Sample):
            yield self._kept(record.path, np.moveaxis(record.values, -1, 0), record.label, record.notes, record.facts)
        elif isinstance(record, Stack):
            block = record.values if record.channels_first else np.moveaxis(record.values, -1, 1)
            labels = record.labels or [None] * len(block)
            yield from map(self._kept, names_of(record.path, len(block)), block, labels)
        elif isinstance(record, Rows):
            columns = [np.asarray(column) for column in record.columns]
            kept, found = self._where(columns)
            without = {note: int((~np.logical_and.reduce(where)).sum()) for note, where in found.items()}
            left = tuple(column[here] for column, here in zip(columns, kept, strict=True))
            yield Rows(record.path, left, record.dtype, max(map(len, columns), default=0), without)
        else:
            yield record

    def _kept(self, path: str, channels: Any, label: str | None, notes: tuple[str, ...] = (), facts: Facts = ()) -> Kept:
        """A sample without these values, noted if it had any."""
        left, noted = self._left(channels)
        return Kept(path, left, label, (*notes, *noted), facts, max((np.size(each) for each in channels), default=0))

    def _left(self, channels: Any) -> tuple[tuple[NDArray[Any], ...], tuple[str, ...]]:
        """The other values of each channel, and the notes if there were any of these."""
        given = [np.asarray(channel).ravel() for channel in channels]
        kept, found = self._where(given)
        return tuple(values[here] for values, here in zip(given, kept, strict=True)), tuple(found)

    def _where(self, given: Sequence[NDArray[Any]]) -> tuple[list[NDArray[np.bool_]], dict[str, list[NDArray[np.bool_]]]]:
        """Where the values of each channel are none of these; and the same by each note on some that are."""
        marks = {note: values for note, values in ((LEFT_OUT, self.nodata), (STATED_OUT, self.of_data)) if values}
        where = {note: [are_kept(each, values) for each in given] for note, values in marks.items()}
        kept = [reduce(np.logical_and, each) for each in zip(*where.values(), strict=True)]
        return kept, {note: each for note, each in where.items() if not all(here.all() for here in each)}


def checked_nodata(stated: float | Sequence[float]) -> tuple[float, ...]:
    """Return one value or several as floats; raise :class:`DataError` for NaN and infinities, which have ``--exclude-nan``."""
    try:
        values = tuple(float(value) for value in (stated if isinstance(stated, Sequence) else (stated,)))
    except (TypeError, ValueError, OverflowError):
        raise DataError("numbers for --nodata", short_repr(stated), "write it as a number") from None
    if not all(map(np.isfinite, values)):
        raise DataError("finite numbers for --nodata", f"{list(values)}", "leave NaN and infinities out with --exclude-nan")
    return values
