"""The fields of an input specification: a value with its origin, or unknown with a reason."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

T = TypeVar("T")

#: Names that ``interpolation`` may have: timm's names, and those of Pillow and torchvision for the rest.
INTERPOLATIONS = ("nearest", "nearest-exact", "bilinear", "bicubic", "box", "hamming", "lanczos")
# Beyond these limits, products and quotients of constants overflow or underflow.
_SMALLEST, _LARGEST = 1e-100, 1e100
_SMALLEST_CROP = 1 / (1 << 20)


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


@dataclass(frozen=True, slots=True)
class Crop:
    """How an image becomes ``size``.

    ``mode`` is ``center`` (shorter edge resized, middle kept), ``squash`` (both edges resized, the ratio is lost), ``border``
    (longer edge resized, the rest padded) or ``none`` (no resize at all). The resized edge is ``floor(size / fraction)``, as
    timm computes it, or exactly ``resize``: one number for the edge, two for height and width. Where the middle falls between
    two pixels, ``offset`` says which: ``even`` (torchvision, timm: rounded half to even) or ``down`` (transformers).
    """

    mode: str
    fraction: float
    resize: tuple[int, ...] | None = None
    offset: str = "even"

    def resized(self, size: tuple[int, int]) -> tuple[int, ...]:
        """The edge (one number) or height and width (two) that an image is resized to before it is cropped to ``size``."""
        if self.resize is not None:
            return self.resize
        edges = tuple(math.floor(edge / self.fraction) for edge in size)
        return edges[:1] if self.mode == "center" and edges[0] == edges[1] else edges


def plain(stated: Field[Any]) -> Any:
    """The JSON value of a field; null if it is unknown."""
    if isinstance(stated, Unknown):
        return None
    if isinstance(stated.value, Crop):
        crop = {"mode": stated.value.mode, "fraction": stated.value.fraction}
        crop |= {} if stated.value.resize is None else {"resize": list(stated.value.resize)}
        return crop if stated.value.offset == "even" else crop | {"offset": stated.value.offset}
    return list(stated.value) if isinstance(stated.value, tuple) else stated.value


def finite(value: Any) -> float:
    """A finite number. Raises ValueError for anything else, text and booleans included."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError("not a finite number")
    if abs(value) > _LARGEST:
        raise ValueError(f"a number beyond {_LARGEST:g}")
    return float(value)


def factor(value: Any) -> float:
    """A number to multiply with. Raises ValueError for zero and for magnitudes below 1e-100."""
    stated = finite(value)
    if abs(stated) < _SMALLEST:
        raise ValueError("a scale of zero leaves nothing of a value")
    return stated


def text(value: Any) -> str:
    """A text of ordinary length. Raises ValueError for anything else."""
    if not isinstance(value, str) or len(value) > 1000:
        raise ValueError("not a text of at most 1000 characters")
    return value


def numbers(value: Any) -> tuple[float, ...]:
    """At least one and at most 65,536 finite numbers. Raises ValueError for anything else."""
    if not isinstance(value, list | tuple) or not 1 <= len(value) <= 1 << 16:
        raise ValueError("not a list of one number per channel")
    return tuple(finite(item) for item in value)


def deviations(value: Any) -> tuple[float, ...]:
    """Like :func:`numbers`, all of them positive, and large enough to divide by."""
    stated = numbers(value)
    if min(stated) <= 0:
        raise ValueError("a std is positive")
    if min(stated) < _SMALLEST:
        raise ValueError(f"a std below {_SMALLEST:g} cannot be used: dividing by it overflows")
    return stated


def edges(value: Any, counts: tuple[int, ...] = (2,)) -> tuple[int, ...]:
    """Height and width, or as many positive integers as ``counts`` allows. Raises ValueError for anything else."""
    if not isinstance(value, list | tuple) or len(value) not in counts:
        raise ValueError("height and width are two integers")
    if not all(isinstance(edge, int) and not isinstance(edge, bool) and 0 < edge <= 1 << 20 for edge in value):
        raise ValueError("height and width are positive integers")
    return tuple(value)


def one_of(*names: str) -> Any:
    """A parser that takes one of ``names``, and raises ValueError for anything else."""

    def parse(value: Any) -> str:
        if value not in names:
            raise ValueError(f"not one of {', '.join(names)}")
        return str(value)

    return parse


def flag(value: Any) -> bool:
    """True or false. Raises ValueError for anything else."""
    if not isinstance(value, bool):
        raise ValueError("not true or false")
    return value


def crop(value: Any) -> Crop:
    """A crop. Raises ValueError, TypeError or KeyError for anything else."""
    fraction = finite(value["fraction"])
    if not fraction >= _SMALLEST_CROP:
        raise ValueError("a crop's fraction is positive, and some pixels are left")
    resize = value.get("resize")
    mode = one_of("center", "squash", "border", "none")(value["mode"])
    offset = one_of("even", "down")(value.get("offset", "even"))
    return Crop(mode, fraction, None if resize is None else edges(resize, (1, 2)), offset)


#: What each field accepts from a file.
PARSERS: dict[str, Any] = {
    "channels": text,
    "scale": factor,
    "mean": numbers,
    "std": deviations,
    "size": edges,
    "interpolation": one_of(*INTERPOLATIONS),
    "antialias": flag,
    "crop": crop,
    "layout": one_of("NCHW", "NHWC", "NTCHW", "NCTHW", "NC", "NCT", "NTC"),
    "dtype": one_of("float32", "float16", "bfloat16", "float64", "uint8"),
    "raw_dtype": one_of("uint8", "uint16", "float32", "float64", "int16", "int32"),
}


def parsed(name: str, value: Any, origin: Any) -> Field[Any]:
    """Read one field of a file; null is :class:`Unknown`. Raises ValueError naming the field if it is malformed."""
    if value is None:
        reason = origin.get("unknown") if isinstance(origin, dict) else None
        return Unknown(str(reason or "the spec file does not state it"))
    try:
        return Known(PARSERS[name](value), str(origin or "spec file"))
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise ValueError(f"{short_repr(value)} ({error})") from None


def short_repr(value: Any) -> str:
    """A value as it fits into one line."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
