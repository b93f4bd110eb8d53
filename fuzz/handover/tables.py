"""Tables of numbers: rows with named columns, by every file that can hold them."""

from __future__ import annotations

import csv
import gzip
import importlib
import io
import json
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fuzz.handover.commands import tare
from fuzz.handover.matrix import Answer, Chain, Telling, Told, World

_ROWS = 64
NAMES = ("years", "mass", "speed")
#: How a run is trained: quickly, and to the same weights every time.
TRAINING = ("--protocol", "scratch", "--epochs", "1", "--batch-size", "16", "--workers", "0", "--device", "cpu")


@dataclass(frozen=True)
class Table:
    """Rows of numbers with named columns, and the label of each."""

    names: tuple[str, ...]
    values: NDArray[np.float64]
    labels: tuple[str, ...]

    def columns(self, order: Sequence[int]) -> Table:
        """The columns at these places."""
        return replace(self, names=tuple(self.names[place] for place in order), values=self.values[:, order])

    def rows(self, order: Sequence[int]) -> Table:
        """The rows at these places."""
        return replace(self, values=self.values[order], labels=tuple(self.labels[place] for place in order))

    def beside(self, name: str, column: NDArray[np.float64], place: int) -> Table:
        """The table with one more column."""
        names = (*self.names[:place], name, *self.names[place:])
        return replace(self, names=names, values=np.insert(self.values, place, column, axis=1))

    def called(self, names: Sequence[str]) -> Table:
        """The table with other names."""
        return replace(self, names=tuple(names))


def draw(generator: np.random.Generator) -> Table:
    """Three columns of very different units, of which one holds whole numbers; 32-bit floats hold all of them."""
    labels = generator.integers(0, 2, _ROWS)
    years = np.round(generator.normal(40, 12, _ROWS))
    mass = np.round(generator.normal(1000, 50, _ROWS) + 40 * labels, 0) + generator.integers(0, 8, _ROWS) / 8
    speed = np.round(generator.normal(0.01, 0.001, _ROWS) * 2**16 + 100 * labels) / 2**16
    return Table(NAMES, np.stack([years, mass, speed], axis=1), tuple("ab"[label] for label in labels))


def _lines(table: Table, sign: str = ",", *, header: bool = True, decimal: str = ".", label: str = "label") -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=sign, lineterminator="\n")
    if header:
        writer.writerow([*table.names, label])
    for row, each in zip(table.values.tolist(), table.labels, strict=True):
        writer.writerow(["" if np.isnan(value) else repr(value).replace(".", decimal) for value in row] + [each])
    return text.getvalue().encode()


def frame(table: Table, kinds: str = "double", label: str = "label") -> Any:
    """An Arrow table."""
    import pyarrow as pa

    columns = {name: pa.array(table.values[:, place], kinds) for place, name in enumerate(table.names)}
    return pa.table(columns | {label: list(table.labels)})


def _csv(name: str = "data.csv", sign: str = ",", **how: Any) -> Callable[[Path, Table], Told]:
    def write(folder: Path, table: Table) -> Told:
        data = _lines(table, sign, **how)
        (folder / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return Told(folder / name)

    return write


def _bom(folder: Path, table: Table) -> Told:
    (folder / "data.csv").write_bytes(b"\xef\xbb\xbf" + _lines(table))
    return Told(folder / "data.csv")


def _parquet(**how: Any) -> Callable[[Path, Table], Told]:
    def write(folder: Path, table: Table) -> Told:
        from pyarrow import parquet

        parquet.write_table(frame(table, **how), folder / "data.parquet", row_group_size=17)
        return Told(folder / "data.parquet")

    return write


def _pandas(folder: Path, table: Table) -> Told:
    """With an index of its own, which is a column of the file."""
    import pandas as pd

    made = pd.DataFrame(table.values, columns=list(table.names), index=np.arange(len(table.labels)) * 3.0)
    made.assign(label=table.labels).to_parquet(folder / "data.parquet")
    return Told(folder / "data.parquet")


def _arrow(folder: Path, table: Table) -> Told:
    from pyarrow import feather

    feather.write_feather(frame(table), folder / "data.arrow", compression="uncompressed")
    return Told(folder / "data.arrow")


def _json_lines(folder: Path, table: Table) -> Told:
    names = [*table.names, "label"]
    rows = [dict(zip(names, [*row, label], strict=True)) for row, label in zip(table.values.tolist(), table.labels, strict=True)]
    (folder / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return Told(folder / "data.jsonl")


def _sqlite(folder: Path, table: Table) -> Told:
    database = sqlite3.connect(folder / "data.sqlite")
    database.execute(f"CREATE TABLE t ({', '.join(f'{name} REAL' for name in table.names)}, label TEXT)")
    rows = [[*row, label] for row, label in zip(table.values.tolist(), table.labels, strict=True)]
    database.executemany(f"INSERT INTO t VALUES ({', '.join('?' * len(rows[0]))})", rows)  # noqa: S608 - our own names
    database.commit()
    database.close()
    return Told(folder / "data.sqlite")


def _npz(folder: Path, table: Table, kind: str = "float64") -> Told:
    np.savez(folder / "data.npz", x=table.values.astype(kind), y=np.array(table.labels))
    return Told(folder / "data.npz")


def _hugging_face(folder: Path, table: Table) -> Told:
    datasets = importlib.import_module("datasets")  # which ships no types

    datasets.disable_progress_bars()

    columns = {name: table.values[:, place].tolist() for place, name in enumerate(table.names)}
    datasets.Dataset.from_dict(columns | {"label": list(table.labels)}).save_to_disk(str(folder / "data"))
    return Told(folder / "data")


def _of(change: Callable[[Table], Table], write: Callable[[Path, Table], Told] = _csv()) -> Callable[[Path, Table], Told]:  # noqa: B008
    return lambda folder, table: write(folder, change(table))


def _shuffled(folder: Path, table: Table) -> Told:
    order = np.random.default_rng(1).permutation(len(table.labels)).tolist()
    return replace(_csv()(folder, table.rows(order)), samples=tuple(order))


def _other(table: Table) -> NDArray[np.float64]:
    """A column of other numbers."""
    return np.arange(len(table.labels), dtype=np.float64) * 7 % 11


#: That the data are others than before, and that columns are paired by their places, is said.
OTHERS, BY_PLACE = r"TARE0\d\d|\"clean\": false|\"kind\": \"(?!no difference)", "paired by their places"

TELLINGS = (
    Telling("CSV", _csv()),
    Telling("CSV, gzip", _csv("data.csv.gz"), same=True),
    Telling("TSV", _csv("data.tsv", "\t"), same=True),
    Telling("CSV by semicolons, decimal commas", _csv(sign=";", decimal=","), same=True),
    Telling("CSV, byte order mark", _bom, same=True),
    Telling("CSV, columns in another order", _of(lambda t: t.columns((2, 0, 1))), reorders="columns"),
    Telling("CSV, one more column", _of(lambda t: t.beside("other", _other(t), 1))),
    Telling("CSV, one more column first, in another order", _of(lambda t: t.columns((1, 2, 0)).beside("other", _other(t), 0))),
    Telling("CSV, names in capitals", _of(lambda t: t.called([name.upper() for name in t.names]))),
    Telling("CSV, names with blanks around", _of(lambda t: t.called([f" {name} " for name in t.names]))),
    Telling(
        "CSV, names exchanged and columns as they were",
        _of(lambda t: t.called([t.names[k] for k in (1, 0, 2)])),
        remark=OTHERS,
        back=False,
    ),
    Telling("CSV, one column called otherwise", _of(lambda t: t.called((*t.names[:2], "pace"))), remark=BY_PLACE),
    Telling(
        "CSV, one column called otherwise, in another order", _of(lambda t: t.called((*t.names[:2], "pace")).columns((1, 0, 2)))
    ),
    Telling("CSV, all columns called otherwise", _of(lambda t: t.called(("p", "q", "r"))), remark=BY_PLACE),
    Telling("CSV, one column missing", _of(lambda t: t.columns((0, 1))), back=False),
    Telling("CSV without a header", lambda f, t: replace(_csv(header=False)(f, t), options=("--label", "3"))),
    Telling(
        "CSV, label called otherwise", lambda f, t: replace(_csv(label="kind")(f, t), options=("--label", "kind")), same=True
    ),
    Telling("CSV, rows in another order", _shuffled, reorders="samples", same=True),
    Telling("CSV, a column in other units", _of(lambda t: replace(t, values=t.values * (1, 1000, 1))), remark=OTHERS, back=False),
    Telling("Parquet", _parquet(), ("pyarrow",), same=True),
    Telling("Parquet of 32-bit floats", _parquet(kinds="float"), ("pyarrow",)),
    Telling(
        "Parquet, columns in another order", _of(lambda t: t.columns((2, 0, 1)), _parquet()), ("pyarrow",), reorders="columns"
    ),
    Telling("Parquet with an index of pandas", _pandas, ("pandas", "pyarrow")),
    Telling("Arrow", _arrow, ("pyarrow",)),
    Telling("JSON lines", _json_lines, ("pyarrow",)),
    Telling("SQLite", _sqlite, ("pyarrow",)),
    Telling("npz", _npz),
    Telling("npz of 32-bit floats", lambda f, t: _npz(f, t, "float32")),
    Telling("Hugging Face folder", _hugging_face, ("datasets",)),
)


def trained(told: Told, folder: Path) -> Path:
    """A run of the rows."""
    tare("transfer", "--model", "tare:mlp", told.data, *told.options, *TRAINING, "--out", folder / "run")
    return folder / "run"


def _numbered(told: Told, place: int) -> str:
    return f"row {place if told.samples is None else told.samples[place]}"


def predicted(run: Path, told: Told, folder: Path) -> Answer:
    """What a run says of each row, by its place in the truth."""
    del folder
    said = tare("predict", run, told.data, "--top", "2", "--json")
    figures: dict[str, Any] = {}
    for place, row in enumerate(said.document["predictions"]):
        if row["error"] is not None:
            figures[_numbered(told, place)] = "an error"
        for each in row["ranks"] or ():
            figures[f"{_numbered(told, place)}, {each['label']}"] = each["probability"]
    return Answer(figures, said.both)


def _called(name: str) -> str:
    """The name of a column in the truth, whatever its case; one without a name of its own is known by its place."""
    plain = name.strip().casefold()
    given = ("c0", "c1", "c2", "red", "green", "blue")
    return NAMES[given.index(plain) % len(NAMES)] if plain in given else plain


def _again(run: Path, told: Told, folder: Path) -> Answer:
    """What a run's network is fed after a transfer to data, under the run's own constants."""
    words = ("--protocol", "probe", "--strategy", "source", "--workers", "0", "--device", "cpu", "--json")
    said = tare("transfer", "--model", run, told.data, *told.options, *words, "--out", folder / "again")
    stated = json.loads((folder / "again" / "model" / "tare.json").read_text())
    names = stated["geometry"]["columns"]
    return Answer(
        {f"{key} of {_called(name)}": stated["normalisation"][key][k] for key in ("mean", "std") for k, name in enumerate(names)},
        said.both,
    )


def _explained(run: Path, told: Told, folder: Path) -> Answer:
    """The constants of a run and of data, as an explanation has them."""
    del folder
    said = tare("explain", "--model", run, told.data, *told.options, "--json")
    rows = said.document["channels"]
    return Answer(
        {f"{key} of {_called(row['channel'])}": row[key] for row in rows for key in ("u0", "s0", "u1", "s1")}, said.both
    )


def _measured(told: Told, folder: Path) -> Path:
    tare("measure", told.data, "--out", folder / "stats.json")
    return folder / "stats.json"


def _compared(stats: Path, told: Told, folder: Path) -> Answer:
    """How far the data are shifted against statistics."""
    del folder
    said = tare("compare", stats, told.data, "--json")
    rows = said.document["channels"]
    return Answer(
        {f"{key} of {_called(row['name'])}": row[key]["estimate"] for row in rows for key in ("shift", "ratio")}, said.both
    )


def _reference(told: Told, folder: Path) -> Path:
    tare("measure", told.data, "--reference", folder / "reference.json")
    return folder / "reference.json"


def _drifted(reference: Path, told: Told, folder: Path) -> Answer:
    """What a monitor says of the data as they arrive."""
    del folder
    said = tare("drift", reference, told.data, "--json")
    tracks = said.document["tracks"]
    means = [track for track in tracks if track["figure"].startswith("mean of ")]
    figures = {_called(track["figure"].removeprefix("mean of ")): track["live"]["estimate"] for track in means}
    return Answer(figures | {"clean": said.document["clean"]}, said.both)


CHAINS = (
    Chain("transfer, predict", trained, predicted),
    Chain("transfer, transfer", trained, _again, in_order=("second samples",), back=False),
    Chain("transfer, explain", trained, _explained, in_order=("second samples",), back=False),
    Chain("transfer, drift", trained, _drifted, in_order=("second samples",), back=False),
    Chain("measure, compare", _measured, _compared, in_order=(), atol=1e-4),
    Chain("measure, drift", _reference, _drifted, in_order=("first samples", "second samples"), atol=1e-4),
)

WORLDS = (World("tables", draw, TELLINGS, CHAINS),)
