"""The canonical form of every input convention: a channel order and one affine map per channel, raw value to network input.

Torchvision's mean and std on [0, 1], caffe's BGR means on 0..255, TensorFlow's [-1, 1], a processor's rescale factor and a
table column's z-score all say ``y_c = a_c * v_p(c) + b_c``; in this form they can be compared.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Affine:
    """``y_c = scale_c * v_order(c) + shift_c``, from raw value to network input (in units of input std)."""

    order: tuple[int, ...]
    scale: tuple[float, ...]
    shift: tuple[float, ...]

    def __post_init__(self) -> None:
        if not len(self.order) == len(self.scale) == len(self.shift):
            raise ValueError(f"order, scale and shift differ in length: {self.order}, {self.scale}, {self.shift}")
        if sorted(self.order) != list(range(len(self.order))):
            raise ValueError(f"order is no permutation: {self.order}")

    @classmethod
    def of_normalisation(
        cls, mean: tuple[float, ...], std: tuple[float, ...], raw_scale: float, order: tuple[int, ...] | None = None
    ) -> Affine:
        """From ``y = (raw_scale * v - mean) / std``: ``a = raw_scale / std``, ``b = -mean / std``."""
        return cls(
            order=order or tuple(range(len(mean))),
            scale=tuple(raw_scale / s for s in std),
            shift=tuple(-m / s for m, s in zip(mean, std, strict=True)),
        )

    def apply(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Map raw values ``(..., C)`` to network input ``(..., C)``."""
        return np.asarray(values[..., list(self.order)] * np.array(self.scale) + np.array(self.shift), dtype=np.float64)

    def then(self, after: Affine) -> Affine:
        """Return the map that applies this one first and ``after`` second."""
        return Affine(
            order=tuple(self.order[i] for i in after.order),
            scale=tuple(after.scale[c] * self.scale[i] for c, i in enumerate(after.order)),
            shift=tuple(after.scale[c] * self.shift[i] + after.shift[c] for c, i in enumerate(after.order)),
        )

    def inverse(self) -> Affine:
        """Return the map from network input back to raw value; raises ZeroDivisionError for a scale of zero."""
        back = [self.order.index(c) for c in range(len(self.order))]
        return Affine(
            order=tuple(back),
            scale=tuple(1.0 / self.scale[c] for c in back),
            shift=tuple(-self.shift[c] / self.scale[c] for c in back),
        )

    def distance(self, other: Affine, low: float = 0.0, high: float = 255.0) -> float:
        """Largest difference of the two maps over raw values in [low, high], in units of input std.

        Infinite if the number or order of channels differs: values then reach another channel.
        """
        if self.order != other.order:
            return float("inf")
        ends = np.array([low, high])[:, None]
        mine = ends * np.asarray(self.scale) + np.asarray(self.shift)
        theirs = ends * np.asarray(other.scale) + np.asarray(other.shift)
        return float(np.abs(mine - theirs).max())
