"""Read the specification of a live network: from a configuration that it carries, or from a normalising layer inside it."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import replace
from itertools import takewhile
from typing import Any

from tare.errors import SpecError
from tare.input_spec.fields import Known, PerSample, Unknown
from tare.input_spec.foreign import known_field
from tare.input_spec.formats.timm import fields_of_pretrained_cfg
from tare.input_spec.spec import InputSpec
from tare.pipelines.spec import spec_of_steps
from tare.pipelines.step import Step
from tare.pipelines.walk import reader_of, steps_of
from tare.readers.live.forward import Route, route_of_input
from tare.readers.timm import first_layer_channels, for_channels

_FIELDS = ("channels", "scale", "mean", "std", "size", "interpolation", "antialias", "crop", "layout", "dtype", "raw_dtype")
_MOST_NESTED = 2
_MODULE = "torch.nn.modules.module.Module"


def is_module(thing: Any) -> bool:
    """Whether ``thing`` is a ``torch.nn.Module``; torch is not imported to find out."""
    return any(_qualified(cls) == _MODULE for cls in type(thing).__mro__)


def is_pipeline(thing: Any, depth: int = 0) -> bool:
    """Whether ``thing`` is a transform or container of a known library, or a list that contains one."""
    if isinstance(thing, list | tuple):  # which may contain itself
        return depth < _MOST_NESTED and any(is_pipeline(item, depth + 1) for item in thing[:64])
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
            spec = InputSpec(**fields_of_pretrained_cfg(config, f"{name} of the {type(module).__name__}"))
            taken = first_layer_channels(module, config)
            return spec if taken is None else for_channels(spec, taken[0], f"{taken[1]} of the {type(module).__name__}")
    inside = normalises_inside(module)
    if inside is not None:
        return inside
    if getattr(getattr(module, "config", None), "model_type", None) is not None:
        return _of_transformers(module)
    elsewhere = _normalisers(module)
    if elsewhere:
        return _unknown(f"{elsewhere} does not take its input as it is: {_route(module).end}")
    remedy = "name its configuration, or state it with --mean and --std"
    raise SpecError("a network that states its input", f"a {type(module).__name__} without configuration or normaliser", remedy)


def normalises_inside(module: Any) -> InputSpec | None:
    """What the normalising layers state that the input of a network itself reaches; ``pretrained_cfg`` is not read.

    None without any. Every field is unknown where a network has such layers, and whether its input reaches them as it is
    cannot be told.
    """
    if not any(map(_is_known, module.modules())):
        return None
    route = _route(module)
    found = _stated_along(module, route)
    if found is not None or route.decided:
        return found
    named = _normalisers(module) or _registered_first(module)
    return _unknown(f"{named} may not take its input as it is: {route.end}") if named else None


def _route(module: Any) -> Route:
    return route_of_input(module, _is_known)


def _is_known(layer: Any) -> bool:
    """Whether a layer is a transform of a known library, or one that normalises."""
    return not _is_sequential(layer) and (
        reader_of(layer) is not None or _kind(layer, READERS) is not None or _is_of_sample(layer)
    )


def _kind(layer: Any, table: Container[str]) -> str | None:
    """The first of the names in ``table`` that a class of the layer has."""
    return next((name for name in map(_qualified, type(layer).__mro__) if name in table), None)


def _is_of_sample(layer: Any) -> bool:
    return _kind(layer, _SAMPLE_NORMS) is not None


def _unknown(reason: str) -> InputSpec:
    return InputSpec(**dict.fromkeys(_FIELDS, Unknown(reason)))  # type: ignore[arg-type]


def _normalisers(module: Any) -> str:
    """The normalising layers among all submodules, in words; empty without any."""
    names = [name or type(layer).__name__ for name, layer in module.named_modules() if _kind(layer, READERS)]
    title = type(module).__name__
    if len(names) > 1:
        return f"each of the {len(names)} normalising layers of the {title}"
    return f"layer {names[0]!r} of the {title}" if names else ""


def _registered_first(module: Any) -> str:
    """The first layer in the order of registration, in words, if it normalises each sample; else empty."""
    leaves = ((name, layer) for name, layer in module.named_modules() if not any(True for _ in layer.children()))
    name, layer = next(((name, layer) for name, layer in leaves if _qualified(type(layer)) not in _CONSTANT), ("", None))
    return f"layer {name!r} of the {type(module).__name__}" if _is_of_sample(layer) else ""


def _stated_along(module: Any, route: Route) -> InputSpec | None:
    """What the layers state that the input passes one after another; None if they leave its values.

    A ``Normalize`` in front of an instance normalisation is passed over, since the latter undoes a channel's scale and shift.
    Layers that only scale, and leave floats as they are, state something in an ``nn.Sequential`` alone: elsewhere they may be
    there for a network that takes normalised floats, too.
    """
    title, layers = type(module).__name__, [each for each in route.layers if _is_known(each[1])]
    constants = list(takewhile(lambda each: _qualified(type(each[1])) in _CONSTANT, layers))
    name, layer = next(iter(layers[len(constants) :]), ("", None))
    if (kind := _kind(layer, _SAMPLE_NORMS)) is not None:
        kind = kind.rpartition(".")[2]
        spec = _of_sample_norm(layer, kind, f"first layer {name or kind!r} of the {title}, {kind}")
        over = spec.per_sample.value.over if isinstance(spec.per_sample, Known) else ""
        if not constants or over == "channel":
            return spec
    transforms = list(takewhile(lambda each: reader_of(each[1]) is not None, layers))
    name, layer = next(iter(layers), ("", None))
    kind = _kind(layer, READERS)
    if kind is None or len(transforms) > 1 or _is_sequential(module):
        steps = _steps(module, transforms)
        kinds = {step.kind for step in steps}
        if "normalize" in kinds or (_is_sequential(module) and route.decided and kinds & {"rescale", "to_dtype"}):
            # A network takes tensors; its first layer tells whether they are bytes or floats.
            return spec_of_steps(steps, raw_dtype="uint8" if "to_dtype" in kinds else "float32")
    return None if kind is None else READERS[kind](layer, f"layer {name or type(layer).__name__!r} of the {title}")


def _steps(module: Any, layers: Sequence[tuple[str, Any]]) -> list[Step]:
    """The steps of transforms, each with its place: its number in an ``nn.Sequential``, else the name of the layer."""
    title = type(module).__name__
    if _is_sequential(module):
        found = steps_of([layer for _, layer in layers])
        return [Step(s.kind, s.name, s.where.replace("list", title, 1), s.values, s.random) for s in found]
    return [
        Step(s.kind, s.name, f"layer {name or type(layer).__name__!r} of the {title}", s.values, s.random)
        for name, layer in layers
        for s in steps_of(layer)
    ]


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
    """tare's own layer: ``scale v + shift`` of unit values, or what else a strategy does to them."""  # noqa: D403
    origin = f"{source}, tare's InputLayer"
    if not layer.chosen.is_affine:
        by_step = {1 / 65535: "uint16", 1.0: "float32"} if layer.chosen.value_map != "identity" else {}
        raw_dtype = by_step.get(layer.chosen.step, "uint8")
        shape: dict[str, Any] = {"layout": "NCHW", "dtype": "float32", "raw_dtype": raw_dtype}
        stated = InputSpec.of(layer.chosen.mean, layer.chosen.std, origin=origin, **shape)
        return replace(stated, **layer.chosen.spec_fields(raw_dtype, f"{origin}, strategy {layer.chosen.strategy!r}"))
    scale, shift = (values.flatten().tolist() for values in (layer.scale, layer.shift))
    std = [1 / a for a in scale]
    return InputSpec.of(
        [-b * s for b, s in zip(shift, std, strict=True)], std, origin=origin, layout="NCHW", dtype="float32", raw_dtype="uint8"
    )


def _said_by(spec: InputSpec, origin: str) -> InputSpec:
    """The same specification, read from a layer that states one."""
    stated = {name: Known(field.value, origin) for name, field in spec.fields().items() if isinstance(field, Known)}
    return replace(spec, **stated)  # type: ignore[arg-type]


def _of_sample_norm(layer: Any, kind: str, origin: str) -> InputSpec:
    """InstanceNorm z-scores each channel of a sample, GroupNorm its groups of channels; then comes ``weight * z + bias``."""
    groups, count = (layer.num_groups, layer.num_channels) if kind == "GroupNorm" else (layer.num_features,) * 2
    weight, bias = (None if values is None else values.detach().flatten().tolist() for values in (layer.weight, layer.bias))
    if not count or groups not in (1, count):
        reason = f"{origin} z-scores each of {groups} groups of {count} channels by its own values"
        return _unknown(reason)
    gain, offset = weight or [1.0] * count, bias or [0.0] * count
    if min(gain) <= 0:
        return _unknown(f"{origin}: a weight is not positive")
    std = tuple(1 / g for g in gain)
    mean = tuple(0.0 - b / g for b, g in zip(offset, gain, strict=True))
    if getattr(layer, "track_running_stats", False) and layer.running_mean is not None and not layer.training:
        moments = [(float(m), (float(v) + layer.eps) ** 0.5) for m, v in zip(layer.running_mean, layer.running_var, strict=True)]
        shifted = [m + s * each for (m, s), each in zip(moments, mean, strict=True)]
        stated = f"{origin}: its running mean and variance, which it applies outside of training"
        return _tensors([shifted, [s * each for (_, s), each in zip(moments, std, strict=True)]], stated)
    over = "channel" if groups == count else "sample"
    said = f"{origin}, which divides by sqrt(var + {layer.eps:g})"
    return _by_sample(PerSample("zscore", over, layer.eps), mean, std, said, layout=_LAYOUT_OF_NORM.get(kind))


def _by_sample(
    each: PerSample, mean: Sequence[float], std: Sequence[float], origin: str, *, layout: str | None = None, raw_dtype: Any = None
) -> InputSpec:
    """A specification of samples that are normalised by their own values; ``mean`` and ``std`` apply to the result."""
    spec = _tensors([mean, std], origin, layout)
    return replace(spec, per_sample=Known(each, origin), **({} if raw_dtype is None else {"raw_dtype": raw_dtype}))


def _tensors(constants: Sequence[Sequence[float]], origin: str, layout: str | None = "NCHW") -> InputSpec:
    """A specification of floats with the values that a network takes, of which nobody says more than the constants."""
    mean, std = constants
    count = len(mean)
    names = {1: "L", 3: "RGB"}.get(count) or ",".join(f"c{index}" for index in range(count))
    return InputSpec(
        channels=Known(names, f"{origin}: {count} channels"),
        scale=Known(1.0, f"{origin}: values as they are"),
        mean=known_field("mean", list(mean), origin),
        std=known_field("std", list(std), origin),
        layout=Known(layout, origin) if layout else Unknown(f"{origin} takes several layouts"),
        dtype=Known("float32", origin),
        raw_dtype=Known("float32", f"{origin}: values as they are"),
    )


#: Layers that normalise each sample by its own values, by the qualified name of their class, and those that do so by constants.
_SAMPLE_NORMS = frozenset(f"torch.nn.modules.instancenorm.InstanceNorm{n}d" for n in (1, 2, 3)) | {
    "torch.nn.modules.normalization.GroupNorm"
}
_LAYOUT_OF_NORM = {"InstanceNorm1d": "NCT", "InstanceNorm2d": "NCHW", "InstanceNorm3d": "NCDHW"}
_CONSTANT = frozenset(
    {
        "torchvision.transforms.transforms.Normalize",
        "torchvision.transforms.v2._misc.Normalize",
        "kornia.enhance.normalize.Normalize",
    }
)

#: Layers that normalise, by the qualified name of their class.
READERS: dict[str, Callable[[Any, str], InputSpec]] = {
    "torchvision.transforms.transforms.Normalize": _of_transform,
    "torchvision.transforms.v2._misc.Normalize": _of_transform,
    "kornia.augmentation._2d.intensity.normalize.Normalize": _of_transform,
    "kornia.enhance.normalize.Normalize": _of_transform,
    "torchvision.models.detection.transform.GeneralizedRCNNTransform": _of_detection,
    "tare.normalisation.input_layer.InputLayer": _of_normaliser,
    "tare.parts.normaliser.Normaliser": lambda layer, source: _said_by(layer.spec, f"{source}, tare.Normaliser"),
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
