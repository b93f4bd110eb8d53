"""Images, or batches, that were scaled by their own values instead of by constants."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tare.input_spec.affine import Affine
from tare.watching.grid import ChannelValues, grid_of
from tare.watching.sample import Seen

_FEWEST_IMAGES, _FEWEST_BATCHES, _FEWEST_CHANNELS = 4, 3, 3
# Rounding of a float32 mean and of a std with or without Bessel's correction, over a thousand pixels and more.
_MEAN, _STD = 2e-3, 5e-3
_EQUAL = 1e-4
_MOST_IMAGES = 64


def scaled_by_image(batches: Sequence[Seen], affine: Affine | None) -> bool:
    """Whether every image was scaled by its own mean and std, or by its own extremes.

    Of the first, each image has mean 0 and std 1, over all channels or in each. Of the second, the brightest value of every
    image is the same number while the grids of the images have different steps; saturated photographs share theirs.
    """
    moments = np.concatenate([seen.moments for seen in batches], axis=1)
    if moments.shape[1] < _FEWEST_IMAGES:
        return False
    if _standardised(moments[0], moments[1]) or _standardised(*_over_channels(moments)):
        return True
    tops = [moments[3]]
    if affine is not None and len(affine.scale) == moments.shape[2]:
        tops.append((moments[3] - np.array(affine.shift)) / np.array(affine.scale))
    return any(_equal(top.max(axis=1)) for top in tops) and _steps_differ(batches)


def scaled_by_batch(batches: Sequence[Seen]) -> bool:
    """Whether every batch has mean 0 and std 1 in each channel, or several have over all channels.

    With constants a batch of a few dozen images misses 0 and 1 by a tenth: three channels do not meet both by chance.
    """
    pooled = [_pooled(seen.moments) for seen in batches if seen.images > 1]
    if not pooled or len(pooled) < len(batches):
        return False
    stacked = np.stack(pooled, axis=1)
    enough = len(pooled) >= _FEWEST_BATCHES
    by_channel = enough or stacked.shape[2] >= _FEWEST_CHANNELS
    return (by_channel and _standardised(stacked[0], stacked[1])) or (enough and _standardised(*_over_channels(stacked)))


def _pooled(moments: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean and variance over the images of a batch ``(2, C)``: the variance is that within images and between their means."""
    return np.stack([moments[0].mean(axis=0), moments[1].mean(axis=0) + moments[0].var(axis=0)])


def _over_channels(moments: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    mean, variance = moments[0], moments[1]
    return mean.mean(axis=1), variance.mean(axis=1) + mean.var(axis=1)


def _standardised(mean: NDArray[np.float64], variance: NDArray[np.float64]) -> bool:
    return bool((np.abs(mean) < _MEAN).all() and (np.abs(np.sqrt(variance) - 1) < _STD).all())


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
