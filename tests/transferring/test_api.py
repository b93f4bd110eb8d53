from __future__ import annotations

import json
import math
import os
import random
import shutil
import signal
import sys
import textwrap
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

import tare
from tare.datasets.image_batches import ImageBatches
from tare.datasets.split import read_split
from tare.errors import DataError, MissingDependencyError, ModelError, OutputError, SpecError, StrategyError
from tare.input_spec.fields import Known
from tare.measuring.api import measure
from tare.measuring.one_pass import TooManySkippedError
from tare.networks.loading import load_network
from tare.normalisation.names import DECLARED, STRATEGIES, Strategy
from tare.statistics.dataset_stats import DatasetStats
from tare.system.progress import SILENT
from tare.training.module import DivergedError, TransferModule
from tare.transferring import plan as transfer_plan
from tare.transferring import protocols
from tare.transferring.api import transfer
from tare.transferring.inputs import TransferRequest
from tare.transferring.result import TransferRun
from tests.images import save_png
from tests.labelled_images import dark_and_light
from tests.tiny_run import MORE, tiny_run

TINY: dict[str, Any] = {"weights": "none", "size": 32, "workers": 0, "device": "cpu"}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Two classes that differ in brightness, six and three images each."""
    return dark_and_light(tmp_path / "data")


def probe(
    data: Path, out: Path, strategy: Strategy | Literal["auto"] = "source", model: str = "timm:test_resnet", **options: Any
) -> TransferRun:
    return transfer(model, data, strategy=strategy, out=out, protocol="probe", **{**TINY, **options})


def finetune(data: Path, out: Path, **options: Any) -> TransferRun:
    return transfer("timm:test_resnet", data, out=out, **{"epochs": 2, "batch_size": 4, **TINY, **options})


def finetune_own(model: str, data: Path, out: Path | str) -> TransferRun:
    return transfer(model, data, out=out, mean=[0.5], std=[0.5], epochs=1, protocol="scratch", **TINY)


def weights(run: TransferRun) -> dict[str, torch.Tensor]:
    return run.load().network.module.state_dict()


def equal(left: dict[str, torch.Tensor], right: dict[str, torch.Tensor]) -> bool:
    return left.keys() == right.keys() and all(torch.equal(left[key], right[key]) for key in left)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_strategy_gives_a_model_that_carries_it(data: Path, tmp_path: Path, strategy: Strategy) -> None:
    source_stats = tmp_path / "source.json"
    measure(data / "val").save(source_stats)
    window = (20, 200) if strategy == "window" else None
    for path in (data / "train").rglob("*.png"):  # zero has no logarithm
        save_png(path, np.maximum(np.asarray(Image.open(path)), 1))
    run = probe(data, tmp_path / "run", strategy, source_stats=source_stats, window=window)
    # The classes differ in brightness alone, which normalising every image by its own values erases.
    assert (run.val_accuracy == 1.0) == (not DECLARED[strategy].apart)
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


def test_match_refuses_statistics_of_another_raw_type_than_the_constants(data: Path, tmp_path: Path) -> None:
    stats = measure(data / "val")
    replace(stats, dtype="uint16").save(tmp_path / "deep.json")
    found = r"dataset0's own statistics in uint8 values, which the constants are of .*, found uint16 values of '.*val'; "
    with pytest.raises(DataError, match=found + "measure that"):
        probe(data, tmp_path / "run", "match", source_stats=tmp_path / "deep.json")
    stats.save(tmp_path / "stats.json")
    run = probe(data, tmp_path / "run", "match", source_stats=tmp_path / "stats.json")
    replace(stats, dtype="float32").save(tmp_path / "unit.json")  # as ToTensor makes them
    same = probe(data, tmp_path / "same", "match", source_stats=tmp_path / "unit.json")
    assert equal(weights(same), weights(run))


def test_fine_tuning_is_the_same_twice_and_depends_on_the_seed(data: Path, tmp_path: Path) -> None:
    first, second, other = (finetune(data, tmp_path / f"{i}", seed=seed) for i, seed in enumerate((0, 0, 1)))
    assert equal(weights(first), weights(second))
    assert not equal(weights(first), weights(other))
    rows = (first.out / "metrics.csv").read_text().splitlines()
    assert rows[0] == "epoch,train_loss,val_loss,val_accuracy,lr"
    assert [row.split(",")[0] for row in rows[1:]] == ["0", "1", "2"]
    assert json.loads((first.out / "metrics.json").read_text())["best_val_accuracy"] == pytest.approx(first.val_accuracy)


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


def test_a_run_that_was_moved_keeps_its_best_epoch(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first epoch is the best one; each run that is killed afterwards goes on in another folder."""
    train, killed = TransferModule.training_step, -1

    def falling(self: TransferModule, batch: Any, index: int) -> None:
        del batch, index
        self.log_dict({"val_loss": 1.0, self.task.epochs.column: 1.0 / (1 + self.current_epoch)}, batch_size=1)

    def step(self: TransferModule, batch: Any, index: int) -> torch.Tensor:
        if self.current_epoch == killed:
            raise KilledError
        return train(self, batch, index)

    monkeypatch.setattr(TransferModule, "validation_step", falling)
    whole = finetune(data, tmp_path / "whole", epochs=2)
    monkeypatch.setattr(TransferModule, "training_step", step)
    for killed in (1, 2):
        with pytest.raises(KilledError):
            finetune(data, tmp_path / f"part{killed}", epochs=2, resume=killed > 1)
        shutil.move(tmp_path / f"part{killed}", tmp_path / f"part{killed + 1}")
    killed = -1
    resumed = finetune(data, tmp_path / "part3", epochs=2, resume=True)
    assert equal(weights(resumed), weights(whole))


@pytest.mark.parametrize("drawn", ["torch.rand(())", "random.random()", "numpy.random.rand()"])
def test_layers_draw_in_a_resumed_epoch_what_they_would_have_drawn(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, drawn: str
) -> None:
    """Dropout, stochastic depth and masks draw from any of the three generators; so may the weights of a network."""
    network = f"""
        import random, numpy, torch
        from torch import nn
        class Deep(nn.Module):
            def forward(self, x):
                return x * 2 if float({drawn}) < 0.5 else x
        def net():
            made = nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(2), nn.Flatten(), Deep(), nn.Linear(16, 2))
            nn.init.constant_(made[0].bias, float({drawn}))
            return made
    """
    (tmp_path / "net.py").write_text(textwrap.dedent(network))
    monkeypatch.chdir(tmp_path)

    def trained(out: str, **options: Any) -> dict[str, torch.Tensor]:
        options = {"epochs": 3, "batch_size": 4, "protocol": "scratch", **TINY, **options}
        run = transfer("net.py:net", data, out=out, mean=[0.5], std=[0.5], **options)
        last: dict[str, torch.Tensor] = torch.load(run.out / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]
        return last

    with monkeypatch.context() as patch:
        step = TransferModule.training_step

        def killed(self: TransferModule, batch: Any, index: int) -> torch.Tensor:
            if self.current_epoch == 1:
                raise KilledError
            return step(self, batch, index)

        patch.setattr(TransferModule, "training_step", killed)
        with pytest.raises(KilledError):
            trained("part")
    before = random.getstate(), repr(np.random.get_state()), torch.random.get_rng_state()
    resumed = trained("part", resume=True)
    assert (random.getstate(), repr(np.random.get_state())) == before[:2]
    assert torch.equal(torch.random.get_rng_state(), before[2])
    assert equal(resumed, trained("whole"))


def test_a_network_that_changes_the_directory_moves_no_output(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worst case: it does so whenever it is fed, in the middle of the training."""
    (tmp_path / "else").mkdir()
    network = f"""
        import os
        from torch import nn
        class Moving(nn.Module):
            def forward(self, x):
                os.chdir({str(tmp_path / "else")!r})
                return x
        def net():
            return nn.Sequential(Moving(), nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 10))
    """
    (tmp_path / "net.py").write_text(textwrap.dedent(network))
    monkeypatch.chdir(tmp_path)
    run = finetune_own("net.py:net", data, "run")
    assert str(run.out) == "run"
    assert (tmp_path / "run" / "model" / "tare.json").is_file()
    assert (tmp_path / "run" / "metrics.json").is_file()
    assert not list((tmp_path / "else").iterdir())


def test_a_network_that_ends_the_program_while_it_trains_is_one_line(data: Path, tmp_path: Path) -> None:
    network = """
        import sys
        from torch import nn
        class Leaving(nn.Module):
            def forward(self, x):
                if self.training:
                    sys.exit(0)
                return x
        def net():
            return nn.Sequential(nn.Conv2d(3, 4, 3), Leaving(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 10))
    """
    (tmp_path / "net.py").write_text(textwrap.dedent(network))
    with pytest.raises(ModelError, match="found SystemExit: 0; take "):
        finetune_own(f"{tmp_path / 'net.py'}:net", data, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_loss_that_is_no_number_stops_the_run_and_leaves_nothing(data: Path, tmp_path: Path) -> None:
    with pytest.raises(DivergedError, match="a finite loss, found nan at epoch 0"):
        finetune(data, tmp_path / "run", lr=1e30)
    assert not (tmp_path / "run").exists()


def test_an_answer_that_is_no_number_counts_as_no_class(tmp_path: Path) -> None:
    root = dark_and_light(tmp_path / "data")
    for place in sorted(root.rglob("*.png")):
        steep = "val" in place.parts and place.stem[-1] == "0"  # bicubic interpolation overshoots below zero beside the edge
        values = np.full((24, 24), 40_000 * (not steep), np.uint16) + np.arange(24, dtype=np.uint16)
        values[:, 12:] += 25_000 * np.uint16(steep)
        Image.fromarray(values).save(place)
    with pytest.raises(DivergedError, match=r"a finite answer to every sample .*NaN or infinity for \d+ of \d+, .*val"):
        finetune(root, tmp_path / "run", strategy="log1p", interpolation="bicubic", augmentation="none")
    with pytest.raises(DivergedError, match=r"a finite answer to every sample .*NaN or infinity for \d+ of \d+, .*val"):
        probe(root, tmp_path / "probed", "log1p", interpolation="bicubic")
    assert not (tmp_path / "probed").exists()


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
        ({"mean": [0.5], "std": [0.0]}, "every --std above zero, found 0"),
        ({"mean": [0.5], "std": [1e-4]}, "every std at least 0.001"),
        ({"strategy": "best"}, "a strategy: source, target"),
        ({"protocol": "magic"}, "a protocol: finetune, probe or scratch"),
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
    from tests.networks.factories import FACTORY

    (tmp_path / "nets.py").write_text(FACTORY)
    model = f"{tmp_path / 'nets.py'}:net"
    with pytest.raises(SpecError, match=r"the source's mean and std .* found neither .*has no pretrained_cfg"):
        transfer(model, data, out=tmp_path / "run", **TINY)
    run = transfer(model, data, out=tmp_path / "run", strategy="target", protocol="probe", **TINY)
    assert run.load(model).normalisation == run.normalisation


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not exist"):
        probe(tmp_path / "absent", tmp_path / "run")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"device": "quantum"}, "hpu or xpu for --device, found 'quantum'"),
        ({"precision": "7-bit"}, "a device and precision that Lightning supports here, found .*Precision '7-bit' is invalid"),
        ({"devices": 0}, "a device and precision that Lightning supports here"),
    ],
)
def test_a_device_that_is_not_here_is_refused_at_once(data: Path, tmp_path: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        finetune(data, tmp_path / "run", **options)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("training", [finetune, probe])
def test_a_process_that_would_train_alone_among_several_leaves_an_earlier_run_as_it_is(
    training: Callable[..., Any], data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "run" / "checkpoints").mkdir(parents=True)
    (tmp_path / "run" / "checkpoints" / "last.ckpt").write_text("an earlier run's")
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(SpecError, match=r"found WORLD_SIZE=2 with 1 device; unset WORLD_SIZE"):
        training(data, tmp_path / "run", **({} if training is probe else {"device": "cpu"}))
    assert (tmp_path / "run" / "checkpoints" / "last.ckpt").read_text() == "an earlier run's"


@pytest.mark.parametrize("read", ["model", "weights", "data", "test", "spec", "source_stats"])
def test_a_run_is_not_overwritten_by_one_that_reads_it(data: Path, tmp_path: Path, read: str) -> None:
    run = tmp_path / "run"
    run.mkdir()
    (run / "run.json").write_text("an earlier run's")
    given = {"model": "timm:test_resnet", "data": data, **TINY, read: str(tmp_path / "here" / "run")}
    (tmp_path / "here").symlink_to(tmp_path)
    with pytest.raises(OutputError, match=f"an output beside the inputs, found .* which {read}=.* reads; name another"):
        transfer(**given, out=run, overwrite=True)
    assert (run / "run.json").read_text() == "an earlier run's"


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
    assert run.history[-1]["val_accuracy"] == 0.0
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


def batch_norms_of(run: TransferRun) -> dict[str, torch.Tensor]:
    return {key: value for key, value in weights(run).items() if "running" in key}


def test_the_head_trains_alone_first_while_the_body_rests(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    start = load_network("timm:test_resnet", "none", seed=0).module.state_dict()
    states: list[dict[str, torch.Tensor]] = []
    ended = TransferModule.on_train_epoch_end

    def noted(self: TransferModule) -> None:
        ended(self)
        states.append({key: value.clone() for key, value in self.network.state_dict().items()})

    monkeypatch.setattr(TransferModule, "on_train_epoch_end", noted)
    finetune(data, tmp_path / "run", head_epochs=2, epochs=1, lr=0.01)
    body = [key for key in start if not key.startswith("fc.")]
    for state in states[:2]:
        assert all(torch.equal(state[key], start[key]) for key in body)
    assert not torch.equal(states[0]["fc.weight"], states[1]["fc.weight"])
    assert not any(torch.equal(states[2][key], start[key]) for key in body if key.endswith(("conv1.weight", "running_mean")))


def test_frozen_parts_stay_as_they_were_to_the_last_bit(data: Path, tmp_path: Path) -> None:
    start = load_network("timm:test_resnet", "none", seed=0).module.state_dict()
    body = weights(finetune(data, tmp_path / "body", freeze="body", lr=0.1))
    assert all(torch.equal(value, start[key]) for key, value in body.items() if not key.startswith("fc."))
    norms = weights(finetune(data, tmp_path / "norms", batchnorm="frozen", lr=0.1))
    assert all(torch.equal(value, start[key]) for key, value in norms.items() if "bn" in key)
    assert not torch.equal(norms["layer1.0.conv1.weight"], start["layer1.0.conv1.weight"])
    with pytest.raises(SpecError, match="which matches no parameter"):
        finetune(data, tmp_path / "none", freeze="layer77")
    assert not (tmp_path / "none").exists()


def test_scratch_draws_everything_from_the_seed(data: Path, tmp_path: Path) -> None:
    given = tmp_path / "given.safetensors"
    save_file(load_network("timm:test_resnet", "none", seed=5).module.state_dict(), given)
    with pytest.raises(SpecError, match=r"no --weights with --protocol scratch, found --weights"):
        finetune(data, tmp_path / "run", protocol="scratch", weights=str(given))
    first, second = (finetune(data, tmp_path / name, protocol="scratch", weights="pretrained", seed=3) for name in "ab")
    assert equal(weights(first), weights(second))
    assert len(first.history) == 2


def test_a_probe_with_re_estimated_batch_norms_validates_under_the_targets_moments(data: Path, tmp_path: Path) -> None:
    plain, adapted = probe(data, tmp_path / "plain"), probe(data, tmp_path / "adapted", batchnorm="reestimate")
    blend = probe(data, tmp_path / "blend", batchnorm="reestimate", bn_prior=12)
    assert any("15 batch norms re-estimated on 12 images" in note for note in adapted.notes)
    assert any("the source weighing 50.0%" in note for note in blend.notes)
    source, target, both = (batch_norms_of(run)["conv1.1.running_mean"] for run in (plain, adapted, blend))
    assert torch.allclose(both, (source + target) / 2, atol=1e-6)
    images = adapted.load()
    caught: list[torch.Tensor] = []
    images.network.module.get_submodule("conv1.1").register_forward_pre_hook(lambda _m, inputs: caught.append(inputs[0]))
    files = read_split(data, 0).train
    batch = torch.stack([ImageBatches(files, images.geometry, "rgb", None, 0)[index][0] for index in range(len(files))])
    images.logits(batch)
    assert torch.allclose(caught[0].mean(dim=(0, 2, 3)), target, atol=1e-5)


def test_re_estimation_after_training_is_said_and_shipped(data: Path, tmp_path: Path) -> None:
    plain, run = (finetune(data, tmp_path / kind, batchnorm=kind) for kind in ("train", "reestimate"))
    assert any("batch norms re-estimated on 12 images" in note for note in run.notes)
    assert torch.equal(weights(plain)["fc.weight"], weights(run)["fc.weight"])
    assert not torch.equal(batch_norms_of(plain)["bn1.running_mean"], batch_norms_of(run)["bn1.running_mean"])


def test_a_network_without_batch_norm_is_told_so(data: Path, tmp_path: Path) -> None:
    run = transfer("timm:test_vit", data, out=tmp_path / "run", protocol="probe", batchnorm="reestimate", **{**TINY, "size": 160})
    assert any("--batchnorm reestimate has no effect: timm:test_vit has no batch norm" in note for note in run.notes)


def test_every_option_at_once_is_the_same_twice_with_any_number_of_workers(data: Path, tmp_path: Path) -> None:
    options: dict[str, Any] = {
        "augmentation": "randaugment", "mixup": 0.3, "cutmix": 1.0, "erasing": 0.2, "ema": 0.8, "accumulate": 2, "patience": 3,
        "label_smoothing": 0.1, "class_weights": "balanced", "layer_decay": 0.7, "optimizer": "sgd", "grad_clip": 1.0,
    }  # fmt: skip
    first, second = (finetune(data, tmp_path / str(workers), workers=workers, **options) for workers in (0, 2))
    assert equal(weights(first), weights(second))
    assert (first.out / "metrics.csv").read_text() == (second.out / "metrics.csv").read_text()


def test_the_average_of_the_weights_is_what_is_validated_and_shipped(data: Path, tmp_path: Path) -> None:
    run = finetune(data, tmp_path / "run", ema=0.99, lr=0.05)
    state = torch.load(run.out / "checkpoints" / "last.ckpt", weights_only=True)
    shipped = tare.load_model(run.out / "model-last").network.module.state_dict()
    assert all(torch.equal(value, state["state_dict"][f"network.{key}"]) for key, value in shipped.items())
    assert not all(torch.equal(value, state["current_model_state"][f"network.{key}"]) for key, value in shipped.items())


@pytest.mark.parametrize("accumulate", [1, 2])
def test_no_forward_pass_finds_gradients_of_a_step_that_was_taken(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, accumulate: int
) -> None:
    held: list[bool] = []
    step = TransferModule.training_step

    def noted(self: TransferModule, batch: Any, index: int) -> torch.Tensor:
        held.append(any(parameter.grad is not None for parameter in self.parameters()))
        return step(self, batch, index)

    monkeypatch.setattr(TransferModule, "training_step", noted)
    finetune(data, tmp_path / "run", epochs=1, head_epochs=0, batch_size=4, accumulate=accumulate)
    assert len(held) >= 3
    assert held == [index % accumulate > 0 for index in range(len(held))]


def test_one_weight_that_is_infinite_ends_the_run_and_a_large_sum_does_not(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def poisoned(self: TransferModule, value: float) -> None:
        with torch.no_grad():
            for layer in self.modules():
                if isinstance(layer, torch.nn.BatchNorm2d) and layer.running_mean is not None:
                    layer.running_mean[:2] = value
        ended(self)

    ended = TransferModule.on_train_epoch_end
    monkeypatch.setattr(TransferModule, "on_train_epoch_end", lambda self: poisoned(self, 3e38))
    finetune(data, tmp_path / "large", epochs=1, head_epochs=0)
    monkeypatch.setattr(TransferModule, "on_train_epoch_end", lambda self: poisoned(self, math.inf))
    with pytest.raises(DivergedError, match=r"NaN or infinity in .*running_mean"):
        finetune(data, tmp_path / "infinite", epochs=1, head_epochs=0)


def test_patience_ends_a_run_and_a_resumed_one_does_not_go_on(data: Path, tmp_path: Path) -> None:
    run = finetune(data, tmp_path / "run", epochs=30, patience=2, lr=1e-12, head_epochs=0)
    assert len(run.history) == 3
    shutil.rmtree(run.out / "model")
    again = finetune(data, tmp_path / "run", epochs=30, patience=2, lr=1e-12, head_epochs=0, resume=True)
    assert again.history == run.history
    assert again.metrics == run.metrics


def test_a_run_whose_data_changed_is_not_resumed(data: Path, tmp_path: Path) -> None:
    finetune(data, tmp_path / "run")
    save_png(data / "train" / "dark" / "0.png", np.full((36, 40, 3), 99, dtype=np.uint8))
    with pytest.raises(OutputError, match=r"training images: 12 with mean .* then, 12 with mean .* now"):
        finetune(data, tmp_path / "run", resume=True)
    with pytest.raises(OutputError, match=r"(augmentation|training images): "):
        finetune(data, tmp_path / "run", resume=True, augmentation="none")


@pytest.mark.parametrize("kind", ["rewritten", "removed", "touched"])
def test_figures_are_of_the_data_that_were_measured(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """A validation image that another program changes while the network trains."""
    last = sorted((data / "val").rglob("*.png"))[-1]

    def changing(*args: Any, **kwargs: Any) -> Any:
        if kind == "rewritten":
            save_png(last, np.full((36, 40, 3), 99, dtype=np.uint8))
        elif kind == "removed":
            last.unlink(missing_ok=True)
        else:
            os.utime(last, (1, 1))
        return evaluated(*args, **kwargs)

    evaluated = protocols._evaluated
    monkeypatch.setattr(protocols, "_evaluated", changing)
    if kind == "touched":
        assert probe(data, tmp_path / "run").evaluation.samples == 6
        return
    with pytest.raises(DataError, match="samples that stay what they were"):
        probe(data, tmp_path / "run")
    assert not (tmp_path / "run" / "evaluation.json").exists()


def test_a_run_is_told_by_the_name_that_it_was_given(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    finetune(data, Path("run"))
    with pytest.raises(OutputError, match=r"the settings that 'run' was started with, found lr: "):
        finetune(data, Path("run"), resume=True, lr=0.5)


def test_a_run_whose_images_exchanged_their_names_is_not_resumed(data: Path, tmp_path: Path) -> None:
    finetune(data, tmp_path / "run")
    first, second = data / "train" / "dark" / "0.png", data / "train" / "light" / "0.png"
    assert first.stat().st_size != second.stat().st_size
    aside = second.read_bytes()
    second.write_bytes(first.read_bytes())
    first.write_bytes(aside)
    with pytest.raises(OutputError, match=r"values of files: .* then, .* now"):
        finetune(data, tmp_path / "run", resume=True)


def test_a_run_whose_images_of_one_size_exchanged_their_classes_is_not_resumed(data: Path, tmp_path: Path) -> None:
    for image in data.rglob("*.png"):
        Image.open(image).save(image.with_suffix(".bmp"))
        image.unlink()
    finetune(data, tmp_path / "run")
    first, second = data / "train" / "dark" / "0.bmp", data / "train" / "light" / "0.bmp"
    assert first.stat().st_size == second.stat().st_size
    aside = second.read_bytes()
    second.write_bytes(first.read_bytes())
    first.write_bytes(aside)
    with pytest.raises(OutputError, match=r"values of files: .* then, .* now"):
        finetune(data, tmp_path / "run", resume=True)


NET = """
import torch
from layers_of_net import Act
def net():
    return torch.nn.Sequential(
        torch.nn.Conv2d(3, 8, 3, stride=2), Act(), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(8, 2)
    )
"""


@pytest.mark.parametrize("changed", ["net.py", "layers_of_net.py", "weights.pt"])
def test_a_run_whose_network_changed_is_not_resumed(data: Path, tmp_path: Path, changed: str) -> None:
    (tmp_path / "net.py").write_text(NET)
    (tmp_path / "layers_of_net.py").write_text("import torch\nclass Act(torch.nn.ReLU):\n    pass\n")
    weights = tmp_path / "weights.pt"
    torch.save(load_network(f"{tmp_path / 'net.py'}:net", "none").module.state_dict(), weights)
    options: dict[str, Any] = {**TINY, "weights": str(weights), "mean": [0.5], "std": [0.5], "epochs": 1}

    def start(**more: Any) -> TransferRun:
        return transfer(f"{tmp_path / 'net.py'}:net", data, out=tmp_path / "run", **options, **more)

    start()
    (tmp_path / "net.py").write_text("# a remark changes no weight\n" + NET)
    start(resume=True)
    if changed == "weights.pt":
        torch.save({name: value + 1 for name, value in torch.load(weights).items()}, weights)
    else:
        path = tmp_path / changed
        path.write_text(path.read_text().replace("stride=2", "stride=1").replace("ReLU", "Tanh"))
    what = "weights of the network" if changed == "weights.pt" else "code of the network"
    with pytest.raises(OutputError, match=rf"{what}: \w+ then, \w+ now; resume with the same settings"):
        start(resume=True)


@pytest.mark.parametrize("options", [{}, {"protocol": "probe"}, {"protocol": "probe", "batchnorm": "reestimate"}])
def test_a_loader_that_was_ended_from_outside_is_one_line(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any]
) -> None:
    parent = os.getpid()

    def die(batches: ImageBatches, index: int) -> tuple[torch.Tensor, Any]:
        if os.getpid() != parent:  # the network's own look at a sample is not meant
            os.kill(os.getpid(), signal.SIGKILL)
        return there(batches, index)

    there = ImageBatches.__getitem__
    monkeypatch.setattr(ImageBatches, "__getitem__", die)
    with pytest.raises(DataError, match=r"^expected loader processes that stay alive, found one that was ended from outside"):
        transfer("timm:test_resnet", data, out=tmp_path / "run", **{**TINY, "epochs": 1, "workers": 1, **options})


def test_a_disk_that_is_full_keeps_the_last_good_checkpoint(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save, written = torch.save, []

    def full(checkpoint: Any, path: Path) -> None:
        written.append(path)
        if len(written) > 3:
            raise RuntimeError("PytorchStreamWriter failed writing file data/3: file write failed")
        save(checkpoint, path)

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(OutputError, match="No space left on device"):
        finetune(data, tmp_path / "run", lr=1e-12)
    monkeypatch.undo()
    assert [path.name for path in (tmp_path / "run" / "checkpoints").iterdir() if path.suffix == ".part"] == []
    assert finetune(data, tmp_path / "run", lr=1e-12, resume=True).history[-1]["epoch"] == 2


def test_weights_that_are_no_numbers_never_reach_a_checkpoint(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = TransferModule.validation_step

    def poisoned(self: TransferModule, batch: Any, index: int) -> None:
        step(self, batch, index)
        if self.current_epoch == 1:
            next(self.network.parameters()).data.fill_(float("nan"))

    monkeypatch.setattr(TransferModule, "validation_step", poisoned)
    with pytest.raises(
        DivergedError, match=r"finite weights, found NaN or infinity in 'conv1.0.weight' after epoch 1; lower --lr"
    ):
        finetune(data, tmp_path / "run")
    assert torch.load(tmp_path / "run" / "checkpoints" / "last.ckpt", weights_only=True)["epoch"] == 0


def test_a_single_image_left_over_is_left_out_of_the_epoch(data: Path, tmp_path: Path) -> None:
    (data / "train" / "dark" / "5.png").unlink()
    assert len(finetune(data, tmp_path / "run", batch_size=10).history) == 3
    with pytest.raises(
        ModelError, match=r"batches in which batch norm has a variance, found a batch of one image; raise --batch"
    ):
        finetune(data, tmp_path / "one", batch_size=1, size=16)


def test_one_image_a_class_is_enough(tmp_path: Path) -> None:
    data = dark_and_light(tmp_path / "data", train=1, val=1)
    assert probe(data, tmp_path / "probe").evaluation.samples == 2
    assert finetune(data, tmp_path / "run").evaluation.samples == 2


def test_a_transferred_model_is_a_new_source_fed_as_it_was(data: Path, tmp_path: Path) -> None:
    first = finetune(data, tmp_path / "first", strategy="target")
    second = probe(data, tmp_path / "second", weights="pretrained", model=str(first.out))
    assert second.normalisation.mean == pytest.approx(first.normalisation.mean)
    ours, theirs = weights(second), weights(first)
    assert all(torch.equal(ours[key], theirs[key]) for key in ours if not key.startswith("fc."))
    alone = probe(data, tmp_path / "alone", "sample")
    with pytest.raises(SpecError, match="was trained on samples normalised by their own moments: --strategy sample"):
        probe(data, tmp_path / "third", weights="pretrained", model=str(alone.model_dir))
    with pytest.raises(ModelError, match=r"a run or a model directory with a tare\.json"):
        probe(data, tmp_path / "third", model=str(data))


def test_a_model_that_a_file_built_is_a_source_as_weights_beside_its_file(data: Path, tmp_path: Path) -> None:
    from tests.networks.factories import FACTORY

    (tmp_path / "nets.py").write_text(FACTORY)
    model = f"{tmp_path / 'nets.py'}:net"
    first = probe(data, tmp_path / "first", "target", model=model)
    with pytest.raises(ModelError, match=r"use --model .*nets.py:net --weights .*first"):
        probe(data, tmp_path / "second", model=str(first.out))
    second = probe(data, tmp_path / "second", model=model, weights=str(first.out))
    assert second.normalisation.mean == pytest.approx(first.normalisation.mean)


def test_a_torchvision_network_is_built_fed_saved_and_loaded_by_its_name(data: Path, tmp_path: Path) -> None:
    run = probe(data, tmp_path / "run", model="torchvision:mobilenet_v3_small", size=64)
    assert run.normalisation.mean == (0.485, 0.456, 0.406)
    assert run.load().network.reference == "torchvision:mobilenet_v3_small"
    again = probe(data, tmp_path / "again", weights="pretrained", model=str(run.out), size=64)
    assert again.normalisation == run.normalisation


def test_a_last_layer_that_is_no_classifier_is_refused(data: Path, tmp_path: Path) -> None:
    layers = "nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 6), nn.Unflatten(1, (2, -1))"
    (tmp_path / "nets.py").write_text(f"from torch import nn\n\n\ndef net():\n    return nn.Sequential({layers})\n")
    with pytest.raises(ModelError, match=r"one number for each of 2 classes: shape \(2, 2\) for two images, found \(2, 2, 1\)"):
        probe(data, tmp_path / "run", model=f"{tmp_path / 'nets.py'}:net", mean=[0.5], std=[0.5])


def test_strategy_auto_says_what_it_took(data: Path, tmp_path: Path) -> None:
    run = probe(data, tmp_path / "run", "auto")
    assert run.normalisation.strategy == "source"
    assert any(note.startswith("strategy auto: source") for note in run.notes)


def test_a_tracker_that_is_not_installed_is_named_with_its_extra(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    with pytest.raises(MissingDependencyError, match=r"the package 'tensorboard' for --tracker tensorboard.*tare\[tensorboard\]"):
        finetune(data, tmp_path / "run", tracker=["tensorboard"])


def test_an_error_of_the_data_in_a_loader_process_keeps_its_type(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = transfer_plan.planned

    def planned(*arguments: Any) -> Any:
        made = plan(*arguments)
        (data / "train" / "dark" / "3.png").unlink()
        return made

    monkeypatch.setattr("tare.transferring.protocols.planned", planned)
    with pytest.raises(DataError, match=r"images that stay readable during training, found .*3.png"):
        finetune(data, tmp_path / "run", workers=1)


def test_statistics_are_stored_with_their_standard_errors_and_those_of_the_training_split(data: Path, tmp_path: Path) -> None:
    run = finetune(data, tmp_path / "run")
    stored = DatasetStats.from_json(json.loads((run.model_dir / "tare.json").read_text())["target_stats"])
    measured = measure(data / "train")
    assert stored.mean == measured.mean
    assert [channel.mean_se for channel in stored.channels] == [channel.mean_se for channel in measured.channels]
    assert all(channel.std_se > 0 for channel in stored.channels)


def test_arrays_with_labels_are_transferred_like_a_folder_of_them(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(40) % 2
    images = np.where(labels[:, None, None] == 1, 180, 60) + rng.integers(-30, 30, (40, 32, 32))
    np.savez(tmp_path / "a.npz", x=images.astype(np.uint8), y=labels)
    made = {"model": "timm:test_resnet", "weights": "none", "mean": [0.5], "std": [0.25], "size": 32, "protocol": "probe"}
    run = transfer(data=tmp_path / "a.npz", out=tmp_path / "run", workers=0, device="cpu", **made)  # type: ignore[arg-type]
    assert run.val_accuracy == 1.0
    folder = tmp_path / "folder"
    for index, (image, label) in enumerate(zip(images.astype(np.uint8), labels, strict=True)):
        (folder / str(label)).mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(folder / str(label) / f"{index:02}.png")
    same = transfer(data=folder, out=tmp_path / "again", workers=0, device="cpu", **made)  # type: ignore[arg-type]
    assert same.target_stats.mean == pytest.approx(run.target_stats.mean, rel=0.05)


@pytest.mark.parametrize(
    ("model", "options", "said"),
    [
        ("timm:test_resnet", {}, False),
        ("timm:test_resnet", {"batchnorm": "frozen"}, True),
        ("timm:test_resnet", {"protocol": "probe"}, True),
        ("timm:test_resnet", {"protocol": "probe", "strategy": "source"}, False),
        ("timm:test_vit", {}, True),
    ],
)
def test_a_strategy_that_was_left_open_is_said_where_the_choice_can_matter(
    data: Path, tmp_path: Path, model: str, options: dict[str, Any], said: bool
) -> None:
    size = {"size": 160} if model.endswith("vit") else {}
    given = {**TINY, "epochs": 1, "batch_size": 4, "weights": "none", **size, **options}
    plan = transfer_plan.planned(TransferRequest(model, data, out=tmp_path / "run", **given), SILENT)
    assert any(note.startswith("strategy source by default") for note in plan.notes) is said


def test_decibels_of_floats_are_measured_on_the_training_split(tmp_path: Path) -> None:
    values = 10 ** np.random.default_rng(0).uniform(-4, 0, (24, 36, 40, 3))
    labels = np.arange(24) % 2
    np.savez(tmp_path / "powers.npz", x=(values * (1 + 9 * labels[:, None, None, None])).astype(np.float32), y=labels)
    run = probe(tmp_path / "powers.npz", tmp_path / "run", "dB")
    mean, std = run.normalisation.moments_fed(run.target_stats)
    assert mean == pytest.approx((0, 0, 0), abs=1e-9)
    assert std == pytest.approx((1, 1, 1), rel=1e-9)
    assert run.load().spec().value_map == Known("dB", "transfer with strategy 'dB'")


def test_a_run_that_cut_its_values_is_a_source_that_does_so(data: Path, tmp_path: Path) -> None:
    first = probe(data, tmp_path / "first", "percentile")
    again = transfer(str(first.out), data, strategy="source", out=tmp_path / "again", protocol="probe", workers=0, device="cpu")
    before, now = (np.array(run.normalisation.clip) for run in (first, again))
    np.testing.assert_allclose(now, before, rtol=1e-12)
    assert again.normalisation.std == pytest.approx(first.normalisation.std)
    scale = transfer_plan.planned(
        TransferRequest(str(first.out), data, strategy="source", out="run", workers=0, scale=1 / 255), SILENT
    )
    np.testing.assert_allclose(np.array(scale.chosen.clip), before, rtol=1e-12)
    with pytest.raises(StrategyError, match=r"a source of mean and std alone for the strategy 'blend'.* clipped to"):
        transfer(str(first.out), data, strategy="blend", out=tmp_path / "blend", protocol="probe", workers=0, device="cpu")


def test_a_run_of_a_logarithm_is_a_source_of_one(data: Path, tmp_path: Path) -> None:
    run = tiny_run(tmp_path, "log1p", with_data=False)
    found = transfer_plan.planned(TransferRequest(str(run), data, strategy="source", out="run", workers=0), SILENT)
    assert replace(found.chosen, strategy="log1p") == MORE["log1p"]
    assert "TARE091" not in " ".join(found.gate.lines)


def test_a_window_is_checked_before_the_data_are_read() -> None:
    for strategy, window, found in (("window", None, "found none"), ("target", (0, 1), "--strategy target")):
        with pytest.raises(SpecError, match=f"a --window for --strategy window.*{found}"):
            TransferRequest("timm:test_resnet", "nowhere", out="run", strategy=strategy, window=window)  # type: ignore[arg-type]
    with pytest.raises(SpecError, match="a low end and a higher one for --window, found 5, 5"):
        TransferRequest("timm:test_resnet", "nowhere", out="run", strategy="window", window=(5, 5))
