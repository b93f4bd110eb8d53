"""The mask that belongs to a sample, by its name, and masks among the images of an archive."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tare.errors import DataError
from tare.samples.decode import UndecodableError, decode_noted
from tare.samples.records import Skipped
from tare.sources.files.image_folder import read_image
from tare.system.local.opened import in_memory

#: Endings of a mask's name beside its image: photo.jpg and photo_mask.png.
MASK_ENDINGS = ("_mask", "-mask", "_seg", "_label", "_labelIds", "_gtFine_labelIds", "_segmentation", "_gt", "_m", "_target")
#: What names of masks begin with instead, beside image-0001.
_MASK_BEGINNINGS = ("mask-", "mask_", "label-", "label_", "seg-", "seg_", "gt-", "gt_")
#: What names of images have where those of masks have one of the above.
_IMAGE_ENDINGS = tuple(
    f"{sign}{word}" for sign in "_-." for word in ("image", "img", "input", "sat", "rgb", "photo", "leftImg8bit")
)
_IMAGE_BEGINNINGS = tuple(f"{word}{sign}" for sign in "_-" for word in ("image", "img", "input", "photo"))
#: Names of a folder of masks in an archive, in lower case and letters alone.
MASK_FOLDERS = frozenset(
    ("mask", "masks", "labels", "annotations", "seg", "segmentation", "segmentationclass", "groundtruth", "gt")
)
#: Most different values of a mask.
MASK_LEVELS = 16
#: nnU-Net numbers the channels of a case behind its name; all of them have one mask.
_CHANNEL = re.compile(r"_\d{4}$")
_MASKS_LOOKED_AT = 3
#: Images of an archive up to which every name counts.
_MANY = 4096


def is_mask(path: str, masks: str) -> bool:
    """Whether a file is itself a mask, where masks are named by their ending."""
    return not Path(masks).is_dir() and path.endswith(masks)


def inside(mask: NDArray[Any]) -> NDArray[np.bool_]:
    """Where a mask is a number other than 0; NaN, which some tools write around the foreground, is outside."""
    return np.asarray((mask != 0) & (mask == mask))  # noqa: PLR0124 - NaN alone differs from itself


def read_mask(path: str) -> NDArray[Any] | Skipped:
    """The values of a mask ``(H, W, C)`` as stored, or the reason why there are none; those of a palette are its indices.

    A palette only says how the classes of a mask are shown: one whose first colour is white has the class 0 there.
    """
    try:
        with Image.open(in_memory(path)) as image:
            if image.mode == "P":
                return np.asarray(image)[..., None]
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        pass  # what Pillow cannot read may be read otherwise, or else is told below
    return read_image(path, "stored")


def mask_places(path: str, masks: str, root: str, endings: Sequence[str]) -> list[str]:
    """Where the mask of a sample may be: ``masks`` is a folder of masks, or the ending of a mask's name.

    A mask in a folder has the path of its sample below ``root``, endings apart; nnU-Net's ``_0000`` may be missing. With an
    ending such as ``_mask.png`` the mask of ``7.jpg`` is ``7_mask.png`` beside it.
    """
    stem = next((path[: -len(end)] for end in endings if path.endswith(end)), os.path.splitext(path)[0])
    if not os.path.isdir(masks):  # noqa: PTH112 - once for each of millions of samples
        return [f"{stem}{masks}"]
    inside = os.path.relpath(stem, root) if os.path.isdir(root) else os.path.basename(stem)  # noqa: PTH112, PTH119
    names = dict.fromkeys((inside, _CHANNEL.sub("", inside)))
    return [f"{place}{ending}" for place in [os.path.join(masks, name) for name in names] for ending in endings]


def found_of(places: Sequence[str]) -> str | None:
    """The first of these files that is there."""
    return next((place for place in places if os.path.isfile(place)), None)  # noqa: PTH113 - as above


class NamedImages:
    """The images of an archive, a list or a store in any order, of which some may be named as the masks of others.

    Of many images every 64th name counts, chosen by its check sum, so that a million names take little memory.
    """

    def __init__(self) -> None:
        self._number = 0
        # Masks beside their images by path, and masks in a folder of their own by the last part of it.
        self._images: tuple[set[int], set[int]] = set(), set()
        self._masks: tuple[dict[int, str], dict[int, str]] = {}, {}
        self._few: list[bool] = []

    def add(self, name: str, content: Callable[[], bytes]) -> None:
        """Count an image; the content of the first masks is looked at."""
        self._number += 1
        stem = os.path.splitext(name)[0]
        *folders, base = stem.split("/")
        ending = next((each for end in MASK_ENDINGS for each in (end, f".{end[1:]}") if base.endswith(each)), "")
        beginning = next((each for each in _MASK_BEGINNINGS if base.startswith(each)), "") if not ending else ""
        inside = not MASK_FOLDERS.isdisjoint(re.sub("[^a-z]", "", folder.lower()) for folder in folders)
        plain = _plain(base.removesuffix(ending).removeprefix(beginning))
        keys = _key("/".join((*folders, plain))), _key(plain)
        if not ending and not beginning and not inside:
            for known, key in zip(self._images, keys, strict=True):
                if self._counts(key):
                    known.add(key)
            return
        if self._counts(keys[inside]):
            self._masks[inside].setdefault(keys[inside], name)
        if len(self._few) < _MASKS_LOOKED_AT:
            try:
                self._few.append(len(np.unique(decode_noted(content()).values)) <= MASK_LEVELS)
            except (UndecodableError, OSError, ValueError):  # also a list may name what is not there
                self._few.append(False)

    def check(self, place: str, remedy: str) -> None:
        """Raise :class:`DataError` if most images have a mask of few values: it is no image of the same kind."""
        for known, masks in zip(self._images, self._masks, strict=True):
            images = [key for key in known if self._counts(key)]
            found = [masks[key] for key in images if key in masks]
            if found and len(found) >= 0.8 * len(images) and all(self._few):
                share = f"{len(found)} of {len(images)} images{' looked at' if self._number > _MANY else ''}"
                told = f"{min(found)!r} beside its image in {place!r}, and so for {share}: masks for each image"
                raise DataError("images of one kind", told, remedy)

    def _counts(self, key: int) -> bool:
        return self._number <= _MANY or key % 64 == 0


def _plain(name: str) -> str:
    """The name without what says that it is an image's."""
    ending = next((each for each in _IMAGE_ENDINGS if name.endswith(each)), "")
    beginning = next((each for each in _IMAGE_BEGINNINGS if name.startswith(each)), "")
    return name.removesuffix(ending).removeprefix(beginning) or name


def _key(name: str) -> int:
    return crc32(name.encode("utf-8", "surrogateescape"))
