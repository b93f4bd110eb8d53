"""Moments of one channel: a frozen state with an identity and an exact, order-free merge.

For sample i let n_i be the number of its values, S_i their sum and Q_i the sum of their squares. The state keeps the totals
of (n, S, Q), their six cross moments over samples, and what the other definitions of mean and std in circulation need.
All sums are dyadic rationals (:mod:`tare.exact`), hence ``merge`` is associative and commutative to the last bit; figures
are rounded once, when they are read.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tare.exact import Dyadic, exact_dot, exact_sum

_ZERO = Dyadic()


@dataclass(frozen=True, slots=True)
class Moments:
    """Mergeable moments of one channel over samples, in the units of the values given.

    Standard errors count samples, not values: pixels of one image are correlated. The pooled mean S/n is a ratio
    estimator; its variance is linearised (delta method) from the cross moments: with residuals e_i = S_i - m n_i,
    Var(m) = N/(N-1) sum e_i^2 / n^2, and with f_i = Q_i - 2 m S_i + (m^2 - v) n_i, Var(v) = N/(N-1) sum f_i^2 / n^2,
    Var(std) = Var(v) / (4 v). Source: Cochran, Sampling Techniques, 3rd ed. 1977, sections 6.3 and 9A.4 (cluster totals).
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
        return cls(
            samples=int(n.size),
            count=int(n.sum()),
            low=low,
            high=high,
            total=Dyadic(sum(s.tolist())),
            squares=Dyadic(sum(q.tolist())),
            cross_nn=Dyadic(exact_dot(n, n)),
            cross_ns=Dyadic(exact_dot(n, s)),
            cross_nq=Dyadic(exact_dot(n, q)),
            cross_ss=Dyadic(exact_dot(s, s)),
            cross_sq=Dyadic(exact_dot(s, q)),
            cross_qq=Dyadic(exact_dot(q, q)),
            sample_means=exact_sum(means),
            sample_means_squared=exact_sum(means * means),
            sample_stds=exact_sum(np.sqrt(variances)),
            sample_variances=exact_sum(variances),
        )

    @classmethod
    def of_sample(cls, values: NDArray[Any]) -> Moments:
        """Build from all values of one sample, any real dtype; NaN and infinities are counted and left out of the sums.

        Sums are taken about the sample's own mean in float64 and moved to the origin exactly, so values near 1e9 with a
        std of 1 keep all their digits (two-pass algorithm of Chan, Golub and LeVeque 1983).
        """
        finite, nan, inf = _finite(values)
        if finite.size == 0:
            return cls(nan=nan, inf=inf)
        pivot = float(finite.mean())
        centred = finite - pivot
        n = Dyadic(int(finite.size))
        s, q = _moved(n, Dyadic.of(float(centred.sum())), Dyadic.of(float(np.dot(centred, centred))), Dyadic.of(pivot))
        variance = max(0.0, float(np.dot(centred, centred)) / finite.size - float(centred.mean()) ** 2)
        mean = Dyadic.of(pivot + float(centred.mean()))
        return cls(
            samples=1,
            count=int(finite.size),
            nan=nan,
            inf=inf,
            low=float(finite.min()),
            high=float(finite.max()),
            total=s,
            squares=q,
            cross_nn=n * n,
            cross_ns=n * s,
            cross_nq=n * q,
            cross_ss=s * s,
            cross_sq=s * q,
            cross_qq=q * q,
            sample_means=mean,
            sample_means_squared=mean * mean,
            sample_stds=Dyadic.of(math.sqrt(variance)),
            sample_variances=Dyadic.of(variance),
        )

    @classmethod
    def of_rows(cls, values: NDArray[Any]) -> Moments:
        """Build from a column in which every value is a sample of its own (a table's column), in one vectorised pass.

        Power sums up to the fourth are taken about a pivot near the column's mean in float64 and moved to the origin exactly.
        """
        finite, nan, inf = _finite(values)
        if finite.size == 0:
            return cls(nan=nan, inf=inf)
        pivot = float(finite.mean())
        centred = finite - pivot
        second = centred * centred
        p = Dyadic.of(pivot)
        n = Dyadic(int(finite.size))
        d1, d2, d3, d4 = (
            Dyadic.of(float(power)) for power in (centred.sum(), second.sum(), np.dot(second, centred), np.dot(second, second))
        )
        three, four, six = Dyadic(3), Dyadic(4), Dyadic(6)
        s, q = _moved(n, d1, d2, p)
        cubes = d3 + three * p * d2 + three * p * p * d1 + p * p * p * n
        fourths = d4 + four * p * d3 + six * p * p * d2 + four * p * p * p * d1 + p * p * p * p * n
        return cls(
            samples=int(finite.size),
            count=int(finite.size),
            nan=nan,
            inf=inf,
            low=float(finite.min()),
            high=float(finite.max()),
            total=s,
            squares=q,
            cross_nn=n,
            cross_ns=s,
            cross_nq=q,
            cross_ss=q,
            cross_sq=cubes,
            cross_qq=fourths,
            sample_means=s,
            sample_means_squared=q,
        )

    def merge(self, other: Moments) -> Moments:
        """Return the state of both sets of samples together; exact, associative, commutative, with ``Moments()`` as identity."""
        merged: dict[str, Any] = {
            field.name: getattr(self, field.name) + getattr(other, field.name)
            for field in fields(self)
            if field.name not in ("low", "high")
        }
        return Moments(**merged, low=min(self.low, other.low), high=max(self.high, other.high))

    @property
    def mean(self) -> float:
        """Pooled mean S/n over all values of all samples (NaN if there are none)."""
        return float(self._mean) if self.count else math.nan

    @property
    def variance(self) -> float:
        """Pooled population variance (ddof 0)."""
        return float(self._variance) if self.count else math.nan

    @property
    def std(self) -> float:
        """Pooled population standard deviation (ddof 0)."""
        return _sqrt(self._variance) if self.count else math.nan

    @property
    def mean_se(self) -> float:
        """Standard error of :attr:`mean`, counting samples (NaN below two samples)."""
        if self.samples < 2:
            return math.nan
        return _sqrt(self._mean_error_sum * self._cluster_factor)

    @property
    def std_se(self) -> float:
        """Standard error of :attr:`std`, counting samples (NaN below two samples or for a constant channel)."""
        variance = self._variance if self.count else Fraction(0)
        if self.samples < 2 or variance == 0:
            return math.nan
        m = self._mean
        k = m * m - variance
        residual = (
            self.cross_qq.fraction()
            - 4 * m * self.cross_sq.fraction()
            + 4 * m * m * self.cross_ss.fraction()
            + 2 * k * self.cross_nq.fraction()
            - 4 * m * k * self.cross_ns.fraction()
            + k * k * self.cross_nn.fraction()
        )
        return _sqrt(residual * self._cluster_factor / (4 * variance))

    @property
    def effective_samples(self) -> float:
        """How many independent *values* would estimate the mean as well: variance / Var(mean) (NaN below two samples)."""
        if self.samples < 2:
            return math.nan
        error = self._mean_error_sum * self._cluster_factor
        return float(self._variance / error) if error > 0 else math.inf

    @property
    def mean_of_sample_std(self) -> float:
        """Mean of the per-sample stds: what the popular per-image recipe averages (ImageNet's 0.229 is probably one)."""
        return float(self.sample_stds.fraction() / self.samples) if self.samples else math.nan

    @property
    def root_mean_sample_variance(self) -> float:
        """Root of the mean per-sample variance, the third definition of std in circulation."""
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
        """Whether all values are one and the same."""
        return self.count > 0 and self.low == self.high

    @property
    def _mean(self) -> Fraction:
        return self.total.fraction() / self.count

    @property
    def _variance(self) -> Fraction:
        # The sums are rounded where they enter (floats), so a constant column may come out a hair below zero.
        return max(Fraction(0), self.squares.fraction() / self.count - self._mean**2)

    @property
    def _cluster_factor(self) -> Fraction:
        return Fraction(self.samples, (self.samples - 1) * self.count**2)

    @property
    def _mean_error_sum(self) -> Fraction:
        m = self._mean
        return self.cross_ss.fraction() - 2 * m * self.cross_ns.fraction() + m * m * self.cross_nn.fraction()


def _moved(n: Dyadic, s: Dyadic, q: Dyadic, pivot: Dyadic) -> tuple[Dyadic, Dyadic]:
    """Move a sum and a sum of squares about ``pivot`` to the origin, exactly."""
    return s + pivot * n, q + Dyadic(2) * pivot * s + pivot * pivot * n


def _finite(values: NDArray[Any]) -> tuple[NDArray[np.float64], int, int]:
    flat = np.ascontiguousarray(values).ravel().astype(np.float64, copy=False)
    mask = np.isfinite(flat)
    if mask.all():
        return flat, 0, 0
    nan = int(np.isnan(flat).sum())
    return flat[mask], nan, int(flat.size - mask.sum()) - nan


def _integer_variances(n: NDArray[np.int64], s: NDArray[np.int64], q: NDArray[np.int64]) -> NDArray[np.float64]:
    """Per-sample variance (n Q - S^2) / n^2 without cancellation: the numerator is an exact integer."""
    if int(n.max()) * int(q.max()) < 1 << 63:
        return np.asarray((n * q - s * s) / (n.astype(np.float64) ** 2))
    triples = zip(n.tolist(), s.tolist(), q.tolist(), strict=True)
    return np.array([(ni * qi - si * si) / (ni * ni) for ni, si, qi in triples])


def _sqrt(value: Fraction) -> float:
    return math.sqrt(max(0.0, float(value)))
