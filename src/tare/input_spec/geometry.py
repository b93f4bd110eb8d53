"""What a network is given of a sample: an image resized and cropped, a signal of a length, a row of numbers, a spectrogram."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from tare.errors import SpecError
from tare.input_spec.fields import Crop, Known, crop, plain
from tare.samples.clip_frames import ClipFrames
from tare.samples.records import Facts
from tare.samples.sound.front_end import FrontEnd

SampleKind = Literal["image", "signal", "vector", "sound", "volume", "clip"]

_LONGEST_EDGE = 1 << 14
#: The noun for samples of each kind.
NOUNS: Mapping[SampleKind, str] = {
    "image": "images", "signal": "signals", "vector": "rows", "sound": "recordings", "volume": "volumes", "clip": "clips",
}  # fmt: skip


#: The longest edge of a network's input.
MOST_PIXELS = 16384


@dataclass(frozen=True, slots=True)
class Geometry:
    """How an image becomes the network's input size ``(height, width)``; names and defaults are timm's.

    ``resize`` and ``offset`` are those of :class:`tare.input_spec.fields.Crop`: the edge that an image is resized to if it is
    not ``floor(size / crop_fraction)``, and the middle that is kept if it falls between two pixels. ``raw_dtype`` is the type of
    stored values, and ``bands`` names the bands of a raster in the network's order, None for colours. ``axes`` are the facts that
    the rasters of training state of their spacings and scales, of which nothing is resampled or applied.
    """

    kind: ClassVar[SampleKind] = "image"
    size: tuple[int, int]
    interpolation: str = "bicubic"
    crop_fraction: float = 0.875
    crop_mode: str = "center"
    resize: tuple[int, ...] | None = None
    offset: str = "even"
    raw_dtype: str = "uint8"
    bands: tuple[str, ...] | None = None
    axes: Facts = ()

    @classmethod
    def of(cls, size: tuple[int, int], interpolation: str, crop: Crop) -> Geometry:
        """The geometry that a specification states."""
        return cls(size, interpolation, crop.fraction, crop.mode, crop.resize, crop.offset)

    @property
    def crop(self) -> Crop:
        """How it crops, as a specification states it."""
        return Crop(self.crop_mode, self.crop_fraction, self.resize, self.offset)

    @property
    def is_timms(self) -> bool:
        """Whether timm computes the same geometry: from size and fraction alone."""
        return self.resize is None and self.offset == "even"

    @property
    def shape(self) -> tuple[int, ...]:
        """The axes of a batch behind samples and channels."""
        return self.size


@dataclass(frozen=True, slots=True)
class SignalGeometry:
    """How a signal becomes ``length`` steps: a longer signal is cut, a shorter one padded with ``pad`` on both sides.

    ``pad`` has one unit value per channel, which normalisation maps to zero. It is None if every signal is normalised by its own
    moments: NaN then marks the padding, which is zero after normalisation. ``raw_dtype`` is the type of stored values. ``front``
    is the front end of a network for sound, which states the sampling rate. Without one, ``rate`` is that of the training
    recordings in Hz, if all have the same: nothing is resampled.
    """

    kind: ClassVar[SampleKind] = "signal"
    length: int
    pad: tuple[float, ...] | None
    raw_dtype: str = "float32"
    front: FrontEnd | None = None
    rate: int | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """The axes of a batch behind samples and channels."""
        return (self.length,)


@dataclass(frozen=True, slots=True)
class RowGeometry:
    """A row of one number per column, in this order; ``raw_dtype`` is the type of stored values."""

    kind: ClassVar[SampleKind] = "vector"
    columns: tuple[str, ...]
    raw_dtype: str = "float64"

    @property
    def shape(self) -> tuple[int, ...]:
        """The axes of a batch behind samples and channels: none."""
        return ()


@dataclass(frozen=True, slots=True)
class SoundGeometry:
    """A log-mel spectrogram ``(frames, bins)`` of one channel, as the front end of the network computes it from a recording."""

    kind: ClassVar[SampleKind] = "sound"
    front: FrontEnd
    raw_dtype: str = "float32"

    @property
    def size(self) -> tuple[int, int]:
        """Frames and mel bins. Raises ValueError for a front end that leaves the waveform as it is."""
        if self.front.size is None:
            raise ValueError(f"{self.front.name}, which makes no spectrogram")
        return self.front.size

    @property
    def shape(self) -> tuple[int, ...]:
        """The axes of a batch behind samples and channels."""
        return self.size


@dataclass(frozen=True, slots=True)
class VolumeGeometry:
    """How a volume becomes the network's size ``(depth, height, width)``, or a video a clip of so many frames of that size.

    A volume is cut to its middle and padded with ``pad``, one unit value per channel; None marks padding by NaN, which is zero
    after a normalisation of each sample. Of a video the frames are evenly spread, or every ``stride`` around its middle.
    ``axes`` are the facts that the volumes of training state of their spacings and axes, which are neither resampled nor turned.
    """

    size: tuple[int, int, int]
    pad: tuple[float, ...] | None
    clip: bool = False
    stride: int | None = None
    raw_dtype: str = "int16"
    axes: Facts = ()

    @property
    def kind(self) -> SampleKind:
        """Volumes or clips."""
        return "clip" if self.clip else "volume"

    @property
    def frames(self) -> ClipFrames | None:
        """The frames of a video that make a clip; None for volumes."""
        return ClipFrames(self.size[0], self.stride) if self.clip else None

    @property
    def shape(self) -> tuple[int, ...]:
        """The axes of a batch behind samples and channels."""
        return self.size


InputGeometry = Geometry | SignalGeometry | RowGeometry | SoundGeometry | VolumeGeometry


def front_of(takes: InputGeometry) -> FrontEnd | None:
    """The front end of a network for sound; None for any other network."""
    return takes.front if isinstance(takes, SignalGeometry | SoundGeometry) else None


def taken_of(takes: InputGeometry) -> FrontEnd | ClipFrames | None:
    """What is taken of each file; None for all that is stored."""
    return takes.frames if isinstance(takes, VolumeGeometry) else front_of(takes)


def geometry_json(geometry: InputGeometry) -> dict[str, Any]:
    """A geometry as a JSON object; images alone do not name their kind."""
    document: dict[str, Any] = {
        name: list(value) if isinstance(value, tuple) else value for name, value in asdict(geometry).items()
    }
    front = front_of(geometry)
    document |= {} if front is None else {"front": front.to_json()}
    if isinstance(geometry, SignalGeometry) and front is None:
        document.pop("front")
    if isinstance(geometry, Geometry | VolumeGeometry):
        document |= {"axes": [list(fact) for fact in geometry.axes]}
        if not geometry.axes:
            document.pop("axes")
    if isinstance(geometry, SignalGeometry) and geometry.rate is None:
        document.pop("rate")  # as before there was one
    if not isinstance(geometry, Geometry):
        return {"kind": geometry.kind, **document}
    usual = {"resize": None, "offset": "even", "raw_dtype": "uint8", "bands": None}  # not written, as before there were any
    return {name: value for name, value in document.items() if name not in usual or value != usual[name]}


def geometry_from(document: Mapping[str, Any]) -> InputGeometry:
    """Read :func:`geometry_json` back. Raises KeyError, TypeError or ValueError if it is malformed."""
    values: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in document.items() if key != "kind"
    }
    kind = document.get("kind", "image")
    if "front" in values:
        values["front"] = _front(values["front"])
    if kind in ("signal", "vector", "sound", "volume", "clip"):
        np.dtype(values["raw_dtype"])  # a TypeError for what is no type
        if kind == "sound":
            return _sound(values)
        if kind in ("volume", "clip"):
            return _volume(values)
        return _signal(values) if kind == "signal" else _row(values)
    if kind != "image":
        raise ValueError(f"a geometry of kind {kind!r}")
    height, width = values.pop("size")
    made = Geometry((height, width), **{**values, "axes": _axes(values)})
    np.dtype(made.raw_dtype)  # a TypeError for what is no type
    if made.bands is not None and not (isinstance(made.bands, tuple) and all(isinstance(name, str) for name in made.bands)):
        raise ValueError(f"the bands {made.bands!r}")
    crop(plain(Known(made.crop, "")))  # raises ValueError for an invalid crop
    return made


def _front(document: Any) -> FrontEnd:
    try:
        return FrontEnd.of(document, "the geometry")
    except (SpecError, AttributeError) as error:
        raise ValueError(f"a front end that is none: {error}") from None


def _sound(values: dict[str, Any]) -> SoundGeometry:
    made = SoundGeometry(**values)
    _ = made.size
    return made


def _volume(values: dict[str, Any]) -> VolumeGeometry:
    made = VolumeGeometry(**{**values, "axes": _axes(values)})
    counts = (*made.size, *(() if made.stride is None else (made.stride,)))
    if len(made.size) != 3 or not all(isinstance(count, int) and 0 < count < _LONGEST_EDGE for count in counts):
        raise ValueError(f"a size of {made.size!r}")
    if made.pad is not None and not all(isinstance(value, int | float) and math.isfinite(value) for value in made.pad):
        raise ValueError(f"the padding {made.pad!r}")
    return made


def _axes(values: Mapping[str, Any]) -> Facts:
    found: Facts = tuple(map(tuple, values.get("axes", ())))
    if not all(len(fact) == 2 and all(isinstance(each, str) for each in fact) for fact in found):
        raise ValueError(f"the axes {found!r}")
    return found


def _signal(values: dict[str, Any]) -> SignalGeometry:
    made = SignalGeometry(**values)
    pad = () if made.pad is None else made.pad
    if not isinstance(made.length, int) or made.length < 1 or not isinstance(pad, tuple):
        raise ValueError(f"a length of {made.length!r}, padded with {made.pad!r}")
    if not all(isinstance(value, int | float) and math.isfinite(value) for value in pad):
        raise ValueError(f"the padding {pad!r}")
    if made.rate is not None and not (isinstance(made.rate, int) and made.rate > 0):
        raise ValueError(f"a sampling rate of {made.rate!r}")
    return made


def _row(values: dict[str, Any]) -> RowGeometry:
    made = RowGeometry(**values)
    if not isinstance(made.columns, tuple) or not all(isinstance(name, str) for name in made.columns):
        raise ValueError(f"the columns {made.columns!r}")
    return made
