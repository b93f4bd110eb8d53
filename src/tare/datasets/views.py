"""A sample of any number of channels as a picture for people: grey or colours, of bytes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

#: Names that red, green and blue have among bands, in this order; Sentinel-2's, and words.
_COLOURS = (("B04", "B4", "red"), ("B03", "B3", "green"), ("B02", "B2", "blue"))


def picture(values: torch.Tensor, bands: Sequence[str] | None = None) -> NDArray[np.uint8]:
    """Return ``(C, H, W)``, bytes or unit values, as ``(H, W)`` or ``(H, W, 3)`` bytes.

    Grey and colours are shown as they are. Of other bands red, green and blue are shown by their names, else the first three (the
    first alone of two), stretched from their least to their largest value, since sensors use a small part of their range.
    """
    if len(bands or ()) != len(values):
        bands = None  # those that grey was made of
    if bands is None and len(values) in (1, 3):
        raw = values if values.dtype == torch.uint8 else (255 * values.clamp(0, 1)).round().byte()
        shown = raw
    else:
        chosen = values[list(_places(bands or (), len(values)))].double()
        low, high = chosen.min(), chosen.max()
        shown = (255 * (chosen - low) / (high - low).clamp(min=1e-12)).round().byte()
    return shown.squeeze(0).numpy() if len(shown) == 1 else shown.permute(1, 2, 0).numpy()


def _places(bands: Sequence[str], count: int) -> tuple[int, ...]:
    named = [next((bands.index(name) for name in names if name in bands), None) for names in _COLOURS]
    found = tuple(place for place in named if place is not None)
    if len(found) == len(_COLOURS):
        return found
    return (0, 1, 2) if count >= len(_COLOURS) else (0,)
