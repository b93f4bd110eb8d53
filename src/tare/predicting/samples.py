"""What a trained model is asked to answer: samples by name, each read and brought to the network's size."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from numpy.typing import NDArray
from PIL import Image

from tare.checking.gate import RAW_KIND, allowed_codes
from tare.datasets.image_batches import as_taken, evaluation_transform
from tare.errors import reason_of
from tare.input_spec.geometry import Geometry
from tare.networks.stored.trained import TrainedModel
from tare.predicting.number_inputs import number_inputs, tensor_of
from tare.samples.decode import MAX_PIXELS
from tare.samples.records import Skipped
from tare.sources.files.image_folder import read_image
from tare.sources.named_files import image_paths
from tare.sources.rasters.georeferenced import read_tile

#: A sample as the network takes it, or why it cannot be read.
TensorOrSkipped = torch.Tensor | Skipped


@dataclass(frozen=True, slots=True)
class NamedInputs:
    """What is to be answered, by name, and how each is read as the network takes it."""

    names: tuple[str, ...]
    load: Callable[[int], TensorOrSkipped]


def inputs_of(
    trained: TrainedModel, named: str | os.PathLike[str] | Iterable[str | os.PathLike[str]], allow: Sequence[str] = ()
) -> NamedInputs:
    """The samples that the user ``named``: image files, or recordings and the rows of arrays and tables.

    An image of another type than those of training is answered only if ``allow`` has TARE090, its finding.
    """
    words = [os.fspath(word) for word in ([named] if isinstance(named, str | os.PathLike) else named)]
    takes = trained.model.takes
    if isinstance(takes, Geometry):
        return _images(trained, tuple(image_paths(words)), any_kind=RAW_KIND in allowed_codes(allow))
    items = number_inputs(takes, words)
    channels = trained.model.network.channels
    return NamedInputs(tuple(item.name for item in items), lambda index: tensor_of(items[index], takes, channels))


def _images(trained: TrainedModel, paths: tuple[str, ...], *, any_kind: bool) -> NamedInputs:
    """Image files, each read and brought to the network's size, or the reason why it cannot be."""
    model = trained.model
    transform, colour = evaluation_transform(model.geometry, model.normalisation.border), trained.colour
    bands = model.geometry.bands

    def load(index: int) -> TensorOrSkipped:
        try:
            values = read_image(paths[index], colour) if bands is None else read_tile(paths[index], bands)
            if isinstance(values, Skipped):
                return values
            if values.dtype.name != model.takes.raw_dtype and not any_kind:
                reason = f"{values.dtype.name} values, and the network was trained on {model.takes.raw_dtype} ones ({RAW_KIND})"
                return Skipped(paths[index], reason)
            return transform(sized_image(values, trained))
        except (ValueError, RuntimeError, MemoryError) as error:  # a name with a NUL in it; pixels that cannot be resized
            return Skipped(paths[index], reason_of(error) or type(error).__name__)

    return NamedInputs(paths, load)


def sized_image(values: NDArray[Any], trained: TrainedModel) -> Image.Image | torch.Tensor:
    """An image as the transform takes it. Raises ValueError for one so narrow that resizing would fill the memory."""
    height, width, _ = values.shape
    geometry = trained.model.geometry
    edge = max(geometry.crop.resized(geometry.size))
    if edge * edge * max(height, width) / min(height, width) > MAX_PIXELS:
        raise ValueError(f"{width} x {height} pixels: too narrow to resize its shorter edge to {edge:.0f}")
    return as_taken(values)
