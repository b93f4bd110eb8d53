"""A part of the images that was made in another way than the rest, as those of a second reader without Normalize are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tare.input_spec.affine import Affine
from tare.watching.values.grid import MOSTLY, ChannelValues, fitting
from tare.watching.values.plausible_range import are_beyond, beyond

# An image with more than this share of its values beyond every raw value is no augmented one: boxes of noise are smaller. One
# with less than the second share is as expected; of one between both, nothing is known.
_WHOLLY, _HARDLY = 0.5, 0.05
# The mean and std of an image that was scaled by itself are 0 and 1 to so much.
_EXACTLY = 2e-3
# One image of many may be a damaged one.
_FEWEST, _LEAST = 2, 0.05


@dataclass(frozen=True, slots=True)
class Part:
    """``images`` of ``number`` that were made otherwise, by the map ``fed``, where they lie on its grid."""

    images: tuple[NDArray[np.float32], ...]
    number: int
    fed: Affine | None

    @property
    def told(self) -> str:
        """How many images, in words."""
        return f"{len(self.images)} of {self.number} images that were looked at"


def made_otherwise(
    images: Sequence[NDArray[np.float32]], epsilon: float, expected: Affine, maps: Sequence[tuple[str, Affine]]
) -> Part | None:
    """The images ``(C, n)`` that lie on the grid of a mistake or beyond what any raw value becomes, where others do not.

    Of several mistakes it is that of most images. None if there are none, if all are alike, or if there are so few that they may
    be damaged; and if the others are not as expected, where only values beyond tell or they are few: then all images may be made
    in one way, of which some hold too few values to show it.
    """
    by_map: dict[int, list[NDArray[np.float32]]] = {}
    outside: list[NDArray[np.float32]] = []
    odd, right, doubtful = 0, 0, False
    for image in images:
        channels = [ChannelValues.of(values, epsilon) for values in image]
        if fitting(channels, [expected], MOSTLY):
            right += 1
            continue
        found, shares = fitting(channels, [each for _, each in maps]), beyond(image, expected)
        for place in found:
            by_map.setdefault(place, []).append(image)
        if not found and shares.min() > _WHOLLY:
            outside.append(image)
        odd += bool(found) or shares.min() > _WHOLLY
        doubtful |= not found and _HARDLY < shares.max() <= _WHOLLY
    if not is_part(odd, len(images)) or (not right and len(images) - odd <= odd / 2):
        return None
    place, most = max(by_map.items(), key=lambda pair: (len(pair[1]), -pair[0]), default=(-1, []))
    if most and len(most) >= len(outside):
        return Part(tuple(most), len(images), maps[place][1])
    return None if doubtful else Part(tuple(outside), len(images), None)


def is_part(odd: int, number: int) -> bool:
    """Whether so many of all images are more than a few damaged ones, and not all."""
    return max(_FEWEST, _LEAST * number) <= odd < number


def scaled_by_themselves(means: NDArray[np.float64], variances: NDArray[np.float64]) -> int:
    """How many images have mean 0 and std 1, over all channels or in each; both ``(N, C)``. By chance hardly one has."""
    mean, variance = means.mean(axis=1), variances.mean(axis=1) + means.var(axis=1)
    together = (np.abs(mean) < _EXACTLY) & (np.abs(np.sqrt(variance) - 1) < _EXACTLY)
    each = (np.abs(means) < _EXACTLY).all(axis=1) & (np.abs(np.sqrt(variances) - 1) < _EXACTLY).all(axis=1)
    return int((together | each).sum())


def wholly_beyond(means: NDArray[np.float64], expected: Affine) -> NDArray[np.bool_]:
    """Which images, by their means ``(N, C)``, are on average beyond what any raw value becomes."""
    return np.asarray(are_beyond(means.T, expected).all(axis=0))
