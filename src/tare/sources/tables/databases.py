"""Tables of SQLite and DuckDB files, read only and in batches, and sheets of Excel files."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from tare.errors import DataError, reason_of
from tare.sources.containers.stored import chosen
from tare.sources.options import Options
from tare.sources.places import parted
from tare.sources.tables.arrow import ArrowFile, TableInMemory, open_batches, open_table
from tare.sources.tables.csv_table import NO_HEADER
from tare.sources.tables.number_words import MISSING, is_number
from tare.system.local.opened import NotRegularError, regular, whole
from tare.system.local.plain import plain_name
from tare.system.optional import require

_ROWS = 1 << 15
_OF_THE_LIBRARY = re.compile(r"^__UNNAMED__\d+$|(?<=.)_\d+$")
#: Text of the sheets of an Excel file; it takes about four times as much memory.
_MOST_UNPACKED = 384 << 20


def open_sqlite(place: str, options: Options) -> ArrowFile:
    """Open one table of a SQLite file, ``FILE#TABLE``. A column of which any value is a text is one of texts, and left out.

    Raises :class:`DataError` if the file is damaged, or has several tables.
    """
    file, name = parted(place, options.array)
    query = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"
    with _sqlite(file) as database:
        names = [str(row[0]) for row in database.execute(query)]
    return open_batches(f"{file}#{chosen(file, dict.fromkeys(names, '(table)'), name)}", options, _sqlite_batches)


def open_duckdb(place: str, options: Options) -> ArrowFile:
    """Open one table of a DuckDB file, ``FILE#TABLE``, without access to any other file.

    Raises :class:`DataError` if the file is damaged, or has several tables; without duckdb, the error that names it.
    """
    require("duckdb", extra="tables", purpose="DuckDB files")
    file, name = parted(place, options.array)
    with _duckdb(file) as database:
        rows = database.execute("SELECT table_name FROM duckdb_tables() WHERE NOT internal ORDER BY table_name").fetchall()
    names = [str(row[0]) for row in rows]
    return open_batches(f"{file}#{chosen(file, dict.fromkeys(names, '(table)'), name)}", options, _duckdb_batches)


def open_excel(place: str, options: Options) -> TableInMemory:
    """Open one sheet of an Excel file, ``FILE#SHEET``; formulas count as last computed.

    Its first row names the columns, unless it holds numbers alone: then they are c0, c1 and so on, as those of a CSV.

    Raises :class:`DataError` if the file is damaged, or has several sheets; without fastexcel, the error that names it.
    """
    fastexcel = require("fastexcel", extra="tables", purpose="Excel files")
    file, name = parted(place, options.array)
    _check_unpacked(file)
    try:
        book = fastexcel.read_excel(whole(file))
        names = list(book.sheet_names)
    except Exception as error:  # a Rust error of the library
        raise DataError("an Excel file", f"{file!r}: {reason_of(error)}", "save it again, or export it as CSV") from None
    found = chosen(file, dict.fromkeys(names, "(sheet)"), name)
    load = partial(book.load_sheet, found, schema_sample_rows=None)  # the types of columns are those of all rows
    try:
        table = load().to_arrow()
        if is_headless := _are_values(table.column_names):
            names = [f"c{index}" for index in range(table.num_columns)]
            table = load(header_row=None, column_names=names).to_arrow()
    except Exception as error:  # likewise
        raise DataError("a sheet of an Excel file", f"{file}#{found}: {reason_of(error)}", "export it as CSV") from None
    opened = open_table(table, options, f"{file}#{found}")
    return replace(opened, remarks=((NO_HEADER,) if is_headless else ()) + opened.remarks)


def _are_values(names: list[str]) -> bool:
    """Whether names of columns are a row of numbers; the library names empty cells, and the second of two equal ones, itself."""
    cells = [_OF_THE_LIBRARY.sub("", name) for name in names]
    return all(map(is_number, cells)) and any(cell.strip() not in MISSING for cell in cells)


def _check_unpacked(file: str) -> None:
    """Raise :class:`DataError` for a file that unpacks to more text than is held at once: the library reads a sheet whole."""
    try:
        with zipfile.ZipFile(file) as archive:
            size = sum(member.file_size for member in archive.infolist())
    except (OSError, ValueError, zipfile.BadZipFile):  # an old .xls is no archive, and the library says what is damaged
        return
    if size > _MOST_UNPACKED:
        found = f"{size >> 20:,} MB in {file!r}"
        raise DataError(
            f"an Excel file that unpacks to at most {_MOST_UNPACKED >> 20:,} MB", found, "export it as CSV or Parquet"
        )


@contextmanager
def _sqlite(file: str) -> Iterator[Any]:
    _check_settled(file)
    try:
        with closing(sqlite3.connect(f"{Path(file).absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as database:
            database.execute("PRAGMA trusted_schema = OFF")
            yield database
    except sqlite3.Error as error:
        raise DataError("a SQLite file", f"{file!r}: {reason_of(error)}", "check the file") from None


def _check_settled(file: str) -> None:
    """Raise :class:`DataError` where changes lie beside a database that it does not hold yet, or that it holds in part."""
    for ending in ("-wal", "-journal"):
        beside = Path(f"{os.path.realpath(file)}{ending}")
        if beside.is_file() and beside.stat().st_size:
            found = f"changes beside it, in {str(beside)!r}"
            remedy = "end the program that writes it, or run: sqlite3 FILE 'PRAGMA wal_checkpoint(TRUNCATE)'"
            raise DataError("a SQLite file that holds all its rows", f"{file!r} with {found}", remedy)


@contextmanager
def _sqlite_batches(place: str) -> Iterator[tuple[Any, Iterator[Any]]]:
    import pyarrow as pa

    file, name = place.rpartition("#")[::2]
    with _sqlite(file) as database:
        table = _quoted(name)
        names = [column[0] for column in database.execute(f"SELECT * FROM {table} LIMIT 0").description]  # noqa: S608
        kinds = ", ".join(f"group_concat(DISTINCT typeof({_quoted(column)}))" for column in names)
        # A name cannot be a parameter of a query.
        found = database.execute(f"SELECT {kinds} FROM {table}").fetchone()  # noqa: S608
        schema = pa.schema([(column, _type(each)) for column, each in zip(names, found, strict=True)])
        cursor = database.execute(f"SELECT * FROM {table}")  # noqa: S608
        try:
            yield schema, (_batch(rows, schema) for rows in iter(lambda: cursor.fetchmany(_ROWS), []))
        except pa.ArrowException as error:
            raise DataError(
                "numbers that a double holds", f"{place!r}: {reason_of(error)}", "choose others, or correct it"
            ) from None


def _type(kinds: str | None) -> Any:
    """The Arrow type of a column by the kinds of all its values: float64 for numbers, which SQLite does not keep apart."""
    import pyarrow as pa

    found = set((kinds or "").split(",")) - {"", "null"}
    if found and found <= {"integer", "real"}:
        return pa.float64()
    return pa.binary() if found == {"blob"} else pa.string()


def _batch(rows: list[tuple[Any, ...]], schema: Any) -> Any:
    """The rows as a batch; what is no text in a column of texts is shown as one."""
    import pyarrow as pa

    columns = zip(*rows, strict=True)
    texts = [pa.types.is_string(each.type) for each in schema]
    shown = [
        [v if v is None else str(v) for v in column] if text else column for column, text in zip(columns, texts, strict=True)
    ]
    return pa.RecordBatch.from_arrays([pa.array(v, each.type) for v, each in zip(shown, schema, strict=True)], schema=schema)


def _check_log(file: str) -> None:
    """Raise :class:`DataError` for a log beside a DuckDB file that is no file: DuckDB would wait for a pipe."""
    for log in (f"{file}.wal", f"{os.path.realpath(file)}.wal"):
        try:
            regular(log)
        except NotRegularError as error:
            raise DataError("a DuckDB file with its log", f"{log!r}, {error}", "remove it") from None
        except OSError:  # there is none
            continue


@contextmanager
def _duckdb(file: str) -> Iterator[Any]:
    import duckdb

    _check_log(file)
    try:
        config = {
            "enable_external_access": "false",
            "autoload_known_extensions": "false",
            "autoinstall_known_extensions": "false",
        }
        with _unlinked(file) as plain, closing(duckdb.connect(plain, read_only=True, config=config)) as database:
            yield database
    except duckdb.Error as error:
        raise DataError("a DuckDB file", f"{file!r}: {reason_of(error)}", "check the file") from None


@contextmanager
def _unlinked(file: str) -> Iterator[str]:
    """A name that DuckDB takes literally.

    It follows links; where that leads to a question mark, or to bytes that are no text, it is the name of a copy.
    """
    with plain_name(file) as plain:
        if "?" not in os.path.realpath(file) and os.path.realpath(file).isprintable():
            yield plain
            return
        with tempfile.TemporaryDirectory(prefix="tare-") as folder:
            for ending in ("", ".wal"):
                if Path(f"{plain}{ending}").exists():
                    shutil.copyfile(f"{plain}{ending}", f"{folder}/data.duckdb{ending}")
            yield f"{folder}/data.duckdb"


@contextmanager
def _duckdb_batches(place: str) -> Iterator[tuple[Any, Iterator[Any]]]:
    file, name = place.rpartition("#")[::2]
    with _duckdb(file) as database:
        query = f"SELECT * FROM {_quoted(name)}"  # noqa: S608 - a name cannot be a parameter
        reader = database.sql(query).to_arrow_reader(_ROWS)
        yield reader.schema, iter(reader)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
