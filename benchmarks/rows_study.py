"""A study against the loops that people write for it: each cell by itself."""

from __future__ import annotations

import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch.utils.data import DataLoader, Dataset

from benchmarks.harness import Result, Row, Setting
from tare.studying.cells.cell import STRENGTH, cell_normalisation, measure_cells
from tare.studying.cells.pretraining import pretrain
from tare.studying.execution.estimate import estimated_seconds
from tare.studying.execution.running import run_study
from tare.studying.plan import Cell, StudyPlan, plan_of
from tare.studying.tasks.samples import Samples, seeded_split
from tare.studying.tasks.shifts import shift_named
from tare.studying.tasks.task import Pretrained

#: The loops take minutes: every so manieth cell is measured, and the time multiplied; a prime, so that all kinds take their turn.
_EVERY, _EVERY_QUICK = 7, 59
_BATCH = 128
#: The form of a second: one network, few samples.
_QUICK = {
    "study": "digits",
    "networks": "cnn-none",
    "shifts": ["content", "gain:0.5"],
    "sizes": 20,
    "strategies": ["source", "target"],
    "seeds": 2,
}
_Source = Callable[[Cell], Pretrained]
_Measure = Callable[[StudyPlan, Pretrained, Cell], float]


def study(setting: Setting) -> Iterator[Result]:
    """The default study of digits on one network and one seed: CPU seconds, so that other load does not count."""
    plan = plan_of({"study": "digits", "networks": "cnn-batch", "seeds": 2})
    cells = [cell for cell in plan.cells() if cell.seed == 0]
    torch.set_num_threads(1)
    network = pretrain(plan.task, "cnn-batch", 0)
    rounds, every = (1, _EVERY_QUICK) if setting.quick else (3, _EVERY)
    loops: tuple[tuple[str, str, _Source], ...] = (
        ("a script a cell: pretraining, features, head", ">= 10", lambda cell: pretrain(plan.task, cell.network, cell.seed)),
        ("a loop with the network at hand: features, head", "", lambda _: network),
    )
    for name, goal, source in loops:
        pairs = [(_loop(plan, cells, source, time.process_time, every=every), _ours(plan, cells, source)) for _ in range(rounds)]
        medians = [statistics.median(times) for times in zip(*pairs, strict=True)]
        ratios = tuple(theirs / own for theirs, own in pairs)
        yield Result(f"digits, {len(cells)} cells, {name}", "the loop / tare", ratios, medians[0], medians[1], "CPU s", goal)


def default_study(setting: Setting) -> Iterator[Result]:
    """``tare study digits``, 1,200 cells, by the clock, from the command's start to its page; and its estimate beforehand.

    Then the same with the networks at hand, against loops over cells in one process that have them at hand as well; neither time
    holds the start of a process. PyTorch has one thread in the loops, since more take longer here, and scikit-learn's libraries
    what they take by default: with one thread of them, too, a loop takes about half, which nobody knows who has not tried. Both
    loops fit the head that tare fits, of fixed strength on standardised features. A search for the strength, as many write it,
    would be 35 fits a cell that tare does not do either.

    *Whole arrays* is the loop of somebody who takes care: samples are normalised as one tensor. *The usual pipeline* is the one
    that the question is about, and the one that is judged: a Dataset whose transform is torchvision's ToTensor and Normalize, a
    DataLoader without workers (for images this small they cost more than they do), the network, the head. Neither keeps features
    from cell to cell.
    """
    plan = plan_of(_QUICK if setting.quick else {"study": "digits"})
    estimated = estimated_seconds(plan, setting.workers)
    with tempfile.TemporaryDirectory(dir=setting.scratch) as folder:
        stated, out = Path(folder) / "plan.json", Path(folder) / "study"
        stated.write_text(json.dumps(plan.to_json()), encoding="utf-8")
        taken = _command(stated, out, setting.workers)
        shutil.rmtree(out / "cells")
        run_study(plan_of(_QUICK), Path(folder) / "first", workers=setting.workers)  # the process that workers are forked from
        begun = time.perf_counter()
        run_study(plan, out, workers=setting.workers)
        again = time.perf_counter() - begun
    goals = ("", "") if setting.quick else ("<= 1", ">= 10")
    yield Result(f"digits, {plan.number} cells, seconds", "clock / 30 s", (taken / 30,), 30.0, taken, "s", goals[0])
    yield Result("estimate before it began", "estimate / clock", (estimated / taken,), estimated, taken, "s")
    torch.set_num_threads(1)
    networks = {name: pretrain(plan.task, name, 0) for name in plan.networks}
    cells = [cell for cell in plan.cells() if cell.seed == 0]
    for name, measure, goal in (("the usual pipeline", loaded, goals[1]), ("whole arrays", by_hand, "")):
        looped = plan.seeds * _loop(plan, cells, lambda cell: networks[cell.network], time.perf_counter, measure)
        what = f"networks at hand: a loop over cells, {name}"
        yield Result(what, "the loop / tare", (looped / again,), looped, again, "s", goal)


def evaluated(setting: Setting) -> Iterator[Result]:
    """What ``--evaluate`` adds to a trial of a function that does nothing: constants, the layer, the folder, the kept result."""
    seeds = 4 if setting.quick else 40
    with tempfile.TemporaryDirectory(dir=setting.scratch) as text:
        folder = Path(text)
        np.save(folder / "x.npy", np.random.default_rng(0).integers(0, 256, (400, 64, 64, 3), dtype=np.uint8))
        (folder / "own.py").write_text("def score(normaliser, mean, train, seed):\n    return mean[0] + seed\n")
        document = {"evaluate": f"{folder}/own.py:score", "data": f"{folder}/x.npy", "mean": [0.5] * 3, "std": [0.25] * 3}
        run_study(plan_of({**document, "sizes": [100], "seeds": 2}), folder / "first", workers=1)
        plan = plan_of({**document, "sizes": [50, 100, 200], "strategies": ["source", "target", "blend"], "seeds": seeds})
        begun = time.perf_counter()
        run_study(plan, folder / "out", workers=1)
        spent = (time.perf_counter() - begun) / plan.number
    yield Result("a trial of a function that does nothing", "added / 50 ms", (spent / 0.05,), 0.05, spent, "s", "<= 1")


def _command(plan: Path, out: Path, workers: int) -> float:
    """Wall-clock seconds of the command."""
    begun = time.perf_counter()
    command = [sys.executable, "-m", "tare", "study", str(plan), "--out", str(out), "--workers", str(workers)]
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603
    return time.perf_counter() - begun


def _loop(
    plan: StudyPlan,
    cells: Sequence[Cell],
    source: _Source,
    clock: Callable[[], float],
    measure: _Measure | None = None,
    every: int = _EVERY,
) -> float:
    """Every cell by itself, sharing nothing."""
    measure = measure or by_hand
    measure(plan, source(cells[0]), cells[0])
    begun = clock()
    for cell in cells[::every]:
        measure(plan, source(cell), cell)
    return (clock() - begun) * len(cells) / len(cells[::every])


def by_hand(plan: StudyPlan, source: Pretrained, cell: Cell) -> float:
    """The accuracy of a cell as a plain script has it: its samples normalised as one tensor, features in batches, the head."""
    fitted, tested, mean, std = _drawn(plan, source, cell)

    def batches(part: Samples) -> Iterator[torch.Tensor]:
        shape = (-1, 1, 1)
        inputs = (part.tensor().float() / 255 - torch.tensor(mean).reshape(shape)) / torch.tensor(std).reshape(shape)
        yield from torch.split(inputs, _BATCH)

    return _accuracy(source, fitted, tested, batches)


def loaded(plan: StudyPlan, source: Pretrained, cell: Cell) -> float:
    """The same by the usual pipeline: torchvision's transforms of each image, and a DataLoader."""
    from torchvision import transforms

    fitted, tested, mean, std = _drawn(plan, source, cell)
    transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize(mean, std)])
    return _accuracy(source, fitted, tested, lambda part: DataLoader(_Transformed(part, transform), batch_size=_BATCH))


def _drawn(plan: StudyPlan, source: Pretrained, cell: Cell) -> tuple[Samples, Samples, tuple[float, ...], tuple[float, ...]]:
    """A cell's training and test samples, and the mean and std that its strategy normalises with."""
    target = plan.task.target()
    train, test = seeded_split(target, plan.pool, cell.seed)
    shift = shift_named(cell.shift)
    parts = [Samples("", shift.apply(target.values[part]), target.labels[part]) for part in (train[: cell.size], test)]
    chosen = cell_normalisation(cell.strategy, source, parts[0].measure())
    return parts[0], parts[1], chosen.mean, chosen.std


@torch.inference_mode()
def _accuracy(
    source: Pretrained, fitted: Samples, tested: Samples, batches: Callable[[Samples], Iterable[torch.Tensor]]
) -> float:
    blocks = cast(Callable[[torch.Tensor], torch.Tensor], source.module.blocks)
    features = [torch.cat([blocks(batch).mean((2, 3)) for batch in batches(part)]).numpy() for part in (fitted, tested)]
    head = make_pipeline(StandardScaler(), LogisticRegression(C=STRENGTH, max_iter=2000)).fit(features[0], fitted.labels)
    return float(np.mean(head.predict(features[1]) == tested.labels))


class _Transformed(Dataset[torch.Tensor]):
    def __init__(self, samples: Samples, transform: Callable[[NDArray[np.uint8]], torch.Tensor]) -> None:
        self.samples, self.transform = samples, transform

    def __len__(self) -> int:
        return len(self.samples.labels)

    def __getitem__(self, index: int) -> torch.Tensor:
        return self.transform(self.samples.values[index])


def _ours(plan: StudyPlan, cells: Sequence[Cell], source: _Source) -> float:
    begun = time.process_time()
    network = source(cells[0])
    for shift in plan.shifts:
        measure_cells(plan.task, network, [cell for cell in cells if cell.shift == shift], plan.pool)
    return time.process_time() - begun


ROWS = (Row("study", study), Row("default study", default_study), Row("evaluate", evaluated))
