"""A network built for another number of input channels than its library's: its first layer is adapted, and the spec says so."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from tare.errors import ModelError, SpecError
from tare.input_spec.spec import InputSpec, Known, Unknown
from tare.networks.network import Network
from tare.readers.safetensors import header_of

_Convolution = nn.Conv1d | nn.Conv2d | nn.Conv3d


def with_channels(network: Network, channels: int | None) -> Network:
    """The network for ``channels`` input channels; unchanged if that is its number already, or None.

    Pretrained weights are adapted by timm's rule (:func:`adapted_weight`), others are drawn. A network of timm is built by timm,
    so that its configuration states the number.

    Raises :class:`ModelError` for a network whose first layer is no convolution, or that timm cannot build so.
    """
    if channels is None or channels == network.channels:
        return network
    before = network.channels
    module = _timms(network, channels) if network.is_timm else _replaced(network, channels)
    how = _told(before, channels) if network.weights != "none" else "its weights are drawn"
    note = f"{network.reference} takes {before} channels and was built for {channels}: {how}"
    spec = _restated(network.spec, before, channels, network.reference)
    return replace(network, module=module, spec=spec, notes=(*network.notes, note))


def with_channels_of(network: Network, path: Path) -> Network:
    """The network built for as many channels as the first layer of a safetensors file has; unchanged if it is no such file."""
    found = next(((name, each) for name, each in network.module.named_modules() if isinstance(each, _Convolution)), None)
    if found is None or path.suffix != ".safetensors" or not path.is_file():
        return network
    shape = _stored_shape(path, f"{found[0]}.weight")
    own = tuple(found[1].weight.shape)
    if shape is None or shape == own or shape[:1] + shape[2:] != own[:1] + own[2:]:
        return network
    made = with_channels(replace(network, weights="none"), shape[1])
    note = f"{path.name} holds a first layer of {shape[1]} channels, which {network.reference} was built for"
    return replace(made, weights=network.weights, notes=(*network.notes, note))


def _stored_shape(path: Path, name: str) -> tuple[int, ...] | None:
    try:
        stated = header_of(path).get(name)
        return None if stated is None else tuple(map(int, stated["shape"]))
    except (SpecError, KeyError, TypeError, ValueError):  # read in full later, which says what is wrong
        return None


def adapted_weight(weight: torch.Tensor, channels: int) -> torch.Tensor:
    """A first layer's weight ``(O, I, ...)`` for another number of input channels, by timm's rule.

    For one channel the weights of all are summed: a grey image gives what its three equal colours gave. For more they are
    repeated in turn and scaled by I / ``channels``, so that channels of one value give what that value gave in all I.
    """
    before = weight.shape[1]
    if channels == 1:
        return weight.sum(dim=1, keepdim=True)
    repeats = [1] * weight.dim()
    repeats[1] = math.ceil(channels / before)
    return weight.repeat(*repeats)[:, :channels] * (before / channels)


def _told(before: int, channels: int) -> str:
    if channels == 1:
        return f"the weights of its {before} channels are summed"
    return f"the weights of its {before} channels are repeated in turn and scaled by {before}/{channels}"


def _restated(spec: InputSpec, before: int, channels: int, reference: str) -> InputSpec:
    """The specification without what was stated of other channels: one constant for all holds for any number."""
    nothing = Unknown(f"{reference} states it for {before} channels and was built for {channels}")
    stated: dict[str, Any] = {"channels": nothing}
    for name in ("mean", "std"):
        field = getattr(spec, name)
        if isinstance(field, Known):
            alike = len(set(field.value)) == 1
            stated[name] = Known(field.value[:1] * channels, f"{field.origin}: one for all channels") if alike else nothing
    return replace(spec, **stated)


def _timms(network: Network, channels: int) -> nn.Module:
    """The architecture that timm builds for ``channels``, with the weights of the network."""
    import timm

    name = network.reference.removeprefix("timm:")
    old = network.module.state_dict()
    classes = getattr(network.module, "num_classes", None)
    try:
        module: nn.Module = timm.create_model(name, pretrained=False, in_chans=channels, num_classes=classes)
    except Exception as error:  # timm's own checks
        raise _refused(network, channels, f"timm cannot build it ({type(error).__name__})") from None
    if network.weights == "none":
        return module
    fitted = {}
    for key, value in module.state_dict().items():
        fits = old[key].shape == value.shape
        if not fits and old[key].shape[:1] + old[key].shape[2:] != value.shape[:1] + value.shape[2:]:
            raise _refused(network, channels, f"its weight {key!r} mixes channels with other axes")
        fitted[key] = old[key] if fits else adapted_weight(old[key], channels)
    module.load_state_dict(fitted)
    return module


def _replaced(network: Network, channels: int) -> nn.Module:
    """The network's own module with a new first convolution."""
    found = next(((name, each) for name, each in network.module.named_modules() if isinstance(each, _Convolution)), None)
    if found is None:
        raise _refused(network, channels, "it has no convolution")
    name, old = found
    if old.groups != 1:
        raise _refused(network, channels, f"its first convolution {name!r} has {old.groups} groups")
    options: dict[str, Any] = {key: getattr(old, key) for key in ("kernel_size", "stride", "padding", "dilation", "padding_mode")}
    new = type(old)(channels, old.out_channels, bias=old.bias is not None, **options)
    if network.weights != "none":
        with torch.no_grad():
            new.weight.copy_(adapted_weight(old.weight, channels))
            if new.bias is not None and old.bias is not None:
                new.bias.copy_(old.bias)
    parent, _, leaf = name.rpartition(".")
    setattr(network.module.get_submodule(parent), leaf, new)
    _restate_channels(network.module, old.in_channels, channels)
    return network.module


def _restate_channels(module: nn.Module, before: int, channels: int) -> None:
    """Networks of transformers compare their input with a number that some of their parts and configurations state."""
    for part in module.modules():
        for holder in (part, getattr(part, "config", None), getattr(getattr(part, "config", None), "vision_config", None)):
            if getattr(holder, "num_channels", None) == before and isinstance(before, int):
                holder.num_channels = channels  # type: ignore[union-attr]


def _refused(network: Network, channels: int, reason: str) -> ModelError:
    remedy = "name another network, or choose as many bands as it takes with --bands"
    return ModelError(f"a network that can be built for {channels} channels", f"{network.reference}: {reason}", remedy)
