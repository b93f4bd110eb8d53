"""Values that a specification cuts to a window: what arrives outside of it was not cut, and what lies at its ends was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tare.errors import SpecError
from tare.input_spec.spec import InputSpec

#: Share of a window's width that rounding may leave a value outside of it, or away from its end.
_SLACK = 1e-3


@dataclass(frozen=True, slots=True)
class Cut:
    """The window of one channel at the network's input, ``low`` to ``high``, and the ends of what arrived."""

    low: float
    high: float
    least: float
    most: float

    @property
    def beyond(self) -> float:
        """How far values lie outside, as a share of the window's width; 0 for values inside, up to rounding."""
        away = max(self.low - self.least, self.most - self.high) / (self.high - self.low)
        return away if away > _SLACK else 0.0

    @property
    def touches(self) -> bool:
        """Whether values lie at both ends, as values that were cut do."""
        slack = _SLACK * (self.high - self.low)
        return not self.beyond and abs(self.least - self.low) <= slack and abs(self.most - self.high) <= slack


def cuts(spec: InputSpec, moments: Sequence[NDArray[np.float64]]) -> tuple[Cut, ...]:
    """One for each channel; empty where the specification has no window with two ends, or one for another number of channels.

    ``moments`` are mean, variance, least and largest value of each sample, ``(4, N, C)`` a batch.
    """
    try:
        whole = spec.input_map()
    except SpecError:
        return ()
    if whole.clip is None or not np.isfinite(whole.clip).all() or len(whole.clip) != moments[0].shape[2]:
        return ()
    least = np.min([each[2].min(axis=0) for each in moments], axis=0)
    most = np.max([each[3].max(axis=0) for each in moments], axis=0)
    found = []
    for channel, window in enumerate(whole.clip):
        scale, shift = whole.affine.scale[channel], whole.affine.shift[channel]
        low, high = sorted(scale * end + shift for end in window)
        found.append(Cut(low, high, float(least[channel]), float(most[channel])))
    return tuple(found)
