"""The training loops that are compared: ours, a bare one, and those of timm, Hugging Face and fastai, on the same work."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import math
import os
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset, default_collate

from benchmarks.harness import Result
from tare.datasets.image_batches import EpochSampler
from tare.normalisation.applied import Normalisation
from tare.normalisation.input_layer import InputLayer
from tare.tasks.classification import Classification
from tare.tasks.multi_label import MultiLabel
from tare.tasks.regression import Regression
from tare.tasks.segmentation import Segmentation
from tare.tasks.task import Task
from tare.training.fitting import fit
from tare.training.module import TransferModule
from tare.training.options import Machine, Training
from tare.training.schedule import warmed_cosine

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
LEARNING_RATE = 1e-3
_CLASSES = 10

_CLASSIFICATION = Classification(tuple(map(str, range(_CLASSES))))
#: The tasks beside classification, and the loss of each as torch has it.
_TASKS: Mapping[str, Task] = {
    "regression": Regression(("y",), (0.0,), (1.0,)),
    "multi-label": MultiLabel(tuple(map(str, range(_CLASSES)))),
    "segmentation": Segmentation(("0", "1"), (0, 1)),
}
_LOSSES: Mapping[str, Callable[[torch.Tensor, torch.Tensor], torch.Tensor]] = {
    "classification": functional.cross_entropy,
    "regression": functional.mse_loss,
    "multi-label": functional.binary_cross_entropy_with_logits,
    "segmentation": functional.cross_entropy,
}


class _Pixels(nn.Module):
    """Logits of each pixel: a convolution on the features of ``body``, enlarged to the image."""

    def __init__(self, body: Any, classes: int) -> None:
        super().__init__()
        self.body = body
        self.fc = nn.Conv2d(body.num_features, classes, 1)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        small = self.fc(self.body.forward_features(images))
        return functional.interpolate(small, images.shape[2:], mode="bilinear")


def _go_on() -> None:
    pass


@dataclass(frozen=True)
class Work:
    """What every loop does: the same network, drawn anew, on the same batches in the same order."""

    architecture: str
    size: int
    batch: int
    device: torch.device
    train: TensorDataset
    val: TensorDataset
    normalisation: Normalisation
    before_batch: Callable[[], None] = _go_on
    task: Task = _CLASSIFICATION

    @classmethod
    def of(cls, batches: int, *, size: int, batch: int = 32, architecture: str = "resnet10t", device: str = "cpu") -> Work:
        """Random images of ``size`` pixels, so many batches to train on."""
        rng = np.random.default_rng(0)
        sets = []
        for count in (batch * batches, batch * 2):
            images = torch.from_numpy(rng.integers(0, 256, (count, 3, size, size), dtype=np.uint8))
            sets.append(TensorDataset(images, torch.from_numpy(rng.integers(0, _CLASSES, count))))
        place = torch.device(device)
        return cls(architecture, size, batch, place, sets[0], sets[1], Normalisation("source", MEAN, STD))

    @classmethod
    def of_task(cls, name: str, batches: int, *, size: int) -> Work:
        """The same images with random targets of another task: numbers, labels or masks."""
        plain, rng = cls.of(batches, size=size), np.random.default_rng(1)
        task = _TASKS[name]
        sets = []
        for images in (plain.train.tensors[0], plain.val.tensors[0]):
            shape = (len(images), *((size, size) if task.dense else (len(task.names),)))
            drawn = rng.normal(size=shape) if name == "regression" else rng.integers(0, 2, shape)
            sets.append(TensorDataset(images, torch.from_numpy(drawn).to(torch.int64 if task.dense else torch.float32)))
        return replace(plain, train=sets[0], val=sets[1], task=task)

    def loss(self, outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """The loss as torch has it, which every loop but ours takes."""
        return _LOSSES[self.task.name](outputs, targets)

    @property
    def name(self) -> str:
        """What is trained on what."""
        told = "" if self.task.name == "classification" else f"{self.task.name}, "
        return f"{told}{self.architecture} at {self.size} px, {len(self.train)} images"

    def network(self) -> nn.Module:
        """The network, the same weights every time."""
        import timm

        torch.manual_seed(0)
        if self.task.dense:
            return _Pixels(timm.create_model(self.architecture, num_classes=0), len(self.task.names)).to(self.device)
        model: nn.Module = timm.create_model(self.architecture, num_classes=len(self.task.names))
        return model.to(self.device)

    def placed(self, batches: DataLoader[Any]) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """The batches where the network is, copied while it computes."""
        for images, labels in batches:
            yield images.to(self.device, non_blocking=True), labels.to(self.device, non_blocking=True)

    def batches(self, epoch: int = 0) -> DataLoader[Any]:
        """Shuffled training batches."""
        return self._loader(self.train, sampler=_Order(len(self.train), epoch))

    def validation(self) -> DataLoader[Any]:
        """Validation batches."""
        return self._loader(self.val)

    def _loader(self, rows: TensorDataset, **more: Any) -> DataLoader[Any]:
        return DataLoader(rows, self.batch, pin_memory=self.device.type == "cuda", collate_fn=self._collated, **more)

    def _collated(self, rows: list[Any]) -> Any:
        self.before_batch()
        return default_collate(rows)


class _Order(EpochSampler):
    """The order of :class:`EpochSampler`, as plain positions."""

    def __init__(self, length: int, epoch: int) -> None:
        super().__init__(length, 0, epoch)

    def __iter__(self) -> Iterator[int]:
        return (index % self.length for index in super().__iter__())


def _tare(work: Work, network: nn.Module, folder: Path) -> None:
    machine = Machine(device="cpu" if work.device.type == "cpu" else "gpu", devices=1)
    options = Training(epochs=1, batch_size=work.batch, head_epochs=0, lr=LEARNING_RATE)
    module = TransferModule(network, InputLayer(work.normalisation), options, work.batches, work.task, "fc")
    fit(module, work.validation(), folder, machine)


def _bare(work: Work, network: nn.Module, folder: Path, *, fused: bool = False) -> None:
    """What every tutorial writes, with the same normalisation, optimiser, schedule and loss, and a checkpoint at the end.

    ``fused`` takes the optimiser's step in one pass over the parameters, as ours does; torch's default does not.
    """
    normaliser = InputLayer(work.normalisation).to(work.device)
    optimiser = torch.optim.AdamW(network.parameters(), lr=LEARNING_RATE, weight_decay=0.05, fused=fused or None)
    loader = work.batches()
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: warmed_cosine(step, len(loader)))
    network.train()
    for images, labels in work.placed(loader):
        optimiser.zero_grad()
        loss = work.loss(network(normaliser(images)), labels)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
        _finite(float(loss.detach()))
    _validated(work, network, normaliser)
    torch.save({"model": network.state_dict(), "optimizer": optimiser.state_dict()}, folder / "bare.pt")


def _timm(work: Work, network: nn.Module, folder: Path) -> None:
    """The pieces of timm's train.py in its order: mean and std as tensors, its optimiser, scheduler, meters and logging."""
    from timm.optim import create_optimizer_v2
    from timm.scheduler import CosineLRScheduler
    from timm.utils import AverageMeter, accuracy

    mean, std = (torch.tensor(values, device=work.device).view(1, 3, 1, 1) * 255 for values in (MEAN, STD))
    optimiser = create_optimizer_v2(network, opt="adamw", lr=LEARNING_RATE, weight_decay=0.05)
    loader, losses, top1 = work.batches(), AverageMeter(), AverageMeter()
    schedule = CosineLRScheduler(optimiser, t_initial=len(loader), warmup_t=len(loader) // 10, t_in_epochs=False)
    criterion = nn.CrossEntropyLoss()
    network.train()
    for step, (images, labels) in enumerate(work.placed(loader)):
        optimiser.zero_grad()
        loss = criterion(network(images.float().sub_(mean).div_(std)), labels)
        loss.backward()
        optimiser.step()
        losses.update(loss.item(), len(labels))
        schedule.step_update(num_updates=step, metric=losses.avg)
    network.eval()
    with torch.inference_mode():
        for images, labels in work.placed(work.validation()):
            top1.update(accuracy(network(images.float().sub_(mean).div_(std)), labels)[0].item(), len(labels))
    torch.save({"model": network.state_dict(), "optimizer": optimiser.state_dict()}, folder / "timm.pt")


def _hugging_face(work: Work, network: nn.Module, folder: Path) -> None:
    """The Trainer of transformers with its defaults, on the same images, a checkpoint at the end; no reports, no bars."""
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    from transformers import Trainer, TrainingArguments

    normaliser = InputLayer(work.normalisation).to(work.device)

    class Wrapped(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, images: torch.Tensor, labels: torch.Tensor) -> dict[str, torch.Tensor]:
            logits = self.network(normaliser(images))
            return {"loss": work.loss(logits, labels), "logits": logits}

    def collated(rows: list[tuple[torch.Tensor, torch.Tensor]]) -> dict[str, torch.Tensor]:
        work.before_batch()
        return {"images": torch.stack([row[0] for row in rows]), "labels": torch.stack([row[1] for row in rows])}

    arguments = TrainingArguments(
        str(folder / "hf"),
        num_train_epochs=1,
        per_device_train_batch_size=work.batch,
        per_device_eval_batch_size=work.batch,
        learning_rate=LEARNING_RATE,
        weight_decay=0.05,
        lr_scheduler_type="cosine",
        eval_strategy="epoch",
        save_strategy="epoch",
        report_to=[],
        disable_tqdm=True,
        use_cpu=work.device.type == "cpu",
        remove_unused_columns=False,
        logging_steps=50,
        log_level="error",
    )
    trainer = Trainer(Wrapped(), arguments, train_dataset=work.train, eval_dataset=work.val, data_collator=collated)
    trainer.log = lambda *_, **__: None  # type: ignore[method-assign]
    trainer.train()


def _fastai(work: Work, network: nn.Module, folder: Path) -> None:
    """The Learner of fastai with its AdamW and one-cycle schedule on the same batches, a checkpoint at the end; no bars."""
    data, learner, metrics = (importlib.import_module(f"fastai.{name}") for name in ("data.core", "learner", "metrics"))
    importlib.import_module("fastai.callback.schedule")  # gives the Learner its fit_one_cycle
    normaliser = InputLayer(work.normalisation).to(work.device)
    loaders = data.DataLoaders(work.batches(), work.validation(), path=folder, device=work.device)
    network.register_forward_pre_hook(lambda _, given: (normaliser(given[0]),))
    loop = learner.Learner(
        loaders, network, nn.CrossEntropyLoss(), lr=LEARNING_RATE, wd=0.05, metrics=metrics.accuracy, path=folder
    )
    with loop.no_bar(), loop.no_logging():
        loop.fit_one_cycle(1, LEARNING_RATE)
    loop.save("fastai")


def _segmentation_models(work: Work, network: nn.Module, folder: Path) -> None:
    """The recipe of segmentation_models_pytorch."""
    importlib.import_module("benchmarks.smp_recipe").train(work, network, folder)


def _validated(work: Work, network: nn.Module, normaliser: nn.Module) -> None:
    network.eval()
    right = 0.0
    with torch.inference_mode():
        for images, labels in work.placed(work.validation()):
            outputs = network(normaliser(images))
            hits = work.task.name == "classification"
            right += float((outputs.argmax(dim=1) == labels).sum() if hits else work.loss(outputs, labels))


def _finite(loss: float) -> None:
    if not math.isfinite(loss):
        raise ArithmeticError(f"loss {loss}")


@dataclass(frozen=True)
class Loop:
    """A training loop: it trains a network for an epoch, validates it and writes a checkpoint into a folder."""

    name: str
    run: Callable[[Work, nn.Module, Path], None]
    goal: str


def loops() -> list[Loop]:
    """Ours first, then those that it is compared with, as far as they are installed."""
    found = [
        Loop("tare", _tare, ""),
        Loop("bare PyTorch loop", _bare, ">= 0.97"),
        Loop("bare PyTorch loop, our optimiser's step", functools.partial(_bare, fused=True), ">= 0.97"),
        Loop("timm's pieces", _timm, ">= 1"),
    ]
    if importlib.util.find_spec("accelerate") and importlib.util.find_spec("transformers"):
        found.append(Loop("HF Trainer", _hugging_face, ">= 1"))
    if importlib.util.find_spec("fastai"):
        found.append(Loop("fastai Learner", _fastai, ""))
    return found


def loops_of_task(name: str) -> list[Loop]:
    """Ours first, then those that train the task ``name`` in the same words."""
    found = [loop for loop in loops() if loop.name in ("tare", "bare PyTorch loop", "HF Trainer")]
    if name == "segmentation" and importlib.util.find_spec("segmentation_models_pytorch"):
        found.append(Loop("segmentation_models_pytorch's recipe", _segmentation_models, ">= 1"))
    return found


def results(name: str, compared: Sequence[Loop], rounds: Sequence[Sequence[float]], *, goals: bool) -> Iterator[Result]:
    """The rows of ``compared``, whose seconds ``rounds`` hold in the same order; ours is the first."""
    ours, *others = zip(*rounds, strict=True)
    for loop, theirs in zip(compared[1:], others, strict=True):
        ratios = tuple(other / own for other, own in zip(theirs, ours, strict=True))
        medians = (statistics.median(theirs), statistics.median(ours))
        yield Result(name, f"{loop.name} / tare", ratios, *medians, "s", loop.goal if goals else "")
