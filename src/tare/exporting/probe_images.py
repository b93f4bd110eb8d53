"""Images to compare an exported file on: the user's, the run's validation images, or generated images."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from tare.datasets.files import read_named
from tare.datasets.image_batches import as_taken, evaluation_transform
from tare.datasets.options import LabelOptions
from tare.datasets.split import Split, open_split
from tare.errors import DataError, TareError
from tare.input_spec.geometry import Geometry, taken_of
from tare.networks.stored.trained import TrainedModel
from tare.samples.decode import SUFFIXES, image_format
from tare.samples.layout import unit_scale
from tare.samples.records import Skipped
from tare.sources.files.image_folder import claims_or_is
from tare.sources.named_files import image_paths
from tare.sources.volumes.dicom_whole import is_named_dicom

COUNT = 8
_TEXTS = ("label", "label_pattern", "array", "layout", "task", "class_names")


@dataclass(frozen=True, slots=True, eq=False)
class ProbeImages:
    """Raw images ``(H, W, C)`` of any sizes and of training's type, their origin in words, and whether they are ``real`` data.

    ``files`` are those that were named, read or not.
    """

    images: tuple[NDArray[Any], ...]
    origin: str
    real: bool
    files: tuple[str, ...] = ()

    def sized(self, trained: TrainedModel) -> torch.Tensor:
        """Return the images resized as in validation, as raw values: ``(N, C, H, W)``."""
        raw = trained.model.takes.raw_dtype
        transform = evaluation_transform(trained.model.geometry, trained.model.normalisation.border(raw))
        sized = torch.stack([transform(as_taken(image)) for image in self.images])
        if raw == "uint8":
            return sized
        stored = sized.numpy() / float(unit_scale(raw))
        if raw.startswith("float"):
            return torch.from_numpy(stored.astype(raw))
        ends = np.iinfo(raw)  # a resize may overshoot them
        return torch.from_numpy(np.clip(np.rint(stored.astype(np.float64)), ends.min, ends.max).astype(raw))


def probe_images(trained: TrainedModel, split: Split | None, images: Sequence[str] = (), count: int = COUNT) -> ProbeImages:
    """Return at most ``count`` of the named ``images``, else of the validation images in ``split``, else generated images.

    Raises :class:`DataError` if ``images`` are named and no readable image of training's type is among them.
    """
    raw = trained.model.takes.raw_dtype
    if images:
        bands = trained.model.geometry.bands
        paths = tuple(image_paths(images, also=lambda path: is_named_dicom(path) or claims_or_is(path, SUFFIXES, image_format)))
        read = _of_type(raw, (read_named(p, trained.colour, bands) for p in paths), count)
        if not read:
            raise DataError(f"{raw} images among --images, as in training", "none that can be read", "name other images")
        return ProbeImages(read, f"{len(read)} images that were named", real=True, files=paths)
    if split is not None:
        step = max(1, len(split.val) // count)
        read = _of_type(raw, (file.read(trained.colour) for file in split.val[::step]), count)
        if read:
            return ProbeImages(read, f"{len(read)} validation images of the run", real=True)
    made = tuple(_made(seed, trained.model.network.channels) for seed in range(count))
    if raw != "uint8":  # the same unit values in training's type
        made = tuple((image / 255 / float(unit_scale(raw))).astype(raw) for image in made)
    return ProbeImages(made, f"{count} made images (the run's data are not at hand; --images names real ones)", real=False)


def split_of(trained: TrainedModel) -> Split | None:
    """Return the split that the run was trained on, if its settings name data that still exist."""
    data, seed = trained.settings.get("data"), trained.settings.get("seed", 0)
    how: dict[str, Any] = {name: trained.settings.get(name) for name in _TEXTS}
    if not isinstance(data, str) or not isinstance(seed, int) or not all(isinstance(v, str | None) for v in how.values()):
        return None
    bands, ignore = trained.settings.get("bands"), trained.settings.get("ignore")
    numbers: dict[str, Any] = {
        "bands": bands if isinstance(bands, list) else None,
        "ignore": ignore if isinstance(ignore, int) else None,
    }
    try:
        takes = trained.model.takes
        known = takes.bands if isinstance(takes, Geometry) else None
        split = open_split(LabelOptions(data, **how, **numbers), seed, takes.kind, taken_of(takes), known)
    except (TareError, OSError, ValueError):  # moved, or changed
        return None
    return split if split.classes == trained.model.classes else None


def as_pillow(image: NDArray[np.uint8]) -> Image.Image:
    """Return ``(H, W, C)`` as a Pillow image."""
    return Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image)


def _of_type(raw: str, values: Iterable[NDArray[Any] | Skipped], count: int) -> tuple[NDArray[Any], ...]:
    fitting = (np.array(value) for value in values if not isinstance(value, Skipped) and value.dtype.name == raw)
    return tuple(islice(fitting, count))


def _made(seed: int, channels: int) -> NDArray[np.uint8]:
    """Generate an image with the 1/f amplitude spectrum of natural scenes (Field, JOSA A 4, 1987) and a few edges."""
    generator = np.random.default_rng(seed)
    height, width = int(generator.integers(200, 400)), int(generator.integers(200, 400))
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None, :])
    frequency[0, 0] = 1.0
    planes = []
    for _ in range(channels):
        phase = np.exp(2j * np.pi * generator.random(frequency.shape))
        plane = np.fft.irfft2(phase / frequency, s=(height, width))
        planes.append(plane / plane.std() * 50 + generator.uniform(80, 170))
    image = np.stack(planes, axis=-1)
    for _ in range(4):
        top, left = generator.integers(0, height - 20), generator.integers(0, width - 20)
        image[top : top + height // 4, left : left + width // 4] += generator.uniform(-90, 90, channels)
    result: NDArray[np.uint8] = np.clip(image, 0, 255).astype(np.uint8)
    return result
