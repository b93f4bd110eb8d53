"""Masks that a segmentation answers, as files of the images' own sizes and the masks' own values."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tare.datasets.masks.pairs import image_size
from tare.errors import OutputError
from tare.system.files import replacing
from tare.tasks.segmentation import Segmentation


def write_mask(folder: Path, image: str, indices: NDArray[np.int64], task: Segmentation) -> None:
    """Write the class indices ``(H, W)`` as ``NAME.png`` with the masks' values, resized to the image by the nearest pixel.

    Raises :class:`OutputError` if another image of the same name was answered before.
    """
    place = folder / f"{Path(image).stem}.png"
    if place.exists():
        raise OutputError("a new file for each mask", f"{str(place)!r} exists", "name another folder with --masks")
    size = image_size(image)
    values = np.asarray(task.values)[indices].astype(np.uint8 if max(task.values) <= 255 else np.uint16)
    buffer = io.BytesIO()
    Image.fromarray(values).resize(size, Image.Resampling.NEAREST).save(buffer, "PNG")
    folder.mkdir(parents=True, exist_ok=True)
    with replacing(place) as temporary:
        temporary.write_bytes(buffer.getvalue())
