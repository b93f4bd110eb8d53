"""What every export format says of itself; each module here ends with one such value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from tare.exporting.graph.options import GraphOptions
from tare.exporting.graph.served import ServedGraph
from tare.exporting.parity import Runner
from tare.exporting.probe_images import ProbeImages
from tare.exporting.probe_numbers import ProbeNumbers
from tare.exporting.result import Parity
from tare.networks.stored.trained import TrainedModel


@dataclass(frozen=True, slots=True)
class Recording:
    """A graph to be written: the ``example`` that records it, the text stated in its metadata, and the ONNX opset, if any."""

    graph: ServedGraph
    example: torch.Tensor
    options: GraphOptions
    stated: Mapping[str, str]
    opset: int | None = None


@dataclass(frozen=True, slots=True)
class GraphFormat:
    """One file that holds the whole graph.

    ``write`` returns the file's bytes and how they were made; ``load`` returns the file as a function; ``runtime`` names what
    loads it; ``check`` raises :class:`MissingDependencyError` before the work begins.
    """

    write: Callable[[Recording], tuple[bytes, dict[str, Any]]]
    load: Callable[[Path], Runner]
    runtime: Callable[[], str]
    check: Callable[[], None] = lambda: None
    note: str | None = None
    opsets: range = range(0)


@dataclass(frozen=True, slots=True)
class Contents:
    """What a folder is filled with: the model, the text stated in its metadata, and the number of validation samples."""

    trained: TrainedModel
    stated: Mapping[str, str]
    validated: int | None
    probes: ProbeImages | ProbeNumbers

    @property
    def images(self) -> ProbeImages:
        """The images to compare on; for formats whose ``check`` accepts only networks for images."""
        if not isinstance(self.probes, ProbeImages):
            raise ValueError("a network for images")
        return self.probes


@dataclass(frozen=True, slots=True)
class WeightsFormat:
    """The weights, in a folder of files that state the normalisation.

    ``fill`` writes the folder, loads it again, and returns the comparison with PyTorch, if there is one, and notes; ``check``
    raises :class:`ModelError` for a model that the format cannot describe. ``suffix`` is that of a single file with the weights
    alone, which ``write`` makes.
    """

    fill: Callable[[Path, Contents], tuple[Parity | None, tuple[str, ...]]]
    check: Callable[[TrainedModel], None] = lambda _: None
    suffix: str = ""


Format = GraphFormat | WeightsFormat
