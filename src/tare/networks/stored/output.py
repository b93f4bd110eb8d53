"""Whether a model directory may be written to a place; looked at before anything is loaded."""

from __future__ import annotations

import os
from pathlib import Path

from tare.errors import OutputError
from tare.input_spec.model_file import MODEL_FILES, check_no_part
from tare.system.files import check_own, folder_place


def check_free(out: Path, *, overwrite: bool) -> None:
    """Raise :class:`OutputError` if ``out`` exists, unless it is a model directory of no run and ``overwrite`` is given."""
    if not os.path.lexists(out):
        return
    if not overwrite:
        raise OutputError("a new output directory", f"{str(out)!r} exists", "name another, or use --overwrite")
    folder_place(out)
    check_no_part(out)
    if any(out.iterdir()) and not (out / "tare.json").is_file():
        raise OutputError("a model directory to overwrite", f"{str(out)!r} holds something else", "name another")
    check_own(out, MODEL_FILES, "a model directory")
