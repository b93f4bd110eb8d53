"""Read an :class:`InputSpec` from timm: by a network's name, from its object, or from its configuration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tare.errors import SpecError, did_you_mean
from tare.input_spec.spec import InputSpec, Known, Unknown


def spec_of_pretrained_cfg(config: Mapping[str, Any], source: str) -> InputSpec:
    """Read the fields that ``config`` states; the others are :class:`Unknown`, never ImageNet's."""
    return InputSpec.from_timm(config, source)


def read_timm(name: str) -> InputSpec:
    """Read the pretrained_cfg that timm registers for ``NAME`` or ``NAME.TAG``; nothing is downloaded or built.

    A name without a tag means timm's default weights. Raises :class:`SpecError` with close names if timm has none such.
    """
    import timm

    bare, _, tag = name.partition(".")
    tags = timm.list_pretrained(f"{bare}.*") if timm.is_model(bare) else []
    config = timm.get_pretrained_cfg(name) if timm.is_model(bare) and (not tag or name in tags) else None
    if config is None:
        known = tags if tag and tags else timm.list_models()
        hint = did_you_mean(name, known, "see timm.list_models()", prefix="timm:")
        raise SpecError("a network that timm knows", f"{name!r}", hint)
    tagged = ".".join(part for part in (config.architecture, config.tag) if part)
    return spec_of_pretrained_cfg(config.to_dict(), f"timm {timm.__version__} pretrained_cfg of {tagged or name}")


def read_pretrained_cfg_of(model: Any) -> InputSpec:
    """Read ``model.pretrained_cfg`` of a live network, or a pretrained_cfg object itself."""
    config = getattr(model, "pretrained_cfg", model)
    stated = config.to_dict() if hasattr(config, "to_dict") else config
    spec = spec_of_pretrained_cfg(stated, f"pretrained_cfg of the {type(model).__name__}")
    taken = None if config is model else first_layer_channels(model, stated)
    return spec if taken is None else for_channels(spec, taken[0], f"{taken[1]} of the {type(model).__name__}")


def first_layer_channels(model: Any, config: Mapping[str, Any]) -> tuple[int, str] | None:
    """The number of channels that the first layer takes, and its name: ``first_conv``, else the first convolution."""
    named = config.get("first_conv")
    names = [named] if isinstance(named, str) else list(named) if isinstance(named, list | tuple) else []
    layers = dict(model.named_modules()) if hasattr(model, "named_modules") else {}
    convolutions = [name for name, layer in layers.items() if type(layer).__name__.startswith("Conv")]
    for name in (*names, *convolutions[:1]):
        count = getattr(layers.get(name), "in_channels", None)
        if isinstance(count, int):
            return count, f"layer {name!r}"
    return None


def for_channels(spec: InputSpec, count: int, source: str) -> InputSpec:
    """The specification of a network whose first layer takes another number of channels than its configuration states.

    timm's loader then takes the average of the constants for every channel (``timm.data.loader.adapt_to_chs``), as its weights
    for such a layer are sums, or repetitions, of those for three channels.
    """
    if spec.channel_count() in (None, count):
        return spec
    said = f"{source} takes {count} channel{'s' if count != 1 else ''}"
    order = {1: "L", 3: "RGB"}.get(count) or ",".join(f"c{index}" for index in range(count))
    averaged: dict[str, Any] = {
        name: Known(
            (sum(field.value) / len(field.value),) * count, f"{said}: the average of {field.origin}, as timm's loader does"
        )
        for name, field in (("mean", spec.mean), ("std", spec.std))
        if isinstance(field, Known)
    }
    if count not in (1, 3):
        unsaid = Unknown(f"{said}, and timm's transforms make 1 or 3; nobody states how they are scaled")
        averaged |= dict.fromkeys(("scale", "raw_dtype", "layout", "dtype", "antialias"), unsaid)
    return replace(spec, channels=Known(order, said), **averaged)


def read_timm_document(document: Mapping[str, Any], source: str) -> InputSpec:
    """Read a timm ``config.json``, whose ``pretrained_cfg`` states the input, or a bare pretrained_cfg."""
    spec = spec_of_pretrained_cfg(document.get("pretrained_cfg", document), source)
    arguments = document.get("model_args")
    count = arguments.get("in_chans") if isinstance(arguments, Mapping) else None
    return for_channels(spec, count, f"{source}, model_args:") if isinstance(count, int) and count > 0 else spec
