from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tare.errors import OutputError
from tare.studying.execution.store import Store
from tare.studying.plan import plan_of

PLAN: dict[str, Any] = plan_of({"study": "signals", "networks": "mlp", "sizes": 20, "seeds": 2}).to_json()


def row(**more: Any) -> dict[str, Any]:
    texts = {"network": "mlp", "protocol": "probe", "batchnorm": "eval", "shift": "content", "strategy": "source", "error": ""}
    return {**texts, "size": 20, "seed": 0, "accuracy": 0.9, "tested": 100, "fed_mean": 0.0, "fed_std": 1.0, **more}


def test_what_is_kept_is_there_again(tmp_path: Path) -> None:
    store = Store(tmp_path / "new")
    store.begin(PLAN)
    store.keep("a", {"1": row()})
    store.keep("b", {"2": row(accuracy=None, error="it failed")})
    assert store.done() == {"1": row(), "2": row(accuracy=None, error="it failed")}
    assert store.plan() == PLAN


@pytest.mark.parametrize("text", ["", "{", "[]", '{"1": {}}', '{"1": 3}', "\x00\xff", "[" * 200_000])
def test_a_damaged_file_counts_as_not_there(tmp_path: Path, text: str) -> None:
    store = Store(tmp_path / "new")
    store.begin(PLAN)
    store.keep("a", {"1": row()})
    (store.root / "cells" / "b.json").write_text(text)
    assert list(store.done()) == ["1"]


def test_the_same_rows_give_the_same_bytes(tmp_path: Path) -> None:
    paths = [Store(tmp_path / name).write_results([row(), row(seed=1, accuracy=None, error="x")]) for name in "ab"]
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_a_plan_that_adds_cells_takes_the_directory_up(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.begin(PLAN)
    more = {**PLAN, "seeds": 5, "shifts": [*PLAN["shifts"], "units:2"], "margin": 2.0, "sizes": [10, 20]}
    store.begin(more)
    assert store.plan() == more


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"study": "digits"}, r"study: signals there, digits now"),
        ({"seeds": 1}, r"seeds: 2 there, 1 now; keep those values and add to them, or name another directory"),
        ({"shifts": ["content"]}, r"shifts: \['content', 'units:10', 'units:0\.1'\] there, \['content'\] now"),
        ({"mean": [0.5]}, r"mean: \[\] there, \[0\.5\] now"),
        ({"weights": "none"}, r"weights: pretrained there, none now"),
    ],
)
def test_another_plan_is_refused_with_the_difference(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    store = Store(tmp_path)
    store.begin(PLAN)
    with pytest.raises(OutputError, match=message):
        store.begin({**PLAN, **change})
    assert store.plan() == PLAN


def test_a_directory_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(OutputError, match=r"a new directory, or a study's, found .* holds something else"):
        Store(tmp_path).begin(PLAN)
    with pytest.raises(OutputError, match=r"a directory for the study, found .*thesis\.tex' is a file"):
        Store(tmp_path / "thesis.tex").begin(PLAN)


def test_a_plan_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    Store(tmp_path).begin(PLAN)
    (tmp_path / "plan.json").write_text("{")
    with pytest.raises(OutputError, match=r"a study's directory, with a plan\.json, found no readable plan\.json"):
        Store(tmp_path).begin(PLAN)


def test_a_place_that_cannot_be_written_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> Any:
        raise OSError(28, "No space left on device")

    store = Store(tmp_path)
    store.begin(PLAN)
    monkeypatch.setattr(Path, "touch", full)
    with pytest.raises(OutputError, match="No space left on device"):
        store.keep("a", {"1": row()})
    assert list((tmp_path / "cells").iterdir()) == []
    assert json.loads((tmp_path / "plan.json").read_text()) == PLAN


def test_a_pipe_in_place_of_a_file_is_not_waited_for(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.begin(PLAN)
    os.mkfifo(tmp_path / "cells" / "a.json")
    assert store.done() == {}
    (tmp_path / "plan.json").unlink()
    os.mkfifo(tmp_path / "plan.json")
    with pytest.raises(OutputError, match=r"no readable plan\.json"):
        store.plan()
