"""Options of every source: which part of the data to read, and how."""

from __future__ import annotations

from dataclasses import dataclass

from tare.samples.modes import ColourMode, PageMode
from tare.samples.transparency import Background


@dataclass(frozen=True, slots=True)
class Options:
    """Options of a source.

    ``channels``: images as stored, grey or rgb. ``columns``: the columns of a table, in this order, or its column of images.
    ``layout``: the meaning of an array's axes, such as ``NHWC``. ``array``: the name of an array in an ``.npz``. ``turned``:
    rotate images as EXIF states. ``background``: the colour behind encoded images with alpha; None drops alpha. ``pages``:
    whether each page of a file is a sample or a channel. ``label``: the column, or key of an item, that holds the class.
    """

    channels: ColourMode = "stored"
    columns: tuple[str, ...] | None = None
    layout: str | None = None
    array: str | None = None
    turned: bool = False
    background: Background | None = None
    pages: PageMode | None = None
    label: str | None = None

    def given(self) -> frozenset[str]:
        """Names of the options that the user set."""
        names = ("columns", "layout", "array", "pages", "label")
        return frozenset(name for name in names if getattr(self, name) is not None)
