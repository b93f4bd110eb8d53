"""Select the parameters to train, and their shares of the learning rate."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from tare.errors import SpecError, did_you_mean, reason_of
from tare.training.options import Training

_NORMS = (_BatchNorm, nn.GroupNorm, nn.LayerNorm)


def frozen_names(module: nn.Module, head: str, training: Training) -> frozenset[str]:
    """Return the names of the parameters that are not trained: those of ``freeze``, and frozen batch norms.

    ``freeze`` is ``none``, ``stem`` (timm's stem, else the first layer and the norm after it), ``body`` (all except the head)
    or a pattern such as ``layer1.*``. Raises :class:`SpecError` if a pattern matches no parameter, or none is left to train.
    """
    names = [name for name, _ in module.named_parameters()]
    frozen = {name for name in names if _freezes(training.freeze, name, module, head)}
    if training.freeze != "none" and not frozen:
        tops = ", ".join(list(dict.fromkeys(name.partition(".")[0] for name in names))[:8])
        raise SpecError(
            "none, stem, body or a pattern after --freeze",
            f"{training.freeze!r}, which matches no parameter",
            f"choose among {tops}",
        )
    if training.batchnorm == "frozen":
        frozen |= {name for name in names if isinstance(module.get_submodule(name.rpartition(".")[0]), _BatchNorm)}
    if len(frozen) == len(names):
        raise SpecError("parameters left to train", f"none after --freeze {training.freeze}", "freeze less")
    return frozenset(frozen)


def belongs(name: str, part: str) -> bool:
    """Return whether the parameter or module ``name`` is the submodule ``part`` or inside it."""
    return bool(part) and (name == part or name.startswith(f"{part}."))


def optimiser_of(
    module: nn.Module, head: str, training: Training, frozen: frozenset[str]
) -> tuple[torch.optim.Optimizer, list[bool]]:
    """Return the optimiser of that name in timm, and for each of its parameter groups whether it is the head's.

    Weight decay omits biases, norms and the parameters that the network excludes. The body's rate is ``lr`` times
    ``layer_decay ** (layers above)``, in timm's count of layers; the head's is ``lr * head_lr_factor``. Torch's own optimisers
    take a step in one pass over the parameters (``fused``), in a quarter of the time on a CPU.
    """
    from timm.optim import list_optimizers

    if training.optimizer not in list_optimizers():
        remedy = did_you_mean(training.optimizer, list_optimizers(), "see timm.optim.list_optimizers()", cutoff=0.6)
        raise SpecError("an optimiser that timm knows", f"{training.optimizer!r}", remedy)
    groups = list(_groups(module, head, training, frozen).values())
    heads = [group.pop("head") for group in groups]
    try:
        made = _created(groups, training)
        if _fuses(made, training):
            made = _created(groups, training, fused=True)
    except (TypeError, ValueError, AssertionError, ImportError, ModuleNotFoundError) as error:
        reason = reason_of(error)
        raise SpecError(f"options that {training.optimizer!r} takes", reason, "use --optimizer adamw") from None
    return made, heads


def _created(groups: list[dict[str, Any]], training: Training, **arguments: Any) -> torch.optim.Optimizer:
    from timm.optim import create_optimizer_v2

    copies = [dict(group) for group in groups]  # an optimiser writes its defaults into its groups
    made: torch.optim.Optimizer = create_optimizer_v2(
        copies, opt=training.optimizer, lr=training.lr, weight_decay=training.weight_decay, **arguments
    )
    return made


def _fuses(made: torch.optim.Optimizer, training: Training) -> bool:
    """Return whether torch has the optimiser in one pass (``fused``) for the parameters' devices, and clipping is off."""
    plain = type(made) in (torch.optim.AdamW, torch.optim.Adam, torch.optim.SGD)
    parameters = [parameter for group in made.param_groups for parameter in group["params"]]
    fits = all(parameter.device.type in ("cpu", "cuda") and parameter.is_floating_point() for parameter in parameters)
    # Lightning refuses to clip gradients for an optimiser that could unscale them itself.
    return plain and fits and training.grad_clip is None


def layer_scales(module: nn.Module, layer_decay: float) -> dict[str, float]:
    """Return each parameter's share of the learning rate: ``layer_decay`` to the power of the number of layers above it."""
    from timm.optim import param_groups_layer_decay

    names = {id(parameter): name for name, parameter in module.named_parameters()}
    groups = param_groups_layer_decay(module, layer_decay=layer_decay)
    return {names[id(parameter)]: float(group["lr_scale"]) for group in groups for parameter in group["params"]}


def _groups(module: nn.Module, head: str, training: Training, frozen: frozenset[str]) -> dict[Any, dict[str, Any]]:
    scales = layer_scales(module, training.layer_decay) if training.layer_decay is not None else {}
    excluded = module.no_weight_decay() if callable(getattr(module, "no_weight_decay", None)) else ()  # type: ignore[operator]
    groups: dict[Any, dict[str, Any]] = {}
    # Decayed parameters come first: the order of the groups is part of every checkpoint.
    for name, parameter in sorted(module.named_parameters(), key=lambda item: item[1].ndim <= 1):
        if name in frozen:
            continue
        is_head = belongs(name, head)
        scale = scales.get(name, 1.0) * (training.head_lr_factor if is_head else 1.0)
        decayed = parameter.ndim > 1 and not any(fnmatchcase(name, f"*{pattern}") for pattern in excluded)
        fresh: dict[str, Any] = {
            "params": [],
            "lr": training.lr * scale,
            "weight_decay": training.weight_decay if decayed else 0.0,
            "head": is_head,
        }
        groups.setdefault((scale, decayed, is_head), fresh)["params"].append(parameter)
    return groups


def _freezes(freeze: str, name: str, module: nn.Module, head: str) -> bool:
    if freeze in ("none", ""):
        return False
    if freeze == "body":
        return not belongs(name, head)
    if freeze == "stem":
        return _in_stem(name, module)
    return fnmatchcase(name, freeze) or fnmatchcase(name, f"{freeze}.*")


def _in_stem(name: str, module: nn.Module) -> bool:
    matcher = module.group_matcher() if callable(getattr(module, "group_matcher", None)) else {}  # type: ignore[operator]
    if isinstance(matcher, Mapping) and isinstance(matcher.get("stem"), str):
        return re.match(matcher["stem"], name) is not None
    leaves = [key for key, layer in module.named_modules() if list(layer.parameters(recurse=False))]
    second_is_norm = len(leaves) > 1 and isinstance(module.get_submodule(leaves[1]), _NORMS)
    return any(belongs(name, leaf) for leaf in leaves[: 1 + second_is_norm])
