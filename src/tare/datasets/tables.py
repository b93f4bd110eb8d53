"""Tables of numbers in memory, each row a sample, with the column of labels if there is one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tare.datasets.samples import InMemory, LabelledSamples, check_labels
from tare.errors import DataError, reason_of
from tare.sources.options import Options
from tare.sources.tables.csv_table import read_head

if TYPE_CHECKING:
    import polars as pl

_TABLES = (".csv", ".tsv", ".csv.gz", ".tsv.gz", ".parquet")
_LABEL_COLUMNS = ("label", "labels", "class", "target", "y")


def labelled_table(name: str, label: str | None, options: Options) -> LabelledSamples | None:
    """A table of numbers with a column of labels; None if it holds files or there is no such column."""
    import polars as pl

    header = not (label or "").isdecimal()
    table = load_table(name, header=header)
    column = table.columns[int(label)] if label and not header and int(label) < table.width else label
    column = column or next((each for each in _LABEL_COLUMNS if each in table.columns), None)
    if column is None or any(table.schema[each] in (pl.Binary, pl.Struct) for each in table.columns):
        return None
    if column not in table.columns:
        raise DataError(f"one of the columns {', '.join(table.columns[:12])}", f"{column!r} for --label", "choose among them")
    wanted = options.columns or tuple(each for each in table.columns if each != column)
    if not _are_numbers(table, wanted, name):
        return None
    labels = table[column].cast(pl.String).fill_null("").to_list()
    check_labels(labels, name)
    return _samples(table, wanted, name, labels)


def unlabelled_table(name: str, label: str | None) -> LabelledSamples | None:
    """The rows of a table of numbers, without labels; None for a manifest."""
    import polars as pl

    header = name.endswith(".parquet") or read_head(name).has_header
    table = load_table(name, header=header)
    numbered = label is not None and label.isdecimal() and label not in table.columns and int(label) < table.width
    left_out = {table.columns[int(label or 0)]} if numbered else {label, *(_LABEL_COLUMNS if label is None else ())}
    wanted = tuple(each for each in table.columns if each not in left_out)
    if any(table.schema[each] in (pl.Binary, pl.Struct) for each in wanted) or not _are_numbers(table, wanted, name):
        return None
    return _samples(table, wanted, name, [""] * table.height)


def is_table(name: str) -> bool:
    """Whether a file of this name is a table that :func:`load_table` reads."""
    return name.endswith(_TABLES)


def load_table(name: str, *, header: bool = True) -> pl.DataFrame:
    """Load a CSV, TSV or Parquet file; without ``header`` its columns are named c0, c1, ...

    Raises :class:`DataError` if it cannot be read.
    """
    import polars as pl

    try:
        if name.endswith(".parquet"):
            return pl.read_parquet(name)
        separator = "\t" if ".tsv" in Path(name).name else _separator(name)
        table = pl.read_csv(name, has_header=header, separator=separator, infer_schema_length=10_000)
    except (pl.exceptions.PolarsError, OSError, EOFError) as error:
        reason = reason_of(error)
        raise DataError("a readable table", f"{name!r}: {reason}", "check the file") from None
    return table if header else table.rename({old: f"c{index}" for index, old in enumerate(table.columns)})


def _samples(table: pl.DataFrame, wanted: Sequence[str], name: str, labels: Sequence[str]) -> LabelledSamples:
    import polars as pl

    values = table.select(pl.col(wanted).cast(pl.Float64)).to_numpy()
    return LabelledSamples(name, "vector", tuple(labels), InMemory(values), tuple(wanted))


def _are_numbers(table: pl.DataFrame, wanted: Sequence[str], name: str) -> bool:
    """Whether the columns are numbers; False for a manifest, which names files. Raises :class:`DataError` for text."""
    import polars as pl

    texts = [each for each in wanted if not table.schema[each].is_numeric() and table.schema[each] != pl.Boolean]
    if set(texts) & {"path", "file", "filename", "file_name", "filepath", "image"}:
        return False
    if texts:
        raise DataError("columns of numbers", f"text in {texts[0]!r} of {name!r}", "choose others with --columns")
    return True


def _separator(name: str) -> str:
    """The most frequent of the usual separators in the first line."""
    import gzip

    opener = gzip.open if name.endswith(".gz") else open
    with opener(name, "rb") as file:
        first = file.readline(1 << 16).decode("utf-8", "replace")
    return max(",;\t", key=first.count)
