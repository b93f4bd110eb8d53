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
        return call.function.rsplit(".", 2)[-2].endswith(_CLASSES)
    return call.last in _CALLS


def _is_transform(part: Call) -> bool:
    """Whether a variable gets the transform that comes with a network, as in ``net, preprocess = clip.load(...)``."""
    made, index = part.args
    if not isinstance(made, Call) or made.function not in _WITH_TRANSFORM:
        return False
    return isinstance(index, Literal) and index.value != 0 and part.names != ["_"] and _is_used(part)


def _is_used(part: Call) -> bool:
    """Whether the variable stands anywhere but in its assignment; what was given to several names may be."""
    if len(part.names) != 1:
        return True
    word = re.compile(rf"(?<![.\w]){re.escape(part.names[0])}\b")
    return len(word.findall(part.spot.source.document.text)) != 1


_WITH_TRANSFORM = ("clip.load", "open_clip.create_model_and_transforms", "open_clip.create_model_from_pretrained")
