from __future__ import annotations

from typing import Any

import pytest

from tare.datasets.options import Augmenting
from tare.errors import SpecError
from tare.system.options import part
from tare.training.options import Machine, Training


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"epochs": 0}, "--epochs above zero, found 0; raise it"),
        ({"lr": -1}, "--lr above zero"),
        ({"ema": 1.5}, "--ema above zero and at most 1, found 1.5; lower it"),
        ({"layer_decay": 0}, "--layer-decay above zero and at most 1"),
        ({"mixup": -0.1}, "--mixup at least 0"),
        ({"protocol": "magic"}, "a protocol: finetune, probe or scratch, found 'magic'"),
        ({"augmentation": "none", "erasing": 0.5}, "an augmentation beside --erasing"),
        ({"protocol": "scratch", "freeze": "stem"}, "--protocol scratch to train all weights"),
        ({"protocol": "scratch", "head_epochs": 1}, "--protocol scratch to train all weights"),
        ({"protocol": "scratch", "batchnorm": "frozen"}, "pretrained batch norms to freeze"),
        ({"bn_prior": 4, "batchnorm": "reestimate"}, "--protocol probe --batchnorm reestimate with --bn-prior"),
        ({"protocol": "probe", "bn_prior": 4}, "--protocol probe --batchnorm reestimate with --bn-prior"),
        ({"protocol": "probe", "ema": 0.9}, "an option that --protocol probe can follow.*--ema 0.9"),
        ({"protocol": "probe", "mixup": 0.2}, "--mixup 0.2; drop it, or use --protocol finetune"),
        ({"protocol": "probe", "freeze": "stem"}, "--freeze stem"),
        ({"protocol": "probe", "patience": 3}, "--patience 3"),
    ],
)
def test_what_cannot_be_is_said_with_its_option(options: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        Training(**options)


def test_a_probe_refuses_every_option_that_is_not_listed_as_its_own() -> None:
    for name in ("optimizer", "ema", "cutmix", "erasing", "accumulate", "compile", "label_smoothing"):
        value = {"optimizer": "sgd", "accumulate": 2, "compile": True}.get(name, 0.5)
        options: dict[str, Any] = {"protocol": "probe", name: value}
        with pytest.raises(SpecError, match="an option that --protocol probe can follow"):
            Training(**options)


def test_a_tracker_that_is_none_of_the_known_is_refused_with_the_closest() -> None:
    with pytest.raises(SpecError, match="trackers among tensorboard, mlflow, wandb, found 'mlfow'; did you mean mlflow"):
        Machine(tracker=["mlfow"])
    with pytest.raises(SpecError, match="each tracker once, found wandb, wandb"):
        Machine(tracker=["wandb", "wandb"])


def test_the_defaults_pass_and_a_probe_may_carry_what_is_usual() -> None:
    Training()
    Training(epochs=3, protocol="probe", batchnorm="reestimate", bn_prior=4, lr=1e-2, weight_decay=0.0)


@pytest.mark.parametrize(
    ("training", "epochs"),
    [
        (Training(), 1),
        (Training(protocol="scratch"), 0),
        (Training(head_epochs=0), 0),
        (Training(head_epochs=4), 4),
        (Training(freeze="body"), 0),
    ],
)
def test_the_head_trains_alone_for_an_epoch_where_there_is_a_body_to_protect(training: Training, epochs: int) -> None:
    assert training.epochs_of_head == epochs


def test_settings_hold_what_decides_about_the_weights_and_nothing_else() -> None:
    first = Training().settings()
    assert set(first).isdisjoint({"workers", "logger", "device", "devices"})
    for other in (
        Training(seed=1),
        Training(patience=2),
        Training(ema=0.9),
        Training(label_smoothing=0.1),
        Training(cutmix=1),
        Training(precision="bf16-mixed"),
        Training(freeze="stem"),
    ):
        assert first != other.settings()


def test_a_part_has_the_values_of_the_whole() -> None:
    assert part(Augmenting, Training(mixup=0.5, augmentation="none", lr=1.0)) == Augmenting(augmentation="none", mixup=0.5)
