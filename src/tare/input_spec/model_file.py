"""Where a transferred model states what its network expects: in the ``tare.json`` of its directory."""

from __future__ import annotations

from pathlib import Path

#: What tare, and the libraries whose formats it writes, put into a model directory or an exported folder.
MODEL_FILES = (
    *("tare.json", "reference.json", "backbone.json", "config.json", "model.safetensors", "README.md"),
    *("preprocessor_config.json", "processor_config.json", "video_preprocessor_config.json"),
)
NAME = "tare.json"
#: Its places in a model directory and in a run directory; the first that is there decides.
PLACES = (NAME, f"model/{NAME}")


def model_file(path: Path) -> Path | None:
    """The ``tare.json`` of a model directory, of a run directory, or the file itself; None for any other path."""
    if path.name == NAME and path.is_file():
        return path
    return next((path / place for place in PLACES if (path / place).is_file()), None)
