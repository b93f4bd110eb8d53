"""Load weights from a file into a network, and report the tensors that only one of them has."""

from __future__ import annotations

import contextlib
import hashlib
import pickle
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch
from torch import nn

from tare.errors import ModelError, reason_of
from tare.folding.layers import bad_moments
from tare.system.handed.tensors import oddity
from tare.system.local.opened import whole

#: What to do where a library's weights are neither in its cache nor to be had.
WITHOUT_WEIGHTS = "give --weights FILE, or --weights none for weights drawn at random"

#: Where an object lies in memory, as some layers print it.
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
#: What a layer prints of a set, whose order differs between processes.
_BRACES, _WORD = re.compile(r"\{[^{}]*\}"), re.compile(r"[^\s,{}]+")
_FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


@dataclass(frozen=True, slots=True)
class LoadedWeights:
    """Notes on tensors that only the file or only the network has; whether the file has the whole classifier."""

    notes: tuple[str, ...]
    with_head: bool


def load_weights(module: nn.Module, path: Path, head: str = "") -> LoadedWeights:
    """Load a state dict into ``module`` and report the differences.

    Only the classifier ``head`` may differ in shape or be absent. Any other difference raises :class:`ModelError`, and so do
    numbers that are no weights yet, such as bytes whose scale stands elsewhere. Further weights of the file are noted.
    """
    given, others = _read(path)
    head = head.removeprefix(f"{wrapped_name(module)}.")
    module = weight_holder(module)
    own = module.state_dict()
    fits = {key: value for key, value in given.items() if key in own and own[key].shape == value.shape}
    # Older checkpoints lack batch norm's step counter, which only matters with momentum=None.
    optional = [key for key in own if key.endswith("num_batches_tracked") or _belongs(key, head)]
    wrong = [key for key in own if key not in fits and key not in optional]
    if wrong:
        raise ModelError(
            f"weights that fit the network ({len(own)} tensors)",
            f"{path.name!r} leaves {len(wrong)} unmatched, first {_mismatch(wrong[0], own, given)}",
            _renaming(path) if _only_renamed(own, given) else "name the network that these weights belong to",
        )
    _check_numbers(own, fits, path)
    module.load_state_dict(fits, strict=False)
    left = sorted(set(given) - set(fits))
    new = [key for key in own if _belongs(key, head) and key not in fits]
    differences = (("not used from", left), ("drawn at random, because they are not in", new))
    notes = (f"{what} {path.name}: {', '.join(keys[:6])}{' ...' if len(keys) > 6 else ''}" for what, keys in differences if keys)
    remark = f"{path.name} holds other weights too, which are not used: {', '.join(others)}; save those alone to use them"
    return LoadedWeights((*notes, *((remark,) if others else ())), not new)


def _check_numbers(own: Mapping[str, torch.Tensor], given: Mapping[str, torch.Tensor], path: Path) -> None:
    """Raise :class:`ModelError` for weights of less than 16 bits or of no real numbers, without values, or not finite.

    Infinite values that the network has of its own, such as those of a mask, are none of the file's.
    """
    for name, value in given.items():
        if not own[name].is_floating_point():
            continue
        stored = f"{str(value.dtype).removeprefix('torch.')}, {str(value.layout).removeprefix('torch.')}"
        if value.dtype not in _FLOATS or value.layout != torch.strided or value.is_meta:
            found = f"{name!r} of {path.name!r} as {stored}{', without values' if value.is_meta else ''}"
            raise ModelError("weights as numbers of 16 to 64 bits", found, "save them as float32, dequantised")
        used = value.to(own[name].dtype)  # which may overflow
        bad = ~used.isfinite() & (used != own[name].to(used.device))
        if bool(bad.any()):
            found = f"{int(bad.sum())} of {value.numel()} are {_words(value[bad], used.dtype)} in {name!r} of {path.name!r}"
            raise ModelError("weights that are finite numbers", found, "take an earlier checkpoint, or one of more bits")
        if name.endswith("running_var") and bool((used < 0).any()):
            found = f"{int((used < 0).sum())} of {value.numel()} are negative in {name!r}, a variance, of {path.name!r}"
            raise ModelError("weights that are numbers", found, "take an earlier checkpoint")


def _words(bad: torch.Tensor, dtype: torch.dtype) -> str:
    """What values are that are not finite in a dtype."""
    kinds = {"NaN": bool(bad.isnan().any()), "infinite": not bool(bad.isnan().all())}
    overflown = f" as {str(dtype).removeprefix('torch.')}" if bool(bad.isfinite().any()) else ""
    return " or ".join(kind for kind, seen in kinds.items() if seen) + overflown


def check_network(module: nn.Module, reference: str) -> None:
    """Raise :class:`ModelError` for a network with parameters that are not finite, or running moments that cannot be."""
    remedy = "repair what builds it, or take an earlier checkpoint"
    for name, value in module.named_parameters():
        if value.is_floating_point() and oddity(value) is None and not bool(value.isfinite().all()):
            found = f"{int((~value.isfinite()).sum())} of {value.numel()} values of {name!r} are NaN or infinite in {reference!r}"
            raise ModelError("a network whose weights are all finite", found, remedy)
    if bad := bad_moments(module):
        raise ModelError("a network whose running moments are finite", f"{bad} in {reference!r}", remedy)


def _only_renamed(own: Mapping[str, torch.Tensor], given: Mapping[str, torch.Tensor]) -> bool:
    """Whether the tensors of a file are those of the network in shape and order, under other names."""
    return [tuple(each.shape) for each in own.values()] == [tuple(each.shape) for each in given.values()]


def _renaming(path: Path) -> str:
    renamed = "dict(zip(network.state_dict(), weights.values()))"
    return (
        f"the shapes and their order are the network's, and only the names differ: save {renamed} of {path.name!r} and name that"
    )


def weight_holder(module: nn.Module) -> nn.Module:
    """The part of a network that weights files are of: a wrapper of a library's network names it as ``wrapped``."""
    return module.get_submodule(wrapped_name(module))


def wrapped_name(module: nn.Module) -> str:
    """The name of the part that weights files are of; empty for the network itself."""
    return str(getattr(module, "wrapped", ""))


def separate_tensors(module: nn.Module) -> dict[str, torch.Tensor]:
    """Copies of the tensors of a module by name, as a safetensors file takes them: weights that are tied share no memory."""
    return {name: tensor.detach().cpu().clone().contiguous() for name, tensor in module.state_dict().items()}


def read_state_dict(path: Path) -> dict[str, torch.Tensor]:
    """Read named tensors from a ``.safetensors`` file or a ``.pth``/``.pt`` through ``weights_only=True``."""
    return _read(path)[0]


def weights_digest(module: nn.Module, head: str = "") -> str:
    """A hash of the weights by their names, without those of the classifier ``head``."""
    hashed = hashlib.sha256()
    for name, tensor in module.state_dict().items():
        if not (head and _belongs(name, head)):
            _add(hashed, name, tensor)
    return hashed.hexdigest()


def network_digest(module: nn.Module) -> str:
    """A hash of what a network computes with: its layers as they are printed, all its tensors, and the libraries of its code."""
    hashed = hashlib.sha256(weights_digest(module).encode())
    stored = module.state_dict()
    for name, tensor in module.named_buffers():
        if name not in stored:  # such as the positions of a transformer
            _add(hashed, name, tensor)
    printed = _BRACES.sub(lambda found: " ".join(sorted(_WORD.findall(found[0]))), _ADDRESS.sub("", repr(module)))
    hashed.update(printed.encode("utf-8", "backslashreplace"))
    for name in sorted({type(each).__module__.partition(".")[0] for each in module.modules()} - {"tare"}):
        with contextlib.suppress(PackageNotFoundError):  # a file of the user's
            hashed.update(f"{name} {version(name)}".encode())
    return hashed.hexdigest()


def _add(hashed: Any, name: str, tensor: torch.Tensor) -> None:
    hashed.update(name.encode())
    hashed.update(tensor.detach().cpu().flatten().view(torch.uint8).numpy())


def _read(path: Path) -> tuple[dict[str, torch.Tensor], tuple[str, ...]]:
    """The named tensors of a file, and where it holds further ones, such as averaged weights."""
    if not path.is_file():
        raise ModelError("a weights file", f"{str(path)!r} does not exist", "check the path, or use --weights pretrained|none")
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load

            return dict(load(whole(str(path)))), ()  # not mapped: a file that is cut would end the program
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        raise ModelError(
            "a file that holds tensors only", f"{str(path)!r} is not a checkpoint, or holds other objects", "use safetensors"
        ) from None
    except Exception as error:  # zip, safetensors and torch each raise their own
        reason = reason_of(error)
        raise ModelError(
            "a safetensors file, or a .pth that holds tensors only", f"{str(path)!r}: {reason}", "convert it to safetensors"
        ) from None
    return _tensors(loaded, path)


def _tensors(loaded: Any, path: Path) -> tuple[dict[str, torch.Tensor], tuple[str, ...]]:
    others: tuple[str, ...] = ()
    for key in ("state_dict", "model", "model_state_dict"):
        if isinstance(loaded, Mapping) and isinstance(loaded.get(key), Mapping):
            others += tuple(str(name) for name, each in loaded.items() if name != key and _are_weights(each))
            loaded = loaded[key]
    if not isinstance(loaded, Mapping) or not all(isinstance(value, torch.Tensor) for value in loaded.values()):
        raise ModelError("a mapping of names to tensors", f"something else in {str(path)!r}", "save model.state_dict()")
    prefix = "module."  # DistributedDataParallel puts it before every name
    strip = all(str(key).startswith(prefix) for key in loaded)
    return {str(key).removeprefix(prefix) if strip else str(key): value for key, value in loaded.items()}, others


def _are_weights(value: Any) -> bool:
    return isinstance(value, Mapping) and bool(value) and all(isinstance(each, torch.Tensor) for each in value.values())


def _belongs(key: str, head: str) -> bool:
    return bool(head) and key.startswith(f"{head}.")


def _mismatch(key: str, own: Mapping[str, torch.Tensor], given: Mapping[str, torch.Tensor]) -> str:
    shape = f"shape {tuple(own[key].shape)}"
    return f"{key!r} ({shape}, the file has {tuple(given[key].shape)})" if key in given else f"{key!r} ({shape}, absent)"
