"""How long the rest of a study will take, told from the seconds that its workers spent."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tare.studying.cells.cell import Result
from tare.studying.cells.once import taken
from tare.studying.plan import Cell
from tare.system.pacing.costs import Costs

_ONCE = "once"


@dataclass(frozen=True, slots=True)
class Measured:
    """A unit's hash and results, the seconds it took, and of these the seconds of what is kept for other units."""

    inputs: str
    results: Sequence[Result]
    seconds: float
    once: float


@dataclass(frozen=True, slots=True)
class Timed:
    """Measure a unit, and its time."""

    measure: Callable[[Any], tuple[str, Sequence[Result]]]

    def __call__(self, unit: Any) -> Measured:
        """The results of the unit."""
        taken()
        begun = time.perf_counter()
        found = self.measure(unit)
        return Measured(*found, time.perf_counter() - begun, taken())


class Remaining:
    """The time left of a study in which ``workers`` measure at once.

    Cells cost what those of their network, protocol and treatment of batch norm did. What is kept for other units (a pretrained
    network, features) costs once for each ``block`` of cells that shares it.
    """

    def __init__(self, cells: Sequence[Cell], workers: int, block: Callable[[Cell], object]) -> None:
        self._workers, self._block = max(1, workers), block
        self._paid: set[object] = set()
        self._costs = Costs({**Counter(map(_kind, cells)), _ONCE: len(set(map(block, cells)))})

    def after(self, unit: Measured) -> float | None:
        """Count a unit; the seconds left, or None while there are cells of a kind of which none was measured."""
        first = unit.results[0].cell
        if self._block(first) not in self._paid:
            self._paid.add(self._block(first))
            self._costs.spend(_ONCE, 1, unit.once)
        self._costs.spend(_kind(first), len(unit.results), unit.seconds - unit.once)
        left = self._costs.left()
        return None if left is None else left / self._workers


def _kind(cell: Cell) -> str:
    return f"{cell.network} {cell.protocol} {cell.batchnorm}"
