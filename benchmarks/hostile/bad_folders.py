"""Directories of runs and of studies in which one file is damaged or hostile: what makes each, by name."""

from __future__ import annotations

import json
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.hostile.bad_sources import Writer

_DEEP = b"[" * 100_000
_HOSTILE = "evil.py:net"


def bad_runs() -> dict[str, Writer]:
    """Copies of ``run`` beside ``bad/``, none of which is a model that answers as it states."""
    document: dict[str, Callable[[dict[str, Any]], Any]] = {
        "nan-mean": lambda found: found["normalisation"].update(mean=[float("nan")] * 3),
        "zero-std": lambda found: found["normalisation"].update(std=[0, 0, 0]),
        "subnormal-std": lambda found: found["normalisation"].update(std=[1e-320] * 3),
        "text-mean": lambda found: found["normalisation"].update(mean="0.5"),
        "four-means": lambda found: found["normalisation"].update(mean=[0.5] * 4),
        "strange-strategy": lambda found: found["normalisation"].update(strategy={"a": 1}),
        "no-normalisation": lambda found: found.pop("normalisation"),
        "huge-size": lambda found: found["geometry"].update(size=[10**9, 10**9]),
        "negative-size": lambda found: found["geometry"].update(size=[-24, 24]),
        "no-size": lambda found: found["geometry"].update(size=None),
        "more-classes": lambda found: found.update(classes=[str(index) for index in range(7)]),
        "no-classes": lambda found: found.update(classes=[]),
        "names-code": lambda found: found["network"].update(reference=_HOSTILE, timm=True),
        "path-outside": lambda found: found["network"].update(reference="timm:../../../etc/passwd", timm=True),
        "no-network": lambda found: found.pop("network"),
        "fold-lies": lambda found: found.update(fold={"layers": [{"name": "../x", "kind": 3}]}),
    }
    made = {f"{name}-tare.json": _document("run", "model/tare.json", change) for name, change in document.items()}
    made |= {f"{name}-tare.json": _file("run", "model/tare.json", data) for name, data in _texts().items()}
    made |= {
        "empty-weights": _file("run", "model/model.safetensors", b""),
        "claims-4gb-weights": _file("run", "model/model.safetensors", struct.pack("<Q", 4 << 30) + b"{}"),
        "truncated-weights": _cut("run", "model/model.safetensors"),
        "no-weights": _gone("run", "model/model.safetensors"),
        "pickle-as-weights": _file("run", "model/model.safetensors", b"cos\nsystem\n(S'touch tare-was-here'\ntR."),
        "empty-folder": _gone("run", "model"),
    }
    return made


def bad_studies() -> dict[str, Writer]:
    """Copies of ``studied`` beside ``bad/``, none of which can be reported."""
    plans: dict[str, Callable[[dict[str, Any]], Any]] = {
        "no-study": lambda found: found.pop("study"),
        "strange-study": lambda found: found.update(study="../../x"),
        "sizes-text": lambda found: found.update(sizes="many"),
        "seeds-list": lambda found: found.update(seeds=[1]),
        "margin-text": lambda found: found.update(margin="wide"),
        "networks-number": lambda found: found.update(networks=3),
        "shifts-nested": lambda found: found.update(shifts=[["content"]]),
    }
    made = {f"{name}-plan": _document("studied", "plan.json", change) for name, change in plans.items()}
    for part in ("plan.json", "summary.json"):
        made |= {f"{name}-{part}": _file("studied", part, data) for name, data in _texts().items()}
    summaries: dict[str, Callable[[dict[str, Any]], Any]] = {
        "no-fed": lambda found: found.pop("fed"),
        "fed-text": lambda found: found.update(fed="x"),
        "fed-short": lambda found: found.update(fed=[{"shift": "content"}]),
        "versions-number": lambda found: found.update(versions=3),
    }
    made |= {f"{name}-summary": _document("studied", "summary.json", change) for name, change in summaries.items()}
    return made | {
        "empty-results": _file("studied", "results.parquet", b""),
        "truncated-results": _cut("studied", "results.parquet"),
        "no-results": _gone("studied", "results.parquet"),
        "other-results": _other_table,
        "no-plan": _gone("studied", "plan.json"),
    }


def bad_scores() -> dict[str, Writer]:
    """Tables that ``tare study --analyse`` cannot compare strategies in."""
    texts: dict[str, bytes] = {
        "empty.csv": b"",
        "header.csv": b"strategy,seed,accuracy\n",
        "text-score.csv": b"strategy,seed,accuracy\nsource,0,good\ntarget,0,bad\n",
        "repeated.csv": b"strategy,seed,accuracy\nsource,0,0.5\nsource,0,0.6\n",
        "no-baseline.csv": b"strategy,seed,accuracy\nnone,0,0.5\ntarget,0,0.6\n",
        "all-missing.csv": b"strategy,seed,accuracy\nsource,0,\ntarget,0,\n",
        "one-pair.csv": b"strategy,seed,accuracy\nsource,0,0.1\ntarget,0,0.2\n",
        "infinite.csv": b"strategy,seed,accuracy\n" + b"".join(b"source,%d,inf\ntarget,%d,1\n" % (k, k) for k in range(4)),
        "binary.csv": bytes(range(256)) * 20,
        "ragged.csv": b"strategy,seed,accuracy\nsource,0\ntarget,0,1,2,3\n",
        "duplicate-names.csv": b"strategy,seed,seed,accuracy\nsource,0,0,0.5\ntarget,0,0,0.6\n",
        "number.json": b"3",
        "deep.json": _DEEP,
        "nested.json": b'[{"strategy": {"a": [1]}, "seed": [1, 2], "accuracy": {"b": 1}}]',
        "not-utf8.json": b"\xff\xfe\x00",
        "empty.parquet": b"",
        "magic-only.parquet": b"PAR1" + bytes(20) + b"PAR1",
    }
    return {name: _bytes(data) for name, data in texts.items()}


def _texts() -> dict[str, bytes]:
    return {
        "empty": b"",
        "cut": b'{"schema": "tare.model/1", "norm',
        "list": b"[1, 2]",
        "number": b"7",
        "deep": _DEEP,
        "not-utf8": b"\xff\xfe\x00{",
    }


def _document(folder: str, name: str, change: Callable[[dict[str, Any]], Any]) -> Writer:
    def write(path: Path) -> None:
        place = _copied(folder, path) / name
        found = json.loads(place.read_text())
        change(found)
        place.write_text(json.dumps(found))

    return write


def _file(folder: str, name: str, data: bytes) -> Writer:
    return lambda path: _bytes(data)(_copied(folder, path) / name)


def _cut(folder: str, name: str) -> Writer:
    def write(path: Path) -> None:
        place = _copied(folder, path) / name
        place.write_bytes(place.read_bytes()[: place.stat().st_size // 2])

    return write


def _gone(folder: str, name: str) -> Writer:
    def write(path: Path) -> None:
        place = _copied(folder, path) / name
        shutil.rmtree(place) if place.is_dir() else place.unlink()

    return write


def _other_table(path: Path) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    parquet.write_table(pa.table({"a": [1, 2]}), _copied("studied", path) / "results.parquet")


def _copied(folder: str, path: Path) -> Path:
    """A copy of the good folder that stands beside ``bad/``; and, for what would be run if it were imported, bait."""
    shutil.copytree(path.parents[1] / folder, path)
    (path / "evil.py").write_text("open('tare-was-here', 'w').close()\n")
    return path


def _bytes(data: bytes) -> Writer:
    def write(path: Path) -> None:
        path.write_bytes(data)

    return write
