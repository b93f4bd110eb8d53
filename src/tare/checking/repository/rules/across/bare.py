"""Whether a network is written as it was trained, or does more than that: it may normalise by itself."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tare.checking.repository.rules.feeds import SAME_NETWORK, within
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
