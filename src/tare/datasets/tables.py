"""Tables of numbers in memory, each row a sample, with the column of labels if there is one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from tare.datasets.samples import InMemory, LabelledSamples, check_labels
from tare.errors import DataError, reason_of
from tare.sources.files.listed import is_label_column, is_path_column
from tare.sources.options import Options
from tare.sources.tables.csv_table import read_head
from tare.sources.tables.label_columns import USUAL, label_columns, named_columns
from tare.sources.tables.records import without_index
from tare.system.local.opened import in_memory, whole
from tare.tasks.task import Texts

if TYPE_CHECKING:
    import polars as pl

_TABLES = (".csv", ".tsv", ".csv.gz", ".tsv.gz", ".parquet")


def labelled_table(name: str, label: str | None, options: Options) -> LabelledSamples | None:
    """A table of numbers with a column of labels; None if it holds files or there is no such column."""
    import polars as pl

    table = load_table(name)
    columns = label_columns(table.columns, label)
    if not columns or any(table.schema[each] in (pl.Binary, pl.Struct) for each in table.columns):
        return None
    kept, remarks = without_index([each for each in table.columns if each not in columns])
    wanted, remarks = (options.columns, ()) if options.columns else (tuple(kept), remarks)
    if not _are_numbers(table, wanted, name):
        return None
    texts = label_texts(table, columns)
    check_labels(["".join(row) for row in texts], name)
    samples = _samples(table, wanted, name, [row[0] for row in texts], remarks)
    return replace(samples, columns=columns, several=texts if len(columns) > 1 else None)


def label_texts(table: pl.DataFrame, columns: Sequence[str]) -> tuple[Texts, ...]:
    """The texts of the columns of labels, empty where a value is missing."""
    import polars as pl

    return tuple(table.select(pl.col(columns).cast(pl.String).fill_null("")).rows())


def unlabelled_table(name: str, label: str | None) -> LabelledSamples | None:
    """The rows of a table of numbers, without labels; None for a manifest."""
    import polars as pl

    table = load_table(name)
    left_out = {*(named_columns(table.columns, label) if label is not None else USUAL)}
    kept, remarks = without_index([each for each in table.columns if each not in left_out])
    wanted = tuple(kept)
    if any(table.schema[each] in (pl.Binary, pl.Struct) for each in wanted) or not _are_numbers(table, wanted, name):
        return None
    return _samples(table, wanted, name, [""] * table.height, remarks)


def columns_of_marks(name: str) -> str | None:
    """The columns of 0 and 1 of a list of files, if several are 1 for some file, with commas between; None for a known column.

    Raises :class:`DataError` for a list with other columns than paths of which none is known to hold classes.
    """
    import polars as pl

    table = load_table(name)
    others = [each for each in table.columns if not is_path_column(each)]
    if len(others) == table.width or not others or any(map(is_label_column, others)):
        return None
    marks = [each for each in others if table.schema[each].is_integer() and set(table[each].unique().to_list()) <= {0, 1, None}]
    if len(marks) > 1 and bool((table.select(pl.sum_horizontal(marks)).to_series() > 1).any()):
        return ",".join(marks)
    raise DataError(
        "a column of classes",
        f"{', '.join(others[:8])} beside the paths in {name!r}, and none of a usual name such as label",
        f"name it: --label {others[0]}; or take classes from the paths with --label-pattern",
    )


def is_table(name: str) -> bool:
    """Whether a file of this name is a table that :func:`load_table` reads."""
    return name.endswith(_TABLES)


def load_table(name: str) -> pl.DataFrame:
    """Load a CSV, TSV or Parquet file; the columns of a file without a header are named c0, c1, ..., as `tare measure` does.

    Raises :class:`DataError` if it cannot be read.
    """
    import polars as pl

    try:
        if name.endswith(".parquet"):
            return pl.read_parquet(in_memory(name))
        head = read_head(name)
        table = pl.read_csv(whole(name), has_header=head.has_header, separator=head.delimiter, infer_schema_length=10_000)
    except (pl.exceptions.PolarsError, OSError, EOFError) as error:
        reason = reason_of(error)
        raise DataError("a readable table", f"{name!r}: {reason}", "check the file") from None
    return table.rename(dict(zip(table.columns, head.names, strict=True)))


def _samples(
    table: pl.DataFrame, wanted: Sequence[str], name: str, labels: Sequence[str], remarks: tuple[str, ...]
) -> LabelledSamples:
    import polars as pl

    values = table.select(pl.col(wanted).cast(pl.Float64)).to_numpy()
    return LabelledSamples(name, "vector", tuple(labels), InMemory(values), tuple(wanted), remarks)


def _are_numbers(table: pl.DataFrame, wanted: Sequence[str], name: str) -> bool:
    """Whether the columns are numbers; False for a manifest, which names files. Raises :class:`DataError` for text."""
    import polars as pl

    texts = [each for each in wanted if not table.schema[each].is_numeric() and table.schema[each] != pl.Boolean]
    if any(map(is_path_column, texts)):
        return False
    if texts:
        raise DataError("columns of numbers", f"text in {texts[0]!r} of {name!r}", "choose others with --columns")
    return True
