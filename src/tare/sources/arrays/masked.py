"""NumPy's masked arrays: what the mask hides is left out of the statistics."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tare.errors import DataError
from tare.samples.records import Kept

#: The note on samples that hide values.
HIDDEN = "values that a mask hides were left out"


def is_masked(values: Any) -> bool:
    """Whether an array hides a value; one whose mask hides none is an array like any other."""
    return isinstance(values, np.ma.MaskedArray) and bool(np.ma.is_masked(values))


def check_unmasked(values: Any) -> None:
    """Raise :class:`DataError` for an array that hides values, where every value is taken."""
    if is_masked(values):
        found = f"an array whose mask hides {int(np.ma.getmaskarray(values).sum()):,} values"
        raise DataError(
            "values without a mask", found, "fill them, for example with values.filled(np.nan), or leave those samples out"
        )


def kept(path: str, sample: Any, axis: int | None) -> Kept:
    """The values of one masked sample that are not hidden, of each channel along ``axis``, or of its only channel."""
    data, hidden = np.ma.getdata(sample), np.ma.getmaskarray(sample)
    planes = (data[None], hidden[None]) if axis is None else (np.moveaxis(data, axis, 0), np.moveaxis(hidden, axis, 0))
    shown = tuple(_shown(*plane) for plane in zip(*planes, strict=True))
    return Kept(path, shown, notes=(HIDDEN,) if hidden.any() else (), number=data.size // len(shown))


def _shown(values: NDArray[Any], hidden: NDArray[np.bool_]) -> NDArray[Any]:
    return np.asarray(values[~hidden]).reshape(-1)
