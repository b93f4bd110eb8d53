"""Read an :class:`InputSpec` from torchvision: by the name of weights, from a weights enum member or a preset."""

from __future__ import annotations

import difflib
from enum import Enum
from typing import Any

from tare.errors import SpecError
from tare.input_spec.spec import InputSpec


def read_torchvision(name: str) -> InputSpec:
    """Read the preset of ``ResNet50_Weights.IMAGENET1K_V2``, or of the default weights of ``resnet50``; nothing is downloaded.

    Raises :class:`SpecError` with close names if torchvision has none such.
    """
    if "." in name:
        return read_weights(_member(name))
    from torchvision.models import get_model_weights, list_models

    if name not in list_models():
        enum = next((e for e in _enums() if e.__name__ == name), None)
        hint = f"name a member, such as torchvision:{name}.{_members(enum)[-1]}" if enum is not None else None
        raise SpecError("weights or a model that torchvision knows", f"{name!r}", hint or _close(name, list_models()))
    enum = get_model_weights(name)
    if "DEFAULT" not in enum.__members__:
        raise SpecError(f"a torchvision model with default weights, or {enum.__name__}.MEMBER", f"{name!r}", "name the member")
    return read_weights(enum["DEFAULT"], f", the default weights of {name}")


def read_weights(member: Any, note: str = "") -> InputSpec:
    """Read the preset that a member of a weights enum carries."""
    import torchvision

    source = f"torchvision {torchvision.__version__} {type(member).__name__}.{member.name}{note}"
    return InputSpec.from_torchvision(member.transforms(), source)


def read_preset(preset: Any) -> InputSpec:
    """Read a preset object, what ``weights.transforms()`` returns."""
    return InputSpec.from_torchvision(preset, f"torchvision's preset {type(preset).__name__}")


def is_weights(thing: Any) -> bool:
    """Whether ``thing`` is a member of one of torchvision's weights enums."""
    return isinstance(thing, Enum) and callable(getattr(thing, "transforms", None)) and hasattr(thing, "meta")


def _member(name: str) -> Any:
    kind, _, member = name.partition(".")
    enums = {enum.__name__: enum for enum in _enums()}
    if kind not in enums:
        raise SpecError("weights that torchvision knows", f"{name!r}", _close(kind, list(enums)))
    if member not in enums[kind].__members__:
        members = _members(enums[kind])
        raise SpecError(f"a member of {kind}", f"{member!r}", f"it has {', '.join(members) or 'none'}")
    return enums[kind][member]


def _members(enum: Any) -> list[str]:
    return list(enum.__members__)


def _enums() -> list[Any]:
    from torchvision.models import get_model_weights, list_models

    return [get_model_weights(name) for name in list_models()]


def _close(name: str, known: list[str]) -> str:
    lower = {entry.lower(): entry for entry in known}
    close = difflib.get_close_matches(name.lower(), lower, n=3, cutoff=0.5)
    listed = ", ".join(f"torchvision:{lower[entry]}" for entry in close)
    return f"did you mean {listed}?" if close else "see torchvision.models.list_models()"
