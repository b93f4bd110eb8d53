"""Calls that bring constants from elsewhere: from a checkpoint, a model's configuration, a library's own transforms."""

from __future__ import annotations

import re

from tare.code.interpreter.values import Call, Literal

_CALLS = frozenset(
    [
        "resolve_data_config",
        "resolve_model_data_config",
        "create_transform",
        "get_transform",
        "transforms",
        "preprocess_transform",
        "get_preprocessing_fn",
    ]
)
_CLASSES = ("Processor", "FeatureExtractor", "ImageProcessorFast")

NAMES = _CALLS


def takes_constants_from_elsewhere(call: Call) -> bool:
    """Whether a call gives a pipeline or constants that its arguments do not state."""
    if call.function == "operator.part":
        return _is_transform(call)
    if call.function.startswith(("set.", "new.", "user.")):
        return False
    if call.last == "from_pretrained":
        return call.function.rsplit(".", 2)[-2].endswith(_CLASSES) and _is_used(call)
    return call.last in _CALLS


def _is_transform(part: Call) -> bool:
    """Whether a variable gets the transform that comes with a network, as in ``net, preprocess = clip.load(...)``."""
    made, index = part.args
    if not isinstance(made, Call) or made.function not in WITH_TRANSFORM:
        return False
    return isinstance(index, Literal) and index.value != 0 and part.names != ["_"] and _is_used(part)


#: Uses of a processor that feed nothing: it is handed on to be saved.
_KEPT = r"(?:tokenizer|processing_class|feature_extractor)\s*=\s*{0}\b|\b{0}\.(?:save_pretrained|push_to_hub)\b"


def _is_used(made: Call) -> bool:
    """Whether a variable stands anywhere but in its assignment; what was given to several names may be."""
    names = [each for each in made.names if each not in ("tokenizer", "processing_class", "feature_extractor")]
    if len(names) != 1:
        return True
    name, text = re.escape(names[0]), made.spot.source.document.text
    return len(re.findall(rf"\b{name}\b", text)) - len(re.findall(_KEPT.format(name), text)) != 1


#: What gives a network together with its transform.
WITH_TRANSFORM = ("clip.load", "open_clip.create_model_and_transforms", "open_clip.create_model_from_pretrained")
