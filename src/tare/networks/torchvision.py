"""Build a torchvision classifier from its name or the name of its weights."""

from __future__ import annotations

from typing import Any

from torch import nn

from tare.errors import ModelError, SpecError, did_you_mean, reason_of
from tare.input_spec.spec import InputSpec
from tare.networks.network import nothing_stated
from tare.networks.weights import WITHOUT_WEIGHTS
from tare.readers.torchvision import read_torchvision


def torchvision_model(name: str, pretrained: bool) -> tuple[nn.Module, InputSpec]:
    """Build ``resnet50`` (with its default weights if ``pretrained``) or ``ResNet50_Weights.IMAGENET1K_V2`` (with those weights).

    Raises :class:`ModelError` with close names for an unknown classifier, or with the reason if its weights are unavailable.
    """
    from torchvision.models import get_model

    model, weights = _named(name)
    options: dict[str, Any] = {"weights": weights} if pretrained else {"weights": None, **_plain(model)}
    if not pretrained and _is_dense(model):
        options["weights_backbone"] = None  # these would be downloaded otherwise
    try:
        module: nn.Module = get_model(model, **options)
    except Exception as error:  # the download, the file system and torchvision's own checks
        reason = reason_of(error)
        expected = f"the weights of torchvision:{name}, cached or from the network"
        raise ModelError(expected, reason, f"connect once, {WITHOUT_WEIGHTS}") from None
    for auxiliary in ("AuxLogits", "aux1", "aux2"):  # second classifiers, in use only in training mode
        if getattr(module, auxiliary, None) is not None:
            setattr(module, auxiliary, None)
            module.aux_logits = False  # type: ignore[assignment]
    if type(module).__module__.startswith("torchvision.models.segmentation"):
        if hasattr(module, "aux_classifier"):
            module.aux_classifier = None  # type: ignore[assignment]
        module.register_forward_hook(_only_out)
    return module, _spec(name)


def _only_out(_module: nn.Module, _inputs: Any, outputs: Any) -> Any:
    """Logits ``(N, K, H, W)`` alone, of the dictionary that torchvision's segmentation networks return."""
    return outputs["out"]


def _named(name: str) -> tuple[str, Any]:
    """Split ``name`` into a model's name and its weights."""
    import torchvision
    from torchvision.models import get_model_weights, list_models

    classifiers = [*list_models(module=torchvision.models), *list_models(module=torchvision.models.segmentation)]
    if name in classifiers:
        return name, "DEFAULT"
    kind, _, member = name.partition(".")
    for model in classifiers:
        enum = get_model_weights(model)
        if enum.__name__ == kind and member in enum.__members__:
            return model, enum[member]
    hint = did_you_mean(name, classifiers, "see torchvision.models.list_models()", prefix="torchvision:")
    raise ModelError("a classifier that torchvision knows", f"{name!r}", hint)


def _is_dense(model: str) -> bool:
    import torchvision
    from torchvision.models import list_models

    return model in list_models(module=torchvision.models.segmentation)


def _plain(model: str) -> dict[str, Any]:
    # Drawing the weights of these two from a truncated normal takes most of a minute, and torchvision warns about it.
    return {"init_weights": False} if model in ("googlenet", "inception_v3") else {}


def _spec(name: str) -> InputSpec:
    try:
        return read_torchvision(name)
    except SpecError as error:
        return nothing_stated(f"torchvision:{name} {error.found}")
