"""The way into a network, and the training loop, against what others do with the same model and the same loader."""

from __future__ import annotations

import dataclasses
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import TensorDataset

from benchmarks.harness import Result, Row, Setting, compared
from benchmarks.training_loops import MEAN, STD, Loop, Work, loops, loops_of_task, results
from benchmarks.turns import Turn, in_turn
from tare.input_spec.affine import Affine
from tare.normalisation import fused


def normalising(setting: Setting) -> Iterator[Result]:
    """Bytes to normalised floats, batch 64 at 224 px, against torchvision and against copying the result."""
    from torchvision.transforms import v2

    images = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (64, 224, 224, 3), dtype=np.uint8)).permute(0, 3, 1, 2)
    affine = Affine.of_normalisation(MEAN, STD, raw_scale=1 / 255)
    # The result is filled: memory that nobody has written to is one page of zeros, which is read from the nearest cache.
    out, result = torch.empty(images.shape), torch.rand(images.shape)
    theirs = v2.Compose([v2.ToDtype(torch.float32, scale=True), v2.Normalize(MEAN, STD)])
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
    yield from _taking_turns(2 if setting.quick else 16, 32, setting, goals=False)
    if not setting.quick:
        yield from _taking_turns(32, 64, setting, goals=True)


def _taking_turns(batches: int, size: int, setting: Setting, *, goals: bool) -> Iterator[Result]:
    """All loops at once, a batch each in turn: whole epochs of one and the same loop differ by a tenth on a busy machine."""
    compared_loops = loops()
    with tempfile.TemporaryDirectory() as folder:
        work = partial(Work.of, batches, size=size)
        jobs = [partial(_epochs, loop, work, Path(folder), torch.get_num_threads(), setting.rounds) for loop in compared_loops]
        rounds = in_turn([loop.name for loop in compared_loops], jobs, setting.rounds)
    yield from results(work().name, compared_loops, rounds, goals=goals)


def training_tasks(setting: Setting) -> Iterator[Result]:
    """An epoch of a regression, of several labels and of masks, in one thread and by processor time."""
    for name in ("regression", "multi-label", "segmentation"):
        compared_loops = loops_of_task(name)
        work = partial(Work.of_task, name, 2 if setting.quick else 16, size=64)
        with tempfile.TemporaryDirectory() as folder:
            jobs = [partial(_alone, loop, work, Path(folder), setting.rounds) for loop in compared_loops]
            rounds = in_turn([loop.name for loop in compared_loops], jobs, setting.rounds)
        yield from results(work().name, compared_loops, rounds, goals=True)


def _alone(loop: Loop, make: Callable[[], Work], folder: Path, rounds: int, turn: Turn) -> None:
    """The same as :func:`_epochs` in one thread, which waits for nothing but its turn."""
    _epochs(loop, make, folder, 1, rounds, turn.by(time.process_time))


def _epochs(loop: Loop, make: Callable[[], Work], folder: Path, threads: int, rounds: int, turn: Turn) -> None:
    """What one process does: an epoch a round, after a short one that is not counted."""
    torch.set_num_threads(threads)
    work = make()
    warm = dataclasses.replace(work, train=TensorDataset(*(part[: 2 * work.batch] for part in work.train.tensors)))
    loop.run(warm, warm.network(), folder)
    work = dataclasses.replace(work, before_batch=turn.pass_on)
    for _ in turn.rounds(rounds):
        network = work.network()
        with turn.timed():
            loop.run(work, network, folder)


def _repeated(function: Callable[[], object], times: int = 10) -> Callable[[], None]:
    def run() -> None:
        for _ in range(times):
            function()

    return run


ROWS = (Row("normalise", normalising), Row("training", training), Row("training tasks", training_tasks))
