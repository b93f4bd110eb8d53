"""A part of the images that was made in another way than the rest, as those of a second reader without Normalize are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tare.input_spec.affine import Affine
from tare.watching.values.grid import MOSTLY, ChannelValues, fitting
from tare.watching.values.plausible_range import beyond

# An image with more than this share of its values beyond every raw value is no augmented one: boxes of noise are smaller. One
# with less than the second share is as expected; of one between both, nothing is known.
_WHOLLY, _HARDLY = 0.5, 0.05
# One image of many may be a damaged one.
_FEWEST, _LEAST = 2, 0.05


@dataclass(frozen=True, slots=True)
class Part:
    """``images`` of ``number`` that were made otherwise; by the map ``fed``, where they lie on its grid."""

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

    None if there are none, if all are, or if there are so few that they may be damaged; and where only values beyond tell, if the
    others are not as expected: then all images may be made in one way.
    """
    odd: list[NDArray[np.float32]] = []
    places: Counter[int] = Counter()
    doubtful = False
    for image in images:
        channels = [ChannelValues.of(values, epsilon) for values in image]
        if fitting(channels, [expected], MOSTLY):
            continue
        found = fitting(channels, [each for _, each in maps])
        outside = beyond(image, expected)
        if found or outside.min() > _WHOLLY:
            odd.append(image)
            places.update(found[:1])
        elif outside.max() > _HARDLY:
            doubtful = True
    if not max(_FEWEST, _LEAST * len(images)) <= len(odd) < len(images):
        return None
    place, count = (*places.most_common(1), (0, 0))[0]
    fed = maps[place][1] if 2 * count > len(odd) else None
    return None if fed is None and doubtful else Part(tuple(odd), len(images), fed)
