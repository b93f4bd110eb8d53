"""What a pipeline makes of images with known raw values, and lines fitted to the results."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tare.input_spec.affine import Affine

#: Raw grey levels of the probe images. The levels 0, 1 and 2 reveal a scaling that depends on each image's own maximum.
GREY_LEVELS = (0, 1, 2, *range(8, 256, 8), 254, 255)
#: Fewer levels, for pipelines that draw values at random and have to run many times.
FEW_LEVELS = (8, 56, 104, 152, 200, 248)
#: The raw colour of the probe image that reveals the order of channels.
COLOUR = (200, 120, 30)

# A share of the whole range: rounding to 8 bits moves a value by half a level at most, rounding twice by one level.
_INLIER = 1.1 / 255
_FLAT = 1e-4
_ROUNDING = 1e-6
_FEWEST = 4
_FLAT_LEVELS = 3
_OFF_LEVEL = 8
# A line that misses so many of the levels between clamped ends, by so much of the range, is none: a staircase has one.
_FAR, _FEW = 6 / 255, 0.15
# Share of neighbouring levels that are equal in a staircase.
_STEPS = 0.3
_MOST_TOLD = 20


@dataclass(frozen=True, slots=True)
class Observation:
    """The output of a pipeline for images with known raw values.

    ``affine`` is the map from raw values to output, None if no such map fits; ``shape``, ``layout`` (CHW, HWC, HW, CTHW, CT,
    ...) and ``dtype`` are those of one output. ``clamped`` has the value at which low or high ones stop, None where they do
    not. ``by_image``: the output depends on the image's own extremes, with ``threshold`` only on whether its largest value is
    above 1. ``random``: two runs on one image differ; ``random_values``: even on an image of one colour, and then the map is
    one of medians, hence ``approximate``. ``mixed``: channels are mixed; ``grey``: all are one mixture. ``finite``: no NaN or
    Inf came out. ``low`` and ``high`` are the extremes seen. ``by_content``: the same values come out otherwise where others
    stand beside them; ``uneven``: otherwise in some places; ``scrambled``: one channel has values of several. ``stepped``: many
    neighbouring raw values become one.
    """

    affine: Affine | None
    shape: tuple[int, ...]
    layout: str
    dtype: str
    low: float
    high: float
    clamped: tuple[float | None, float | None] = (None, None)
    by_image: bool = False
    threshold: bool = False
    random: bool = False
    random_values: bool = False
    mixed: bool = False
    grey: bool = False
    finite: bool = True
    by_content: bool = False
    uneven: bool = False
    scrambled: bool = False
    stepped: bool = False

    @property
    def approximate(self) -> bool:
        """Whether the map was fitted to medians of random values."""
        return self.random_values

    @property
    def channels(self) -> int:
        """Number of channels of the output."""
        return self.shape[self.layout.index("C")] if "C" in self.layout else 1

    @property
    def size(self) -> tuple[int, int] | None:
        """Height and width of the output; None where it has none."""
        if not {"H", "W"} <= set(self.layout):
            return None
        return self.shape[self.layout.index("H")], self.shape[self.layout.index("W")]


@dataclass(frozen=True, slots=True)
class Line:
    """``y = scale * v + shift``, and the indices of the levels that it does not explain."""

    scale: float
    shift: float
    outliers: tuple[int, ...]


def fitted_line(levels: NDArray[np.float64], values: NDArray[np.float64]) -> Line | None:
    """The line through the most points: RANSAC over all pairs (Fischler and Bolles 1981). None if no line fits.

    Clamped ends, or a scaling that depends on each image, leave outliers. Least squares would spread their error over the whole
    range. The line must explain half of the levels between the clamped ends, and miss few of the others by far.
    """
    finite = np.isfinite(values)
    between = finite & ~_flat_ends(values)
    i, j = np.triu_indices(len(levels), 1)
    i, j = i[between[i] & between[j]], j[between[i] & between[j]]
    scale = (values[j] - values[i]) / (levels[j] - levels[i])
    rises = np.abs(scale) * 255 >= _FLAT
    i, scale = i[rises], scale[rises, None]
    if not len(i):
        return None
    missed = np.abs(np.where(finite, values, np.inf) - (values[i, None] + scale * (levels - levels[i, None])))
    inside = missed <= _INLIER * np.abs(scale) * 255
    place = int((inside & between).sum(axis=1).argmax())
    best = inside[place]
    explained = best & between
    if explained.sum() < max(_FEWEST, between.sum() / 2):
        return None
    if (between & (missed[place] > _FAR * abs(float(scale[place, 0])) * 255)).sum() > _FEW * between.sum():
        return None
    line = _settled(np.polyfit(levels[explained], values[explained], 1))
    return Line(*line, tuple(np.flatnonzero(~best).tolist()))


def _flat_ends(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which values belong to a clamped end: three or more equal values from the first one on, or up to the last one."""
    with np.errstate(invalid="ignore"):
        low, high = np.abs(values - values[0]) < _FLAT / 255, np.abs(values - values[-1]) < _FLAT / 255
    low, high = np.logical_and.accumulate(low), np.logical_and.accumulate(high[::-1])[::-1]
    return np.asarray(low & (low.sum() >= _FLAT_LEVELS) | high & (high.sum() >= _FLAT_LEVELS))


def is_stepped(values: NDArray[np.float64]) -> bool:
    """Whether many neighbouring levels have one value, between clamped ends that differ: ``values`` are those of one channel."""
    if not np.isfinite(values).all() or np.ptp(values) <= _FLAT:
        return False
    steps = np.diff(values[~_flat_ends(values)])
    return len(steps) >= _FEWEST and bool(np.mean(np.abs(steps) < _FLAT / 255) >= _STEPS) and bool((np.abs(steps) >= _FLAT).any())


def fitted_medians(levels: NDArray[np.float64], values: NDArray[np.float64]) -> Line | None:
    """The least-squares line through medians of random values; None if they are not finite or do not rise or fall."""
    if not np.isfinite(values).all():
        return None
    scale, shift = _settled(np.polyfit(levels, values, 1))
    return None if abs(scale) * 255 < _FLAT else Line(scale, shift, ())


def _settled(line: NDArray[np.float64]) -> tuple[float, float]:
    """Scale and shift. A shift that is only rounding error becomes 0."""
    scale, shift = float(line[0]), float(line[1])
    return scale, 0.0 if abs(shift) < _ROUNDING * abs(scale) * 255 else shift


def probe_colour(channels: int) -> tuple[int, ...]:
    """The raw colour of the probe image: ``COLOUR``, or for other numbers of channels levels evenly apart."""
    if channels == len(COLOUR):
        return COLOUR
    return tuple(int(level) for level in np.linspace(220, 30, channels)) if channels > 1 else (120,)


def channel_order(
    colour: NDArray[np.float64], scale: NDArray[np.float64], shift: NDArray[np.float64], drawn: tuple[int, ...] = COLOUR
) -> tuple[int, ...] | None:
    """Which raw channel each output channel shows, from its value for the ``drawn`` colour; None if channels are mixed.

    Of more channels than levels can tell apart, the order is not seen, and taken as it is.
    """
    if len(colour) != len(drawn) or len(drawn) > _MOST_TOLD:
        return tuple(range(len(colour)))
    shown = shown_levels(colour, scale, shift)
    nearest = [int(np.abs(np.array(drawn) - value).argmin()) for value in shown]
    off = [abs(drawn[index] - value) for index, value in zip(nearest, shown, strict=True)]
    return tuple(nearest) if sorted(nearest) == list(range(len(drawn))) and max(off) < _OFF_LEVEL else None


def is_grey(colour: NDArray[np.float64], scale: NDArray[np.float64], shift: NDArray[np.float64]) -> bool:
    """Whether all output channels are the same mixture of the raw channels."""
    return len(colour) > 1 and bool(np.ptp(shown_levels(colour, scale, shift)) < _OFF_LEVEL)


def shown_levels(colour: NDArray[np.float64], scale: NDArray[np.float64], shift: NDArray[np.float64]) -> NDArray[np.float64]:
    """The raw level that each output channel shows."""
    return np.asarray((colour - shift) / scale, dtype=np.float64)
