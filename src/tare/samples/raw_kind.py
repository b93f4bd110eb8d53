"""What a raw value is: a statement with its origin, or unknown with a reason; and bits in use as measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import DTypeLike

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Known(Generic[T]):
    """A field with its value; ``origin`` names the file and key, the library and version, the catalog or the user."""

    value: T
    origin: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """A field without a value, and the reason. It is never replaced by a default."""

    reason: str


Field = Known[T] | Unknown
UNSTATED = Unknown("nobody stated it")


def bits_in_use(dtype: DTypeLike, largest: float) -> Field[int]:
    """The bits that values up to ``largest`` occupy: 12 for a 12-bit sensor stored in uint16; unknown for floats.

    Values of a few dark samples may occupy fewer bits than the sensor has.
    """
    kind = np.dtype(dtype)
    if kind.kind != "u":
        return Unknown(f"{kind.name} values have no bits that only a part of is in use")
    if not largest >= 0:
        return Unknown("there is no value")
    return Known(max(1, int(largest).bit_length()), f"the largest raw value is {largest:g}")
