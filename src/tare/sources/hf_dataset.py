"""Datasets of the Hugging Face ``datasets`` library."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tare.errors import DataError
from tare.samples.records import Record
from tare.sources.base import Indexed
from tare.sources.options import Options
from tare.sources.tables.arrow import TableInMemory
from tare.sources.tables.records import IMAGE_ROWS, plan_table, records_of

_AS_STORED = "the transform of the dataset is not applied: values are as stored; map() applies it, a torch dataset keeps it"


def is_hf_dataset(data: Any) -> bool:
    """Whether ``data`` comes from the ``datasets`` library, without importing it."""
    return any(kind.__module__.partition(".")[0] == "datasets" for kind in type(data).__mro__)


def fingerprint_of(data: Any) -> str | None:
    """What the datasets library says that a Dataset's rows are, to be compared; None for anything else."""
    found = getattr(data, "_fingerprint", None) if is_hf_dataset(data) else None
    return found if isinstance(found, str) else None


def open_hf_dataset(data: Any, options: Options) -> HfDataset:
    """Wrap a ``Dataset``; raises :class:`DataError` for a dictionary of splits or a stream."""
    if isinstance(data, dict):
        raise DataError("one split of a dataset", f"the splits {', '.join(data)}", "pass one of them, for example data['train']")
    if not hasattr(data, "with_format") or not hasattr(data, "__len__"):
        raise DataError("a Dataset in Arrow format", type(data).__name__, "download it, or pass its Parquet files by URL")
    shown = _shown(data, options)
    stored = data.with_format("arrow", columns=shown)
    name = f"dataset {data.info.dataset_name or ''}".strip()
    first = stored[:IMAGE_ROWS].column if len(stored) else None
    plan = plan_table(stored[:0].schema if len(stored) else data.features.arrow_schema, options, name, first)
    custom = (data.format or {}).get("type") == "custom"
    hidden = [] if shown is None else [each for each in data.column_names if each not in shown]
    formatted = (f"left out columns that the format of the dataset hides: {', '.join(hidden)}",) if hidden else ()
    remarks = (
        *plan.remarks,
        *formatted,
        *((_AS_STORED,) if custom else ()),
        *(_unapplied(data, plan.columns[0]) if plan.encoded else ()),
    )
    return HfDataset(name, stored, plan, options, plan.channel_names, remarks)


def _shown(data: Any, options: Options) -> list[str] | None:
    """The columns that the format of a dataset shows (``set_format(columns=...)``) and that of labels; None for all."""
    how = data.format or {}
    shown = how.get("columns")
    if shown is None or options.columns is not None or how.get("output_all_columns"):
        return None
    return [each for each in data.column_names if each in shown or each == options.label]


def _unapplied(data: Any, column: str) -> tuple[str, ...]:
    """A remark on what the library would make of an encoded file when it decodes it."""
    feature = data.features[column]
    mode, rate = getattr(feature, "mode", None), getattr(feature, "sampling_rate", None)
    told = [f"the mode {mode!r}"] if mode else []
    told += [f"the sampling rate of {rate} Hz"] if rate else []
    return tuple(f"{each} that the column {column!r} states is not applied: values are as stored" for each in told)


@dataclass(frozen=True)
class HfDataset(TableInMemory):
    """A dataset in Arrow format, also by index; tare decodes the images, from the bytes as stored.

    A dataset of a folder of files (``imagefolder``) holds their paths alone, which the library opens for each item.
    """

    def read(self, chunk: tuple[int, int]) -> Iterator[Record]:
        """The rows of a range; the first also lists the columns that were left out."""
        if chunk[0] == 0:
            yield from self.plan.left_out
        yield from self._records(*chunk)

    @property
    def schema(self) -> Any:
        """The columns and their types, also of those that the format hides."""
        return self.table.features.arrow_schema

    def column(self, name: str) -> Any:
        """A column as Arrow has it, also one that the format hides."""
        return self.table.with_format("arrow", columns=[name])[:].column(name)

    def indexed(self) -> Indexed:
        """One sample a row."""
        return Indexed(len(self.table), lambda row: self._records(row, row + 1))

    def _records(self, start: int, stop: int) -> Iterator[Record]:
        return records_of(self.table[start:stop], self.plan, self.name, start, self.options, opens=True)
