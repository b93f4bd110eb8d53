"""Parquet files: columns of numbers, or a column of encoded images as the Hugging Face library writes it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import accumulate
from typing import Any

from tare.errors import DataError
from tare.samples.records import Record, Rows
from tare.sources.base import Indexed, Source
from tare.sources.options import Options
from tare.sources.places import is_url, open_binary
from tare.sources.tables.arrow import regrouped
from tare.sources.tables.records import IMAGE_ROWS, NUMBER_ROWS, OnDemand, TablePlan, plan_table, records_of
from tare.system.local.plain import plain_name

#: Why rows of numbers in a Parquet file cannot be read at random.
_MANY_ROWS = "whose numbers are stored by the thousand: reading rows at random would cost more than measuring all"

# Fewer rows do not pay for the fixed costs of a chunk.
_FEW_ROWS = 1 << 16


def open_parquet(place: str, options: Options) -> Source[Any]:
    """Open a Parquet file, to read its needed columns alone.

    Raises :class:`DataError` if it is damaged or has no column to measure.
    """
    with _parquet(place) as file:
        plan = plan_table(file.schema_arrow, options, place, partial(_first_rows, file))
    if plan.encoded or is_url(place) or any("[" in name for name in plan.channel_names or ()):
        return RowGroups(place, plan, options, plan.channel_names, plan.remarks)
    if max(_group_sizes(place), default=0) <= NUMBER_ROWS:
        return GroupedColumns(place, plan, plan.channel_names, plan.remarks)
    return NumberColumns(place, plan, plan.channel_names, plan.remarks)


@dataclass(frozen=True)
class RowGroups(Source[tuple[int, int]]):
    """A Parquet file read by row group, each by one worker."""

    name: str
    plan: TablePlan
    options: Options
    channel_names: tuple[str, ...] | None
    remarks: tuple[str, ...] = ()

    def chunks(self) -> Iterator[tuple[int, int]]:
        """Index and number of rows of each row group."""
        return enumerate(_group_sizes(self.name))

    def chunk_length(self, chunk: tuple[int, int]) -> int:
        """Number of rows."""
        return chunk[1]

    def number(self) -> int:
        """Number of rows."""
        return sum(_group_sizes(self.name))

    def read(self, chunk: tuple[int, int]) -> Iterator[Record]:
        """The rows of a group, a batch at a time, so that a large group is never held decoded."""
        import pyarrow as pa

        if chunk[0] == 0:
            yield from self.plan.left_out
        with _parquet(self.name) as file:
            start = sum(file.metadata.row_group(group).num_rows for group in range(chunk[0])) if self.plan.encoded else 0
            batches = file.iter_batches(
                self.plan.rows_per_chunk, row_groups=[chunk[0]], columns=self.plan.needed, use_threads=False
            )
            for batch in batches:
                path = self.name if self.plan.encoded else f"{self.name}#{chunk[0]}"
                yield from records_of(pa.Table.from_batches([batch]), self.plan, path, start, self.options)
                start += batch.num_rows

    unindexed = _MANY_ROWS

    def indexed(self) -> Indexed | None:
        """One sample a row of encoded files. A row is read with its whole row group; the last four groups are kept."""
        if not self.plan.encoded:
            return None
        ends = list(accumulate(size for _, size in self.chunks()))

        def read(index: int) -> Iterator[Record]:
            group = bisect_right(ends, index)
            row = index - (ends[group - 1] if group else 0)
            rows = _row_group(self.name, group, tuple(self.plan.needed)).slice(row, 1)
            return records_of(rows, self.plan, self.name, index, self.options)

        return Indexed(ends[-1] if ends else 0, read)


@dataclass(frozen=True)
class GroupedColumns(Source[tuple[int, int, int]]):
    """The numeric columns of a local Parquet file whose row groups are small: one column of a group fits the processor's cache.

    Each worker decodes a column and sums it while it is in the cache, since the speed of memory is the limit.
    """

    name: str
    plan: TablePlan
    channel_names: tuple[str, ...] | None
    remarks: tuple[str, ...] = ()
    unindexed = _MANY_ROWS

    def chunks(self) -> Iterator[tuple[int, int, int]]:
        """``(first row group, stop, rows)``; small groups are joined, so that no chunk is tiny."""
        sizes = _group_sizes(self.name)
        first = rows = 0
        for index, size in enumerate(sizes):
            if rows and (rows >= _FEW_ROWS or rows + size > NUMBER_ROWS):
                yield first, index, rows
                first, rows = index, 0
            rows += size
        if rows:
            yield first, len(sizes), rows

    def chunk_length(self, chunk: tuple[int, int, int]) -> int:
        """Number of rows."""
        return chunk[2]

    def number(self) -> int:
        """Number of rows."""
        return sum(_group_sizes(self.name))

    def read(self, chunk: tuple[int, int, int]) -> Iterator[Record]:
        """One block of rows; the first also lists the columns that were left out."""
        first, end, _ = chunk
        if first == 0:
            yield from self.plan.left_out
        with _read_by_arrow(self.name) as file:
            opened = [file]
            columns = OnDemand(self.plan.columns, self.name, partial(_column_of, opened, range(first, end), self.name))
            start = sum(file.metadata.row_group(group).num_rows for group in range(first))
            try:
                yield Rows(f"{self.name}[{start}]", columns)
            finally:
                opened.clear()


def _first_rows(file: Any, name: str) -> Any:
    """The first rows of a column, which show how long its lists are."""
    import pyarrow as pa

    batch = next(file.iter_batches(IMAGE_ROWS, columns=[name], use_threads=False), None)
    return pa.nulls(0, file.schema_arrow.field(name).type) if batch is None else batch.column(0)


def _column_of(opened: Sequence[Any], groups: Sequence[int], place: str, name: str) -> Any:
    """A column, of the file as it is ``opened``; for whoever kept the rows until it was closed, of the file opened again."""
    with ExitStack() as stack:
        if not opened:
            file = stack.enter_context(_read_by_arrow(place))
        else:
            stack.enter_context(_undamaged(place))
            file = opened[0]
        return file.read_row_groups(groups, columns=[name], use_threads=False).column(name)


@dataclass(frozen=True)
class NumberColumns(Source[tuple[int, Any]]):
    """The numeric columns of a local Parquet file with large row groups, streamed and cut by polars or Arrow."""

    name: str
    plan: TablePlan
    channel_names: tuple[str, ...] | None
    remarks: tuple[str, ...] = ()
    unindexed = _MANY_ROWS

    def chunks(self) -> Iterator[tuple[int, Any]]:
        """Index of the first row and a frame or table of a fixed number of rows, however the file groups them."""
        rows = self.plan.rows_per_chunk
        yield from _frames(self.name, self.plan.columns, rows) if _polars_reads() else _tables(self.name, self.plan.columns, rows)

    def chunk_length(self, chunk: tuple[int, Any]) -> int:
        """Number of rows."""
        return len(chunk[1])

    def read(self, chunk: tuple[int, Any]) -> Iterator[Record]:
        """One block of rows; the first also lists the columns that were left out."""
        start, frame = chunk
        if start == 0:
            yield from self.plan.left_out
        yield from records_of(frame.to_arrow() if hasattr(frame, "to_arrow") else frame, self.plan, self.name, start, Options())


def _polars_reads() -> bool:
    """Whether this release of polars reads files, twice as fast as Arrow; older ones may map them."""
    import polars as pl

    return tuple(int(part) for part in pl.__version__.split(".")[:2] if part.isdigit()) >= (2, 1)


def _frames(place: str, columns: Sequence[str], rows: int) -> Iterator[tuple[int, Any]]:
    """Index of the first row and a polars frame of ``rows`` rows."""
    import polars as pl

    start = 0
    try:
        with plain_name(place) as plain:
            frames = pl.scan_parquet(plain, glob=False).select(columns)
            for frame in frames.collect_batches(chunk_size=rows, maintain_order=True):
                height = frame.height  # asked for now: a worker may hold the frame later
                yield start, frame
                start += height
    except (pl.exceptions.PolarsError, OSError) as error:
        raise _damaged(place, error) from None


def _tables(place: str, columns: Sequence[str], rows: int) -> Iterator[tuple[int, Any]]:
    """Index of the first row and an Arrow table of ``rows`` rows."""
    with _read_by_arrow(place) as file:
        yield from regrouped(file.iter_batches(rows, columns=list(columns)), rows)


@lru_cache(maxsize=4)
def _row_group(place: str, group: int, columns: tuple[str, ...]) -> Any:
    with _parquet(place) as file:
        return file.read_row_group(group, columns=list(columns), use_threads=False)


@contextmanager
def _read_by_arrow(place: str) -> Iterator[Any]:
    """A local file, read by Arrow itself, without Python's lock; not mapped, since a mapped file that is cut ends the program."""
    import pyarrow.parquet as pq

    with _undamaged(place), plain_name(place) as plain, pq.ParquetFile(plain, memory_map=False, pre_buffer=False) as file:
        yield file


@contextmanager
def _parquet(place: str) -> Iterator[Any]:
    import pyarrow.parquet as pq

    with open_binary(place, decompress=False) as stream, _undamaged(place), pq.ParquetFile(stream, pre_buffer=False) as file:
        yield file


def _group_sizes(place: str) -> list[int]:
    """Number of rows of each row group."""
    with _parquet(place) as file:
        return [file.metadata.row_group(index).num_rows for index in range(file.num_row_groups)]


@contextmanager
def _undamaged(place: str) -> Iterator[None]:
    """Raise an error of Arrow as :class:`DataError`."""
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, OSError) as error:
        raise _damaged(place, error) from None


def _damaged(place: str, error: Exception) -> DataError:
    reason = str(error).strip().partition("\n")[0]
    return DataError("a complete Parquet file", f"{place!r}: {reason}", "fetch or write it again")
