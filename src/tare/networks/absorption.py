"""Measure how much of the difference between two normalisations survives a network's first normalisation layers.

With a first layer W (x - u)/s, other constants u, s scale each input channel and add a constant per output channel. A batch
norm right behind that layer cancels the constant (except where zeros were padded) and a scale common to all channels, if it is
in training mode. In eval mode its moments are frozen and it cancels nothing. Layer and group norm use the moments of each
sample and act alike in both modes.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import nn
from torch.nn import functional
from torch.nn.modules.batchnorm import _NormBase

from tare.folding.layers import Conv, padding_of

Mode = Literal["train", "eval"]
_MODES: tuple[Mode, ...] = ("train", "eval")

#: Number of layers measured: the first four meet every layer that could absorb the difference.
LAYERS = 4
# A channel whose variance is below this share of the largest is dead: in its stds any distance would be huge.
_DEAD = 1e-10


@dataclass(frozen=True, slots=True)
class LayerShare:
    """The share of the difference between two normalisations that survives one layer.

    ``entering`` is the distance between the two activations that reach the layer with the network in eval mode: the root mean
    square over channels of their difference, in stds of each channel. ``train`` and ``eval`` are the distances between the
    layer's outputs in that mode, as shares of the distance that entered the *first* layer; above 1 the distance has grown.
    ``norm`` says whether the layer is a normalisation layer.
    """

    name: str
    kind: str
    norm: bool
    entering: float
    train: float
    eval: float


@dataclass(frozen=True, slots=True)
class BorderEffect:
    """The share that survives the first batch norm in training mode, at padded borders and in the interior.

    Both are shares of the distance that entered the layer, as in :class:`LayerShare`. ``positions`` is the share of positions
    at the border.
    """

    layer: str
    border: float
    interior: float
    positions: float


def norm_layers(module: nn.Module) -> dict[str, nn.Module]:
    """Return the normalisation layers by name, in module order; a library's own layers are recognised by their class name."""
    found: dict[str, nn.Module] = {}
    for name, layer in module.named_modules():
        inside = any(name.startswith(f"{outer}.") for outer in found)
        if name and not inside and _is_norm(layer):
            found[name] = layer
    return found


def absorbed(module: nn.Module, first: torch.Tensor, second: torch.Tensor, layers: int = LAYERS) -> tuple[LayerShare, ...]:
    """Measure the share of the difference between two inputs ``(N, C, ...)`` that survives each normalisation layer.

    ``first`` and ``second`` are the same samples under two normalisations; the first ``layers`` normalisation layers are
    measured. In a network without normalisation layers the first convolutions and linear layers are measured. ``module`` is
    unchanged.
    """
    norms = norm_layers(module)
    watched = norms or {n: m for n, m in module.named_modules() if n and isinstance(m, Conv | nn.Linear)}
    seen = {mode: _passes(module, watched, mode, (first, second), layers) for mode in _MODES}
    shares: list[LayerShare] = []
    base = 0.0
    for index, (name, given, made) in enumerate(seen["eval"][0]):
        if index >= min(len(trace) for pair in seen.values() for trace in pair):
            break
        axis = _axis(watched[name])
        other, trained = seen["eval"][1][index], [trace[index] for trace in seen["train"]]
        entering = distance(given, other[1], axis) if norms else distance(made, other[2], axis)
        base = base or entering
        left = [distance(a, b, axis) for a, b in ((trained[0][2], trained[1][2]), (made, other[2]))]
        train, evaluated = (value / base if base else 0.0 for value in left)
        shares.append(LayerShare(name, type(watched[name]).__name__, bool(norms), entering, train, evaluated))
    return tuple(shares)


def border_effect(module: nn.Module, first: torch.Tensor, second: torch.Tensor) -> BorderEffect | None:
    """Compare the share that survives the first batch norm in training mode at padded borders with that in the interior.

    Returns None unless the first normalisation layer is a batch norm right behind a zero-padded convolution.
    """
    norms = norm_layers(module)
    if not norms:
        return None
    one, two = _passes(module, norms, "train", (first, second), 1)
    if not one or not isinstance(norms[one[0][0]], _NormBase) or one[0][1].ndim not in (3, 4):
        return None
    name, given, made = one[0]
    mask = _border(module, first, given.shape[2:])
    if mask is None or not bool(mask.any()) or bool(mask.all()):
        return None
    entering = distance(given, two[0][1], 1)
    if not entering:
        return None
    shares = [distance(made, two[0][2], 1, where) / entering for where in (mask, ~mask)]
    return BorderEffect(name, shares[0], shares[1], float(mask.float().mean()))


def distance(a: torch.Tensor, b: torch.Tensor, axis: int, where: torch.Tensor | None = None) -> float:
    """Return the root mean square over channels of a - b, in stds of each channel of a; ``where`` selects positions."""
    a, b = (value.detach().double().movedim(axis, 0) for value in (a, b))
    spread = a.flatten(1).var(dim=1, correction=0)
    alive = spread > _DEAD * spread.max()
    if not bool(alive.any()):
        return 0.0
    gap = (a - b) ** 2
    gap = gap.flatten(1) if where is None else gap[..., where].flatten(1)
    return float((gap.mean(dim=1)[alive] / spread[alive]).mean().sqrt())


_Seen = list[tuple[str, torch.Tensor, torch.Tensor]]


class _Enough(Exception):  # noqa: N818 - it ends a forward pass early and is not an error
    """Every watched layer has been recorded."""


@torch.no_grad()
def _passes(
    module: nn.Module, watched: dict[str, nn.Module], mode: Mode, inputs: Sequence[torch.Tensor], layers: int
) -> tuple[_Seen, _Seen]:
    """Record the input and output of the first ``layers`` watched layers for each of two inputs."""
    twin = copy.deepcopy(module).eval()
    if mode == "train":
        for layer in norm_layers(twin).values():
            layer.train()
            for child in layer.modules():
                child.training = isinstance(child, _NormBase) or child is layer
    found: list[_Seen] = []
    for given in inputs:
        seen: _Seen = []
        with _watching(twin, watched, seen, layers), suppress(_Enough):
            twin(given.clone())  # its forward may change it in place
        found.append(seen)
    return found[0], found[1]


@contextmanager
def _watching(twin: nn.Module, watched: dict[str, nn.Module], seen: _Seen, layers: int) -> Iterator[None]:
    entered: list[torch.Tensor | None] = []

    def enter(_: nn.Module, inputs: tuple[Any, ...]) -> None:
        # Cloned, because an in-place operation may follow, in the layer itself or behind it.
        entered.append(inputs[0].detach().clone() if inputs and isinstance(inputs[0], torch.Tensor) else None)

    def hook(name: str) -> Callable[..., None]:
        def note(_: nn.Module, __: tuple[Any, ...], output: Any) -> None:
            given = entered.pop()
            if given is None or not isinstance(output, torch.Tensor):
                return
            seen.append((name, given, output.detach().clone()))
            if len(seen) >= layers:
                raise _Enough

        return note

    found = [(name, twin.get_submodule(name)) for name in watched]
    handles = [layer.register_forward_pre_hook(enter) for _, layer in found]
    handles += [layer.register_forward_hook(hook(name)) for name, layer in found]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _is_norm(layer: nn.Module) -> bool:
    kind = type(layer).__name__
    known = isinstance(layer, _NormBase | nn.LayerNorm | nn.GroupNorm)
    return known or ("norm" in kind.lower() and not kind.startswith("_") and "weight" in dict(layer.named_parameters()))


def _axis(layer: nn.Module) -> int:
    """Return the channel axis: last for linear layers and for norms over the last axis (not their 2-D variants), else second."""
    kind = type(layer).__name__.lower()
    over_last = any(word in kind for word in ("layernorm", "rmsnorm", "simplenorm")) and not kind.endswith(("2d", "2dact"))
    return -1 if over_last or isinstance(layer, nn.Linear) else 1


def _border(module: nn.Module, given: torch.Tensor, size: Sequence[int]) -> torch.Tensor | None:
    """Mark the output positions of the first convolution whose window reaches padded zeros; None if ``size`` differs."""
    caught: list[tuple[nn.Conv1d | nn.Conv2d, torch.Tensor]] = []

    def catch(layer: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        if isinstance(layer, nn.Conv1d | nn.Conv2d):
            caught.append((layer, inputs[0]))
            raise _Enough

    twin = copy.deepcopy(module).eval()
    handles = [m.register_forward_pre_hook(catch) for m in twin.modules() if isinstance(m, nn.Conv1d | nn.Conv2d)]
    # The input is all ones, so zeros that reach the convolution are padding by the network itself.
    with torch.no_grad(), suppress(_Enough):
        twin(torch.ones_like(given[:1]))
    for handle in handles:
        handle.remove()
    if not caught:
        return None
    layer, reached = caught[0]
    ones = torch.ones(1, 1, *layer.kernel_size, dtype=reached.dtype)
    real = _padded(layer, (reached[:, :1] != 0).to(reached.dtype))
    convolve: Any = functional.conv1d if isinstance(layer, nn.Conv1d) else functional.conv2d
    counted = convolve(real, ones, stride=layer.stride, dilation=layer.dilation)[0, 0]
    return counted < counted.max() if tuple(counted.shape) == tuple(size) else None


def _padded(layer: nn.Conv1d | nn.Conv2d, given: torch.Tensor) -> torch.Tensor:
    """Pad as the layer does: with zeros, or with what stands in ``given``."""
    if layer.padding_mode != "zeros":
        return functional.pad(given, layer._reversed_padding_repeated_twice, mode=layer.padding_mode)
    return functional.pad(given, [side for pair in reversed(padding_of(layer, given.shape[2:])) for side in pair])
