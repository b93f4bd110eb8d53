"""Data that are scored once: in the run, on its pages, and in what leaves it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import f1_score, r2_score

from tare.errors import DataError, OutputError
from tare.exporting.card import card
from tare.networks.stored.trained import open_trained
from tare.predicting.api import predict
from tare.reporting.transfer.report import print_run, write_run
from tare.transferring.api import transfer
from tare.transferring.result import TransferRun
from tests.images import save_png
from tests.labelled_images import dark_and_light
from tests.transferring.test_tasks import PLAIN, SCRATCH, photos, scenes, table

TINY: dict[str, Any] = {**PLAIN, "weights": "none", "size": 32, "overwrite": False, "mean": (0.5,) * 3, "std": (0.5,) * 3}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``data/`` and ``test/``, in which four of ten images lie in the wrong folder."""
    root = tmp_path_factory.mktemp("held_out")
    dark_and_light(root / "data")
    generator = np.random.default_rng(5)
    for label, levels in (("dark", (60, 60, 180, 180, 60)), ("light", (180, 60, 60, 180, 180))):
        for index, level in enumerate(levels):
            pixels = np.clip(generator.normal(level, 30, (36, 40, 3)), 0, 255).astype(np.uint8)
            save_png(root / "test" / label / f"{index}.png", pixels)
    return root


@pytest.fixture(scope="module")
def tested(data: Path) -> TransferRun:
    return transfer(
        "timm:test_resnet", data / "data", test=data / "test", out=data / "run", epochs=2, batch_size=4, lr=0.01, **TINY
    )


def test_the_test_is_scored_with_the_weights_that_are_kept(tested: TransferRun, data: Path) -> None:
    assert tested.test is not None
    answers = {item.path: item.label for item in predict(tested.out, data / "test")}
    right = np.mean([label == Path(path).parent.name for path, label in answers.items()])
    assert tested.test.headline.value.estimate == pytest.approx(right)
    assert tested.test.headline.value.low < right < tested.test.headline.value.high
    assert tested.test.samples == 10
    assert json.loads((tested.out / "test.json").read_text()) == tested.test.to_json() == tested.to_json()["test"]
    assert json.loads((tested.out / "metrics.json").read_text())["test_accuracy"] == right
    assert json.loads((tested.out / "run.json").read_text())["settings"]["test"] == str(data / "test")
    assert f"test accuracy {100 * right:.1f}%" in tested.summary()


def test_the_test_changes_neither_weights_nor_the_validation_figures(tested: TransferRun, data: Path) -> None:
    without = transfer("timm:test_resnet", data / "data", out=data / "plain", epochs=2, batch_size=4, lr=0.01, **TINY)
    names = [run.model_dir / "model.safetensors" for run in (tested, without)]
    assert names[0].read_bytes() == names[1].read_bytes()
    assert without.evaluation == tested.evaluation
    assert without.test is None
    assert not (without.out / "test.json").exists()
    assert without.to_json()["test"] is None


def test_page_terminal_and_card_tell_the_test(tested: TransferRun, capsys: pytest.CaptureFixture[str]) -> None:
    assert tested.test is not None
    said = f"{tested.test.headline.in_words()} (95% interval {tested.test.headline.interval()}, 10 images)"
    print_run(tested, tested.out / "report.html")
    assert f"test accuracy {said}, scored once" in capsys.readouterr().out
    write_run(tested, tested.out / "report.html")
    page = (tested.out / "report.html").read_text()
    assert f"Test accuracy {said}, scored once." in page
    assert f"accuracy {said} on " in page
    text = card(open_trained(tested.out), (), None)
    assert f"Test accuracy **{tested.test.headline.value.estimate:.4g}** (n = 10 images, 95% interval" in text


def test_copies_of_training_images_are_refused_before_anything_is_written(data: Path, tmp_path: Path) -> None:
    shutil.copytree(data / "test", tmp_path / "test")
    shutil.copy(data / "data" / "train" / "dark" / "3.png", tmp_path / "test" / "light" / "new.png")
    with pytest.raises(DataError, match=r"found 1 of 11 with the same content: '.*light/new.png' is '.*train/dark/3.png'"):
        transfer("timm:test_resnet", data / "data", test=tmp_path / "test", out=tmp_path / "run", protocol="probe", **TINY)
    assert not (tmp_path / "run").exists()


def test_other_raw_values_than_in_training_are_refused(data: Path, tmp_path: Path) -> None:
    save_png(tmp_path / "test" / "dark" / "deep.png", np.arange(12, dtype=np.uint16).reshape(3, 4) * 5000)
    with pytest.raises(DataError, match=r"test samples of 3 channels of uint8, as in training, found 3 of uint16"):
        transfer("timm:test_resnet", data / "data", test=tmp_path / "test", out=tmp_path / "run", protocol="probe", **TINY)
    shutil.copytree(data / "data" / "train", tmp_path / "data" / "train")
    for label, level in (("dark", 900), ("light", 2900)):
        save_png(tmp_path / "data" / "val" / label / "deep.png", np.full((36, 40), level, np.uint16))
    with pytest.raises(DataError, match=r"validation samples of 3 channels of uint8, as in training, found 3 of uint16 in .*val"):
        transfer("timm:test_resnet", tmp_path / "data", out=tmp_path / "run", protocol="probe", **TINY)


def test_a_run_is_resumed_with_the_same_test_only(tested: TransferRun, data: Path) -> None:
    again: dict[str, Any] = {"out": tested.out, "epochs": 2, "batch_size": 4, "lr": 0.01, "resume": True, **TINY}
    with pytest.raises(OutputError, match="test"):
        transfer("timm:test_resnet", data / "data", **again)
    assert transfer("timm:test_resnet", data / "data", test=data / "test", **again).test == tested.test


def test_labels_of_a_test_are_given_at_the_thresholds_of_validation(tmp_path: Path) -> None:
    whole = photos(tmp_path, 60).read_text().splitlines()
    (tmp_path / "test.csv").write_text("\n".join([whole[0], *whole[41:]]) + "\n")
    (tmp_path / "list.csv").write_text("\n".join(whole[:41]) + "\n")
    run = transfer(
        "timm:test_resnet", tmp_path / "list.csv", label="red,bright", test=tmp_path / "test.csv", protocol="probe",
        out=tmp_path / "run", **TINY,
    )  # fmt: skip
    assert run.test is not None
    rows = [line.split(",") for line in whole[41:]]
    answers = predict(run.out, [tmp_path / row[0] for row in rows])
    for place, score in enumerate(run.test.table()):
        given = [score["name"] in answer.labels for answer in answers]
        assert score["f1"] == pytest.approx(f1_score([int(row[1 + place]) for row in rows], given))
        assert score["threshold"] == run.evaluation.table()[place]["threshold"]


def test_a_regression_is_tested_in_its_own_units(tmp_path: Path) -> None:
    lines = table(tmp_path / "x.csv", 150).read_text().splitlines()
    (tmp_path / "test.csv").write_text("\n".join([lines[0], *lines[121:]]) + "\n")
    (tmp_path / "x.csv").write_text("\n".join(lines[:121]) + "\n")
    run = transfer("tare:mlp", tmp_path / "x.csv", label="price,age", test=tmp_path / "test.csv", out=tmp_path / "run", **SCRATCH)
    assert run.test is not None
    (tmp_path / "new.csv").write_text("\n".join(",".join(line.split(",")[:3]) for line in [lines[0], *lines[121:]]) + "\n")
    answers = np.array([[value for _, value in answer.ranks] for answer in predict(run.out, tmp_path / "new.csv")])
    truth = np.array([[float(value) for value in line.split(",")[3:]] for line in lines[121:]])
    assert run.test.headline.value.estimate == pytest.approx(r2_score(truth, answers), abs=1e-4)
    write_run(run, tmp_path / "report.html")
    assert "Test R2" in (tmp_path / "report.html").read_text()


def test_masks_are_tested_too(tmp_path: Path) -> None:
    from tests.transferring.test_tasks import NET

    (tmp_path / "net.py").write_text(NET)
    scenes(tmp_path / "all", 14)
    for part in ("images", "masks"):
        (tmp_path / "test" / part).mkdir(parents=True)
        for k in range(10, 14):
            (tmp_path / "all" / part / f"{k}.png").rename(tmp_path / "test" / part / f"{k}.png")
    run = transfer(
        f"{tmp_path / 'net.py'}:net", tmp_path / "all", test=tmp_path / "test", weights="none", ignore=255, size=32,
        out=tmp_path / "run", **{**SCRATCH, "epochs": 2, "batch_size": 4},
    )  # fmt: skip
    assert run.test is not None
    assert (run.test.headline.name, run.test.samples) == ("mIoU", 4)
