"""A study against the loops that people write for it: each cell by itself."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import torch

from benchmarks.harness import Result, Row, Setting
from tare.studies.estimating import estimated_seconds
from tare.studies.measuring_cells import measure_cells
from tare.studies.plan import Cell, Plan, plan_of
from tare.studies.pretraining import pretrain
from tare.studies.running import run_study
from tare.studies.tasks import Pretrained

#: The loops take minutes: every so manieth cell is measured, and the time multiplied.
_EVERY = 12


def study(setting: Setting) -> Iterator[Result]:
    """The default study of digits on one network and one seed: CPU seconds, so that other load does not count."""
    plan = plan_of({"study": "digits", "networks": "cnn-batch", "seeds": 2})
    cells = [cell for cell in plan.cells() if cell.seed == 0]
    torch.set_num_threads(1)
    network = pretrain(plan.task, "cnn-batch", 0)
    rounds = 2 if setting.quick else 3
    loops: tuple[tuple[str, str, Callable[[Cell], Pretrained]], ...] = (
        ("a script a cell: pretraining, features, head", ">= 10", lambda cell: pretrain(plan.task, cell.network, cell.seed)),
        ("a loop with the network at hand: features, head", "", lambda _: network),
    )
    for name, goal, source in loops:
        pairs = [(_loop(plan, cells, source), _ours(plan, cells, source)) for _ in range(rounds)]
        medians = [statistics.median(times) for times in zip(*pairs, strict=True)]
        ratios = tuple(theirs / own for theirs, own in pairs)
        yield Result(f"digits, {len(cells)} cells, {name}", "the loop / tare", ratios, medians[0], medians[1], "CPU s", goal)


def default_study(setting: Setting) -> Iterator[Result]:
    """The default study of digits, 1,200 cells, by the clock, in as many processes as there are processors; and its estimate."""
    plan = plan_of({"study": "digits"})
    estimated = estimated_seconds(plan, setting.workers)
    with tempfile.TemporaryDirectory(dir=setting.scratch) as folder:
        begun = time.perf_counter()
        run_study(plan, Path(folder) / "study", workers=setting.workers)
        taken = time.perf_counter() - begun
    yield Result(f"digits, {plan.number} cells, seconds", "clock / 30 s", (taken / 30,), 30.0, taken, "s", "<= 1")
    yield Result("estimate before it began", "estimate / clock", (estimated / taken,), estimated, taken, "s")


def _loop(plan: Plan, cells: Sequence[Cell], source: Callable[[Cell], Pretrained]) -> float:
    """Every cell by itself, sharing nothing."""
    begun = time.process_time()
    for cell in cells[::_EVERY]:
        measure_cells(plan.task, source(cell), [cell], plan.pool)
    return (time.process_time() - begun) * len(cells) / len(cells[::_EVERY])


def _ours(plan: Plan, cells: Sequence[Cell], source: Callable[[Cell], Pretrained]) -> float:
    begun = time.process_time()
    network = source(cells[0])
    for shift in plan.shifts:
        measure_cells(plan.task, network, [cell for cell in cells if cell.shift == shift], plan.pool)
    return time.process_time() - begun


ROWS = (Row("study", study), Row("default study", default_study))
