"""Hand-overs between two steps, a short seeded part of the matrix."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from fuzz.handover.commands import RefusedError, tare
from fuzz.handover.matrix import Answer, Chain, Tally, Telling, Told, World, explore, table
from fuzz.handover.worlds import worlds


def test_statistics_are_compared_alike_however_a_table_is_told(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    tables = next(world for world in worlds() if world.name == "tables")
    tally = Tally()
    explore(tables, 7, tmp_path, tally, "measure, compare")
    assert tally.faults == []
    assert tally.same["tables: measure, compare"] > 20
    assert tally.remarked["tables: measure, compare"] >= 1


@pytest.mark.long
@pytest.mark.parametrize("world", worlds(), ids=lambda world: world.name)
def test_all_hand_overs(world: World, tmp_path: Path) -> None:
    tally = Tally()
    explore(world, 8, tmp_path, tally)
    assert tally.faults == []


def _write(change: float) -> Telling:
    return Telling(f"by {change}", lambda _, truth: Told(truth + change), same=True)


def _first(told: Told, folder: Path) -> float:
    del folder
    return float(told.data.sum())


def _second(made: float, told: Told, folder: Path) -> Answer:
    del folder
    if told.data.max() > 50:
        raise RefusedError("too large")
    return Answer({"difference": made - float(told.data.sum())}, "the data are others" if told.data.min() < -5 else "")


def test_another_answer_a_refusal_of_the_same_data_and_a_missing_remark_are_faults(tmp_path: Path) -> None:
    others = Telling("others", lambda _, truth: Told(truth - 9.0), remark="others")
    tellings = (_write(0.0), _write(-0.0), _write(1.0), _write(99.0), others)
    world = World("numbers", lambda g: g.uniform(0, 1, 3), tellings, (Chain("sum, sum", _first, _second, back=False),))
    tally = Tally()
    explore(world, 0, tmp_path, tally)
    assert [tally.same.total(), tally.remarked.total(), tally.refused.total()] == [1, 1, 0]
    assert ["refused, though it is the same data: too large" in fault for fault in tally.faults] == [False, True]
    assert "difference is -3.0" in tally.faults[0] or "difference is -2.99" in tally.faults[0]
    assert "| numbers: sum, sum | 4 | 1 | 0 | 1 | 2 |" in table(tally, 1, 0)


def test_a_command_is_refused_in_one_line(tmp_path: Path) -> None:
    np.savetxt(tmp_path / "a.csv", np.arange(6.0).reshape(3, 2), delimiter=",", header="a,b", comments="")
    assert tare("measure", tmp_path / "a.csv", "--json").document["samples"] == 3
    with pytest.raises(RefusedError, match="absent"):
        tare("measure", tmp_path / "absent.csv")
