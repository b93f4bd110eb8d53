"""Moments of one channel: a frozen state with an identity and an exact, order-free merge.

For sample i let n_i be the number of its values, S_i their sum and Q_i the sum of their squares. The state keeps the totals
of (n, S, Q), their six cross moments over samples, and the sums for the other published definitions of mean and std.
All sums are dyadic rationals (:mod:`tare.statistics.exact`), hence ``merge`` is associative and commutative to the last bit;
figures are rounded once, when they are read.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from fractions import Fraction
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tare.statistics.centred import About, Centred, centred, moved_sums
from tare.statistics.exact import Dyadic, exact_products, exact_sum, exact_sums
from tare.statistics.sums import FloatSums, float_sums

_ZERO = Dyadic()

# Beyond this (or below its inverse) squares of squares may leave the range of a double; such samples are scaled first.
_LARGE = 1e60

# Degree of each sum in the values.
_DEGREES = {
    "total": 1,
    "squares": 2,
    "cross_ns": 1,
    "cross_nq": 2,
    "cross_ss": 2,
    "cross_sq": 3,
    "cross_qq": 4,
    "sample_means": 1,
    "sample_means_squared": 2,
    "sample_stds": 1,
    "sample_variances": 2,
}
# The sums that standard errors need.
_SUMS = {"cross_nn": 0, **{name: degree for name, degree in _DEGREES.items() if not name.startswith("sample")}}


@dataclass(frozen=True, slots=True)
class Moments:
    """Mergeable moments of one channel over samples, in the units of the values given.

    Standard errors count samples, not values: pixels of one image are correlated. The pooled mean S/n is a ratio
    estimator; its variance is linearised (delta method) from the cross moments: with residuals e_i = S_i - m n_i and
    K = n^2 / sum n_i^2, the number of samples of equal size that say as much (Kish), Var(m) = K/(K-1) sum e_i^2 / n^2, and with
    f_i = Q_i - 2 m S_i + (m^2 - v) n_i, Var(v) = K/(K-1) sum f_i^2 / n^2, Var(std) = Var(v) / (4 v). K is N for samples of one
    size. Source: Cochran, Sampling Techniques, 3rd ed. 1977, sections 6.3 and 9A.4 (cluster totals); Kish, Survey Sampling, 1965.
    """

    samples: int = 0
    count: int = 0
    nan: int = 0
    inf: int = 0
    low: float = math.inf
    high: float = -math.inf
    total: Dyadic = _ZERO
    squares: Dyadic = _ZERO
    cross_nn: Dyadic = _ZERO
    cross_ns: Dyadic = _ZERO
    cross_nq: Dyadic = _ZERO
    cross_ss: Dyadic = _ZERO
    cross_sq: Dyadic = _ZERO
    cross_qq: Dyadic = _ZERO
    sample_means: Dyadic = _ZERO
    sample_means_squared: Dyadic = _ZERO
    sample_stds: Dyadic = _ZERO
    sample_variances: Dyadic = _ZERO

    @classmethod
    def of_integer_samples(
        cls, n: NDArray[np.int64], s: NDArray[np.int64], q: NDArray[np.int64], low: float, high: float
    ) -> Moments:
        """Build from the exact integer sums of many samples: counts, sums, sums of squares, each of shape ``(samples,)``.

        Samples without values (``n == 0``) do not count as samples.
        """
        keep = n > 0
        n, s, q = n[keep], s[keep], q[keep]
        if n.size == 0:
            return cls()
        means = s / n
        variances = _integer_variances(n, s, q)
        nn, ns, nq, ss, sq, qq = map(Dyadic, exact_products(np.stack([n, s, q])))
        of_means, of_squares, of_stds, of_variances = exact_sums(np.stack([means, means * means, np.sqrt(variances), variances]))
        return cls(
            samples=int(n.size),
            count=int(n.sum()),
            low=low,
            high=high,
            total=Dyadic(_total(s)),
            squares=Dyadic(_total(q)),
            cross_nn=nn,
            cross_ns=ns,
            cross_nq=nq,
            cross_ss=ss,
            cross_sq=sq,
            cross_qq=qq,
            sample_means=of_means,
            sample_means_squared=of_squares,
            sample_stds=of_stds,
            sample_variances=of_variances,
        )

    @classmethod
    def of_sample(cls, values: NDArray[Any]) -> Moments:
        """Build from all values of one sample, any real dtype; NaN and infinities are counted and left out of the sums.

        Sums are taken about the sample's own mean in float64 and moved to the origin exactly, so values near 1e9 with a
        std of 1 keep all their digits (two-pass algorithm of Chan, Golub and LeVeque 1983).
        """
        sums = centred(values, passes=2)
        if sums.count == 0:
            return cls(nan=sums.nan, inf=sums.inf)
        n, s, q = Dyadic(sums.count), Dyadic.of(sums.powers[0]), Dyadic.of(sums.powers[1])
        variance = max(0.0, sums.powers[1] / sums.count - (sums.powers[0] / sums.count) ** 2)
        mean = Dyadic.of(sums.pivot + sums.powers[0] / sums.count)
        about = About(n, s, q, n * n, n * s, n * q, s * s, s * q, q * q)
        return cls(
            samples=1,
            count=sums.count,
            low=sums.low,
            high=sums.high,
            **about.moved(Dyadic.of(sums.pivot)),
            sample_means=mean,
            sample_means_squared=mean * mean,
            sample_stds=Dyadic.of(math.sqrt(variance)),
            sample_variances=Dyadic.of(variance),
        )._completed(sums)

    @classmethod
    def of_stack(cls, samples: NDArray[Any]) -> Moments:
        """Build from many samples of one size, any real dtype: ``(N, P)``, P values each, in one compiled pass.

        Equal to merging :meth:`of_sample` over them to rounding, not to the bit: cross moments are rounded once a stack.
        """
        if samples.size == 0:
            return cls()
        values = np.ascontiguousarray(samples, dtype=np.float64)
        sums = float_sums(values)
        plain = (np.abs(sums.mean) < _LARGE) & (sums.second < _LARGE) & ((sums.second > 1 / _LARGE) | (sums.low == sums.high))
        others = reduce(cls.merge, map(cls.of_sample, values[~plain]), cls())
        return cls._of_plain_stack(values.shape[1], sums.chosen(plain)).merge(others) if plain.any() else others

    @classmethod
    def _of_plain_stack(cls, length: int, sums: FloatSums) -> Moments:
        pivot = float(sums.mean.mean())
        offset = sums.mean - pivot
        s = length * offset + sums.first
        q = sums.second + 2 * offset * sums.first + length * offset * offset
        relative = s / length
        variances = np.maximum(0.0, sums.second / length - (sums.first / length) ** 2)
        number, n, p = sums.mean.size, Dyadic(length), Dyadic.of(pivot)
        total_s, total_q, total_n = exact_sum(s), exact_sum(q), Dyadic(length * number)
        about = About(
            total_n, total_s, total_q, n * total_n, n * total_s, n * total_q, exact_sum(s * s), exact_sum(s * q), exact_sum(q * q)
        )
        mean_sum, mean_squares = moved_sums(Dyadic(number), exact_sum(relative), exact_sum(relative * relative), p)
        return cls(
            samples=number,
            count=length * number,
            low=float(sums.low.min()),
            high=float(sums.high.max()),
            **about.moved(p),
            sample_means=mean_sum,
            sample_means_squared=mean_squares,
            sample_stds=exact_sum(np.sqrt(variances)),
            sample_variances=exact_sum(variances),
        )

    @classmethod
    def of_rows(cls, values: NDArray[Any]) -> Moments:
        """Build from a column in which every value is a sample of its own (a table's column), in one compiled pass.

        Power sums up to the fourth are taken about a pivot near the column's mean in float64 and moved to the origin exactly.
        """
        return cls.of_sums(centred(values, passes=1))

    @classmethod
    def of_sums(cls, sums: Centred) -> Moments:
        """Build from the power sums of a column in which every value is a sample of its own."""
        if sums.count == 0:
            return cls(nan=sums.nan, inf=sums.inf)
        first, second, third, fourth = sums.about_origin()
        return cls(
            samples=sums.count,
            count=sums.count,
            low=sums.low,
            high=sums.high,
            total=first,
            squares=second,
            cross_nn=Dyadic(sums.count),
            cross_ns=first,
            cross_nq=second,
            cross_ss=second,
            cross_sq=third,
            cross_qq=fourth,
            sample_means=first,
            sample_means_squared=second,
        )._completed(sums)

    def _completed(self, sums: Centred) -> Moments:
        """Undo the scaling of extreme values and add the counts of what was left out."""
        moments = self if sums.exponent == 0 else self.scaled(Dyadic(1, sums.exponent))
        return replace(moments, nan=sums.nan, inf=sums.inf) if sums.nan or sums.inf else moments

    def scaled(self, factor: Dyadic) -> Moments:
        """Return the moments of the same samples with every value multiplied by ``factor`` > 0, exactly.

        8-bit levels times 257 are exactly the 16-bit levels of the same unit values.
        """
        degrees = {name: getattr(self, name) * reduce(Dyadic.__mul__, [factor] * degree) for name, degree in _DEGREES.items()}
        low, high = (_scaled_float(end, factor) for end in (self.low, self.high))
        return replace(self, low=low, high=high, **degrees)

    def united(self) -> Moments:
        """Return the moments of the same values as those of one sample, for a sample that was read in parts."""
        if not self.samples:
            return self
        return replace(
            self.of_totals([(self.count, self.total, self.squares)]), nan=self.nan, inf=self.inf, low=self.low, high=self.high
        )

    @classmethod
    def of_totals(cls, totals: Sequence[tuple[int, Dyadic, Dyadic]]) -> Moments:
        """Build from the exact ``(n, S, Q)`` of each sample; the smallest and largest value are not known from them."""
        return reduce(cls.merge, (cls._of_total(*each) for each in totals if each[0]), cls())

    @classmethod
    def _of_total(cls, count: int, total: Dyadic, squares: Dyadic) -> Moments:
        n = Dyadic(count)
        alone = cls(count=count, total=total, squares=squares)
        mean, variance = alone.mean, alone.variance
        # Squares of very large and very small values leave the range of a double; their roots do not.
        std = math.sqrt(variance) if _is_normal(variance) else alone.std
        return cls(
            samples=1,
            count=count,
            total=total,
            squares=squares,
            cross_nn=n * n,
            cross_ns=n * total,
            cross_nq=n * squares,
            cross_ss=total * total,
            cross_sq=total * squares,
            cross_qq=squares * squares,
            sample_means=Dyadic.of(mean),
            sample_means_squared=Dyadic.of(mean * mean) if _is_normal(mean * mean) else _squared(mean),
            sample_stds=Dyadic.of(std),
            sample_variances=Dyadic.of(variance) if _is_normal(variance) else _squared(std),
        )

    def merge(self, other: Moments) -> Moments:
        """Return the state of both sets of samples together; exact, associative, commutative, with ``Moments()`` as identity."""
        # If every value is a sample, several fields are one object, which is added once.
        added: dict[tuple[int, int], Any] = {}
        merged: dict[str, Any] = {}
        for name in _ADDED:
            ours, theirs = getattr(self, name), getattr(other, name)
            both = id(ours), id(theirs)
            if both not in added:
                added[both] = ours + theirs
            merged[name] = added[both]
        return Moments(**merged, low=min(self.low, other.low), high=max(self.high, other.high))

    @property
    def mean(self) -> float:
        """Pooled mean S/n over all values of all samples (NaN if there are none)."""
        return float(self._mean) if self.count else math.nan

    @property
    def variance(self) -> float:
        """Pooled population variance (ddof 0)."""
        return _float(self._variance) if self.count else math.nan

    @property
    def std(self) -> float:
        """Pooled population standard deviation (ddof 0)."""
        return _sqrt(self._variance) if self.count else math.nan

    @property
    def mean_se(self) -> float:
        """Standard error of :attr:`mean`, counting samples (NaN below two samples)."""
        if self.samples < 2:
            return math.nan
        return _sqrt(self._mean_error)

    @property
    def std_se(self) -> float:
        """Standard error of :attr:`std`, counting samples (NaN below two samples or for a constant channel)."""
        variance = self._variance if self.count else Fraction(0)
        if self.samples < 2 or variance == 0:
            return math.nan
        bits, whole = self._whole
        n, total, squares = self.count, whole["total"], whole["squares"]
        k = 2 * total * total - n * squares  # (m^2 - v) n^2
        residual = (
            n**4 * whole["cross_qq"]
            - 4 * n**3 * total * whole["cross_sq"]
            + 4 * (n * total) ** 2 * whole["cross_ss"]
            + 2 * n * n * k * whole["cross_nq"]
            - 4 * n * total * k * whole["cross_ns"]
            + k * k * whole["cross_nn"]
        )
        below = 4 * (n * squares - total * total) * (n * n - whole["cross_nn"]) * n * n
        return _sqrt(Fraction(residual, below << 2 * bits))

    @property
    def equal_samples(self) -> float:
        """Number of samples of equal size that say as much, n^2 / sum n_i^2 (Kish 1965): fewer if few hold most values."""
        return float(self.count * self.count / self.cross_nn.fraction()) if self.samples else math.nan

    @property
    def effective_samples(self) -> float:
        """Number of independent *values* with the same standard error: variance / Var(mean) (NaN below two samples)."""
        if self.samples < 2:
            return math.nan
        error = self._mean_error
        return float(self._variance / error) if error > 0 else math.inf

    @property
    def mean_of_sample_std(self) -> float:
        """Mean of the per-sample stds, the popular per-image recipe (probably that of ImageNet's 0.229)."""
        return float(self.sample_stds.fraction() / self.samples) if self.samples else math.nan

    @property
    def root_mean_sample_variance(self) -> float:
        """Root of the mean per-sample variance, the third published definition of std."""
        return _sqrt(self.sample_variances.fraction() / self.samples) if self.samples else math.nan

    @property
    def sample_mean(self) -> float:
        """Mean of the per-sample means: every sample weighs the same, whatever its size."""
        return float(self.sample_means.fraction() / self.samples) if self.samples else math.nan

    @property
    def sample_weighted_std(self) -> float:
        """Pooled std with every sample weighing the same, whatever its size."""
        if not self.samples:
            return math.nan
        second = (self.sample_variances.fraction() + self.sample_means_squared.fraction()) / self.samples
        return _sqrt(second - (self.sample_means.fraction() / self.samples) ** 2)

    @property
    def constant(self) -> bool:
        """Whether all values are equal."""
        return self.count > 0 and self.low == self.high

    @property
    def _mean(self) -> Fraction:
        return self.total.fraction() / self.count

    @property
    def _variance(self) -> Fraction:
        # The sums are rounded where they enter (floats), so a constant column may come out a hair below zero.
        return max(Fraction(0), self.squares.fraction() / self.count - self._mean**2)

    @property
    def _mean_error(self) -> Fraction:
        """Var(mean)."""
        bits, whole = self._whole
        n, total = self.count, whole["total"]
        residual = n * n * whole["cross_ss"] - 2 * n * total * whole["cross_ns"] + total * total * whole["cross_nn"]
        return Fraction(residual, (n * n - whole["cross_nn"]) * n * n << 2 * bits)

    @property
    def _whole(self) -> tuple[int, dict[str, int]]:
        """The sums as whole numbers, each in units of ``2**-bits`` to the power of its degree; those have no divisors to find."""
        sums = {name: (getattr(self, name), degree) for name, degree in _SUMS.items()}
        bits = max(0, *(-(number.exponent // degree) for number, degree in sums.values() if degree))
        return bits, {name: number.mantissa << number.exponent + bits * degree for name, (number, degree) in sums.items()}


_ADDED = tuple(field.name for field in fields(Moments) if field.name not in ("low", "high"))


def _total(values: NDArray[np.int64]) -> int:
    """Exact sum of nonnegative integers."""
    return int(values.sum()) if int(values.max()) * values.size < 1 << 63 else sum(values.tolist())


def _scaled_float(value: float, factor: Dyadic) -> float:
    return float((Dyadic.of(value) * factor).fraction()) if math.isfinite(value) else value


def _integer_variances(n: NDArray[np.int64], s: NDArray[np.int64], q: NDArray[np.int64]) -> NDArray[np.float64]:
    """Per-sample variance (n Q - S^2) / n^2 without cancellation: the numerator is an exact integer."""
    if int(n.max()) * int(q.max()) < 1 << 63:
        return np.asarray((n * q - s * s) / (n.astype(np.float64) ** 2))
    triples = zip(n.tolist(), s.tolist(), q.tolist(), strict=True)
    return np.array([(ni * qi - si * si) / (ni * ni) for ni, si, qi in triples])


def _sqrt(value: Fraction) -> float:
    """Square root of a rational that may itself lie outside the range of a double."""
    if value <= 0:
        return 0.0
    shift = (value.numerator.bit_length() - value.denominator.bit_length()) // 2
    return math.ldexp(math.sqrt(value / Fraction(4) ** shift), shift)


def _is_normal(square: float) -> bool:
    """Whether a double holds a square with all of its digits."""
    return sys.float_info.min <= square < math.inf


def _squared(value: float) -> Dyadic:
    return Dyadic.of(value) * Dyadic.of(value)


def _float(variance: Fraction) -> float:
    try:
        return float(variance)
    except OverflowError:
        return math.inf
