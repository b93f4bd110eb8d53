"""``tare.predict``: what a trained model says about samples, from nothing but its own directory."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from numpy.typing import NDArray
from PIL import Image

from tare.datasets.image_batches import evaluation_transform
from tare.errors import DataError, SpecError, reason_of
from tare.input_spec.geometry import NOUNS, Geometry
from tare.networks.stored.trained import TrainedModel, open_trained
from tare.predicting.number_inputs import number_inputs, tensor_of
from tare.samples.decode import MAX_PIXELS
from tare.samples.layout import unit_scale
from tare.samples.records import Skipped
from tare.sources.files.image_folder import read_image
from tare.sources.named_files import image_paths
from tare.system.engines.local import default_workers, ordered_map

SCHEMA = "tare.predictions/1"

Loaded = torch.Tensor | Skipped
Advance = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Prediction:
    """One sample's answer: the most probable classes with their probabilities, best first, or why there is none."""

    path: str
    ranks: tuple[tuple[str, float], ...] = ()
    error: str | None = None

    @property
    def label(self) -> str | None:
        """The most probable class."""
        return self.ranks[0][0] if self.ranks else None

    @property
    def probability(self) -> float | None:
        """The probability of ``label``."""
        return self.ranks[0][1] if self.ranks else None

    def to_json(self) -> dict[str, Any]:
        """The prediction as a JSON object."""
        ranks = [{"label": label, "probability": value} for label, value in self.ranks]
        return {"path": self.path, "label": self.label, "probability": self.probability, "ranks": ranks, "error": self.error}


def predict(
    run: str | os.PathLike[str],
    images: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    *,
    top: int = 1,
    batch_size: int = 32,
    workers: int | None = None,
    factory: str | None = None,
    device: str = "cpu",
    progress: Advance | None = None,
) -> list[Prediction]:
    """Classify ``images`` (files, folders, patterns; see :func:`tare.sources.named_files.image_paths`) with the model in ``run``.

    For a network that takes signals these are recordings or arrays; for one that takes rows, tables or arrays, each row of which
    gets an answer (:mod:`tare.predicting.number_inputs`). Samples are read, sized and normalised as in validation. ``top``
    classes are given each. One that cannot be read gets a prediction with ``error``; the others are answered, in the order
    given. Batch size and workers change the probabilities by rounding only: about 1e-6, since a library may add in another
    order for another batch.

    Raises :class:`ModelError` if ``run`` holds no usable model, :class:`DataError` if there is no image at all.
    """
    words = [images] if isinstance(images, str | os.PathLike) else list(images)
    trained = open_trained(Path(run), factory)
    inputs = inputs_of(trained, [os.fspath(word) for word in words])
    options = {"top": top, "batch_size": batch_size, "workers": workers, "device": device}
    answers = predictions(trained, inputs, **options)  # type: ignore[arg-type]
    advance = progress or _ignored
    result = []
    for answer in answers:
        result.append(answer)
        advance(1)
    return result


@dataclass(frozen=True, slots=True)
class Inputs:
    """What is to be answered, by name, and how each is read as the network takes it."""

    names: tuple[str, ...]
    load: Callable[[int], Loaded]


def inputs_of(trained: TrainedModel, words: Iterable[str]) -> Inputs:
    """The samples that ``words`` stand for: image files, or recordings and the rows of arrays and tables."""
    takes = trained.model.takes
    if isinstance(takes, Geometry):
        return _images(trained, tuple(image_paths(words)))
    items = number_inputs(takes, words)
    channels = trained.model.network.channels
    return Inputs(tuple(item.name for item in items), lambda index: tensor_of(items[index], takes, channels))


def predictions(
    trained: TrainedModel,
    inputs: Inputs | Sequence[str],
    *,
    top: int = 1,
    batch_size: int = 32,
    workers: int | None = None,
    device: str = "cpu",
) -> Iterator[Prediction]:
    """Answer ``inputs`` (or files, by their paths) in order, a batch at a time; see :func:`predict`.

    Nothing is read before the first is asked for.
    """
    for name, value in (("--top", top), ("--batch-size", batch_size)):
        if value < 1:
            raise SpecError(f"{name} of at least 1", f"{value}", "raise it")
    if not isinstance(inputs, Inputs):
        inputs = inputs_of(trained, inputs)
    if not inputs.names:
        noun = NOUNS[trained.model.takes.kind].removesuffix("s")
        raise DataError(f"at least one {noun}", "none", "name files, folders or patterns, or pipe a list to -")
    return _answers(trained, inputs, min(top, len(trained.model.classes)), batch_size, workers, _device(device))


def _answers(
    trained: TrainedModel, inputs: Inputs, top: int, batch_size: int, workers: int | None, device: torch.device
) -> Iterator[Prediction]:
    count = default_workers() if workers is None else max(1, workers)
    trained.model.network.module.to(device)
    pairs = zip(inputs.names, ordered_map(inputs.load, range(len(inputs.names)), count), strict=True)
    while batch := list(islice(pairs, batch_size)):
        yield from _answered(trained, batch, top, device)


def _answered(trained: TrainedModel, batch: Sequence[tuple[str, Loaded]], top: int, device: torch.device) -> Iterator[Prediction]:
    found: dict[int, Prediction] = {}
    images: list[tuple[int, torch.Tensor]] = []
    for index, (path, loaded) in enumerate(batch):
        if isinstance(loaded, Skipped):
            found[index] = Prediction(path, error=loaded.reason)
        else:
            images.append((index, loaded))
    # 8-bit images and deeper ones go through separately, so that no image's numbers depend on its neighbours.
    for kind in {image.dtype for _, image in images}:
        group = [(index, image) for index, image in images if image.dtype == kind]
        stack = torch.stack([image for _, image in group]).to(device)
        best = trained.model.logits(stack).double().softmax(dim=1).topk(top, dim=1)
        for (index, _), values, classes in zip(group, best.values.tolist(), best.indices.tolist(), strict=True):
            found[index] = _prediction(batch[index][0], trained.model.classes, values, classes)
    yield from (found[index] for index in range(len(batch)))


def _prediction(path: str, names: Sequence[str], values: Sequence[float], classes: Sequence[int]) -> Prediction:
    if not all(map(math.isfinite, values)):
        return Prediction(path, error="the answer is NaN: the image holds NaN or infinite values")
    return Prediction(path, tuple((names[k], value) for k, value in zip(classes, values, strict=True)))


def _images(trained: TrainedModel, paths: tuple[str, ...]) -> Inputs:
    """Image files, each read and brought to the network's size, or the reason why it cannot be."""
    model = trained.model
    transform, colour = evaluation_transform(model.geometry, model.normalisation.border), trained.colour

    def load(index: int) -> Loaded:
        try:
            values = read_image(paths[index], colour)
            return values if isinstance(values, Skipped) else transform(_sized(values, trained))
        except (ValueError, RuntimeError, MemoryError) as error:  # a name with a NUL in it; pixels that cannot be resized
            return Skipped(paths[index], reason_of(error) or type(error).__name__)

    return Inputs(paths, load)


def _sized(values: NDArray[Any], trained: TrainedModel) -> Image.Image | torch.Tensor:
    """An image as the transform takes it. Raises ValueError for one so narrow that resizing would fill the memory."""
    height, width, channels = values.shape
    geometry = trained.model.geometry
    edge = max(geometry.crop.resized(geometry.size))
    if edge * edge * max(height, width) / min(height, width) > MAX_PIXELS:
        raise ValueError(f"{width} x {height} pixels: too narrow to resize its shorter edge to {edge:.0f}")
    if values.dtype.name == "uint8":
        return Image.fromarray(values[..., 0] if channels == 1 else values)
    return torch.from_numpy(values.astype("float32") * float(unit_scale(values.dtype))).permute(2, 0, 1)


def _device(name: str) -> torch.device:
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device("cuda" if name == "gpu" else name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise SpecError("a device that is here", f"{name!r}: {str(error).splitlines()[0][:120]}", "use --device cpu") from None
    return device


def _ignored(count: int) -> None:
    del count
