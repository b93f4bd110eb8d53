"""Read an :class:`InputSpec` from timm: by a network's name, from its object, or from its configuration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tare.errors import SpecError, did_you_mean
from tare.input_spec.spec import Field, InputSpec, Known, Unknown
from tare.readers.documents.constants import check_one_pair

#: Layers that make channels of neighbouring pixels.
_REARRANGING = ("SpaceToDepth", "PixelUnshuffle", "Focus")


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
    """The number of channels that the first convolution takes, and its name: the one that timm names, else the first of all.

    None for a network without one (timm then says that it has none: it begins with a cosine transform, say), and for one that
    makes more channels of the stated ones by rearranging pixels before its first layer.
    """
    named = config.get("first_conv")
    names = [named] if isinstance(named, str) else list(named) if isinstance(named, list | tuple) else []
    layers = dict(model.named_modules()) if hasattr(model, "named_modules") else {}
    if any(kind in type(layer).__name__ for layer in layers.values() for kind in _REARRANGING):
        return None
    convolutions = [] if named is not None and not names else [name for name in layers if _is_convolution(layers[name])]
    for name in (*names, *convolutions[:1]):
        if _is_convolution(layers.get(name)):
            return int(layers[name].in_channels), f"layer {name!r}"
    return None


def _is_convolution(layer: Any) -> bool:
    return layer is not None and isinstance(getattr(layer, "in_channels", None), int) and hasattr(layer, "kernel_size")


def for_channels(spec: InputSpec, count: int, source: str) -> InputSpec:
    """The specification of a network whose first layer takes another number of channels than its configuration states.

    A grey network gets the averages of the constants, as timm's loader does (``timm.data.loader.adapt_to_chs``): the weights of
    such a layer are sums of those for three channels. Nobody states the values of other bands: mean, std and the kind of raw
    value are unknown, and the constants of the configuration are kept under ``stated_for`` in ``extra``.
    """
    if spec.channel_count() in (None, count) or not (isinstance(spec.mean, Known) and isinstance(spec.std, Known)):
        return spec
    said = f"{source} takes {count} channel{'s' if count != 1 else ''}"
    named = spec.channels.value if isinstance(spec.channels, Known) else f"{len(spec.mean.value)} channels"
    extra = {**spec.extra, "stated_for": {"channels": named, "mean": list(spec.mean.value), "std": list(spec.std.value)}}
    if count == 1:
        averages: list[Field[tuple[float, ...]]] = [
            Known((sum(field.value) / len(field.value),), f"{said}: the average of {field.origin}, as timm's loader does")
            for field in (spec.mean, spec.std)
        ]
        return replace(spec, channels=Known("L", said), mean=averages[0], std=averages[1], extra=extra)
    nobody = Unknown(f"the configuration states it for {named}, and {said}")
    names = ",".join(f"c{index}" for index in range(count))
    known = Known("RGB" if count == 3 else names, said)
    return replace(spec, channels=known, mean=nobody, std=nobody, scale=nobody, raw_dtype=nobody, extra=extra)


def read_timm_document(document: Mapping[str, Any], source: str) -> InputSpec:
    """Read a timm ``config.json``, whose ``pretrained_cfg`` states the input, or a bare pretrained_cfg."""
    if "pretrained_cfg" not in document:
        check_one_pair(document, source)
    spec = spec_of_pretrained_cfg(document.get("pretrained_cfg", document), source)
    arguments = document.get("model_args")
    count = arguments.get("in_chans") if isinstance(arguments, Mapping) else None
    return for_channels(spec, count, f"{source}, model_args:") if isinstance(count, int) and count > 0 else spec
