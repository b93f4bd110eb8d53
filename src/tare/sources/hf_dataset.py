"""Datasets of the Hugging Face ``datasets`` library."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tare.errors import DataError
from tare.samples.records import Record
from tare.sources.base import Indexed, Source, row_ranges
from tare.sources.options import Options
from tare.sources.tables.records import TablePlan, plan_table, records_of


def is_hf_dataset(data: Any) -> bool:
    """Whether ``data`` comes from the ``datasets`` library, without importing it."""
    return any(kind.__module__.partition(".")[0] == "datasets" for kind in type(data).__mro__)


def open_hf_dataset(data: Any, options: Options) -> HfDataset:
    """Wrap a ``Dataset``; raises :class:`DataError` for a dictionary of splits or a stream."""
    if isinstance(data, dict):
        raise DataError("one split of a dataset", f"the splits {', '.join(data)}", "pass one of them, for example data['train']")
    if not hasattr(data, "with_format") or not hasattr(data, "__len__"):
        raise DataError("a Dataset in Arrow format", type(data).__name__, "download it, or pass its Parquet files by URL")
    stored = data.with_format("arrow")
    name = f"dataset {data.info.dataset_name or ''}".strip()
    plan = plan_table(stored[:0].schema if len(stored) else data.features.arrow_schema, options, name)
    return HfDataset(name, stored, plan, options, plan.channel_names)


@dataclass(frozen=True)
class HfDataset(Source[tuple[int, int]]):
    """A dataset in Arrow format, by ranges of rows; images are decoded here, from the bytes as stored."""

    name: str
    data: Any
    plan: TablePlan
    options: Options
    channel_names: tuple[str, ...] | None

    def chunks(self) -> Iterator[tuple[int, int]]:
        """Ranges of rows."""
        return row_ranges(len(self.data), self.plan.rows_per_chunk)

    def chunk_length(self, chunk: tuple[int, int]) -> int:
        """Number of rows."""
        return chunk[1] - chunk[0]

    def read(self, chunk: tuple[int, int]) -> Iterator[Record]:
        """The rows of a range; with the first, the columns that are no numbers."""
        if chunk[0] == 0:
            yield from self.plan.left_out
        yield from records_of(self.data[slice(*chunk)], self.plan, self.name, chunk[0], self.options)

    def indexed(self) -> Indexed:
        """One sample a row."""
        read = lambda row: records_of(self.data[row : row + 1], self.plan, self.name, row, self.options)  # noqa: E731
        return Indexed(len(self.data), read)
