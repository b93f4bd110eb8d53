"""Recordings of another sampling rate than those that a network of stored steps was trained on."""

from __future__ import annotations

import json
import shutil
import struct
import tarfile
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
    for name, part, form in (("slow", "train", "slow"), ("fast", "train", "fast"), ("fast", "val", "test")):
        files = sorted((folder / name / part).rglob("*.wav"))
        with tarfile.open(folder / f"{form}.tar", "w") as file:
            for path in files:
                file.add(path, f"x/{path.parent.name}/{form}{path.name}")
        listed = [f"{path},{path.parent.name}" for path in files]
        (folder / f"{form}.csv").write_text("\n".join(["path,label", *listed, ""]))
    return folder


@pytest.fixture(scope="module")
def run(root: Path) -> TransferRun:
    return tare.transfer("tare:cnn1d", root / "slow", out=root / "run", **SCRATCH)


WANTED = "sampling rates differ: 8000 Hz in training, 16000 Hz in the data"


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
    assert any(note.startswith(WANTED) for note in again.notes)
    assert json.loads((again.model_dir / "tare.json").read_text())["geometry"]["rate"] == 16000
    mixed = shutil.copytree(root / "slow", tmp_path / "mixed")
    shutil.copytree(root / "fast" / "train" / "high", mixed / "train" / "high", dirs_exist_ok=True)
    several = tare.transfer("tare:cnn1d", mixed, out=tmp_path / "several", **SCRATCH)
    assert any(note.startswith("2 sampling rates in the samples, such as 8000 Hz and 16000 Hz") for note in several.notes)
    assert "rate" not in json.loads((several.model_dir / "tare.json").read_text())["geometry"]


def test_a_comparison_says_that_sampling_rates_differ(root: Path) -> None:
    found = tare.compare(root / "slow" / "val", root / "fast" / "val")
    told = "sampling rates differ: 8000 Hz in the source, 16000 Hz in the target; nothing is resampled, so the same sound has"
    assert any(note.startswith(told) for note in found.notes)


def test_the_rate_is_read_from_the_header_alone(root: Path, tmp_path: Path) -> None:
    path = next((root / "slow").rglob("*.wav"))
    whole = path.read_bytes()
    (tmp_path / "list.wav").write_bytes(whole[:12] + b"LIST" + struct.pack("<I", 5) + b"other\0" + whole[12:])
    assert recording_rate(str(tmp_path / "list.wav")) == 8000
    assert recording_rate(str(tmp_path / "absent.wav")) is None


@pytest.mark.parametrize("form", ["tar", "csv"])
def test_the_rate_follows_recordings_in_an_archive_or_a_list(root: Path, run: TransferRun, tmp_path: Path, form: str) -> None:
    made = tare.transfer("tare:cnn1d", root / f"slow.{form}", out=tmp_path / "run", test=root / f"test.{form}", **SCRATCH)
    assert json.loads((made.model_dir / "tare.json").read_text())["geometry"]["rate"] == 8000
    assert any(note.startswith(f"test: {WANTED}") for note in made.notes)
    assert all(each.error is not None for each in tare.predict(made.out, root / "fast" / "val"))
    again = tare.transfer(str(run.out), root / f"fast.{form}", out=tmp_path / "again", protocol="probe", **PLAIN)
    assert any(note.startswith(WANTED) for note in again.notes)


def test_recordings_of_another_rate_in_an_archive_are_not_answered(root: Path, run: TransferRun) -> None:
    wanted = "16000 Hz, but the network was trained on recordings of 8000 Hz: resample it"
    assert {each.error for each in tare.predict(run.out, root / "fast.tar")} == {wanted}
    assert all(each.error is None for each in tare.predict(run.out, root / "slow.tar"))


def test_several_rates_in_one_archive_are_said(root: Path, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "both.tar", "w") as file:
        for name, part in (("slow", "train"), ("fast", "val")):
            for path in (root / name / part).rglob("*.wav"):
                file.add(path, f"x/{path.parent.name}/{name}{path.name}")
    made = tare.transfer("tare:cnn1d", tmp_path / "both.tar", out=tmp_path / "run", **SCRATCH)
    assert any(note.startswith("2 sampling rates in the samples, such as 8000 Hz and 16000 Hz") for note in made.notes)
    assert "rate" not in json.loads((made.model_dir / "tare.json").read_text())["geometry"]


def test_a_test_of_recordings_of_another_rate_is_said(root: Path, tmp_path: Path) -> None:
    for name, said in (("fast", True), ("slow", False)):
        shutil.copytree(root / name / "val", tmp_path / name)
        data = shutil.copytree(root / "slow", tmp_path / f"train {name}")
        for path in (data / "val").rglob("[01].wav"):
            path.unlink()  # which are among those of the test
        for path in (tmp_path / name).rglob("[23].wav"):
            path.unlink()
        made = tare.transfer("tare:cnn1d", data, out=tmp_path / f"run {name}", test=tmp_path / name, **SCRATCH)
        assert any(note.startswith(f"test: {WANTED}") for note in made.notes) == said


def test_advice_and_explanations_say_that_recordings_have_another_rate(root: Path, run: TransferRun) -> None:
    for data, said in (("fast", True), ("fast.tar", True), ("slow", False)):
        advice = tare.advise(str(run.out), root / data, workers=1)
        found = tare.explain(str(run.out), root / data, workers=1)
        for notes in (advice.notes, found.notes):
            assert any(note.startswith(WANTED) for note in notes) == said


def test_recordings_of_a_hugging_face_dataset_state_their_rate(root: Path) -> None:
    datasets = pytest.importorskip("datasets")
    from tare.datasets.options import LabelOptions
    from tare.datasets.split import open_split

    found = [path for name in ("slow", "fast") for path in sorted((root / name / "train").rglob("*.wav"))]
    rows = {"audio": [{"bytes": path.read_bytes(), "path": path.name} for path in found]}
    audio = datasets.Dataset.from_dict({**rows, "label": [path.parent.name for path in found]})
    split = open_split(LabelOptions(audio), 0, "signal")
    assert {file.facts for file in (*split.train, *split.val)} == {(("sampling rate", f"{rate} Hz"),) for rate in (8000, 16000)}
