"""The committed notebook is one that ran: it runs again, and says the same."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("nbclient", reason="the docs extra is not installed")

import nbformat
from benchmarks.notebook import PATH, executed


def committed() -> Any:
    return nbformat.read(PATH, as_version=4)  # type: ignore[no-untyped-call]


def said(notebook: Any) -> list[list[str]]:
    """Words of the printed outputs, cell by cell: numbers may differ between machines and are left out."""
    texts = [
        "".join(output.get("text", "") or output.get("data", {}).get("text/plain", "") for output in cell.get("outputs", ()))
        for cell in notebook.cells
    ]
    return [re.sub(r"\d+\.?\d*", "0", text).split() for text in texts]


def test_every_cell_has_run_and_none_failed() -> None:
    cells = [cell for cell in committed().cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell.outputs]
    assert outputs
    assert not [output for output in outputs if output.output_type == "error" or output.get("name") == "stderr"]


def test_no_output_names_a_place_or_an_hour() -> None:
    text = PATH.read_text(encoding="utf-8")
    assert not re.search(r"/(?:home|tmp|root|Users|work)/", text)
    assert not re.search(r"\b20\d\d-\d\d-\d\d|\b\d\d:\d\d:\d\d\b", text)
    assert "pickle" not in text


@pytest.mark.long
def test_it_runs_again_and_says_the_same(tmp_path: Path) -> None:
    assert said(executed(PATH, tmp_path)) == said(committed())
