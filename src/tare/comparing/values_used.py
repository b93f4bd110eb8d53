"""The range and bit depth that a dataset uses of its dtype, and its share of clipped values: traces of a change of units."""

from __future__ import annotations

import math
from dataclasses import dataclass

from tare.statistics.dataset_stats import DatasetStats

_DEPTHS = {"uint8": 8, "uint16": 16}
# Values below this share of the range were probably recorded with fewer bits; photographs fill their range.
_FILLED = 0.5


@dataclass(frozen=True, slots=True)
class ValuesUsed:
    """Values that all channels together use, in unit values (floats: as stored).

    ``low`` and ``high`` are the extremes; ``bits`` is the number of bits of the largest integer and ``depth`` that of the dtype
    (None for floats); ``clipped`` is the largest share of values at one end of an integer range in any channel.
    """

    dtype: str
    low: float
    high: float
    bits: int | None
    depth: int | None
    clipped: float

    @property
    def fewer_bits(self) -> bool:
        """Whether the values need fewer bits than the dtype has, and fill less than half of its range."""
        return self.bits is not None and self.depth is not None and self.bits < self.depth and self.high < _FILLED

    def describe(self) -> str:
        """One line: ``uint8, values 0 to 15 of 255 (4 of 8 bits)``."""
        if self.bits is None or self.depth is None:
            return f"{self.dtype or 'unknown dtype'}, values {self.low:.4g} to {self.high:.4g}"
        levels = 2**self.depth - 1
        text = f"{self.dtype}, values {round(self.low * levels)} to {round(self.high * levels)} of {levels}"
        text += f" ({self.bits} of {self.depth} bits)" if self.fewer_bits else ""
        return text + (f", {self.clipped:.1%} at one end of it" if self.clipped > 0.01 else "")


def values_used(stats: DatasetStats) -> ValuesUsed | None:
    """The values used according to ``stats``; None for published moments, which have no values."""
    channels = [channel for channel in stats.channels if channel.count]
    if not channels or not all(math.isfinite(channel.max) for channel in channels):
        return None
    low, high = min(channel.min for channel in channels), max(channel.max for channel in channels)
    depth = _DEPTHS.get(stats.dtype)
    bits = None if depth is None else max(1, round(high * (2**depth - 1)).bit_length())
    ends = [share for c in channels for share in (c.share_at_low_end, c.share_at_high_end) if math.isfinite(share)]
    return ValuesUsed(stats.dtype, low, high, bits, depth, max(ends, default=0.0) if depth else 0.0)
