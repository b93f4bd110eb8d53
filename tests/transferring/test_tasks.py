"""Tasks other than classification, from a real file to the answers of an export."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import tare
from tare.errors import DataError, ModelError, SpecError
from tare.networks.stored.directory import load_model
from tare.predicting.api import predict
from tare.reporting.transfer.report import print_run, write_run
from tare.transferring.api import transfer
from tare.transferring.result import TransferRun
from tests.images import save_png

PLAIN: dict[str, Any] = {"workers": 0, "device": "cpu", "overwrite": True}
SCRATCH: dict[str, Any] = {"protocol": "scratch", "strategy": "target", "epochs": 15, "lr": 0.02, "batch_size": 16, **PLAIN}


def table(path: Path, count: int = 120) -> Path:
    """Rows of three numbers, and two targets that are linear in them, far from zero and of different units."""
    x = np.random.default_rng(0).normal(size=(count, 3))
    price, age = 5000 + 800 * x[:, 0] - 300 * x[:, 1], 40 + 3 * x[:, 2]
    lines = ["a,b,c,price,age", *(",".join(f"{value:.6f}" for value in row) for row in np.column_stack([x, price, age]))]
    path.write_text("\n".join(lines) + "\n")
    return path


def photos(root: Path, count: int = 36) -> Path:
    """Photos that are red, bright, both or neither, with columns of marks and a column of lists."""
    generator, lines = np.random.default_rng(0), ["path,red,bright,names,shade"]
    for k in range(count):
        red, bright = k % 2, k // 2 % 2
        pixels = generator.integers(0, 40, (24, 24, 3)) + 150 * bright
        pixels[..., 0] += 60 * red
        save_png(root / f"{k}.png", pixels.astype(np.uint8))
        names = ";".join(name for name, has in (("red", red), ("bright", bright)) if has) or "-"
        lines.append(f"{k}.png,{red},{bright},{names},{pixels.mean():.3f}")
    (root / "list.csv").write_text("\n".join(lines) + "\n")
    return root / "list.csv"


@pytest.fixture(scope="module")
def regression(tmp_path_factory: pytest.TempPathFactory) -> TransferRun:
    root = tmp_path_factory.mktemp("regression")
    return transfer("tare:mlp", table(root / "x.csv"), label="price,age", out=root / "run", **SCRATCH)


def test_two_targets_are_found_measured_learnt_and_answered_in_their_own_units(regression: TransferRun, tmp_path: Path) -> None:
    assert regression.evaluation.headline.name == "R2"
    assert regression.evaluation.headline.value.low > 0.8
    assert np.isnan(regression.val_accuracy)
    assert "2 columns of labels of numbers: --task regression" in regression.notes
    task = json.loads((regression.model_dir / "tare.json").read_text())["task"]
    assert task["targets"]["mean"] == pytest.approx([5000, 40], rel=0.05)
    assert task["targets"]["std"] == pytest.approx([850, 3], rel=0.2)
    (tmp_path / "new.csv").write_text("a,b,c\n0,0,0\n1,0,0\n")
    middle, more = (dict(answer.to_json()["values"]) for answer in predict(regression.out, tmp_path / "new.csv"))
    assert middle["price"] == pytest.approx(5000, abs=400)
    assert more["price"] - middle["price"] == pytest.approx(800, abs=300)


def test_the_loaded_network_gives_the_values_itself(regression: TransferRun, tmp_path: Path) -> None:
    (tmp_path / "new.csv").write_text("a,b,c\n0.5,-0.5,1\n")
    answer = predict(regression.out, tmp_path / "new.csv")[0]
    loaded = load_model(regression.model_dir).logits(torch.tensor([[0.5, -0.5, 1.0]], dtype=torch.float64))
    assert loaded[0].tolist() == pytest.approx([value for _, value in answer.ranks], rel=1e-5)


@pytest.mark.parametrize("form", ["onnx", "pt2", "torchscript"])
def test_every_graph_gives_the_answers_of_predict(regression: TransferRun, form: str, tmp_path: Path) -> None:
    if form == "onnx":
        pytest.importorskip("onnxscript")
        pytest.importorskip("onnxruntime")
    made = tare.export(regression.out, form, tmp_path / f"x.{form}")  # type: ignore[arg-type]
    assert made.outputs == ("values",)
    assert made.parity is not None
    assert made.parity.values is not None
    assert made.parity.values < 1e-5
    with pytest.raises(SpecError, match=r"--output for probabilities, found 'logits' with --task regression"):
        tare.export(regression.out, form, tmp_path / f"y.{form}", output="logits")  # type: ignore[arg-type]


def test_the_terminal_and_the_page_tell_errors_in_the_targets_own_units(
    regression: TransferRun, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    print_run(regression, tmp_path / "report.html")
    assert "validation R2" in (said := capsys.readouterr().out)
    assert "price: MAE" in said
    write_run(regression, tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text()
    assert "Answers against truth" in page
    assert "the network learns (target - mean) / std" in page


def test_a_probe_of_a_regression_is_a_ridge_head_on_frozen_features(tmp_path: Path) -> None:
    run = transfer(
        "timm:test_resnet", photos(tmp_path), label="shade", weights="none", mean=(0.5,) * 3, std=(0.5,) * 3, protocol="probe",
        out=tmp_path / "run", **PLAIN,
    )  # fmt: skip
    assert run.task is not None
    assert (run.task.name, run.task.names) == ("regression", ("shade",))
    assert run.evaluation.headline.value.estimate > 0.9


def test_options_that_only_classes_have_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    data = table(tmp_path / "x.csv")
    with pytest.raises(SpecError, match=r"an option that --task regression can follow, found --label-smoothing 0.1"):
        transfer("tare:mlp", data, label="price", out=tmp_path / "run", label_smoothing=0.1, **SCRATCH)
    assert not (tmp_path / "run").exists()
    data.write_text(data.read_text().replace("\n", ",1\n").replace("age,1", "age,one"))
    with pytest.raises(DataError, match=r"'one' is 1 for all 96 training samples"):
        transfer("tare:mlp", data, label="one", task="regression", out=tmp_path / "run", **SCRATCH)


@pytest.mark.parametrize("label", [None, "red,bright", "names"])
def test_labels_are_found_in_columns_or_lists_and_answered_at_their_thresholds(label: str | None, tmp_path: Path) -> None:
    data = photos(tmp_path)
    if label is None:  # all columns beside the paths are marks
        kept = [",".join(line.split(",")[:3]) for line in data.read_text().splitlines()]
        data.write_text("\n".join(kept) + "\n")
    run = transfer(
        "timm:test_resnet", data, label=label, weights="none", mean=(0.5,) * 3, std=(0.5,) * 3, protocol="probe",
        out=tmp_path / "run", **PLAIN,
    )  # fmt: skip
    assert run.task is not None
    assert run.task.name == "multi-label"
    assert {*run.task.names} == {"red", "bright"}
    assert run.evaluation.headline.value.estimate > 0.9
    answers = predict(run.out, [tmp_path / f"{k}.png" for k in range(4)])
    assert {*answers[3].labels} == {"red", "bright"}
    assert answers[0].labels == ()
    assert set(answers[0].to_json()) == {"path", "labels", "probabilities", "error"}
    write_run(run, tmp_path / "report.html")
    assert "average precision" in (tmp_path / "report.html").read_text()


def test_labels_are_fine_tuned_too_and_a_graph_gives_their_probabilities(tmp_path: Path) -> None:
    run = transfer(
        "timm:test_resnet", photos(tmp_path), label="names", weights="none", mean=(0.5,) * 3, std=(0.5,) * 3, epochs=1,
        out=tmp_path / "run", **PLAIN,
    )  # fmt: skip
    assert "best_val_map" in run.metrics
    made = tare.export(run.out, "torchscript", tmp_path / "x.pt")
    assert made.outputs == ("probabilities", "logits")
    run_it = torch.jit.load(tmp_path / "x.pt")  # type: ignore[no-untyped-call]
    probabilities, logits = run_it(torch.zeros(1, *made.shape[1:], dtype=torch.uint8))  # type: ignore[index]
    assert probabilities[0].tolist() == pytest.approx(logits[0].sigmoid().tolist())


def test_advice_on_other_targets_than_classes_is_given_without_labels(tmp_path: Path) -> None:
    advice = tare.advise("timm:test_resnet", photos(tmp_path), label="shade", weights="none", mean=(0.5,) * 3, std=(0.5,) * 3)
    assert not advice.labelled
    assert any("the labels are of --task regression, which are no classes" in note for note in advice.notes)


def test_a_study_of_a_folder_scores_classes_alone(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"one class a sample, for a study of a folder, found the labels of --task regression"):
        tare.study(
            {
                "study": "folder",
                "networks": ["timm:test_resnet"],
                "data": str(photos(tmp_path)),
                "label": "shade",
                "weights": "none",
            },
            out=tmp_path / "study",
        )


def scenes(root: Path, count: int = 10) -> Path:
    """Dark images with a bright square, which is the class 200 of the mask; the border row is left out."""
    generator = np.random.default_rng(0)
    for k in range(count):
        mask = np.zeros((40, 52), np.uint8)
        top, left = generator.integers(1, 20, 2)
        mask[top : top + 18, left : left + 20] = 200
        image = generator.integers(0, 60, (40, 52, 3)) + (mask[..., None] > 0) * 150
        mask[0] = 255
        save_png(root / "images" / f"{k}.png", image.astype(np.uint8))
        save_png(root / "masks" / f"{k}.png", mask)
    return root


NET = """
from torch import nn


def net():
    down = nn.Sequential(nn.Conv2d(3, 16, 3, 2, 1), nn.BatchNorm2d(16), nn.ReLU(), nn.Conv2d(16, 16, 3, 1, 1), nn.ReLU())
    return nn.Sequential(down, nn.Upsample(scale_factor=2, mode="bilinear"), nn.Conv2d(16, 21, 1))
"""


@pytest.fixture(scope="module")
def segmented(tmp_path_factory: pytest.TempPathFactory) -> tuple[TransferRun, Path]:
    root = tmp_path_factory.mktemp("scenes")
    (root / "net.py").write_text(NET)
    scenes(root / "data")
    return _segmented(root), root


def _segmented(root: Path, **others: Any) -> TransferRun:
    return transfer(
        f"{root / 'net.py'}:net", root / "data", weights="none", ignore=255, class_names="ground,square", size=32,
        out=root / "run", **{**SCRATCH, "epochs": 20, "batch_size": 4}, **others,
    )  # fmt: skip


def test_masks_are_learnt_and_answered_in_the_images_own_size_and_values(segmented: tuple[TransferRun, Path]) -> None:
    from PIL import Image

    run, root = segmented
    assert run.task is not None
    assert (run.task.name, run.task.names) == ("segmentation", ("ground", "square"))
    assert run.evaluation.headline.value.estimate > 0.8
    found = predict(run.out, root / "data" / "images", factory=f"{root / 'net.py'}:net", masks=root / "out")
    mask = np.asarray(Image.open(root / "out" / "3.png"))
    truth = np.asarray(Image.open(root / "data" / "masks" / "3.png"))
    assert mask.shape == truth.shape == (40, 52)
    assert {*np.unique(mask).tolist()} == {0, 200}
    assert (mask == truth)[1:].mean() > 0.9
    shares = found[3].to_json()["shares"]
    assert shares["square"] == pytest.approx(float((truth == 200).mean()), abs=0.06)
    with pytest.raises(tare.TareError, match=r"a new file for each mask"):
        predict(run.out, root / "data" / "images", factory=f"{root / 'net.py'}:net", masks=root / "out")


def test_a_segmentation_whose_masks_changed_is_not_resumed(segmented: tuple[TransferRun, Path]) -> None:
    _, root = segmented
    changed = root / "data" / "masks" / "0.png"
    before = changed.read_bytes()
    mask = np.full((40, 52), 200, np.uint8)
    mask[0] = 255
    save_png(changed, mask)
    with pytest.raises(tare.TareError, match=r"files: .* then, .* now"):
        _segmented(root, resume=True)
    changed.write_bytes(before)


def test_a_graph_of_a_segmentation_gives_the_probabilities_of_each_pixel(segmented: tuple[TransferRun, Path]) -> None:
    run, root = segmented
    made = tare.export(run.out, "torchscript", root / "x.pt", factory=f"{root / 'net.py'}:net", overwrite=True)
    assert made.parity is not None
    assert made.parity.real
    answers = torch.jit.load(root / "x.pt")(torch.zeros(2, 32, 32, 3, dtype=torch.uint8))  # type: ignore[no-untyped-call]
    assert tuple(answers[0].shape) == (2, 2, 32, 32)
    assert answers[0].sum(dim=1).numpy() == pytest.approx(np.ones((2, 32, 32)), abs=1e-6)
    with pytest.raises(tare.TareError, match="gives a class for each pixel"):
        tare.export(run.out, "hf", root / "hf", factory=f"{root / 'net.py'}:net")


def test_the_page_of_a_segmentation_shows_image_mask_and_answer(segmented: tuple[TransferRun, Path]) -> None:
    run, root = segmented
    assert {view.shape for view in run.views} == {(32, 96, 3)}
    write_run(run, root / "report.html")
    page = (root / "report.html").read_text()
    assert "Image, mask and answer" in page
    assert "share of pixels" in page


def test_a_classifier_a_probe_and_another_policy_cannot_segment(tmp_path: Path) -> None:
    data = scenes(tmp_path / "data")
    stated: dict[str, Any] = {"mean": (0.5,) * 3, "std": (0.5,) * 3, "weights": "none"}
    with pytest.raises(tare.TareError, match=r"a network for --task segmentation, which ends in a convolution"):
        transfer("timm:test_resnet", data, ignore=255, out=tmp_path / "run", **stated, **PLAIN)
    wrong: tuple[dict[str, Any], ...] = ({"protocol": "probe"}, {"augmentation": "trivialaugment"})
    for options in wrong:
        with pytest.raises(SpecError, match="a protocol and an augmentation that --task segmentation can follow"):
            transfer("timm:test_resnet", data, ignore=255, out=tmp_path / "run", **stated, **PLAIN, **options)


def test_torchvisions_segmentation_networks_are_built_and_get_a_new_head() -> None:
    from tare.networks.loading import load_network
    from tare.networks.network import with_head

    network = with_head(load_network("torchvision:lraspp_mobilenet_v3_large", "none"), 3, seed=0)
    assert network.dense
    with torch.inference_mode():
        assert tuple(network.module.eval()(torch.zeros(1, 3, 64, 64)).shape) == (1, 3, 64, 64)


def test_a_network_of_pixels_cannot_classify(segmented: tuple[TransferRun, Path], tmp_path: Path) -> None:
    _, root = segmented
    with pytest.raises(tare.TareError, match=r"a network that ends in a linear layer, for --task regression, found .*'2'"):
        transfer(
            f"{root / 'net.py'}:net", photos(tmp_path), label="shade", weights="none", mean=(0.5,) * 3, std=(0.5,) * 3, size=32,
            out=tmp_path / "run", **PLAIN,
        )  # fmt: skip


def test_validation_targets_that_are_all_equal_leave_r2_unknown_and_the_run_whole(tmp_path: Path) -> None:
    matrix = np.column_stack([np.random.default_rng(0).normal(size=(40, 3)), [3.5] * 39 + [4.0]])
    np.savetxt(tmp_path / "x.csv", matrix, "%.4f", ",", header="a,b,c,y", comments="")
    options: dict[str, Any] = {**SCRATCH, "epochs": 1, "task": "regression", "label": "y"}
    run = transfer("tare:mlp", tmp_path / "x.csv", out=tmp_path / "run", **options)  # the last row is in training
    evidence = json.loads((run.model_dir / "tare.json").read_text())["evidence"]
    assert (run.evaluation.headline.in_words(), evidence["val_r2"]) == ("n/a", None)


SCALED = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body, self.fc = nn.Sequential(nn.Linear(3, 8), nn.ReLU()), nn.Linear(8, 2)

    def forward(self, x):
        return {}

def net():
    return Net()
"""


@pytest.mark.parametrize(
    "returned", ["3 * self.fc(self.body(x)) + 1", "torch.sigmoid(self.fc(self.body(x)))", "torch.relu(self.fc(self.body(x)))",
                 "self.fc(self.body(x)).sigmoid_()", "self.fc(self.body(x)) + self.fc(0 * self.body(x))"],
)  # fmt: skip
def test_numbers_are_not_learnt_by_a_network_that_changes_what_its_head_gives(tmp_path: Path, returned: str) -> None:
    (tmp_path / "nets.py").write_text(SCALED.replace("{}", returned))
    data = table(tmp_path / "x.csv")
    with pytest.raises(ModelError, match="a network whose last operation is its head, for --task regression"):
        transfer(f"{tmp_path / 'nets.py'}:net", data, label="price,age", out=tmp_path / "run", **SCRATCH)
    classes = tmp_path / "classes.csv"
    classes.write_text("\n".join(["a,b,c,label", *(f"{k},{k % 7},{k % 5},{'ab'[k % 2]}" for k in range(60))]))
    with pytest.raises(ModelError, match=r"for --protocol probe, found more after 'fc'.*or use --protocol finetune"):
        transfer(
            f"{tmp_path / 'nets.py'}:net", classes, out=tmp_path / "run", **{**SCRATCH, "protocol": "probe", "weights": "none"}
        )
    (tmp_path / "nets.py").write_text(SCALED.replace("{}", "self.fc(self.body(x))"))
    transfer(f"{tmp_path / 'nets.py'}:net", data, label="price,age", out=tmp_path / "run", **SCRATCH)
