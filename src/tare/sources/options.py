"""How the user says which part of the data is meant."""

from __future__ import annotations

from dataclasses import dataclass

from tare.samples.modes import ColourMode
from tare.samples.transparency import Background


@dataclass(frozen=True, slots=True)
class Options:
    """What a source may be told: each of them is None, or the default, unless the user chose.

    ``channels``: images as stored, grey or rgb. ``columns``: the columns of a table, in this order, or the one that holds
    images. ``layout``: the meaning of an array's axes, such as ``NHWC``. ``array``: which array of an ``.npz``.
    ``turned``: images stand the way EXIF says that they are to be seen. ``background``: what encoded images with alpha are
    composited over; without one alpha is dropped.
    """

    channels: ColourMode = "stored"
    columns: tuple[str, ...] | None = None
    layout: str | None = None
    array: str | None = None
    turned: bool = False
    background: Background | None = None

    def given(self) -> frozenset[str]:
        """Names of the options that the user set."""
        values = {"columns": self.columns, "layout": self.layout, "array": self.array}
        return frozenset(name for name, value in values.items() if value is not None)
