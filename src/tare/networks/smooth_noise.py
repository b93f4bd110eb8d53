"""Random samples that are smooth as pictures and recordings are, for networks without data at hand."""

from __future__ import annotations

import numpy as np

from tare.samples.layout import Doubles

_SIZES = (0.5, 1.0, 2.0, 4.0, 8.0)


def smooth_noise(number: int, channels: int, shape: tuple[int, ...], seed: tuple[int, ...]) -> Doubles:
    """Noise of all sizes ``(number, channels, *shape)`` with mean near 0 and std 1 over all values; rows have no shape."""
    from scipy.ndimage import gaussian_filter

    noise = np.random.default_rng(seed).standard_normal((number, channels, *shape))
    blurred = [gaussian_filter(noise, (0, 0, *(sigma for _ in shape))) for sigma in _SIZES]
    smooth = np.sum([layer / layer.std() for layer in blurred], axis=0)
    return np.asarray(smooth / smooth.std(), np.float64)
