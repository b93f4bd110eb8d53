"""What fits a path that no reader takes: another command, or another file."""

from __future__ import annotations

from collections.abc import Container
from itertools import islice
from pathlib import Path

_MOST_NAMES = 1000
_WEIGHTS = "weights state no input: name the network (timm:NAME, torchvision:NAME), or let `tare identify` measure it"
_ENGINE = "a compiled engine states no input: name the ONNX or Keras file that it was made from"
#: What fits a file that no reader takes, by its suffix.
_FITTING: dict[str, str] = {
    ".ipynb": "code is read by `tare check`",
    **dict.fromkeys((".pt", ".pth", ".bin", ".ckpt", ".pkl", ".t7"), _WEIGHTS),
    **dict.fromkeys((".engine", ".plan", ".trt", ".rknn", ".hef", ".mlmodel", ".pte", ".pt2", ".dlc"), _ENGINE),
    **dict.fromkeys((".h5", ".hdf5"), "save the Keras model as .keras and name that"),
    **dict.fromkeys(
        (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".npy", ".npz", ".csv", ".parquet", ".tar"),
        "data are measured by `tare measure {path}`",
    ),
}


def fitting(path: Path, otherwise: str) -> str:
    """Which command or reader fits a file; ``otherwise`` where nothing is known of its suffix."""
    said = _FITTING.get(path.suffix.lower())
    return otherwise if said is None else said.replace("{path}", str(path))


def fitting_directory(path: Path, readable: Container[str]) -> str:
    """Which file in a directory can be named (one with a ``readable`` suffix), or which command fits what is in it."""
    try:
        names = sorted(child.name for child in islice(path.iterdir(), _MOST_NAMES))
    except OSError:
        names = []
    read = [name for name in names if Path(name).suffix in readable and not name.startswith(".")]
    if read:
        return f"name {path / read[0]}" if len(read) == 1 else f"name one of its files: {', '.join(read[:4])}"
    known = next((name for name in names if Path(name).suffix.lower() in _FITTING), None)
    return fitting(path / known, "") if known else "name the file itself; a folder of data is measured by `tare measure`"
