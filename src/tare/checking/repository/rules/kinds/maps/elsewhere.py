"""Where a program may normalise beside its pipelines: in the loop, in a module around the network, in the weights themselves."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tare.code.interpreter.source import Source
from tare.code.roles import words

#: Names of images, and of what is subtracted from them and divides them.
_IMAGES = frozenset(
    ("image", "images", "img", "imgs", "x", "xs", "input", "inputs", "data", "batch", "sample", "samples", "pixels")
)
_CONSTANTS = re.compile(r"(?i)(?<![a-z])(?:means?|mu|stds?|sigma)(?![a-z])")
#: Statistics of the image itself, with which it is shown.
_OF_ITSELF = re.compile(r"\.(?:a?min|a?max|mean|std|var|numpy)\(|\b(?:min|max)\(")
_HELPERS = re.compile(r"register_forward_pre_hook|\btare\.\w|\bimport tare\b|from tare\b")


def normalises_elsewhere(source: Source) -> bool:
    """Whether a file has ``(x - mean) / std`` of its own, a hook before a network, or changes weights after they were trained."""
    text = source.document.text
    by_hand = "/" in text and any(map(_is_formula, ast.walk(source.tree)))
    return by_hand or _HELPERS.search(text) is not None or is_changed_after_training(source)


def _is_formula(node: ast.AST) -> bool:
    """Whether a part of the code is ``(x - a) / b`` of an image or of a mean and std, by operators or methods."""
    parts = _parts(node)
    if parts is None:
        return False
    image, mean, std = map(ast.unparse, parts)
    if _OF_ITSELF.search(mean) or _OF_ITSELF.search(std):
        return False
    is_image = bool(words(image.rpartition(".")[2]) & _IMAGES) or image.startswith("input") or "[0]" in image
    return is_image or bool(_CONSTANTS.search(mean) and _CONSTANTS.search(std))


def _parts(node: ast.AST) -> tuple[ast.expr, ast.expr, ast.expr] | None:
    """The image, the mean and the std of a formula; None for anything else."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div) and isinstance(node.left, ast.BinOp):
        inner = node.left
        return (inner.left, inner.right, node.right) if isinstance(inner.op, ast.Sub) else None
    outer = _method(node, "div")
    before = _method(outer[0], "sub") if outer is not None else None
    return None if outer is None or before is None else (*before, outer[1])


def _method(node: ast.AST, name: str) -> tuple[ast.expr, ast.expr] | None:
    """What a method of one argument is called on, and the argument."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and len(node.args) == 1:
        return (node.func.value, node.args[0]) if node.func.attr in (name, f"{name}_") else None
    return None


#: Methods that change the values of weights, and those of a network that act before its first layer.
_IN_PLACE = frozenset(("div_", "mul_", "sub_", "add_", "copy_"))
_WEIGHTS = re.compile(r"(?:^|\.)(?:weight|bias)(?:\.data)?$")
_PARTS = re.compile(r"^\w+(?:\.\w+)?\.(?:conv\w*|stem\w*|features|forward|patch_embed|layers?|backbone|model|net)(?:\[0\])?$")


def is_changed_after_training(source: Source) -> bool:
    """Whether a file changes weights or the first layer of a network outside of its class, or hooks something in before it."""
    text = source.document.text
    if "register_forward_pre_hook" in text or "tare.fold" in text:
        return True
    if not re.search(r"weight|bias|\.(?:conv|stem|features|forward|patch_embed|layer)", text):
        return False
    outside = (node for each in _outside_classes(source.tree) for node in ast.walk(each))
    return any(map(_changes, outside))


def _outside_classes(tree: ast.Module) -> Iterator[ast.stmt]:
    """The statements of a file but its classes, and the functions that initialise weights."""
    for each in tree.body:
        is_init = isinstance(each, ast.FunctionDef) and "init" in each.name
        if not isinstance(each, ast.ClassDef) and not is_init:
            yield each


def _changes(node: ast.AST) -> bool:
    """Whether a part of the code changes weights, or puts something in the place of a first layer."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _IN_PLACE:
        return _WEIGHTS.search(ast.unparse(node.func.value)) is not None
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AugAssign) else []
    for each in targets:
        name = ast.unparse(each)
        if isinstance(each, ast.Attribute) and (_WEIGHTS.search(name) or _is_first_layer(name, node)):
            return True
        if isinstance(each, ast.Subscript) and re.search(r"(?:weight|bias)['\"]\]$", name):
            return True
    return False


def _is_first_layer(name: str, node: ast.AST) -> bool:
    """Whether a layer is put in the place of another, and is no plain layer of torch."""
    value = ast.unparse(node.value) if isinstance(node, ast.Assign) else ""
    return _PARTS.match(name) is not None and re.match(r"(?:torch\.)?nn\.(?!Sequential)", value) is None
