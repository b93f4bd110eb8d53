"""The task of a study: dataset0, dataset1, and the networks that are transferred between them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
from torch import nn

from tare.errors import DataError, did_you_mean
from tare.networks.signal_networks import NETWORKS
from tare.normalisation.names import Strategy
from tare.normalisation.strategies import Constants
from tare.studying.tasks.digits import load_digits
from tare.studying.tasks.samples import Samples
from tare.studying.tasks.shipped import shipped_cells
from tare.studying.tasks.small_networks import SmallNetwork


@dataclass(frozen=True, slots=True)
class Pretrained:
    """A network in eval mode, its constants, its training inputs' moments ``seen`` in unit values, and its classifier's name.

    ``seen`` is None if dataset0 was not measured; ``constants`` is None if they are not stated. ``window`` is what the strategy
    ``window`` cuts raw values to.
    """

    module: nn.Module
    constants: Constants | None
    seen: Constants | None
    head: str = "head"
    window: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Task:
    """A pair of datasets and the networks that are transferred between them.

    ``source`` makes dataset0, on which every seed pretrains its own network. It is None if the networks come pretrained: then
    ``given`` returns them by name, and all seeds share them. ``build`` makes an untrained network from its name, channels and
    classes, drawn from torch's generator as it is seeded. ``networks``, ``sizes``, ``shifts`` and ``strategies`` are the
    defaults of a study. ``known`` are all available networks; ``normed`` are the networks with batch norm. ``together`` is the
    number of seeds whose networks are pretrained at once.
    """

    name: str
    target: Callable[[], Samples]
    source: Callable[[], Samples] | None
    build: Callable[[str, int, int], nn.Module]
    networks: tuple[str, ...]
    known: tuple[str, ...]
    normed: tuple[str, ...]
    sizes: tuple[int, ...]
    shifts: tuple[str, ...]
    strategies: tuple[Strategy, ...]
    given: Callable[[str], Pretrained] | None = None
    together: int = 1


def task_named(name: str) -> Task:
    """The built-in task of a name. Raises :class:`DataError`, with the closest names, for any other name."""
    if name in TASKS:
        return TASKS[name]
    names = ", ".join(TASKS)
    raise DataError(f"a study: {names}", f"{name!r}", did_you_mean(name, TASKS, f"did you mean {names}?", most=2, cutoff=0.3))


def _image_network(name: str, channels: int, classes: int) -> nn.Module:
    return SmallNetwork(channels, classes, name.removeprefix("cnn-"))  # type: ignore[arg-type]


@cache
def _laboratory(number: int) -> Samples:
    """Thirty measurements of cell nuclei, benign or malignant; each of two laboratories has a random half."""
    rows, benign = shipped_cells()
    half = np.array_split(np.random.default_rng(0).permutation(len(benign)), 2)[number]
    return Samples(f"laboratory {'AB'[number]}", rows[half], benign[half])


def _row_network(name: str, channels: int, classes: int) -> nn.Module:
    return NETWORKS[name](channels, classes)


TASKS: dict[str, Task] = {
    "digits": Task(
        "digits",
        lambda: load_digits()[1],
        lambda: load_digits()[0],
        _image_network,
        networks=("cnn-batch", "cnn-none"),
        known=("cnn-batch", "cnn-layer", "cnn-group", "cnn-none"),
        normed=("cnn-batch",),
        sizes=(20, 80, 320),
        shifts=("content", "gain:0.5", "offset:0.25", "gain:0.5+offset:0.25"),
        strategies=("source", "target", "match", "blend", "none"),
        together=2,  # two at once take two thirds of the time of two in turn; three or more save hardly any more
    ),
    "signals": Task(
        "signals",
        lambda: _laboratory(1),
        lambda: _laboratory(0),
        _row_network,
        networks=("mlp", "mlp-none"),
        known=("mlp", "mlp-layer", "mlp-none"),
        normed=("mlp",),
        sizes=(20, 60, 180),
        shifts=("content", "units:10", "units:0.1"),
        # Rows are not augmented, so the constants are the moments that the network was fed, and match would equal target.
        strategies=("source", "target", "blend", "none"),
    ),
}
