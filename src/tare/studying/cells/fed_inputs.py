"""The inputs of each strategy: a proof that they differ, their moments and distribution, and example images."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from tare.errors import StrategyError
from tare.normalisation.input_layer import InputLayer
from tare.normalisation.names import Strategy
from tare.studying.cells.cell import cell_normalisation
from tare.studying.cells.pretraining import source_moments
from tare.studying.plan import StudyPlan
from tare.studying.result import PRETRAINING, ExampleInputs, FedInputs
from tare.studying.tasks.samples import Samples, seeded_split
from tare.studying.tasks.shifts import shift_named
from tare.studying.tasks.task import Pretrained

_BINS = 48
_LOW, _HIGH = -4.0, 6.0
_PROVED = 64
_EXAMPLES = 3
_SIDE = 96


def prove_different(plan: StudyPlan) -> None:
    """Normalise the same samples by all strategies and compare the tensors.

    Raises :class:`StrategyError` if two strategies give equal tensors: they would be compared with themselves.
    """
    for shift in plan.shifts:
        tensors: dict[str, torch.Tensor] = {}
        for strategy, fed in _fed(plan, shift, _PROVED):
            twin = next((name for name, other in tensors.items() if torch.equal(other, fed)), None)
            if twin is not None:
                found = f"{strategy!r} and {twin!r} feed the same under the shift {shift!r}"
                raise StrategyError("strategies that feed the network different tensors", found, "leave one of them out")
            tensors[strategy] = fed


def fed_inputs(plan: StudyPlan) -> tuple[FedInputs, ...]:
    """Moments and distribution of every strategy's inputs under every shift."""
    found = []
    task = plan.task
    if task.source is not None:
        source = task.source()
        stand_in = _stand_in(plan)
        found.append(_of("", PRETRAINING, InputLayer(cell_normalisation("source", stand_in, source.measure()))(source.tensor())))
    for shift in plan.shifts:
        stored = _part(plan, shift, plan.sizes[-1]).tensor()
        unit = stored / 255 if stored.dtype == torch.uint8 else stored
        if unit.ndim > 2:  # a table's columns have their own units, so no common axis
            found.append(_of(shift, "stored", unit, 0.0, 1.0))
        found += [_of(shift, strategy, fed) for strategy, fed in _fed(plan, shift, plan.sizes[-1])]
    return tuple(found)


def example_inputs(plan: StudyPlan) -> tuple[ExampleInputs, ...]:
    """The first samples of three classes under every shift and strategy; empty if the samples are not images."""
    target = plan.task.target()
    if target.values.ndim != 4 or target.channels not in (1, 3):
        return ()
    found = []
    for shift in plan.shifts:
        part = _part(plan, shift, plan.sizes[-1])
        chosen = np.array([int(np.flatnonzero(part.labels == label)[0]) for label in range(min(_EXAMPLES, part.classes))])
        step = max(1, max(part.values.shape[1:3]) // _SIDE)
        for strategy, fed in _fed(plan, shift, plan.sizes[-1], chosen):
            found.append(ExampleInputs(shift, strategy, fed[:, :, ::step, ::step].numpy()))
    return tuple(found)


def _fed(
    plan: StudyPlan, shift: str, count: int, chosen: NDArray[np.int64] | None = None
) -> Iterator[tuple[Strategy, torch.Tensor]]:
    """Each strategy's inputs: the first ``count`` training samples, or the ``chosen`` samples."""
    part, source = _part(plan, shift, plan.sizes[-1]), _stand_in(plan)
    stats = part.measure(plan.strategies)
    picked = part.take(np.arange(min(count, len(part.labels))) if chosen is None else chosen).tensor()
    for strategy in plan.strategies:
        yield strategy, InputLayer(cell_normalisation(strategy, source, stats))(picked)


def _part(plan: StudyPlan, shift: str, count: int) -> Samples:
    target = plan.task.target()
    train, _ = seeded_split(target, plan.pool, 0)
    part = target.take(train[:count])
    return Samples(target.name, shift_named(shift).apply(part.values), part.labels)


def _stand_in(plan: StudyPlan) -> Pretrained:
    """Constants and moments of the source of seed 0, with a dummy network: inputs do not depend on the weights."""
    task = plan.task
    if task.given is not None:
        return task.given(plan.networks[0])
    assert task.source is not None  # noqa: S101 - a task has either
    return Pretrained(torch.nn.Identity(), *source_moments(task.source(), 0))


def _of(shift: str, strategy: str, fed: torch.Tensor, low: float = _LOW, high: float = _HIGH) -> FedInputs:
    values = fed.double().numpy().ravel()
    counts, _ = np.histogram(np.clip(values, low, high), _BINS, (low, high))
    shares = tuple((counts / max(1, values.size)).tolist())
    return FedInputs(shift, strategy, float(values.mean()), float(values.std()), low, high, shares)
