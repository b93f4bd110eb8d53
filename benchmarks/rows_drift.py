"""Profiles of two tables for drift: whylogs and Evidently against ``tare.measure`` of both and ``tare.compare``.

They need other versions of shared libraries, so they run in an interpreter of their own: the environment variable
``TARE_BENCH_DRIFT_PYTHON`` names it.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

import tare
from benchmarks import made_data
from benchmarks.harness import Absent, Outcome, Result, Row, Setting, guarded

_PEER = Path(__file__).with_name("drift_peer.py")


def drift(setting: Setting) -> Iterator[Outcome]:
    """Two Parquet files of 16 columns; the peers' time leaves out imports and reading, ours includes reading."""
    python = os.environ.get("TARE_BENCH_DRIFT_PYTHON", "")
    for library in ("whylogs", "evidently"):
        if not python or not _importable(python, library):
            yield Absent(f"drift, {library}", "not installed (TARE_BENCH_DRIFT_PYTHON names an interpreter that has it)")
            continue
        yield from guarded(f"drift, {library}", partial(_profiled, python, library, setting))


ROWS = (Row("drift", drift),)


def _profiled(python: str, library: str, setting: Setting) -> Iterator[Result]:
    rows = 20_000 if setting.quick else 100_000
    paths = [_table(setting.scratch, rows, half) for half in (0, 1)]
    _compared(paths)
    pairs = []
    for _ in range(1 if setting.quick else 3):
        done = subprocess.run(  # noqa: S603
            [python, str(_PEER), library, *map(str, paths)], capture_output=True, text=True, check=True
        )
        found = json.loads(done.stdout.splitlines()[-1])
        begun = time.perf_counter()
        ours = _compared(paths)
        pairs.append((float(found["seconds"]), time.perf_counter() - begun))
        means = [found["means"][name] for name in sorted(found["means"])]
        if not np.allclose(means, [ours[name] for name in sorted(ours)], rtol=1e-9):
            raise ArithmeticError("its means differ from ours")
    medians = [statistics.median(column) for column in zip(*pairs, strict=True)]
    ratios = tuple(theirs / own for theirs, own in pairs)
    name = f"two tables of {rows:,} rows"
    yield Result(name, f"{library} / measure and compare", ratios, medians[0], medians[1], "s", ">= 1")


def _compared(paths: list[Path]) -> dict[str, float]:
    first, second = (tare.measure(path, workers=1) for path in paths)
    tare.compare(first, second)
    return {channel.name: channel.mean for channel in first.channels}


def _table(scratch: Path, rows: int, half: int) -> Path:
    path = scratch / f"drift-{rows}-{half}.parquet"
    if not path.exists():
        made_data.table(2 * rows).slice(half * rows, rows).write_parquet(path)
    return path


def _importable(python: str, library: str) -> bool:
    program = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({library!r}) is None)"
    try:
        return subprocess.run([python, "-c", program], check=False).returncode == 0  # noqa: S603
    except OSError:
        return False
