"""Fold a normalisation into a network's first layers, exactly: plan, apply and verify."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import torch
from torch import nn

from tare.errors import ModelError, SpecError, reason_of, short_repr
from tare.folding.conventions import between, check_affine, check_spec
from tare.folding.first_layers import KEEP_IN_FRONT, FirstLayer, first_layers
from tare.folding.input_shapes import found_shape, other_shapes
from tare.folding.layers import FoldedConv, FoldedNetwork, Method, bad_moments, with_form
from tare.folding.plan import ROUNDING, FoldPlan, LayerFold, Takes, plan_layer
from tare.folding.verification import TOLERANCE, Verification, verified
from tare.input_spec.affine import Affine
from tare.input_spec.spec import InputSpec, Known, Unknown
from tare.system.handed.arguments import of_kind
from tare.system.handed.tensors import oddity

_BYTE = 255.0
_SAME = 1e-6


@dataclass(frozen=True, slots=True)
class Folded:
    """A folded network, its recipe and its verification."""

    network: nn.Module
    plan: FoldPlan
    verification: Verification


def fold(
    model: nn.Module,
    spec: InputSpec,
    input: Literal["unit", "uint8"] = "unit",  # noqa: A002  # the word that the command line uses
    *,
    shape: Sequence[int] | None = None,
) -> nn.Module:
    """Return a new network that takes unit values (or raw uint8) and gives the outputs of ``model`` on normalised input.

    ``spec`` states the normalisation that ``model`` expects. ``shape`` is the input's ``(C, *size)``, needed if neither the spec
    nor the model states it. ``model`` is unchanged. The result is verified on random inputs: the relative difference is at most
    1e-5 in float32 and 1e-12 in float64.

    Raises :class:`SpecError` if mean or std is unknown or does not fit, or for a clip, a named map or a normalisation of each
    sample, which weights cannot hold. Raises :class:`ModelError` with the reason if the input is changed before it reaches a
    first layer, or if a first layer is shared or of an unknown kind. A batch norm as first layer holds the normalisation in its
    running moments, which eval mode applies.
    """
    return folded(model, spec, input, shape=shape).network


def respec(model: nn.Module, from_spec: InputSpec, to_spec: InputSpec, *, shape: Sequence[int] | None = None) -> nn.Module:
    """Return a new network that takes input normalised under ``to_spec`` and gives the outputs of ``model`` under ``from_spec``.

    A clip, a named map and a normalisation of each sample that both specs state alike stay in front; if they differ,
    :class:`SpecError` is raised. Exactness, verification and other errors are those of :func:`fold`.
    """
    return respecced(model, from_spec, to_spec, shape=shape).network


def folded(
    model: nn.Module,
    spec: InputSpec,
    takes: Literal["unit", "uint8"] = "unit",
    *,
    shape: Sequence[int] | None = None,
    method: Method | None = None,
) -> Folded:
    """Fold as :func:`fold`, and return recipe and verification too; ``method`` forces a way to handle zero padding."""
    if takes not in ("unit", "uint8"):
        raise SpecError("input 'unit' or 'uint8'", short_repr(takes), "choose one of them")
    affine = affine_of(spec, takes)
    return rewritten(model, affine, takes, shape if shape is not None else _stated_shape(spec, len(affine.order)), method)


def respecced(model: nn.Module, from_spec: InputSpec, to_spec: InputSpec, *, shape: Sequence[int] | None = None) -> Folded:
    """Respec as :func:`respec`, and return recipe and verification too."""
    affine = between(from_spec, to_spec)
    return rewritten(model, affine, "normalised", shape if shape is not None else _stated_shape(from_spec, len(affine.order)))


@torch.no_grad()  # a network may have been built in inference mode
def rewritten(
    model: nn.Module, affine: Affine, takes: Takes, shape: Sequence[int] | None, method: Method | None = None
) -> Folded:
    """Plan, apply and verify the rewriting of ``model``, which takes ``affine`` of v, into a network that takes v."""
    plan = plan_rewriting(model, affine, takes, shape, method)
    network = applied(model, plan)
    return Folded(network, plan, verified(model, network, plan))


def affine_of(spec: InputSpec, takes: Literal["unit", "uint8"]) -> Affine:
    """Return the map from unit values or raw bytes to network input.

    Raises :class:`SpecError` as ``spec.canonical`` does, and for a clip, a named map or a normalisation of each sample.
    """
    check_spec(spec)
    check_affine(spec)
    stored = spec.raw_dtype
    if isinstance(stored, Known) and stored.value.startswith("float") and takes == "uint8":
        raise SpecError("a network of 8-bit data for input 'uint8'", f"{stored.value} data", "fold it with input 'unit'")
    if isinstance(stored, Unknown) and abs(spec.require("scale") * _BYTE - 1.0) < _SAME:
        spec = replace(spec, raw_dtype=Known("uint8", "its scale of 1/255"))
    return spec.affine_from("float32" if takes == "unit" else "uint8")


def plan_rewriting(
    model: nn.Module, affine: Affine, takes: Takes, shape: Sequence[int] | None = None, method: Method | None = None
) -> FoldPlan:
    """Find the first layers of ``model`` and make the recipe, without changing ``model``."""
    _check_foldable(model)
    network, inner = _unwrapped(model, affine)
    casts = takes == "uint8"
    channels = len(affine.order)
    shape = _checked_shape(shape) if shape is not None else found_shape(network, channels)
    if shape[0] != channels:
        raise SpecError(f"a mean and std for each of the network's {shape[0]} input channels", f"{channels}", "state as many")
    found, padded = _found_layers(network, shape)
    front = _zero_values(inner) if padded else None
    if front is not None:
        inner = Affine(inner.order, inner.scale, (0.0,) * channels)
    layers = tuple(plan_layer(first, inner, shape, casts and front is None, method) for first in found)
    return FoldPlan(affine, takes, shape, layers, front)


def applied(model: nn.Module, plan: FoldPlan) -> nn.Module:
    """Return a copy of ``model`` with the recipe applied."""
    try:
        network = copy.deepcopy(model.network if isinstance(model, FoldedNetwork) else model)
    except Exception as error:  # non-leaf tensors, locks, open files
        raise ModelError(
            "a network that can be copied", reason_of(error) or type(error).__name__, "give it as it was loaded"
        ) from None
    for layer in plan.layers:
        network = with_form(network, layer.name, layer.form)
        _fill(network.get_submodule(layer.name), layer)
    if plan.front is None:
        return network
    return FoldedNetwork(network, plan.front, len(plan.shape) - 1, casts=plan.takes == "uint8")


def _unwrapped(model: nn.Module, affine: Affine) -> tuple[nn.Module, Affine]:
    """Return the network inside a :class:`FoldedNetwork`, and the map to that network's input."""
    if not isinstance(model, FoldedNetwork):
        return model, affine
    values = model.zero.detach().double().ravel().tolist()
    precision = 2 * torch.finfo(model.zero.dtype).eps
    shift = [
        b - value if abs(b - value) > precision * max(abs(b), abs(value)) else 0.0
        for b, value in zip(affine.shift, values, strict=True)
    ]
    return model.network, Affine(affine.order, affine.scale, tuple(shift))


def _found_layers(network: nn.Module, shape: tuple[int, ...]) -> tuple[tuple[FirstLayer, ...], bool]:
    """Return the first layers, and whether the network pads its input before them at any of the sizes tried."""
    try:
        found = first_layers(network, shape)
    except ModelError:
        raise
    except Exception as error:  # an architecture may raise anything
        raise ModelError(
            f"a network that takes input {shape}", reason_of(error) or type(error).__name__, "state an input's shape (C, *size)"
        ) from None
    padded = found[0].padded
    for other in other_shapes(shape):
        try:
            there = first_layers(network, other)
        except ModelError as error:
            raise ModelError("a network that treats every size alike", f"at {other}: {error.found}", error.remedy) from None
        except Exception:  # noqa: S112  # a size that the network does not take
            continue
        if [first.name for first in there] != [first.name for first in found]:
            names = ", ".join(repr(first.name) for first in there)
            raise ModelError("a network that treats every size alike", f"at {other} first layers {names}", KEEP_IN_FRONT)
        padded = padded or there[0].padded
    return found, padded


def _zero_values(affine: Affine) -> tuple[float, ...] | None:
    """Return the input value per channel that normalisation maps to zero; None if it is zero itself."""
    zero = affine.inverse().apply(np.zeros(len(affine.order)))
    return tuple(zero.tolist()) if np.abs(zero).max() > ROUNDING else None


@torch.no_grad()
def _fill(module: nn.Module, layer: LayerFold) -> None:
    def put(target: torch.Tensor, values: Any) -> None:
        target.copy_(torch.from_numpy(np.ascontiguousarray(values)).reshape(target.shape))

    if layer.statistics is not None:
        for name, values in zip(("running_mean", "running_var"), layer.statistics, strict=True):
            put(getattr(module, name), values)
    weight: Any = module.weight
    if weight is not None:
        put(weight, layer.weight)
    if layer.bias is not None:
        bias: Any = module.bias
        put(bias, layer.bias)
    if isinstance(module, FoldedConv) and layer.form.method != "weights":
        put(module.zero, layer.zero)
        for index, slab in enumerate(layer.border):
            put(getattr(module, f"border_{index}"), slab)


def _check_foldable(model: nn.Module) -> None:
    of_kind(model, nn.Module, "a torch.nn.Module to fold", "pass the network itself", ModelError)
    if isinstance(model, torch.jit.ScriptModule) or hasattr(model, "_orig_mod"):
        raise ModelError("a network of Python modules", "a scripted or compiled one", "fold it first, then compile it")
    for name, parameter in model.named_parameters():
        if (odd := oddity(parameter)) is not None:
            raise ModelError("weights of plain numbers", f"{name!r}, a {odd.kind}", odd.remedy)
        if not bool(torch.isfinite(parameter).all()):
            raise ModelError("finite weights", f"NaN or infinity in {name!r}", "check the checkpoint")
    if bad := bad_moments(model):
        raise ModelError("finite running means, and variances of 0 or more", bad, "check the checkpoint")
    dtypes = {parameter.dtype for parameter in model.parameters()}
    if len(dtypes) != 1 or not dtypes <= set(TOLERANCE):
        raise ModelError(
            "a network in float32 or float64",
            ", ".join(sorted(str(dtype).removeprefix("torch.") for dtype in dtypes)) or "no parameters",
            "fold it in float32, and convert it afterwards",
        )


def _checked_shape(shape: Sequence[int]) -> tuple[int, ...]:
    of_kind(shape, (list, tuple, torch.Size), "a shape (C, *size)", "for example (3, 224, 224)", SpecError)
    if not shape or not all(type(length) is int and 0 < length < 1 << 31 for length in shape):
        raise SpecError("a shape (C, *size) of whole numbers", short_repr(tuple(shape)), "for example (3, 224, 224)")
    return tuple(shape)


def _stated_shape(spec: InputSpec, channels: int) -> tuple[int, ...] | None:
    size = getattr(spec.size, "value", None)
    return (channels, *size) if size is not None else None
