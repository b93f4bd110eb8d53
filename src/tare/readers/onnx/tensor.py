"""A tensor of an ONNX graph as a function of the image: one affine map per channel, or the reason why it is not affine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

#: Operators that pick channels and leave values as they are.
_PICKING = ("Gather", "Slice", "Split")


@dataclass(frozen=True, slots=True)
class ImageTensor:
    """A tensor whose channel c is ``scale_c * image[source_c] + shift_c``.

    ``axis`` is the axis of channels, None after an operator removed or reshaped it. ``lead`` is the factor that was applied
    before anything was subtracted. ``nodes`` are the operators that changed or picked values. ``integer`` says that values are
    still integers. ``channels`` is the number of the image's own channels.
    """

    rank: int
    axis: int | None
    source: tuple[int, ...]
    scale: tuple[float, ...]
    shift: tuple[float, ...]
    lead: float = 1.0
    nodes: tuple[str, ...] = ()
    integer: bool = False
    channels: int = 0

    @property
    def normalises(self) -> bool:
        """Whether an operator changed values, not only the order of channels."""
        return any(node not in _PICKING for node in self.nodes)

    @classmethod
    def of_image(cls, rank: int, axis: int, channels: int, integer: bool) -> ImageTensor:
        """The image itself."""
        return cls(rank, axis, tuple(range(channels)), (1.0,) * channels, (0.0,) * channels, integer=integer, channels=channels)

    def mapped(self, factors: NDArray[np.float64], offsets: NDArray[np.float64], node: str) -> ImageTensor:
        """Apply ``factor * y + offset``, with one number for all channels or one per channel."""
        count = len(self.source)
        by, plus = np.broadcast_to(factors, count), np.broadcast_to(offsets, count)
        is_lead = not any(self.shift) and len(set(self.scale)) == 1 and len(set(by.tolist())) == 1 and not plus.any()
        return replace(
            self,
            scale=tuple(float(f * a) for f, a in zip(by, self.scale, strict=True)),
            shift=tuple(float(f * b + o) for f, b, o in zip(by, self.shift, plus, strict=True)),
            lead=self.lead * float(by[0]) if is_lead else self.lead,
            nodes=(*self.nodes, node),
        )

    def picked(self, indices: Sequence[int], node: str) -> ImageTensor:
        """Only the channels at ``indices``, in their order."""
        scale, shift = tuple(self.scale[i] for i in indices), tuple(self.shift[i] for i in indices)
        return replace(self, source=tuple(self.source[i] for i in indices), scale=scale, shift=shift, nodes=(*self.nodes, node))


@dataclass(frozen=True, slots=True)
class Blocked:
    """A tensor that is not an affine map of the image, and the reason."""

    reason: str


Tracked = ImageTensor | Blocked
