"""The way into a network, the training loop and the watch on a CUDA device; one line that says so where there is none."""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import torch
from torch import Tensor

from benchmarks.harness import Absent, Outcome, Result, Row, Setting, compared, seconds
from benchmarks.training_loops import MEAN, STD, Loop, Work, loops, results
from benchmarks.watch_rows import watching
from tare.normalisation.applied import Normalisation
from tare.normalisation.input_layer import InputLayer


def on_device(setting: Setting) -> Iterator[Outcome]:
    """All rows of this module."""
    if not torch.cuda.is_available():
        yield Absent("on a CUDA device", "no CUDA device here")
        return
    yield from _inputs(setting)
    # The first is nothing but the time of launching; the second keeps the device busy, as fine-tuning does.
    yield from _whole_epochs(Work.of(2 if setting.quick else 64, size=64, device="cuda"), setting.rounds, goals=False)
    work = Work.of(2 if setting.quick else 96, size=224, batch=64, architecture="resnet50", device="cuda")
    yield from _whole_epochs(work, min(3, setting.rounds), goals=True)
    yield from watching(setting, "cuda")


def _inputs(setting: Setting) -> Iterator[Result]:
    """64 images at 224 px, bytes in pinned memory, to normalised floats on the device."""
    from torchvision.transforms import v2

    theirs = v2.Compose([v2.ToDtype(torch.float32, scale=True), v2.Normalize(MEAN, STD)])
    raw = torch.randint(0, 256, (64, 3, 224, 224), dtype=torch.uint8).pin_memory()
    floats, there = torch.rand(raw.shape).pin_memory(), raw.cuda()
    normaliser = InputLayer(Normalisation("source", MEAN, STD)).cuda()
    whole: dict[str, Callable[[], Tensor]] = {
        "normalised by torchvision, then copied": lambda: theirs(raw).pin_memory().cuda(non_blocking=True),
        "copied, then normalised by torchvision": lambda: theirs(raw.cuda(non_blocking=True)),
        "copying the floats alone": lambda: floats.cuda(non_blocking=True),
        "copying the bytes alone": lambda: raw.cuda(non_blocking=True),
    }
    ours = _done(lambda: normaliser(raw.cuda(non_blocking=True)))
    for name, reference in whole.items():
        yield compared("bytes to the device's input", _done(reference), ours, setting, ratio_of=f"{name} / tare")
    on_it = _done(lambda: normaliser(there))
    yield compared("bytes that are there", _done(lambda: theirs(there)), on_it, setting, ratio_of="torchvision v2 / tare")


def _whole_epochs(work: Work, rounds: int, *, goals: bool) -> Iterator[Result]:
    """One loop after the other, another one first each round: a device goes on computing when it is not its loop's turn."""
    compared_loops = loops()
    with tempfile.TemporaryDirectory() as folder:
        warm = Work.of(2, size=32, device="cuda")
        for loop in compared_loops:
            loop.run(warm, warm.network(), Path(folder))
        taken = [_round(compared_loops, index, work, Path(folder)) for index in range(rounds)]
    yield from results(work.name, compared_loops, taken, goals=goals)


def _round(compared_loops: Sequence[Loop], index: int, work: Work, folder: Path) -> list[float]:
    taken = [0.0] * len(compared_loops)
    first = index % len(compared_loops)
    for place in (*range(first, len(compared_loops)), *range(first)):
        network = work.network()
        taken[place] = seconds(functools.partial(compared_loops[place].run, work, network, folder))
    return taken


def _done(function: Callable[[], Tensor], times: int = 20) -> Callable[[], None]:
    def run() -> None:
        for _ in range(times):
            function()
        torch.cuda.synchronize()

    return run


ROWS = (Row("accelerator", on_device),)
