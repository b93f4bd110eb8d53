"""Which frames of a video make a clip."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ClipFrames:
    """The number of ``frames``, evenly spread over a video, or every ``stride`` of them around its middle."""

    frames: int
    stride: int | None = None

    def of(self, number: int) -> tuple[int, ...]:
        """The places of the frames that are taken of a video of ``number``: the middles of equal parts, or with a stride.

        Frames are counted, whatever their duration; past the ends the first and the last frame are repeated.
        """
        if self.stride is None:
            return tuple((2 * place + 1) * number // (2 * self.frames) for place in range(self.frames))
        first = (number - (self.frames - 1) * self.stride - 1) // 2
        return tuple(min(max(first + place * self.stride, 0), number - 1) for place in range(self.frames))
