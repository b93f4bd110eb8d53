"""A study's directory: results by content hash, pretrained networks, and features."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tare.errors import OutputError
from tare.system.files import folder_place, json_text, remove_parts, replacing, write_text
from tare.system.local.opened import text_of

_TEXTS = ("network", "protocol", "batchnorm", "shift", "strategy", "error")
COLUMNS = (*_TEXTS[:4], "size", "strategy", "seed", "accuracy", "tested", "fed_mean", "fed_std", "error")
#: Keys that may differ between two runs of one study, since they change no cell.
_FREE = {"schema", "margin", "lower"}


@dataclass(frozen=True, slots=True)
class Store:
    """The directory of a study: ``plan.json``, ``cells/`` (one file per unit of work), ``networks/``, ``features/``.

    ``named`` is how the user named it, if that is not ``root``.
    """

    root: Path
    named: Path | None = None

    @property
    def name(self) -> str:
        """The directory in messages."""
        return str(self.named or self.root)

    def begin(self, plan: Mapping[str, Any]) -> None:
        """Make the directory, or continue in one whose plan is the same or is extended by this one.

        Raises :class:`OutputError` if the directory holds other files or another study.
        """
        marker = self.root / "plan.json"
        if self.root.exists() and not self.root.is_dir():
            raise OutputError("a directory for the study", f"{self.name!r} is a file", "name another")
        folder_place(self.root)
        if self.root.exists() and not marker.is_file() and any(map(_holds_something, self.root.iterdir())):
            raise OutputError("a new directory, or a study's", f"{self.name!r} holds something else", "name another")
        if marker.is_file():
            self.check(plan)
        try:
            (self.root / "cells").mkdir(parents=True, exist_ok=True)
            (self.root / "networks").mkdir(exist_ok=True)
        except OSError as error:
            raise OutputError("a place that can be written", f"{error.strerror} for {self.name!r}", "name another") from None
        write_text(marker, json_text(plan) + "\n")
        for folder in (self.root, *(self.root / name for name in ("cells", "networks", "features"))):
            remove_parts(folder)

    def reopen(self) -> None:
        """Count as not finished from now on: without the summary that a study writes at its end."""
        (self.root / "summary.json").unlink(missing_ok=True)

    def check(self, plan: Mapping[str, Any]) -> None:
        """Raise :class:`OutputError`, with the difference, unless ``plan`` equals or extends the directory's plan."""
        _check_extends(self.plan(), plan, self.name)

    def plan(self) -> dict[str, Any]:
        """The plan that the directory was last run with. Raises :class:`OutputError` if it cannot be read."""
        path = self.root / "plan.json"
        try:
            document = json.loads(text_of(path))
        except (OSError, ValueError, RecursionError):
            document = None
        if not isinstance(document, dict):
            raise OutputError("a study's directory, with a plan.json", f"no readable plan.json in {self.name!r}", "name another")
        return document

    def done(self) -> dict[str, dict[str, Any]]:
        """Every result by its hash; damaged files are ignored, so that their cells are measured again."""
        found: dict[str, dict[str, Any]] = {}
        for path in sorted((self.root / "cells").glob("*.json")):
            found.update(_rows(path))
        return found

    def keep(self, name: str, rows: Mapping[str, Mapping[str, Any]]) -> None:
        """Add results by their hashes, in one step."""
        write_text(self.root / "cells" / f"{name}.json", json.dumps(rows, allow_nan=False) + "\n")

    def features(self, name: str) -> Path:
        """The file of features that seeds share."""
        return self.root / "features" / f"{name}.safetensors"

    def network(self, name: str) -> Path:
        """The file of the pretrained network ``name``."""
        return self.root / "networks" / f"{name}.safetensors"

    def write_results(self, rows: Sequence[Mapping[str, Any]]) -> Path:
        """Write the tidy table, one row per cell and all rows with the same columns; the same rows give the same bytes."""
        import pyarrow as pa
        from pyarrow import parquet

        names = COLUMNS if rows and "accuracy" in rows[0] else tuple(rows[0])
        table = pa.table({name: [row[name] for row in rows] for name in names}, schema=_schema(pa, names))
        path = self.root / "results.parquet"
        with replacing(path) as temporary:
            parquet.write_table(table, temporary, compression="zstd")
        return path


def _holds_something(path: Path) -> bool:
    """Whether a path is anything other than the remains of a study that was killed before it wrote its plan."""
    if path.name in ("cells", "networks") and path.is_dir() and not path.is_symlink():
        return any(path.iterdir())
    return not (path.name.startswith(".plan.json.tare-") and path.suffix == ".part")


def _check_extends(before: Mapping[str, Any], now: Mapping[str, Any], place: str) -> None:
    """Raise :class:`OutputError`, with the difference, for a plan that drops or changes a value of the one before."""
    for key in sorted((set(before) | set(now)) - _FREE):
        old, new = before.get(key), now.get(key)
        if key == "seeds":
            extends = isinstance(old, int) and isinstance(new, int) and old <= new
        elif isinstance(old, list) and isinstance(new, list) and key not in ("mean", "std"):
            extends = all(each in new for each in old)
        else:
            extends = old == new
        if not extends:
            remedy = "keep those values and add to them, or name another directory"
            raise OutputError(f"a plan that extends the one of {place!r}", f"{key}: {old} there, {new} now", remedy)


def _rows(path: Path) -> Mapping[str, dict[str, Any]]:
    try:
        document = json.loads(text_of(path))
    except (OSError, ValueError, RecursionError):
        return {}
    rows = document.values() if isinstance(document, dict) else [None]
    return document if all(isinstance(row, dict) and set(COLUMNS) <= set(row) for row in rows) else {}


def _schema(pa: Any, names: Sequence[str]) -> Any:
    kinds = {name: pa.string() if name in _TEXTS else pa.float64() for name in names}
    kinds |= dict.fromkeys(("size", "seed", "tested"), pa.int64())
    return pa.schema(list(kinds.items()))
