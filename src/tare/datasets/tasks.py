"""The task that labels show: classes, several labels a sample, measured numbers, or masks.

A folder of masks is no class, ``cat;dog`` is no class of its own, and a measured number is no class. Each is told apart here, or
asked for in one line where the data do not say.
"""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import partial
from itertools import islice, starmap
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tare.datasets.parts.folders import folders_below
from tare.datasets.parts.names import parts_beside
from tare.errors import DataError, shell_word
from tare.samples.decode import SUFFIXES
from tare.samples.records import Skipped
from tare.sources.files.image_folder import read_image, walk_files
from tare.sources.files.masks import (
    MASK_ENDINGS,
    PICTURES,
    VOLUMES,
    check_named,
    found_of,
    is_drawn,
    is_mask,
    is_mask_like,
    mask_places,
)
from tare.sources.files.picture_masks import has_few_values, read_mask
from tare.sources.places import read_bytes
from tare.tasks.names import TaskName

if TYPE_CHECKING:
    from tare.tasks.task import Texts

#: Usual names of a folder of inputs, and of a folder of what belongs to each input, in lower case without separators.
_INPUTS = frozenset(
    (
        "image", "images", "img", "imgs", "imagedata", "jpegimages", "rgb", "photo", "photos", "picture", "pictures", "frame",
        "frames", "input", "inputs", "scan", "scans", "x", "imagestr", "imagests", "imgdir", "imagedir", "leftimg8bit",
        "rawimages", "raw", "original", "originals", "patches", "tiles",
    )
)  # fmt: skip
_TARGETS = frozenset(
    (
        "mask", "masks", "label", "labels", "annotation", "annotations", "anno", "annos", "ann", "anns", "gt", "gts",
        "groundtruth", "groundtruths", "target", "targets", "seg", "segs", "segmentation", "segmentations",
        "segmentationclass", "segmentationobject", "labelmap", "labelmaps", "y", "gtfine", "gtcoarse", "anndir", "maskdir",
        "labelstr", "labelsts", "labelids", "depth", "depths", "matte", "mattes", "instances", "semantic", "boxes", "bboxes",
    )
)  # fmt: skip

_SEPARATORS = ";|,"
#: Different values from which on numbers that are not whole are measurements, and whole numbers that hardly recur are, too.
MANY = 20
#: Files that are looked at in each folder.
_LOOKED_AT = 1000
#: Masks that are read.
_READ = 3
#: Endings of files that describe boxes or polygons.
_ANNOTATIONS = frozenset((".xml", ".json", ".txt"))


class _Pair(NamedTuple):
    """A folder of inputs beside one of their masks or annotations."""

    inputs: str
    targets: str
    same: int
    of: int
    written: bool

    def __str__(self) -> str:
        pairs = f", {self.same} of {self.of} with the same name" if self.same else ""
        return f"{pairs}: {'boxes or polygons' if self.written else 'masks'} for each image"


def check_folders(root: Path, names: Sequence[str]) -> None:
    """Raise :class:`DataError` if the folders ``names`` below ``root`` are inputs beside their masks or annotations.

    The names decide; where only that of the masks is a usual one, the files must have the same names and few different values.
    """
    if (beside := _masks_beside(root)) is not None:
        raise DataError(
            "one folder per class", f"{beside}, not images of a class",
            "train on the masks with --task segmentation, or take them out",
        )  # fmt: skip
    parts = parts_among(names)
    if len(parts) > 1:
        raise DataError(
            "one folder per class", f"{parts[0]}/ beside {parts[1]}/ in {str(root)!r}, parts of the data",
            "call two of them train and val; or name the first alone, and the other with --test",
        )  # fmt: skip
    inside = folders_below(root) if len(names) > 1 and not parts else None
    if inside is not None:
        raise DataError(
            "one folder per class", f"{' and '.join(f'{name}/' for name in inside.names[:2])} in those of {str(root)!r}, parts",
            "arrange them as train/CLASS and val/CLASS, or list the files in a .csv of path,label,split",
        )  # fmt: skip
    pair = _pair(root, names)
    if pair is None:
        _check_named(root, "one folder per class", "train on the masks with --task segmentation, or take them out")
    else:
        raise DataError(
            "one folder per class",
            f"{pair.inputs}/ beside {pair.targets}/ in {str(root)!r}{pair}, not classes",
            f"detection is no task of tare transfer: score it by `tare study --evaluate`, give images a class with a .csv of "
            f"path,label or --label-pattern, or `tare measure {shell_word(root / pair.inputs)}`",
        )


def image_and_mask_folders(root: Path, names: Sequence[str]) -> tuple[Path, Path] | None:
    """The folders of images and of their masks among ``names`` below ``root``; None where there are none, or boxes instead."""
    pair = _pair(root, names)
    return None if pair is None or pair.written else (root / pair.inputs, root / pair.targets)


def check_one_kind(root: Path, masked: bool = False) -> None:
    """Raise :class:`DataError` if a folder holds images beside their masks, which are no samples of the same kind.

    With ``masked`` the user has said which files are masks by the endings of their names.
    """
    if not masked and (beside := _masks_beside(root)) is not None:
        ending = Path(beside.mask).name.removeprefix(Path(beside.image).stem)
        command = f"tare measure {shell_word(root)} --mask={shell_word(ending)}"
        works = _are_found(str(root), ending)
        remedy = f"take the masks out{f', or measure only the foreground: {command}' if works else ''}"
        raise DataError("images of one kind", f"{beside}: masks for each image", remedy)
    with os.scandir(root) as entries:
        names = sorted(entry.name for entry in entries if entry.is_dir() and not entry.name.startswith("."))
    pair = _pair(root, names)
    if pair is not None and not pair.written:
        inputs, masks = root / pair.inputs, root / pair.targets
        command = f"tare measure {shell_word(inputs)}"
        works = _are_found(str(inputs), str(masks))
        remedy = f", or only its foreground: {command} --mask {shell_word(masks)}" if works else f": {command}"
        found = f"{pair.inputs}/ beside {pair.targets}/ in {str(root)!r}{pair}"
        raise DataError("images of one kind", found, f"measure {inputs} alone{remedy}")
    if not masked:
        _check_named(root, "images of one kind", "take the masks out, or measure only the foreground with --mask")


def _are_found(root: str, masks: str) -> bool:
    """Whether ``--mask`` finds a mask for each image or volume below ``root``, as far as they are looked at."""
    files = [str(path) for path in _looked_at(Path(root)) if not is_mask(str(path), masks)]
    volumes = [file for file in files if file.endswith(VOLUMES)]
    named = volumes or [file for file in files if os.path.splitext(file)[1].lower() in SUFFIXES]
    found = [found_of(mask_places(file, masks, root, VOLUMES if volumes else PICTURES)) for file in named]
    pairs = [(file, mask) for file, mask in zip(named, found, strict=True) if mask is not None]
    return bool(pairs) and len(pairs) == len(named) and (bool(volumes) or all(starmap(_belongs, pairs[:_READ])))


def _belongs(image: str, place: str) -> bool:
    """Whether a mask can be read, has few values or areas, and the size of its image."""
    values, mask = read_image(image, "stored"), read_mask(place)
    if isinstance(values, Skipped) or isinstance(mask, Skipped):
        return False
    return values.shape[:2] == mask.values.shape[:2] and is_mask_like(mask.values)


def _check_named(root: Path, expected: str, remedy: str) -> None:
    pictures = (path for path in walk_files(root) if os.path.splitext(path)[1].lower() in SUFFIXES)
    check_named(str(root), pictures, lambda path: is_drawn(partial(read_bytes, path)), remedy, expected)


def parts_among(names: Sequence[str]) -> list[str]:
    """Those of the folders' names that name a part of a dataset, such as train or val."""
    return [*parts_beside(names)]


class _Beside(NamedTuple):
    """Masks in one folder with their images: the first of both, and how many of how many images have one."""

    image: str
    mask: str
    masks: int
    of: int

    def __str__(self) -> str:
        return f"{self.mask!r} beside {self.image!r}, and so for {self.masks} of {self.of} images"


def _masks_beside(root: Path) -> _Beside | None:
    """Files named as images of the same folder with the ending of a mask, and of few values; None unless most images have one."""
    images = {path.with_suffix(""): path for path in sorted(_some_files(root)) if path.suffix.lower() in SUFFIXES}
    masks = {
        images[stem]: images[image]
        for stem in images
        for ending in MASK_ENDINGS
        if stem.name.endswith(ending) and (image := stem.with_name(stem.name.removesuffix(ending) or "-")) in images
    }
    number = len(images) - len(masks)
    if not masks or len(masks) < 0.8 * number or not _have_few_values(masks):
        return None
    mask, image = next(iter(masks.items()))
    return _Beside(str(image), str(mask), len(masks), number)


def _pair(root: Path, names: Sequence[str]) -> _Pair | None:
    inputs, targets = ([name for name in names if _plain(name) in usual] for usual in (_INPUTS, _TARGETS))
    beside = next((name for name in inputs or names if targets and name != targets[0]), None)
    if beside is None or len(names) > 4:
        return None
    same, of = _shared(root / beside, root / targets[0])
    written = bool({path.suffix.lower() for path in _looked_at(root / targets[0])} & _ANNOTATIONS)
    named = any(len(name) > 1 for name in inputs)  # "x" beside "y" may be letters
    drawn = _few_values(root / targets[0]) and not _few_values(root / beside)
    if not named and (same < max(1, 0.8 * of) or not (written or drawn)):
        return None  # "mask" beside "no_mask" are two classes
    return _Pair(beside, targets[0], same, of, written)


def task_found(stated: TaskName | None, columns: Sequence[str], rows: Sequence[Texts], name: str) -> tuple[TaskName, str]:
    """The task that is stated, or that the texts of the ``columns`` of labels show, and a remark on what was found.

    Raises :class:`DataError` where the labels do not say: whole numbers that hardly recur, columns of different kinds, and
    images that are labelled beside their masks.
    """
    if stated is not None:
        return stated, ""
    if len(columns) > 1:
        return _of_columns(columns, rows, name)
    counts = Counter(row[0] for row in rows)
    lists = _lists(counts)
    if lists:
        number = sum(counts[label] for label in lists)
        many = f"several labels in one text, such as {lists[0]!r}, for {number} of {len(rows)} samples"
        return "multi-label", f"{many}: --task multi-label"
    numbers = f"numbers with {len(counts)} different values for {len(rows)} samples"
    measured = _measured(counts)
    if measured is not None and not _is_whole(measured):
        return "regression", f"{numbers}, such as {measured}: --task regression"
    if measured is not None:
        raise DataError(
            "labels that are plainly classes or plainly measurements",
            f"whole {numbers} in {name!r}, such as {measured}",
            "state --task regression or --task classification",
        )
    words = {_plain(label) for label in counts if len(label) > 1}
    if len(words) <= 4 and words & _INPUTS and words & _TARGETS:
        raise DataError(
            "a label for each sample",
            f"the labels {', '.join(sorted(counts))} in {name!r}: images beside their masks or annotations, not classes",
            "state the classes with --label or --label-pattern",
        )
    return "classification", ""


def _of_columns(columns: Sequence[str], rows: Sequence[Texts], name: str) -> tuple[TaskName, str]:
    found = {text for row in rows for text in row}
    named = f"{len(columns)} columns of labels"
    if {text.lower() for text in found} <= {"0", "1", "true", "false"}:
        return "multi-label", f"{named} of 0 and 1: --task multi-label"
    if all(map(is_number, found)):
        return "regression", f"{named} of numbers: --task regression"
    example = next(text for text in sorted(found) if not is_number(text))
    raise DataError(
        "columns of labels that are all numbers, or all 0 and 1",
        f"{example!r} in one of {', '.join(columns)} of {name!r}",
        "state one column of classes with --label, or columns of numbers",
    )


def is_number(text: str) -> bool:
    """Whether Python reads a text as a number."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def _is_whole(text: str) -> bool:
    return float(text) == int(float(text))


def _lists(counts: Counter[str]) -> list[str]:
    """Labels that are lists of classes; a name such as 'tench, Tinca tinca' is none, since its parts name nothing else."""
    bracketed = sorted(label for label in counts if label[:1] in ("[", "{") and label[-1:] in ("]", "}") and "," in label)
    if bracketed:
        return bracketed
    for separator in _SEPARATORS:
        split = {label: [part.strip() for part in label.split(separator)] for label in counts}
        several = sorted(label for label, parts in split.items() if len(parts) > 1 and all(parts))
        if not several:
            continue
        named = Counter(part for parts in split.values() for part in {*parts})
        recurring = sum(any(named[part] > 1 for part in split[label]) for label in several)
        if separator != "," or 2 * recurring >= len(several):
            return several
    # "polar bear" is one class; "cat dog" beside "cat" and "dog" is two.
    return sorted(label for label in counts if len(words := label.split()) > 1 and all(word in counts for word in words))


def _measured(counts: Counter[str]) -> str | None:
    """An example of labels that are numbers and have too many different values for classes; None for classes."""
    try:
        values = {label: float(label) for label in counts}
    except ValueError:
        return None
    if not all(map(math.isfinite, values.values())):
        return None
    broken = sorted(label for label, value in values.items() if value != int(value))
    hardly_recur = 2 * len(counts) > counts.total()
    if broken and len(counts) > 1 and (len(counts) > MANY or hardly_recur):
        return broken[0]
    return min(counts) if len(counts) > MANY and hardly_recur else None


def _plain(name: str) -> str:
    return "".join(sign for sign in name.lower() if sign.isalnum())


def _shared(inputs: Path, targets: Path) -> tuple[int, int]:
    """Number of files of ``inputs`` that have one of the same name in ``targets``, endings apart, and of those looked at."""
    ours, theirs = _stems(inputs), _stems(targets)
    theirs |= {stem.rpartition(sign)[0] for stem in theirs for sign in "_-"}  # 7_mask belongs to 7
    return len(ours & theirs), len(ours)


def _stems(folder: Path) -> set[str]:
    return {path.stem for path in _looked_at(folder)}


def _few_values(folder: Path) -> bool:
    """Whether the first images of a folder have few different values, as masks have."""
    return _have_few_values(_files(folder))


def _have_few_values(paths: Iterable[Path]) -> bool:
    read = [read_image(str(path), "stored") for path in islice(paths, _READ)]
    images = [values for values in read if not isinstance(values, Skipped)]
    return bool(images) and all(map(has_few_values, images))


def _some_files(root: Path) -> list[Path]:
    """Files of the first folders below ``root``, of none all if it holds very many: a million names take seconds to list."""
    found: list[Path] = []
    held = [root]
    while held and len(found) < _LOOKED_AT:
        try:
            with os.scandir(held.pop(0)) as entries:
                listed = [(entry.is_dir(follow_symlinks=False), Path(entry.path)) for entry in islice(entries, 10 * _LOOKED_AT)]
        except OSError:  # a folder that cannot be listed is refused where it is walked
            continue
        held += sorted(path for is_folder, path in listed if is_folder)
        found += [path for is_folder, path in listed if not is_folder]
    return found


def _looked_at(folder: Path) -> Iterable[Path]:
    return islice(_files(folder), _LOOKED_AT)


def _files(folder: Path) -> Iterable[Path]:
    for place, folders, files in os.walk(folder):
        folders.sort()
        yield from (Path(place) / name for name in sorted(files))
