"""The runner of mutants changes one thing at a time, and tells what a module's tests notice."""

from __future__ import annotations

import ast
import marshal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from benchmarks.marks import insert
from benchmarks.mutation.__main__ import ROOT, Result, table
from benchmarks.mutation.equivalent import EQUIVALENT
from benchmarks.mutation.forks import forked
from benchmarks.mutation.mutants import Mutated
from benchmarks.mutation.record import Record
from benchmarks.mutation.running import Outcome, outcomes
from benchmarks.mutation.targets import TARGETS

from tare.statistics.exact import exact_sum

SOURCE = '''
"""A module."""
LIMIT = 3

def smaller(a: int, b: int = 2) -> bool:
    """Not mutated: 1 < 2."""
    if not a:
        raise ValueError(f"{1 + 1} < 2")
    return a < b and LIMIT > -1
'''


def changes(source: str) -> list[tuple[str, str]]:
    return [(mutant.before, mutant.after) for mutant in Mutated("made", source, "made.py").mutants]


def test_every_operator_constant_sign_condition_and_return_is_changed_once() -> None:
    assert changes(SOURCE) == [
        ("3", "4"),
        ("2", "3"),
        ("not a", "a"),
        ("return a < b and LIMIT > -1", "return None"),
        ("a < b and LIMIT > -1", "a < b or LIMIT > -1"),
        ("a < b", "a <= b"),
        ("a < b", "a >= b"),
        ("LIMIT > -1", "LIMIT >= -1"),
        ("LIMIT > -1", "LIMIT <= -1"),
        ("-1", "1"),
        ("1", "2"),
    ]


@pytest.mark.parametrize(
    ("line", "after"),
    [("x = a + b", "a - b"), ("x = a // b", "a * b"), ("x = a ** b", "a * b"), ("x = a & b", "a | b"), ("x = min(a, b)", "max")],
)
def test_operators_and_names_become_others(line: str, after: str) -> None:
    assert after in [changed for _, changed in changes(line)]


def test_types_annotations_and_messages_stay() -> None:
    assert changes("Kind = Some.Conv | Other.Conv\nx: Literal[1, 2]\nraise ValueError(1 + 1)") == []


def test_each_mutant_computes_something_else_and_leaves_no_trace() -> None:
    mutated = Mutated("made", SOURCE, "made.py")
    before = ast.dump(mutated.tree)
    compiled = set()
    for place in range(len(mutated.mutants)):
        compiled.add(marshal.dumps(mutated.code(place)))
        assert ast.dump(mutated.tree) == before
    assert len(compiled) == len(mutated.mutants)
    namespace: dict[str, object] = {}
    place = [mutant.after for mutant in mutated.mutants].index("a <= b")
    exec(mutated.code(place), namespace)  # noqa: S102  # made above
    assert namespace["smaller"](2, 2)  # type: ignore[operator]


def test_equal_changes_of_equal_lines_have_keys_of_their_own() -> None:
    keys = [mutant.key for mutant in Mutated("made", "x = 1\nx = 1", "made.py").mutants]
    assert keys == ["x = 1 :: 1 -> 2", "x = 1 :: 1 -> 2 #1"]


def test_what_is_listed_as_equivalent_is_a_mutant_of_the_module_as_it_is() -> None:
    for module, reasons in EQUIVALENT.items():
        assert module in TARGETS
        path = ROOT / "src" / "tare" / f"{module.replace('.', '/')}.py"
        keys = {mutant.key for mutant in Mutated(module, path.read_text(encoding="utf-8"), str(path)).mutants}
        assert set(reasons) <= keys, module
        assert all(reasons.values())


def test_children_answer_run_out_of_time_or_end_early() -> None:
    import os
    import time

    def late() -> dict[str, str]:
        time.sleep(60)
        return {}

    jobs = [(0, lambda: {"status": "survived", "test": ""}, 60.0), (1, late, 0.3), (2, lambda: os._exit(3), 60.0)]
    found = {key: answer for key, answer, _ in forked(jobs, workers=2)}
    assert found[0] == {"status": "survived", "test": ""}
    assert found[1] is None
    assert found[2] == {"status": "killed", "test": "the interpreter ended"}


def test_a_killed_mutant_stays_killed_under_more_tests_and_a_survivor_runs_again(tmp_path: Path) -> None:
    first, second, *_ = Mutated("made", SOURCE, "made.py").mutants
    record = Record(tmp_path / "record.jsonl")
    record.put(first, "source", "tests", Outcome("killed", "a test"))
    record.put(second, "source", "tests", Outcome("survived"))
    again = Record(tmp_path / "record.jsonl")
    assert again.get(first, "source", "more tests") == Outcome("killed", "a test")
    assert again.get(first, "source", "more tests", kept=False) is None
    assert again.get(second, "source", "tests") == Outcome("survived")
    assert again.get(second, "source", "more tests") is None
    assert again.get(first, "other source", "tests") is None
    assert again.last(second, "source") == Outcome("survived")
    assert again.last(second, "other source") is None


CHANGED = """
import sys
from pathlib import Path
from benchmarks.mutation.mutants import Mutated
from benchmarks.mutation.running import _Changed

path = Path("src/tare/statistics/compiled/exact.py")
mutated = Mutated("exact", path.read_text(), str(path.absolute()))
place = next(place for place, mutant in enumerate(mutated.mutants) if (mutant.before, mutant.after) == ("2047", "2048"))
sys.meta_path.insert(0, _Changed("tare.statistics.compiled.exact", mutated.code(place)))
import numpy
from tare.system.engines import loops
loops._WORTH = 0  # the compiled form from the first byte on
from tare.statistics.exact import exact_sum
print(float(exact_sum(numpy.ones(1000)).fraction()))
"""


def test_a_constant_that_was_changed_in_a_compiled_function_is_compiled() -> None:
    assert float(exact_sum(np.ones(1000)).fraction()) == 1000.0  # and now it is in the cache
    done = subprocess.run([sys.executable, "-c", CHANGED], cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603
    assert float(done.stdout) != 1000.0


@pytest.mark.long
def test_the_process_that_children_come_from_has_nothing_of_tare() -> None:
    program = "import sys, benchmarks.mutation.__main__ as m; m.running.load_libraries(); sys.exit('tare' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False).returncode == 0  # noqa: S603
    made = Mutated("made", SOURCE, "made.py")
    with pytest.raises(SystemExit, match="expected a process that has not loaded tare"):
        next(outcomes(made, [], [0]))


def test_the_table_counts_and_is_put_between_its_marks(tmp_path: Path) -> None:
    mutants = Mutated("made", SOURCE, "made.py").mutants
    outcomes = [Outcome("killed"), Outcome("timeout"), Outcome("survived")]
    text = table({"made": [Result(mutant, outcome) for mutant, outcome in zip(mutants, outcomes, strict=False)]}, {"made": 9})
    assert "| `made` | 9 | 3 | 2 | 1 | 0 | 1 |" in text
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- mutation -->\nold\n<!-- end of mutation -->\nafter\n")
    insert(page, "mutation", text)
    assert page.read_text() == f"before\n<!-- mutation -->\n\n{text}\n\n<!-- end of mutation -->\nafter\n"
    page.write_text("no marks")
    with pytest.raises(SystemExit, match="has no marks"):
        insert(page, "mutation", text)
