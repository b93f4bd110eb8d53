"""Arrow tables to records: columns of numbers, or one column of encoded images or recordings."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tare.errors import DataError
from tare.samples.records import Record, Rows, Skipped
from tare.sources.encoded import sample_of
from tare.sources.options import Options
from tare.sources.places import is_url, read_bytes
from tare.sources.tables.label_columns import LABELS, label_columns
from tare.system.scratch import scratch_memory

#: Rows in a chunk: of numbers many, so that the fixed costs of a chunk vanish; of images as many as in a folder.
NUMBER_ROWS, IMAGE_ROWS = 1 << 18, 64

_LABELS = ("label", "labels", "class", "cls", "target")

#: Columns that count rows, episodes or time instead of measuring something.
_INDEX_NAMES = frozenset(
    (
        "index", "idx", "id", "row", "row_id", "row_index", "row_number", "frame", "frame_id", "frame_index", "episode_id",
        "episode_index", "task_index", "sample_id", "sample_index", "timestamp", "__index_level_0__", "unnamed: 0", "",
    )
)  # fmt: skip

#: Longer lists are left out unless their column is named.
_LONGEST_LIST = 4096


@dataclass(frozen=True)
class TablePlan:
    """The columns to read from a table: numbers, or one column of encoded files with an optional label column."""

    columns: tuple[str, ...]
    encoded: bool = False
    label: str | None = None
    label_names: tuple[str, ...] | None = None
    channel_names: tuple[str, ...] | None = None
    left_out: tuple[Skipped, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def needed(self) -> list[str]:
        """The columns to read."""
        return [*self.columns, *([self.label] if self.label else [])]

    @property
    def rows_per_chunk(self) -> int:
        """Number of rows in a chunk; a wide table has fewer, so that its chunks hold as many values."""
        return IMAGE_ROWS if self.encoded else max(4096, NUMBER_ROWS * 16 // max(16, len(self.columns)))


def plan_table(schema: Any, options: Options, name: str, first: Callable[[str], Any] | None = None) -> TablePlan:
    """Choose the columns of an Arrow schema: those in ``options``, else the first of encoded files, else all of numbers.

    A column of lists is measured by dimension, as ``action[0]``, ``action[1]`` and so on. ``first`` gives the first rows of a
    column, which say how long its lists are where the schema does not. Columns that only count rows or time are left out, and so
    are those of labels. The plan lists all columns that are left out. Raises :class:`DataError` if a named column is missing or
    holds neither numbers nor files, or if the schema has no such column at all.
    """
    twice = [each for each, count in Counter(schema.names).items() if count > 1]
    if twice:
        raise DataError(
            "columns of different names", f"{twice[0]!r} {schema.names.count(twice[0])} times in {name!r}", "rename one"
        )
    if options.columns is not None:
        return _plan_named(schema, options.columns, options.label, name, first)
    encoded = [field.name for field in schema if _holds_files(field.type)]
    if encoded:
        others = ", ".join(repr(column) for column in encoded[1:])
        said = (f"the first of several columns of files, {encoded[0]!r}, is measured; --columns measures others: {others}",)
        return replace(_plan_encoded(schema, encoded[0], options.label), remarks=said if others else ())
    labels = () if options.label is None else label_columns(schema.names, options.label)
    names = {field.name: () if field.name in labels else _channels_of(field, first) for field in schema}
    measured = [each for each, channels in names.items() if channels]
    chosen, remarks = without_index(measured, index_of(schema.metadata))
    if not chosen:
        raise DataError("a column of numbers or of image bytes", f"{_columns(schema)} in {name!r}", "choose with --columns")
    left_out = tuple(
        Skipped(f"{name}:{field.name}", LABELS if field.name in labels else _why_left_out(field), foreign=True)
        for field in schema
        if not names[field.name]
    )
    channels = tuple(channel for column in chosen for channel in names[column])
    return TablePlan(tuple(chosen), channel_names=channels, left_out=left_out, remarks=remarks)


def is_index(name: str) -> bool:
    """Whether a column of this name counts rows, episodes or time, by the usual names of such columns."""
    return name.strip().lower() in _INDEX_NAMES


def index_of(metadata: Any) -> tuple[str, ...]:
    """The columns that are the names of pandas' rows, by the metadata of a schema."""
    try:
        stated = json.loads((metadata or {})[b"pandas"])["index_columns"]
        return tuple(name for name in stated if isinstance(name, str))
    except (KeyError, TypeError, ValueError, RecursionError):
        return ()


def without_index(names: Sequence[str], index: Collection[str] = ()) -> tuple[list[str], tuple[str, ...]]:
    """Return the columns without those that count rows or time, and a remark that names those; all if there are no others.

    ``index`` are further columns of that kind.
    """
    kept = [name for name in names if not is_index(name) and name not in index]
    if not kept or len(kept) == len(names):
        return list(names), ()
    counts = ", ".join(name or repr(name) for name in names if name not in kept)
    return kept, (f"left out as columns that count rows or time: {counts}; they are taken where columns are named",)


def records_of(table: Any, plan: TablePlan, path: str, start: int, options: Options, *, opens: bool = False) -> Iterator[Record]:
    """Turn the rows of an Arrow table into records; ``start`` is the number of its first row.

    With ``opens`` a cell that holds the path of a file on this machine instead of its bytes is that file.
    """
    if not plan.encoded:
        yield Rows(f"{path}[{start}]", _columns_of(table, plan, path))
        return
    labels = table.column(plan.label).to_pylist() if plan.label else [None] * table.num_rows
    for row, (cell, label) in enumerate(zip(table.column(plan.columns[0]), labels, strict=True)):
        value = cell.as_py()
        data = value.get("bytes") if isinstance(value, dict) else value
        name = (value.get("path") if isinstance(value, dict) else None) or f"{path}[{start + row}]"
        data = _bytes_of(value) if data is None and opens else data
        if data is None:
            yield Skipped(name, "the cell holds no bytes", label=_label(label, plan.label_names))
        else:
            yield sample_of(name, data, options, _label(label, plan.label_names), claimed=True)


def _bytes_of(value: Any) -> bytes | None:
    """The bytes of the file that a cell names; None if it is not on this machine."""
    place = value.get("path") if isinstance(value, dict) else None
    try:
        return None if not place or is_url(place) else read_bytes(place)
    except (OSError, ValueError):  # ValueError: a null byte in a name
        return None


def _columns_of(table: Any, plan: TablePlan, path: str) -> Sequence[NDArray[Any]]:
    if any(_is_list(table.column(name).type) for name in plan.columns):
        channels = plan.channel_names or ()
        widths = {name: sum(channel.startswith(f"{name}[") for channel in channels) for name in plan.columns}
        return [column for name in plan.columns for column in _numbers(table.column(name), name, path, widths[name])]
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


def _channels_of(field: Any, first: Callable[[str], Any] | None) -> tuple[str, ...]:
    """The channels of a column that is measured without being named: itself, one per dimension of its lists, or none."""
    if _is_number(field.type):
        return (field.name,)
    length = _list_length(field, first) if _is_list(field.type) else None
    return tuple(f"{field.name}[{k}]" for k in range(length or 0)) if (length or 0) <= _LONGEST_LIST else ()


def _list_length(field: Any, first: Callable[[str], Any] | None) -> int | None:
    """The length of the lists of a column: as its type states, else of its first rows; None if those differ or are missing."""
    import pyarrow.compute as pc

    if _is_vector(field.type):
        return int(field.type.list_size)
    if first is None:
        return None
    lengths = pc.unique(pc.list_value_length(first(field.name))).to_pylist()
    return int(lengths[0]) if len(lengths) == 1 and lengths[0] else None


def _why_left_out(field: Any) -> str:
    if not _is_list(field.type):
        return f"a column of {field.type}"
    return f"a column of {field.type}, whose lists are empty, of different lengths or longer than {_LONGEST_LIST:,}"


def _plan_named(
    schema: Any, columns: tuple[str, ...], label: str | None, name: str, first: Callable[[str], Any] | None
) -> TablePlan:
    missing = [column for column in columns if column not in schema.names]
    if missing:
        raise DataError(f"one of {_columns(schema)}", f"{missing[0]!r} for {name!r}", "choose among them")
    types = {column: schema.field(column).type for column in columns}
    if len(columns) == 1 and _holds_files(types[columns[0]], named=True):
        return _plan_encoded(schema, columns[0], label)
    names: list[str] = []
    for column, kind in types.items():
        length = _list_length(schema.field(column), first) if _is_list(kind) else None
        if not _is_number(kind) and not length:
            found = f"{kind} in {name!r}" if not _is_list(kind) else f"lists of different lengths, or none, in {name!r}"
            raise DataError(f"numbers, lists of one length or image bytes in column {column!r}", found, "choose other columns")
        names += [f"{column}[{k}]" for k in range(length)] if length else [column]
    return TablePlan(columns, channel_names=tuple(names))


def _plan_encoded(schema: Any, column: str, label: str | None) -> TablePlan:
    if label is not None and label not in schema.names:
        raise DataError(f"one of {_columns(schema)}", f"{label!r} for --label", "choose among them")
    label = label or next((name for name in _LABELS if name in schema.names and name != column), None)
    return TablePlan((column,), True, label, label_names(schema, label))


def _numbers(column: Any, name: str, path: str, width: int = 0) -> Iterator[NDArray[np.float64]]:
    """A column as float64, missing values as NaN; a column of lists of ``width`` numbers gives one array per dimension."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if _is_list(column.type):
        others = len(column) - (pc.sum(pc.equal(pc.list_value_length(column), width)).as_py() or 0)
        if others:
            remedy = "leave the column out with --columns, or remove those rows"
            raise DataError(f"a list of {width} numbers in every row of {name!r}", f"{others} other rows in {path!r}", remedy)
        inner = pc.list_flatten(column)
        check_exact(inner, name, path)
        flat = pc.cast(inner, pa.float64(), safe=False)
        yield from np.ascontiguousarray(flat.to_numpy(zero_copy_only=False).reshape(len(column), -1).T)
        return
    if column.type != pa.float64():
        check_exact(column, name, path)
        column = pc.cast(column, pa.float64(), safe=False)
    values = pc.fill_null(column, math.nan) if column.null_count else column
    yield _in_one_piece([piece.to_numpy(zero_copy_only=False) for piece in values.chunks])


def check_exact(column: Any, name: str, path: str) -> None:
    """Raise :class:`DataError` for whole numbers beyond 2**53, such as the names of rows: no double holds them exactly."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if column.type not in (pa.int64(), pa.uint64()) and not pa.types.is_decimal(column.type):
        return
    ends = [value for value in pc.min_max(column).as_py().values() if value is not None]
    if ends and max(map(abs, ends)) > 1 << 53:
        found = f"{max(ends, key=abs)} in column {name!r} of {path!r}"
        raise DataError("whole numbers up to 2**53, which a double holds exactly", found, "leave the column out with --columns")


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
    """A label as text; none for null, for NaN, and for a number outside the names, such as -1 for unknown."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return None
    if names is not None and isinstance(value, int):
        return names[value] if 0 <= value < len(names) else None
    return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value)


def label_names(schema: Any, label: str | None) -> tuple[str, ...] | None:
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


def _is_list(kind: Any) -> bool:
    """Whether a column holds lists of numbers, of one length that the type states, or of any length."""
    import pyarrow as pa

    lists = (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list)
    return any(test(kind) for test in lists) and _is_number(kind.value_type)


def _columns(schema: Any) -> str:
    shown = [f"{field.name!r} ({field.type})" for field in schema]
    return "the columns " + ", ".join(shown[:12]) + (", ..." if len(shown) > 12 else "")
