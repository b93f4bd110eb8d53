"""Where a transferred model states what its network expects, in the ``tare.json`` of its directory; what is part of what."""

from __future__ import annotations

import os
from fnmatch import fnmatchcase
from pathlib import Path

from tare.errors import OutputError

#: What tare, and the libraries whose formats it writes, put into a model directory or an exported folder.
MODEL_FILES = (
    *("tare.json", "reference.json", "backbone.json", "config.json", "model.safetensors", "README.md"),
    *("preprocessor_config.json", "processor_config.json", "video_preprocessor_config.json"),
)
NAME = "tare.json"
#: Its places in a model directory and in a run directory; the first that is there decides.
PLACES = (NAME, f"model/{NAME}")

#: What runs, model directories and studies are known by, and the files and folders in them that no other output may replace.
_WHOLES = (
    ("run", ("run.json",), ("*.json", "config.yaml", "metrics.csv", "report.html", "checkpoints/*", "model", "model-last")),
    ("model directory", (NAME,), MODEL_FILES),
    ("study", ("plan.json", "cells"), ("*.json", "results.parquet", "views.safetensors", "cells/*", "networks/*", "features/*")),
)


def check_no_part(out: Path) -> None:
    """Raise :class:`OutputError` for an output that would replace a file or folder of a run, of a model directory or of a study.

    The page of a study is no such file: `tare report` makes it again.
    """
    place = Path(os.path.realpath(out))
    if not place.exists():
        return
    for folder in [*place.parents][:2]:
        name = place.relative_to(folder).as_posix()
        for kind, marks, parts in _WHOLES:
            if all((folder / mark).exists() for mark in marks) and any(fnmatchcase(name, part) for part in parts):
                raise OutputError("an output of its own", f"{str(out)!r}, a part of a {kind}", "name another")


def model_file(path: Path) -> Path | None:
    """The ``tare.json`` of a model directory, of a run directory, or the file itself; None for any other path."""
    if path.name == NAME and path.is_file():
        return path
    return next((path / place for place in PLACES if (path / place).is_file()), None)
