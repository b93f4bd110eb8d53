"""Values that stop inside of the range that raw values reach: cut off after Normalize, bent by a curve, or so in the images.

Images pile up at black and white, which are the ends of that range. A pile inside of it was cut off where it lies on no level of
8-bit values, or at one value in channels whose constants differ. Any other may be that of the raw images.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tare.input_spec.affine import Affine
from tare.watching.values.grid import ChannelValues

_HIGHEST = 255
# In levels: what constants of four digits and rounding move, and how far from a level a value lies on none.
_INSIDE, _OFF = 0.75, 0.1
# A pile has this share of the values, in two images and in a tenth of all.
_PILE, _FEWEST, _SOME = 0.01, 2, 0.1
# Beside what was cut off lie the values that were just not; beside a box or border of one value there need not be any.
_BESIDE, _CONTINUED = 16, 0.1
# A pile that could as well be that of raw images is doubtful where most images have it.
_DOUBTFUL, _MOST = 0.05, 0.5
# Share of values on the levels of 8-bit images that makes them such; with as many distinct values they are a curve of levels.
_ALL = 0.98
_COARSE = 2e-3
# The share of a table's values, and how many, that make a pile.
_OF_ROWS, _FEWEST_ROWS, _APART = 0.02, 4, 1e-3


@dataclass(frozen=True, slots=True)
class Pile:
    """Equal values at an end of one channel, inside of what raw values become.

    ``level`` is the raw level that they would come from, ``touching`` the share of the images that end there, and ``continued``
    says whether other values lie close by.
    """

    channel: int
    upper: bool
    value: float
    share: float
    level: float
    off_grid: bool
    touching: float
    continued: bool


def piles_inside(
    images: Sequence[NDArray[np.float32]], moments: NDArray[np.float64], affine: Affine, epsilon: float
) -> list[Pile]:
    """The piles of images ``(C, n)`` at an end that is none of the raw range's; ``moments`` are those of all, ``(4, N, C)``."""
    found = []
    for channel, (scale, shift) in enumerate(zip(affine.scale, affine.shift, strict=True)):
        values = np.concatenate([image[channel] for image in images]).astype(np.float64)
        step, ends = abs(scale), sorted((shift, shift + _HIGHEST * scale))
        rounding = 4 * epsilon * max(float(np.abs(values).max(initial=0.0)), 1e-3)
        for upper in (False, True):
            of_images = moments[3 if upper else 2][:, channel]
            end = float(of_images.max() if upper else of_images.min())
            inside = (ends[1] - end if upper else end - ends[0]) / step
            away = np.abs(values - end)
            share = float(np.mean(away <= rounding))
            touching = np.abs(of_images - end) <= rounding
            if inside <= _INSIDE + rounding / step or share < _PILE or touching.sum() < max(_FEWEST, _SOME * len(touching)):
                continue
            beside = float(np.mean((away > rounding) & (away <= _BESIDE * step)))
            level = (end - shift) / scale
            off = abs(level - round(level)) > _OFF + rounding / step
            found.append(Pile(channel, upper, end, share, level, off, float(touching.mean()), beside >= _CONTINUED * share))
    return found


def cut_off(piles: Sequence[Pile], *, on_grid: bool) -> list[Pile]:
    """The piles at which values were cut off after the normalisation, for certain.

    ``on_grid``: the other values lie on the levels of 8-bit values, so that a pile beside them does not come from raw values.
    """
    continued = [pile for pile in piles if pile.continued]
    return [pile for pile in continued if (on_grid and pile.off_grid) or _is_common(pile, continued)]


def _is_common(pile: Pile, piles: Sequence[Pile]) -> bool:
    """Whether another channel stops at the same value, which there comes from another raw level."""
    alike = [
        each for each in piles if each.upper == pile.upper and abs(each.value - pile.value) <= 1e-5 * max(1, abs(pile.value))
    ]
    return any(abs(each.level - pile.level) > _INSIDE for each in alike)


def cut_words(piles: Sequence[Pile], affine: Affine, *, on_grid: bool) -> str:
    """What was cut off where, in words; of each end the channel with most of it."""
    sides = []
    for upper in (False, True):
        at = [pile for pile in piles if pile.upper == upper]
        if at:
            most = max(at, key=lambda pile: pile.share)
            sides.append(f"{'above' if upper else 'below'} {most.value:.4g} ({most.share:.1%} of channel {most.channel + 1})")
    channel = piles[0].channel
    low, high = sorted((affine.shift[channel], affine.shift[channel] + _HIGHEST * affine.scale[channel]))
    other = "" if on_grid else ", unless one mean and one std for all channels made them, which are not the network's"
    return (
        f"values {' and '.join(sides)} were cut off after the normalisation{other}: dark or bright parts become one value, "
        f"and the network was trained with {low:.4g} to {high:.4g} in channel {channel + 1}"
    )


def doubt(piles: Sequence[Pile], *, on_grid: bool) -> str:
    """Why piles cannot be judged, which either the raw images have, or something cut off; empty where there are none."""
    least = _DOUBTFUL if on_grid else _PILE
    common = [pile for pile in piles if pile.share >= least and pile.touching >= _MOST]
    if not common:
        return ""
    most = max(common, key=lambda pile: pile.share)
    return (
        f"{most.share:.1%} of the values of channel {most.channel + 1} are {most.value:.4g}, the "
        f"{'greatest' if most.upper else 'least'} that arrives, which raw level {most.level:.4g} of 0..255 becomes: "
        f"whether the raw images end there or values were cut off or bent afterwards is not seen"
    )


def explained_by(piles: Sequence[Pile], moments: NDArray[np.float64], maps: Sequence[Affine]) -> bool:
    """Whether the piles are black and white of another map, inside of whose range all values lie."""
    least, most = moments[2].min(axis=0), moments[3].max(axis=0)
    for each in maps:
        scale, shift = np.array(each.scale), np.array(each.shift)
        low, high = np.sort([shift, shift + _HIGHEST * scale], axis=0)
        slack = _INSIDE * np.abs(scale)
        within = bool(((least >= low - slack) & (most <= high + slack)).all())
        if within and all(abs(pile.value - (high if pile.upper else low)[pile.channel]) <= slack[pile.channel] for pile in piles):
            return True
    return False


def is_bent(channels: Sequence[ChannelValues], affine: Affine, epsilon: float) -> bool:
    """Whether values are as few as those of 8-bit images, and most of them lie on no level of the map."""
    if epsilon > _COARSE:
        return False
    for values, scale, shift in zip(channels, affine.scale, affine.shift, strict=True):
        if len(values.values) > _HIGHEST + 1 or values.covered < _ALL:
            return False
        levels = (values.values - shift) / scale
        off = np.abs(levels - np.rint(levels)) > _OFF + values.rounding / abs(scale)
        if float(values.weights[off].sum()) > (1 - _MOST) * float(values.weights.sum()):
            return True
    return False


def common_ends(samples: Sequence[NDArray[np.float32]], mean: Sequence[float], std: Sequence[float]) -> str | None:
    """Why values of samples ``(C, n)`` cannot be judged: several channels stop at one value, with a pile; None where they do not.

    Where their constants differ that value comes from raw values that differ.
    """
    values = np.concatenate(samples, axis=1).astype(np.float64)
    for ends, word in ((values.min(axis=1), "least"), (values.max(axis=1), "greatest")):
        shares = np.mean(values == ends[:, None], axis=1)
        piled = [c for c in np.flatnonzero((shares >= _OF_ROWS) & (shares * values.shape[1] >= _FEWEST_ROWS)) if ends[c]]
        for channel in piled:
            alike = [each for each in piled if ends[each] == ends[channel]]
            raw = ends[channel] * np.array(std)[alike] + np.array(mean)[alike]
            if np.ptp(raw) > _APART * max(std):
                share = float(shares[alike].max())
                return (
                    f"{share:.1%} of the values of channel {channel + 1} are {ends[channel]:.4g}, the {word} in {len(alike)} "
                    "channels of different constants: they seem to be cut off after the normalisation"
                )
    return None
