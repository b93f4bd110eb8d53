from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tare.errors import DataError
from tare.predicting.api import predict
from tare.predicting.pyfunc import _load_pyfunc, signature
from tare.transferring.api import transfer
from tare.transferring.result import TransferRun
from tests.labelled_images import dark_and_light
from tests.transferring.test_tasks import SCRATCH, table

PLAIN: dict[str, Any] = {"workers": 0, "device": "cpu"}


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> tuple[TransferRun, Path]:
    root = tmp_path_factory.mktemp("served")
    data = dark_and_light(root / "data")
    run = transfer(
        "timm:test_resnet", data, out=root / "run", weights="none", mean=(0.5,) * 3, std=(0.5,) * 3, size=32, protocol="probe",
        **PLAIN,
    )  # fmt: skip
    return run, data


def test_images_of_any_size_get_the_probabilities_of_predict(images: tuple[TransferRun, Path]) -> None:
    run, data = images
    paths = sorted((data / "val").rglob("*.png"))
    answers = _load_pyfunc(str(run.model_dir)).predict(np.stack([np.asarray(Image.open(path)) for path in paths]))
    for answer, expected in zip(answers, predict(run.out, paths), strict=True):
        assert answer.max() == pytest.approx(expected.probability, abs=1e-6)
        assert run.load().classes[int(answer.argmax())] == expected.label


def test_other_raw_values_are_refused(images: tuple[TransferRun, Path]) -> None:
    served = _load_pyfunc(str(images[0].model_dir))
    with pytest.raises(DataError, match=r"sample 0: float64 of shape \(32, 32, 3\), and the network takes uint8 \(H, W, 3\)"):
        served.predict(np.zeros((1, 32, 32, 3)))
    assert served.predict(np.zeros((0, 32, 32, 3), np.uint8)).shape == (0, 2)


def test_rows_are_answered_by_the_names_of_their_columns(tmp_path: Path) -> None:
    frames = pytest.importorskip("pandas")
    run = transfer("tare:mlp", table(tmp_path / "x.csv"), label="price,age", out=tmp_path / "run", **SCRATCH)
    rows = np.random.default_rng(3).normal(size=(5, 3))
    (tmp_path / "new.csv").write_text("a,b,c\n" + "\n".join(",".join(map(repr, row)) for row in rows.tolist()) + "\n")
    expected = [[value for _, value in answer.ranks] for answer in predict(run.out, tmp_path / "new.csv")]
    served = _load_pyfunc(str(run.model_dir))
    frame = frames.DataFrame(rows, columns=["a", "b", "c"])
    for given in (rows, frame, frame[["c", "a", "b"]]):
        np.testing.assert_allclose(served.predict(given), expected, rtol=1e-6)
    model = run.load()
    stated = signature(model.takes, model.network.channels, model.task)
    assert [column["name"] for column in stated["inputs"]] == ["a", "b", "c"]
    assert stated["outputs"][0]["tensor-spec"]["shape"] == [-1, 2]


def test_mlflow_loads_the_logged_model_with_its_schemas_and_no_pickle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mlflow = pytest.importorskip("mlflow", reason="mlflow is not installed")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    data = dark_and_light(tmp_path / "data")
    run = transfer(
        "timm:test_resnet", data, out=tmp_path / "run", weights="none", mean=(0.5,) * 3, std=(0.5,) * 3, size=32,
        protocol="probe", tracker=["mlflow"], **PLAIN,
    )  # fmt: skip
    mlflow.set_tracking_uri((run.out / "mlruns").absolute().as_uri())
    name = (run.out / "mlflow-run").read_text().strip()
    loaded = mlflow.pyfunc.load_model(f"runs:/{name}/model")
    pixels = np.random.default_rng(0).integers(0, 256, (3, 50, 40, 3), np.uint8)
    np.testing.assert_array_equal(loaded.predict(pixels), _load_pyfunc(str(run.model_dir)).predict(pixels))
    assert loaded.metadata.signature.inputs.inputs[0].shape == (-1, -1, -1, 3)
    assert loaded.metadata.metadata["tare.spec"] == run.load().spec().to_json()
    kept = {path.suffix for path in (run.out / "mlruns").rglob("*") if path.is_file()}
    assert not kept & {".pkl", ".pickle", ".pth", ".pt", ".bin", ".py"}
    with pytest.raises(mlflow.exceptions.MlflowException, match="schema"):
        loaded.predict(np.zeros((1, 8, 8, 3)))
