"""The reference that an exported file carries in its metadata; of the file nothing is run or unpickled."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tare.errors import DataError, MissingDependencyError, reason_of
from tare.readers.safetensors import header_of
from tare.system.optional import require

#: The key of a reference in the metadata of an exported file.
KEY = "tare.reference"
_MOST_BYTES = 1 << 24


def carried(path: Path) -> str | None:
    """The JSON text of a file's reference; None for a file that carries none, or of a kind that cannot.

    Raises :class:`DataError` for a file that is not of the kind that its name says.
    """
    read = _READERS.get(path.suffix.lower())
    try:
        text = None if read is None else read(path)
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        found = f"{str(path)!r}: {reason_of(error)}"
        raise DataError(f"a readable {path.suffix} file", found, "export the model again") from None
    if text is not None and len(text) > _MOST_BYTES:
        raise DataError("a reference of at most 16 MiB", f"{len(text)} bytes in {str(path)!r}", "export the model again")
    return text


def is_exported(path: Path) -> bool:
    """Whether a file's name is that of an export that may carry a reference."""
    return path.suffix.lower() in _READERS


def _of_onnx(path: Path) -> str | None:
    """With onnx, which reads the file alone; without it onnxruntime builds the graph, which takes longer."""
    try:
        onnx = require("onnx", extra="onnx", purpose="reading ONNX models")
    except MissingDependencyError:
        return _of_session(path)
    try:
        model = onnx.load_model(str(path), load_external_data=False)
    except Exception as error:  # protobuf raises errors of its own
        raise ValueError(reason_of(error)) from None
    return next((entry.value for entry in model.metadata_props if entry.key == KEY), None)


def _of_session(path: Path) -> str | None:
    runtime = require("onnxruntime", extra="onnx", purpose="reading ONNX models")
    try:
        session = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime raises errors of its own
        raise ValueError(reason_of(error)) from None
    found: Mapping[str, str] = session.get_modelmeta().custom_metadata_map
    return found.get(KEY)


def _of_safetensors(path: Path) -> str | None:
    stated: Any = header_of(path).get("__metadata__")
    return stated.get(KEY) if isinstance(stated, Mapping) else None


def _of_archive(path: Path) -> str | None:
    """TorchScript and ``torch.export`` keep extra files by their names in a zip archive."""
    with zipfile.ZipFile(path) as archive:
        for entry in archive.infolist():
            if entry.filename.endswith(f"extra/{KEY}") and entry.file_size <= _MOST_BYTES:
                return archive.read(entry).decode("utf-8")
    return None


_READERS: dict[str, Callable[[Path], str | None]] = {
    ".onnx": _of_onnx,
    ".safetensors": _of_safetensors,
    ".pt2": _of_archive,
    ".pt": _of_archive,
    ".ts": _of_archive,
    ".torchscript": _of_archive,
}
