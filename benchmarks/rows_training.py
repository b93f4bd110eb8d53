"""The way into a network, and the training loop, against what others do with the same model and the same loader."""

from __future__ import annotations

import functools
import importlib.util
import math
import os
import statistics
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.harness import Result, Row, Setting, compared, seconds
from tare import fused
from tare.affine import Affine
from tare.finetune import TransferModule, fit
from tare.image_batches import EpochSampler
from tare.normaliser import Normaliser
from tare.schedule import warmed_cosine
from tare.strategies import Normalisation
from tare.training import Machine, Optimising, Training, Tuning

_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_BATCH, _CLASSES, _LR = 32, 10, 1e-3


def normalising(setting: Setting) -> Iterator[Result]:
    """Bytes to normalised floats, batch 64 at 224 px, against torchvision and against copying the result."""
    from torchvision.transforms import v2

    images = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (64, 224, 224, 3), dtype=np.uint8)).permute(0, 3, 1, 2)
    affine = Affine.of_normalisation(_MEAN, _STD, raw_scale=1 / 255)
    # The result is filled: memory that nobody has written to is one page of zeros, which is read from the nearest cache.
    out, result = torch.empty(images.shape), torch.rand(images.shape)
    theirs = v2.Compose([v2.ToDtype(torch.float32, scale=True), v2.Normalize(_MEAN, _STD)])
    for order, batch in (("NHWC", images), ("NCHW", images.contiguous())):
        ours = _repeated(lambda batch=batch: fused.normalise(batch, affine, out))  # type: ignore[misc]
        reference = _repeated(lambda batch=batch: theirs(batch))  # type: ignore[misc]
        yield compared(f"uint8 {order} to input", reference, ours, setting, ratio_of="torchvision v2 / fused", goal=">= 3")
        copied = _repeated(lambda: out.copy_(result))
        yield compared(f"uint8 {order} to input", copied, ours, setting, ratio_of="copy of the result / fused", goal=">= 0.5")


def training(setting: Setting) -> Iterator[Result]:
    """An epoch of fine-tuning against other loops on the same batches; all validate and write a checkpoint at its end.

    The short epoch, a second long, has no goal: it shows what the end of an epoch weighs, where ours writes the best weights,
    too.
    """
    yield from _compared_loops(Work.of(2 if setting.quick else 16, size=32), setting, goals=False)
    if not setting.quick:
        yield from _compared_loops(Work.of(32, size=64), setting, goals=True)


def _compared_loops(work: Work, setting: Setting, *, goals: bool) -> Iterator[Result]:
    """All loops run in turn, each round in another order, so that our own time is measured once for all ratios.

    What is judged runs in twice as many rounds: epochs of one loop differ by a tenth, and the goal is three hundredths.
    """
    loops: list[_Loop] = [
        _Loop("tare", _tare, ""),
        _Loop("bare PyTorch loop", _bare, ">= 0.97"),
        _Loop("bare PyTorch loop, our optimiser's step", functools.partial(_bare, fused=True), ">= 0.97"),
        _Loop("timm's pieces", _timm, ">= 1"),
    ]
    if importlib.util.find_spec("accelerate") and importlib.util.find_spec("transformers"):
        loops.append(_Loop("HF Trainer", _hugging_face, ">= 1"))
    if importlib.util.find_spec("fastai"):
        loops.append(_Loop("fastai Learner", _fastai, ""))
    with tempfile.TemporaryDirectory() as folder:
        warm = Work.of(2, size=32)
        for loop in loops:
            loop.run(warm, warm.network(), Path(folder))
        number = 2 * setting.rounds + 1 if goals else setting.rounds
        rounds = [_round(loops, index, work, Path(folder)) for index in range(number)]
    ours, *others = (tuple(taken[index] for taken in rounds) for index in range(len(loops)))
    for loop, theirs in zip(loops[1:], others, strict=True):
        ratios = tuple(other / own for other, own in zip(theirs, ours, strict=True))
        medians = (statistics.median(theirs), statistics.median(ours))
        name = f"{work.name}, {len(work.train)} images"
        yield Result(name, f"{loop.name} / tare", ratios, *medians, "s", loop.goal if goals else "")


@dataclass(frozen=True)
class _Loop:
    name: str
    run: Callable[[Work, nn.Module, Path], None]
    goal: str


def _round(loops: Sequence[_Loop], index: int, work: Work, folder: Path) -> dict[int, float]:
    """Seconds of each loop by its place, begun with another one each round."""
    taken = {}
    for place in (*range(index % len(loops), len(loops)), *range(index % len(loops))):
        network = work.network()
        taken[place] = seconds(functools.partial(loops[place].run, work, network, folder))
    return taken


ROWS = (Row("normalise", normalising), Row("training", training))


@dataclass(frozen=True)
class Work:
    """What every loop does: the same network, drawn anew, on the same batches in the same order."""

    name: str
    train: TensorDataset
    val: TensorDataset
    normalisation: Normalisation

    @classmethod
    def of(cls, batches: int, *, size: int) -> Work:
        """Random images of ``size`` pixels, so many batches to train on."""
        rng = np.random.default_rng(0)
        sets = []
        for count in (_BATCH * batches, _BATCH * 2):
            images = torch.from_numpy(rng.integers(0, 256, (count, 3, size, size), dtype=np.uint8))
            sets.append(TensorDataset(images, torch.from_numpy(rng.integers(0, _CLASSES, count))))
        return cls(f"resnet10t at {size} px", sets[0], sets[1], Normalisation("source", _MEAN, _STD))

    def network(self) -> nn.Module:
        """The network, the same weights every time."""
        import timm

        torch.manual_seed(0)
        model: nn.Module = timm.create_model("resnet10t", num_classes=_CLASSES)
        return model

    def batches(self, epoch: int = 0) -> DataLoader[Any]:
        """Shuffled training batches."""
        return DataLoader(self.train, _BATCH, sampler=_Order(len(self.train), epoch))

    def validation(self) -> DataLoader[Any]:
        """Validation batches."""
        return DataLoader(self.val, _BATCH)


class _Order(EpochSampler):
    """The order of :class:`EpochSampler`, as plain positions."""

    def __init__(self, length: int, epoch: int) -> None:
        super().__init__(length, 0, epoch)

    def __iter__(self) -> Iterator[int]:
        return (index % self.length for index in super().__iter__())


def _repeated(function: Callable[[], object], times: int = 10) -> Callable[[], None]:
    def run() -> None:
        for _ in range(times):
            function()

    return run


def _tare(work: Work, network: nn.Module, folder: Path) -> None:
    machine = Machine("cpu", 1, progress=False)
    options = Training(1, _BATCH, tuning=Tuning(head_epochs=0), optimising=Optimising(lr=_LR), machine=machine)
    module = TransferModule(network, Normaliser(work.normalisation), options, work.batches, "fc")
    fit(module, work.validation(), folder, resume=False)


def _bare(work: Work, network: nn.Module, folder: Path, *, fused: bool = False) -> None:
    """What every tutorial writes, with the same normalisation, optimiser, schedule and loss, and a checkpoint at the end.

    ``fused`` takes the optimiser's step in one pass over the parameters, as ours does; torch's default does not.
    """
    normaliser = Normaliser(work.normalisation)
    optimiser = torch.optim.AdamW(network.parameters(), lr=_LR, weight_decay=0.05, fused=fused or None)
    loader = work.batches()
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: warmed_cosine(step, len(loader)))
    network.train()
    for images, labels in loader:
        optimiser.zero_grad()
        loss = functional.cross_entropy(network(normaliser(images)), labels)
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
    from timm.utils import AverageMeter, NativeScaler, accuracy

    mean, std = (torch.tensor(values).view(1, 3, 1, 1) * 255 for values in (_MEAN, _STD))
    optimiser = create_optimizer_v2(network, opt="adamw", lr=_LR, weight_decay=0.05)
    loader, losses, top1, scaler = work.batches(), AverageMeter(), AverageMeter(), NativeScaler(device="cpu")
    schedule = CosineLRScheduler(optimiser, t_initial=len(loader), warmup_t=len(loader) // 10, t_in_epochs=False)
    criterion = nn.CrossEntropyLoss()
    network.train()
    for step, (images, labels) in enumerate(loader):
        optimiser.zero_grad()
        loss = criterion(network(images.float().sub_(mean).div_(std)), labels)
        scaler(loss, optimiser, parameters=network.parameters())
        losses.update(loss.item(), len(labels))
        schedule.step_update(num_updates=step, metric=losses.avg)
    network.eval()
    with torch.inference_mode():
        for images, labels in work.validation():
            top1.update(accuracy(network(images.float().sub_(mean).div_(std)), labels)[0].item(), len(labels))
    torch.save({"model": network.state_dict(), "optimizer": optimiser.state_dict()}, folder / "timm.pt")


def _hugging_face(work: Work, network: nn.Module, folder: Path) -> None:
    """The Trainer of transformers with its defaults, on the same images, a checkpoint at the end; no reports, no bars."""
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    from transformers import Trainer, TrainingArguments

    normaliser = Normaliser(work.normalisation)

    class Wrapped(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, images: torch.Tensor, labels: torch.Tensor) -> dict[str, torch.Tensor]:
            logits = self.network(normaliser(images))
            return {"loss": functional.cross_entropy(logits, labels), "logits": logits}

    def collated(rows: list[tuple[torch.Tensor, torch.Tensor]]) -> dict[str, torch.Tensor]:
        return {"images": torch.stack([row[0] for row in rows]), "labels": torch.stack([row[1] for row in rows])}

    arguments = TrainingArguments(
        str(folder / "hf"),
        num_train_epochs=1,
        per_device_train_batch_size=_BATCH,
        per_device_eval_batch_size=_BATCH,
        learning_rate=_LR,
        weight_decay=0.05,
        lr_scheduler_type="cosine",
        eval_strategy="epoch",
        save_strategy="epoch",
        report_to=[],
        disable_tqdm=True,
        use_cpu=True,
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
    normaliser = Normaliser(work.normalisation)
    loaders = data.DataLoaders(work.batches(), work.validation(), path=folder, device=torch.device("cpu"))
    network.register_forward_pre_hook(lambda _, given: (normaliser(given[0]),))
    loop = learner.Learner(loaders, network, nn.CrossEntropyLoss(), lr=_LR, wd=0.05, metrics=metrics.accuracy, path=folder)
    with loop.no_bar(), loop.no_logging():
        loop.fit_one_cycle(1, _LR)
    loop.save("fastai")


def _validated(work: Work, network: nn.Module, normaliser: nn.Module) -> None:
    network.eval()
    right = 0
    with torch.inference_mode():
        for images, labels in work.validation():
            right += int((network(normaliser(images)).argmax(dim=1) == labels).sum())


def _finite(loss: float) -> None:
    if not math.isfinite(loss):
        raise ArithmeticError(f"loss {loss}")
