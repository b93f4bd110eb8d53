"""Build a classifier of torchvision by its name or by that of its weights."""

from __future__ import annotations

import difflib
from dataclasses import fields
from typing import Any

from torch import nn

from tare.errors import ModelError, SpecError, reason_of
from tare.input_spec.spec import InputSpec, Unknown
from tare.readers.torchvision import read_torchvision


def torchvision_model(name: str, pretrained: bool) -> tuple[nn.Module, InputSpec]:
    """Build ``resnet50`` or ``ResNet50_Weights.IMAGENET1K_V2``, with those weights (the default ones of a bare name) or without.

    Raises :class:`ModelError` with close names if torchvision has no such classifier, or if its weights cannot be had.
    """
    from torchvision.models import get_model

    model, weights = _named(name)
    options: dict[str, Any] = {"weights": weights} if pretrained else {"weights": None, **_plain(model)}
    try:
        module: nn.Module = get_model(model, **options)
    except Exception as error:  # the download, the file system and torchvision's own checks
        reason = reason_of(error)
        raise ModelError(
            f"the weights of torchvision:{name}, cached or from the network", reason, "connect once, or use --weights none|FILE"
        ) from None
    for auxiliary in ("AuxLogits", "aux1", "aux2"):  # second classifiers that answer in training only
        if getattr(module, auxiliary, None) is not None:
            setattr(module, auxiliary, None)
            module.aux_logits = False  # type: ignore[assignment]
    return module, _spec(name)


def _named(name: str) -> tuple[str, Any]:
    """The name of a model and the weights meant by ``name``."""
    import torchvision
    from torchvision.models import get_model_weights, list_models

    classifiers = list_models(module=torchvision.models)
    if name in classifiers:
        return name, "DEFAULT"
    kind, _, member = name.partition(".")
    for model in classifiers:
        enum = get_model_weights(model)
        if enum.__name__ == kind and member in enum.__members__:
            return model, enum[member]
    close = difflib.get_close_matches(name, classifiers, n=3, cutoff=0.5)
    hint = (
        f"did you mean {', '.join(f'torchvision:{match}' for match in close)}?"
        if close
        else "see torchvision.models.list_models()"
    )
    raise ModelError("a classifier that torchvision knows", f"{name!r}", hint)


def _plain(model: str) -> dict[str, Any]:
    # Drawing these two's weights from a truncated normal takes most of a minute, and torchvision warns about it.
    return {"init_weights": False} if model in ("googlenet", "inception_v3") else {}


def _spec(name: str) -> InputSpec:
    try:
        return read_torchvision(name)
    except SpecError as error:
        reason = Unknown(f"torchvision:{name} {error.found}")
        return InputSpec(**{entry.name: reason for entry in fields(InputSpec) if entry.name in _STATED})  # type: ignore[arg-type]


_STATED = ("channels", "scale", "mean", "std", "size", "interpolation", "crop")
