"""TensorFlow Lite's model metadata as JSON: ``NormalizationOptions`` of an input tensor, ``(v - mean) / std``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tare.errors import SpecError, short_repr
from tare.input_spec.fields import Field, Known, Unknown
from tare.input_spec.spec import InputSpec
from tare.readers.configs.documents import known, listed, made, spread, stated

_COLOURS = {"RGB": "RGB", "GRAYSCALE": "L", 1: "RGB", 2: "L"}


def is_tflite(document: Mapping[str, Any]) -> bool:
    """Whether a document has the metadata of a TensorFlow Lite model's inputs."""
    return next(_tensors(document), None) is not None


def read_tflite_document(document: Mapping[str, Any], source: str, tensor: str = "") -> InputSpec:
    """Read metadata that is already parsed, for the input that ``PATH#INPUT`` names, or the only one that is normalised."""
    named = {str(part.get("name", index)): part for index, part in enumerate(_tensors(document))}
    normalised = {name: part for name, part in named.items() if _options(part) is not None}
    fitting = [name for name in (named if tensor else normalised) if not tensor or name == tensor]
    if len(fitting) != 1:
        expected = f"the input {tensor!r} in {source}" if tensor else f"one input with NormalizationOptions in {source}"
        found = ", ".join(normalised)[:200] or f"none; the inputs are {', '.join(named)[:200]}"
        raise SpecError(expected, found, "name one as PATH#INPUT")
    return _spec(named[fitting[0]], f"{source}, input {fitting[0][:60]!r}")


def _tensors(document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    graphs = document.get("subgraph_metadata")
    for graph in graphs if isinstance(graphs, list) else []:
        tensors = graph.get("input_tensor_metadata") if isinstance(graph, Mapping) else None
        yield from (tensor for tensor in (tensors if isinstance(tensors, list) else []) if isinstance(tensor, Mapping))


def _options(tensor: Mapping[str, Any]) -> Mapping[str, Any] | None:
    units = tensor.get("process_units")
    for unit in units if isinstance(units, list) else []:
        if isinstance(unit, Mapping) and unit.get("options_type") == "NormalizationOptions":
            options = unit.get("options")
            return options if isinstance(options, Mapping) else {}
    return None


def _spec(tensor: Mapping[str, Any], origin: str) -> InputSpec:
    options = _options(tensor)
    content = tensor.get("content")
    properties = content.get("content_properties") if isinstance(content, Mapping) else None
    properties = properties if isinstance(properties, Mapping) else {}
    colour = properties.get("color_space")
    order = _COLOURS.get(colour) if isinstance(colour, str | int) else None
    fields: dict[str, Field[Any]] = {
        "channels": Unknown(f"{origin}: color_space {short_repr(colour)}")
        if order is None
        else known(order, f"{origin}, key 'color_space'"),
        "raw_dtype": Unknown(f"{origin}: NormalizationOptions do not state the type of raw values"),
    }
    units = tensor.get("process_units")
    if options is None or len(units if isinstance(units, list) else []) > 1:
        reason = Unknown(f"{origin} has {'no NormalizationOptions' if options is None else 'several process_units, in turn'}")
        return made(fields | {"scale": reason, "mean": reason, "std": reason}, origin)
    mean, std = spread(
        *(stated(key, listed(options.get(key)), f"{origin}, NormalizationOptions, {key!r}") for key in ("mean", "std"))
    )
    if order == "RGB" and len(mean.value) == 1:
        mean, std = (Known(field.value * 3, f"{field.origin}, one for all channels") for field in (mean, std))
    fields |= {"scale": known(1.0, f"{origin}: (input - mean) / std of raw values"), "mean": mean, "std": std}
    size = properties.get("default_size")
    if isinstance(size, Mapping):
        fields["size"] = stated("size", [size.get("height"), size.get("width")], f"{origin}, key 'default_size'")
    return made(fields, origin)
