"""The calls of a Keras model's configuration, in order: which layer or operation takes which tensors and constants."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tare.errors import SpecError

#: A tensor: the layer that makes it, and which of its calls.
Tensor = tuple[str, int]
MODELS = ("Functional", "Sequential", "Model")


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a layer or operation. ``operands`` are :class:`Ref`s and constants in the order of its arguments."""

    name: str
    kind: str
    module: str
    config: Mapping[str, Any]
    operands: tuple[Any, ...]
    makes: Tensor
    #: Where its weights lie in the file of weights.
    weights: str
    index: Any = field(default=None)

    @property
    def refs(self) -> list[Ref]:
        """The tensors that it takes."""
        return [operand for operand in self.operands if isinstance(operand, Ref)]


@dataclass(frozen=True, slots=True)
class Ref:
    """A tensor as an operand."""

    tensor: Tensor


def layers_of(document: Any, source: str) -> list[Mapping[str, Any]]:
    """The layers in the configuration of a model. Raises :class:`SpecError` if it is malformed."""
    config = document.get("config") if isinstance(document, Mapping) else None
    listed = config.get("layers") if isinstance(config, Mapping) else None
    if not isinstance(listed, list):
        raise SpecError("a Keras model with a list of layers", f"none in {source}", "save a Sequential or Functional model")
    for layer in listed:
        kind, inner = (layer.get("class_name"), layer.get("config")) if isinstance(layer, Mapping) else (None, None)
        if not isinstance(kind, str) or not isinstance(inner, Mapping):
            raise SpecError(
                "a class and a configuration for each Keras layer", f"a layer without them in {source}", "save the model again"
            )
    return listed


def calls_of(layers: list[Mapping[str, Any]], weights: str) -> Iterator[Call]:
    """Each call of each layer in order; a layer that does not say what it takes follows the one before it."""
    before: Tensor | None = None
    seen: Counter[str] = Counter()
    for place, layer in enumerate(layers):
        config = layer["config"]
        name = str(layer.get("name") or config.get("name") or place)
        snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", layer["class_name"]).lower()
        path = f"{weights}layers/{snake}{f'_{seen[snake]}' if seen[snake] else ''}"
        seen[snake] += 1
        nodes = layer.get("inbound_nodes")
        called = [_operands(node) for node in nodes] if isinstance(nodes, list) and nodes else []
        if not called:
            called = [((Ref(before),) if before else (), None)]
        for number, (operands, index) in enumerate(called):
            yield Call(name, layer["class_name"], str(layer.get("module")), config, operands, (name, number), path, index)
        before = (name, 0)


def tensors_named(value: Any) -> list[Tensor]:
    """The tensors in ``output_layers``: ``[name, call, tensor]``, or a list of such."""
    if isinstance(value, list) and value and isinstance(value[0], str):
        return [(value[0], value[1] if len(value) > 1 and isinstance(value[1], int) else 0)]
    return [tensor for item in value for tensor in tensors_named(item)] if isinstance(value, list) else []


def _operands(node: Any) -> tuple[tuple[Any, ...], Any]:
    """Operands of one call, and the index of a GetItem. Older files list ``[name, call, tensor, keywords]`` for each tensor."""
    if isinstance(node, Mapping):
        arguments = node.get("args")
        arguments = arguments if isinstance(arguments, list) else []
        keywords = node.get("kwargs")
        keywords = keywords if isinstance(keywords, Mapping) else {}
        index = arguments[1] if len(arguments) > 1 else keywords.get("key")
        values = [keywords[key] for key in ("x1", "x", "inputs", "x2", "y") if key in keywords]
        return tuple(_flat([*arguments, *values])), index
    found: list[Any] = []
    index = None
    for entry in node if isinstance(node, list) else []:
        if isinstance(entry, list) and len(entry) > 2 and isinstance(entry[0], str):
            found.append(Ref((entry[0], entry[1] if isinstance(entry[1], int) else 0)))
            keywords = entry[3] if len(entry) > 3 and isinstance(entry[3], Mapping) else {}
            index = keywords.get("slice_spec")
            found += [keywords[key] for key in ("y", "bias") if keywords.get(key) is not None]
    return tuple(found), index


def _flat(values: list[Any]) -> Iterator[Any]:
    """Tensors as :class:`Ref`, the value of a stored constant, and lists of tensors opened."""
    for value in values:
        if isinstance(value, list) and any(_is_tensor(item) for item in value):
            yield from _flat(value)
            continue
        config = value.get("config") if isinstance(value, Mapping) else None
        if _is_tensor(value):
            name, number = value["config"]["keras_history"][:2]
            yield Ref((str(name), number if isinstance(number, int) else 0))
        else:
            yield config["value"] if isinstance(config, Mapping) and "value" in config else value


def _is_tensor(value: Any) -> bool:
    config = value.get("config") if isinstance(value, Mapping) else None
    history = config.get("keras_history") if isinstance(config, Mapping) else None
    return isinstance(history, list) and len(history) >= 2
