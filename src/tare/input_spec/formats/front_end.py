"""The front end for sound that a network's own directory states."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tare.input_spec.model_file import model_file
from tare.samples.sound.front_end import NAMES, FrontEnd
from tare.system.local.opened import whole

_PREFIX = "hf:"
_FILES = ("preprocessor_config.json", "processor_config.json")
_LARGEST = 1 << 20
#: What each extractor makes of its constants, for those who measure them.
_SAID = {
    "ASTFeatureExtractor": "ASTFeatureExtractor computes (x - mean) / (2 std) unless do_normalize is off: "
    "state this mean and std, it doubles std itself",
    "Wav2Vec2FeatureExtractor": "Wav2Vec2FeatureExtractor then normalises each recording by its own mean and std "
    "unless do_normalize is off",
    "WhisperFeatureExtractor": "WhisperFeatureExtractor has no constants: the network takes these values",
}


def front_end_of(stated: Any) -> tuple[FrontEnd, str] | None:
    """The front end for sound that ``stated`` names, and where it was read; None for anything else, such as a size.

    ``stated`` is a front end, a directory of transformers (with or without ``hf:``) or its ``preprocessor_config.json``, or a
    run or model directory of tare. Raises :class:`SpecError` for an extractor of sound whose settings cannot be used.
    """
    if isinstance(stated, FrontEnd):
        return stated, "stated"
    if not isinstance(stated, str | os.PathLike):
        return None
    path = Path(os.fspath(stated).removeprefix(_PREFIX))
    stored = model_file(path)
    if stored is not None:
        return _of_document(_inner(_json(stored).get("geometry"), "front"), str(stored))
    files = [path / name for name in _FILES] if path.is_dir() else [path]
    found = next((file for file in files if file.is_file()), None)
    return None if found is None else _of_document(_json(found), str(found))


def remark_of(front: FrontEnd) -> str:
    """What the extractor does with the values afterwards."""
    return _SAID[front.name]


def _of_document(document: Any, origin: str) -> tuple[FrontEnd, str] | None:
    """The front end of a document, or of the extractor that the configuration of a processor holds."""
    document = _inner(document, "feature_extractor") or document
    if not isinstance(document, Mapping) or document.get("feature_extractor_type") not in NAMES:
        return None
    return FrontEnd.of(document, origin), origin


def _inner(document: Any, key: str) -> Any:
    return document.get(key) if isinstance(document, Mapping) else None


def _json(path: Path) -> Mapping[str, Any]:
    """A JSON object of a file; empty for what is none, which others refuse in their own words."""
    try:
        if path.stat().st_size > _LARGEST and path.name != "tare.json":
            return {}
        document = json.loads(whole(path))
    except (OSError, ValueError, RecursionError):
        return {}
    return document if isinstance(document, Mapping) else {}
