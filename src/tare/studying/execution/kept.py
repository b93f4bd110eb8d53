"""Networks, features and example inputs of a study on disk, as safetensors: what is there is loaded, what is not is made."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray

from tare.studying.cells.passing import Features
from tare.studying.cells.pretraining import pretrain_together, source_moments, source_of
from tare.studying.execution.store import Store
from tare.studying.result import ExampleInputs
from tare.studying.tasks.task import Pretrained, Task
from tare.system.files import replacing

_VIEWS = "views.safetensors"


def kept_network(task: Task, store: Store, inputs: str, network: str, seed: int) -> Pretrained:
    """The network that a task comes with; else that of a seed, loaded, or pretrained with its neighbours and kept.

    Neighbours are the ``task.together`` seeds from a multiple of that on, whatever the plan asks for: a seed's network depends
    on nothing but the seed.
    """
    if task.given is not None:
        return task.given(network)
    kept = _kept(task, store.network(_name(inputs, network, seed)), network, seed)
    if kept is not None:
        return kept
    first = seed - seed % task.together
    made = pretrain_together(task, network, range(first, first + task.together))
    for place, each in enumerate(made):
        path = store.network(_name(inputs, network, first + place))
        _save(path, {name: tensor.numpy() for name, tensor in each.module.state_dict().items()})
    return made[seed - first]


def _kept(task: Task, path: Path, network: str, seed: int) -> Pretrained | None:
    """The network in a file; None if there is none, or not what this code made."""
    kept, source = _load(path), source_of(task)
    if kept is None:
        return None
    module = task.build(network, source.channels, source.classes)
    try:
        module.load_state_dict({name: torch.from_numpy(values) for name, values in kept.items()})
    except RuntimeError:  # of another shape
        path.unlink(missing_ok=True)
        return None
    return Pretrained(module.eval(), *source_moments(source, seed))


@dataclass(frozen=True, slots=True)
class KeptFeatures:
    """Features of one network, by shift and strategy."""

    store: Store
    inputs: str
    network: str

    def load(self, shift: str, strategy: str) -> Features | None:
        """What is kept, if anything."""
        kept = _load(self._path(shift, strategy))
        return cast(Features, kept["features"]) if kept and "features" in kept else None

    def save(self, shift: str, strategy: str, features: Features) -> None:
        """Keep features ``(N, D)``."""
        _save(self._path(shift, strategy), {"features": features})

    def _path(self, shift: str, strategy: str) -> Path:
        return self.store.features(_name(self.inputs, self.network, shift, strategy))


def keep_examples(store: Store, examples: tuple[ExampleInputs, ...]) -> None:
    """Keep example inputs for a page that is made again."""
    if examples:
        named = {json.dumps([index, each.shift, each.strategy]): each.images for index, each in enumerate(examples)}
        _save(store.root / _VIEWS, named)


def kept_examples(store: Store) -> tuple[ExampleInputs, ...]:
    """The example inputs that are kept, in their order."""
    kept = _load(store.root / _VIEWS) or {}
    ordered = sorted((json.loads(name), images) for name, images in kept.items())
    return tuple(ExampleInputs(shift, strategy, images) for (_, shift, strategy), images in ordered)


def _name(*parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


def _load(path: Path) -> dict[str, NDArray[Any]] | None:
    """Tensors by name; None for a file that is not there, or is damaged."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        return dict(load_file(path)) if path.is_file() else None
    except (SafetensorError, OSError, ValueError):
        return None


def _save(path: Path, tensors: dict[str, NDArray[Any]]) -> None:
    from safetensors.numpy import save

    with replacing(path) as temporary:
        # Written here rather than by safetensors, whose error on a full disk is none of the system's.
        temporary.write_bytes(save({name: np.ascontiguousarray(values) for name, values in tensors.items()}))
