"""Rebuild a network from its model directory, and load its weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from torch import nn

from tare.errors import ModelError, reason_of, shell_word
from tare.folding.layers import FoldedNetwork, LayerForm, with_form
from tare.input_spec.spec import InputSpec
from tare.networks.building.hub.kinds import PREFIX
from tare.networks.building.hugging_face import BACKBONE, stored_backbone, stored_network
from tare.networks.loading import load_network
from tare.networks.network import Network, as_dense, with_head
from tare.networks.weights import load_weights
from tare.system.local.opened import whole

WEIGHTS = "model.safetensors"


@dataclass(frozen=True, slots=True)
class FoldChanges:
    """The changes of a fold to an architecture: first layers by name, and the values subtracted in front of the network."""

    forms: Mapping[str, LayerForm]
    front: tuple[float, ...] | None
    dims: int
    casts: bool


@dataclass(frozen=True, slots=True)
class BuildPlan:
    """The inputs for rebuilding a stored network; ``factory`` is the user's ``FILE.py:FACTORY``, or ``hf:`` and a repository."""

    folder: Path
    reference: str
    factory: str | None
    is_timm: bool
    is_hf: bool
    classes: int
    channels: int
    changes: FoldChanges | None
    dense: bool = False
    trusted: bool = False


def changes_of(fold: Any) -> FoldChanges | None:
    """Parse the record of a fold; None stays None. Raises KeyError, TypeError or ValueError if it is malformed."""
    if fold is None:
        return None
    names = {field.name for field in fields(LayerForm)}
    forms = {}
    for layer in fold["layers"]:
        values: dict[str, Any] = {key: value for key, value in layer.items() if key in names}
        forms[str(layer["name"])] = LayerForm(**values | {"at_size": tuple(layer["at_size"])})
    front = tuple(map(float, fold["front"])) if fold["front"] is not None else None
    return FoldChanges(forms, front, len(fold["shape"]) - 1, fold["takes"] == "uint8")


def rebuilt_network(plan: BuildPlan) -> Network:
    """Build the network and load its weights. Raises :class:`ModelError` if it cannot be built or the weights do not fit."""
    if plan.changes is not None:
        return _folded(plan, plan.changes)
    if plan.is_timm:
        return _by_timm(plan, weights=True)
    if plan.is_hf:
        return stored_network(plan.folder, plan.reference, weights=True)
    network = _by_name(plan)
    loaded = load_weights(network.module, plan.folder / WEIGHTS)
    return replace(network, head_trained=loaded.with_head)


def _by_timm(plan: BuildPlan, *, weights: bool) -> Network:
    import timm
    from safetensors.torch import load

    try:
        module: nn.Module = timm.create_model(f"local-dir:{plan.folder}", pretrained=False)
        if weights:
            # timm up to 1.0.26 unpickles every file of weights in such a directory.
            module.load_state_dict(load(whole(str(plan.folder / "model.safetensors"))))
    except Exception as error:  # timm, safetensors and the file system
        reason = reason_of(error)
        raise ModelError("a model directory that timm can load", f"{str(plan.folder)!r}: {reason}", "transfer again") from None
    head = str(module.pretrained_cfg["classifier"])  # type: ignore[index]
    return Network(module, plan.reference, str(plan.folder), InputSpec(), head, is_timm=True)


def _by_name(plan: BuildPlan) -> Network:
    factory = plan.factory
    if (plan.folder / BACKBONE).is_file():
        return stored_backbone(plan.folder, plan.reference, plan.classes)
    if factory is None and plan.reference.startswith(("torchvision:", "tare:")):
        factory = plan.reference  # a library's name, not code chosen by the directory
    if factory is None and plan.reference.startswith(PREFIX):
        remedy = f"name it with --model, and run its code: --model {shell_word(plan.reference)} --trust-remote-code"
        raise ModelError("the repository whose code builds this network, which is run only if you name it", "no --model", remedy)
    if factory is None:
        remedy = f"name the file with --model, as in training: {plan.reference}"
        raise ModelError("the Python file that builds this network, which is run only if you name it", "no --model", remedy)
    network = load_network(factory, "none", channels=plan.channels, trusted=plan.trusted)
    network = as_dense(network) if plan.dense else network
    return with_head(network, plan.classes, seed=0) if plan.classes else network


def _architecture(plan: BuildPlan) -> Network:
    if plan.is_hf:
        return stored_network(plan.folder, plan.reference, weights=False)
    return _by_timm(plan, weights=False) if plan.is_timm else _by_name(plan)


def _folded(plan: BuildPlan, changes: FoldChanges) -> Network:
    """Build the architecture, give its first layers their folded forms, then load the weights."""
    network = _architecture(plan)
    module = network.module
    try:
        for name, form in changes.forms.items():
            module = with_form(module, name, form)
    except (AttributeError, TypeError, ValueError) as error:
        raise ModelError(
            "the network that was folded", f"{error} in {plan.reference}", "name the network that was folded"
        ) from None
    loaded = load_weights(module, plan.folder / WEIGHTS)
    if changes.front is not None:
        module = FoldedNetwork(module, changes.front, changes.dims, casts=changes.casts)
    return replace(network, module=module, weights=str(plan.folder), head_trained=loaded.with_head)
