"""Calls that bring constants from elsewhere: from a checkpoint, a model's configuration, a library's own transforms."""

from __future__ import annotations

import ast
import re
from typing import NamedTuple

from tare.code.interpreter.values import Call, Literal, Value
from tare.code.libraries.networks import DETECTORS
from tare.code.libraries.step import flag, numbers, text
from tare.code.networks.expected import IMAGENET, Constants, range_of
from tare.code.networks.table import expected

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


class Preset(NamedTuple):
    """A library's own transform that normalises: its name in words, the call that makes it, and its constants where known."""

    name: str
    call: Call
    constants: Constants | None


def preset_of(value: Value | None) -> Preset | None:
    """The transform that comes with weights of torchvision, or that timm makes; None for one that may not normalise."""
    if not isinstance(value, Call) or (value.last != "transforms" and value.function not in _CREATING):
        return None
    found = _of_weights(value) if value.last == "transforms" else _of_timm(value)
    return None if _is_changed(value) else found


#: Parts of a transform that a program may replace after it was made.
_PARTS = r"\b{0}\.(?:transforms|mean|std)\b"


def _is_changed(made: Call) -> bool:
    """Whether a program looks into a transform, and so may change it."""
    code = made.spot.source.document.text
    return any(re.search(_PARTS.format(re.escape(each)), code) for each in made.names)


def _of_weights(call: Call) -> Preset | None:
    """``ResNet18_Weights.DEFAULT.transforms()``; detectors and optical flow have no Normalize of their own, or one for pairs."""
    made = call.receiver
    if call.function == ".transforms" and isinstance(made, Call) and made.function == "torchvision.models.get_weight":
        weights = text(made.argument(0, "name"))
    else:
        weights = call.function.removesuffix(".transforms") if call.function.startswith("torchvision.models.") else ""
    enum, _, member = weights.rpartition(".")
    enum = enum.rpartition(".")[2]
    if not enum.endswith(("_Weights", "_QuantizedWeights")) or call.spread or {"mean", "std"} & set(call.keywords):
        return None
    known = expected("torchvision", f"{enum}.{member}")
    normalises = known is None or (known.inside == "nothing" and known.range not in ("unit", "raw"))
    if not normalises or any(each in enum.lower() for each in DETECTORS):
        return None
    return Preset(f"transforms() of {enum}.{member}", call, None if known is None else known.constants)


_CREATING = frozenset(f"timm.data.{each}create_transform" for each in ("", "transforms_factory."))
#: Options with which timm leaves the normalisation to somebody else, or gives several transforms, and what they are without.
_ELSEWHERE = {"use_prefetcher": False, "separate": False, "tf_preprocessing": False, "normalize": True}


def _of_timm(call: Call) -> Preset | None:
    """``create_transform`` with constants that are known, or with the configuration of a network."""
    options = {key: flag(call.keywords[key]) for key in _ELSEWHERE if key in call.keywords}
    if len(call.args) > 2 or any(stated is not _ELSEWHERE[key] for key, stated in options.items()):
        return None
    given = (call.keywords.get("mean"), call.keywords.get("std"))
    mean, std = (wanted if each is None else numbers(each) for each, wanted in zip(given, IMAGENET, strict=True))
    if call.spread:
        return Preset("create_transform", call, None) if given == (None, None) and _is_of_network(call) else None
    constants = Constants(mean, std) if mean and std else None
    known = constants is not None and range_of(constants) not in ("unit", "raw")
    return Preset("create_transform", call, constants) if known else None


_CHANGING = frozenset(("update", "pop", "setdefault", "clear"))


def _is_of_network(call: Call) -> bool:
    """Whether all that is spread into a call is the configuration of a network, which nothing has changed."""
    node = call.spot.node
    if not isinstance(node, ast.Call) or any(isinstance(each, ast.Starred) for each in node.args):
        return False
    spread = [each.value for each in node.keywords if each.arg is None]
    return len(spread) == 1 and (_resolves(spread[0]) or _is_resolved(ast.unparse(spread[0]), call.spot.source.tree))


def _resolves(node: ast.expr) -> bool:
    """Whether an expression asks timm for the configuration of a network, and states no constants itself."""
    called = ast.unparse(node.func).rpartition(".")[2] if isinstance(node, ast.Call) else ""
    return called in ("resolve_data_config", "resolve_model_data_config") and "mean" not in ast.unparse(node)


def _is_resolved(name: str, tree: ast.AST) -> bool:
    """Whether a variable of a file is such a configuration wherever it is given a value, and no entry of it is changed."""
    given: list[ast.expr] = []
    for node in ast.walk(tree):
        if _may_change(node, name):
            return False
        if isinstance(node, ast.Assign):
            given += [node.value for each in node.targets if ast.unparse(each) == name]
    return bool(given) and all(map(_resolves, given))


def _may_change(node: ast.AST, name: str) -> bool:
    """Whether a part of a file gives a variable as a parameter, or changes an entry of it."""
    if isinstance(node, ast.arg):
        return node.arg == name
    entry = isinstance(node, ast.Subscript) and not isinstance(node.ctx, ast.Load)
    method = isinstance(node, ast.Attribute) and node.attr in _CHANGING
    return (entry or method) and ast.unparse(node.value) == name  # type: ignore[attr-defined]
