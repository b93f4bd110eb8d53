"""The calls of a Keras model's configuration, in order: which layer or operation takes which tensors and constants."""

from __future__ import annotations

import heapq
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tare.errors import SpecError

#: A tensor: the layer that makes it, which of its calls, and which of what the call returns.
Tensor = tuple[str, int, int]
MODELS = ("Functional", "Sequential", "Model", "Pipeline")
#: Models whose first call has the number 1 where outputs are named: Keras counts their own building as the call 0.
_COUNTED_FROM_1 = ("Functional", "Model")
#: How the modules of Keras's own classes begin.
_OF_KERAS = ("keras.", "tf_keras.", "tensorflow.keras.", "tensorflow.python.keras.")
_DEEPEST = 16


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a layer or operation. ``operands`` are :class:`Ref`s and constants in the order of its arguments."""

    name: str
    kind: str
    module: str
    config: Mapping[str, Any]
    operands: tuple[Any, ...]
    #: Which of the layer's calls it is.
    number: int
    #: Where its weights lie in the file of weights.
    weights: str
    index: Any = field(default=None)
    #: The names under which a mapping passes the operands.
    keys: tuple[str, ...] = ()
    #: Whether its class is not Keras's, so that its name says nothing.
    is_own: bool = False

    @property
    def refs(self) -> list[Ref]:
        """The tensors that it takes."""
        return [operand for operand in self.operands if isinstance(operand, Ref)]


@dataclass(frozen=True, slots=True)
class Ref:
    """A tensor as an operand, and its shape with the batch where the file states it."""

    tensor: Tensor
    shape: tuple[int | None, ...] | None = None


def is_own(stored: Mapping[str, Any]) -> bool:
    """Whether a stored class or function is not Keras's: of another module, or registered by its user.

    Old files state neither.
    """
    module = stored.get("module")
    if isinstance(module, str):
        return not f"{module}.".startswith(_OF_KERAS)
    return bool(stored.get("registered_name")) or ">" in str(stored.get("class_name"))


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


def calls_of(layers: list[Mapping[str, Any]], weights: str, source: str) -> list[Call]:
    """Each call of each layer, behind those whose tensors it takes.

    A layer that does not say what it takes follows the one before it. Raises :class:`SpecError` for calls in a circle.
    """
    before: Tensor | None = None
    seen: Counter[str] = Counter()
    calls: list[Call] = []
    for place, layer in enumerate(layers):
        config = layer["config"]
        name = str(layer.get("name") or config.get("name") or place)
        snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", layer["class_name"]).lower()
        path = f"{weights}layers/{snake}{f'_{seen[snake]}' if seen[snake] else ''}"
        seen[snake] += 1
        nodes = layer.get("inbound_nodes")
        called = [_operands(node) for node in nodes] if isinstance(nodes, list) and nodes else []
        if not called:
            called = [((Ref(before, _built_for(layer)),) if before else (), None, ())]
        for number, (operands, index, keys) in enumerate(called):
            kind, module = layer["class_name"], str(layer.get("module"))
            calls.append(Call(name, kind, module, config, operands, number, path, index, keys, is_own(layer)))
        before = (name, 0, 0)
    return _in_order(_renumbered(calls), source)


def outputs_of(config: Mapping[str, Any], layers: list[Mapping[str, Any]], calls: Sequence[Call]) -> list[Tensor]:
    """The tensors that a model returns: those that it names, or what its last layer makes."""
    named = tensors_named(config.get("output_layers"))
    if not named:
        last = layers[-1] if layers else {"config": {}}
        name = str(last.get("name") or last["config"].get("name") or len(layers) - 1)
        return [(name, 0, 0)] if layers else []
    counts = Counter(call.name for call in calls)
    models = {call.name for call in calls if call.kind in _COUNTED_FROM_1}
    shifted = {name for name, number, _ in named if (name in models and number) or number == counts[name] > 0}
    return [(name, number - (name in shifted), part) for name, number, part in named]


def _renumbered(calls: list[Call]) -> list[Call]:
    """The calls with the calls of models counted from 0, which files of Keras 2 (they state no shapes) count from 1."""
    counts = Counter(call.name for call in calls if call.kind in MODELS)
    functional = {call.name for call in calls if call.kind in _COUNTED_FROM_1}
    taken: dict[str, set[int]] = {}
    for ref in (ref for call in calls for ref in call.refs if ref.shape is None and ref.tensor[0] in counts):
        taken.setdefault(ref.tensor[0], set()).add(ref.tensor[1])
    shifted = {name for name, found in taken.items() if 0 not in found and (name in functional or counts[name] in found)}
    #: Models called several times of which the file does not tell from what it counts; no call has the number -1.
    untold = {name for name, found in taken.items() if 0 not in found and name not in shifted}

    def renumbered(operand: Any) -> Any:
        if not isinstance(operand, Ref) or operand.shape is not None:
            return operand
        name, number, part = operand.tensor
        return replace(operand, tensor=(name, -1 if name in untold else number - (name in shifted), part))

    return [replace(call, operands=tuple(renumbered(each) for each in call.operands)) for call in calls] if taken else calls


def _in_order(calls: list[Call], source: str) -> list[Call]:
    """The calls, each behind those that make its tensors; where these leave a choice, as they are listed."""
    places = {(call.name, call.number): place for place, call in enumerate(calls)}
    waits = [{places[ref.tensor[:2]] for ref in call.refs if ref.tensor[:2] in places} for call in calls]
    followers: list[list[int]] = [[] for _ in calls]
    for place, needed in enumerate(waits):
        for each in needed:
            followers[each].append(place)
    left = [len(needed) for needed in waits]
    ready = [place for place, count in enumerate(left) if not count]
    ordered: list[Call] = []
    while ready:
        place = heapq.heappop(ready)
        ordered.append(calls[place])
        for follower in followers[place]:
            left[follower] -= 1
            if not left[follower]:
                heapq.heappush(ready, follower)
    if len(ordered) < len(calls):
        stuck = next(call.name for call, count in zip(calls, left, strict=True) if count)
        raise SpecError(f"layers without a circle in {source}", f"one through layer {stuck!r}", "save the model again")
    return ordered


def tensors_named(value: Any) -> list[Tensor]:
    """The tensors in ``input_layers`` or ``output_layers``: ``[name, call, tensor]``, or a list or a mapping of such."""
    if isinstance(value, Mapping):
        return [tensor for key in sorted(value) for tensor in tensors_named(value[key])]
    if isinstance(value, list) and value and isinstance(value[0], str):
        return [_tensor(value)]
    return [tensor for item in value for tensor in tensors_named(item)] if isinstance(value, list) else []


def _tensor(history: Sequence[Any]) -> Tensor:
    number, part = (history[place] if len(history) > place and isinstance(history[place], int) else 0 for place in (1, 2))
    return str(history[0]), number, part


def _built_for(layer: Mapping[str, Any]) -> tuple[int | None, ...] | None:
    """The shape for which a layer was built, if the file states one."""
    built = layer.get("build_config")
    return _shape(built.get("input_shape")) if isinstance(built, Mapping) else None


def _shape(value: Any) -> tuple[int | None, ...] | None:
    if isinstance(value, list) and value and all(edge is None or isinstance(edge, int) for edge in value):
        return tuple(value)
    return None


def _operands(node: Any) -> tuple[tuple[Any, ...], Any, tuple[str, ...]]:
    """Operands of one call, the index of a GetItem, and the names of operands in a mapping.

    Older files list ``[name, call, tensor, keywords]`` for each tensor.
    """
    if isinstance(node, Mapping):
        arguments = node.get("args")
        arguments = arguments if isinstance(arguments, list) else []
        keywords = node.get("kwargs")
        keywords = keywords if isinstance(keywords, Mapping) else {}
        index = arguments[1] if len(arguments) > 1 else keywords.get("key")
        named = ("x1", "x", "inputs", "x2", "y")
        values = [*arguments, *(keywords[key] for key in named if key in keywords)]
        others = (keywords[key] for key in sorted(keywords) if key not in named and _has_tensor(keywords[key]))
        mapping = values[0] if values and isinstance(values[0], Mapping) else {}
        keys = tuple(sorted(mapping)) if mapping and all(_is_tensor(each) for each in mapping.values()) else ()
        return tuple(operand for value in (*values, *others) for operand in _flat(value)), index, keys
    found: list[Any] = []
    index = None
    for entry in node if isinstance(node, list) else []:
        if isinstance(entry, list) and len(entry) > 2 and isinstance(entry[0], str):
            found.append(Ref(_tensor(entry)))
            keywords = entry[3] if len(entry) > 3 and isinstance(entry[3], Mapping) else {}
            index = keywords.get("slice_spec")
            found += [keywords[key] for key in ("y", "bias") if keywords.get(key) is not None]
    return tuple(found), index, ()


def _flat(value: Any) -> Iterator[Any]:
    """Tensors as :class:`Ref`, with lists and mappings of them opened (a mapping by its sorted keys), and constants."""
    if _is_tensor(value):
        config = value["config"]
        yield Ref(_tensor(config["keras_history"]), _shape(config.get("shape")))
    elif not _has_tensor(value):
        yield plain(value)
    else:
        for each in value if isinstance(value, list) else [value[key] for key in sorted(value)]:
            yield from _flat(each)


def plain(value: Any) -> Any:
    """The numbers of a stored array or tensor; another value as it is."""
    config = value.get("config") if isinstance(value, Mapping) else None
    return config["value"] if isinstance(config, Mapping) and "value" in config else value


def _has_tensor(value: Any, depth: int = 0) -> bool:
    if depth > _DEEPEST or not isinstance(value, list | Mapping):
        return False
    parts = value if isinstance(value, list) else value.values()
    return _is_tensor(value) or any(_has_tensor(part, depth + 1) for part in parts)


def _is_tensor(value: Any) -> bool:
    config = value.get("config") if isinstance(value, Mapping) else None
    history = config.get("keras_history") if isinstance(config, Mapping) else None
    return isinstance(history, list) and len(history) >= 2
