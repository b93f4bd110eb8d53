"""Which architecture do these weights belong to? Names of timm and torchvision whose state dict has the same tensors.

An index of the names of tensors narrows the choice to a few architectures; these are built on the meta device, without memory
for weights, and compared tensor by tensor.
"""

from __future__ import annotations

import json
import warnings
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import torch
from torch import nn

from tare.errors import ModelError, TareError
from tare.networks.network import head_name
from tare.networks.weights import read_state_dict
from tare.system.progress import SILENT, Reporter

INDEX = "architectures.json"
_COUNTER = "num_batches_tracked"
_SHOWN = 8


@dataclass(frozen=True, slots=True)
class Proposal:
    """An architecture whose tensors have the names and shapes of a checkpoint's, but for the classes of its ``head``.

    ``front`` says how its first layer reads an image: its kind, stride, padding and dilation.
    """

    reference: str
    head: str
    front: str


def proposed(checkpoint: Path, reporter: Reporter = SILENT) -> tuple[Proposal, ...]:
    """Every architecture that the checkpoint fits, the plainest name first; timm's before torchvision's of the same name.

    Raises :class:`ModelError` if none fits.
    """
    state = read_state_dict(checkpoint)
    near = _index().get(names_of(state), [])
    found = []
    with reporter.counting("architectures", "built", len(near)) as advance:
        for reference in near:
            proposal = _fitting(reference, state)
            found += [proposal] if proposal is not None else []
            advance(1)
    if not found:
        shapes = [tuple(value.shape) for value in state.values() if value.ndim > 1]
        ends = f", first {shapes[0]}, last {shapes[-1]}" if shapes else ""
        nearest = f"; {', '.join(near[:_SHOWN])} have tensors of these names, but of other shapes" if near else ""
        raise ModelError(
            "weights of a network that timm or torchvision builds",
            f"{len(state)} tensors in {checkpoint.name!r}{ends}, which fit none of them{nearest}",
            "name the architecture with --model, for example FILE.py:FACTORY",
        )
    return tuple(sorted(found, key=lambda one: (one.reference.partition(":")[0], len(one.reference), one.reference)))


def the_one(checkpoint: Path, reporter: Reporter = SILENT) -> tuple[str, tuple[str, ...]]:
    """The architecture of a checkpoint, and a note of others with the same tensors that read an image alike.

    Raises :class:`ModelError` if no architecture fits, or if several fit whose first layers differ.
    """
    found = proposed(checkpoint, reporter)
    names = [one.reference for one in found]
    if len({one.front for one in found}) > 1:
        raise ModelError(
            f"one architecture for {checkpoint.name!r}",
            f"{len(names)} with the same tensors but other first layers: {', '.join(names[:_SHOWN])}",
            "name the right one with --model",
        )
    others = f"; the same tensors have {', '.join(names[1:_SHOWN])}, whose first layer is the same" if names[1:] else ""
    return names[0], (f"no --model was stated: the tensors are those of {names[0]}{others}",)


def names_of(state: Mapping[str, Any]) -> str:
    """A hash of the sorted names of tensors, without batch norm's step counters, which older files lack."""
    names = sorted(name for name in state if not name.endswith(_COUNTER))
    return f"{zlib.crc32(chr(10).join(names).encode()):08x}"


def unbuilt(reference: str) -> nn.Module:
    """An architecture on the meta device, or with drawn weights if it cannot be built there."""
    kind, _, name = reference.partition(":")
    try:
        with torch.device("meta"):
            return _made(kind, name)
    except (NotImplementedError, RuntimeError):
        return _made(kind, name)


def _made(kind: str, name: str) -> nn.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if kind == "timm":
            import timm

            module: nn.Module = timm.create_model(name, pretrained=False)
        else:
            from torchvision.models import get_model

            module = get_model(name, weights=None)
    return module


def _fitting(reference: str, state: Mapping[str, torch.Tensor]) -> Proposal | None:
    try:
        module = unbuilt(reference)
        head = head_name(module, reference)
    except (TareError, RuntimeError, ValueError, TypeError):  # an index of another version may name what is no longer there
        return None
    own = {name: tuple(value.shape) for name, value in module.state_dict().items() if not name.endswith(_COUNTER)}
    given = {name: tuple(value.shape) for name, value in state.items() if not name.endswith(_COUNTER)}
    wrong = [name for name in own if name not in given or not _alike(own[name], given[name], of_head=name.startswith(f"{head}."))]
    return None if wrong or set(given) - set(own) else Proposal(reference, head, _front(module))


def _front(module: nn.Module) -> str:
    convolutions = (layer for layer in module.modules() if isinstance(layer, nn.Conv2d))
    first = next(convolutions, None)
    if first is None:
        return ""
    return f"{type(first).__name__} {first.stride} {first.padding} {first.dilation}"


def _alike(own: Sequence[int], given: Sequence[int], *, of_head: bool) -> bool:
    """Whether two shapes are the same; a head may have another number of classes."""
    return own[1:] == given[1:] and bool(own) == bool(given) if of_head else own == given


@cache
def _index() -> Mapping[str, list[str]]:
    document = json.loads((files("tare.networks.stored") / INDEX).read_text(encoding="utf-8"))
    return {str(key): [str(name) for name in names] for key, names in document["references"].items()}
