"""The front of a network: the function from its input to its first batch norm, which may be affine.

The network itself is run up to that layer. An affine function is found by its responses to sums of inputs, whatever the layers
are: a convolution with any stride and padding, several convolutions in a row, a space-to-depth stem.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from tare.errors import ModelError, reason_of

#: Inputs as large as normalised values, and as raw values: only the second show a clamp.
_AMPLITUDES = (1.0, 300.0)
_TOLERANCE = 1e-4


class _Reached(BaseException):
    """Ends a pass at the layer; a BaseException, so that no ``except Exception`` in the network's code catches it."""


@dataclass(frozen=True, slots=True, eq=False)
class NetworkFront:
    """The part of ``module`` before the batch norm ``name``; ``affine`` says whether it is an affine function."""

    module: nn.Module
    name: str
    affine: bool
    layers: tuple[str, ...]

    @torch.inference_mode()
    def __call__(self, values: torch.Tensor) -> torch.Tensor:
        """Map input ``(N, C, *size)`` to the layer's input ``(N, K, P)``, with all positions in one axis."""
        reached = self.reached(values)
        return reached.flatten(2) if reached.ndim > 2 else reached[..., None]

    def reached(self, values: torch.Tensor) -> torch.Tensor:
        """Map input ``(N, C, *size)`` to the layer's input ``(N, K, *positions)``."""
        caught: list[torch.Tensor] = []

        def stop(_: str, given: torch.Tensor) -> None:
            caught.append(given)
            raise _Reached

        with listening(self.module, [self.name], stop), suppress(_Reached):
            self.module(values.clone())  # its forward may change it in place
        return caught[0]


def front_of(module: nn.Module, shape: Sequence[int], trained: Sequence[str]) -> NetworkFront:
    """Find the first batch norm of ``trained`` behind an affine front, else the first that an input ``(C, *size)`` reaches.

    ``module`` must be in eval mode. Raises :class:`ModelError` if it does not take such an input, or no input reaches a layer.
    """
    affine = _affine_layers(module, shape, trained, whole=False)
    if not any(affine.values()):
        affine = _affine_layers(module, shape, trained, whole=True)
    if not affine:
        raise ModelError("a trained batch norm that the input reaches", "no such layer in a forward pass", "name another network")
    first = next((name for name, yes in affine.items() if yes), next(iter(affine)))
    return NetworkFront(module, first, affine[first], tuple(affine))


def _affine_layers(module: nn.Module, shape: Sequence[int], trained: Sequence[str], *, whole: bool) -> dict[str, bool]:
    """Whether each layer's input is affine, in the order of the forward pass; without ``whole`` only for the first layer."""
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
    """Each layer's first input, in the order of the forward pass; without ``whole`` only the first layer's."""
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
    """Call ``note(name, input)`` whenever one of the layers ``names`` is called."""

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
