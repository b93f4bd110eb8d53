"""Read an :class:`InputSpec` from Hugging Face: a directory, a configuration file, a repository's name, a processor object."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tare.errors import SpecError, reason_of
from tare.input_spec.spec import InputSpec, read_json

#: The files that may state a processor, the first that exists decides; ``config.json`` states one only for timm's models.
NAMES = ("preprocessor_config.json", "processor_config.json", "config.json")


def read_hf(name: str, online: bool = False) -> InputSpec:
    """Read ``DIR``, a configuration file, or the repository ``ID`` out of the local cache, or from the hub if ``online``.

    Raises :class:`SpecError` if it is not there, not cached, or malformed. No code of a repository runs.
    """
    path = Path(name)
    if path.is_dir():
        found = next((path / file for file in NAMES if (path / file).is_file()), None)
        if found is None:
            raise SpecError(f"a directory with {' or '.join(NAMES)}", f"none in {name!r}", "name the file itself")
        return InputSpec.from_hf(read_json(found), str(found))
    if path.is_file():
        return InputSpec.from_hf(read_json(path), name)
    if not _is_id(name):
        raise SpecError("a directory, a file or a repository ID", f"{name!r}", "for example hf:openai/clip-vit-base-patch32")
    found = _from_hub(name, online)
    return InputSpec.from_hf(read_json(found), f"{name}/{found.name}")


def read_hf_document(document: Mapping[str, Any], source: str) -> InputSpec:
    """Read a processor configuration that is already parsed."""
    return InputSpec.from_hf(document, source)


def read_processor(processor: Any) -> InputSpec:
    """Read an image processor object, or the one inside a processor of text and images."""
    inner = getattr(processor, "image_processor", processor)
    if not hasattr(inner, "to_dict"):
        raise SpecError("an image processor", f"a {type(inner).__name__}", "name its preprocessor_config.json")
    document = json.loads(json.dumps(inner.to_dict(), default=_plain))
    return InputSpec.from_hf(document, f"the {type(inner).__name__}")


def is_processor(thing: Any) -> bool:
    """Whether ``thing`` is a transformers image processor, or a processor that holds one."""
    inner = getattr(thing, "image_processor", thing)
    return any(kind.__name__ == "ImageProcessingMixin" for kind in type(inner).__mro__)


def _plain(value: Any) -> Any:
    return dict(value) if hasattr(value, "keys") else str(value)


def _is_id(name: str) -> bool:
    return re.fullmatch(r"\w[\w.-]{0,95}(/\w[\w.-]{0,95})?", name, re.ASCII) is not None and ".." not in name and "--" not in name


def _from_hub(name: str, online: bool) -> Path:
    from huggingface_hub import hf_hub_download, try_to_load_from_cache

    for file in NAMES:
        cached = try_to_load_from_cache(name, file)
        if isinstance(cached, str):
            return Path(cached)
    if not online:
        raise SpecError(
            f"a processor configuration of {name!r} in the local cache", "none, and the network is not used", "allow --online"
        )
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
    reasons = []
    for file in NAMES:
        try:
            return Path(hf_hub_download(name, file, etag_timeout=10))
        except Exception as error:  # the hub's own errors, and those of whichever HTTP client it uses today
            reasons.append(reason_of(error, 120) or type(error).__name__)
    raise SpecError(f"a processor configuration of {name!r} on the hub", reasons[0], "check the name and the connection")
