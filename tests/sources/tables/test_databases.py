"""JSON lines, SQLite, DuckDB and Excel tables against NumPy."""

from __future__ import annotations

import gzip
import io
import json
import os
import sqlite3
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import tare
from tare.errors import DataError
from tests.encoding import excel

RNG = np.random.default_rng(10)
TABLE = RNG.normal(size=(700, 3))
NAMES = ("speed", "torque", "note")


def jsonl(path: Path) -> Path:
    lines = [json.dumps({"speed": a, "torque": b, "joints": [c, 2 * c], "note": "x"}) for a, b, c in TABLE.tolist()]
    path.write_bytes(("\n".join(lines) + "\n").encode())
    return path


def test_json_lines_are_a_table(tmp_path: Path) -> None:
    stats = tare.measure(jsonl(tmp_path / "a.jsonl"))
    assert [channel.name for channel in stats.channels] == ["speed", "torque", "joints[0]", "joints[1]"]
    expected = TABLE[:, [0, 1, 2, 2]] * [1, 1, 1, 2]
    np.testing.assert_allclose(stats.mean, expected.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(stats.std, expected.std(axis=0), rtol=1e-12)
    (tmp_path / "b.jsonl.gz").write_bytes(gzip.compress((tmp_path / "a.jsonl").read_bytes()))
    assert tare.measure(tmp_path / "b.jsonl.gz").channels == stats.channels


@pytest.mark.parametrize(
    "text", ["", "words\n", '{"a": 1', '{"a": 1}\n{"a": "b"}\n', "[" * 200_000, "[1, 2]\n[3, 4]\n", '{"a": "b"}\n']
)
def test_lines_that_are_no_table_of_numbers_are_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.jsonl").write_text(text)
    with pytest.raises(DataError) as raised:
        tare.measure(tmp_path / "a.jsonl")
    assert "\n" not in str(raised.value)


def sqlite(path: Path, *tables: str) -> Path:
    database = sqlite3.connect(path)
    for table in tables:
        quoted = table.replace('"', '""')
        database.execute(f'CREATE TABLE "{quoted}" (speed REAL, torque REAL, note TEXT)')
        database.executemany(f'INSERT INTO "{quoted}" VALUES (?, ?, ?)', [(a, b, "x") for a, b, _ in TABLE.tolist()])  # noqa: S608
    database.commit()
    database.close()
    return path


def test_a_sqlite_table_is_read_in_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tare.sources.tables.databases._ROWS", 64)
    stats = tare.measure(sqlite(tmp_path / "a.db", "runs"))
    assert [channel.name for channel in stats.channels] == ["speed", "torque"]
    np.testing.assert_allclose(stats.mean, TABLE[:, :2].mean(axis=0), rtol=1e-12)
    assert stats.channels[0].count == 700


def test_the_values_of_all_rows_decide_the_type_of_a_column(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tare.sources.tables.databases._ROWS", 4)
    database = sqlite3.connect(tmp_path / "a.db")
    database.execute("CREATE TABLE t (late, early, b, bytes)")
    database.executemany("INSERT INTO t VALUES (?, ?, ?, ?)", [(1, "x", 2, b"") for _ in range(9)] + [("x", 7, 4.5, 3)] * 9)
    database.commit()
    database.close()
    for columns in (None, ("b",)):
        stats = tare.measure(tmp_path / "a.db", columns=columns)
        assert (stats.mean, stats.samples) == ((3.25,), 18)
        assert [skipped.path.rpartition(":")[2] for skipped in stats.skipped] == ([] if columns else ["bytes", "early", "late"])
    pytest.importorskip("fastexcel", reason="reads Excel files (pip install 'tare[tables]')")
    rows = [[True, None, 1, 1]] * 1500 + [[5, 7.5, "text", 2]] * 500
    excel(tmp_path / "a.xlsx", {"S": [["flag", "late", "words", "b"], *rows]})
    stats = tare.measure(tmp_path / "a.xlsx", exclude_nan=True)
    assert {channel.name: channel.mean for channel in stats.channels} == pytest.approx({"flag": 2.0, "late": 7.5, "b": 1.25})
    assert stats.skipped[0].path == f"{tmp_path / 'a.xlsx'}#S:words"


def test_one_of_several_tables_is_named_and_a_name_is_no_command(tmp_path: Path) -> None:
    place = sqlite(tmp_path / "a.sqlite", "one", 'two"; DROP TABLE one; --')
    with pytest.raises(DataError, match=r"one .table., two.*found several"):
        tare.measure(place)
    assert tare.measure(place, array='two"; DROP TABLE one; --').channels == tare.measure(f"{place}#one").channels


def test_images_in_a_sqlite_table_are_decoded(tmp_path: Path) -> None:
    database = sqlite3.connect(tmp_path / "a.db")
    database.execute("CREATE TABLE t (image BLOB, label TEXT)")
    images = [RNG.integers(0, 255, (5, 6, 3)).astype("uint8") for _ in range(3)]
    encoded = [io.BytesIO() for _ in images]
    for image, stream in zip(images, encoded, strict=True):
        Image.fromarray(image).save(stream, "PNG")
    database.executemany("INSERT INTO t VALUES (?, ?)", [(stream.getvalue(), "a") for stream in encoded])
    database.commit()
    database.close()
    np.testing.assert_allclose(tare.measure(tmp_path / "a.db").mean, np.stack(images).mean(axis=(0, 1, 2)) / 255, rtol=1e-12)


@pytest.mark.parametrize("kind", ["cut short", "words", "no bytes", "no table"])
@pytest.mark.parametrize("ending", ["db", "duckdb", "xlsx"])
def test_damaged_databases_and_sheets_are_refused_in_one_line(tmp_path: Path, ending: str, kind: str) -> None:
    place = tmp_path / f"a.{ending}"
    if ending == "duckdb":
        pytest.importorskip("duckdb", reason="reads DuckDB files (pip install 'tare[tables]')").connect(str(place)).close()
    elif ending == "xlsx":
        pytest.importorskip("fastexcel", reason="reads Excel files (pip install 'tare[tables]')")
        place.write_bytes(b"PK")
    else:
        sqlite(place) if kind == "no table" else sqlite(place, "t")
    data = place.read_bytes() if place.exists() else b""
    place.write_bytes({"cut short": data[: len(data) // 3], "words": b"words " * 900, "no bytes": b"", "no table": data}[kind])
    with pytest.raises(DataError) as raised:
        tare.measure(place)
    assert "\n" not in str(raised.value)


def test_a_duckdb_table_is_read_and_a_view_of_other_files_is_not(tmp_path: Path) -> None:
    duckdb = pytest.importorskip("duckdb", reason="reads DuckDB files (pip install 'tare[tables]')")
    (tmp_path / "secret.csv").write_text("a\n1\n2\n")
    database = duckdb.connect(str(tmp_path / "a.duckdb"))
    database.execute("CREATE TABLE t AS SELECT range::DOUBLE AS x, range * 2 AS y FROM range(1000)")
    database.execute(f"CREATE VIEW v AS SELECT * FROM read_csv('{tmp_path / 'secret.csv'}')")  # noqa: S608
    database.close()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        stats = tare.measure(tmp_path / "a.duckdb", workers=1)
    assert stats.mean == (499.5, 999.0)
    with pytest.raises(DataError, match="one of the arrays or tables t"):
        tare.measure(f"{tmp_path}/a.duckdb#v")


def test_a_pipe_in_place_of_the_log_of_a_duckdb_file_is_not_waited_for(tmp_path: Path) -> None:
    duckdb = pytest.importorskip("duckdb", reason="reads DuckDB files (pip install 'tare[tables]')")
    with duckdb.connect(str(tmp_path / "a.duckdb")) as database:
        database.execute("CREATE TABLE t AS SELECT range::DOUBLE AS a FROM range(5)")
    (tmp_path / "b.duckdb").symlink_to("a.duckdb")
    os.mkfifo(tmp_path / "a.duckdb.wal")
    for name in ("a.duckdb", "b.duckdb"):
        with pytest.raises(DataError, match=r"a\.duckdb\.wal', not a regular file but a named pipe; remove it"):
            tare.measure(tmp_path / name)


def test_a_sheet_of_excel_is_a_table(tmp_path: Path) -> None:
    pytest.importorskip("fastexcel", reason="reads Excel files (pip install 'tare[tables]')")
    rows = TABLE[:50, :2].tolist()
    excel(tmp_path / "a.xlsx", {"runs": [["speed", "torque"], *rows]})
    np.testing.assert_allclose(tare.measure(tmp_path / "a.xlsx").mean, TABLE[:50, :2].mean(axis=0), rtol=1e-12)
    excel(tmp_path / "b.xlsx", {"runs": [["speed", "torque"], *rows], "notes": [["a"]]})
    with pytest.raises(DataError, match=r"runs .sheet., notes .sheet., found several"):
        tare.measure(tmp_path / "b.xlsx")
    assert tare.measure(f"{tmp_path}/b.xlsx#runs").samples == 50


@pytest.mark.parametrize("rows", [[[1.5, 2.0], [3.5, 4.0]], [[3, 3], [2, 3]]])
def test_a_sheet_without_names_keeps_its_first_row_and_says_so(tmp_path: Path, rows: list[list[float]]) -> None:
    pytest.importorskip("fastexcel", reason="reads Excel files (pip install 'tare[tables]')")
    stats = tare.measure(excel(tmp_path / "a.xlsx", {"runs": rows}))
    assert [channel.name for channel in stats.channels] == ["c0", "c1"]
    assert stats.mean == (2.5, 3.0)
    assert any("the first row holds values" in remark for remark in stats.extra["remarks"])


@pytest.mark.parametrize("ending", ["-wal", "-journal"])
def test_a_database_with_changes_beside_it_is_refused(tmp_path: Path, ending: str) -> None:
    place = sqlite(tmp_path / "a.db", "runs")
    (tmp_path / f"a.db{ending}").touch()  # an empty one holds none
    assert tare.measure(place).channels[0].count == 700
    (tmp_path / f"a.db{ending}").write_bytes(b"rows")
    with pytest.raises(DataError, match=rf"changes beside it, in .*a\.db{ending}.*end the program that writes it"):
        tare.measure(place)
