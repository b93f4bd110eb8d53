from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from tare.errors import SpecError, TareError
from tare.exporting.api import export
from tare.networks.network import Network, nothing_stated
from tare.predicting.api import predict
from tare.tasks.regression import Regression
from tare.tasks.table import task_of_json
from tare.transferring.api import transfer
from tare.transferring.forecast import check_forecast
from tare.transferring.inputs import TransferRequest
from tare.transferring.result import TransferRun

SEEN, AHEAD = 32, 4
HOW: dict[str, Any] = {
    "task": "regression", "protocol": "scratch", "epochs": 2, "batch_size": 16, "workers": 0, "device": "cpu",
    "augmentation": "none",
}  # fmt: skip


def waves(count: int, channels: int, *, level: float = 50.0, seed: int = 0) -> tuple[Any, Any]:
    """Windows ``(N, T, C)`` of waves about a level, and the next values of the first channel."""
    rng = np.random.default_rng(seed)
    steps = np.arange(SEEN + AHEAD)
    waves = np.sin(0.4 * steps + rng.uniform(0, 6, (count, channels, 1))) * rng.uniform(1, 3, (count, channels, 1))
    waves = (waves + level + rng.normal(0, 10, (count, channels, 1))).transpose(0, 2, 1)
    return waves[:, :SEEN], waves[:, SEEN:, 0]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("waves") / "waves.npz"
    x, y = waves(96, 2)
    np.savez(path, x=x, y=y)
    return path


@pytest.fixture(scope="module")
def run(data: Path, tmp_path_factory: pytest.TempPathFactory) -> TransferRun:
    return transfer("tare:cnn1d", data, out=tmp_path_factory.mktemp("forecast") / "run", forecast="c0", **HOW)


def answers(run: TransferRun, samples: Any, folder: Path) -> Any:
    np.save(folder / "new.npy", samples)
    return np.array([[value for _, value in one.ranks] for one in predict(run.out, str(folder / "new.npy"))])


def test_a_forecast_far_from_zero_keeps_the_digits_of_its_samples(run: TransferRun, tmp_path: Path) -> None:
    near, _ = waves(8, 2, level=0.0, seed=3)
    assert answers(run, near + 1e8, tmp_path) - 1e8 == pytest.approx(answers(run, near, tmp_path), abs=1e-4)


def test_a_forecast_is_sample_by_default_and_written_down(run: TransferRun) -> None:
    assert run.normalisation.strategy == "sample"
    document = json.loads((run.model_dir / "tare.json").read_text())["task"]
    assert document["forecast"] == {"channels": [0] * AHEAD, "step": 1.0}
    assert document["undone"] is True
    assert task_of_json(tuple("abcd"), document).to_json() == document


@settings(max_examples=10, deadline=None)
@given(gain=st.floats(0.01, 100), offset=st.floats(-1000, 1000))
def test_answers_follow_a_gain_and_an_offset_of_the_sample(
    run: TransferRun, tmp_path_factory: pytest.TempPathFactory, gain: float, offset: float
) -> None:
    x, _ = waves(3, 2, seed=1)
    folder = tmp_path_factory.mktemp("gain")
    expected = gain * answers(run, x, folder) + offset
    assert answers(run, gain * x + offset, folder) == pytest.approx(expected, rel=1e-4, abs=1e-3 * gain)


def test_answers_are_what_the_network_says_in_stds_of_the_sample(run: TransferRun, tmp_path: Path) -> None:
    x, _ = waves(5, 2, seed=2)
    mean, std = x.mean(axis=1), x.std(axis=1)
    fed = torch.from_numpy(((x - mean[:, None]) / std[:, None]).transpose(0, 2, 1)).float()
    with torch.inference_mode():
        says = run.load().network.module.eval()(fed).double().numpy()
    assert answers(run, x, tmp_path) == pytest.approx(says * std[:, :1] + mean[:, :1], rel=1e-5)


def test_the_figures_are_those_of_the_answers(data: Path, tmp_path: Path) -> None:
    archive = np.load(data)
    both = tmp_path / "test.npz"
    x, y = waves(40, 2, level=500.0, seed=3)
    np.savez(both, x_train=archive["x"], y_train=archive["y"], x_val=x, y_val=y)
    judged = transfer("tare:cnn1d", both, out=tmp_path / "run", forecast="c0", **HOW)
    said = answers(judged, x, tmp_path)
    rmse = np.sqrt(((said - y) ** 2).mean(axis=0))
    targets = json.loads((judged.out / "evaluation.json").read_text())["targets"]
    assert [one["rmse"]["estimate"] for one in targets] == pytest.approx(list(rmse), rel=1e-4)


def test_an_exported_graph_maps_back_too(run: TransferRun, tmp_path: Path) -> None:
    out = tmp_path / "graph.pt2"
    assert export(run.out, "pt2", out).parity is not None
    x, _ = waves(4, 2, level=-300.0, seed=4)
    graph = torch.export.load(str(out)).module()
    assert graph(torch.from_numpy(x)).detach().numpy() == pytest.approx(answers(run, x, tmp_path), rel=1e-4)


def test_a_constant_window_answers_its_level(run: TransferRun, tmp_path: Path) -> None:
    assert answers(run, np.full((1, SEEN, 2), 7.25), tmp_path) == pytest.approx(np.full((1, AHEAD), 7.25))


def test_integers_are_forecast_in_their_own_unit(tmp_path: Path) -> None:
    codes = np.random.default_rng(0).integers(100, 60000, (64, 1)) + np.arange(40)
    np.savez(tmp_path / "codes.npz", x=codes.astype(np.uint16), y=codes[:, -1] + 1)
    run = transfer("tare:cnn1d", tmp_path / "codes.npz", out=tmp_path / "run", forecast="0", **HOW)
    assert isinstance(run.task, Regression)
    assert run.task.step == pytest.approx(1 / 65535)
    assert answers(run, np.full((1, 40), 700, np.uint16), tmp_path) == pytest.approx(np.full((1, 1), 700.0), rel=1e-5)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"strategy": "target"}, "--strategy sample for --forecast, found --strategy target"),
        ({"protocol": "probe", "weights": "none"}, "trained weights for --forecast"),
        ({"forecast": "c7"}, "channels of the data for --forecast, found 'c7'; use c0, c1"),
        ({"forecast": "c0,c1"}, "one channel for all targets of --forecast, or one for each, found 2 for 4 targets"),
    ],
)
def test_what_cannot_be_mapped_back_is_refused(options: dict[str, Any], match: str, data: Path, tmp_path: Path) -> None:
    with pytest.raises(TareError, match=match):
        transfer("tare:cnn1d", data, out=tmp_path / "run", **{"forecast": "c0", **HOW, **options})
    assert not (tmp_path / "run").exists()


def test_rows_have_no_std_to_map_back_by() -> None:
    network = Network(nn.Sequential(nn.Linear(3, 2)), "rows", "none", nothing_stated("none"), "0", False)
    with pytest.raises(SpecError, match="signals for --forecast, found rows"):
        check_forecast(TransferRequest("rows", "data", out="run", forecast="c0"), network, "sample")


def test_classes_have_no_later_values(tmp_path: Path) -> None:
    x, _ = waves(40, 1)
    np.savez(tmp_path / "classes.npz", x=x, y=np.arange(40) % 2)
    with pytest.raises(SpecError, match="numbers as targets for --forecast, found --task classification"):
        transfer("tare:cnn1d", tmp_path / "classes.npz", out=tmp_path / "run", forecast="c0", **{**HOW, "task": None})
