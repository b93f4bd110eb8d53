"""Whether a network is written as it was trained, or does more than that: it may normalise by itself."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tare.checking.repository.rules.feeds import SAME_NETWORK, within
from tare.code.interpreter.source import Source
from tare.code.interpreter.values import UNKNOWN, Call, Class, Instance, Value

SCRIPTS = frozenset(("torch.jit.script", "torch.jit.trace", "torch.jit.freeze", "torch.jit.optimize_for_inference"))
#: Words of a wrapper that normalises.
_NORMALISES = re.compile(r"(?i)normali[sz]|(?<![a-z])(?:mean|std)s?(?![a-z]|\s*\()|\b255\b|\b127\.5|rescal")


def is_bare(value: Value, kind: str = "script") -> bool:
    """Whether a network of torch is saved as it was trained: its state, itself, or a script of it.

    Of a checkpoint that is not known this is taken, since who writes one seldom writes another network than the trained one.
    """
    for _ in range(30):
        if isinstance(value, Call) and value.function in (*SCRIPTS, *SAME_NETWORK):
            value = value.receiver if value.function.startswith(".") else (value.args or (UNKNOWN,))[0]
    if isinstance(value, Instance):
        return not _wraps(value) and not any(_NORMALISES.search(each.source.segment(each.node)) for each in _classes(value.cls))
    if isinstance(value, Call):
        return value.last not in ("Sequential", "fold") and not value.function.startswith(("user.", "()"))
    return kind == "torch"


def _wraps(network: Instance) -> bool:
    """Whether an object of a class is made of another network."""
    given = network.made
    inner = () if given is None else (*given.args, *given.keywords.values())
    return any(isinstance(each, Instance) or (isinstance(each, Call) and "load" in each.last) for each in inner)


def _classes(cls: Class) -> Iterator[Class]:
    """A class and those of the repository that it is derived from."""
    yield cls
    for base in cls.bases:
        if isinstance(base, Class) and base is not cls:
            yield from _classes(base)


def is_bare_model(network: Value, fitted: set[int]) -> bool:
    """Whether a model of Keras is one that was fitted, or at least none that was built around one."""
    if id(network) in fitted or not isinstance(network, Call):
        return True
    return not any(id(each) in fitted or each.last in ("Rescaling", "Normalization", "Lambda") for each in within(network))


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
