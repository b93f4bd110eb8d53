"""Labels that lie in a container beside the samples: one number or short text a sample."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from tare.errors import DataError
from tare.samples.records import Record, Rows, Stack
from tare.sources.containers.stored import OpenArray, StoredArray


@dataclass(frozen=True)
class StoredLabels:
    """An array of as many labels as there are samples; ``open`` gives it for reading by slices."""

    name: str
    number: int
    open: OpenArray

    def of(self, start: int, stop: int) -> tuple[str, ...]:
        """The labels of the samples from ``start`` on, as texts. Raises :class:`DataError` for NaN."""
        with self.open() as array:
            values = np.asarray(array[start:stop]).reshape(-1)
        if values.dtype.kind == "f" and not np.isfinite(values).all():
            raise DataError("a label for every sample", f"NaN or infinity in {self.name!r}", "leave those samples out")
        return tuple(map(_text, values.tolist()))

    def joined(self, record: Record, start: int, stop: int) -> Record:
        """A record of the samples from ``start`` on, with their labels."""
        labels = self.of(start, stop)
        if isinstance(record, Rows):
            return Stack(record.path, np.stack([np.asarray(column) for column in record.columns], axis=-1), labels)
        if isinstance(record, Stack):
            return Stack(record.path, record.values, labels, record.channels_first)
        return record


@dataclass(frozen=True)
class LabelledArray(StoredArray):
    """Samples along the first axis of an array, with the labels of another."""

    labels: StoredLabels | None = None

    def read(self, chunk: tuple[int, int]) -> Iterator[Record]:
        """One block of samples with their labels; large samples come in parts, which have none."""
        for record in super().read(chunk):
            yield record if self.labels is None else self.labels.joined(record, *chunk)


def labelled(source: StoredArray, labels: StoredLabels) -> LabelledArray:
    """The samples of an array with their labels."""
    stated = {field.name: getattr(source, field.name) for field in fields(source)}
    return LabelledArray(**stated, labels=labels)


def words_of(beside: Mapping[str, Any], number: int) -> dict[str, list[str]]:
    """The words of lists and arrays that hold one text or finite number a sample, by their names; others are left out."""
    found = {}
    for name, given in beside.items():
        if not isinstance(given, np.ndarray | list | tuple) or (isinstance(given, list | tuple) and not _is_flat(given)):
            continue
        values = np.asarray(given).reshape(-1)
        if values.dtype.kind == "O":  # cells of MATLAB, each an array of one text
            cells = [each.item() if isinstance(each, np.ndarray) and each.size == 1 else each for each in values]
            values = np.asarray(cells) if all(isinstance(each, str) for each in cells) else values
        if len(values) == number and values.dtype.kind in "buifSU" and not (values.dtype.kind == "f" and np.isnan(values).any()):
            found[name] = [_text(value).strip() for value in values.tolist()]
    return found


def _is_flat(values: Sequence[Any]) -> bool:
    return all(isinstance(each, str | int | float) for each in values)


def check_labels(name: str, shape: tuple[int, ...], kind: str, samples: int) -> None:
    """Raise :class:`DataError` unless an array has one number or text a sample."""
    if kind not in "buifSU":
        raise DataError("numbers or texts as labels", f"objects or records in {name!r}", "name another with --label")
    if shape not in ((samples,), (samples, 1)):
        found = f"the shape {shape} of {name!r} for {samples} samples"
        raise DataError("one label a sample", found, "name another with --label")


def without_label(arrays: Mapping[str, str], label: str | None) -> dict[str, str]:
    """The arrays without that of the labels."""
    return {name: what for name, what in arrays.items() if label is None or name.strip("/") != label.strip("/")}


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
