"""Options of labelled data: where the labels are, and how to augment training images."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from tare.errors import SpecError
from tare.sources.reading import Remote
from tare.system.options import OptionGroup, declared, option, words
from tare.tasks.names import TaskName

if TYPE_CHECKING:
    from tare.sources.options import Options

DATA = "The data"
VARY = "Augmentation of raw training images"

Augmentation = Literal["none", "basic", "trivialaugment", "randaugment"]


@dataclass(frozen=True, kw_only=True)
class LabelPlaces(OptionGroup):
    """The place of the labels and of the samples, if it is not a usual one."""

    label: str | None = option(
        None, "Name of the column or array of labels, if not a usual name such as label; several columns with commas.", panel=DATA
    )
    label_pattern: str | None = option(
        None,
        "Regular expression whose first group in a sample's path is the label; paths without a match are left out.",
        panel=DATA,
    )
    array: str | None = option(None, "Name of the array of samples in an .npz.", panel=DATA)
    layout: str | None = option(
        None,
        "Meaning of an array's axes, such as NHWC, NCHW, NTC or NCT. Default: by their lengths, where these tell.",
        panel=DATA,
    )


@dataclass(frozen=True, kw_only=True)
class ChosenBands(OptionGroup):
    """The bands of rasters that a network takes."""

    bands: Sequence[str] | None = option(
        None,
        "Bands of rasters in the network's order, by name or number from 1: B04,B03,B02. Default: all, in the file's order.",
        panel=DATA,
        metavar="NAMES",
        reads=words,
        repeats=True,
    )


@dataclass(frozen=True, kw_only=True)
class LabelOptions(Remote, ChosenBands, LabelPlaces):
    """Labelled data, and the place of their labels if it is not a usual one."""

    data: Any = field(
        kw_only=False,
        metadata=declared(
            "A folder with one folder per class (with or without train/ and val/), or a labelled manifest, table, .tar or .npz.",
            is_argument=True,
            kind=str,
        ),
    )

    task: TaskName | None = option(
        None,
        "What the labels are: one class a sample, several labels, numbers, or a mask an image. Default: found from the data.",
        panel=DATA,
        what="a task",
    )
    class_names: str | None = option(
        None, "Names of the classes of masks, in the order of their values or as 0=background,1=road.", panel=DATA
    )
    ignore: int | None = option(
        None, "The value of masks whose pixels are left out, such as 255.", panel=DATA, least=0, most=65535
    )

    @property
    def name(self) -> str:
        """The path of the data, or the type of an object."""
        return os.fspath(self.data) if isinstance(self.data, str | os.PathLike) else type(self.data).__name__

    @property
    def names_places(self) -> bool:
        """Whether it is said where labels or samples are, so that a folder is no folder of classes."""
        return any(each is not None for each in (self.label, self.label_pattern, self.array, self.layout))

    def of_source(self, taken: Any) -> "Options":
        """How a source is read; ``taken`` is what a network takes of each file, of which a front end for sound counts."""
        from tare.samples.sound.front_end import FrontEnd
        from tare.sources.options import Options

        front = taken if isinstance(taken, FrontEnd) else None
        return Options(array=self.array, layout=self.layout, front=front, remote=self.allow_remote)


@dataclass(frozen=True, kw_only=True)
class Augmenting(OptionGroup):
    """Augmentation of raw training images; ``mixup`` and ``cutmix`` are the alphas of their Beta distributions."""

    augmentation: Augmentation = option(
        "basic", "basic: random resized crop and flip of images, random cut of signals.", panel=VARY
    )
    mixup: float = option(0.0, "Alpha of mixup's Beta distribution; 0 for none.", panel=VARY, least=0)
    cutmix: float = option(0.0, "Alpha of CutMix's Beta distribution; 0 for none.", panel=VARY, least=0)
    erasing: float = option(0.0, "Probability of erasing a rectangle.", panel=VARY, least=0, most=1)

    @property
    def mixes(self) -> bool:
        """Whether images are mixed with others of their batch."""
        return self.mixup > 0 or self.cutmix > 0

    def check(self) -> None:
        """Raise :class:`SpecError` for erasing without augmentation."""
        super().check()
        if self.erasing and self.augmentation == "none":
            raise SpecError("an augmentation beside --erasing", "--augmentation none", "use --augmentation basic")
