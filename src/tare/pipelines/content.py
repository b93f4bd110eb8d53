"""Whether a pipeline maps values alone, or changes them by what else is in the image, or by where in it they stand.

Images of one colour show the map of values. On those autocontrast, equalisation and contrast about an image's own mean change
nothing, so an image of two coloured halves, each a little rough, has to come out as images of these colours do.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

#: The levels of the two colours, repeated for further channels, and how far the rough ones lie around them.
_COLOURS = ((30, 60, 90), (170, 140, 200))
_ROUGH = 4
#: What rounding, compression and sharpening may do to a value, as a share of the range.
_CLOSE = 0.03
#: The least share of pixels that come out as expected; of a pipeline with padding or erasing in places that chance decides, less.
_MOST, _SOME = 0.5, 0.2
#: The same of a pipeline that is said to look at nothing but single pixels.
_NEARLY_ALL = 0.75
#: The largest share of pixels of one colour that may come out as another value.
_FEW = 0.1
_FEWEST_PIXELS = 16

#: A sample drawn as levels ``(H, W, C)``, to the values ``(C, pixels)`` that come out.
Draw = Callable[[NDArray[np.uint8]], NDArray[np.float64]]


class Content(NamedTuple):
    """How a pipeline changes values beside a map of values.

    ``by_content``: by what else is in the image; ``uneven``: by where they stand; ``scrambled``: one channel has values of
    several.
    """

    by_content: bool = False
    uneven: bool = False
    scrambled: bool = False


#: A pipeline that does nothing beside its map.
NOTHING = Content()


def content_of(draw: Draw, shape: tuple[int, int], channels: int, scale: NDArray[np.float64], *, draws: int = 1) -> Content:
    """What a pipeline does beside its map of values, whose factors are ``scale`` ``(C,)``.

    There is more than one of ``draws`` where chance decides on geometry.
    """
    close = _CLOSE * 255 * np.abs(scale)[:, None]
    flats = [draw(_flat(shape, np.asarray(_colour(each, channels)) + rough)) for each in _COLOURS for rough in (-_ROUGH, _ROUGH)]
    if len({each.shape for each in flats}) > 1 or flats[0].shape[1] < _FEWEST_PIXELS or len(flats[0]) != len(scale):
        return NOTHING
    if draws > 1:
        flats = [np.median(each, axis=1, keepdims=True) for each in flats]
    else:
        shown: NDArray[np.bool_] = np.asarray((np.abs(flats[0] - flats[2]) > close).any(axis=0))
        uneven = _is_uneven(draw(_flat(shape, np.full(channels, 100))), shown, close)
        scrambled = not uneven and _is_uneven(flats[0], shown, close)
        if uneven or scrambled:
            return Content(uneven=uneven, scrambled=scrambled)
    limits = [(np.minimum(*pair) - close, np.maximum(*pair) + close) for pair in (flats[:2], flats[2:])]
    least = _SOME if draws > 1 else _MOST
    return Content(all(_share_within(draw(_halves(shape, channels)), limits) < least for _ in range(draws)))


def is_by_pixel(draw: Draw, shape: tuple[int, int], channels: int) -> bool:
    """Whether a pixel comes out alike whatever stands beside it, of a pipeline whose channels have no map of their own.

    A change of the colour space is so, whose hue and saturation span their range in dark images as in bright ones.
    """
    with np.errstate(all="ignore"):  # a flat image that is scaled by itself
        flats = [draw(_flat(shape, np.asarray(_colour(each, channels)))) for each in _COLOURS]
        seen = draw(_halves(shape, channels, rough=0))
    if len({each.shape for each in (*flats, seen)}) > 1 or seen.shape[1] < _FEWEST_PIXELS or not np.isfinite(flats).all():
        return False
    close = _CLOSE * np.ptp(np.concatenate([seen, *flats], axis=1), axis=1, keepdims=True)
    return _share_within(seen, [(each - close, each + close) for each in flats]) > _NEARLY_ALL


def _share_within(seen: NDArray[np.float64], limits: list[tuple[NDArray[np.float64], NDArray[np.float64]]]) -> float:
    """The share of pixels that lie within the limits of one of the colours in every channel; 1 if they cannot be compared."""
    if len(seen) != len(limits[0][0]) or limits[0][0].shape[1] not in (1, seen.shape[1]):
        return 1.0
    return float(np.any([((seen >= low) & (seen <= high)).all(axis=0) for low, high in limits], axis=0).mean())


def _is_uneven(seen: NDArray[np.float64], shown: NDArray[np.bool_], close: NDArray[np.float64]) -> bool:
    """Whether pixels that show an image of one colour come out as several values."""
    values = seen[:, shown]
    if values.shape[1] < _FEWEST_PIXELS:
        return False
    off = np.abs(values - np.median(values, axis=1, keepdims=True)) > close
    return bool(off.any(axis=0).mean() > _FEW)


def _colour(levels: tuple[int, ...], channels: int) -> tuple[int, ...]:
    return tuple(levels[channel % len(levels)] for channel in range(channels))


def _flat(shape: tuple[int, int], colour: NDArray[np.int64]) -> NDArray[np.uint8]:
    image = np.empty((*shape, len(colour)), np.uint8)
    image[:] = colour
    return image


def _halves(shape: tuple[int, int], channels: int, rough: int = _ROUGH) -> NDArray[np.uint8]:
    """An image of two by two fields in the two colours, whose values lie evenly around them, as far as is ``rough``."""
    rows, columns = np.indices(shape)
    first = (rows < shape[0] // 2) == (columns < shape[1] // 2)
    one, other = (np.asarray(_colour(each, channels)) for each in _COLOURS)
    around = [(rows * (5 + c) + columns * (3 + c) + rows * columns // 11) % (2 * rough + 1) - rough for c in range(channels)]
    return np.asarray(np.where(first[..., None], one, other) + np.stack(around, axis=-1), np.uint8)
