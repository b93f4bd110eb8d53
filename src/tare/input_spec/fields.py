"""The fields of an input specification: a value with its origin, or unknown with a reason."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tare.errors import short_repr
from tare.samples.raw_kind import UNSTATED, Field, Known, Unknown

__all__ = ["ALONE", "UNSTATED", "Crop", "Field", "Known", "PerSample", "Unknown"]

#: The fields of a spec that say of a mean and std that they stand alone.
ALONE: Mapping[str, Any] = dict.fromkeys(("value_map", "clip", "per_sample"), UNSTATED)
#: Names that ``interpolation`` may have: timm's names, and those of Pillow and torchvision for the rest.
INTERPOLATIONS = ("nearest", "nearest-exact", "bilinear", "bicubic", "box", "hamming", "lanczos")
# Beyond these limits, products and quotients of constants overflow or underflow.
_SMALLEST, _LARGEST = 1e-100, 1e100
#: All names of channels together: 65,536 of a vector's dimensions.
_LONGEST_NAMES = 1 << 20
_SMALLEST_CROP = 1 / (1 << 20)


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

    def cuts(self, size: tuple[int, int]) -> bool:
        """Whether the middle of an image is kept, so that the ``offset`` may decide which pixels these are."""
        return self.mode == "center" or (self.mode == "squash" and self.resized(size) != size)


@dataclass(frozen=True, slots=True)
class PerSample:
    """A normalisation of each sample by its own values, which no constants describe.

    ``kind`` is ``zscore`` ((v - mean) / (std + ``eps``)), ``minmax`` ((v - min) / (max - min + ``eps``)) or ``percentile`` (the
    same between the percentiles ``low`` and ``high``, 0 to 100). ``over`` says whose values: the whole ``sample``, or each
    ``channel`` of it. A std of ``zscore`` is taken for at least ``least``. The spec's own scale, mean and std then apply to the
    result.
    """

    kind: str
    over: str = "sample"
    eps: float = 0.0
    low: float = 0.0
    high: float = 100.0
    least: float = 0.0


def plain(stated: Field[Any]) -> Any:
    """The JSON value of a field; null if it is unknown."""
    if isinstance(stated, Unknown):
        return None
    if isinstance(stated.value, PerSample):
        document: dict[str, Any] = {"kind": stated.value.kind, "over": stated.value.over, "eps": stated.value.eps}
        document |= {"low": stated.value.low, "high": stated.value.high} if stated.value.kind == "percentile" else {}
        return document | ({"least": stated.value.least} if stated.value.least else {})
    if isinstance(stated.value, Crop):
        crop = {"mode": stated.value.mode, "fraction": stated.value.fraction}
        crop |= {} if stated.value.resize is None else {"resize": list(stated.value.resize)}
        return crop if stated.value.offset == "even" else crop | {"offset": stated.value.offset}
    if isinstance(stated.value, tuple):
        return [[_ended(end) for end in item] if isinstance(item, tuple) else item for item in stated.value]
    return stated.value


def _ended(end: float) -> float | None:
    return end if math.isfinite(end) else None


def finite(value: Any) -> float:
    """A finite number. Raises ValueError for anything else, text and booleans included."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("not a finite number")
    if isinstance(value, float) and not math.isfinite(value):  # an integer may be too large to become a float
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


def band_names(value: Any) -> str:
    """The order of colours, or names joined by commas. Raises ValueError for a name that occurs twice."""
    if not isinstance(value, str) or len(value) > _LONGEST_NAMES:
        raise ValueError(f"not a text of at most {_LONGEST_NAMES} characters")
    seen: set[str] = set()
    for name in value.split(","):
        if name in seen:
            raise ValueError(f"the channel {name!r} is named twice")
        seen.add(name)
    return value


def bit_count(value: Any) -> int:
    """A whole number of bits from 1 to 64. Raises ValueError for anything else."""
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 64:
        raise ValueError("bits in use are a whole number from 1 to 64")
    return value


def window(value: Any) -> tuple[tuple[float, float], ...]:
    """A clip: ``[low, high]``, or one such pair per channel; a null end is open.

    Raises ValueError for anything else, and for low above high.
    """
    if not isinstance(value, list | tuple) or not value:
        raise ValueError("a clip is [low, high], or one such pair per channel")
    pairs = value if isinstance(value[0], list | tuple) else [value]
    if not all(isinstance(pair, list | tuple) and len(pair) == 2 for pair in pairs):
        raise ValueError("a clip is [low, high], or one such pair per channel")
    made = tuple((_end(low, -math.inf), _end(high, math.inf)) for low, high in pairs)
    wrong = next((pair for pair in made if pair[0] >= pair[1]), None)
    if wrong is not None:
        raise ValueError(f"a clip's low end {wrong[0]:g} is not below its high end {wrong[1]:g}")
    return made


def _end(value: Any, unbounded: float) -> float:
    """An end of a clip. Raises ValueError for anything but a finite number, null, and the infinity of its own side."""
    return unbounded if value is None or value == unbounded else finite(value)


def per_sample(value: Any) -> PerSample:
    """A per-sample normalisation. Raises ValueError, TypeError or KeyError for anything else."""
    kind = one_of("zscore", "minmax", "percentile")(value["kind"])
    over = one_of("sample", "channel")(value.get("over", "sample"))
    eps, low, high = (finite(value.get(name, default)) for name, default in (("eps", 0.0), ("low", 0.0), ("high", 100.0)))
    least = finite(value.get("least", 0.0))
    if min(eps, least) < 0 or not 0 <= low < high <= 100:
        raise ValueError("eps and least are not negative, and percentiles rise from 0 to 100")
    return PerSample(kind, over, eps, low, high, least)


#: Monotone maps that a convention may apply to raw values before clip and constants; ``dB`` is 10 log10.
VALUE_MAPS = ("identity", "sqrt", "log", "log1p", "log2", "log10", "dB")
RAW_DTYPES = (
    "uint8", "uint16", "float32", "float64", "int16", "int32", "bool", "int8", "uint32", "uint64", "int64", "float16",
)  # fmt: skip
LAYOUTS = ("NCHW", "NHWC", "NTCHW", "NCTHW", "NC", "NCT", "NTC", "NCDHW", "NDHWC", "NTHWC")

#: What each field accepts from a file.
PARSERS: dict[str, Any] = {
    "channels": band_names,
    "scale": factor,
    "mean": numbers,
    "std": deviations,
    "size": edges,
    "interpolation": one_of(*INTERPOLATIONS),
    "antialias": flag,
    "crop": crop,
    "layout": one_of(*LAYOUTS),
    "dtype": one_of("float32", "float16", "bfloat16", "float64", "uint8"),
    "raw_dtype": one_of(*RAW_DTYPES),
    "bits": bit_count,
    "units": text,
    "nodata": numbers,
    "value_map": one_of(*VALUE_MAPS),
    "clip": window,
    "per_sample": per_sample,
}

#: The fields that version 2 of the schema added.
ADDED = ("bits", "units", "nodata", "value_map", "clip", "per_sample")


def parsed(name: str, value: Any, origin: Any) -> Field[Any]:
    """Read one field of a file; null is :class:`Unknown`. Raises ValueError naming the field if it is malformed."""
    if value is None and origin is None and name in ADDED:
        return UNSTATED
    if value is None:
        reason = origin.get("unknown") if isinstance(origin, dict) else None
        return Unknown(str(reason or "the spec file does not state it"))
    try:
        return Known(PARSERS[name](value), str(origin or "spec file"))
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise ValueError(f"{short_repr(value)} ({error})") from None
