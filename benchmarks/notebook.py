"""Run ``docs/notebook/quickstart.ipynb`` again and keep its outputs: ``python -m benchmarks.notebook``.

What depends on the machine or the hour is left out of the file: times, paths, identifiers, progress.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

PATH = Path(__file__).parent.parent / "docs" / "notebook" / "quickstart.ipynb"


def executed(path: Path, folder: Path) -> Any:
    """The notebook with fresh outputs, run in ``folder``; a cell that raises ends it."""
    notebook = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    NotebookClient(notebook, timeout=600, kernel_name="python3", resources={"metadata": {"path": str(folder)}}).execute()
    return steady(notebook)


def steady(notebook: Any) -> Any:
    """The notebook without what differs from one run to the next; what was said on standard error is none of its outputs."""
    notebook.metadata = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    for index, cell in enumerate(notebook.cells):
        cell.id = f"cell-{index}"
        cell.metadata = {}
        if cell.cell_type == "code":
            cell.outputs = _joined([output for output in cell.outputs if output.get("name") != "stderr"])
    return notebook


def _joined(outputs: list[Any]) -> list[Any]:
    """Consecutive pieces of standard output as one: where it was cut depends on the hour."""
    joined: list[Any] = []
    for output in outputs:
        if joined and output.get("name") == joined[-1].get("name") == "stdout":
            joined[-1]["text"] += output["text"]
        else:
            joined.append(output)
    return joined


def main() -> None:
    """Write the notebook in its place."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    with tempfile.TemporaryDirectory() as folder:
        nbformat.write(executed(PATH, Path(folder)), PATH)  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    main()
