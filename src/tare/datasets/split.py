"""Labelled samples as training and validation split: a folder with one folder per class, or any source with labels."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from tare.datasets.files import LabelledDicom, LabelledFile, LabelledItem, LabelledRaster, LabelledRecording
from tare.datasets.masks.pairs import MaskFolders, check_pairs, class_names, files_of, mask_folders, values_of
from tare.datasets.opening import open_labelled, open_samples
from tare.datasets.options import LabelOptions
from tare.datasets.parts.names import are_parts, parts_remark
from tare.datasets.parts.opening import pooled_folders
from tare.datasets.samples import LabelledSamples, check_twins, twin_remarks
from tare.datasets.tasks import MANY, check_folders, is_number, task_found
from tare.datasets.volumes.files import LabelledClip, LabelledVolume, dicom_remarks, files_below
from tare.errors import DataError
from tare.input_spec.geometry import NOUNS, SampleKind
from tare.samples.clip_frames import ClipFrames
from tare.samples.decode import SUFFIXES, image_format
from tare.samples.records import Skipped
from tare.samples.sound.coded import SUFFIXES as SOUNDS
from tare.samples.sound.front_end import FrontEnd
from tare.samples.sound.wav import is_wav
from tare.sources.files.each import left_out_remark
from tare.sources.files.image_folder import claims_or_is, folders_in, open_image_folder, walk_files
from tare.sources.places import is_url, parted
from tare.sources.rasters.tags import scene_kind
from tare.sources.streams.video import SUFFIXES as VIDEOS
from tare.sources.volumes.dicom_whole import is_named_dicom
from tare.sources.volumes.sniffing import is_dicom
from tare.tasks.names import TaskName
from tare.tasks.table import TASKS
from tare.tasks.task import Target

#: What a network takes of a file: the values of its front end for sound, or some frames of a video.
Taken = FrontEnd | ClipFrames

_VALIDATION_NAMES = ("val", "valid", "validation")
_SUFFIXES = {"image": SUFFIXES, "signal": SOUNDS, "vector": frozenset[str](), "sound": SOUNDS}


@dataclass(frozen=True, slots=True)
class Split:
    """Training and validation files, the names of their classes, and the ``origin`` of the split in words.

    For a ``task`` other than classification ``classes`` are the names of its outputs, such as the targets of a regression.
    ``channel_names`` are the columns of a table, or None; ``remarks`` say what was assumed or left out; ``taken`` is what is
    taken of each file.
    """

    classes: tuple[str, ...]
    train: tuple[LabelledFile, ...]
    val: tuple[LabelledFile, ...]
    origin: str
    kind: SampleKind = "image"
    channel_names: tuple[str, ...] | None = None
    remarks: tuple[str, ...] = ()
    task: TaskName = "classification"
    taken: Taken | None = None

    @property
    def has_classes(self) -> bool:
        """Whether every sample has one class."""
        return self.task == "classification" and len(self.classes) > 1

    def without_targets(self) -> Split:
        """The same samples as one class with an empty name, for work without labels."""
        train, val = (tuple(replace(file, label=0) for file in part) for part in (self.train, self.val))
        return replace(self, classes=("",), train=train, val=val, task="classification")

    def without(self, unreadable: Sequence[Skipped]) -> Split:
        """Return the split without unreadable files."""
        bad = {item.path for item in unreadable}
        train, val = (tuple(file for file in part if file.path not in bad) for part in (self.train, self.val))
        return _checked(replace(self, train=train, val=val), "the readable files")


def read_split(
    root: Path,
    seed: int,
    val_share: float = 0.2,
    kind: SampleKind = "image",
    *,
    bands: Sequence[str] | None = None,
    taken: Taken | None = None,
    known: Sequence[str] | None = None,
) -> Split:
    """List ``root`` as ``train/CLASS/...`` and ``val/CLASS/...``, or as ``CLASS/...`` split by ``seed`` within each class.

    The files are images, or recordings for signals and for a ``front`` end. ``bands`` chooses and orders the bands of rasters,
    else ``known`` does, which are those that the network was trained on.
    Raises :class:`DataError` for fewer than two classes, or a class without a training or validation sample.
    """
    open_image_folder(root)
    train = root / "train"
    if not train.is_dir():
        names = class_folders(root, kind)
        whole = Split(names, labelled_files(root, names, kind, taken), (), str(root), kind, taken=taken)
        return _with_remarks(_listing(_banded(_held_out(whole, seed, val_share), bands, known), root))
    val = next((root / name for name in _VALIDATION_NAMES if (root / name).is_dir()), None)
    if val is None:
        raise DataError(
            f"a folder val/ beside {str(train)!r}", "none", "add it, or name a folder that holds the classes themselves"
        )
    names = class_folders(train, kind)
    strangers = sorted(set(class_folders(val, kind)) - set(names))
    if strangers:
        raise DataError(
            f"the classes of {str(val)!r} among those of {str(train)!r}", f"{strangers[0]!r} only in validation", "move it"
        )
    origin = f"{train.name}/ and {val.name}/ of {str(root)!r}"
    first, second = (labelled_files(folder, names, kind, taken) for folder in (train, val))
    whole = _checked(Split(names, first, second, origin, kind, taken=taken), str(root))
    return _with_remarks(_listing(_banded(whole, bands, known), root))


def _listing(split: Split, root: Path) -> Split:
    """The split with a remark on the files below ``root`` that are in none of its parts."""
    used = {path for part in (split.train, split.val) for file in part for path in (file.path, *getattr(file, "others", ()))}
    others = [path for path in walk_files(root) if path not in used]
    found = (_unnamed_remark(split, len(others)), left_out_remark(others, str(root)))
    return replace(split, remarks=(*split.remarks, *filter(None, found)))


def _unnamed_remark(split: Split, left_out: int) -> str:
    """A sentence on the files whose names do not say that they are samples, but which begin as samples do; empty without any."""
    known = _SUFFIXES.get(split.kind, frozenset())
    files = [file.path for part in (split.train, split.val) for file in part if not isinstance(file, LabelledDicom)]
    unnamed = sum(os.path.splitext(path)[1].lower() not in known for path in files) if known else 0
    if not unnamed:
        return ""
    rest = "" if left_out else "; no file is left out"
    return f"{unnamed:,} of {len(files):,} files have no suffix of {NOUNS[split.kind]} and are read by how they begin{rest}"


def _with_remarks(split: Split) -> Split:
    check_twins(split.classes, split.origin)
    split = replace(split, remarks=(*split.remarks, *twin_remarks(split.classes)))
    parts = [[file.path for file in part if isinstance(file, LabelledDicom)] for part in (split.train, split.val)]
    return replace(split, remarks=(*split.remarks, *dicom_remarks(*parts))) if any(parts) else split


def _banded(split: Split, bands: Sequence[str] | None, known: Sequence[str] | None = None) -> Split:
    """The split with its georeferenced rasters read by the names of their bands, wherever each file stores them.

    They are ``bands``, else the ``known`` ones of the network, else those of the first readable raster. Pictures stay pictures:
    rasters of one band, or of three that are named as colours or not at all.

    Raises :class:`DataError` for ``bands`` of files that name none, and for a band that is not there.
    """
    if split.kind != "image":
        return split
    stated = bands if bands is not None else known
    chosen = None if stated is None else tuple(stated)
    rasters = {file.path for part in (split.train, split.val) for file in part if scene_kind(file.path) == "geo"}
    stranger = next((file.path for part in (split.train, split.val) for file in part if file.path not in rasters), None)
    if stranger is not None and bands is None:
        split = _in_order_of(split, known)
    if not rasters and bands is None:
        return split
    if bands is not None and stranger is not None:
        raise DataError("georeferenced rasters, whose bands have names, for --bands", f"{stranger!r}", "leave --bands out")
    from tare.sources.rasters.georeferenced import are_of_picture, in_colour_order, tile_bands, unlike_picture

    try:
        names = next((found for file in split.train if file.path in rasters and (found := tile_bands(file.path, chosen))), None)
    except DataError as error:
        if chosen == bands or chosen is None:
            raise
        lacking = f"{error.found}, which has {error.expected.removeprefix('one of the bands ')}"
        expected, remedy = f"the bands of the network, {', '.join(chosen)}", "choose them in this order with --bands"
        raise DataError(expected, lacking, remedy) from None
    if chosen is None and names is not None:  # colours are those of a picture, in whichever order they are stored
        names = in_colour_order(names) or names
    read = dict.fromkeys(rasters, chosen or names)
    if chosen is None and names is not None and (are_of_picture(names) or (len(names) == 3 and stranger is not None)):
        unlike = {path: unlike_picture(path) for path in rasters}
        read = {path: names if named and len(names) > 1 else None for path, (other, named) in unlike.items() if other or named}
        names = None
    train, val = (
        tuple(LabelledRaster(f.path, f.label, read[f.path]) if f.path in read else f for f in part)
        for part in (split.train, split.val)
    )
    return replace(split, train=train, val=val, channel_names=names)


def _in_order_of(split: Split, known: Sequence[str] | None) -> Split:
    """The split with a remark that channels without names stand for the ``known`` bands of the network."""
    if known is None or split.kind != "image":
        return split
    return replace(split, remarks=(*split.remarks, nameless_remark(known)))


def nameless_remark(bands: Sequence[str]) -> str:
    """A sentence on channels without names that are fed to a network of named ``bands``."""
    return f"channels without names are taken to be the bands of the network, {', '.join(bands)}, in this order"


def unasked_remark(paths: Iterable[str]) -> str:
    """A sentence on bands with names that are fed to a network of channels without any: those of the first TIFF; "" for none."""
    path = next((path for path in paths if path.lower().endswith((".tif", ".tiff"))), None)
    if path is None or scene_kind(path) != "geo":
        return ""
    from tare.sources.rasters.georeferenced import are_of_picture, in_colour_order, tile_bands

    names = tile_bands(path)
    if names is None or are_of_picture(in_colour_order(names) or names):
        return ""
    return f"bands are taken in their order, {', '.join(names)} in {path!r}: the network was trained on channels without names"


def open_split(
    labelled: LabelOptions,
    seed: int,
    kind: SampleKind = "image",
    taken: Taken | None = None,
    known: Sequence[str] | None = None,
) -> Split:
    """Split labelled samples of ``kind``: a folder by :func:`read_split`, other data by :func:`open_labelled`.

    ``taken`` is what the network takes of each file: the values of a front end for sound, or some frames of a video. ``known``
    are the bands that it was trained on, by which rasters are read unless others are chosen.

    The validation samples are those of the data if it holds any, else a fifth of each class, chosen by ``seed``.
    Raises :class:`DataError` for data without labels or of another kind.
    """
    data = labelled.data
    if isinstance(data, str | os.PathLike) and not labelled.names_places and not is_other_source(data):
        if (pairs := mask_folders(Path(data), labelled.task)) is not None:
            return _banded(_masked(pairs, labelled, seed), labelled.bands, known)
        _check_folder_task(labelled.task, str(data))
        return read_split(Path(data), seed, kind=kind, bands=labelled.bands, taken=taken, known=known)
    if labelled.bands is not None:
        raise DataError("a folder of rasters for --bands", f"{labelled.name!r}", "choose the channels in the data")
    _check_heard(data, kind)
    opened = open_labelled(data, labelled.of_source(taken), labelled.label, labelled.label_pattern)
    train, val = (None if samples is None else samples.of_kind(kind) for samples in opened)
    assert train is not None  # noqa: S101 - only validation samples may be absent
    task, remark = task_found(labelled.task, train.columns, train.texts, train.name)
    read = TASKS[task].read
    names, targets = read(train.columns, [*train.texts, *(val.texts if val is not None else ())], train.name)
    twins = twin_remarks(names) if task == "classification" else ()
    remarks = (*train.remarks, *((remark,) if remark else ()), *twins)
    whole = _in_order_of(
        Split(names, items_of(train, targets), (), train.name, kind, train.channel_names, remarks, task, taken), known
    )
    if val is None:
        return _held_out(whole, seed, 0.2)
    both = replace(whole, val=items_of(val, targets[len(train) :]), origin=f"{train.name} and {val.name}")
    _check_strangers(both, val.name)
    return _checked(both, train.name)


def _masked(pairs: MaskFolders, labelled: LabelOptions, seed: int) -> Split:
    """The split of images with masks: by folders train and val, else a fifth of the images for validation."""
    found, alone = pairs.listed()
    check_pairs(found, alone, pairs.where)
    known = values_of([mask for _, mask in found], labelled.ignore, pairs.where)
    names, values = class_names(known.masks, labelled.class_names), [*known.masks]
    files = files_of(found, values, labelled.ignore)
    remark = f"{len(files)} images with masks of the values {', '.join(map(str, values))}: --task segmentation"
    stated = [pairs.part(image) for image, _ in found]
    said: tuple[str, ...] = ()
    if are_parts(stated):
        train, val = (tuple(file for file, part in zip(files, stated, strict=True) if part == one) for one in ("train", "val"))
        said = (parts_remark(f"the folders in {pairs.where!r}", stated),)
    else:
        train, val = files, ()
    used = {path for pair in found for path in pair}
    others = left_out_remark([path for path in walk_files(Path(pairs.where)) if path not in used], pairs.where)
    remarks = (remark, *known.remarks(len(found), labelled.ignore), *said, *filter(None, [others]))
    whole = Split(names, train, (), pairs.where, "image", None, remarks, "segmentation")
    if not val:
        return _held_out(whole, seed, 0.2)
    return _checked(replace(whole, val=val, origin=f"train/ and val/ of {pairs.where!r}"), pairs.where)


def _check_strangers(split: Split, where: str) -> None:
    """Raise :class:`DataError` for a class that only the validation samples have."""
    if split.task != "classification":
        return
    known = {file.label for file in split.train}
    strange = sorted(split.classes[int(file.label)] for file in split.val if file.label not in known)  # type: ignore[arg-type]
    if strange:
        found = f"{strange[0]!r} only in validation"
        raise DataError(
            f"the classes of {where!r} among those of {split.origin.partition(' and ')[0]!r}", found, "check the labels"
        )


def _check_heard(data: object, kind: SampleKind) -> None:
    """Raise :class:`DataError` for a file of arrays where a network hears recordings: no layout of them would do."""
    if kind == "sound" and isinstance(data, str | os.PathLike) and os.fspath(data).lower().endswith((".npy", ".npz")):
        found = f"arrays in {os.fspath(data)!r}"
        raise DataError("recordings, which the network's front end takes", found, "name the recordings")


def _check_folder_task(task: TaskName | None, name: str) -> None:
    """Raise :class:`DataError` for a task that a folder with a folder per class cannot be of."""
    if task not in (None, "classification"):
        remedy = "name a table or manifest with --label COLUMN, or an .npz of arrays"
        raise DataError(f"labels for --task {task}", f"the folder {name!r}, whose folders name one class a sample", remedy)


def without_labels(labelled: LabelOptions, kind: SampleKind, taken: Taken | None = None) -> Split:
    """All samples of ``kind`` as training samples of one class with an empty name, for work without labels.

    Raises :class:`DataError` for data that cannot be read, or of another kind.
    """
    _check_heard(labelled.data, kind)
    if kind == "volume" and isinstance(labelled.data, str | os.PathLike) and not is_other_source(labelled.data):
        return _whole_folder(Path(labelled.data))
    samples = open_samples(labelled.data, labelled.of_source(taken), labelled.label, labelled.label_pattern).of_kind(kind)
    return Split(("",), items_of(samples, [0] * len(samples)), (), samples.name, kind, samples.channel_names, samples.remarks)


def _whole_folder(root: Path) -> Split:
    """All volumes below a folder, whatever part or class they are of."""
    files = labelled_files(root, ("",), "volume")
    if not files:
        raise DataError("at least one volume", f"none in {str(root)!r}", "check the path")
    remarks = tuple(filter(None, [pooled_folders(root)]))
    return _listing(Split(("",), files, (), str(root), "volume", remarks=remarks), root)


def items_of(samples: LabelledSamples, targets: Sequence[Target]) -> tuple[LabelledFile, ...]:
    """Each of the samples with its target."""
    return tuple(LabelledItem(f"{samples.name}[{index}]", targets[index], samples, index) for index in range(len(samples)))


def is_other_source(data: str | os.PathLike[str]) -> bool:
    """Whether a path is a file, a URL, a pattern or a folder of shards, instead of a folder of images."""
    place = parted(os.fspath(data), None)[0]
    path = Path(place)
    if not path.is_dir() or path.suffix.lower() == ".zarr":
        return os.path.lexists(place) or is_url(place) or "*" in place
    return any(entry.name.lower().endswith((".tar", ".tar.gz", ".tgz", ".parquet", ".arrow")) for entry in os.scandir(path))


def _held_out(whole: Split, seed: int, val_share: float) -> Split:
    """Move a share of each class's files from training to validation."""
    generator = np.random.default_rng(seed)
    train: list[LabelledFile] = []
    val: list[LabelledFile] = []
    by_class = TASKS[whole.task].stratifies
    groups = [[file for file in whole.train if file.label == label] for label in range(len(whole.classes))] if by_class else []
    for members in groups or [list(whole.train)]:
        order = generator.permutation(len(members))
        held = max(1, round(len(members) * val_share)) if len(members) > 1 else 0
        val += [members[i] for i in sorted(order[:held])]
        train += [members[i] for i in sorted(order[held:])]
    what = "each class" if by_class else "the samples"
    origin = f"{whole.origin!r}, {val_share:.0%} of {what} held out by seed {seed}"
    return _checked(replace(whole, train=tuple(train), val=tuple(val), origin=origin), whole.origin)


def class_folders(root: Path, kind: SampleKind) -> tuple[str, ...]:
    """The names of the folders in ``root`` that hold a file of ``kind``, in order."""
    names = folders_in(root)
    check_folders(root, names)
    return tuple(name for name in names if next(_files(root / name, kind, root), None) is not None)


def labelled_files(root: Path, names: Sequence[str], kind: SampleKind, taken: Taken | None = None) -> tuple[LabelledFile, ...]:
    """The files of the folders ``names`` below ``root``, each labelled with the place of its folder among the names."""
    made = _made(kind, taken)
    return tuple(made(files, label) for label, name in enumerate(names) for files in _files(root / name, kind, root))


def _made(kind: SampleKind, taken: Taken | None) -> Callable[[tuple[str, ...], int], LabelledFile]:
    """What labels the files of one sample of a kind, read as the network takes it."""
    if isinstance(taken, ClipFrames):
        return lambda files, label: LabelledClip(files[0], label, taken)
    if kind == "volume":
        return lambda files, label: LabelledVolume(files[0], label, files[1:])
    if kind in ("signal", "sound"):
        front = taken if isinstance(taken, FrontEnd) else None
        return lambda files, label: LabelledRecording(files[0], label, front)
    return lambda files, label: (LabelledDicom if is_named_dicom(files[0]) else LabelledFile)(files[0], label)


def _files(folder: Path, kind: SampleKind, root: Path) -> Iterator[tuple[str, ...]]:
    """The files of each sample below a folder of ``root``."""
    if kind in ("volume", "clip"):
        return files_below(folder, kind, root)
    if not folder.is_dir():
        return iter(())
    return ((path,) for path in walk_files(folder, root) if _is_of(path, kind))


def _is_of(path: str, kind: SampleKind) -> bool:
    """Whether a file is a sample of a kind, as ``tare measure`` counts it: by the ending of its name, or by how it begins."""
    if kind == "vector":
        return False
    recognises = image_format if kind == "image" else is_wav
    return claims_or_is(path, _SUFFIXES[kind], recognises) or (kind == "image" and is_named_dicom(path))


def _stranger(root: Path) -> tuple[str, str] | None:
    """What the first file below a folder is, if it is no image, and what of it could be one."""
    first = next(walk_files(root), "") if root.is_dir() else ""
    if first.lower().endswith((".nii", ".nii.gz")) or (first != "" and is_dicom(first)):
        return "volumes (NIfTI or DICOM)", "slices"
    return ("video", "frames") if os.path.splitext(first)[1].lower() in VIDEOS else None


def _checked(split: Split, where: str) -> Split:
    noun = NOUNS[split.kind]
    if split.task != "classification":
        if len(split.train) < 2 or not split.val:
            found = f"{len(split.train)} and {len(split.val)} in {where!r}"
            raise DataError(f"at least two training {noun} and one for validation", found, f"add {noun}")
        return split
    if not split.classes:
        kind = _stranger(Path(where))
        if kind is not None and split.kind in ("image", "signal", "vector", "sound"):
            said, part = kind
            remedy = f"name a network whose first layer is 3-D, or write {part} as images; `tare measure` takes them"
            raise DataError(f"{noun} in one folder per class", f"{said} below {where!r}", remedy)
        remedy = {
            "image": "arrange them as FOLDER/CLASS/IMAGE",
            "signal": "arrange them as FOLDER/CLASS/NAME.wav, or find the class in each path with --label-pattern",
            "vector": "name a table or an archive of arrays",
            "volume": "arrange them as FOLDER/CLASS/NAME.nii.gz, or FOLDER/CLASS/SERIES/ for the slices of DICOM",
            "clip": "arrange them as FOLDER/CLASS/NAME.mp4",
            "sound": "arrange them as FOLDER/CLASS/NAME.wav, or find the class in each path with --label-pattern",
        }[split.kind]
        raise DataError(f"{noun} in one folder per class", f"none below {where!r}", remedy)
    if len(split.classes) < 2:
        inner = Path(where) / split.classes[0]
        remedy = "add a folder for another class" if split.kind == "image" else "add samples of another class"
        if inner.is_dir() and sum(entry.is_dir() for entry in inner.iterdir()) > 1:  # an archive unpacked into its own folder
            remedy = f"did you mean {str(inner)!r}?"
        raise DataError("at least two classes", f"only {split.classes[0]!r} in {where!r}", remedy)
    for part, files in (("training", split.train), ("validation", split.val)):
        counts = Counter(file.label for file in files)
        empty = [name for label, name in enumerate(split.classes) if not counts[label]]
        if empty:
            found = f"none of {empty[0]!r} in {where!r}"
            numbers = len(split.classes) > MANY and all(is_number(name) for name in split.classes)
            remedy = f"learn the {len(split.classes)} numbers with --task regression, " if numbers else ""
            raise DataError(
                f"at least one {part} {noun.removesuffix('s')} of every class", found, f"{remedy}add {noun} or drop the class"
            )
    return split
