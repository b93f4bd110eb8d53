"""What reaches a network's first batch norm, as a function of the network's input: an affine one, or not.

The network is run as it is, up to that layer. Where the function is affine, its response to a sum of inputs is the sum of the
responses, whatever the layers are called: a convolution with any stride and padding, one behind another, a space-to-depth stem.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from tare.errors import ModelError, reason_of

#: Inputs of the size of normalised values, and of raw ones: a clamp shows in the second.
_AMPLITUDES = (1.0, 300.0)
_TOLERANCE = 1e-4


class _Reached(BaseException):
    """Ends a pass at the layer that was waited for; no ``except Exception`` of a network's own code catches it."""


@dataclass(frozen=True, slots=True, eq=False)
class NetworkFront:
    """The part of ``module`` before the batch norm ``name``; ``affine`` says whether that is an affine function."""

    module: nn.Module
    name: str
    affine: bool
    layers: tuple[str, ...]

    @torch.inference_mode()
    def __call__(self, values: torch.Tensor) -> torch.Tensor:
        """Input ``(N, C, *size)`` to what reaches the layer, ``(N, K, P)`` with all positions in one axis."""
        reached = self.reached(values)
        return reached.flatten(2) if reached.ndim > 2 else reached[..., None]

    def reached(self, values: torch.Tensor) -> torch.Tensor:
        """Input ``(N, C, *size)`` to what reaches the layer, ``(N, K, *positions)``."""
        caught: list[torch.Tensor] = []

        def stop(_: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
            caught.append(inputs[0])
            raise _Reached

        handle = self.module.get_submodule(self.name).register_forward_pre_hook(stop)
        try:
            self.module(values)
        except _Reached:
            pass
        finally:
            handle.remove()
        return caught[0]


def front_of(module: nn.Module, shape: Sequence[int], trained: Sequence[str]) -> NetworkFront:
    """Find the first of the batch norms ``trained`` that an input ``(C, *size)`` reaches; the first affine one, if there is any.

    ``module`` must be in eval mode. Raises :class:`ModelError` if it takes other inputs or none reaches such a layer.
    """
    affine = _affine_ones(module, shape, trained, whole=False)
    if not any(affine.values()):
        affine = _affine_ones(module, shape, trained, whole=True)
    if not affine:
        raise ModelError("a trained batch norm that the input reaches", "none in a forward pass", "name another network")
    first = next((name for name, yes in affine.items() if yes), next(iter(affine)))
    return NetworkFront(module, first, affine[first], tuple(affine))


def _affine_ones(module: nn.Module, shape: Sequence[int], trained: Sequence[str], *, whole: bool) -> dict[str, bool]:
    """Whether what reaches each layer is affine, in the order in which they are reached; without ``whole`` of the first only."""
    affine: dict[str, bool] = {}
    for amplitude in _AMPLITUDES:
        for name, inputs in _inputs_of(module, _combined(shape, amplitude), trained, whole=whole).items():
            affine[name] = affine.get(name, True) and _is_affine(inputs)
    return affine


def _combined(shape: Sequence[int], amplitude: float) -> torch.Tensor:
    """Two random inputs, a combination of both, and zero."""
    generator = torch.Generator().manual_seed(0)
    first, second = amplitude * torch.randn(2, *shape, generator=generator)
    return torch.stack([first, second, 0.7 * first - 0.4 * second, torch.zeros_like(first)])


def _is_affine(inputs: torch.Tensor) -> bool:
    first, second, combined, zero = inputs.double()
    expected = 0.7 * (first - zero) - 0.4 * (second - zero)
    largest = float(expected.abs().max())
    return largest > 0 and float((combined - zero - expected).abs().max()) <= _TOLERANCE * largest


@torch.inference_mode()
def _inputs_of(module: nn.Module, values: torch.Tensor, names: Sequence[str], *, whole: bool) -> dict[str, torch.Tensor]:
    """What reaches each of the layers first, in the order in which they are reached; without ``whole`` only the first."""
    seen: dict[str, torch.Tensor] = {}

    def note(name: str, given: torch.Tensor) -> None:
        seen.setdefault(name, given.clone())
        if not whole:
            raise _Reached

    with listening(module, names, note):
        try:
            module(values)
        except _Reached:
            pass
        except Exception as error:  # whatever the architecture raises
            reason = reason_of(error) or type(error).__name__
            raise ModelError(f"a network that takes input {tuple(values.shape)}", reason, "state its input's --size") from None
    return seen


@contextmanager
def listening(module: nn.Module, names: Sequence[str], note: Callable[[str, torch.Tensor], Any]) -> Iterator[None]:
    """Call ``note(name, input)`` whenever something reaches one of the layers ``names``."""

    def hook(name: str) -> Callable[[nn.Module, tuple[torch.Tensor, ...]], None]:
        def heard(_: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
            note(name, inputs[0])

        return heard

    handles = [module.get_submodule(name).register_forward_pre_hook(hook(name)) for name in names]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
