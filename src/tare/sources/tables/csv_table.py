"""CSV files, split by comma, semicolon, tab or bar: tables of numbers with or without a header, and manifests that name files."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from tare.errors import DataError, reason_of
from tare.samples.records import Record, Rows, Skipped
from tare.sources.base import Source
from tare.sources.files.listed import is_path_column, open_manifest
from tare.sources.files.quotes import without_literal
from tare.sources.options import Options
from tare.sources.places import open_binary
from tare.sources.tables.label_columns import LABELS, label_columns
from tare.sources.tables.number_words import Style, is_inexact, is_number, looks_like_a_number, number_of, style_of
from tare.sources.tables.records import without_index
from tare.system.engines.loops import Loops

if TYPE_CHECKING:
    import polars as pl

_BLOCK = 8 << 20
_HEAD = 1 << 16
_DOUBTS = 4096
_LOOPS = Loops("tare.sources.tables.number_parser", "tare.sources.tables.cell_parser")
_DELIMITERS = ",;\t|"
_EXACT = 1 << 53

#: The remark on a table whose columns have no names of their own.
NO_HEADER = "the first row holds values and not names, so the columns are named c0, c1, ..."


@dataclass(frozen=True)
class Head:
    """Delimiter, column names and types of a CSV; ``example`` holds one text cell of each column, empty if it is numeric."""

    delimiter: str
    names: tuple[str, ...]
    numeric: tuple[bool, ...]
    example: tuple[str, ...]
    has_header: bool
    styles: tuple[Style, ...] = ()

    @property
    def written(self) -> tuple[str, ...]:
        """The columns that write their numbers in another way than Python."""
        return tuple(name for name, style in zip(self.names, self.styles, strict=True) if style != "plain")

    @property
    def remarks(self) -> tuple[str, ...]:
        """What was decided from the first rows."""
        said = {"decimal comma": "1,5 is read as 1.5", "thousands comma": "1,234 is read as 1234"}
        return tuple(f"column {name!r} has a {self.style(name)}: {said[self.style(name)]}" for name in self.written)

    def style(self, name: str) -> Style:
        """How a column writes its numbers."""
        return self.styles[self.names.index(name)] if self.styles else "plain"


@dataclass(frozen=True)
class CsvTable(Source[tuple[int, bytes]]):
    """The numeric columns of a CSV file, each row a sample."""

    name: str
    head: Head
    channel_names: tuple[str, ...] | None
    left_out: tuple[Skipped, ...] = ()
    remarks: tuple[str, ...] = ()
    unindexed = "whose rows can only be found by reading the whole file, which would as well measure it"

    def chunks(self) -> Iterator[tuple[int, bytes]]:
        """Numbered blocks of whole lines."""
        with open_binary(self.name) as file:
            yield from enumerate(_blocks_of_lines(file, self.head, self.name))

    def chunk_length(self, chunk: tuple[int, bytes]) -> int:
        """Number of lines."""
        return chunk[1].count(b"\n")

    def read(self, chunk: tuple[int, bytes]) -> Iterator[Record]:
        """The rows of one block; the first also lists the columns that were left out."""
        number, data = chunk
        if number == 0:
            yield from self.left_out
        where = "past the first block" if number else 0  # of later blocks the number of the first row is not known
        yield Rows(f"{self.name}[{where}]", tuple(self._parsed(data)))

    def _parsed(self, data: bytes) -> NDArray[np.float64]:
        wanted = self.channel_names or ()
        if any(self.head.style(name) != "plain" for name in wanted):
            return self._written(data)
        target = np.full(len(self.head.names), -1)
        target[[self.head.names.index(name) for name in wanted]] = np.arange(len(wanted))
        encoded = np.frombuffer(without_literal(data, self.head.delimiter), np.uint8)
        table = np.empty((len(wanted), data.count(b"\n")))
        unsure = np.empty((_DOUBTS, 4), np.int64)
        arguments = encoded, ord(self.head.delimiter), target, table
        parse_rows = _LOOPS.on(len(data)).parse_rows
        rows, doubts, ragged = parse_rows(*arguments, unsure)
        if doubts > len(unsure):
            unsure = np.empty((doubts, 4), np.int64)
            parse_rows = _LOOPS.on(len(data)).parse_rows
        rows, doubts, ragged = parse_rows(*arguments, unsure)
        if ragged >= 0:
            line = data[ragged : data.find(b"\n", ragged)][:80].decode("utf-8", "replace")
            raise DataError(f"{len(self.head.names)} cells in every line", f"{line!r} in {self.name!r}", "repair the line")
        for start, end, column, row in unsure[:doubts].tolist():
            table[column, row] = self._number(data[start:end].decode("utf-8", "replace"), wanted[column])
        self._check_exact(table[:, :rows], data)
        return table[:, :rows]

    def _written(self, data: bytes) -> NDArray[np.float64]:
        """The same where some column writes its numbers in another way than Python."""
        wanted = self.channel_names or ()
        places = [self.head.names.index(name) for name in wanted]
        rows = _rows_in(data, self.head, self.name)
        return np.array(
            [[self._number(row[k], name) for row in rows] for k, name in zip(places, wanted, strict=True)], np.float64
        )

    def _check_exact(self, table: NDArray[np.float64], data: bytes) -> None:
        """Raise :class:`DataError` for whole numbers that no double holds exactly."""
        wanted = self.channel_names or ()
        rows: list[list[str]] | None = None
        for place, row in np.argwhere(np.isfinite(table) & (np.abs(table) >= _EXACT)):
            rows = _rows_in(data, self.head, self.name) if rows is None else rows
            self._number(rows[row][self.head.names.index(wanted[place])], wanted[place])

    def _number(self, cell: str, column: str) -> float:
        found = number_of(cell, self.head.style(column))
        if found is None:
            raise not_a_number(cell, column, self.name)
        return found


def not_a_number(cell: str, column: str, where: str) -> DataError:
    """The error for a cell that is text, or a whole number that no double holds."""
    expected = "whole numbers up to 2**53" if is_inexact(cell.strip()) else "numbers"
    return DataError(
        f"{expected} in column {column!r}", f"{cell[:80]!r} in {where!r}", "repair it, or choose others with --columns"
    )


def _rows_in(data: bytes, head: Head, where: str) -> list[list[str]]:
    """The cells of whole lines. Raises :class:`DataError` for a line with another number of cells."""
    rows = [row for row in csv.reader(io.StringIO(data.decode("utf-8", "replace"), newline=""), delimiter=head.delimiter) if row]
    ragged = next((row for row in rows if len(row) != len(head.names)), None)
    if ragged is not None:
        raise DataError(
            f"{len(head.names)} cells in every line", f"{head.delimiter.join(ragged)[:80]!r} in {where!r}", "repair the line"
        )
    return rows


def open_csv(place: str, options: Options) -> Source[Any]:
    """Open a table of numbers, or a manifest if a text column has the name of a path column and ``columns`` is not given.

    Columns of text and of labels are listed as skipped, unless ``columns`` names the columns to measure. Raises
    :class:`DataError` if no other column is numeric, or a named column is missing or holds text.
    """
    head = read_head(place)
    paths = [name for name, numeric in zip(head.names, head.numeric, strict=True) if is_path_column(name) and not numeric]
    if paths and options.columns is None:
        return open_manifest(place, options, head.delimiter)
    if options.front is not None:
        raise DataError("recordings, which a front end takes", f"a table of numbers in {place!r}", "name recordings")
    return _open_table(place, options, head)


def _open_table(place: str, options: Options, head: Head) -> CsvTable:
    if options.columns is not None:
        for name in options.columns:
            _check_column(place, head, name)
        said = tuple(remark for name, remark in zip(head.written, head.remarks, strict=True) if name in options.columns)
        return CsvTable(place, head, options.columns, (), said)
    labels = () if options.label is None else label_columns(head.names, options.label)
    names = tuple(name for name, numeric in zip(head.names, head.numeric, strict=True) if numeric and name not in labels)
    if not names:
        found = f"only {'labels and ' if labels else ''}text in {place!r}"
        raise DataError("at least one column of numbers", found, "check the file and its delimiter")
    left_out = tuple(
        Skipped(f"{place}:{name}", LABELS if name in labels else f"a column of text, for example {example!r}", foreign=True)
        for name, example in zip(head.names, head.example, strict=True)
        if name not in names
    )
    kept, remarks = without_index(names)
    return CsvTable(place, head, tuple(kept), left_out, (*(() if head.has_header else (NO_HEADER,)), *head.remarks, *remarks))


def cells_of(name: str, head: Head, columns: Sequence[str]) -> pl.DataFrame:
    """The cells of columns of a CSV as text. Raises :class:`DataError` for a line of another number of cells or no UTF-8."""
    import polars as pl
    import pyarrow as pa
    from pyarrow import csv

    with open_binary(name) as file:
        file.seek(rows_begin(file, head))
        try:
            table = csv.read_csv(
                pa.PythonFile(file, mode="r"),
                csv.ReadOptions(column_names=list(head.names), use_threads=False, block_size=1 << 24),
                csv.ParseOptions(delimiter=head.delimiter, newlines_in_values=True),
                csv.ConvertOptions(
                    column_types=dict.fromkeys(columns, pa.string()), strings_can_be_null=False, include_columns=list(columns)
                ),
            )
        except (pa.ArrowException, OSError, EOFError) as error:
            raise DataError("a readable table", f"{name!r}: {reason_of(error)}", "check the file, in UTF-8") from None
    frame = cast("pl.DataFrame", pl.from_arrow(table))
    frame.columns = list(columns)  # polars names a column without a name by itself
    return frame


def check_label(name: str, label: str | None) -> None:
    """Raise :class:`DataError` if a CSV file has no column ``label``, from its first lines alone."""
    if label is not None and name.lower().endswith((".csv", ".tsv")):
        label_columns(read_head(name).names, label)


def read_head(place: str) -> Head:
    """Read delimiter, header and column types from the first lines. Raises :class:`DataError` if there is no row of values."""
    lines = _first_lines(place)
    delimiter = _delimiter(lines, place)
    first, *others = _cells(lines, delimiter, place)
    has_header = _is_header(first, others, is_number if delimiter == "," else looks_like_a_number)
    body = [row for row in (others if has_header else [first, *others]) if len(row) == len(first)]
    if not body:
        comment = first[0].lstrip().startswith("#")
        found = (
            f"{place!r} begins with a comment, {lines.partition(chr(10))[0][:40]!r}"
            if comment
            else f"{place!r} has only a header"
        )
        raise DataError(
            "at least one row of values", found, "remove the lines that begin with #" if comment else "check the file"
        )
    columns = [*zip(*body, strict=True)]
    names = tuple(cell.strip() for cell in first) if has_header else tuple(f"c{index}" for index in range(len(first)))
    if len(set(names)) < len(names):
        raise DataError("column names that differ", f"{', '.join(names)} in {place!r}", "rename them")
    styles = [_style(cells, name, delimiter, place) for cells, name in zip(columns, names, strict=True)]
    numeric = tuple(style is not None for style in styles)
    example = (
        "" if style else next(cell for cell in cells if not is_number(cell)) for cells, style in zip(columns, styles, strict=True)
    )
    return Head(delimiter, names, numeric, tuple(example), has_header, tuple(style or "plain" for style in styles))


def _style(cells: Sequence[str], name: str, delimiter: str, place: str) -> Style | None:
    """How a column writes numbers; with commas between cells a comma within one is text."""
    if delimiter == ",":
        return "plain" if all(map(is_number, cells)) else None
    return style_of(cells, name, place)


def _delimiter(lines: str, place: str) -> str:
    """The sign that cuts all lines into one number of cells, of several that with which more cells are numbers.

    Without one it is the most frequent in the first line.
    """
    most = sorted(_DELIMITERS, key=lines.partition("\n")[0].count, reverse=True)
    cut = {sign: rows for sign in most if len({*map(len, rows := _cells(lines, sign, place))}) == 1 and len(rows[0]) > 1}
    if len(cut) < 2:
        return next(iter(cut), most[0])
    return max(cut, key=lambda sign: _share_of_numbers(cut[sign], sign))


def _share_of_numbers(rows: list[list[str]], sign: str) -> float:
    cells = [cell for row in rows[1:] or rows for cell in row]
    number = is_number if sign == "," else looks_like_a_number
    return sum(map(number, cells)) / len(cells)


def _is_header(first: list[str], others: list[list[str]], number: Callable[[str], bool]) -> bool:
    """Whether the first row names the columns: a text above numbers does, a row like the others does not.

    Where only columns of text differ from numbers, the first row is one of values if all its texts come again below.
    """
    texts = [place for place, cell in enumerate(first) if not number(cell)]
    body = [row for row in others if len(row) == len(first)]
    if not texts or not body:
        return bool(texts)
    below = {place: {row[place] for row in body} for place in texts}
    if any(all(map(number, cells)) for cells in below.values()):
        return True
    return len(texts) == len(first) or not all(first[place] in cells for place, cells in below.items())


def _first_lines(place: str) -> str:
    """The whole lines at the beginning of a file; at least two if the file is long."""
    with open_binary(place) as file:
        head = file.read(_HEAD)
    check_text(head, place)
    text = head.decode("utf-8-sig", "ignore")  # a character may be cut at the end
    if len(text) < _HEAD - 3:
        return text
    lines = text[: text.rfind("\n") + 1]
    if lines.count("\n") < 2:
        raise DataError(f"two whole lines within {_HEAD >> 10} KiB", f"longer ones in {place!r}", "check that it is a CSV file")
    return lines


def check_text(data: bytes, place: str) -> None:
    """Raise :class:`DataError` for bytes that are no UTF-8, such as UTF-16 or Latin-1, whose names and classes could merge."""
    wide = data[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in data
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        if not wide and error.start < len(data) - 3:
            found = f"byte 0x{data[error.start]:02x} at {error.start} in {place!r}"
            raise DataError("text in UTF-8", found, "save the file as UTF-8") from None
    if wide:
        raise DataError("text in UTF-8", f"UTF-16 or binary data in {place!r}", "save the file as UTF-8")


def _cells(lines: str, delimiter: str, place: str) -> list[list[str]]:
    """The cells of each line; blank lines are left out."""
    try:
        rows = [row for row in csv.reader(io.StringIO(lines), delimiter=delimiter) if row]
    except csv.Error as error:
        raise DataError("a CSV file", f"{place!r}: {error}", "check the file") from None
    if not rows:
        raise DataError("at least one line", f"{place!r} is empty", "check the file")
    return rows


def _blocks_of_lines(file: BinaryIO, head: Head, name: str) -> Iterator[bytes]:
    """Whole lines. Raises :class:`DataError` for a quote that is left open: all lines behind it would be one cell."""
    rest = file.read(_HEAD).removeprefix(b"\xef\xbb\xbf")
    if head.has_header:
        rest = rest[_line_end(rest, 0, head.delimiter) :]
    while block := file.read(_BLOCK):
        end = block.rfind(b"\n") + 1
        if end and b'"' not in block and b'"' not in rest:
            yield b"".join((rest, memoryview(block)[:end]))
            rest = block[end:]
            continue
        rest += block
        end = _last_line_end(without_literal(rest, head.delimiter))
        if end:
            yield rest[:end]
            rest = rest[end:]
    if without_literal(rest, head.delimiter).count(b'"') % 2:
        raise DataError("quotes that close", f"an open one in {name!r}", "close it, or double a quote within a cell")
    if rest.strip():
        yield rest if rest.endswith(b"\n") else rest + b"\n"


def rows_begin(file: BinaryIO, head: Head) -> int:
    """Where the rows of values begin in an open file, behind a mark of UTF-8 and a header, whose names may hold line breaks."""
    file.seek(0)
    first = file.read(_HEAD)
    mark = len(first) - len(first.removeprefix(b"\xef\xbb\xbf"))
    return _line_end(first, mark, head.delimiter) if head.has_header else mark


def _last_line_end(data: bytes) -> int:
    """Position behind the last newline outside quotes, or 0."""
    end = data.rfind(b"\n") + 1
    while end and b'"' in data and data.count(b'"', 0, end) % 2:
        end = data.rfind(b"\n", 0, end - 1) + 1
    return end


def _line_end(data: bytes, start: int, delimiter: str) -> int:
    text = without_literal(data[start:], delimiter)
    end = text.find(b"\n") + 1
    while end and text.count(b'"', 0, end) % 2:
        end = text.find(b"\n", end) + 1
    return start + (end or len(text))


def _check_column(place: str, head: Head, name: str) -> None:
    if name not in head.names:
        raise DataError(f"one of the columns {', '.join(map(repr, head.names))}", f"{name!r} for {place!r}", "choose among them")
    position = head.names.index(name)
    if not head.numeric[position]:
        raise DataError(f"numbers in column {name!r}", f"{head.example[position]!r} in {place!r}", "choose other columns")
