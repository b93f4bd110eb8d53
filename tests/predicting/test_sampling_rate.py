"""Recordings of another sampling rate than those that a network of stored steps was trained on."""

from __future__ import annotations

import json
import shutil
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tare
from tare.datasets.files import recording_rate
from tare.transferring.result import TransferRun
from tests.signals import tones

PLAIN: dict[str, Any] = {"workers": 0, "device": "cpu"}
SCRATCH: dict[str, Any] = {"protocol": "scratch", "strategy": "target", "epochs": 1, "lr": 0.02, "batch_size": 8, **PLAIN}


def at(rate: int, folder: Path, place: Path) -> Path:
    """The same recordings, of another sampling rate by their headers."""
    shutil.copytree(folder, place)
    for path in place.rglob("*.wav"):
        data = bytearray(path.read_bytes())
        data[24:28] = struct.pack("<I", rate)
        path.write_bytes(bytes(data))
    return place


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rates")
    at(16000, tones(folder / "slow"), folder / "fast")
    return folder


@pytest.fixture(scope="module")
def run(root: Path) -> TransferRun:
    return tare.transfer("tare:cnn1d", root / "slow", out=root / "run", **SCRATCH)


def test_a_run_states_the_rate_and_answers_no_recordings_of_another(root: Path, run: TransferRun) -> None:
    stated = json.loads((run.model_dir / "tare.json").read_text())
    assert stated["geometry"]["rate"] == 8000
    assert all(each.error is None for each in tare.predict(run.out, root / "slow" / "val"))
    wanted = "16000 Hz, but the network was trained on recordings of 8000 Hz: resample it"
    assert {each.error for each in tare.predict(run.out, root / "fast" / "val")} == {wanted}
    np.save(root / "array.npy", np.zeros((3, 60, 1), np.float32))  # an array has no sampling rate
    assert all(each.error is None for each in tare.predict(run.out, root / "array.npy"))


def test_training_on_recordings_of_another_rate_or_of_several_is_said(root: Path, run: TransferRun, tmp_path: Path) -> None:
    again = tare.transfer(str(run.out), root / "fast", out=tmp_path / "again", protocol="probe", **PLAIN)
    wanted = "recordings of 16000 Hz, and the network was trained on recordings of 8000 Hz: nothing is resampled"
    assert any(note.startswith(wanted) for note in again.notes)
    assert json.loads((again.model_dir / "tare.json").read_text())["geometry"]["rate"] == 16000
    mixed = shutil.copytree(root / "slow", tmp_path / "mixed")
    shutil.copytree(root / "fast" / "train" / "high", mixed / "train" / "high", dirs_exist_ok=True)
    several = tare.transfer("tare:cnn1d", mixed, out=tmp_path / "several", **SCRATCH)
    assert any(note.startswith("2 sampling rates in the recordings, such as 8000 and 16000 Hz") for note in several.notes)
    assert "rate" not in json.loads((several.model_dir / "tare.json").read_text())["geometry"]


def test_a_comparison_says_that_sampling_rates_differ(root: Path) -> None:
    found = tare.compare(root / "slow" / "val", root / "fast" / "val")
    assert "sampling rates differ: 8000 Hz in the source, 16000 Hz in the target; nothing is resampled" in found.notes


def test_the_rate_is_read_from_the_header_alone(root: Path, tmp_path: Path) -> None:
    path = next((root / "slow").rglob("*.wav"))
    whole = path.read_bytes()
    (tmp_path / "list.wav").write_bytes(whole[:12] + b"LIST" + struct.pack("<I", 5) + b"other\0" + whole[12:])
    assert recording_rate(str(tmp_path / "list.wav")) == 8000
    assert recording_rate(str(tmp_path / "absent.wav")) is None
