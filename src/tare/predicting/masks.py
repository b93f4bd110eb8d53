"""Masks that a segmentation answers, as files of the images' own sizes and the masks' own values."""

from __future__ import annotations

import io
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tare.errors import OutputError
from tare.input_spec.resize import nearest
from tare.system.files import replacing
from tare.tasks.segmentation import Segmentation


def mask_places(folder: Path, images: Sequence[str]) -> Mapping[str, Path]:
    """Where the mask of each image goes: ``NAME.png`` for ``NAME.jpg``, by the image's path below the folder of all images.

    Images whose paths differ in their endings alone, and those of a store, keep their whole names: ``1.jpg.png``. Raises
    :class:`OutputError` if one of these files exists.
    """
    absolute = {image: Path(os.path.abspath(image)) for image in images}  # noqa: PTH100 - links stay as they were named
    common = os.path.commonpath([path.parent for path in absolute.values()])
    whole = {image: path.relative_to(common) for image, path in absolute.items()}
    short = {image: path.with_suffix("") if Path(image).is_file() else path for image, path in whole.items()}
    counts = Counter(short.values())
    short = {image: path if counts[path] == 1 else whole[image] for image, path in short.items()}
    named = {Path(f"{path}.png") for path in short.values()}
    folders = {folder for path in short.values() for folder in path.parents}
    # Such as 1.jpg, 1.png and 1.jpg.gif; and d.jpg beside a folder d.png.
    chosen = short if len(named) == len(short) and not named & folders else whole
    places = {image: folder / f"{path}.png" for image, path in chosen.items()}
    existing = next((place for place in places.values() if place.exists()), None)
    if existing is not None:
        raise OutputError(
            "a new file for each mask", f"{str(existing)!r} exists", "name another folder with --masks, or remove the masks"
        )
    return places


def write_mask(place: Path, size: tuple[int, int] | None, indices: NDArray[np.int64], task: Segmentation) -> None:
    """Write the class indices ``(H, W)`` as a PNG with the masks' values, at the image's ``size`` by the nearest pixel."""
    values = np.asarray(task.values)[indices].astype(np.uint8 if max(task.values) <= 255 else np.uint16)
    buffer = io.BytesIO()
    Image.fromarray(values if size is None else nearest(values, size)).save(buffer, "PNG")
    place.parent.mkdir(parents=True, exist_ok=True)
    with replacing(place) as temporary:
        temporary.write_bytes(buffer.getvalue())
