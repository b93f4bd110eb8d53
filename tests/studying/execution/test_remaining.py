from __future__ import annotations

from dataclasses import replace

import pytest

from tare.studying.cells.cell import Result
from tare.studying.cells.once import once, taken
from tare.studying.execution.remaining import Measured, Remaining, Timed
from tare.studying.plan import Cell, plan_of


def cells(**plan: object) -> list[Cell]:
    """The cells of one network."""
    keys = {"study": "digits", "seeds": 8, "sizes": [20], "strategies": ["source", "target"], **plan}
    found = list(plan_of(keys).cells())
    return [cell for cell in found if cell.network == found[0].network]


def unit(measured: list[Cell], seconds: float, spared: float = 0.0) -> Measured:
    return Measured("inputs", [Result(cell, 0.5, 10, 0.0, 1.0) for cell in measured], seconds, spared)


def test_what_is_kept_for_others_costs_once_for_each_that_shares_it() -> None:
    every = cells(shifts=["content", "invert"], protocols=["probe"])
    remaining = Remaining(every, 2, lambda cell: cell.seed // 4)  # a network for every four seeds
    blocks = [
        [cell for cell in every if (cell.seed // 4, cell.shift) == key] for key in ((0, "content"), (1, "content"), (0, "invert"))
    ]
    left = [remaining.after(each) for each in (unit(blocks[0], 18.0, 10.0), unit(blocks[1], 18.0, 10.0), unit(blocks[2], 8.0))]
    assert left == pytest.approx([(10 + 3 * 8) / 2, 2 * 8 / 2, 8 / 2])


def test_nothing_is_told_while_a_protocol_is_left_that_was_not_seen() -> None:
    every = cells(shifts=["content"], protocols=["probe", "finetune"])
    remaining = Remaining(every, 1, lambda cell: cell.network)
    probes = [cell for cell in every if cell.protocol == "probe"]
    assert remaining.after(unit(probes, 2.0)) is None
    first, *rest = [cell for cell in every if cell.protocol == "finetune"]
    assert remaining.after(unit([first], 30.0)) == pytest.approx(30.0 * len(rest))


def test_a_unit_is_timed_and_what_is_spared_is_noted_by_itself() -> None:
    cell = cells()[0]

    def measure(given: Cell) -> tuple[str, list[Result]]:
        with once():
            sum(range(100_000))
        return "inputs", [Result(replace(given), 0.5, 10, 0.0, 1.0)]

    found = Timed(measure)(cell)
    assert 0 < found.once < found.seconds
    assert taken() == 0
