"""The mask that belongs to a sample, by its name, and masks among the images of an archive."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from tare.errors import DataError
from tare.samples.decode import UndecodableError, decode_noted
from tare.sources.files.picture_masks import has_few_values

#: Endings of pictures of masks, by which one of the same stem is found, and of volumes.
PICTURES = (".png", ".tif", ".tiff", ".bmp", ".gif", ".pgm", ".webp", ".jpg", ".jpeg")
VOLUMES = (".nii.gz", ".nii")
#: Endings of a mask's name beside its image: photo.jpg and photo_mask.png.
MASK_ENDINGS = (
    "_mask",
    "-mask",
    "_seg",
    "_label",
    "_labelIds",
    "_gtFine_labelIds",
    "_segmentation",
    "_gt",
    "_m",
    "_target",
    "_dseg",
    "_gtFine_labelTrainIds",
    "_gtFine_instanceIds",
    "_gtFine_color",
    "_manual1",
)
#: What names of masks begin with instead, beside image-0001.
_MASK_BEGINNINGS = ("mask-", "mask_", "label-", "label_", "seg-", "seg_", "gt-", "gt_")
#: Names of a folder of images beside one of masks, in lower case and letters alone.
_IMAGE_FOLDER = re.compile("(?:images?|imgs?|photos?|pictures?|frames?|inputs?|scans?|rgb)(?:png|jpe?g|tiff?)?$")
#: What names of images have where those of masks have one of the above.
_IMAGE_ENDINGS = tuple(
    f"{sign}{word}" for sign in "_-." for word in ("image", "img", "input", "sat", "rgb", "photo", "leftimg8bit")
)
_IMAGE_BEGINNINGS = tuple(f"{word}{sign}" for sign in "_-" for word in ("image", "img", "input", "photo"))
#: Names of a folder of masks, in lower case and letters alone, by how they end and how they begin.
_MASK_FOLDER = re.compile(
    "(?:masks?|labels?|labelmaps?|labelids|annotations?|annot?|seg|segmentations?|groundtruths?|gt(?:fine|coarse)?|manual"
    "|semantic(?:rgb)?)(?:png|tiff?)?$|^(?:segmentation|stuffthingmaps|panoptic)"
)
#: nnU-Net numbers the channels of a case behind its name; all of them have one mask.
_CHANNEL = re.compile(r"_\d{4}$")
_LOOKED_AT = 3
#: A drawing of classes or objects: its most colours, and the share of neighbours of one colour that it exceeds.
_MOST_COLOURS, _FLAT = 64, 0.8
#: Where most images have no mask: the fewest masks that have an image.
_FEWEST_PAIRS = 3
_ENDINGS = tuple(sorted({each for end in MASK_ENDINGS for each in (end, f".{end[1:]}")}, key=len, reverse=True))
#: Images of an archive up to which every name counts.
_MANY = 4096


def is_mask(path: str, masks: str) -> bool:
    """Whether a file is itself a mask, where masks are named by their ending."""
    return not Path(masks).is_dir() and path.endswith(masks)


def inside(mask: NDArray[Any]) -> NDArray[np.bool_]:
    """Where a mask is a number other than 0; NaN, which some tools write around the foreground, is outside."""
    return np.asarray((mask != 0) & (mask == mask))  # noqa: PLR0124 - NaN alone differs from itself


def mask_places(path: str, masks: str, root: str, endings: Sequence[str]) -> list[str]:
    """Where the mask of a sample may be: ``masks`` is a folder of masks, or the ending of a mask's name.

    A mask in a folder has the path of its sample below ``root``, endings apart; nnU-Net's ``_0000`` may be missing. Of samples
    that are named by a pattern or a list it has the last folders of its sample's path that there are below ``masks``, or none of
    them. With an ending such as ``_mask.png`` the mask of ``7.jpg`` is ``7_mask.png`` beside it.
    """
    stem = _stem(path, endings)
    if not os.path.isdir(masks):  # noqa: PTH112 - once for each of millions of samples
        return [f"{stem}{masks}"]
    names = dict.fromkeys(each for name in names_below(stem, masks, root) for each in (name, _CHANNEL.sub("", name)))
    return [f"{place}{ending}" for place in [os.path.join(masks, name) for name in names] for ending in endings]


def names_below(path: str, masks: str, root: str) -> list[str]:
    """What a sample may be called below the folder of masks: its path below ``root`` if that is a folder.

    Else the last parts of its path for which there is a folder in ``masks``, the most of them first, and the name alone.
    """
    if os.path.isdir(root):  # noqa: PTH112 - as above
        return [os.path.relpath(path, root)]
    *folders, name = [part for part in Path(path).parts if part not in (os.sep, os.pardir)]
    ends = [os.path.join(*folders[start:]) for start in range(len(folders))]
    return [*(os.path.join(end, name) for end in ends if os.path.isdir(os.path.join(masks, end))), name]  # noqa: PTH112


def check_own_masks(paths: Callable[[], Iterable[str]], endings: Sequence[str], places: Callable[[str], Sequence[str]]) -> None:
    """Raise :class:`DataError` if samples of several folders have one mask, which is found by the last part of their names.

    ``paths`` lists all samples, whose masks may be at ``places``.
    """
    folders: dict[int, int] = {}
    several: set[int] = set()
    for path in paths():
        folder, name = _parted(path, endings)
        if folders.setdefault(hash(name), hash(folder)) != hash(folder):
            several.add(hash(name))
    owners: dict[str, str] = {}
    for path in paths() if several else ():
        if hash(_parted(path, endings)[1]) in several and (mask := found_of(places(path))) is not None:
            other = owners.setdefault(mask, path)
            if _parted(other, endings) != _parted(path, endings):
                raise DataError(
                    "a mask for each image", f"{mask!r} alone for {other!r} and {path!r}",
                    "put the masks into folders that are called as those of the images, or measure each folder by itself",
                )  # fmt: skip


def _stem(path: str, endings: Sequence[str]) -> str:
    return next((path[: -len(end)] for end in endings if path.endswith(end)), os.path.splitext(path)[0])


def _parted(path: str, endings: Sequence[str]) -> tuple[str, str]:
    """The folder of a sample, and its name without what those of one mask differ by."""
    folder, name = os.path.split(os.path.normpath(_stem(path, endings)))
    return folder, _CHANNEL.sub("", name)


def found_of(places: Sequence[str]) -> str | None:
    """The first of these files that is there."""
    return next((place for place in places if os.path.isfile(place)), None)  # noqa: PTH113 - as above


class NamedImages:
    """The images of a folder, an archive, a list or a store in any order, of which some may be named as the masks of others.

    Of many images every 64th name counts, chosen by its check sum, so that a million names take little memory.
    """

    def __init__(self) -> None:
        self._number = 0
        # Masks beside their images by path, by the last part of it, and by the folder in which a folder of masks lies.
        self._images: tuple[set[int], set[int], set[int]] = set(), set(), set()
        # Images without the last word of their names: several of one scan have one mask.
        self._scans: tuple[set[int], set[int], set[int]] = set(), set(), set()
        self._masks: tuple[dict[int, str], dict[int, str], dict[int, str]] = {}, {}, {}
        # What tells of the first images, and of the first masks, whether they are drawn.
        self._first: tuple[list[Callable[[], bool]], list[Callable[[], bool]]] = [], []

    def add(self, name: str, is_drawn: Callable[[], bool]) -> None:
        """Count an image; of the first ones ``is_drawn`` tells at the end whether they are drawn rather than taken."""
        self._number += 1
        *folders, base = name.split("/")
        base = os.path.splitext(base.removesuffix(".gz"))[0]
        ending = next((each for each in _ENDINGS if base.endswith(each)), "")
        beginning = next((each for each in _MASK_BEGINNINGS if base.startswith(each)), "") if not ending else ""
        plain = _plain(base.removesuffix(ending).removeprefix(beginning))
        keys = _keys(folders, plain)
        inside = next((place for place, folder in enumerate(folders) if _is_folder(folder, _MASK_FOLDER)), None)
        named = bool(ending or beginning or inside is not None)
        if len(self._first[named]) < _LOOKED_AT:
            self._first[named].append(is_drawn)
        if named:
            whose = () if inside is None else (_key("/".join(folders[:inside])),)
            for masks, key in [*zip(self._masks, (*keys, *whose), strict=False)][inside is not None :]:
                if self._counts(key):
                    masks.setdefault(key, name)
            return
        scan = _keys(folders, plain.rpartition("_")[0] or plain)
        beside = [_key("/".join(folders[:place])) for place, folder in enumerate(folders) if _is_folder(folder, _IMAGE_FOLDER)]
        for known, those in ((self._images, (*keys, *beside[:1])), (self._scans, scan)):
            for held, key in zip(known, those, strict=False):
                if self._counts(key):
                    held.add(key)

    def check(self, place: str, remedy: str, expected: str = "images of one kind") -> None:
        """Raise :class:`DataError` if images have masks: these are no images of the same kind.

        Most images have one, or most masks have an image; and the first masks have few values, or flat areas of few colours.
        Where images have them too, as icons do, only a mask beside its image is one: a class may be called label.
        """
        for kind, (known, scans, masks) in enumerate(zip(self._images, self._scans, self._masks, strict=True)):
            images = {key for key in known if self._counts(key)}
            named = [key for key in masks if self._counts(key)]
            found = [masks[key] for key in named if key in images or key in scans]
            most = found and sum(key in masks for key in images) >= 0.8 * len(images)
            some = len(found) >= max(_FEWEST_PAIRS, 0.01 * len(images), 0.5 * len(named))
            if not (most or some):
                continue
            alike = kind > 0 and all(is_drawn() for is_drawn in self._first[False])
            if not alike and all(is_drawn() for is_drawn in self._first[True]):
                share = f"{len(found)} of {len(images)} images{' looked at' if self._number > _MANY else ''}"
                whose = "masks for each image" if most else "masks beside the images"
                raise DataError(expected, f"{min(found)!r} in {place!r}, and so for {share}: {whose}", remedy)

    def _counts(self, key: int) -> bool:
        return self._number <= _MANY or key % 64 == 0


def check_named(
    name: str, files: Iterable[str], looks_drawn: Callable[[str], bool], remedy: str, expected: str = "images of one kind"
) -> None:
    """Raise :class:`DataError` if masks of the others lie among the files of ``name``, a folder or anything else."""
    images, folder = NamedImages(), os.path.join(name, "")
    for file in files:
        images.add(file.removeprefix(folder), partial(looks_drawn, file))
    images.check(name, remedy, expected)


def is_drawn(content: Callable[[], bytes]) -> bool:
    """Whether an image has few values, as masks have, or areas of few colours, which a drawing of classes has; reads it."""
    try:
        values = decode_noted(content()).values
    except (UndecodableError, OSError, ValueError):  # also a list may name what is not there
        return False
    return is_mask_like(values)


def is_mask_like(values: NDArray[Any]) -> bool:
    """Whether pixels ``(H, W, C)`` have few values, or are areas of few colours."""
    return has_few_values(values) or has_areas(values, _MOST_COLOURS)


def has_areas(values: NDArray[Any], most: int) -> bool:
    """Whether values ``(H, W, C)`` are areas of at most ``most`` colours."""
    same = (values[:, 1:] == values[:, :-1]).all(axis=-1)
    return bool(same.mean() > _FLAT) and len(np.unique(values.reshape(-1, values.shape[-1]), axis=0)) <= most


@lru_cache(maxsize=1024)
def _is_folder(name: str, kind: re.Pattern[str]) -> bool:
    return kind.search(re.sub("[^a-z]", "", name.lower())) is not None


def _plain(name: str) -> str:
    """The name without what says that it is an image's."""
    lower = name.lower()
    ending = next((each for each in _IMAGE_ENDINGS if lower.endswith(each)), "")
    beginning = next((each for each in _IMAGE_BEGINNINGS if lower.startswith(each)), "")
    return name[len(beginning) : len(name) - len(ending)] or name


def _keys(folders: Sequence[str], name: str) -> tuple[int, int]:
    return _key("/".join((*folders, name))), _key(name)


def _key(name: str) -> int:
    return crc32(name.encode("utf-8", "surrogateescape"))
