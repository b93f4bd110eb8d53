"""The rule that ends random sampling: simultaneous intervals of every channel's mean and std are narrow enough.

Samples arrive in a random order (:mod:`tare.measuring.random_order`). At scheduled looks, after 40 samples and then after a
tenth more each time, the half-width of every mean and std is computed. Reading stops at the first look where all are within
the tolerance. This is the fixed-width sequential interval of Chow and Robbins (Annals of Mathematical Statistics 36, 1965). The
estimated *variances* alone decide when it stops, never the means, so frequent looks do not multiply the error rate as they do
in a test. As the tolerance shrinks, its coverage tends to the nominal one (Anscombe's theorem) and its cost to that of an
oracle, which knows the variances. For a finite number of samples three corrections are added:

- reading tends to stop where a variance was underestimated, the more so the heavier the tails. Each variance is therefore
  replaced by its upper 95% bound, from the spread of its estimates between 16 to 32 batches of samples;
- a fifth of the error rate is set aside, Student's t takes the place of the normal quantile, and all 2C intervals hold at
  once (Bonferroni);
- once more than 5% of a finite dataset is read without replacement, the variance is multiplied by the share not yet read
  (Cochran, Sampling Techniques, 1977, section 2.5).

Measured over 500 seeded repeats (``benchmarks/sampling_coverage.py``): on 10,000 CIFAR images a tolerance of 0.02 reads 5%
of them, 1.27 times as many as the oracle on average and at most 1.44 times, with a simultaneous coverage of 99%. On skewed data
(exponential sample means) it reads 1.7 times as many on average and 2.9 times at most, with a coverage of 98%. The corrections
are needed there: without them, by the plain rule of Chow and Robbins, 200 repeats read 1.2 times as many on average and 2.0
times at most, with a coverage of 92%. The number of samples read is proportional to the largest of six estimated variances.
Each is known to within a fifth or a quarter after that many samples, so the largest is easily twice the true one. The oracle
knows the true one.

A limit of every method that trusts observed variances: n samples miss a rare kind of sample, with share p, with probability
(1 - p)^n. Anytime-valid sequences (Waudby-Smith et al., arXiv:2103.06476) have the same limit, and need at best about 1.9 times
the samples of the fixed-size interval.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from tare.errors import DataError
from tare.statistics.inference.distributions import freedom_of, t_quantile
from tare.statistics.moments import Moments

#: Number of samples that each state drawn by :func:`sample_until` should cover.
BLOCK = 4

_PILOT = 40
_GROWTH = 1.1
_BATCHES = 32
_SHARE_OF_ERROR = 0.8
_UPPER_95 = 1.645
#: Powers of two beyond which the square of a value may leave the range of a double.
_LARGE = 400
_NEGLIGIBLE_SHARE = 0.05


@dataclass(frozen=True, slots=True)
class StoppingRule:
    """Tolerance for the means and stds of all channels, in unit values, and the simultaneous ``confidence``.

    Raises :class:`tare.errors.DataError` if the tolerance is not positive or the confidence not between 0 and 1.
    """

    tolerance: float
    confidence: float = 0.95

    def __post_init__(self) -> None:
        if not (math.isfinite(self.tolerance) and self.tolerance > 0):
            raise DataError("a positive tolerance in unit values", f"{self.tolerance}", "state for example --tol 0.01")
        if not 0 < self.confidence < 1:
            raise DataError("a confidence between 0 and 1", f"{self.confidence}", "state for example --confidence 0.95")


@dataclass(frozen=True, slots=True)
class HalfWidth:
    """Half-widths of the intervals of one channel's mean and std, unit values."""

    mean: float
    std: float


@dataclass(frozen=True, slots=True)
class Sampled:
    """The result of sampling: moments per channel (raw values) and the half-widths reached (unit values).

    ``complete`` means that all data were read: the figures are then exact and the half-widths zero.
    """

    channels: tuple[Moments, ...]
    half_widths: tuple[HalfWidth, ...]
    samples: int
    total: int | None
    looks: int
    complete: bool

    @property
    def share(self) -> float:
        """Share of the data that was read (NaN if its size is not known)."""
        return self.samples / self.total if self.total else math.nan


def sample_until(states: Iterable[Sequence[Moments]], rule: StoppingRule, total: int | None, scale: float = 1.0) -> Sampled:
    """Draw states until ``rule`` is met or the states end.

    Each state holds the moments per channel of about ``BLOCK`` samples, in random order. States are drawn one by one, so a
    lazy iterable reads no more than needed. ``total`` is the number of samples in the data, if known; ``scale`` maps raw to
    unit values.

    Raises :class:`tare.errors.DataError` without any state.
    """
    batches = _Batches()
    looks, due = 0, _PILOT
    for state in states:
        batches.add(tuple(state))
        if batches.samples < due:
            continue
        looks, due = looks + 1, math.ceil(batches.samples * _GROWTH)
        widths = half_widths(batches.merged, batches.parts, rule.confidence, total, scale)
        if all(max(width.mean, width.std) <= rule.tolerance for width in widths):
            return Sampled(batches.merged, widths, batches.samples, total, looks, complete=batches.samples == total)
    if not batches.merged:
        raise DataError("at least one sample", "none", "check the path")
    exact = (HalfWidth(0.0, 0.0),) * len(batches.merged)
    return Sampled(batches.merged, exact, batches.samples, total, looks, complete=True)


def half_widths(
    merged: Sequence[Moments], parts: Sequence[Sequence[Moments]], confidence: float, total: int | None, scale: float = 1.0
) -> tuple[HalfWidth, ...]:
    """Half-widths of simultaneous intervals for all channels' mean and std, unit values.

    ``merged`` is the merge of the batches ``parts``; their spread gives the error of each variance.
    """
    samples = min(channel.samples for channel in merged)
    if samples < 2:
        return (HalfWidth(math.inf, math.inf),) * len(merged)
    error_rate = (1 - confidence) * _SHARE_OF_ERROR / (2 * len(merged))
    equal = min(channel.equal_samples for channel in merged)
    factor = t_quantile(1 - error_rate / 2, freedom_of(equal)) * math.sqrt(_unread(samples, total)) * scale
    widths = []
    for index, channel in enumerate(merged):
        of_mean, of_std = _residuals(channel, [part[index] for part in parts])
        mean_se = channel.mean_se * math.sqrt(1 + _UPPER_95 * _relative_error(of_mean))
        std_se = channel.std_se * math.sqrt(1 + _UPPER_95 * _relative_error(of_std))
        # The std of a channel that is constant so far has no standard error; its mean has an error of zero.
        widths.append(HalfWidth(factor * mean_se, 0.0 if math.isnan(std_se) else factor * std_se))
    return tuple(widths)


class _Batches:
    """Moments so far, merged and in at most 32 batches of about equal size; at 32, neighbours are merged."""

    def __init__(self) -> None:
        self.merged: tuple[Moments, ...] = ()
        self.parts: list[tuple[Moments, ...]] = []
        self.open: tuple[Moments, ...] = ()
        self.blocks_each = 1
        self.blocks_open = 0

    @property
    def samples(self) -> int:
        return min((channel.samples for channel in self.merged), default=0)

    def add(self, state: tuple[Moments, ...]) -> None:
        if self.merged and len(state) != len(self.merged):
            state = self._as_colour(state)
        self.merged = _merge(self.merged, state)
        self.open = _merge(self.open, state)
        self.blocks_open += 1
        if self.blocks_open < self.blocks_each:
            return
        self.parts.append(self.open)
        self.open, self.blocks_open = (), 0
        if len(self.parts) == _BATCHES:
            self.parts = [_merge(a, b) for a, b in zip(self.parts[::2], self.parts[1::2], strict=True)]
            self.blocks_each *= 2

    def _as_colour(self, state: tuple[Moments, ...]) -> tuple[Moments, ...]:
        """Bring a state and the batches so far to the same channels: grey images are three equal ones beside colour images."""
        channels = max(len(state), len(self.merged))
        self.merged, self.open = _repeated(self.merged, channels), _repeated(self.open, channels)
        self.parts = [_repeated(part, channels) for part in self.parts]
        return _repeated(state, channels)


def _repeated(state: tuple[Moments, ...], channels: int) -> tuple[Moments, ...]:
    return state * channels if len(state) == 1 else state


def _merge(left: tuple[Moments, ...], right: tuple[Moments, ...]) -> tuple[Moments, ...]:
    return tuple(a.merge(b) for a, b in zip(left, right, strict=True)) if left else right


def _unread(samples: int, total: int | None) -> float:
    share = samples / total if total else 0.0
    return max(0.0, 1 - share) if share > _NEGLIGIBLE_SHARE else 1.0


def _residuals(merged: Moments, parts: Sequence[Moments]) -> tuple[list[Fraction], list[Fraction]]:
    """Mean squared residuals of each batch about the merged moments: e_i of the mean, f_i of the std (see :class:`Moments`)."""
    m = Fraction(merged.mean)
    v = Fraction(merged.variance) if math.isfinite(merged.variance) else Fraction(merged.std) ** 2
    k = m * m - v
    of_mean, of_std = [], []
    for part in parts:
        if part.samples == 0:
            continue
        nn, ns, nq = (cross.fraction() for cross in (part.cross_nn, part.cross_ns, part.cross_nq))
        ss, sq, qq = (cross.fraction() for cross in (part.cross_ss, part.cross_sq, part.cross_qq))
        of_mean.append((ss - 2 * m * ns + m * m * nn) / part.samples)
        f = qq - 4 * m * sq + 4 * m * m * ss + 2 * k * nq - 4 * m * k * ns + k * k * nn
        of_std.append(f / part.samples)
    return of_mean, of_std


def _relative_error(squares: Sequence[Fraction]) -> float:
    """Relative standard error of the mean of independent values (zero if it cannot be estimated)."""
    values = _in_range(squares)
    number, mean = len(values), math.fsum(values) / max(1, len(values))
    if number < 2 or mean <= 0:
        return 0.0
    return math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (number * (number - 1))) / mean


def _in_range(values: Sequence[Fraction]) -> list[float]:
    """The values as doubles, all divided by a power of two where the largest is near the ends of a double's range or beyond."""
    largest = max(map(abs, values), default=Fraction(0))
    power = largest.numerator.bit_length() - largest.denominator.bit_length()
    unit = Fraction(2) ** power if largest and abs(power) > _LARGE else 1
    return [float(value / unit) for value in values]
