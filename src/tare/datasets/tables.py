"""Tables of numbers in memory, each row a sample, with the column of labels if there is one."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from tare.datasets.parts.names import MARKS, mark_columns
from tare.datasets.samples import InMemory, LabelledSamples, check_labels
from tare.errors import DataError, reason_of, shell_word
from tare.samples.layout import Doubles
from tare.sources.files.listed import is_label_column, is_path_column
from tare.sources.options import Options
from tare.sources.tables.csv_table import Head, cells_of, not_a_number, read_head
from tare.sources.tables.label_columns import USUAL, label_columns, named_columns
from tare.sources.tables.number_words import Style, number_of
from tare.sources.tables.records import check_exact, index_of, without_index
from tare.system.local.opened import in_memory

if TYPE_CHECKING:
    import polars as pl

    from tare.tasks.task import Texts

_TABLES = (".csv", ".tsv", ".csv.gz", ".tsv.gz", ".parquet")


def labelled_table(name: str, label: str | None, options: Options) -> LabelledSamples | None:
    """A table of numbers with a column of labels; None if it holds files or there is no such column."""
    import polars as pl

    columns = label_columns(columns_in(name), label)
    table = load_table(name, columns)
    if not columns or any(table.schema[each] in (pl.Binary, pl.Struct) for each in table.columns):
        return None
    kept, remarks = _measured_of(table, columns, name)
    chosen = _numbers_among(table, options.columns or kept, name, stated=bool(options.columns))
    if chosen is None:
        return None
    wanted, left_out = chosen
    remarks = (*(() if options.columns else remarks), *left_out)
    texts = label_texts(table, columns, name)
    check_labels(["".join(row) for row in texts], name)
    told = (*remarks, *_label_remarks(wanted), *_number_remarks(name, wanted))
    samples = _samples(table, wanted, name, [row[0] for row in texts], told)
    return replace(samples, columns=columns, several=texts if len(columns) > 1 else None)


def _label_remarks(inputs: Sequence[str]) -> tuple[str, ...]:
    """What is to be said of inputs beside a column of labels that are called as labels usually are; ``y`` may be a place."""
    found = [repr(name) for name in inputs if name.casefold() in USUAL and len(name) > 1]
    kind = "columns" if len(found) > 1 else "a column"
    return (
        (f"{kind} with a usual name of labels among the inputs: {', '.join(found)}; drop what tells the label",) if found else ()
    )


def label_texts(table: pl.DataFrame, columns: Sequence[str], name: str) -> tuple[Texts, ...]:
    """The texts of the columns of labels, empty where a value is missing; of a CSV they are its own.

    Raises :class:`DataError` for columns of lists and the like.
    """
    import polars as pl

    try:
        chosen = table.select(pl.col(columns))
        floats = [each for each in columns if chosen.schema[each].is_float()]
        return tuple(chosen.with_columns(pl.col(floats).fill_nan(None)).cast(pl.String).fill_null("").rows())
    except pl.exceptions.PolarsError as error:
        kinds = ", ".join(f"{each!r} ({table.schema[each]})" for each in columns)
        raise DataError(
            "labels of text, numbers or dates", f"{kinds} in {name!r}: {reason_of(error)}", "name another column"
        ) from None


def unlabelled_table(name: str, label: str | None) -> LabelledSamples | None:
    """The rows of a table of numbers, without labels; None for a manifest."""
    import polars as pl

    table = load_table(name, ())
    left_out = {*(named_columns(table.columns, label) if label is not None else USUAL)}
    kept, remarks = _measured_of(table, left_out, name)
    if any(table.schema[each] in (pl.Binary, pl.Struct) for each in kept):
        return None
    chosen = _numbers_among(table, kept, name)
    if chosen is None:
        return None
    wanted, texts = chosen
    return _samples(table, wanted, name, [""] * table.height, (*remarks, *texts, *_number_remarks(name, wanted)))


def _measured_of(table: pl.DataFrame, left_out: Collection[str], name: str) -> tuple[list[str], tuple[str, ...]]:
    """The columns that could be measured: without those ``left_out``, those that count rows, and those that mark a part."""
    kept, remarks = without_index([each for each in table.columns if each not in left_out], _index_of(name))
    marks = [each for each in mark_columns(kept) if _are_marks(table[each])]
    told = tuple(f"left out {each!r}: a column that marks the rows of a part" for each in marks if _holds_numbers(table, each))
    return [each for each in kept if each not in marks or not _holds_numbers(table, each)], (*remarks, *told)


def _are_marks(column: pl.Series) -> bool:
    held = {str(value).lower() for value in column.unique().to_list() if value is not None}
    return bool(held) and held <= MARKS.keys()


def columns_of_marks(name: str) -> str | None:
    """The columns of 0 and 1 of a list of files, if several are 1 for some file, with commas between; None for a known column.

    Raises :class:`DataError` for a list with other columns than paths of which none is known to hold classes.
    """
    import polars as pl

    table = load_table(name)
    others = [each for each in table.columns if not is_path_column(each)]
    if len(others) == table.width or not others or any(map(is_label_column, others)):
        return None
    marks = [each for each in others if table.schema[each].is_numeric() and set(table[each].unique().to_list()) <= {0, 1, None}]
    if len(marks) > 1 and bool((table.select(pl.sum_horizontal(marks)).to_series() > 1).any()):
        return ",".join(marks)
    raise DataError(
        "a column of classes",
        f"{', '.join(others[:8])} beside the paths in {name!r}, and none of a usual name such as label",
        f"name it: --label {shell_word(others[0])}; or take classes from the paths with --label-pattern",
    )


def is_table(name: str) -> bool:
    """Whether a file of this name is a table that :func:`load_table` reads."""
    return name.lower().endswith(_TABLES)


def columns_in(name: str) -> tuple[str, ...]:
    """The names of the columns of a table. Raises :class:`DataError` if it cannot be read."""
    if not name.lower().endswith(".parquet"):
        return read_head(name).names
    return tuple(_parquet(name).columns)


def load_table(name: str, texts: Sequence[str] = ()) -> pl.DataFrame:
    """Load a CSV, TSV or Parquet file; the columns of a file without a header are named c0, c1, ..., as `tare measure` does.

    Of a CSV the columns ``texts`` and those of text are as written, and numbers those that `tare measure` reads. Raises
    :class:`DataError` if it cannot be read, or a column of numbers holds text.
    """
    import polars as pl

    if name.lower().endswith(".parquet"):
        return _parquet(name)
    head = read_head(name)
    cells = cells_of(name, head, head.names)
    numbers = [each for each, numeric in zip(head.names, head.numeric, strict=True) if numeric and each not in texts]
    return cells.with_columns(pl.Series(each, _numbers(cells[each], head, name), pl.Float64) for each in numbers)


def _parquet(name: str) -> pl.DataFrame:
    import polars as pl

    try:
        return pl.read_parquet(in_memory(name))
    except (pl.exceptions.PolarsError, OSError, EOFError) as error:
        raise DataError("a readable table", f"{name!r}: {reason_of(error)}", "check the file") from None


def _index_of(name: str) -> tuple[str, ...]:
    """The columns of a Parquet file that are the names of pandas' rows."""
    if not name.lower().endswith(".parquet"):
        return ()
    import pyarrow as pa
    from pyarrow import parquet

    try:
        return index_of(parquet.read_schema(in_memory(name)).metadata)
    except (pa.ArrowException, OSError, EOFError):  # polars reads it all the same
        return ()


def _numbers(cells: pl.Series, head: Head, name: str) -> list[float | None]:
    """A column of text as numbers, None where one is missing: plain ones at once, others one by one."""
    import polars as pl

    style = head.style(cells.name)
    if style != "plain":
        return [_number(cell, style, cells.name, name) for cell in cells.to_list()]
    read = cells.str.strip_chars().cast(pl.Float64, strict=False)
    unsure = (read.is_null() | ~(read.abs() < 1 << 53)).arg_true().to_list()
    numbers: list[float | None] = read.to_list()
    for row in unsure:
        numbers[row] = _number(cells[row], style, cells.name, name)
    return numbers


def _number(cell: str, style: Style, column: str, name: str) -> float | None:
    found = number_of(cell, style)
    if found is None:
        raise not_a_number(cell, column, name)
    return None if math.isnan(found) else found


def _number_remarks(name: str, wanted: Sequence[str]) -> tuple[str, ...]:
    """What was decided of the numbers of the columns that are read."""
    if name.lower().endswith(".parquet"):
        return ()
    head = read_head(name)
    return tuple(said for column, said in zip(head.written, head.remarks, strict=True) if column in wanted)


def _samples(
    table: pl.DataFrame, wanted: Sequence[str], name: str, labels: Sequence[str], remarks: tuple[str, ...]
) -> LabelledSamples:
    return LabelledSamples(name, "vector", tuple(labels), InMemory(doubles(table, wanted, name)), tuple(wanted), remarks)


def doubles(table: pl.DataFrame, wanted: Sequence[str], name: str) -> Doubles:
    """The columns of numbers as doubles ``(N, C)``, missing values as NaN.

    Raises :class:`DataError` for a column of anything else, and for whole numbers that no double holds.
    """
    import polars as pl

    for each in wanted:
        if not _holds_numbers(table, each):
            raise DataError("columns of numbers", f"{_kind(table, each)} in {each!r} of {name!r}", "choose others with --columns")
        check_exact(table[each].to_arrow(), each, name)
    return table.select(pl.col(wanted).cast(pl.Float64)).to_numpy()


def _holds_numbers(table: pl.DataFrame, column: str) -> bool:
    import polars as pl

    return table.schema[column].is_numeric() or table.schema[column] == pl.Boolean


def _kind(table: pl.DataFrame, column: str) -> str:
    import polars as pl

    kind = table.schema[column]
    return "text" if kind in (pl.String, pl.Categorical, pl.Enum) else str(kind)


def _numbers_among(
    table: pl.DataFrame, wanted: Sequence[str], name: str, *, stated: bool = False
) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    """The columns of numbers, and what is said of others, which are left out; None for a manifest, which names files.

    Raises :class:`DataError` for another column that was ``stated``, and for no numbers at all.
    """
    texts = [each for each in wanted if not _holds_numbers(table, each)]
    if any(map(is_path_column, texts)):
        return None
    numbers = tuple(each for each in wanted if each not in texts)
    if texts and (stated or not numbers):
        found = f"{_kind(table, texts[0])} in {texts[0]!r} of {name!r}"
        raise DataError("columns of numbers", found, "choose others with --columns")
    return numbers, tuple(f"left out {each!r}: a column of {_kind(table, each)}{_example(table, each)}" for each in texts)


def _example(table: pl.DataFrame, column: str) -> str:
    text = str(next(iter(table[column].drop_nulls()), ""))[:40]
    return f", for example {text!r}" if _kind(table, column) == "text" else ""
