"""Arrow tables to records: columns of numbers, or one column of encoded images or recordings."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tare.errors import DataError
from tare.samples.records import Record, Rows, Skipped
from tare.sources.encoded import sample_of
from tare.sources.options import Options
from tare.system.scratch import scratch_memory

#: Rows in a chunk: of numbers many, so that the fixed costs of a chunk vanish; of images as many as in a folder.
NUMBER_ROWS, IMAGE_ROWS = 1 << 18, 64

_LABELS = ("label", "labels", "class", "cls", "target")


@dataclass(frozen=True)
class TablePlan:
    """The columns to read from a table: numbers, or one column of encoded files with an optional label column."""

    columns: tuple[str, ...]
    encoded: bool = False
    label: str | None = None
    label_names: tuple[str, ...] | None = None
    channel_names: tuple[str, ...] | None = None
    left_out: tuple[Skipped, ...] = ()

    @property
    def needed(self) -> list[str]:
        """The columns to read."""
        return [*self.columns, *([self.label] if self.label else [])]

    @property
    def rows_per_chunk(self) -> int:
        """Number of rows in a chunk; a wide table has fewer, so that its chunks hold as many values."""
        return IMAGE_ROWS if self.encoded else max(4096, NUMBER_ROWS * 16 // max(16, len(self.columns)))


def plan_table(schema: Any, options: Options, name: str) -> TablePlan:
    """Choose the columns of an Arrow schema: those in ``options``, else the first of encoded files, else all of numbers.

    The plan lists the other columns as left out. Raises :class:`DataError` if a named column is missing or holds neither
    numbers nor files, or if the schema has no such column at all.
    """
    if options.columns is not None:
        return _plan_named(schema, options.columns, name)
    encoded = [field.name for field in schema if _holds_files(field.type)]
    if encoded:
        return _plan_encoded(schema, encoded[0])
    numbers = tuple(field.name for field in schema if _is_number(field.type))
    if not numbers:
        raise DataError("a column of numbers or of image bytes", f"{_columns(schema)} in {name!r}", "choose with --columns")
    left_out = tuple(
        Skipped(f"{name}:{field.name}", f"a column of {field.type}", foreign=True)
        for field in schema
        if not _is_number(field.type)
    )
    return TablePlan(numbers, channel_names=numbers, left_out=left_out)


def records_of(table: Any, plan: TablePlan, path: str, start: int, options: Options) -> Iterator[Record]:
    """Turn the rows of an Arrow table into records; ``start`` is the number of its first row."""
    if not plan.encoded:
        yield Rows(f"{path}[{start}]", _columns_of(table, plan, path))
        return
    labels = table.column(plan.label).to_pylist() if plan.label else [None] * table.num_rows
    for row, (cell, label) in enumerate(zip(table.column(plan.columns[0]), labels, strict=True)):
        value = cell.as_py()
        data = value.get("bytes") if isinstance(value, dict) else value
        name = (value.get("path") if isinstance(value, dict) else None) or f"{path}[{start + row}]"
        if data is None:
            yield Skipped(name, "the cell holds no bytes")
        else:
            yield sample_of(name, data, options, _label(label, plan.label_names), claimed=True)


def _columns_of(table: Any, plan: TablePlan, path: str) -> Sequence[NDArray[Any]]:
    if any(_is_vector(table.column(name).type) for name in plan.columns):
        return [column for name in plan.columns for column in _numbers(table.column(name), name, path)]
    return OnDemand(plan.columns, path, table.column)


class OnDemand(Sequence[NDArray[Any]]):
    """Columns by name, each fetched with ``column`` and converted on access."""

    def __init__(self, names: tuple[str, ...], path: str, column: Callable[[str], Any]) -> None:
        self.names, self.path, self.column = names, path, column

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: Any) -> Any:
        name = self.names[index]
        return next(_numbers(self.column(name), name, self.path))


def _plan_named(schema: Any, columns: tuple[str, ...], name: str) -> TablePlan:
    missing = [column for column in columns if column not in schema.names]
    if missing:
        raise DataError(f"one of {_columns(schema)}", f"{missing[0]!r} for {name!r}", "choose among them")
    types = {column: schema.field(column).type for column in columns}
    if len(columns) == 1 and _holds_files(types[columns[0]], named=True):
        return _plan_encoded(schema, columns[0])
    for column, kind in types.items():
        if not _is_number(kind) and not _is_vector(kind):
            raise DataError(f"numbers or image bytes in column {column!r}", f"{kind} in {name!r}", "choose other columns")
    names = [n for c, kind in types.items() for n in ([f"{c}[{k}]" for k in range(kind.list_size)] if _is_vector(kind) else [c])]
    return TablePlan(columns, channel_names=tuple(names))


def _plan_encoded(schema: Any, column: str) -> TablePlan:
    label = next((name for name in _LABELS if name in schema.names and name != column), None)
    return TablePlan((column,), True, label, _label_names(schema, label))


def _numbers(column: Any, name: str, path: str) -> Iterator[NDArray[np.float64]]:
    """A column as float64, missing values as NaN; a column of vectors gives one array per component."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if _is_vector(column.type):
        if column.null_count:
            raise DataError(f"a vector in every row of {name!r}", f"{column.null_count} rows of {path!r} without", "remove them")
        flat = pc.cast(pc.list_flatten(column), pa.float64(), safe=False)
        yield from np.ascontiguousarray(flat.to_numpy(zero_copy_only=False).reshape(len(column), -1).T)
        return
    if column.type != pa.float64():
        column = pc.cast(column, pa.float64(), safe=False)  # int64 beyond 2**53 is rounded
    values = pc.fill_null(column, math.nan) if column.null_count else column
    yield _in_one_piece([piece.to_numpy(zero_copy_only=False) for piece in values.chunks])


def _in_one_piece(pieces: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Join the pieces in memory that was used before: fresh pages cost more than the copying."""
    if len(pieces) == 1:
        return pieces[0]
    size = sum(map(len, pieces))
    joined = scratch_memory(8 * size, "column")[: 8 * size].view(np.float64)
    start = 0
    for piece in pieces:
        joined[start : start + len(piece)] = piece
        start += len(piece)
    return joined


def _label(value: Any, names: tuple[str, ...] | None) -> str | None:
    if value is None:
        return None
    if names is not None and isinstance(value, int) and 0 <= value < len(names):
        return names[value]
    return str(value)


def _label_names(schema: Any, label: str | None) -> tuple[str, ...] | None:
    """Class names that the Hugging Face library stored beside the schema."""
    try:
        features = json.loads((schema.metadata or {})[b"huggingface"])["info"]["features"]
        return tuple(str(name) for name in features[label]["names"])
    except (KeyError, TypeError, ValueError):
        return None


def _holds_files(kind: Any, named: bool = False) -> bool:
    """Whether a column holds encoded files: Hugging Face's ``{bytes, path}``, or binary cells."""
    import pyarrow as pa

    if pa.types.is_struct(kind):
        return "bytes" in [field.name for field in kind]
    return pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or (named and pa.types.is_binary_view(kind))


def _is_number(kind: Any) -> bool:
    import pyarrow as pa

    tests = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal, pa.types.is_boolean)
    return any(test(kind) for test in tests)


def _is_vector(kind: Any) -> bool:
    import pyarrow as pa

    return pa.types.is_fixed_size_list(kind) and _is_number(kind.value_type)


def _columns(schema: Any) -> str:
    shown = [f"{field.name!r} ({field.type})" for field in schema]
    return "the columns " + ", ".join(shown[:12]) + (", ..." if len(shown) > 12 else "")
