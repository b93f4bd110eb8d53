"""Leave out values that mean "no data": a source whose samples keep only the others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tare.errors import DataError
from tare.samples.records import Kept, Record, Rows, Sample, Skipped, Stack
from tare.sources.base import Indexed, Source


@dataclass(frozen=True)
class WithoutNodata(Source[Any]):
    """The samples of another source without the raw values ``nodata``, in each channel by itself."""

    source: Source[Any]
    nodata: tuple[float, ...]

    @property
    def name(self) -> str:  # type: ignore[override]
        """The other source's name."""
        return self.source.name

    @property
    def unindexed(self) -> str:  # type: ignore[override]
        """The reason of the other source."""
        return self.source.unindexed

    @property
    def channel_names(self) -> tuple[str, ...] | None:  # type: ignore[override]
        """The other source's names."""
        return self.source.channel_names

    @property
    def remarks(self) -> tuple[str, ...]:  # type: ignore[override]
        """The other source's remarks."""
        return self.source.remarks

    def chunks(self) -> Iterator[Any]:
        """The other source's chunks."""
        return self.source.chunks()

    def chunk_length(self, chunk: Any) -> int:
        """Number of samples in the other source's chunk."""
        return self.source.chunk_length(chunk)

    def read(self, chunk: Any) -> Iterator[Record]:
        """The samples of a chunk, without the values."""
        return self._kept(self.source.read(chunk))

    def indexed(self) -> Indexed | None:
        """The other source's samples, without the values."""
        indexed = self.source.indexed()
        return None if indexed is None else replace(indexed, read=lambda index: self._kept(indexed.read(index)))

    def _kept(self, records: Iterator[Record]) -> Iterator[Record]:
        for record in records:
            if isinstance(record, Sample):
                yield Kept(record.path, self._of(np.moveaxis(record.values, -1, 0)), record.label, record.notes)
            elif isinstance(record, Stack):
                block = record.values if record.channels_first else np.moveaxis(record.values, -1, 1)
                for index, values in enumerate(block):
                    yield Kept(record.path, self._of(values), record.labels[index] if record.labels else None)
            elif isinstance(record, Rows):
                columns = [np.asarray(column) for column in record.columns]
                yield Rows(record.path, self._of(columns), record.dtype, max(map(len, columns), default=0))
            else:
                assert isinstance(record, Skipped)  # noqa: S101 - no source reads records that were cut before
                yield record

    def _of(self, channels: Any) -> tuple[NDArray[Any], ...]:
        return tuple(_without(np.asarray(channel).ravel(), self.nodata) for channel in channels)


def checked_nodata(values: tuple[float, ...]) -> tuple[float, ...]:
    """Return the values; raise :class:`DataError` for NaN and infinities, which ``--exclude-nan`` leaves out."""
    if not all(map(np.isfinite, values)):
        raise DataError("finite numbers for --nodata", f"{list(values)}", "leave NaN and infinities out with --exclude-nan")
    return values


def _without(values: NDArray[Any], nodata: tuple[float, ...]) -> NDArray[Any]:
    keep = np.ones(values.shape, bool)
    for value in nodata:
        if values.dtype.kind == "f":
            with np.errstate(over="ignore"):
                keep &= values != values.dtype.type(value)  # -3.4e38 is stored as the nearest number of the dtype
        else:
            keep &= values != value
    return values[keep]
