"""Estimate how long a study will take, from a few cells measured on this machine."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from tare.errors import DataError
from tare.studying.cells.cell import measure_cells
from tare.studying.cells.pretraining import EPOCHS, pretrain_together
from tare.studying.evaluation.cells import EVALUATION, TrialUnit, measure_trial
from tare.studying.execution.given_cost import seconds_of_given
from tare.studying.execution.processes import one_thread
from tare.studying.plan import Cell, StudyPlan
from tare.studying.tasks.task import Pretrained
from tare.system.engines.local import default_workers


def estimated_seconds(plan: StudyPlan, workers: int | None = None, missing: int | None = None) -> float:
    """Wall-clock seconds that the study would take, extrapolated from one seed and one shift of each network.

    Of a network that comes pretrained only a pass and a step are timed (:mod:`tare.studying.execution.given_cost`). Of a network
    that the study pretrains, pretraining is timed over one epoch, and cells of the smallest and the largest size; between them
    time is assumed to be linear in size. ``missing`` is the number of cells to count, by default all. The present load on the
    machine affects the estimate.
    """
    if plan.evaluate:
        return _of_trials(plan, workers or default_workers(), plan.number if missing is None else missing)
    with one_thread():
        loaded, begun = time.process_time(), time.perf_counter()
        total = sum(_seconds(plan, network) for network in plan.networks)
        spent = time.perf_counter() - begun
    share = 1.0 if missing is None else missing / plan.number
    processes = min(workers or default_workers(), max(1, plan.seeds * len(plan.shifts) // plan.task.together))
    # A process of its own loads what this one has loaded: the libraries, the data, the networks.
    start = (loaded if plan.task.given else spent / max(1, len(plan.networks))) if processes > 1 else 0.0
    return share * total / processes + (start if share else 0.0)


def _of_trials(plan: StudyPlan, workers: int, missing: int) -> float:
    """Seconds for trials of the user's own function, from one at the smallest and one at the largest size."""
    with one_thread(), TemporaryDirectory() as folder:
        chosen = {cell.size: cell for cell in plan.cells() if cell.seed == 0 and cell.size in (plan.sizes[0], plan.sizes[-1])}
        units = EVALUATION.units(plan, Path(folder), EVALUATION.inputs(plan), list(chosen.values()))
        spent = [_of_trial(unit) for unit in units]
    return missing * sum(spent) / len(spent) / min(workers, max(1, missing))


def _of_trial(unit: TrialUnit) -> float:
    """Seconds of a trial. Raises :class:`DataError` if it fails: then the others would most likely fail, too."""
    begun = time.perf_counter()
    _, results = measure_trial(unit)
    if results[0].error:
        raise DataError("a function that gives a score", results[0].error, "repair it")
    return time.perf_counter() - begun


def _seconds(plan: StudyPlan, network: str) -> float:
    """Seconds for one network: pretraining of all seeds, and all cells."""
    task = plan.task
    if task.given is not None:
        return seconds_of_given(plan, network)
    pretrain_together(task, network, range(task.together), epochs=1)  # loads what is loaded only once
    begun = time.perf_counter()
    source = pretrain_together(task, network, range(task.together), epochs=1)[0]
    pretraining = (time.perf_counter() - begun) * EPOCHS / task.together
    cells = [cell for cell in plan.cells() if (cell.network, cell.seed, cell.shift) == (network, 0, plan.shifts[0])]
    modes = dict.fromkeys((cell.protocol, cell.batchnorm) for cell in cells)
    units = sum(_unit(plan, source, [cell for cell in cells if (cell.protocol, cell.batchnorm) == mode]) for mode in modes)
    return plan.seeds * (pretraining + len(plan.shifts) * units)


def _unit(plan: StudyPlan, source: Pretrained, cells: Sequence[Cell]) -> float:
    """Seconds for one unit's cells, from two strategies at the smallest and the largest size."""
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
