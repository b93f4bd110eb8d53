"""A real training of the Trainer of transformers with the watch as its callback."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils.data import Dataset

from tare.errors import InputError
from tests.watched import normalised, raw_images, unit, warned

transformers = pytest.importorskip("transformers")
pytest.importorskip("accelerate")

HALF = (0.5, 0.5, 0.5)
UNITS = unit(raw_images(16))


class Images(Dataset[dict[str, Tensor]]):
    def __init__(self, values: Tensor) -> None:
        self.values = values

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        return {"pixel_values": self.values[index], "labels": torch.tensor(index % 2)}


def vit() -> Any:
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    return transformers.ViTForImageClassification(transformers.ViTConfig(**sizes, image_size=32, patch_size=16, num_labels=2))


def processor() -> Any:
    return transformers.ViTImageProcessor(size={"height": 32, "width": 32}, image_mean=HALF, image_std=HALF)


def trained(folder: Path, train: Tensor, held_out: Tensor, processing_class: Any = None, **options: Any) -> tuple[Any, list[str]]:
    from tare.watching.transformers import WatchCallback

    callback = WatchCallback(**options)
    arguments = transformers.TrainingArguments(
        str(folder), num_train_epochs=1, per_device_train_batch_size=4, eval_strategy="epoch", save_strategy="no", report_to=[],
        use_cpu=True, disable_tqdm=True, logging_strategy="no",
    )  # fmt: skip
    trainer = transformers.Trainer(
        vit(), arguments, train_dataset=Images(train), eval_dataset=Images(held_out), processing_class=processing_class,
        callbacks=[callback],
    )  # fmt: skip
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        trainer.train()
    assert not trainer.model._forward_pre_hooks
    return callback.report, warned(caught)


def test_the_spec_comes_from_the_processor_and_right_images_are_silent(tmp_path: Path) -> None:
    values = normalised(UNITS, HALF, HALF)
    report, said = trained(tmp_path, values, values, processor())
    assert said == []
    assert [(stage.stage, stage.input, stage.fits) for stage in report.stages] == [
        ("train", "pixel_values", True),
        ("eval", "pixel_values", True),
    ]


def test_images_that_never_met_the_processor_are_found(tmp_path: Path) -> None:
    _, said = trained(tmp_path, UNITS, normalised(UNITS, HALF, HALF), processor())
    assert len(said) == 1
    assert "training batch 1: TARE004 error: values of [0, 1] reach the network without normalisation" in said[0]


def test_a_spec_can_be_named_and_raise_ends_the_training(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="TARE005"):
        trained(tmp_path, normalised(UNITS), UNITS, spec=processor(), on_finding="raise")


def test_without_processor_and_spec_the_constants_are_unknown_which_is_said_once(tmp_path: Path) -> None:
    report, said = trained(tmp_path, UNITS, UNITS)
    assert len(said) == 1
    assert "TARE080 note" in said[0]
    assert report.clean is None


def test_what_was_not_judged_is_said_at_the_end(tmp_path: Path) -> None:
    few = normalised(UNITS, HALF, HALF)[:2]
    mixed = 0.6 * few + 0.4 * few.flip(0)  # no grid of 8-bit values is left
    report, said = trained(tmp_path, mixed, mixed, processor())
    assert report.clean is None
    assert said == ["tare.watch: not judged: train: too few samples: 2, and at least 8 are needed; "
                    "eval: too few samples: 2, and at least 8 are needed"]  # fmt: skip


def test_what_was_interrupted_is_no_longer_watched_when_training_begins_again(tmp_path: Path) -> None:
    """A cell of a notebook that is stopped and run again; the Trainer likewise, where it looks for a batch size that fits."""
    from tare.watching.transformers import WatchCallback

    callback, model, state = WatchCallback(processor(), on_finding="raise"), vit(), transformers.TrainerState()
    arguments, control = transformers.TrainingArguments(str(tmp_path), report_to=[], use_cpu=True), transformers.TrainerControl()

    def begin() -> None:
        callback.on_train_begin(arguments, state, control, model=model)

    begin()
    for values in (normalised(UNITS, HALF, HALF), normalised(UNITS, HALF, HALF), UNITS):  # a third is judged with a fourth
        model.train()(values)
    begin()
    assert len(model._forward_pre_hooks) == 1
    model.eval()(normalised(UNITS, HALF, HALF))
    callback.on_train_end(arguments, state, control)
    assert not model._forward_pre_hooks
    assert callback.report is not None
    assert [(stage.stage, stage.batches) for stage in callback.report.stages] == [("eval", 1)]


@pytest.mark.parametrize("values", [normalised(UNITS, HALF, HALF), UNITS], ids=["right", "wrong"])
def test_a_training_has_the_same_bits_with_the_watch_and_without(tmp_path: Path, values: Tensor) -> None:
    from tare.watching.transformers import WatchCallback

    def ended(callbacks: list[Any]) -> tuple[dict[str, Tensor], Tensor, list[Any]]:
        transformers.set_seed(7)
        arguments = transformers.TrainingArguments(
            str(tmp_path), num_train_epochs=2, per_device_train_batch_size=4, eval_strategy="epoch", save_strategy="no",
            report_to=[], use_cpu=True, disable_tqdm=True, logging_steps=1, seed=7,
        )  # fmt: skip
        trainer = transformers.Trainer(
            vit(), arguments, train_dataset=Images(values), eval_dataset=Images(values), processing_class=processor(),
            callbacks=callbacks,
        )  # fmt: skip
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            trainer.train()
        numbers = [{key: row.get(key) for key in ("loss", "grad_norm", "eval_loss")} for row in trainer.state.log_history]
        return trainer.model.state_dict(), torch.get_rng_state(), numbers

    (weights, drawn, numbers), (plain, plainly_drawn, plain_numbers) = ended([WatchCallback()]), ended([])
    assert [*weights] == [*plain]
    assert all(torch.equal(weights[name], plain[name]) for name in plain)
    assert torch.equal(drawn, plainly_drawn)
    assert numbers == plain_numbers
    assert any(row["loss"] is not None for row in numbers)
