"""Find the layers that a network's raw input reaches first, and prove that no other operation changes it on the way.

The network is run once on the distinct values 1, 2, 3, ... Every operation that PyTorch dispatches, inside scripted functions
too, is checked if it receives the input or a rearrangement of it. Views, permutations, slices and other rearrangements may come
first, then a convolution, a linear layer or a batch norm with running statistics. The numbers that reach that layer show which
channel each feature came from. Any other operation is refused by name. Nothing is traced symbolically, so the network may
contain any control flow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from tare.errors import ModelError
from tare.folding.layers import BatchNorm, Conv, FoldedBatchNorm, FoldedConv, FoldedLinear, is_plain

KEEP_IN_FRONT = "keep the normalisation in front of this network"

# Above this float32 cannot represent every integer.
_LARGEST_ID = 2**24

_MOVES = {
    "alias", "chunk", "clone", "detach", "expand", "flip", "lift_fresh", "narrow", "permute", "pixel_unshuffle",
    "repeat", "reshape", "roll", "select", "slice", "split", "split_with_sizes", "squeeze", "t", "transpose", "unbind",
    "unfold", "unsafe_chunk", "unsafe_split", "unsqueeze", "view", "_unsafe_view", "_reshape_alias",
    "reflection_pad1d", "reflection_pad2d", "reflection_pad3d", "replication_pad1d", "replication_pad2d",
    "replication_pad3d", "cat", "stack", "index", "index_select",
}  # fmt: skip
_SHAPE_ONLY = {"empty_like", "full_like", "new_empty", "new_full", "new_ones", "new_zeros", "ones_like", "zeros_like"}


@dataclass(frozen=True, slots=True, eq=False)
class FirstLayer:
    """A layer that the input reaches with unchanged values.

    ``origin`` ``(features, positions)`` holds the index in the network's input ``(N, C, *size)`` of every element that reaches
    the layer, and -1 for a zero that the network itself padded. ``weight`` are the weights in effect (standardised if the layer
    standardises them), or a batch norm's running means. ``size`` is the spatial size of a convolution's input. ``padded`` says
    whether the network pads its input before a first layer, at this or another size.
    """

    name: str
    layer: nn.Module
    origin: NDArray[np.int64]
    weight: torch.Tensor
    size: tuple[int, ...]
    padded: bool


def first_layers(model: nn.Module, shape: Sequence[int]) -> tuple[FirstLayer, ...]:
    """Run ``model`` in eval mode on a probe ``(N, *shape)`` and return the layers that its input reaches first.

    Raises :class:`ModelError` if the input's values are changed before a first layer, if a first layer is called more than once
    or shares its weights, or if its arithmetic is not known. Exceptions of the network itself propagate.
    """
    count = int(np.prod(shape))
    batch = 2 if 2 * count < _LARGEST_ID else 1
    if count >= _LARGEST_ID:
        raise ModelError(f"an input of fewer than {_LARGEST_ID:,} values", f"{tuple(shape)}", "fold it at a smaller size")
    example = next(iter(model.parameters()), torch.zeros(1))
    numbers = torch.arange(1, batch * count + 1, dtype=example.dtype, device=example.device).reshape(batch, *shape)
    tracker = _InputTracker(numbers)
    try:
        with torch.no_grad(), evaluating(model), as_before(model), _tracked(model, tracker), tracker:
            model(numbers)
    except Exception:
        if tracker.refusal is not None:  # scripted code wraps the refusal in another exception
            raise tracker.refusal from None
        raise
    return tuple(_proved(model, tracker))


@dataclass
class _LayerCall:
    origin: torch.Tensor
    weights: list[torch.Tensor] = field(default_factory=list)


class _InputTracker(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch's own class has no types
    """Follow the input through every operation; ``moved`` maps ``id`` to the tensors that hold it and keeps them alive."""

    def __init__(self, numbers: torch.Tensor) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.moved = {id(numbers): numbers}
        self.inside: list[str] = []
        self.owner: str | None = None
        self.calls: dict[str, _LayerCall] = {}
        self.times_called: dict[str, int] = {}
        self.touched: dict[int, str] = {}
        self.padded = False
        self.refusal: ModelError | None = None

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        tensors = list(tensors_in((args, kwargs)))
        name = func.overloadpacket.__name__
        if self.owner is not None:
            if name == "convolution":
                self.calls[self.owner].weights.append(args[1].detach().clone())
            return result
        for tensor in tensors:
            self.touched[_storage(tensor)] = f"{name} {self._where()}"
        if any(id(tensor) in self.moved for tensor in tensors) and name not in _SHAPE_ONLY:
            self._follow(name, args, result, tensors)
        return result

    def _follow(self, name: str, args: Any, result: Any, tensors: list[torch.Tensor]) -> None:
        outputs = list(tensors_in(result))
        if not self._only_moves(name, args, outputs, tensors):
            self.refusal = ModelError(
                "an input that reaches a convolution, linear layer or batch norm unchanged",
                f"{name} on it {self._where()}",
                KEEP_IN_FRONT,
            )
            raise self.refusal
        for output in outputs:
            self.moved[id(output)] = output

    def _only_moves(self, name: str, args: Any, outputs: list[torch.Tensor], tensors: list[torch.Tensor]) -> bool:
        source = args[0] if isinstance(args[0], torch.Tensor) else tensors[0]
        if name == "_to_copy":  # to another device or layout, or to a dtype that loses nothing
            return outputs[0].dtype in (source.dtype, torch.float64)
        if name == "constant_pad_nd":
            self.padded = True
            return len(args) < 3 or args[2] == 0
        if name == "im2col":
            self.padded = self.padded or any(args[3])
            return True
        if name in ("index", "index_select"):
            return id(source) in self.moved
        if name in ("cat", "stack"):
            return all(id(tensor) in self.moved for tensor in tensors)
        return name in _MOVES

    def _where(self) -> str:
        return f"in {self.inside[-1]!r}" if self.inside and self.inside[-1] else "in the network itself"


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Put ``model`` into eval mode, and each of its modules back into its own mode afterwards."""
    training = [module for module in model.modules() if module.training]
    model.eval()
    try:
        yield
    finally:
        for module in training:
            module.training = True


@contextmanager
def as_before(model: nn.Module) -> Iterator[None]:
    """Give each module of ``model`` its attributes back afterwards.

    A forward may keep what it met: Swin of transformers keeps the window that fitted the smallest image it has seen.
    """
    kept = [(vars(module), dict(vars(module)), dict(module._buffers)) for module in model.modules()]
    try:
        yield
    finally:
        for attributes, before, buffers in kept:
            attributes.clear()
            attributes.update(before)
            attributes["_buffers"].clear()
            attributes["_buffers"].update(buffers)


@contextmanager
def _tracked(model: nn.Module, tracker: _InputTracker) -> Iterator[None]:
    """Hook every module to record which one is running and which layers receive the input."""

    def enter(name: str, hooked: bool) -> Callable[..., None]:
        def hook(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            tracker.inside.append(name)
            if not isinstance(module, Conv | nn.Linear | BatchNorm):
                return
            tracker.times_called[name] = tracker.times_called.get(name, 0) + 1
            given = args[0] if args else kwargs.get("input")
            if tracker.owner is None and isinstance(given, torch.Tensor) and id(given) in tracker.moved:
                _check_kind(name, module, hooked)
                tracker.owner = name
                tracker.calls[name] = _LayerCall(given.detach())

        return hook

    def leave(name: str) -> Callable[..., None]:
        def hook(*_: Any) -> None:
            tracker.inside.pop()
            if tracker.owner == name:
                tracker.owner = None

        return hook

    with ExitStack() as stack:
        for name, module in model.named_modules():
            hooked = bool(module._forward_pre_hooks or module._forward_hooks)
            for handle in (
                module.register_forward_pre_hook(enter(name, hooked), with_kwargs=True),
                module.register_forward_hook(leave(name)),
            ):
                stack.callback(handle.remove)
        yield


def _check_kind(name: str, layer: nn.Module, hooked: bool) -> None:
    kind = type(layer)
    if hooked or hasattr(layer, "parametrizations"):
        raise ModelError(
            f"a first layer {name!r} with weights of its own",
            "a parametrisation or a forward hook on it, such as weight norm",
            "remove it first, for example with torch.nn.utils.parametrize.remove_parametrizations",
        )
    if isinstance(layer, BatchNorm) and layer.running_mean is None:
        raise ModelError(
            f"a first layer {name!r} with running statistics", "a batch norm of each batch's own values", KEEP_IN_FRONT
        )
    if not (is_plain(layer) or is_known_variant(layer) or isinstance(layer, FoldedConv | FoldedLinear | FoldedBatchNorm)):
        raise ModelError(
            f"a first layer {name!r} whose arithmetic is known (torch.nn's, or timm's 'same' and standardised convolutions)",
            f"{kind.__module__}.{kind.__qualname__}, whose arithmetic is not known",
            KEEP_IN_FRONT,
        )


def is_known_variant(layer: nn.Module) -> bool:
    """Return whether ``layer`` is one of timm's convolutions with dynamic 'same' padding or standardised weights."""
    from timm import layers

    kinds = (
        layers.Conv2dSame, layers.StdConv2d, layers.StdConv2dSame, layers.ScaledStdConv2d, layers.ScaledStdConv2dSame,
    )  # fmt: skip
    return type(layer) in kinds


def _proved(model: nn.Module, tracker: _InputTracker) -> Iterator[FirstLayer]:
    if not tracker.calls:
        raise ModelError(
            "an input that reaches a convolution, linear layer or batch norm", "none that receives it unchanged", KEEP_IN_FRONT
        )
    for name, call in tracker.calls.items():
        layer: Any = model.get_submodule(name)
        _check_used_once(name, layer, tracker)
        own: Any = layer.running_mean if isinstance(layer, BatchNorm) else layer.weight
        weight = own.detach() if is_plain(layer) or not call.weights else call.weights[0]
        axis = 1 if isinstance(layer, Conv | BatchNorm) else -1
        features = call.origin.movedim(axis, 0).flatten(1)
        origin = features.to(torch.float64).round().to(torch.int64).cpu().numpy() - 1
        yield FirstLayer(name, layer, origin, weight, tuple(call.origin.shape[2:]) if axis == 1 else (), tracker.padded)


def _check_used_once(name: str, layer: nn.Module, tracker: _InputTracker) -> None:
    if tracker.times_called[name] > 1:
        raise ModelError(
            f"a first layer {name!r} that is used once", f"{tracker.times_called[name]} calls in one pass", KEEP_IN_FRONT
        )
    for key, parameter in layer.named_parameters():
        place = tracker.touched.get(_storage(parameter))
        if place is not None:
            raise ModelError(
                f"a first layer {name!r} that shares no weights", f"its {key} is also used by {place}", KEEP_IN_FRONT
            )


def _storage(tensor: torch.Tensor) -> int:
    try:
        return tensor.untyped_storage().data_ptr()
    except (NotImplementedError, RuntimeError):  # sparse and other layouts have no storage
        return id(tensor)


def tensors_in(value: Any) -> Iterator[torch.Tensor]:
    """Yield every tensor in a layer's input or output: a tensor, or mappings, tuples and lists of any depth."""
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from tensors_in(item)
    elif isinstance(value, tuple | list):
        for item in value:
            yield from tensors_in(item)
