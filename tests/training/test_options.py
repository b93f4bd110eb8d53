from __future__ import annotations

from typing import Any

import pytest

from tare.datasets.augmentation import Augmenting
from tare.errors import SpecError
from tare.training.options import Machine, Objective, Optimising, Training, Tuning, picked


@pytest.mark.parametrize(
    ("training", "message"),
    [
        (Training(epochs=0), "--epochs above zero, found 0; raise it"),
        (Training(optimising=Optimising(lr=-1)), "--lr above zero"),
        (Training(optimising=Optimising(ema=1.5)), "--ema above zero and at most 1, found 1.5; lower it"),
        (Training(optimising=Optimising(layer_decay=0)), "--layer-decay above zero and at most 1"),
        (Training(augmenting=Augmenting(mixup=-0.1)), "--mixup at least 0"),
        (Training(tuning=Tuning(protocol="magic")), "a protocol: finetune, probe or scratch, found 'magic'"),  # type: ignore[arg-type]
        (Training(machine=Machine(logger="paper")), "one of --logger: none, tensorboard or mlflow"),  # type: ignore[arg-type]
        (Training(augmenting=Augmenting("none", erasing=0.5)), "an augmentation beside --erasing"),
        (Training(tuning=Tuning("scratch", freeze="stem")), "--protocol scratch to train all weights"),
        (Training(tuning=Tuning("scratch", head_epochs=1)), "--protocol scratch to train all weights"),
        (Training(tuning=Tuning("scratch", batchnorm="frozen")), "batch norms that hold statistics to freeze"),
        (
            Training(tuning=Tuning(bn_prior=4, batchnorm="reestimate")),
            "--protocol probe --batchnorm reestimate beside --bn-prior",
        ),
        (Training(tuning=Tuning("probe", bn_prior=4)), "--protocol probe --batchnorm reestimate beside --bn-prior"),
        (
            Training(tuning=Tuning("probe"), optimising=Optimising(ema=0.9)),
            "an option that --protocol probe can follow.*--ema 0.9",
        ),
        (Training(tuning=Tuning("probe"), augmenting=Augmenting(mixup=0.2)), "--mixup 0.2; drop it, or use --protocol finetune"),
        (Training(tuning=Tuning("probe", freeze="stem")), "--freeze stem"),
        (Training(tuning=Tuning("probe"), patience=3), "--patience 3"),
    ],
)
def test_what_cannot_be_is_said_with_its_option(training: Training, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        training.check()


def test_the_defaults_pass_and_a_probe_may_carry_what_is_usual() -> None:
    Training().check()
    usual = Optimising(lr=1e-2, weight_decay=0.0)
    Training(3, tuning=Tuning("probe", batchnorm="reestimate", bn_prior=4), optimising=usual).check()


@pytest.mark.parametrize(
    ("tuning", "epochs"),
    [(Tuning(), 1), (Tuning("scratch"), 0), (Tuning(head_epochs=0), 0), (Tuning(head_epochs=4), 4), (Tuning(freeze="body"), 0)],
)
def test_the_head_trains_alone_for_an_epoch_where_there_is_a_body_to_protect(tuning: Tuning, epochs: int) -> None:
    assert Training(tuning=tuning).head_epochs == epochs


def test_settings_hold_what_decides_about_the_weights_and_nothing_else() -> None:
    first = Training(machine=Machine(workers=1, logger="mlflow", progress=False)).settings()
    assert first == Training(machine=Machine(workers=4, device="cpu")).settings()
    for other in (
        Training(seed=1),
        Training(patience=2),
        Training(optimising=Optimising(ema=0.9)),
        Training(objective=Objective(0.1)),
        Training(augmenting=Augmenting(cutmix=1)),
        Training(machine=Machine(precision="bf16-mixed")),
        Training(tuning=Tuning(freeze="stem")),
    ):
        assert first != other.settings()


def test_options_are_picked_by_the_names_of_the_fields() -> None:
    given: dict[str, Any] = {"mixup": 0.5, "augmentation": "none", "lr": 1.0}
    assert picked(Augmenting, given) == Augmenting("none", 0.5)
