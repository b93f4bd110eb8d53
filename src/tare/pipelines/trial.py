"""Run a pipeline on images with known values, and find its map from raw values to output."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tare.input_spec.affine import Affine
from tare.pipelines.call import Call
from tare.pipelines.content import NOTHING, Content, content_of, is_by_pixel
from tare.pipelines.observation import (
    FEW_LEVELS,
    GREY_LEVELS,
    Line,
    Observation,
    channel_order,
    fitted_line,
    fitted_medians,
    is_grey,
    is_stepped,
    probe_colour,
)
from tare.system.seeds import seeded

# Large enough for crops of 224. Not square, so that an exchange of height and width is noticed.
_SHAPE = (256, 320)
_REPEATS = 9
# A flip with p=0.5 gives the same result in the first run and in this many more with a probability of 1 in 2048.
_AGAIN = 11
# Stride of the pixels that are compared in an image of one colour.
_EVERY = 7
# Of a smaller image every pixel is compared.
_SMALL = 64
_SETTLED = 1e-6
_AS_WIDE = 0.8
_HALF = 0.5
_DECIMALS = 5
_TWO = 2
# A map applied half of the time is the rarer one in 0.37 of nine runs on average, one applied in a tenth of them in 0.1.
_RARE = 0.25

Mask = NDArray[np.bool_]
Colour = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class TrialPlan:
    """How a pipeline has to be tried.

    ``shown`` are the output pixels that show the image; None if most do, or if they are unknown. ``random`` says that two runs on
    one image differ; ``random_values``, that they differ even for an image of one colour.
    """

    layout: str
    shown: Mask | None
    random: bool
    random_values: bool
    channels: int = 3

    @property
    def levels(self) -> tuple[int, ...]:
        """Raw grey levels of the images of one colour."""
        return FEW_LEVELS if self.random_values else GREY_LEVELS

    @property
    def repeats(self) -> int:
        """How often the pipeline runs on an image of one colour."""
        return _REPEATS if self.random_values else 1


@dataclass(frozen=True, slots=True)
class Trials:
    """The outputs of the pipeline.

    ``bright`` and ``dark`` are outputs for textured images. The others are values for images of one colour: ``greys`` ``(levels,
    C)`` for each grey level, ``colour`` ``(C,)`` for :data:`COLOUR`, and ``lowest`` ``(C,)`` for level 1 in several runs. With
    ``two_maps`` chance decides between two maps, as with a Normalize that is applied half of the time; medians show neither.
    ``content`` is what happens to values beside the map, and ``by_pixel`` says that channels without one look at single pixels.
    """

    bright: list[NDArray[Any]]
    dark: list[NDArray[Any]]
    greys: NDArray[np.float64]
    colour: NDArray[np.float64]
    lowest: list[NDArray[np.float64]]
    two_maps: bool = False
    content: Content = NOTHING
    by_pixel: bool = False


def observe(call: Call, seed: int = 0, channels: int = 3) -> Observation:
    """See what ``call`` makes of images of one colour (the map), of a dark and a bright image (their extremes) and of chance.

    Where values are drawn at random, the map is that of medians over repeats. Random generators are seeded by ``seed`` and
    left as they were. ``channels`` is the number that is drawn; the map is from levels 0 to 255. Raises
    :class:`tare.errors.PipelineError` if the pipeline does.
    """
    with seeded(seed):
        bright = [call(_textured(255, channels)) for _ in range(1 + _AGAIN)]
        plan = _plan(call, bright, channels)
        trials = _run(call, plan, bright)
    return _judged(plan, trials)


def _plan(call: Call, bright: list[NDArray[Any]], channels: int) -> TrialPlan:
    """What the results for one image, and an image of one colour, say about how to try the pipeline."""
    first = bright[0]
    is_random = any(other.shape != first.shape or not np.array_equal(other, first, equal_nan=True) for other in bright[1:])
    layout = _layout(first, channels)
    shown = None if is_random else _where_the_image_is(call, layout, channels)
    flat = np.stack([_colour(call, (96,) * channels, layout) for _ in range(_REPEATS if is_random else 1)])
    random_values = is_random and bool(np.ptp(flat, axis=0).max() > _SETTLED * max(1.0, float(np.abs(flat).max())))
    return TrialPlan(layout, shown, is_random, random_values, channels)


def _run(call: Call, plan: TrialPlan, bright: list[NDArray[Any]]) -> Trials:
    """Show the pipeline images of one colour, and a dark one."""
    draws = [_draws(call, (level,) * plan.channels, plan) for level in plan.levels]
    greys = np.stack([np.median(each, axis=0) for each in draws])
    colour = _median(call, probe_colour(plan.channels), plan)
    dark = [call(_textured(100, plan.channels)) for _ in range(_REPEATS if plan.random else 1)]
    lowest = [_colour(call, (1,) * plan.channels, plan.layout) for _ in range(_REPEATS if plan.random else 0)]
    by_pixel = not plan.random and None in _lines(plan, greys) and is_by_pixel(_drawn(call, plan), _SHAPE, plan.channels)
    return Trials(bright, dark, greys, colour, lowest, _are_two_maps(draws), _content(call, plan, greys), by_pixel)


def _drawn(call: Call, plan: TrialPlan) -> Callable[[NDArray[np.uint8]], NDArray[np.float64]]:
    """Levels to the values that come out, some of many pixels."""

    def draw(levels: NDArray[np.uint8]) -> NDArray[np.float64]:
        result = call(levels)
        return _channels_first(result, plan.layout, _EVERY if min(sorted(result.shape)[-2:]) > _SMALL else 1)

    return draw


def _content(call: Call, plan: TrialPlan, greys: NDArray[np.float64]) -> Content:
    """What happens to values beside the map of values; nothing is told where there is none, or where they are drawn at random."""
    lines = [] if plan.random_values else _lines(plan, greys)
    if not lines or None in lines:
        return NOTHING
    scale = np.array([line.scale for line in lines if line is not None])
    return content_of(_drawn(call, plan), _SHAPE, plan.channels, scale, draws=_REPEATS if plan.random else 1)


def _judged(plan: TrialPlan, trials: Trials) -> Observation:
    """Fit a line to each channel, and name what the lines do not explain."""
    found = _lines(plan, trials.greys)
    lines = [line for line in found if line is not None]
    all_fit = len(lines) == len(found) and not trials.two_maps
    clamped = (None, None) if plan.random_values else _clamped(found, trials.greys)
    # If values are random or clamped, the output for one colour does not show the order of channels.
    blurred = plan.random_values or clamped != (None, None)
    affine, grey = _affine(lines, trials.colour, blurred, plan.channels) if all_fit else (None, False)
    content = trials.content
    if content.uneven or content.scrambled:
        affine, grey = None, False
    first = trials.bright[0]
    low, high = _extremes(trials.greys, _channels_first(first, plan.layout))
    stretched = not (all_fit and not any(line.outliers for line in lines)) and not trials.by_pixel and _is_stretched(plan, trials)
    threshold = _has_threshold(plan, trials, lines)
    return Observation(
        affine=affine,
        shape=tuple(first.shape),
        layout=plan.layout,
        dtype=str(first.dtype),
        low=low,
        high=high,
        clamped=clamped,
        by_image=stretched or threshold,
        threshold=threshold and not stretched,
        random=plan.random,
        random_values=plan.random_values,
        mixed=affine is None and not content.uneven and (all_fit or _shows_colours(plan, trials)),
        grey=grey,
        by_content=content.by_content and not stretched,
        uneven=content.uneven,
        scrambled=content.scrambled,
        stepped=affine is None and not plan.random_values and any(is_stepped(values) for values in trials.greys.T),
        finite=bool(np.isfinite(first).all() and np.isfinite(trials.greys[len(plan.levels) // 2]).all()),
    )


def _lines(plan: TrialPlan, greys: NDArray[np.float64]) -> list[Line | None]:
    """The line through the values of each channel, None where no line fits."""
    fit = fitted_medians if plan.random_values else fitted_line
    return [fit(np.array(plan.levels, np.float64), values) for values in greys.T]


def _shows_colours(plan: TrialPlan, trials: Trials) -> bool:
    """Whether a channel is the same for every grey and another for a colour, as those for colours of YCbCr, HSV and Lab are."""
    if plan.random_values or plan.channels == 1:
        return False
    same = np.ptp(trials.greys[1:], axis=0) <= _SETTLED * np.maximum(1.0, np.abs(trials.greys[-1]))
    return bool((same & (np.abs(trials.colour - trials.greys[-1]) > _SETTLED)).any())


def _extremes(*seen: NDArray[np.float64]) -> tuple[float, float]:
    values = np.concatenate([part.ravel() for part in seen])
    values = values[np.isfinite(values)]
    return (float(values.min()), float(values.max())) if values.size else (float("nan"), float("nan"))


def _affine(lines: list[Line], colour: NDArray[np.float64], approximate: bool, channels: int) -> tuple[Affine | None, bool]:
    """The map, and whether all channels show one mixture."""
    scale, shift = np.array([line.scale for line in lines]), np.array([line.shift for line in lines])
    grey = is_grey(colour, scale, shift)
    order = tuple(range(len(lines))) if grey or approximate else channel_order(colour, scale, shift, probe_colour(channels))
    return None if order is None else Affine(order, tuple(scale.tolist()), tuple(shift.tolist())), grey


def _clamped(lines: list[Line | None], greys: NDArray[np.float64]) -> tuple[float | None, float | None]:
    """The values of clamped ends: of levels at an end that the line misses and that all have the same value."""
    low = high = None
    for c, line in enumerate(lines):
        if line is None:
            continue
        values, missed, last = greys[:, c], set(line.outliers), len(GREY_LEVELS) - 1
        if {0, 1, 2, 3} <= missed and np.ptp(values[:4]) < _SETTLED:
            low = float(values[0])
        if {last, last - 1, last - 2} <= missed and np.ptp(values[last - 2 :]) < _SETTLED:
            high = float(values[last])
    return low, high


def _is_stretched(plan: TrialPlan, trials: Trials) -> bool:
    """Whether the output for a dark image always spans as wide a range as for a bright one, although its raw range is 0.4 of it.

    Ask only if no line explains all levels: if each image is scaled by its own values, an image of one colour becomes zeros.
    """
    pairs = zip(trials.bright[1:], trials.dark, strict=False)
    return not plan.random_values and all(
        _is_as_wide(_channels_first(bright, plan.layout), _channels_first(dark, plan.layout)) for bright, dark in pairs
    )


def _is_as_wide(bright: NDArray[np.float64], dark: NDArray[np.float64]) -> bool:
    wide, narrow = np.ptp(bright, axis=1).max(), np.ptp(dark, axis=1).max()
    return bool(np.isfinite(wide) and wide > _SETTLED and narrow > _AS_WIDE * wide)


def _has_threshold(plan: TrialPlan, trials: Trials, lines: list[Line]) -> bool:
    """Whether an image whose largest value is 0 or 1 is off the line, as by ``if image.max() > 1: image /= 255``."""
    # If the output for level 1 varies from run to run, chance explains it, not a threshold.
    steady = all(np.allclose(value, trials.greys[1], atol=_SETTLED) for value in trials.lowest)
    if plan.random_values or not steady:
        return False
    lonely = any(1 in line.outliers and set(line.outliers) <= {0, 1} for line in lines)
    return lonely and bool(np.ptp(trials.greys[:3], axis=0).max() >= _SETTLED)


def _median(call: Call, colour: Colour, plan: TrialPlan) -> NDArray[np.float64]:
    return np.asarray(np.median(_draws(call, colour, plan), axis=0), dtype=np.float64)


def _draws(call: Call, colour: Colour, plan: TrialPlan) -> NDArray[np.float64]:
    """The value ``(repeats, C)`` of each output channel for an image of one colour, run by run."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.stack([_colour(call, colour, plan.layout, plan.shown) for _ in range(plan.repeats)])


def _are_two_maps(draws: list[NDArray[np.float64]]) -> bool:
    """Whether each level has one of two values, and each of the two is common."""
    rarer = []
    for values in draws:
        _, counts = np.unique(np.round(values, _DECIMALS), axis=0, return_counts=True)
        if len(counts) > _TWO:
            return False
        rarer.append(1 - counts.max() / counts.sum())
    return float(np.mean(rarer)) > _RARE


def _colour(call: Call, colour: Colour, layout: str, shown: Mask | None = None) -> NDArray[np.float64]:
    """The value of each output channel for an image of one colour: the median of the pixels that show the image.

    If these pixels are unknown, the median is right as long as padding and erasing change fewer than half of all pixels.
    """
    values = _of_colour(call, colour, layout)
    if shown is not None and values.shape[1:] == shown.shape:
        values = values[:, shown]
    return np.asarray(np.median(values, axis=1), dtype=np.float64)


def _where_the_image_is(call: Call, layout: str, channels: int) -> Mask | None:
    """Which pixels differ between a dark and a bright image: the others are padding; None if these are fewer than half."""
    dark, bright = (_of_colour(call, (level,) * channels, layout) for level in (32, 224))
    if dark.shape != bright.shape:
        return None
    differs = np.asarray((dark != bright).any(axis=0))
    return differs if 0 < differs.mean() < _HALF else None


def _of_colour(call: Call, colour: Colour, layout: str) -> NDArray[np.float64]:
    image = np.empty((*_SHAPE, len(colour)), np.uint8)
    image[0] = colour
    image[1:] = image[0]
    return _channels_first(call(image), layout, _EVERY)


def _channels_first(result: NDArray[Any], layout: str, every: int = 1) -> NDArray[np.float64]:
    """The values ``(C, pixels)`` of each ``every``-th row and column."""
    values = result[None] if result.ndim == 2 else result if layout == "CHW" else np.moveaxis(result, -1, 0)
    return np.asarray(values[:, ::every, ::every], np.float64).reshape(len(values), -1)


def _layout(result: NDArray[np.generic], channels: int) -> str:
    if result.ndim == 2:
        return "HW"
    counts = {1, 2, 3, 4, channels}
    return "HWC" if result.shape[-1] in counts and result.shape[0] not in counts else "CHW"


def _textured(highest: int, channels: int) -> NDArray[np.uint8]:
    """An image with every level from 0 to ``highest`` in every channel, without symmetry, so that a flip shows."""
    return _texture(highest, channels).copy()  # a pipeline may work in place


@cache
def _texture(highest: int, channels: int) -> NDArray[np.uint8]:
    rows, columns = np.indices(_SHAPE)
    waves = [(rows * (3 + c) + columns * (5 - c) + (rows * columns) // (97 + c)) % (highest + 1) for c in range(channels)]
    return np.stack(waves, axis=-1).astype(np.uint8)
