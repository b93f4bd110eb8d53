"""Images and their masks, paired by folder or by the ending of the name, and the classes that the masks' values stand for."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from tare.datasets.files import LabelledFile
from tare.datasets.parts.names import Part, part_of
from tare.datasets.tasks import image_and_mask_folders
from tare.errors import DataError, reason_of
from tare.samples.decode import SUFFIXES, UndecodableError
from tare.samples.records import Skipped
from tare.sources.files.image_folder import read_image, walk_files
from tare.sources.files.masks import MASK_ENDINGS
from tare.sources.files.picture_masks import CUT, MASK_LEVELS, PictureMask, cut, is_lossy, levels, values_in_areas
from tare.sources.rasters.tags import scene_kind
from tare.system.local.opened import in_memory, whole
from tare.tasks.names import TaskName

#: Endings of masks, and those of masks that were compressed with losses, which are taken where there are no others.
_MASKS = frozenset((".png", ".tif", ".tiff", ".bmp", ".gif", ".webp", ".pgm"))
_LOSSY = frozenset((".jpg", ".jpeg"))
_SAVE = "save the index of the class of each pixel as grey, as PNG"
#: How far the colours of a grey mask may lie apart behind a lossy compression, and the share of pixels that may do so.
_GREY, _MOST_COLOURED = 32, 0.01
#: Fewer masks than this do not tell a rare class from a slip.
_ENOUGH = 5
#: More classes than this are no classes: photographs, distances, instances.
_MOST = 255


@dataclass(frozen=True, slots=True)
class MaskFile:
    """The mask of one image, and the index of the class of each of its values; 255 for values that are left out."""

    path: str
    classes: tuple[tuple[int, int], ...]

    def read(self) -> NDArray[np.uint8]:
        """Class indices ``(H, W)``. Raises :class:`DataError` for a value without a class, or a file that is no mask."""
        values = mask_values(self.path)
        known = np.zeros(1 << 16, bool)
        table = np.zeros(1 << 16, np.uint8)
        for value, index in self.classes:
            known[value], table[value] = True, index
        indices: NDArray[np.uint8] = table[values]
        if not known[values].all():
            unknown = np.unique(values[~known[values]])[:5].tolist()
            raise DataError("masks with known values", f"{unknown} in {self.path!r}", "state --ignore VALUE, or repair the mask")
        return indices

    def digest(self) -> str:
        """A hash of the file. Raises :class:`DataError` if it cannot be read."""
        try:
            return hashlib.sha256(whole(self.path)).hexdigest()
        except OSError as error:
            raise DataError("a mask that can be read", f"{self.path!r}: {reason_of(error)}", "repair it") from None


def mask_values(path: str) -> NDArray[np.uint16]:
    """The values ``(H, W)`` of a mask as they are stored; those of a palette are its indices; raises as :func:`read_classes`."""
    return read_classes(path).values


class Classes(NamedTuple):
    """The values ``(H, W)`` of a mask, the colours by which a palette shows them, and whether it was cut at its middle."""

    values: NDArray[np.uint16]
    shown: Mapping[int, tuple[int, ...]]
    is_cut: bool


def read_classes(path: str) -> Classes:
    """The classes of a mask as they are stored; of one stored with losses whose values pile up at 0 and 255 these two.

    Raises :class:`DataError` for a file that cannot be read, with colours that are no single value, or with losses otherwise.
    """
    try:
        data = whole(path)
        with Image.open(io.BytesIO(data)) as image:
            values = np.asarray(image)
            palette = (image.getpalette("RGB") or []) if image.mode == "P" else []
            has_alpha = image.mode in ("RGBA", "LA")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise DataError("a mask that can be read", f"{path!r}: {reason_of(error)}", "repair it") from None
    if has_alpha and (values[..., -1] < 255).any():
        raise DataError("masks without alpha", f"transparent pixels in {path!r}", _SAVE)
    values = values[..., :-1] if has_alpha else values
    values, is_cut = _restored(values, path) if is_lossy(data) else (values, False)
    if values.ndim == 3 and (values == values[..., :1]).all():
        values = values[..., 0]
    if values.ndim != 2 or values.dtype.kind not in "uib" or values.min(initial=0) < 0 or values.max(initial=0) >= 1 << 16:
        found = f"{values.dtype} {values.shape} in {path!r}"
        raise DataError("masks with one whole number a pixel", found, _SAVE)
    used = levels(values).tolist() if palette else []
    shown = {value: tuple(palette[3 * value : 3 * value + 3]) for value in used}
    return Classes(values.astype(np.uint16), shown, is_cut)


def _restored(values: NDArray[Any], path: str) -> tuple[NDArray[Any], bool]:
    """A mask that was stored with losses, and whether it was cut. Raises :class:`DataError` unless 0 and 255 are its ends."""
    planes = values if values.ndim == 3 else values[..., None]
    if float((np.ptp(planes, axis=-1) > _GREY).mean()) > _MOST_COLOURED:
        return values, False  # colours, which are refused
    try:
        restored = cut(PictureMask(planes))
    except UndecodableError as error:
        raise DataError("masks that lost no value", f"{path!r}: {error}", _SAVE) from None
    if CUT not in restored.notes:
        return values, False
    return np.where(restored.values[..., 0], np.uint8(255), np.uint8(0)), True


def paired(images: Path, masks: Path) -> tuple[list[tuple[str, str]], list[str]]:
    """Pairs of image and mask by their path below the two folders, endings apart, and images without a mask."""
    files = [path for path in walk_files(images) if Path(path).suffix.lower() in SUFFIXES]
    exact = {_stem(path, images) for path in files}
    beside = [*walk_files(masks)]
    named = [path for path in beside if Path(path).suffix.lower() in _MASKS]
    named = named or [path for path in beside if Path(path).suffix.lower() in _LOSSY]
    return _matched(files, images, _by_key(named, masks, exact))


def paired_by_ending(folder: Path) -> tuple[list[tuple[str, str]], list[str]]:
    """Pairs of ``photo.jpg`` and ``photo_mask.png`` in one folder, and images without a mask."""
    files = [path for path in walk_files(folder) if Path(path).suffix.lower() in SUFFIXES]
    found = _by_key((path for path in files if Path(path).stem.endswith(MASK_ENDINGS)), folder, frozenset())
    return _matched((path for path in files if path not in set(found.values())), folder, found)


def _matched(images: Iterable[str], root: Path, masks: Mapping[str, str]) -> tuple[list[tuple[str, str]], list[str]]:
    pairs, alone = [], []
    for path in images:
        mask = masks.get(_stem(path, root))
        if mask is None:
            alone.append(path)
        else:
            pairs.append((path, mask))
    return pairs, alone


def _by_key(masks: Iterable[str], root: Path, images: Set[str]) -> dict[str, str]:
    """The masks by what their images are named. Raises :class:`DataError` for two of one image."""
    found: dict[str, str] = {}
    for path in masks:
        other = found.setdefault(_key(path, root, images), path)
        if other != path:
            raise DataError("one mask for each image", f"{other!r} and {path!r}", "take one of them out")
    return found


def _key(path: str, root: Path, images: Set[str]) -> str:
    """What the image of a mask is named: as the mask, if there is such an image, else without the ending of masks."""
    stem = _stem(path, root)
    if stem in images:
        return stem
    ending = next((ending for ending in sorted(MASK_ENDINGS, key=len, reverse=True) if stem.endswith(ending)), "")
    return stem.removesuffix(ending)


def _stem(path: str, root: Path) -> str:
    """The path of a file below ``root`` without its suffix."""
    return str(Path(path).relative_to(root).with_suffix(""))


def check_pairs(pairs: Sequence[tuple[str, str]], alone: Sequence[str], where: str) -> None:
    """Raise :class:`DataError` without pairs, for images without a mask, and for masks of another size than their image."""
    if not pairs:
        raise DataError("images with masks", f"none in {where!r}", "put them into images/ and masks/ under the same names")
    if alone:
        named = ", ".join(Path(path).name for path in alone[:5])
        found = f"{len(alone)} of {len(pairs) + len(alone)} without one in {where!r}: {named}"
        raise DataError("a mask for every image", found, "add their masks, or take these images out")
    wrong = [(image, mask) for image, mask in pairs if image_size(image) != image_size(mask)]
    if wrong:
        image, mask = wrong[0]
        found = (
            f"{len(wrong)} of another size in {where!r}, the first {mask!r}: {image_size(mask)}, its image {image_size(image)}"
        )
        raise DataError("masks of the size of their images (width, height)", found, "make them of the images' own size")


def image_size(path: str) -> tuple[int, int]:
    """Width and height of an image or a mask of any format. Raises :class:`DataError` for one that cannot be read."""
    try:
        if scene_kind(path) == "geo":
            from tare.sources.rasters.georeferenced import raster_size

            return raster_size(path)
        with Image.open(in_memory(path)) as image:
            return image.size
    except UnidentifiedImageError:
        values = read_image(path, "stored")  # formats and kinds of values that Pillow does not know
        if not isinstance(values, Skipped):
            return values.shape[1], values.shape[0]
        reason = values.reason
    except (OSError, ValueError, UndecodableError, Image.DecompressionBombError) as error:
        reason = reason_of(error)
    raise DataError("images and masks that can be read", f"{path!r}: {reason}", "repair it")


@dataclass(frozen=True, slots=True)
class MaskValues:
    """The values of masks in ascending order, each with the masks that have it, and the masks without a pixel to learn from.

    ``cut`` are those that were stored with losses and cut at their middle.
    """

    masks: Mapping[int, Sequence[str]]
    empty: tuple[str, ...]
    cut: tuple[str, ...] = ()

    def remarks(self, number: int, ignore: int | None) -> tuple[str, ...]:
        """What is odd about the values of ``number`` masks: one that a single mask has, and masks of pixels that are left out."""
        said = [
            f"the value {value} is in one mask alone, {paths[0]!r}: if it is no class, state --ignore {value}, or repair the mask"
            for value, paths in self.masks.items()
            if len(paths) == 1 and number >= _ENOUGH
        ]
        if self.empty:
            count = f"{len(self.empty)} of {number} masks have only pixels of --ignore {ignore}, the first {self.empty[0]!r}"
            said.append(f"{count}: nothing is learnt from their images")
        if self.cut:
            lost = f"{len(self.cut)} of {number} masks were stored with losses, the first {self.cut[0]!r}"
            said.append(f"{lost}: they were cut at the middle of 0 and 255")
        return tuple(said)


class Palette:
    """The colours by which masks show their values, which are classes only if all masks agree on them."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[tuple[int, ...], str]] = {}

    def add(self, shown: Mapping[int, tuple[int, ...]], path: str) -> None:
        """Add those of a mask. Raises :class:`DataError` for another colour of a value."""
        for value, colour in shown.items():
            known, first = self._known.setdefault(value, (colour, path))
            if known != colour:
                found = f"{value} is #{bytes(known).hex()} in {first!r} and #{bytes(colour).hex()} in {path!r}"
                raise DataError("one palette for all masks", found, _SAVE)


def values_of(masks: Sequence[str], ignore: int | None, where: str) -> MaskValues:
    """All values of the masks of ``where`` but ``ignore``.

    Raises :class:`DataError` for more values than classes can be, for values that lie at edges alone, for palettes that show
    one value in two colours, and for masks of a single value.
    """
    found: dict[int, list[str]] = {}
    empty, were_cut = [], []
    palette = Palette()
    areas: set[int] = set()
    for path in masks:
        read = read_classes(path)
        palette.add(read.shown, path)
        values = [value for value in levels(read.values).tolist() if value != ignore]
        areas |= values_in_areas(read.values)
        empty += [] if values else [path]
        were_cut += [path] if read.is_cut else []
        for value in values:
            found.setdefault(value, []).append(path)
        if len(found) > _MOST:
            raise DataError(
                f"masks of at most {_MOST} classes", f"more values by {path!r}", "save classes, not colours or distances"
            )
    if len(found) > MASK_LEVELS and 2 * len(areas & found.keys()) < len(found):
        strange = next(value for value in sorted(found) if value not in areas)
        raise DataError(
            "masks of classes, which fill areas",
            f"{len(found)} values in {where!r}, most of them at edges alone, such as {strange} in {found[strange][0]!r}",
            "save the classes alone: a lossy copy or a smooth resize makes values between them",
        )
    if len(found) < 2:
        seen = f"the value {next(iter(found))} alone" if found else f"no pixel but those of --ignore {ignore}"
        raise DataError("at least two classes in the masks", f"{seen} in {where!r}", "add masks of another class")
    return MaskValues(dict(sorted(found.items())), tuple(empty), tuple(were_cut))


def files_of(pairs: Sequence[tuple[str, str]], values: Sequence[int], ignore: int | None) -> tuple[LabelledFile, ...]:
    """The images with their masks; ``values`` are the classes' in their order."""
    left_out = () if ignore is None else ((ignore, 255),)
    classes = (*((value, index) for index, value in enumerate(values)), *left_out)
    return tuple(LabelledFile(image, MaskFile(mask, classes)) for image, mask in pairs)


def class_names(values: Mapping[int, Sequence[str]], stated: str | None) -> tuple[str, ...]:
    """The names of the classes: those ``stated`` as ``0=background,255=cell`` or in the order of the values, else the values.

    ``values`` have the masks in which each is.

    Raises :class:`DataError` for names of other values.
    """
    if stated is None:
        return tuple(map(str, values))
    parts = [part.strip() for part in stated.split(",") if part.strip()]
    named = [part.partition("=") for part in parts]
    if all(sign for _, sign, _ in named):
        known = {int(value): name.strip() for value, _, name in named if value.strip().isdecimal() and len(value.strip()) < 19}
        missing = [value for value in values if value not in known]
        if not missing:
            return tuple(known[value] for value in values)
        found = f"none for {missing}, the first in {values[missing[0]][0]!r}"
        raise DataError("a name for every value of the masks", found, "state them as 0=background,1=road, or --ignore VALUE")
    if len(parts) != len(values):
        rarest = min(values, key=lambda value: len(values[value]))
        found = f"{len(parts)}; the rarest value is {rarest}, the first of its masks {values[rarest][0]!r}"
        remedy = f"name the values {list(values)} in this order, state --ignore VALUE, or repair the mask"
        raise DataError(f"{len(values)} names of classes", found, remedy)
    return tuple(parts)


@dataclass(frozen=True, slots=True)
class MaskFolders:
    """Folders of images, each with the folder of their masks; the same folder where only the names' endings tell them apart."""

    where: str
    folders: tuple[tuple[Path, Path], ...]

    def listed(self) -> tuple[list[tuple[str, str]], list[str]]:
        """All pairs of image and mask, and the images without a mask."""
        found = [paired(*pair) if pair[0] != pair[1] else paired_by_ending(pair[0]) for pair in self.folders]
        return [pair for pairs, _ in found for pair in pairs], [path for _, alone in found for path in alone]

    def part(self, path: str) -> Part | None:
        """The part that the first of the folders train, val, ... on the way to an image states; None without one."""
        words = Path(path).relative_to(self.where).parts[:-1]
        return next((part for word in words if (part := part_of(word)) is not None), None)


def mask_folders(root: Path, task: TaskName | None) -> MaskFolders | None:
    """The folders of images and masks in ``root``, or in its train/ and val/; None where the folders are classes.

    With ``task`` segmentation files in one folder are told apart by their endings, too. Raises :class:`DataError` for boxes or
    polygons beside images, and for another task that is stated of images beside masks.
    """
    if task == "classification" or not root.is_dir():
        return None
    tops = [root / name for name in folders_of(root) if name in ("train", "val", "valid", "validation")]
    tops = tops if (root / "train").is_dir() else [root]
    pairs = tuple(pair for top in tops if (pair := image_and_mask_folders(top, folders_of(top))) is not None)
    if len(pairs) == len(tops):
        if task not in (None, "segmentation"):
            raise DataError(f"labels for --task {task}", f"images beside masks in {str(root)!r}", "use --task segmentation")
        return MaskFolders(str(root), pairs)
    return MaskFolders(str(root), ((root, root),)) if task == "segmentation" else None


def folders_of(root: Path) -> list[str]:
    """The names of the folders in ``root``."""
    with os.scandir(root) as entries:
        return sorted(entry.name for entry in entries if entry.is_dir() and not entry.name.startswith("."))
