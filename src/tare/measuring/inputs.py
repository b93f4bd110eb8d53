"""The request of ``tare.measure``."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tare.errors import SpecError
from tare.samples.modes import AlphaMode, ColourMode, ExifMode, PageMode
from tare.sources.reading import Readers, Remote, Skipping
from tare.system.engines.local import Engine
from tare.system.options import OptionGroup, Seeded, declared, option, words
from tare.system.progress import Advance


def numbers_of(text: str, name: str) -> list[float]:
    """The numbers after an option, with commas between. Raises :class:`SpecError` for anything else."""
    try:
        return [float(word) for word in words(text, name)]
    except ValueError:
        raise SpecError(f"numbers after {name}", repr(text), "write them as -9999 or 0,65535") from None


@dataclass(frozen=True, kw_only=True)
class ChoosingOptions(Remote):
    """Which channels or columns of data are read."""

    channels: ColourMode = option(
        "stored", "Convert every image, or keep what is stored; grey images among colour ones are then read as RGB."
    )
    columns: str | Sequence[str] | None = option(
        None, "Columns of a table, separated by commas, or its column of images.", reads=words
    )


@dataclass(frozen=True, kw_only=True)
class MeasuringOptions(ChoosingOptions):
    """Options of measuring any data."""

    exclude_nan: bool = option(False, "Leave NaN and infinities out of the statistics.")
    as_seen: Any = option(
        None,
        "Measure after a network's resize and crop, or its front end for sound: a spec file, model directory, hf:DIR, or size.",
        metavar="SPEC|HxW",
        kind=str | None,
    )


@dataclass(frozen=True, kw_only=True)
class Axes(OptionGroup):
    """What the axes of arrays and the pages of files mean, and which array is read."""

    layout: str | None = option(
        None, "Meaning of an array's axes, such as NHWC, NCHW, NTC or NC; without N, such as HWC, each array is one sample."
    )
    array: str | None = option(None, "Name of the array in an .npz archive.")
    pages: PageMode | None = option(
        None, "Meaning of the pages of a TIFF: each a sample, or each a channel; without it several pages are refused."
    )


@dataclass(frozen=True, kw_only=True)
class MeasureRequest(Skipping, Seeded, Readers, Axes, MeasuringOptions):
    """Data, how to read them, and how exact the result must be."""

    data: Any = field(
        kw_only=False,
        metadata=declared(
            "A folder, file, pattern or URL of images, .wav, .tar, .parquet, .arrow, .csv, .npy, .npz, .idx, or a .txt list.",
            is_argument=True,
            kind=str,
        ),
    )
    nodata: float | Sequence[float] | None = option(
        None, "Raw values that mean no data, such as 0 or -9999: left out, in each channel by itself.", reads=numbers_of
    )
    mask: str | os.PathLike[str] | None = option(
        None,
        "Measure images only where their mask is not 0: a folder of masks, or the ending of their names, such as _mask.png.",
        metavar="FOLDER|ENDING",
        kind=str | None,
    )
    exif: ExifMode = option(
        "ignore",
        "EXIF orientation with --as-seen and --mask: ignored as torchvision and timm do, or applied as Hugging Face's datasets "
        "does and as masks need that were drawn on the picture as it is shown.",
    )
    alpha: AlphaMode = option("drop", "Drop alpha in image files, or composite it over a background.")
    background: str | None = option(None, "Background colour of --alpha composite.", metavar="RRGGBB", shown="ffffff")
    cluster: str | None = option(
        None,
        "Let standard errors count clusters of samples, such as the tiles of one scene: 'folder', or a regular expression whose "
        "first group in a sample's path names its cluster.",
        metavar="folder|REGEX",
    )
    mixed_spacing: bool = option(False, "Pool volumes or scenes whose spacing differs; without it they are refused.")
    engine: Engine = option("local", "Read on this machine, or on Ray (RAY_ADDRESS names a cluster).")
    checkpoint: str | os.PathLike[str] | None = option(
        None, "Save a long pass in this file, and resume it from there.", kind=Path | None, of_file=True
    )
    tolerance: float | None = option(
        None, "Read samples in random order until mean and std are known to within this, in unit values.", on_command_line=False
    )
    confidence: float = option(0.95, "Confidence of a random sample, for all channels at once.", above=0, most=0.9999)
    progress: Advance | None = None
