"""Read the specification of a live network: from a configuration that it carries, or from a normalising layer inside it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from tare.errors import SpecError
from tare.input_spec.fields import Known, Unknown
from tare.input_spec.foreign import known_field
from tare.input_spec.formats.timm import fields_of_pretrained_cfg
from tare.input_spec.spec import InputSpec
from tare.pipelines.spec import spec_of_steps
from tare.pipelines.step import Step
from tare.pipelines.walk import reader_of, steps_of

_FIELDS = ("channels", "scale", "mean", "std", "size", "interpolation", "antialias", "crop", "layout", "dtype", "raw_dtype")
_MODULE = "torch.nn.modules.module.Module"


def is_module(thing: Any) -> bool:
    """Whether ``thing`` is a ``torch.nn.Module``; torch is not imported to find out."""
    return any(_qualified(cls) == _MODULE for cls in type(thing).__mro__)


def is_pipeline(thing: Any) -> bool:
    """Whether ``thing`` is a transform or container of a known library, or a list that contains one."""
    if isinstance(thing, list | tuple):
        return any(is_pipeline(item) for item in thing[:64])
    if _is_sequential(thing):
        return len(thing) > 0 and all(reader_of(layer) is not None for layer in thing)
    return reader_of(thing) is not None


def read_pipeline(pipeline: Any) -> InputSpec:
    """Read the specification of a network from the pipeline that prepares its input."""
    return spec_of_steps(steps_of(pipeline))


def read_module(module: Any) -> InputSpec:
    """Read a network: timm's configuration, the normalising layers in front of it or inside it, a transformers config.

    Raises :class:`SpecError` if it carries none of these.
    """
    for name in ("pretrained_cfg", "default_cfg"):
        config = getattr(module, name, None)
        if isinstance(config, Mapping):
            source = f"{name} of the {type(module).__name__}"
            return as_built(InputSpec(**fields_of_pretrained_cfg(config, source)), module, config, source)
    if _is_sequential(module) and (found := _in_front(module)) is not None:
        return found
    inside = _normalisers(module)
    if len(inside) == 1:
        return inside[0]
    if inside:
        reason = f"the {type(module).__name__} holds {len(inside)} normalising layers, and which one comes first is not known"
        return InputSpec(**dict.fromkeys(_FIELDS, Unknown(reason)))  # type: ignore[arg-type]
    if getattr(getattr(module, "config", None), "model_type", None) is not None:
        return _of_transformers(module)
    remedy = "name its configuration, or state it with --mean and --std"
    raise SpecError("a network that states its input", f"a {type(module).__name__} without configuration or normaliser", remedy)


def as_built(spec: InputSpec, module: Any, config: Mapping[str, Any], source: str) -> InputSpec:
    """The specification as the network's first layer contradicts it: one that was built with ``in_chans`` takes other channels.

    The constants of the configuration are then kept under ``stated_for`` in ``extra``, since they are for other channels, and
    mean and std are unknown.
    """
    stated = len(spec.mean.value) if isinstance(spec.mean, Known) else None
    found = _first_channels(module, config)
    if stated is None or found is None or found[0] == stated or not isinstance(spec.std, Known):
        return spec
    count, layer = found
    if _rearranges(module, count, stated):
        return spec
    named = spec.channels.value if isinstance(spec.channels, Known) else f"{stated} channels"
    nobody = Unknown(f"{source} states it for {named}, and the first layer {layer!r} takes {count} channel{'s'[: count != 1]}")
    order = {1: "L", 3: "RGB"}.get(count)
    built = replace(
        spec,
        channels=Known(order, f"the first layer {layer!r} takes {count}") if order else nobody,
        mean=nobody,
        std=nobody,
        extra={**spec.extra, "stated_for": {"channels": named, "mean": list(spec.mean.value), "std": list(spec.std.value)}},  # type: ignore[union-attr]
    )
    # Grey and colour photographs have 8 bits; what other bands have, nobody says.
    return built if order else replace(built, scale=nobody, raw_dtype=nobody)


def _first_channels(module: Any, config: Mapping[str, Any]) -> tuple[int, str] | None:
    """The input channels of the first convolution and its name: the one that timm names, else the first of all.

    A network for which timm says that it has no first convolution begins with something else, such as a cosine transform.
    """
    named = config.get("first_conv")
    layers = dict(module.named_modules())
    for name in [named] if isinstance(named, str) else list(named or ()):
        if _is_convolution(first := layers.get(name)):
            return int(first.in_channels), str(name)  # type: ignore[union-attr]
    if named is not None and not named:
        return None
    return next(((int(each.in_channels), name) for name, each in layers.items() if _is_convolution(each)), None)


def _is_convolution(layer: Any) -> bool:
    return layer is not None and isinstance(getattr(layer, "in_channels", None), int) and hasattr(layer, "kernel_size")


def _rearranges(module: Any, count: int, stated: int) -> bool:
    """Whether the network makes more channels of the stated ones by rearranging pixels before its first layer."""
    kinds = ("SpaceToDepth", "PixelUnshuffle", "Focus")
    factor = count / stated
    square = factor > 1 and math.isqrt(int(factor)) ** 2 == factor
    return square and any(kind in type(layer).__name__ for layer in module.modules() for kind in kinds)


def normalises_inside(module: Any) -> InputSpec | None:
    """The specification that the normalising layers of a network state, None without any; ``pretrained_cfg`` is not read."""
    in_front = _in_front(module) if _is_sequential(module) else None
    inside = _normalisers(module)
    return in_front or (inside[0] if inside else None)


def _in_front(module: Any) -> InputSpec | None:
    """The transforms that an ``nn.Sequential`` begins with, such as ``Sequential(Normalize, network)``."""
    leading = []
    for layer in module:
        if reader_of(layer) is None or _is_sequential(layer):
            break
        leading.append(layer)
    steps = steps_of(leading)
    if not any(step.kind in ("normalize", "rescale", "to_dtype") for step in steps):
        return None
    placed = [Step(s.kind, s.name, s.where.replace("list", type(module).__name__, 1), s.values, s.random) for s in steps]
    # A network takes tensors; its first layer tells whether they are bytes or floats.
    return spec_of_steps(placed, raw_dtype="uint8" if any(step.kind == "to_dtype" for step in steps) else "float32")


def _normalisers(module: Any) -> list[InputSpec]:
    """The specification of each normalising layer among all submodules."""
    found = []
    for name, layer in module.named_modules():
        reader = next((READERS[qualified] for cls in type(layer).__mro__ if (qualified := _qualified(cls)) in READERS), None)
        if reader is not None:
            found.append(reader(layer, f"layer {name or type(layer).__name__!r} of the {type(module).__name__}"))
    return found


def _of_transform(layer: Any, source: str) -> InputSpec:
    (step, *_) = steps_of(layer)
    return spec_of_steps([Step(step.kind, step.name, source, step.values, step.random)], raw_dtype="float32")


def _of_detection(layer: Any, source: str) -> InputSpec:
    """Torchvision's detection networks take unit values and normalise and resize inside (GeneralizedRCNNTransform)."""
    origin = f"{source}, GeneralizedRCNNTransform"
    inside = Unknown(f"{origin} resizes every image to {layer.min_size} px within {layer.max_size}, keeping its ratio")
    said = f"{origin}: unit values of 8-bit images"
    return InputSpec(
        channels=Known("RGB", origin) if len(layer.image_mean) == 3 else Unknown(f"{origin}: {len(layer.image_mean)} channels"),
        scale=Known(1 / 255, said),
        mean=known_field("mean", list(layer.image_mean), f"{origin}, image_mean"),
        std=known_field("std", list(layer.image_std), f"{origin}, image_std"),
        size=inside,
        crop=inside,
        interpolation=Known("bilinear", origin),
        layout=Known("NCHW", origin),
        dtype=Known("float32", origin),
        raw_dtype=Known("uint8", said),
    )


def _of_normaliser(layer: Any, source: str) -> InputSpec:
    """tare's own layer: ``scale v + shift`` of unit values."""  # noqa: D403
    origin = f"{source}, tare's Normaliser"
    if layer.per_sample:
        return InputSpec(**dict.fromkeys(_FIELDS, Unknown(f"{origin} z-scores each sample")))  # type: ignore[arg-type]
    scale, shift = (values.flatten().tolist() for values in (layer.scale, layer.shift))
    std = [1 / a for a in scale]
    return InputSpec.of(
        [-b * s for b, s in zip(shift, std, strict=True)], std, origin=origin, layout="NCHW", dtype="float32", raw_dtype="uint8"
    )


#: Layers that normalise, by the qualified name of their class.
READERS: dict[str, Callable[[Any, str], InputSpec]] = {
    "torchvision.transforms.transforms.Normalize": _of_transform,
    "torchvision.transforms.v2._misc.Normalize": _of_transform,
    "kornia.augmentation._2d.intensity.normalize.Normalize": _of_transform,
    "kornia.enhance.normalize.Normalize": _of_transform,
    "torchvision.models.detection.transform.GeneralizedRCNNTransform": _of_detection,
    "tare.normalisation.normaliser.Normaliser": _of_normaliser,
}


def _of_transformers(module: Any) -> InputSpec:
    config = module.config
    name = str(getattr(config, "_name_or_path", "") or "DIR")
    source = f"config of the {type(module).__name__}"
    fields: dict[str, Any] = dict.fromkeys(
        _FIELDS, Unknown(f"{source} does not state it; the model's processor does: name hf:{name}")
    )
    vision = getattr(config, "vision_config", config)
    size = getattr(vision, "image_size", None)
    if isinstance(size, int | list | tuple):
        edges = [size, size] if isinstance(size, int) else list(size)
        fields["size"] = known_field("size", edges, f"{source}, image_size")
    return InputSpec(**fields)


def _is_sequential(thing: Any) -> bool:
    return _qualified(type(thing)) == "torch.nn.modules.container.Sequential"


def _qualified(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"
