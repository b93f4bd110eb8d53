"""How long a study will take, from a few cells measured on this machine now."""

from __future__ import annotations

import time
from collections.abc import Sequence

from tare.studying.cells.cell import measure_cells
from tare.studying.cells.pretraining import EPOCHS, pretrain_together
from tare.studying.execution.processes import one_thread
from tare.studying.plan import Cell, StudyPlan
from tare.studying.tasks.task import Pretrained
from tare.system.engines.local import default_workers

#: Passes over dataset0 that are timed; what pretraining takes is a multiple of it.
_EPOCHS = 1


def estimated_seconds(plan: StudyPlan, workers: int | None = None, missing: int | None = None) -> float:
    """Wall-clock seconds that the study would take: measured on one seed and one shift of each network, and multiplied.

    Pretraining is timed over one epoch and the cells of the smallest and the largest size are measured; time is taken to grow
    in a line with size. ``missing`` of the plan's cells are counted, all by default. Other load on the machine, and what each
    process takes to start, are in it as far as they are felt now.
    """
    with one_thread():
        begun = time.perf_counter()
        total = sum(_seconds(plan, network) for network in plan.networks)
        spent = time.perf_counter() - begun
    share = 1.0 if missing is None else missing / plan.number
    processes = min(workers or default_workers(), max(1, plan.seeds * len(plan.shifts) // plan.task.together))
    start = spent / max(1, len(plan.networks)) if processes > 1 else 0.0
    return share * total / processes + (start if share else 0.0)


def _seconds(plan: StudyPlan, network: str) -> float:
    """For one network: pretraining of all seeds, and all cells."""
    task = plan.task
    if task.given is not None:
        source, pretraining = task.given(network), 0.0
    else:
        pretrain_together(task, network, range(task.together), epochs=_EPOCHS)  # what is only loaded once
        begun = time.perf_counter()
        source = pretrain_together(task, network, range(task.together), epochs=_EPOCHS)[0]
        pretraining = (time.perf_counter() - begun) * EPOCHS / _EPOCHS / task.together
    cells = [cell for cell in plan.cells() if (cell.network, cell.seed, cell.shift) == (network, 0, plan.shifts[0])]
    modes = dict.fromkeys((cell.protocol, cell.batchnorm) for cell in cells)
    units = sum(_unit(plan, source, [cell for cell in cells if (cell.protocol, cell.batchnorm) == mode]) for mode in modes)
    return plan.seeds * (pretraining + len(plan.shifts) * units)


def _unit(plan: StudyPlan, source: Pretrained, cells: Sequence[Cell]) -> float:
    """One unit's cells, from those of the ends of the range of sizes and of two strategies."""
    sizes, strategies = plan.sizes, plan.strategies
    ends = dict.fromkeys((sizes[0], sizes[-1]))
    timed = {size: _timed(plan, source, [c for c in cells if c.size == size and c.strategy in strategies[:2]]) for size in ends}
    low, high = timed[sizes[0]], timed[sizes[-1]]
    slope = (high - low) / max(1, sizes[-1] - sizes[0])
    per_pair = sum(max(low, high) if high < low else low + slope * (size - sizes[0]) for size in sizes)
    return per_pair * len(strategies) / min(2, len(strategies))


def _timed(plan: StudyPlan, source: Pretrained, cells: Sequence[Cell]) -> float:
    begun = time.perf_counter()
    measure_cells(plan.task, source, cells, plan.pool)
    return time.perf_counter() - begun
