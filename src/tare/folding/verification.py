"""Verify a rewritten network against the given network on random inputs, borders included."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from tare.errors import ModelError, reason_of
from tare.folding.first_layers import KEEP_IN_FRONT, as_before, evaluating, tensors_in
from tare.folding.input_shapes import other_shapes
from tare.folding.layers import FoldedNetwork
from tare.folding.plan import FoldPlan, Takes
from tare.input_spec.affine import Affine

#: Largest accepted difference from normalising first, relative to the largest output.
TOLERANCE = {torch.float32: 1e-5, torch.float64: 1e-12}


@dataclass(frozen=True, slots=True)
class Verification:
    """The difference between the folded network and normalising first: ``max|folded - reference| / max|reference|``.

    ``layer_error`` compares the outputs of the folded layers, borders included, and ``network_error`` those of the network.
    Each is the largest over the input ``shapes`` ``(C, *size)`` tried. ``own_rounding`` is measured for a network that amplifies
    rounding: the difference when the given network's input is normalised in its own precision, in another order of operations.
    """

    layer_error: float
    network_error: float
    tolerance: float
    shapes: tuple[tuple[int, ...], ...]
    own_rounding: float | None = None


@torch.no_grad()
def verified(model: nn.Module, network: nn.Module, plan: FoldPlan, *, normal: bool = False) -> Verification:
    """Compare both networks on random inputs of several sizes; raises :class:`ModelError` if they differ.

    With ``normal`` the values become normal ones of mean 0 and std 1 for the given network, and the rewritten one takes them as
    the weights' dtype holds them.

    The tolerance is strict after the first layers. At the network's end a difference of up to ten times its own rounding is
    accepted, because some networks amplify the last bit of their input beyond the tolerance.
    """
    weight = next(model.parameters())
    tolerance = TOLERANCE[weight.dtype]
    errors, shapes, own_rounding = [], [], None
    generator = np.random.default_rng(0)
    for shape in (plan.shape, *other_shapes(plan.shape)):
        number = 2 if shape == plan.shape else 1
        raw = _random_input("normalised" if normal else plan.takes, (number, *shape), generator)
        raw = np.moveaxis(plan.affine.inverse().apply(np.moveaxis(raw, 1, -1)), -1, 1) if normal else raw
        normalised = plan.affine.apply(np.moveaxis(raw.astype(np.float64), 1, -1))
        given = torch.from_numpy(np.ascontiguousarray(np.moveaxis(normalised, -1, 1))).to(weight)
        own = torch.from_numpy(np.ascontiguousarray(raw)).to(weight.device)
        try:
            expected = _outputs(model, given, plan)
        except Exception:
            if shape == plan.shape:
                raise
            continue  # a size that the network does not take
        errors.append(_errors(expected, _rewritten_outputs(network, own if plan.takes == "uint8" else own.to(weight), plan)))
        shapes.append(shape)
        if errors[-1][1] > tolerance:
            rounded = _errors(expected, _outputs(model, _normalised(own.to(weight), plan.affine), plan))[1]
            own_rounding = max(own_rounding or 0.0, rounded)
    layer_error, network_error = np.array(errors).max(axis=0).tolist()  # a NaN stays a NaN
    if not (layer_error <= tolerance and network_error <= max(tolerance, 10 * (own_rounding or 0.0))):
        raise ModelError(
            f"outputs within {tolerance:g} of normalising first",
            f"{layer_error:.2g} after the first layers, {network_error:.2g} at the end",
            "report it with the network's name, and keep the normalisation in front",
        )
    return Verification(layer_error, network_error, tolerance, tuple(shapes), own_rounding)


def _random_input(takes: Takes, shape: tuple[int, ...], generator: np.random.Generator) -> np.ndarray[Any, Any]:
    if takes == "uint8":
        return generator.integers(0, 256, shape, dtype=np.uint8)
    return generator.random(shape) if takes == "unit" else generator.normal(size=shape)


def _normalised(values: torch.Tensor, affine: Affine) -> torch.Tensor:
    """Map ``(N, C, *size)`` by ``(v + b / a) a`` in the values' own precision, which rounds differently from ``a v + b``."""
    shape = (-1, *[1] * (values.dim() - 2))
    scale, shift = (values.new_tensor(numbers).reshape(shape) for numbers in (affine.scale, affine.shift))
    return (values[:, list(affine.order)] + shift / scale) * scale


def _outputs(model: nn.Module, given: torch.Tensor, plan: FoldPlan) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    """Return the outputs of the first layers and of the network, in eval mode."""
    caught: list[torch.Tensor] = []
    inner = model.network if isinstance(model, FoldedNetwork) else model
    handles = [
        inner.get_submodule(layer.name).register_forward_hook(lambda _, __, output: caught.append(output.clone()))
        for layer in plan.layers
    ]
    try:
        with torch.backends.cudnn.flags(enabled=True, allow_tf32=False), evaluating(model), as_before(model):
            return caught, list(tensors_in(model(given.clone())))  # its forward may change it in place
    finally:
        for handle in handles:
            handle.remove()


def _rewritten_outputs(network: nn.Module, given: torch.Tensor, plan: FoldPlan) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    """Those of the rewritten network; raises :class:`ModelError` if an operation before its first layers takes no raw bytes."""
    try:
        return _outputs(network, given, plan)
    except Exception as error:  # an architecture may raise anything
        takes, remedy = ("uint8", "fold it with input 'unit'") if plan.takes == "uint8" else ("floats", KEEP_IN_FRONT)
        raise ModelError(f"a network whose operations take {takes}", reason_of(error) or type(error).__name__, remedy) from None


def _errors(
    expected: tuple[list[torch.Tensor], list[torch.Tensor]], found: tuple[list[torch.Tensor], list[torch.Tensor]]
) -> tuple[float, float]:
    layers, outputs = (
        float(np.max([_relative(a, b) for a, b in zip(ours, reference, strict=True)] or [np.nan]))
        for reference, ours in zip(expected, found, strict=True)
    )
    return layers, outputs


def _relative(ours: torch.Tensor, reference: torch.Tensor) -> float:
    if not reference.is_floating_point() or not reference.numel():
        return 0.0 if torch.equal(ours, reference) else float("inf")
    largest = float(reference.abs().max())
    difference = float((ours.double() - reference.double()).abs().max())
    return difference / largest if largest else difference
