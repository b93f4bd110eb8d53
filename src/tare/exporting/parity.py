"""Compare an exported file with the network in PyTorch, before the file gets its name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from tare.datasets.signal_batches import sized
from tare.errors import TareError
from tare.exporting.graph.options import GraphOptions
from tare.exporting.graph.served import ServedGraph
from tare.exporting.probe_images import ProbeImages
from tare.exporting.probe_numbers import ProbeNumbers
from tare.exporting.result import TOLERANCE, Parity
from tare.input_spec.geometry import Geometry
from tare.networks.stored.trained import TrainedModel
from tare.system.quiet import quietly

BATCHES = (1, 2, 5)

Outputs = Sequence[NDArray[np.float32]]
#: Maps raw samples in the graph's layout to its outputs, in order.
Runner = Callable[[NDArray[Any]], Outputs]


class ParityError(TareError):
    """The outputs of an exported file differ from those of its network."""


def torch_runner(module: Callable[[torch.Tensor], Any]) -> Runner:
    """Return a reloaded torch module as a function of arrays."""

    def run(samples: NDArray[Any]) -> Outputs:
        with torch.no_grad(), quietly():
            answer = module(torch.from_numpy(samples))
        return [part.numpy() for part in (answer if isinstance(answer, tuple | list) else (answer,))]

    return run


def check_graph(run: Runner, runtime: str, graph: ServedGraph, options: GraphOptions, batches: Sequence[torch.Tensor]) -> Parity:
    """Compare ``run`` with ``graph`` on ``batches``; raises :class:`ParityError` for differences above :data:`TOLERANCE`."""
    worst = dict.fromkeys(options.names, 0.0)
    compared = 0
    for batch in batches:
        expected = reference(graph, options, batch)
        given = _answer(run, batch, runtime, options.takes)
        for name, ours, theirs in zip(options.names, expected, given, strict=True):
            # NumPy's maximum keeps NaN; Python's drops it.
            unit = np.asarray(graph.task.unit if name == "values" else 1, np.float32)
            worst[name] = float(np.maximum(worst[name], largest_difference(ours / unit, theirs / unit, runtime)))
        compared += len(batch)
    check_difference(float(np.max(list(worst.values()))), runtime)
    sizes = tuple(sorted({len(batch) for batch in batches}))
    return Parity(
        runtime, "", False, compared, sizes, worst.get("logits"), worst.get("probabilities"), values=worst.get("values")
    )


def loaded(make: Callable[[Path], Runner], path: Path, runtime: str) -> Runner:
    """Load the file as a function; raises :class:`ParityError` with the reason if its runtime cannot load it."""
    try:
        return make(path)
    except Exception as error:  # each runtime raises its own kinds
        raise ParityError(f"a file that {runtime} loads", _reason(error), "use another format; nothing was written") from None


def _answer(run: Runner, batch: torch.Tensor, runtime: str, noun: str) -> Outputs:
    try:
        return run(np.ascontiguousarray(batch.numpy()))
    except Exception as error:
        expected = f"an answer of {runtime} to {noun} of shape {tuple(batch.shape)}"
        raise ParityError(expected, _reason(error), "use another format; nothing was written") from None


def _reason(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    last = lines[-1] if lines else ""  # TorchScript's message comes after two tracebacks
    return f"{type(error).__name__}: {last[:160]}"


def check_difference(worst: float, runtime: str) -> None:
    """Raise :class:`ParityError` for a difference above :data:`TOLERANCE` or NaN."""
    if not worst <= TOLERANCE:
        found = f"a difference of {worst:.3g} in {runtime}"
        raise ParityError(f"outputs within {TOLERANCE:g} of PyTorch's", found, "use another format; nothing was written")


def reference(graph: ServedGraph, options: GraphOptions, batch: torch.Tensor) -> Outputs:
    """Compute the outputs in PyTorch by the code path of ``tare predict``; a graph that resizes images runs itself."""
    with torch.inference_mode():
        if options.with_resize and graph.numbers is None:
            answer = graph(batch)
            return [part.numpy() for part in (answer if isinstance(answer, tuple) else (answer,))]
        samples = _sized(graph, options, batch)
        logits = graph.task.restored(graph.network(graph.normaliser(samples)), samples)
        both = {"logits": logits.numpy(), options.answer: graph.task.answers(logits).numpy()}
        return [both[name] for name in options.names]


def _sized(graph: ServedGraph, options: GraphOptions, batch: torch.Tensor) -> torch.Tensor:
    if isinstance(graph.takes, Geometry):
        return graph.unit(batch.permute(0, 3, 1, 2) if options.layout == "NHWC" else batch)
    return torch.stack([sized(sample.numpy(), graph.takes) for sample in batch])


def largest_difference(ours: NDArray[np.float32], theirs: NDArray[np.float32], runtime: str) -> float:
    """Return the largest absolute difference. Raises :class:`ParityError` if the shapes differ."""
    if ours.shape != theirs.shape:
        raise ParityError(f"an output of shape {ours.shape}", f"{theirs.shape} in {runtime}", "use another format")
    return float(np.max(np.abs(ours.astype(np.float64) - theirs.astype(np.float64)), initial=0.0))


def graph_batches(trained: TrainedModel, options: GraphOptions, probes: ProbeImages | ProbeNumbers) -> list[torch.Tensor]:
    """Return every probe alone and batches of the sizes :data:`BATCHES`: raw values in the graph's layout."""
    if isinstance(probes, ProbeNumbers):
        return list(probes.batches(trained.model.takes, any_length=options.with_resize))  # type: ignore[arg-type]
    if options.with_resize:
        return [_laid(batch, options) for batch in _of_own_size(probes)]
    images = probes.sized(trained)
    singles = [images[index : index + 1] for index in range(len(images))]
    several = [images[torch.arange(size) % len(images)] for size in BATCHES if size > 1]
    return [_laid(batch, options) for batch in (*singles, *several)]


def _of_own_size(probes: ProbeImages) -> Iterator[torch.Tensor]:
    """Yield batches of one image size: each image with its mirror images and its negative."""
    for index in range(max(len(probes.images), len(BATCHES))):
        image = probes.images[index % len(probes.images)]
        tensor = torch.from_numpy(image.copy()).permute(2, 0, 1)
        turned = (tensor, tensor.flip(-1), tensor.flip(-2), tensor.flip((-1, -2)), 255 - tensor)
        yield torch.stack(turned[: BATCHES[index % len(BATCHES)]])


def _laid(images: torch.Tensor, options: GraphOptions) -> torch.Tensor:
    return images.permute(0, 2, 3, 1).contiguous() if options.layout == "NHWC" else images.contiguous()


def resize_differences(trained: TrainedModel, graph: ServedGraph, probes: ProbeImages) -> tuple[int, float, float]:
    """Return the largest byte difference, share of differing bytes and largest logit difference from Pillow's resize."""
    if graph.resize is None:
        raise ValueError("a graph that resizes")
    sized = probes.sized(trained)
    with torch.inference_mode():
        inside = torch.cat([graph.resize(torch.from_numpy(image.copy()).permute(2, 0, 1)[None]) for image in probes.images])
    levels = (inside.int() - sized.int()).abs()
    logits = (trained.model.logits(inside) - trained.model.logits(sized)).abs()
    return int(levels.max()), float((levels > 0).double().mean()), float(logits.max())
