"""Arrow IPC files and streams (``.arrow``, ``.feather``), the cache format of the Hugging Face library among them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

from tare.errors import DataError, reason_of
from tare.samples.records import Record
from tare.sources.base import Source, row_ranges
from tare.sources.options import Options
from tare.sources.places import is_url, open_binary
from tare.sources.tables.records import IMAGE_ROWS, TablePlan, plan_table, records_of
from tare.system.local.plain import plain_name


def open_arrow(place: str, options: Options) -> ArrowFile:
    """Open an Arrow IPC file or stream. Raises :class:`DataError` if it is damaged or has no column to measure."""
    return open_batches(place, options, _batches)


#: Opens a table by its name: its schema and its batches of rows.
OpenBatches = Callable[[str], AbstractContextManager[tuple[Any, Iterator[Any]]]]


def open_batches(place: str, options: Options, batches_of: OpenBatches) -> ArrowFile:
    """Open a table that comes in batches. Raises :class:`DataError` if it has no column to measure."""
    with batches_of(place) as (schema, batches):
        rows = next(batches, None)
        plan = plan_table(schema, options, place, None if rows is None else lambda column: rows.column(column)[:IMAGE_ROWS])
    return ArrowFile(place, plan, options, batches_of, plan.channel_names, plan.remarks)


@dataclass(frozen=True)
class ArrowFile(Source[tuple[int, Any]]):
    """The chosen columns of a table, in tables of a fixed number of rows, however the data group them."""

    name: str
    plan: TablePlan
    options: Options
    batches_of: OpenBatches
    channel_names: tuple[str, ...] | None = None
    remarks: tuple[str, ...] = ()

    def chunks(self) -> Iterator[tuple[int, Any]]:
        """Index of the first row and an Arrow table."""
        with self.batches_of(self.name) as (_, batches):
            yield from regrouped((batch.select(self.plan.needed) for batch in batches), self.plan.rows_per_chunk)

    def chunk_length(self, chunk: tuple[int, Any]) -> int:
        """Number of rows."""
        return int(chunk[1].num_rows)

    def read(self, chunk: tuple[int, Any]) -> Iterator[Record]:
        """One block of rows; the first also lists the columns that were left out."""
        start, table = chunk
        if start == 0:
            yield from self.plan.left_out
        yield from records_of(table, self.plan, self.name, start, self.options)

    def column(self, name: str) -> Any:
        """A column as Arrow has it, also one that is not measured."""
        import pyarrow as pa

        with self.batches_of(self.name) as (_, batches):
            return pa.chunked_array([batch.column(batch.schema.get_field_index(name)) for batch in batches])


def text_columns(schema: Any) -> list[str]:
    """The names of the columns of text of an Arrow schema."""
    import pyarrow as pa

    def is_text(kind: Any) -> bool:
        return str(kind) in ("string", "large_string", "string_view") or (
            pa.types.is_dictionary(kind) and is_text(kind.value_type)
        )

    return [field.name for field in schema if is_text(field.type)]


def whole_columns(schema: Any) -> list[str]:
    """The names of the columns of numbers or of true and false of an Arrow schema."""
    import pyarrow as pa

    tests = (pa.types.is_integer, pa.types.is_boolean, pa.types.is_floating)
    return [field.name for field in schema if any(test(field.type) for test in tests)]


def open_table(data: Any, options: Options, name: str | None = None) -> TableInMemory:
    """Wrap a table of any library with an Arrow interface: pyarrow, polars, pandas, duckdb. ``name`` is where it was read."""
    import pyarrow as pa

    try:
        table = pa.table(data)
    except (pa.ArrowException, ValueError, TypeError) as error:  # TypeError: a column of no type, such as pandas' complex
        remedy = "give each column a name and one type; of a Series make a table, for example with to_frame()"
        raise DataError("a table of named columns", f"{type(data).__name__}: {reason_of(error)}", remedy) from None
    name = name or f"{type(data).__name__} of {table.num_rows} rows"
    plan = plan_table(table.schema, options, name, lambda column: table.column(column)[:IMAGE_ROWS])
    return TableInMemory(name, table, plan, options, plan.channel_names, plan.remarks)


@dataclass(frozen=True)
class TableInMemory(Source[tuple[int, int]]):
    """The chosen columns of a table in memory, by ranges of rows."""

    name: str
    table: Any
    plan: TablePlan
    options: Options
    channel_names: tuple[str, ...] | None
    remarks: tuple[str, ...] = ()

    @property
    def schema(self) -> Any:
        """The columns and their types, also of those that are not measured."""
        return self.table.schema

    def column(self, name: str) -> Any:
        """A column as Arrow has it, also one that is not measured."""
        return self.table.column(name)

    def chunks(self) -> Iterator[tuple[int, int]]:
        """Ranges of rows."""
        return row_ranges(len(self.table), self.plan.rows_per_chunk)

    def chunk_length(self, chunk: tuple[int, int]) -> int:
        """Number of rows."""
        return chunk[1] - chunk[0]

    def number(self) -> int:
        """Number of rows."""
        return len(self.table)

    def read(self, chunk: tuple[int, int]) -> Iterator[Record]:
        """The rows of a range; the first also lists the columns that were left out."""
        if chunk[0] == 0:
            yield from self.plan.left_out
        yield from records_of(self.table[slice(*chunk)], self.plan, self.name, chunk[0], self.options)


def regrouped(batches: Iterator[Any], rows: int) -> Iterator[tuple[int, Any]]:
    """Index of the first row and a table of ``rows`` rows, from batches of any length."""
    import pyarrow as pa

    start, held, pending = 0, 0, []
    for batch in batches:
        offset = 0
        while offset < batch.num_rows:
            part = batch.slice(offset, rows - held)
            pending.append(part)
            held += part.num_rows
            offset += part.num_rows
            if held == rows:
                yield start, pa.Table.from_batches(pending)
                start, held, pending = start + rows, 0, []
    if pending:
        yield start, pa.Table.from_batches(pending)


@contextmanager
def _batches(place: str) -> Iterator[tuple[Any, Iterator[Any]]]:
    import pyarrow as pa

    with open_binary(place, decompress=False) as stream, plain_name(place) if not is_url(place) else nullcontext("") as plain:
        try:
            source = pa.OSFile(plain) if plain else stream  # not mapped: a mapped file that is cut would end the program
            magic = bytes(source.read(6))
            source.seek(0)
            if magic == b"ARROW1":
                file = pa.ipc.open_file(source)
                yield file.schema, (file.get_batch(index) for index in range(file.num_record_batches))
            else:
                reader = pa.ipc.open_stream(source)
                yield reader.schema, iter(reader)
        except (pa.ArrowException, OSError) as error:
            reason = str(error).strip().partition("\n")[0]
            raise DataError("a complete Arrow file", f"{place!r}: {reason}", "fetch or write it again") from None
