"""Read an :class:`InputSpec` from timm: by a network's name, from its object, or from its configuration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tare.errors import SpecError, did_you_mean
from tare.input_spec.spec import InputSpec
from tare.readers.module import as_built, is_module


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
    source = f"pretrained_cfg of the {type(model).__name__}"
    spec = spec_of_pretrained_cfg(stated, source)
    return as_built(spec, model, stated, source) if is_module(model) else spec


def read_timm_document(document: Mapping[str, Any], source: str) -> InputSpec:
    """Read a timm ``config.json``, whose ``pretrained_cfg`` states the input, or a bare pretrained_cfg."""
    return spec_of_pretrained_cfg(document.get("pretrained_cfg", document), source)
