"""Read an :class:`InputSpec` from Hugging Face: a repository's files, a processor's configuration, a processor object."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tare.errors import SpecError, reason_of
from tare.input_spec.spec import InputSpec
from tare.readers.documents.constants import check_one_pair

#: The files that may state a processor, the first that does decides; ``config.json`` states one only for timm's models.
NAMES = ("preprocessor_config.json", "processor_config.json", "config.json", "open_clip_config.json")
_NESTED = ("image_processor", "feature_extractor", "video_processor")
_DEEPEST = 8
#: Keys that say by which class, or by timm, a configuration is read.
_NAMING = ("image_processor_type", "video_processor_type", "feature_extractor_type", "data_config")


def located(name: str, online: bool = False) -> list[Path]:
    """The files that may state the processor of the repository ``ID``: out of the local cache, or from the hub if ``online``.

    Raises :class:`SpecError` if none is cached, or the hub has none. No code of a repository runs.
    """
    if not _is_id(name):
        raise SpecError("a directory, a file or a repository ID", f"{name!r}", "for example hf:openai/clip-vit-base-patch32")
    return _from_hub(name, online)


def is_processor_document(document: Mapping[str, Any]) -> bool:
    """Whether a JSON document configures an image processor, of a known class or not."""
    return any(document.get(key) is not None for key in (*_NAMING, "image_mean", "image_std", "do_normalize", "do_resize"))


def inner_document(document: Mapping[str, Any], source: str) -> tuple[Mapping[str, Any], str]:
    """The configuration of the image processor or feature extractor that a ``processor_config.json`` holds, and its name."""
    for _ in range(_DEEPEST):
        key = next((key for key in _NESTED if isinstance(document.get(key), Mapping)), None)
        if key is None:
            return document, source
        document, source = document[key], f"{source}, {key}"
    raise SpecError(
        f"a processor configuration nested at most {_DEEPEST} times", f"a deeper one in {source[:80]}", "check the file"
    )


def read_hf_document(document: Mapping[str, Any], source: str) -> InputSpec:
    """Read a processor configuration that is already parsed.

    Raises :class:`SpecError` with the list if it names no class, and states pairs of different constants.
    """
    if not any(document.get(key) is not None for key in _NAMING):
        check_one_pair(document, source)
    return InputSpec.from_hf(document, source)


def document_of_processor(processor: Any) -> tuple[Any, str]:
    """The configuration of an image processor or feature extractor object, or of the one inside a processor, and its name."""
    inner = _inner(processor)
    if not hasattr(inner, "to_dict"):
        raise SpecError("an image processor", f"a {type(inner).__name__}", "name its preprocessor_config.json")
    return json.loads(json.dumps(inner.to_dict(), default=_plain)), f"the {type(inner).__name__}"


def is_processor(thing: Any) -> bool:
    """Whether ``thing`` is a transformers image processor, or a processor that holds one."""
    return _is_a(getattr(thing, "image_processor", thing), "ImageProcessingMixin")


def is_extractor(thing: Any) -> bool:
    """Whether ``thing`` is a transformers image processor or feature extractor, or a processor that holds one."""
    return _is_a(_inner(thing), "ImageProcessingMixin", "FeatureExtractionMixin")


def _inner(thing: Any) -> Any:
    return getattr(thing, "image_processor", None) or getattr(thing, "feature_extractor", None) or thing


def _is_a(thing: Any, *names: str) -> bool:
    return any(kind.__name__ in names for kind in type(thing).__mro__)


def _plain(value: Any) -> Any:
    return dict(value) if hasattr(value, "keys") else str(value)


def _is_id(name: str) -> bool:
    return re.fullmatch(r"\w[\w.-]{0,95}(/\w[\w.-]{0,95})?", name, re.ASCII) is not None and ".." not in name and "--" not in name


def _from_hub(name: str, online: bool) -> list[Path]:
    from huggingface_hub import hf_hub_download, try_to_load_from_cache

    cached = [Path(found) for file in NAMES if isinstance(found := try_to_load_from_cache(name, file), str)]
    if cached:
        return cached
    if not online:
        raise SpecError(
            f"a processor configuration of {name!r} in the local cache", "none, and the network is not used", "allow --online"
        )
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
    reasons = []
    for file in NAMES:
        try:
            return [Path(hf_hub_download(name, file, etag_timeout=10))]
        except Exception as error:  # the hub's own errors, and those of whichever HTTP client it uses today
            reasons.append(reason_of(error, 120) or type(error).__name__)
    raise SpecError(f"a processor configuration of {name!r} on the hub", reasons[0], "check the name and the connection")
