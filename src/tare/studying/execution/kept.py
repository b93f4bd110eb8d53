"""Networks, features and example inputs of a study on disk, as safetensors: loaded if kept, else made and kept."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray

from tare.studying.cells.once import once
from tare.studying.cells.passing import Features
from tare.studying.cells.pretraining import pretrain_together, source_moments, source_of
from tare.studying.execution.store import Store
from tare.studying.result import ExampleInputs
from tare.studying.tasks.task import Pretrained, Task
from tare.system.files import replacing
from tare.system.local.opened import whole

_VIEWS = "views.safetensors"


def kept_network(task: Task, store: Store, inputs: str, network: str, seed: int) -> Pretrained:
    """The task's given network; else the network of a seed, loaded, or pretrained with its neighbours and kept.

    The neighbours are the block of ``task.together`` seeds that contains the seed, even if the plan has fewer seeds: so a seed's
    network depends only on the seed.
    """
    if task.given is not None:
        return task.given(network)
    kept = _kept(task, store.network(_name(inputs, network, seed)), network, seed)
    if kept is not None:
        return kept
    first = seed - seed % task.together
    with once():
        made = pretrain_together(task, network, range(first, first + task.together))
    for place, each in enumerate(made):
        path = store.network(_name(inputs, network, first + place))
        _save(path, {name: tensor.numpy() for name, tensor in each.module.state_dict().items()})
    return made[seed - first]


def _kept(task: Task, path: Path, network: str, seed: int) -> Pretrained | None:
    """The network in a file; None if the file is missing, damaged, or of another architecture."""
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
        """The kept features, or None."""
        kept = _load(self._path(shift, strategy))
        return cast(Features, kept["features"]) if kept and "features" in kept else None

    def save(self, shift: str, strategy: str, features: Features) -> None:
        """Keep features ``(N, D)``."""
        _save(self._path(shift, strategy), {"features": features})

    def _path(self, shift: str, strategy: str) -> Path:
        return self.store.features(_name(self.inputs, self.network, shift, strategy))


def keep_examples(store: Store, examples: tuple[ExampleInputs, ...]) -> None:
    """Keep example inputs, so that the page can be made again."""
    if examples:
        named = {json.dumps([index, each.shift, each.strategy]): each.images for index, each in enumerate(examples)}
        _save(store.root / _VIEWS, named)


def kept_examples(store: Store) -> tuple[ExampleInputs, ...]:
    """The kept example inputs, in their order."""
    kept = _load(store.root / _VIEWS) or {}
    ordered = sorted((json.loads(name), images) for name, images in kept.items())
    return tuple(ExampleInputs(shift, strategy, images) for (_, shift, strategy), images in ordered)


def _name(*parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


def _load(path: Path) -> dict[str, NDArray[Any]] | None:
    """Tensors by name; None if the file is missing or damaged."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        return dict(load(whole(str(path)))) if path.is_file() else None
    except (SafetensorError, OSError, ValueError):
        return None


def _save(path: Path, tensors: dict[str, NDArray[Any]]) -> None:
    from safetensors.numpy import save

    with replacing(path) as temporary:
        # Written here, not by safetensors: its error on a full disk is not an OSError.
        temporary.write_bytes(save({name: np.ascontiguousarray(values) for name, values in tensors.items()}))
