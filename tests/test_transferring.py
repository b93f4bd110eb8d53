from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tare.errors import DataError, ModelError, OutputError, SpecError, StrategyError
from tare.finetune import DivergedError, TransferModule
from tare.measuring import TooManySkippedError, measure
from tare.strategies import STRATEGIES, Strategy
from tare.transferring import TransferRun, transfer
from tests.images import save_png

TINY: dict[str, Any] = {"weights": "none", "size": 32, "workers": 0, "device": "cpu"}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Two classes that differ in brightness, ``train/`` and ``val/``, six and three images each."""
    generator = np.random.default_rng(0)
    for part, count in (("train", 6), ("val", 3)):
        for label, level in (("dark", 60), ("light", 180)):
            for index in range(count):
                pixels = np.clip(generator.normal(level, 30, (36, 40, 3)), 0, 255).astype(np.uint8)
                save_png(tmp_path / "data" / part / label / f"{index}.png", pixels)
    return tmp_path / "data"


def probe(data: Path, out: Path, strategy: Strategy = "source", **options: Any) -> TransferRun:
    return transfer("timm:test_resnet", data, strategy=strategy, out=out, protocol="probe", **{**TINY, **options})


def finetune(data: Path, out: Path, **options: Any) -> TransferRun:
    return transfer("timm:test_resnet", data, out=out, epochs=2, batch_size=4, **{**TINY, **options})


def weights(run: TransferRun) -> dict[str, torch.Tensor]:
    return run.load().network.module.state_dict()


def equal(left: dict[str, torch.Tensor], right: dict[str, torch.Tensor]) -> bool:
    return left.keys() == right.keys() and all(torch.equal(left[key], right[key]) for key in left)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_strategy_gives_a_model_that_carries_it(data: Path, tmp_path: Path, strategy: Strategy) -> None:
    source_stats = tmp_path / "source.json"
    measure(data / "val").save(source_stats)
    run = probe(data, tmp_path / "run", strategy, source_stats=source_stats)
    # The classes differ in brightness alone, which normalising every image by its own moments erases.
    assert (run.val_accuracy == 1.0) == (strategy != "sample")
    assert run.load().normalisation == run.normalisation
    assert run.normalisation.strategy == strategy
    if strategy == "source":
        assert run.normalisation.mean == (0.5, 0.5, 0.5)


def test_target_statistics_come_from_the_training_split_alone(data: Path, tmp_path: Path) -> None:
    first = probe(data, tmp_path / "first", "target")
    assert first.normalisation.mean == measure(data / "train").mean
    for path in (data / "val" / "light").iterdir():
        save_png(path, np.full((36, 40, 3), 255, dtype=np.uint8))
    second = probe(data, tmp_path / "second", "target")
    assert second.normalisation == first.normalisation
    assert equal(weights(first), weights(second))


def test_match_takes_the_catalogs_moments_where_the_constants_have_any(data: Path, tmp_path: Path) -> None:
    run = probe(data, tmp_path / "run", "match", mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
    assert any("imagenet-pooled" in note for note in run.notes)
    with pytest.raises(StrategyError, match="measured statistics of dataset0 for the strategy 'match', found none"):
        probe(data, tmp_path / "other", "match", mean=[0.3], std=[0.3])


def test_fine_tuning_is_the_same_twice_and_depends_on_the_seed(data: Path, tmp_path: Path) -> None:
    first, second, other = (finetune(data, tmp_path / f"{i}", seed=seed) for i, seed in enumerate((0, 0, 1)))
    assert equal(weights(first), weights(second))
    assert not equal(weights(first), weights(other))
    rows = (first.out / "metrics.csv").read_text().splitlines()
    assert rows[0] == "epoch,train_loss,val_loss,val_accuracy,lr"
    assert [row.split(",")[0] for row in rows[1:]] == ["0", "1"]
    assert json.loads((first.out / "metrics.json").read_text())["best_val_accuracy"] == first.val_accuracy


class KilledError(Exception):
    pass


def test_an_interrupted_run_resumes_to_the_same_weights(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = finetune(data, tmp_path / "whole")
    with monkeypatch.context() as patch:
        step = TransferModule.training_step

        def killed(self: TransferModule, batch: Any, index: int) -> torch.Tensor:
            if self.current_epoch == 1 and index == 1:
                raise KilledError
            return step(self, batch, index)

        patch.setattr(TransferModule, "training_step", killed)
        with pytest.raises(KilledError):
            finetune(data, tmp_path / "part")
    assert not (tmp_path / "part" / "model").exists()
    with pytest.raises(OutputError, match="seed: 0 then, 1 now"):
        finetune(data, tmp_path / "part", resume=True, seed=1)
    resumed = finetune(data, tmp_path / "part", resume=True)
    last = [torch.load(run.out / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"] for run in (whole, resumed)]
    assert equal(*last)
    assert equal(weights(whole), weights(resumed))
    assert (resumed.out / "metrics.csv").read_text() == (whole.out / "metrics.csv").read_text()


def test_a_loss_that_is_no_number_stops_the_run_and_leaves_nothing(data: Path, tmp_path: Path) -> None:
    with pytest.raises(DivergedError, match="a finite loss, found nan at epoch 0"):
        finetune(data, tmp_path / "run", lr=1e30)
    assert not (tmp_path / "run").exists()


def test_a_few_unreadable_files_are_left_out_and_said(data: Path, tmp_path: Path) -> None:
    (data / "train" / "dark" / "broken.png").write_bytes(b"no image")
    with pytest.raises(TooManySkippedError, match=r"at most 1.00% unreadable samples, found 1 of 13"):
        probe(data, tmp_path / "run")
    run = probe(data, tmp_path / "run", max_skipped=0.2)
    assert any("left out 1 unreadable images" in note for note in run.notes)
    assert run.target_stats.samples == 12


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mean": [0.5]}, "both --mean and --std, or neither"),
        ({"mean": [0.5, 0.5], "std": [0.5, 0.5]}, "3 values, one per input channel"),
        ({"mean": [0.5], "std": [0.0]}, "every std at least 0.001"),
        ({"strategy": "best"}, "a strategy among source, target"),
        ({"protocol": "magic"}, "a protocol: finetune or probe"),
        ({"interpolation": "magic"}, "an interpolation: bilinear, bicubic"),
        ({"crop": 1.5}, "--crop above 0 and at most 1, found 1.5"),
        ({"epochs": 0}, "--epochs above zero"),
        ({"lr": -1.0}, "--lr above zero"),
    ],
)
def test_contradictory_options_are_refused_before_anything_is_written(
    data: Path, tmp_path: Path, options: dict[str, Any], message: str
) -> None:
    with pytest.raises((SpecError, StrategyError), match=message):
        transfer("timm:test_resnet", data, out=tmp_path / "run", **{**TINY, **options})
    assert not (tmp_path / "run").exists()


def test_a_network_that_states_nothing_and_gets_nothing_is_an_error_not_imagenet(data: Path, tmp_path: Path) -> None:
    from tests.test_networks import FACTORY

    (tmp_path / "nets.py").write_text(FACTORY)
    model = f"{tmp_path / 'nets.py'}:net"
    with pytest.raises(SpecError, match=r"the source's mean and std .* nobody stated them .*has no pretrained_cfg"):
        transfer(model, data, out=tmp_path / "run", **TINY)
    run = transfer(model, data, out=tmp_path / "run", strategy="target", protocol="probe", **TINY)
    assert run.load(model).normalisation == run.normalisation


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not exist"):
        probe(tmp_path / "absent", tmp_path / "run")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"device": "quantum"}, "what Lightning can train with here, found --device quantum"),
        ({"precision": "7-bit"}, "what Lightning can train with here, found .*Precision '7-bit' is invalid"),
        ({"devices": 0}, "what Lightning can train with here"),
    ],
)
def test_a_device_that_is_not_here_is_refused_at_once(data: Path, tmp_path: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        finetune(data, tmp_path / "run", **options)
    assert not (tmp_path / "run").exists()


def test_a_size_that_the_network_cannot_take_is_refused_before_the_data_are_read(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"a network that takes 96 x 96 images, found .* choose another --size"):
        transfer("timm:vit_tiny_patch16_224", tmp_path, out=tmp_path / "run", **{**TINY, "size": 96})


def test_an_accuracy_of_zero_and_a_validation_loss_that_is_no_number_are_written_as_they_are(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hopeless(self: TransferModule, *_: Any) -> None:
        self.log("val_loss", float("nan"), batch_size=1)
        self.log("val_accuracy", 0.0, batch_size=1)

    monkeypatch.setattr(TransferModule, "validation_step", hopeless)
    run = finetune(data, tmp_path / "run")
    assert run.val_accuracy == 0.0
    written = json.loads((run.out / "metrics.json").read_text())
    assert written["val_loss"] is None
    assert written["best_val_accuracy"] == 0.0
    assert run.to_json()["metrics"] == written


def test_a_classifier_without_bias_gets_one_for_the_probe(data: Path, tmp_path: Path) -> None:
    (tmp_path / "nets.py").write_text(
        "from torch import nn\n\n\ndef net():\n"
        "    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 9, bias=False))\n"
    )
    model = f"{tmp_path / 'nets.py'}:net"
    run = transfer(model, data, out=tmp_path / "run", protocol="probe", mean=[0.5], std=[0.5], **TINY)
    assert run.load(model).network.classifier.bias is not None
