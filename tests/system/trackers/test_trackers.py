from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from tare.errors import SpecError
from tare.system.trackers import opening
from tare.system.trackers.opening import tracked
from tare.system.trackers.tracker import Tracker, Trackers


class Notes:
    def __init__(self) -> None:
        self.said: list[str] = []

    def note(self, text: str) -> None:
        self.said.append(text)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)


def logged(name: str, folder: Path, *, steps: range = range(3)) -> Notes:
    pytest.importorskip(name, reason=f"{name} is not installed")
    notes: Any = Notes()
    kept = folder / "figures.json"
    kept.write_text("{}")
    with tracked([name], folder, notes, {"lr": 0.1, "mean": [0.5, 0.25], "data": "photos/é"}) as trackers:
        for step in steps:
            trackers.numbers({"val_accuracy": 0.5 + step / 10, "lost": float("nan")}, step)
        trackers.file(kept)
    assert not notes.said
    made: Notes = notes
    return made


def test_tensorboard_reads_the_steps_again(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason="tensorboard is not installed")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    logged("tensorboard", tmp_path)
    events: Any = EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    assert [(each.step, round(each.value, 6)) for each in events.Scalars("val_accuracy")] == [(0, 0.5), (1, 0.6), (2, 0.7)]
    assert "lost" not in events.Tags()["scalars"]
    assert b"photos" in events.Tensors("settings/text_summary")[0].tensor_proto.string_val[0]


def test_mlflow_keeps_parameters_metrics_and_files_and_a_resumed_run_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mlflow = pytest.importorskip("mlflow", reason="mlflow is not installed")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    logged("mlflow", tmp_path)
    logged("mlflow", tmp_path, steps=range(3, 4))
    client = mlflow.MlflowClient((tmp_path / "mlruns").absolute().as_uri())
    (run,) = client.search_runs([client.get_experiment_by_name("tare").experiment_id])
    assert run.info.status == "FINISHED"
    assert run.data.params == {"lr": "0.1", "mean": "[0.5, 0.25]", "data": "photos/é"}
    assert [m.value for m in client.get_metric_history(run.info.run_id, "val_accuracy")] == [0.5, 0.6, 0.7, 0.8]
    assert [each.path for each in client.list_artifacts(run.info.run_id)] == ["figures.json"]


def test_wandb_writes_offline_files_and_sends_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WANDB_MODE", raising=False)
    logged("wandb", tmp_path)
    (run,) = (tmp_path / "wandb").glob("offline-run-*")
    (log,) = run.glob("*.wandb")
    ends = time.monotonic() + 60
    while b"val_accuracy" not in log.read_bytes() and time.monotonic() < ends:
        time.sleep(0.2)  # wandb's own process writes the file, after the run has been told that it is finished
    assert b"val_accuracy" in log.read_bytes()
    assert b"photos/" in log.read_bytes()
    assert json.loads((run / "files" / "figures.json").read_text()) == {}


class Failing(Tracker):
    name = "tensorboard"

    def __init__(self, folder: Path) -> None:  # noqa: ARG002
        self.ended: list[bool] = []

    def settings(self, values: Any) -> None: ...

    def numbers(self, values: Any, step: int) -> None:  # noqa: ARG002
        raise OSError("the disk\nis full")

    def file(self, path: Path) -> None:  # noqa: ARG002
        raise AssertionError("it was to be left alone")

    def end(self, *, failed: bool) -> None:
        self.ended.append(failed)


def test_one_that_fails_is_told_once_and_left_alone() -> None:
    notes: Any = Notes()
    trackers = Trackers([Failing(Path())], notes)
    trackers.numbers({"a": 1.0}, 0)
    trackers.numbers({"a": 1.0}, 1)
    trackers.file(Path("x"))
    assert notes.said == ["--tracker tensorboard stopped: the disk is full"]


def test_one_that_cannot_be_opened_ends_the_run_before_it_begins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(folder: Path) -> Tracker:
        raise ConnectionError(f"no server for {folder.name}")

    monkeypatch.setattr(opening, "check_installed", lambda _: None)
    monkeypatch.setattr(opening, "_TRACKERS", {"mlflow": refused})
    with (
        pytest.raises(SpecError, match=r"a tracker that works for --tracker mlflow, found no server for .*leave --tracker"),
        tracked(["mlflow"], tmp_path, Notes(), {}),
    ):
        raise AssertionError("it began")


def test_a_run_that_fails_ends_as_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Failing(tmp_path)
    monkeypatch.setattr(opening, "check_installed", lambda _: None)
    monkeypatch.setattr(opening, "_TRACKERS", {"tensorboard": lambda _: made})
    with pytest.raises(RuntimeError), tracked(["tensorboard"], tmp_path, Notes(), {}):
        raise RuntimeError
    assert made.ended == [True]
