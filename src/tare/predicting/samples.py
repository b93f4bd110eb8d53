"""What a trained model is asked to answer: samples by name, each read and brought to the network's size."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from numpy.typing import NDArray

from tare.checking.gate import RAW_KIND, allowed_codes
from tare.datasets.files import coloured, facts_of, read_named
from tare.datasets.image_batches import UnsizableError, as_taken, evaluation_transform
from tare.datasets.samples import LabelledSamples
from tare.datasets.split import nameless_remark, unasked_remark
from tare.errors import DataError, ResourceError, TareError, reason_of
from tare.input_spec.geometry import Geometry, RowGeometry, VolumeGeometry
from tare.measuring.stated.axes import axes_in, untrained_axes
from tare.networks.stored.trained import TrainedModel
from tare.predicting.number_inputs import NumberInput, failed, number_inputs, tensor_of
from tare.predicting.stored import is_array, is_store, samples_in
from tare.samples.decode import SUFFIXES, image_format
from tare.samples.layout import are_unnamed
from tare.samples.modes import ColourMode
from tare.samples.records import Skipped
from tare.sources.files.each import left_out_remark
from tare.sources.files.image_folder import claims_or_is
from tare.sources.named_files import image_paths
from tare.sources.volumes.dicom_whole import is_named_dicom

#: A sample as the network takes it, or why it cannot be read.
TensorOrSkipped = torch.Tensor | Skipped


@dataclass(frozen=True, slots=True)
class Read:
    """A sample as the network takes it, and height and width of the image that it was; None for other samples."""

    values: torch.Tensor
    size: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class NamedInputs:
    """What is to be answered, by name, and how each is read as the network takes it."""

    names: tuple[str, ...]
    load: Callable[[int], Read | Skipped]
    remarks: tuple[str, ...] = ()


def inputs_of(
    trained: TrainedModel,
    named: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    allow: Sequence[str] = (),
    layout: str | None = None,
) -> NamedInputs:
    """The samples that the user ``named``: image files and those of stores, or recordings, volumes and the rows of tables.

    An image of another type than those of training is answered only if ``allow`` has TARE090, its finding.
    """
    words = _words(named)
    if layout is not None and words and not any(map(is_store, words)):
        raise DataError("arrays for --layout, in a file such as .npy or .h5", f"{words[0]!r}", "leave it out")
    takes = trained.model.takes
    if isinstance(takes, Geometry):
        return _images(trained, words, layout, any_kind=RAW_KIND in allowed_codes(allow))
    left_out = _LeftOut()
    channels = trained.model.network.channels
    items = number_inputs(takes, words, left_out, channels=channels, layout=layout)
    names = tuple(item.name for item in items)

    def load(index: int) -> Read | Skipped:
        found = tensor_of(items[index], takes, channels)
        return found if isinstance(found, Skipped) else Read(found)

    trained_on = axes_in([(takes.axes, "")]) if isinstance(takes, VolumeGeometry) else {}
    other = untrained_axes(trained_on, axes_in((item.facts(), item.name) for item in items) if trained_on else {})
    told = _nameless(names, takes.columns) if isinstance(takes, RowGeometry) else ()
    return NamedInputs(names, load, (*left_out.remarks, *other, *told))


def _nameless(names: Sequence[str], columns: tuple[str, ...]) -> tuple[str, ...]:
    """A remark on rows of arrays, whose columns have no names, for a network of columns that have."""
    place = next((name for name in names if is_array(name.rpartition("[")[0])), None)
    if place is None or are_unnamed(columns):
        return ()
    return (f"columns without names are taken to be those of training, {', '.join(columns)}, in this order: {place!r}",)


def _words(named: Any) -> list[str]:
    """The paths as texts. Raises :class:`DataError` for other objects: a table's columns and a mapping's keys are no paths."""
    listed = [named] if isinstance(named, str | os.PathLike) else named
    if isinstance(listed, Iterable) and not isinstance(listed, Mapping | bytes) and not hasattr(listed, "shape"):
        words = list(listed)
        if all(isinstance(word, str | os.PathLike) for word in words):
            return [os.fspath(word) for word in words]
    found = f"an object of type {type(named).__name__!r}"
    raise DataError("the paths of samples", found, "write arrays and tables to a file, for example .npy or .csv")


def _images(trained: TrainedModel, words: Sequence[str], layout: str | None, *, any_kind: bool) -> NamedInputs:
    """Images, each read and brought to the network's size, or the reason why it cannot be."""
    model = trained.model
    takes = model.takes.raw_dtype
    transform = evaluation_transform(model.geometry, model.normalisation.border(takes))
    left_out = _LeftOut()
    items = list(_named_images(trained, words, left_out, layout))
    bands = trained.model.geometry.bands
    told = [] if bands is not None else [*filter(None, [unasked_remark(item.name for item in items)])]
    if trained_on := axes_in([(model.geometry.axes, "")]):
        told += untrained_axes(trained_on, axes_in((item.facts(), item.name) for item in items))

    def load(index: int) -> Read | Skipped:
        item = items[index]
        try:
            values = item.read()
            if isinstance(values, Skipped):
                return values
            if values.dtype.name != takes and not any_kind:
                reason = f"{values.dtype.name} values, and the network was trained on {takes} ones ({RAW_KIND})"
                return Skipped(item.name, reason)
            if values.shape[-1] != model.network.channels:
                return Skipped(item.name, f"{values.shape[-1]} channels, and the network takes {model.network.channels}")
            return Read(transform(as_taken(values)), (values.shape[0], values.shape[1]))
        except UnsizableError as error:
            return Skipped(item.name, error.found)
        except (ValueError, RuntimeError, MemoryError) as error:  # a name with a NUL in it; pixels that cannot be resized
            return Skipped(item.name, reason_of(error) or type(error).__name__)

    return NamedInputs(tuple(item.name for item in items), load, (*left_out.remarks, *told))


def _is_image(path: str) -> bool:
    """Whether a file of a folder is an image by its content, as every command counts it, or DICOM."""
    return is_named_dicom(path) or claims_or_is(path, SUFFIXES, image_format)


class _LeftOut:
    """The files of each folder that are no samples, and what stores say of theirs."""

    def __init__(self) -> None:
        self.found: dict[str, list[str]] = {}
        self.told: list[str] = []

    def __call__(self, folder: str, path: str) -> None:
        self.found.setdefault(folder, []).append(path)

    @property
    def remarks(self) -> tuple[str, ...]:
        return (*(left_out_remark(paths, folder) for folder, paths in self.found.items()), *dict.fromkeys(self.told))


def _named_images(trained: TrainedModel, words: Sequence[str], left_out: _LeftOut, layout: str | None) -> Iterator[NumberInput]:
    """Image files, and the images of each array or store; one that cannot be opened is a single input that says why."""
    colour, bands = trained.colour, trained.model.geometry.bands
    for word in words:
        if not is_store(word):
            for path in image_paths((word,), also=_is_image, left_out=left_out):
                yield NumberInput(path, partial(read_named, path, colour, bands), partial(facts_of, path, bands))
            continue
        try:
            samples = samples_in(word, "image", channels=trained.model.network.channels, layout=layout)
        except ResourceError:
            raise
        except (TareError, OSError, ValueError) as error:
            yield failed(word, error.found if isinstance(error, TareError) else reason_of(error))
            continue
        left_out.told += [*samples.remarks, *([nameless_remark(bands)] if bands is not None else [])]
        yield from (NumberInput(f"{word}[{index}]", partial(_stored, samples, index, colour)) for index in range(len(samples)))


def _stored(samples: LabelledSamples, index: int, colour: ColourMode) -> NDArray[Any] | Skipped:
    values = samples.read(index)
    return values if isinstance(values, Skipped) else coloured(values, colour)
