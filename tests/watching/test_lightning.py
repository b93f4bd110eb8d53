"""A real fit of Lightning's Trainer with the watch as its callback."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

import tare
from tare.errors import InputError
from tare.watching.lightning import WatchCallback, network_in
from tests.watched import SPEC, Net, blurred, raw_images, right, unit, warned

WRONG = unit(raw_images(16))


class Task(pl.LightningModule):
    def __init__(self, net: nn.Module | None = None) -> None:
        super().__init__()
        self.augment, self.net, self.other = nn.Identity(), net or Net(), nn.Linear(1, 1)

    def training_step(self, batch: Any, _: int) -> Tensor:
        return nn.functional.cross_entropy(self.net(self.augment(batch[0])), batch[1])

    def validation_step(self, batch: Any, _: int) -> None:
        self.net(batch[0])

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), 0.01)


def loader(images: Tensor) -> DataLoader[Any]:
    return DataLoader(TensorDataset(images, torch.arange(len(images)) % 2), batch_size=4)


def trainer(folder: Path, callback: WatchCallback) -> pl.Trainer:
    quiet: dict[str, Any] = dict.fromkeys(
        ("logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary"), False
    )
    return pl.Trainer(max_epochs=1, accelerator="cpu", default_root_dir=folder, callbacks=[callback], **quiet)


def fitted(folder: Path, callback: WatchCallback, train: Tensor, val: Tensor, task: Task | None = None) -> list[str]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        trainer(folder, callback).fit(task or Task(), loader(train), loader(val))
    return warned(caught)


def test_a_right_fit_is_silent_and_both_stages_are_seen(tmp_path: Path) -> None:
    callback = WatchCallback()
    assert fitted(tmp_path, callback, right(), right()) == []
    assert callback.report is not None
    assert [(stage.stage, stage.fits) for stage in callback.report.stages] == [("train", True), ("eval", True)]


def test_a_wrong_fit_is_warned_about_once(tmp_path: Path) -> None:
    callback, task = WatchCallback(), Task()
    (text,) = fitted(tmp_path, callback, WRONG, WRONG, task)
    assert "TARE004" in text
    assert not task.net._forward_pre_hooks


def test_a_validation_that_differs_from_training_is_named(tmp_path: Path) -> None:
    (text,) = fitted(tmp_path, WatchCallback(), right(), WRONG)
    assert text.startswith("evaluation batch 1: TARE004")


def test_what_was_not_judged_is_said_at_the_end(tmp_path: Path) -> None:
    callback = WatchCallback(SPEC)
    (text,) = fitted(tmp_path, callback, blurred(right(4)), right())
    assert text == "tare.watch: not judged: train: too few samples: 4, and at least 8 are needed"
    assert callback.report is not None
    assert callback.report.clean is None


def test_raise_ends_the_fit(tmp_path: Path) -> None:
    task = Task()
    with pytest.raises(InputError, match="TARE004"):
        trainer(tmp_path, WatchCallback(on_finding="raise")).fit(task, loader(WRONG), loader(right()))
    assert not task.net._forward_pre_hooks


def test_a_trainer_that_only_validates_is_watched(tmp_path: Path) -> None:
    callback = WatchCallback(on_finding=lambda _: None)
    trainer(tmp_path, callback).validate(Task(), loader(WRONG), verbose=False)
    assert callback.report is not None
    assert [finding.code for finding in callback.report.findings] == ["TARE004"]


def test_a_network_that_is_never_called_is_said(tmp_path: Path) -> None:
    (text,) = fitted(tmp_path, WatchCallback(SPEC, module="other"), right(), right())
    assert text == "tare.watch saw no batch: name the network with WatchCallback(module=...)"


def test_the_network_is_the_one_that_states_its_input_else_the_only_one_with_weights() -> None:
    task = Task()
    assert network_in(task) is task.net
    assert network_in(task, "other") is task.other
    plain = nn.Sequential(nn.Identity(), nn.Linear(2, 2))
    assert network_in(plain) is plain[1]
    both = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    assert network_in(both) is both
    with pytest.raises(AttributeError, match="no attribute `nothing`"):
        network_in(task, "nothing")


def test_the_callback_is_a_callback() -> None:
    assert isinstance(WatchCallback(), pl.Callback)
    assert tare.watch is not None


@pytest.mark.parametrize("values", [right(), WRONG], ids=["right", "wrong"])
def test_a_fit_has_the_same_bits_with_the_watch_and_without(tmp_path: Path, values: Tensor) -> None:
    def ended(callbacks: list[Any]) -> tuple[dict[str, Tensor], Tensor, Any]:
        pl.seed_everything(7, verbose=False)
        task = Task()
        shuffled = DataLoader(TensorDataset(values, torch.arange(len(values)) % 2), batch_size=4, shuffle=True)
        quiet: dict[str, Any] = dict.fromkeys(
            ("logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary"), False
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fit = pl.Trainer(max_epochs=2, accelerator="cpu", default_root_dir=tmp_path, callbacks=callbacks, **quiet)
            fit.fit(task, shuffled, loader(values))
        return task.state_dict(), torch.get_rng_state(), fit.optimizers[0].state_dict()

    (weights, drawn, optimiser), (plain, plainly_drawn, plain_optimiser) = ended([WatchCallback()]), ended([])
    assert [*weights] == [*plain]
    assert all(torch.equal(weights[name], plain[name]) for name in plain)
    assert torch.equal(drawn, plainly_drawn)
    assert optimiser == plain_optimiser
