"""One gain and one offset for all channels, from constants that were recovered channel by channel."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tare.identifying.estimate import Estimated
from tare.samples.layout import Doubles
from tare.statistics.intervals import Interval

_UNIT = 255.0
_ITERATIONS = 20
_CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class OneMap:
    """The map ``gain x + offset`` of unit values that all channels share, and how well it explains their constants.

    ``held`` says that maps of each channel explain no more than their number of parameters does (Schwarz 1978), and ``shown``
    that a map of no change (gain 1, offset 0) is refused at 95%. ``covariance`` is that of log gain and offset, and ``student``
    the quantile that intervals of 95% have.
    """

    gain: Interval
    offset: Interval
    held: bool
    shown: bool
    covariance: tuple[tuple[float, float], tuple[float, float]]
    student: float

    def means(self, mean: Sequence[float]) -> tuple[Interval, ...]:
        """The means after the map, of those before."""
        found = []
        for each in mean:
            slope = np.array([self.gain.estimate * each, 1.0])
            half = self.student * math.sqrt(float(slope @ np.array(self.covariance) @ slope))
            middle = self.gain.estimate * each + self.offset.estimate
            found.append(Interval(middle, middle - half, middle + half))
        return tuple(found)

    def stds(self, std: Sequence[float]) -> tuple[Interval, ...]:
        """The stds after the map, of those before."""
        return tuple(Interval(*(each * end for end in (self.gain.estimate, self.gain.low, self.gain.high))) for each in std)

    def words(self) -> str:
        """The map with its error."""
        gain, offset = (f"{each.estimate:.3g} ({each.low:.3g} to {each.high:.3g})" for each in (self.gain, self.offset))
        return f"gain {gain}, offset {offset}"


def one_map(found: Estimated, mean: Sequence[float], std: Sequence[float]) -> OneMap:
    """Fit gain and offset to recovered constants by generalised least squares: u = gain m + offset, s = gain std.

    ``mean`` m and ``std`` (unit values) are those that the network is served with. Distances are judged by Hotelling's T
    squared, since the covariance of ``found`` is estimated from its images.
    """
    before, spread = np.asarray(mean, np.float64), np.asarray(std, np.float64)
    stds, means = (np.array([each.estimate for each in part]) for part in (found.std, found.mean))
    seen = np.concatenate([-np.log(stds * _UNIT), -means])
    weight = np.linalg.pinv(np.array(found.errors))

    def left(values: Doubles) -> Doubles:
        gain, offset = math.exp(values[0]), values[1]
        return np.asarray(seen - np.concatenate([-np.log(spread * _UNIT) - values[0], -(gain * before + offset)]), np.float64)

    def slopes(values: Doubles) -> Doubles:
        of_gain = np.concatenate([-np.ones(len(spread)), -math.exp(values[0]) * before])
        return np.stack([of_gain, np.concatenate([np.zeros(len(spread)), -np.ones(len(spread))])], axis=1)

    values = np.array([float(np.mean(np.log(stds / spread))), 0.0])
    for _ in range(_ITERATIONS):
        steep = slopes(values)
        values = values + np.linalg.solve(steep.T @ weight @ steep, steep.T @ weight @ left(values))
    steep = slopes(values)
    covariance, student = np.linalg.inv(steep.T @ weight @ steep), _student(found.images)
    errors = np.sqrt(np.diag(covariance)) * student
    rest, still = left(values), left(np.zeros(2))
    gain, size = math.exp(values[0]), len(seen)
    return OneMap(
        Interval(gain, gain * math.exp(-errors[0]), gain * math.exp(errors[0])),
        Interval(float(values[1]), float(values[1] - errors[1]), float(values[1] + errors[1])),
        held=float(rest @ weight @ rest) <= (size - 2) * math.log(max(found.images, 2)),
        shown=float(still @ weight @ still) > _farthest(size, found.images),
        covariance=((covariance[0, 0], covariance[0, 1]), (covariance[1, 0], covariance[1, 1])),
        student=student,
    )


def _student(images: int) -> float:
    from scipy import special

    return float(special.stdtrit(max(1, images - 1), 0.5 + _CONFIDENCE / 2))


def _farthest(size: int, images: int) -> float:
    """The squared distance of ``size`` numbers that is exceeded in 5% of cases: p (n - 1) / (n - p) F(p, n - p)."""
    from scipy import special

    rest = max(1, images - size)
    return float(size * (images - 1) / rest * special.fdtri(size, rest, _CONFIDENCE))
