"""What distinguishes kinds of studies while they run: how cells are proved, hashed, divided, measured and shown."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tare.studying.analysis.analysis import Analysis
from tare.studying.cells.cell import Result
from tare.studying.plan import Cell, StudyPlan
from tare.studying.result import ExampleInputs, FedInputs, Row


@dataclass(frozen=True, slots=True)
class Kind:
    """The steps of one kind of study.

    ``prove`` raises before the first cell if strategies would be compared with themselves. ``inputs`` gives a hash, by network,
    of everything that its cells depend on. ``units`` divides missing cells into what one process measures at once, and
    ``measure`` measures a unit in any process: its hash and its results. ``table`` makes the rows of the table of results, and
    ``analyses`` the analysis of each score; ``fed`` and ``examples`` are shown on the page.
    """

    prove: Callable[[StudyPlan], None]
    inputs: Callable[[StudyPlan], Mapping[str, str]]
    units: Callable[[StudyPlan, Path, Mapping[str, str], Iterable[Cell]], Sequence[Any]]
    measure: Callable[[Any], tuple[str, Sequence[Result]]]
    table: Callable[[Iterable[Row]], tuple[Row, ...]]
    analyses: Callable[[StudyPlan, Sequence[Row]], Mapping[str, Analysis]]
    fed: Callable[[StudyPlan], tuple[FedInputs, ...]]
    examples: Callable[[StudyPlan], tuple[ExampleInputs, ...]]
