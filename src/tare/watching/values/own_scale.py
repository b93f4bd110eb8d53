"""Samples, or batches, that were scaled by their own values instead of by constants."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tare.input_spec.affine import Affine
from tare.watching.sample import Seen
from tare.watching.values.grid import ChannelValues, grid_of

_FEWEST_IMAGES, _FEWEST_BATCHES, _FEWEST_CHANNELS = 4, 3, 3
# Values of one sample: three numbers of mean 0 and std 1 are not yet a habit.
_FEWEST_VALUES = 8
# Rounding of a float32 mean and of a std with or without Bessel's correction, over a thousand pixels and more.
_MEAN, _STD = 2e-3, 5e-3
_EQUAL = 1e-4
_MOST_IMAGES = 64


def scaled_by_sample(batches: Sequence[Seen], affine: Affine | None) -> bool:
    """Whether every sample was scaled by its own mean and std, or every image by its own extremes.

    Of the first, each sample has mean 0 and std 1, over all channels or in each. Of the second, the brightest value of every
    image is the same number while the grids of the images have different steps; saturated photographs share theirs.
    """
    moments = np.concatenate([seen.moments for seen in batches], axis=1)
    if moments.shape[1] < _FEWEST_IMAGES:
        return False
    if zscored_by_sample(batches, "channel") or zscored_by_sample(batches, "sample"):
        return True
    if not batches[-1].look.form.layout:
        return False
    tops = [moments[3]]
    if affine is not None and len(affine.scale) == moments.shape[2]:
        tops.append((moments[3] - np.array(affine.shift)) / np.array(affine.scale))
    return any(_equal(top.max(axis=1)) for top in tops) and _steps_differ(batches)


def zscored_by_sample(batches: Sequence[Seen], over: str) -> bool:
    """Whether each sample has mean 0 and std 1, in each channel or over the whole ``sample``; too few values do not tell."""
    moments = np.concatenate([seen.moments for seen in batches], axis=1)
    values = batches[-1].look.form.values * (1 if over == "channel" else moments.shape[2])
    if values < _FEWEST_VALUES:
        return False
    mean, variance = (moments[0], moments[1]) if over == "channel" else _over_channels(moments)
    return _standardised(mean, variance, values)


def scaled_by_batch(batches: Sequence[Seen]) -> bool:
    """Whether every batch has mean 0 and std 1 in each channel, or several have over all channels.

    With constants a batch of a few dozen images misses 0 and 1 by a tenth: three channels do not meet both by chance. Signals
    and rows need several batches of different data, since one batch may be the whole data, normalised by constants of its own.
    """
    several = [seen for seen in batches if seen.images > 1]
    if not several or len(several) < len(batches):
        return False
    stacked = np.stack([_pooled(seen.moments) for seen in several], axis=1)
    enough = len(several) >= _FEWEST_BATCHES and not _same_data(several)
    images = bool(batches[-1].look.form.layout)
    by_channel = enough or (images and stacked.shape[2] >= _FEWEST_CHANNELS)
    values = batches[-1].look.form.values * min(seen.images for seen in several)
    if by_channel and _standardised(stacked[0], stacked[1], values):
        return True
    return enough and _standardised(*_over_channels(stacked), values * stacked.shape[2])


def _same_data(batches: Sequence[Seen]) -> bool:
    """Whether all batches have the same extremes: epochs of one batch that is the whole data."""
    ends = np.stack([np.stack([seen.moments[2].min(axis=0), seen.moments[3].max(axis=0)]) for seen in batches])
    return bool((ends == ends[0]).all())


def _pooled(moments: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean and variance over the images of a batch ``(2, C)``: the variance is that within images and between their means."""
    return np.stack([moments[0].mean(axis=0), moments[1].mean(axis=0) + moments[0].var(axis=0)])


def _over_channels(moments: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    mean, variance = moments[0], moments[1]
    return mean.mean(axis=1), variance.mean(axis=1) + mean.var(axis=1)


def _standardised(mean: NDArray[np.float64], variance: NDArray[np.float64], values: int) -> bool:
    """Whether all means are 0 and all stds 1, with or without Bessel's correction for so many values.

    What is constant (silence, an empty column) becomes 0 throughout; most must not be.
    """
    std = np.sqrt(variance)
    corrected = std * np.sqrt(values / max(values - 1, 1))
    one = (np.abs(std - 1) < _STD) | (np.abs(corrected - 1) < _STD)
    constant = std < _MEAN
    return bool((np.abs(mean) < _MEAN).all() and (one | constant).all() and np.count_nonzero(one) > one.size / 2)


def _equal(values: NDArray[np.float64]) -> bool:
    return bool(np.ptp(values) <= _EQUAL * max(1.0, float(np.abs(values).max())))


def _steps_differ(batches: Sequence[Seen]) -> bool:
    """Whether the steps of the images' grids are no multiples of one another; multiples come from images of few levels."""
    images = [(image, seen.look.form.epsilon) for seen in batches for image in seen.pixels][:_MOST_IMAGES]
    grids = [grid_of(ChannelValues.of(image[0], epsilon)) for image, epsilon in images]
    steps = np.array([grid.step for grid in grids if grid is not None])
    if len(steps) < _FEWEST_IMAGES:
        return False
    ratios = steps / steps.min()
    return bool(np.mean(np.abs(ratios - np.rint(ratios)) > 0.01) > 0.3)
