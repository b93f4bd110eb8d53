from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import tare
from tare.sources.opening import open_source
from tests.sources.reading import assert_moments, state_of


def present(path: Path) -> Path:
    if not path.exists():
        pytest.skip(f"TARE_DATA has no {path.name}")
    return path


def test_spoken_digits_agree_with_the_standard_library(real_data: Path) -> None:
    files = sorted(present(real_data / "fsdd" / "recordings").glob("0_*.wav"))
    signals = []
    for file in files:
        with wave.open(str(file)) as recording:
            signals.append(np.frombuffer(recording.readframes(recording.getnframes()), "<i2"))
    assert_moments(state_of(open_source(files)), np.concatenate(signals)[:, None], scale=1 / 32768)


def test_wine_without_a_header_agrees_with_polars(real_data: Path) -> None:
    files = sorted(present(real_data / "tabular-1d" / "wine").glob("*.csv"))
    frame = pl.concat(pl.read_csv(file, has_header=False, infer_schema_length=None).cast(pl.Float64) for file in files)
    assert_moments(state_of(open_source(files)), frame.to_numpy())


def test_gestures_of_two_years_differ_in_gain_and_offset(real_data: Path) -> None:
    path = present(real_data / "tabular-1d" / "ucr" / "gunpoint_by_group.npz")
    stats = tare.measure(path, array="x", layout="NT")
    assert stats.mean[0] == pytest.approx(np.load(path)["x"].astype(np.float64).mean(), rel=1e-12)
