"""Samples for a network, which takes every value: those that hold a value that means no data are left out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tare.samples.records import UNSTATED, Facts, Kept, Record, Rows, Sample, Skipped, Stack, name_of
from tare.sources.base import Source
from tare.sources.derived import SameChannels


@dataclass(frozen=True)
class Whole(SameChannels):
    """The samples of another source without those that hold one of the raw values ``nodata``: labelled ones are kept in part."""

    nodata: tuple[float, ...] = ()

    def changed(self, record: Record) -> Iterator[Record]:
        """The record, or the samples of it one by one where some are left out."""
        if isinstance(record, Sample):
            yield self._left(record.path, record.values, record.label) or record
        elif isinstance(record, Stack) and not are_kept(record.values, self.nodata).all():
            for index in range(len(record.values)):
                labels = None if record.labels is None else (record.labels[index],)
                one = replace(record, values=record.values[index : index + 1], labels=labels)
                yield self._left(name_of(record.path, index), one.values, labels and labels[0]) or one
        elif isinstance(record, Rows) and not all(are_kept(np.asarray(each), self.nodata).all() for each in record.columns):
            columns = [np.asarray(each) for each in record.columns]
            for index in range(len(columns[0])):
                row = [column[index : index + 1] for column in columns]
                yield self._left(name_of(record.path, index), np.array(row)) or replace(record, columns=row, number=None)
        else:
            yield record

    def _left(self, path: str, values: NDArray[Any], label: str | None = None) -> Skipped | Kept | None:
        """What is left of a sample that holds such values; None for one that holds none."""
        kept = are_kept(values, self.nodata)
        if kept.all():
            return None
        if label is not None:
            return Kept(path, (values[kept],), label)
        return Skipped(path, f"{1 - kept.mean():.2%} of its values mean no data, and a network takes every value")


def whole(source: Source[Any]) -> Source[Any]:
    """The samples of a source that hold none of the values that its data state to mean no data."""
    nodata = stated_nodata(source.stated)
    return Whole(source, nodata) if nodata else source


def stated_nodata(of_source: Facts) -> tuple[float, ...]:
    """The finite numbers that mean no data by what a source states of all values."""
    numbers = [float(word) for name, words in of_source if name == "nodata" for word in words.split() if word != UNSTATED]
    return tuple(number for number in numbers if isfinite(number))


def are_kept(values: NDArray[Any], nodata: tuple[float, ...]) -> NDArray[np.bool_]:
    """Where values are none of ``nodata``; -3.4e38 is compared as the nearest number of their type."""
    keep = np.ones(values.shape, bool)
    for value in nodata:
        if values.dtype.kind == "f":
            with np.errstate(over="ignore"):
                keep &= values != values.dtype.type(value)
        else:
            keep &= values != value
    return keep
