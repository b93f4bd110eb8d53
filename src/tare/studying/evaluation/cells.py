"""The cells of a study of the user's own function: constants by cell, and one trial a cell."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tare.errors import OutputError, SpecError, StrategyError
from tare.normalisation.applied import Normalisation, same_inputs
from tare.parts.stated import spec_of_normalisation
from tare.statistics.dataset_stats import DatasetStats
from tare.studying.cells.cell import Result, cell_normalisation, failed, pooled
from tare.studying.evaluation.table import analyses_of, table_of
from tare.studying.evaluation.trial import Trial, scored
from tare.studying.kind import Kind
from tare.studying.plan import Cell, StudyPlan
from tare.studying.tasks.function import loaded, text_digest
from tare.studying.tasks.task import Pretrained
from tare.system.files import write_text

#: Raised by every change of the code that changes results, so that older results are measured again.
_EDITION = 1
SAMPLES = "samples.json"


@dataclass(frozen=True, slots=True, eq=False)
class TrialUnit:
    """One cell with all that its trial needs, so that a worker reads no data; ``applied`` is a text if it cannot be."""

    cell: Cell
    inputs: str
    evaluate: str
    text: str
    root: str
    applied: Normalisation | str
    fed: tuple[float, float]
    raw_dtype: str
    layout: str
    train: NDArray[np.int64]
    test: NDArray[np.int64]

    @property
    def cells(self) -> tuple[Cell, ...]:
        """The one cell."""
        return (self.cell,)


def measure_trial(unit: TrialUnit) -> tuple[str, list[Result]]:
    """Call the user's function for one cell; whatever it raises is the cell's error, and the study goes on."""
    if isinstance(unit.applied, str):
        return unit.inputs, [Result(unit.cell, None, len(unit.test), None, None, unit.applied)]
    try:
        function, asked = loaded(unit.evaluate, unit.text)
        scores = scored(function, asked, _trial(unit, unit.applied))
    except OutputError:
        raise
    except Exception as error:  # the user's own code
        return unit.inputs, failed([unit.cell], len(unit.test), error)
    return unit.inputs, [Result(unit.cell, None, len(unit.test), *unit.fed, scores=scores)]


def _trial(unit: TrialUnit, applied: Normalisation) -> Trial:
    from tare.parts.normaliser import Normaliser  # torchvision's transforms load a compiler, which no other study needs

    root, cell = Path(unit.root), unit.cell
    spec = spec_of_normalisation(applied, raw_dtype=unit.raw_dtype, layout=unit.layout)
    return Trial(
        Normaliser.from_spec(spec),
        spec,
        applied.mean,
        applied.std,
        unit.train,
        unit.test,
        cell.seed,
        root / "trials" / _folder_name(cell, unit.inputs),
        cell.network,
        root / SAMPLES,
    )


def _folder_name(cell: Cell, inputs: str) -> str:
    """A name that says which trial it is, and that no other trial has."""
    network = re.sub(r"\W+", "-", cell.network).strip("-")[:40]
    return f"{network}-{cell.strategy}-{cell.size}-seed{cell.seed}-{cell.digest(inputs)[:12]}"


def prove_trials_differ(plan: StudyPlan) -> None:
    """Raise :class:`StrategyError` if two strategies have the same constants for the first seed's largest training set."""
    subject = plan.subject
    stats = subject.stats(subject.split(plan.pool, 0)[0][: plan.sizes[-1]])
    for network in plan.networks:
        source = source_of(plan, network)
        choices = [cell_normalisation(strategy, source, stats) for strategy in plan.strategies]
        for strategy, twin in same_inputs(choices).items():
            found = f"{strategy!r} and {twin!r} feed the same to {network!r}"
            raise StrategyError("strategies that normalise differently", found, "leave one of them out")


def source_of(plan: StudyPlan, network: str) -> Pretrained:
    """The constants that a network of the user's was pretrained with; a single number stands for all channels.

    Raises :class:`SpecError` for another number of constants than the data have channels.
    """
    assert plan.task.given is not None  # noqa: S101 - no seed of such a study pretrains a network
    source, channels = plan.task.given(network), plan.subject.channels
    if source.constants is None:
        return source
    mean, std = (values * channels if len(values) == 1 else values for values in (source.constants.mean, source.constants.std))
    if not len(mean) == len(std) == channels:
        found = f"{len(mean)} means and {len(std)} stds of {network!r}"
        raise SpecError(f"a mean and a std for each of {channels} channels of the data", found, "state as many")
    return replace(source, constants=replace(source.constants, mean=mean, std=std))


def _inputs(plan: StudyPlan) -> dict[str, str]:
    """A hash by network of the data and their names, the constants, the function's text and the edition."""
    text, data = text_digest(plan.evaluate), plan.subject.digest()
    found = {}
    for network in plan.networks:
        source = source_of(plan, network)
        stated = (source.constants, source.seen, *((source.window,) if source.window else ()))
        parts = [_EDITION, text, data, plan.pool, repr(stated)]
        found[network] = hashlib.sha256(json.dumps(parts).encode()).hexdigest()
    return found


def _units(plan: StudyPlan, folder: Path, inputs: Mapping[str, str], missing: Iterable[Cell]) -> list[TrialUnit]:
    """One unit a missing cell, with constants from its training samples alone."""
    write_text(folder / SAMPLES, json.dumps(plan.subject.names) + "\n")
    text, subject = text_digest(plan.evaluate), plan.subject
    prepared = _Prepared(plan)
    return [
        TrialUnit(
            cell,
            inputs[cell.network],
            plan.evaluate,
            text,
            str(folder),
            *prepared.normalised(cell),
            subject.raw_dtype,
            subject.layout,
            *prepared.divided(cell),
        )
        for cell in missing
    ]


class _Prepared:
    """The splits and statistics that cells share, each made once."""

    def __init__(self, plan: StudyPlan) -> None:
        self.plan = plan
        self.split = cache(lambda seed: plan.subject.split(plan.pool, seed))
        self.stats = cache(lambda seed, size: plan.subject.stats(self.split(seed)[0][:size]))

    def divided(self, cell: Cell) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The indices to learn from, and those to score on."""
        pool, test = self.split(cell.seed)
        return pool[: cell.size], test

    def normalised(self, cell: Cell) -> tuple[Normalisation | str, tuple[float, float]]:
        """The normalisation, or why there is none, and the mean and std of what it makes of the training samples."""
        stats: DatasetStats = self.stats(cell.seed, cell.size)
        try:
            applied = cell_normalisation(cell.strategy, source_of(self.plan, cell.network), stats)
        except StrategyError as error:
            return f"StrategyError: {error}", (0.0, 0.0)
        return applied, pooled(*applied.moments_fed(stats))


EVALUATION = Kind(
    prove_trials_differ, _inputs, _units, measure_trial, table_of, analyses_of, fed=lambda _: (), examples=lambda _: ()
)
