"""Samples that shall be grey or rgb: images are converted as they are decoded, and other data have to be so already."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tare.errors import DataError
from tare.samples.modes import ColourMode
from tare.samples.records import Record, Rows, Sample, Skipped, Stack
from tare.sources.base import Source
from tare.sources.derived import SameChannels


@dataclass(frozen=True)
class Converted(SameChannels):
    """The samples of another source, each of which has the channels of ``colours``: one if grey, three if rgb."""

    colours: ColourMode = "rgb"

    def changed(self, record: Record) -> Iterator[Record]:
        """The record itself. Raises :class:`DataError` if it has another number of channels."""
        wanted = 1 if self.colours == "grey" else 3
        if not isinstance(record, Skipped) and _channels(record) != wanted:
            raise DataError(
                f"samples of {wanted} channel{'s' * (wanted > 1)} ({self.colours})",
                f"{_channels(record)} in {record.path!r}: only encoded images are converted",
                "convert the data, or take the channels as stored",
            )
        yield record


def converted(source: Source[Any], colours: ColourMode) -> Source[Any]:
    """The samples of a source, of which each has the channels asked for."""
    return source if colours == "stored" else Converted(source, colours)


def _channels(record: Record) -> int:
    if isinstance(record, Sample):
        return int(record.values.shape[-1]) if record.values.ndim else 1
    if isinstance(record, Stack):
        return record.channels
    return len(record.columns if isinstance(record, Rows) else record.channels)  # type: ignore[union-attr]
