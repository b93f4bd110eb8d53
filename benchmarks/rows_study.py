"""A study against the loops that people write for it: each cell by itself."""

from __future__ import annotations

import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import cast

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks.harness import Result, Row, Setting
from tare.studies.estimating import estimated_seconds
from tare.studies.measuring_cells import STRENGTH, cell_normalisation, measure_cells
from tare.studies.plan import Cell, Plan, plan_of
from tare.studies.pretraining import pretrain
from tare.studies.running import run_study
from tare.studies.samples import Samples, split
from tare.studies.shifts import shift_named
from tare.studies.tasks import Pretrained

#: The loops take minutes: every so manieth cell is measured, and the time multiplied; a prime, so that all kinds take their turn.
_EVERY, _EVERY_QUICK = 7, 59
_BATCH = 128
_Source = Callable[[Cell], Pretrained]


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
        pairs = [(_loop(plan, cells, source, time.process_time, every), _ours(plan, cells, source)) for _ in range(rounds)]
        medians = [statistics.median(times) for times in zip(*pairs, strict=True)]
        ratios = tuple(theirs / own for theirs, own in pairs)
        yield Result(f"digits, {len(cells)} cells, {name}", "the loop / tare", ratios, medians[0], medians[1], "CPU s", goal)


def default_study(setting: Setting) -> Iterator[Result]:
    """The default study of digits, 1,200 cells, by the clock, in as many processes as there are processors; and its estimate.

    Then the same with the networks at hand, against one process that measures each cell by itself with the networks at hand.
    """
    plan = plan_of({"study": "digits"})
    estimated = estimated_seconds(plan, setting.workers)
    with tempfile.TemporaryDirectory(dir=setting.scratch) as folder:
        out = Path(folder) / "study"
        taken = _clock(plan, out, setting.workers)
        shutil.rmtree(out / "cells")
        again = _clock(plan, out, setting.workers)
    yield Result(f"digits, {plan.number} cells, seconds", "clock / 30 s", (taken / 30,), 30.0, taken, "s", "<= 1")
    yield Result("estimate before it began", "estimate / clock", (estimated / taken,), estimated, taken, "s")
    torch.set_num_threads(1)
    networks = {name: pretrain(plan.task, name, 0) for name in plan.networks}
    cells = [cell for cell in plan.cells() if cell.seed == 0]
    looped = plan.seeds * _loop(plan, cells, lambda cell: networks[cell.network], time.perf_counter)
    name = "networks at hand: a loop over cells in one process"
    yield Result(name, "the loop / tare", (looped / again,), looped, again, "s", ">= 10")


def _clock(plan: Plan, out: Path, workers: int | None) -> float:
    begun = time.perf_counter()
    run_study(plan, out, workers=workers)
    return time.perf_counter() - begun


def _loop(plan: Plan, cells: Sequence[Cell], source: _Source, clock: Callable[[], float], every: int = _EVERY) -> float:
    """Every cell by itself, sharing nothing."""
    by_hand(plan, source(cells[0]), cells[0])
    begun = clock()
    for cell in cells[::every]:
        by_hand(plan, source(cell), cell)
    return (clock() - begun) * len(cells) / len(cells[::every])


@torch.inference_mode()
def by_hand(plan: Plan, source: Pretrained, cell: Cell) -> float:
    """The accuracy of a cell as a plain script has it: its samples normalised, features in batches, scikit-learn's head."""
    target = plan.task.target()
    train, test = split(target, plan.pool, cell.seed)
    train = train[: cell.size]
    shift = shift_named(cell.shift)
    fitted, tested = (Samples("", shift.apply(target.values[part]), target.labels[part]) for part in (train, test))
    chosen = cell_normalisation(cell.strategy, source, fitted.measure())
    mean, std = (torch.tensor(each, dtype=torch.float32).reshape(-1, 1, 1) for each in (chosen.mean, chosen.std))
    features, blocks = [], cast(Callable[[torch.Tensor], torch.Tensor], source.module.blocks)
    for part in (fitted, tested):
        inputs = (part.tensor().float() / 255 - mean) / std
        features.append(torch.cat([blocks(batch).mean((2, 3)) for batch in torch.split(inputs, _BATCH)]).numpy())
    head = make_pipeline(StandardScaler(), LogisticRegression(C=STRENGTH, max_iter=2000)).fit(features[0], fitted.labels)
    return float(np.mean(head.predict(features[1]) == tested.labels))


def _ours(plan: Plan, cells: Sequence[Cell], source: _Source) -> float:
    begun = time.process_time()
    network = source(cells[0])
    for shift in plan.shifts:
        measure_cells(plan.task, network, [cell for cell in cells if cell.shift == shift], plan.pool)
    return time.process_time() - begun


ROWS = (Row("study", study), Row("default study", default_study))
