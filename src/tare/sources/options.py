"""Options of every source: which part of the data to read, and how."""

from __future__ import annotations

from dataclasses import dataclass

from tare.samples.modes import ColourMode, PageMode
from tare.samples.sound.front_end import FrontEnd
from tare.samples.transparency import Background


@dataclass(frozen=True, slots=True)
class Options:
    """Options of a source.

    ``channels``: images as stored, grey or rgb. ``columns``: the columns of a table, in this order, or its column of images, or
    the bands of a scene. ``layout``: the meaning of an array's axes, such as ``NHWC``. ``array``: the name of one array, table
    or sheet of several. ``turned``: rotate images as EXIF states (True), note that they state it (False), or do not look
    (None). ``background``: the colour behind encoded images with alpha; None drops alpha. ``pages``: whether each page of a file
    is a sample or a channel. ``mask``: the folder of masks or the ending of their names, for sources that read values and mask
    side by side. ``label``: the column, or key of an item, that holds the class. ``front``: what recordings are turned into.
    ``remote``: whether URLs that a list names are fetched.
    """

    channels: ColourMode = "stored"
    columns: tuple[str, ...] | None = None
    layout: str | None = None
    array: str | None = None
    turned: bool | None = None
    background: Background | None = None
    pages: PageMode | None = None
    mask: str | None = None
    label: str | None = None
    front: FrontEnd | None = None
    remote: bool = False

    def given(self) -> frozenset[str]:
        """Names of the options that the user set."""
        names = ("columns", "layout", "array", "pages", "label", "front")
        return frozenset(name for name in names if getattr(self, name) is not None)
