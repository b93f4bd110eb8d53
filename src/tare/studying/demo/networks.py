"""The demo's small networks, pretrained on digits 0 to 4, and the file in which they come with tare.

Networks that are trained anew differ between processors, and so do the figures of a demo that trains them. Shipped weights give
figures that differ by an image at most. ``python -m benchmarks.demo_networks`` trains them and writes the file.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import nn

from tare.normalisation.strategies import Constants
from tare.studying.cells.pretraining import pretrain_together, source_moments
from tare.studying.tasks.digits import load_digits
from tare.studying.tasks.samples import Samples
from tare.studying.tasks.small_networks import SmallNetwork
from tare.studying.tasks.task import task_named

FILE = Path(__file__).with_name("networks.safetensors")
#: As many networks as the file holds; each was trained with its own seed.
SHIPPED = 20
HEAD = "head"
_CLASSES = 5
_HELD_OUT = 300
_NETWORK = "cnn-batch"


@dataclass(frozen=True, slots=True)
class Source:
    """A network pretrained on dataset0, its constants, and the moments of its augmented training images."""

    module: nn.Module
    constants: Constants
    seen: Constants


@cache
def dataset0() -> tuple[Samples, Samples]:
    """Digits 0 to 4: the images of pretraining, and 300 others."""
    digits, _ = load_digits()
    order = np.random.default_rng(0).permutation(len(digits.labels))
    return digits.take(np.sort(order[_HELD_OUT:])), digits.take(np.sort(order[:_HELD_OUT]))


def shipped(seed: int) -> Source:
    """The network of a seed below :data:`SHIPPED`, in eval mode."""
    from safetensors.torch import load_file

    prefix = f"{seed}."
    tensors = {key.removeprefix(prefix): value for key, value in load_file(FILE).items() if key.startswith(prefix)}
    module = SmallNetwork(1, _CLASSES)
    module.load_state_dict({key: value.to(module.state_dict()[key].dtype) for key, value in tensors.items()})
    return Source(module.eval(), *source_moments(dataset0()[0], seed))


def write_networks(path: Path = FILE) -> None:
    """Train the networks and write them, as 16-bit floats."""
    from safetensors.torch import save_file

    training = dataset0()[0]
    task = replace(task_named("digits"), source=lambda: training)
    tensors: dict[str, torch.Tensor] = {}
    for seed, made in enumerate(pretrain_together(task, _NETWORK, range(SHIPPED))):
        for key, value in made.module.state_dict().items():
            tensors[f"{seed}.{key}"] = value.half() if value.is_floating_point() else value
    save_file({key: value.contiguous() for key, value in tensors.items()}, path)
