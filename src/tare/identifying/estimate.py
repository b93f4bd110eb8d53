"""Estimate mean and std with intervals, without a list of candidates; and the one gain and offset that all channels share.

The moments hardly tell some augmentations of training from other constants: mixup narrows the values as a larger std does. An
interval therefore reaches over all augmentations under which some constants explain the moments nearly as well as the best do.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from tare.identifying.candidates import Candidate
from tare.identifying.fingerprint.stored import Fingerprint, fingerprint_divergence
from tare.identifying.likelihood import Content, Residual, ShiftGrid, Spread, covariance_at, evidence, left_by, log_likelihoods
from tare.identifying.scores import MomentModel
from tare.input_spec.affine import Affine
from tare.samples.layout import Doubles
from tare.statistics.intervals import Interval

#: A candidate whose misfit is above this does not fit as well as other constants.
MISFIT = 6.0
_UNIT = 255.0
_STEP = 1e-3
_ITERATIONS = 12
_SETTLED = 1e-4
# Gauss-Newton steps of one map, and the confidence of its intervals.
_ROUNDS, _CONFIDENCE = 20, 0.95


@dataclass(frozen=True, slots=True)
class Estimated:
    """Mean and std in unit values per channel of the network, in the order ``channels``.

    ``misfit`` is the candidate's squared distance from the estimate in standard errors, divided by its expectation.
    ``divergence`` is that of the estimated constants, ``evidence`` their log evidence, and ``rival`` the likeliest of the
    augmentations under which other constants than the candidate's explain the moments, with those. ``errors`` ``(2 C, 2 C)`` is
    the covariance of the logarithms of 1 / (255 std) and of the means with the sign turned, and ``images`` the number of images
    that they rest on.
    """

    channels: str
    mean: tuple[Interval, ...]
    std: tuple[Interval, ...]
    affine: Affine
    misfit: float
    divergence: float = math.inf
    errors: tuple[tuple[float, ...], ...] = ()
    images: int = 0
    evidence: float = -math.inf
    rival: tuple[str, Affine] | None = None


def estimate_over(
    candidate: Candidate,
    stored: Fingerprint,
    models: Mapping[str, MomentModel],
    content: Content,
    shift: ShiftGrid,
    *,
    factor: float,
    confidence: float,
) -> Estimated:
    """The estimate under the likeliest of several augmentations, whose intervals reach over those that cannot be excluded.

    ``models`` are those of the augmentations, by name. Their log evidence is multiplied by ``factor``, as that of the candidates
    is, and ``misfit`` is the candidate's least.
    """
    found = {
        name: estimate(candidate, stored, each, content, shift, inflation=factor**-0.5, confidence=confidence)
        for name, each in models.items()
    }
    ordered = sorted(found.items(), key=lambda pair: -pair[1].evidence)
    best = ordered[0][1]
    kept = [pair for pair in ordered if math.exp(factor * (pair[1].evidence - best.evidence)) >= 1 - confidence]
    near = [each for _, each in kept]
    rival = next(((name, each.affine) for name, each in kept if each.misfit > MISFIT), None)

    def reaching(mine: Sequence[Interval], others: Sequence[Sequence[Interval]]) -> tuple[Interval, ...]:
        ends = zip(mine, zip(*others, strict=True), strict=True)
        return tuple(Interval(one.estimate, min(e.low for e in each), max(e.high for e in each)) for one, each in ends)

    mean, std = (reaching(getattr(best, name), [getattr(each, name) for each in near]) for name in ("mean", "std"))
    return replace(best, mean=mean, std=std, misfit=min(each.misfit for each in near), rival=rival)


def estimate(
    candidate: Candidate,
    stored: Fingerprint,
    model: MomentModel,
    content: Content,
    shift: ShiftGrid,
    *,
    inflation: float,
    confidence: float,
) -> Estimated:
    """Fit (log a, b) of every channel by generalised least squares, starting from a candidate and its residual's covariance.

    The steps are Gauss-Newton's, with finite differences. The standard errors of u = -b/a and s = 1/a follow by the delta method
    and are multiplied by ``inflation``; intervals use Student's t with the number of images minus 1.
    """
    start = candidate.affine
    residual = _residual(stored, model, start)
    spread = Spread.of(residual.influences, content)
    covariance = covariance_at(log_likelihoods(residual.values, spread, shift), spread, shift)
    whitener = np.linalg.cholesky(np.linalg.inv(covariance)).T
    values = _fitted(start, stored, model, whitener)
    last = _residual(stored, model, _affine(values, start))
    _, slopes = _linear(values, start, stored, model)
    information = slopes.T @ whitener.T @ whitener @ slopes
    errors: Doubles = np.asarray(np.linalg.pinv(information) * inflation**2, dtype=np.float64)
    away = values - _packed(start)
    misfit = float(away @ np.linalg.pinv(errors) @ away) / len(values)
    found = _result(values, errors, start, spread.images, confidence, misfit)
    (divergence,) = fingerprint_divergence(stored, *model.pooled([found.affine]))
    likelihoods = log_likelihoods(last.values, Spread.of(last.influences, content), shift)
    return replace(found, divergence=float(divergence), evidence=evidence(likelihoods))


def free_divergence(candidate: Candidate, stored: Fingerprint, model: MomentModel) -> float:
    """The divergence of the constants that explain the moments best, starting from a candidate; every moment counts alike."""
    start = candidate.affine
    found = _affine(_fitted(start, stored, model, np.eye(2 * int(stored.alive.sum()))), start)
    (divergence,) = fingerprint_divergence(stored, *model.pooled([found]))
    return float(divergence)


def _fitted(start: Affine, stored: Fingerprint, model: MomentModel, whitener: Doubles) -> Doubles:
    """The parameters with the least whitened residual, by Gauss-Newton steps."""
    values = _packed(start)
    for _ in range(_ITERATIONS):
        now, slopes = _linear(values, start, stored, model)
        step, *_ = np.linalg.lstsq(whitener @ slopes, -whitener @ now, rcond=None)
        step *= min(1.0, 0.5 / max(float(np.abs(step).max()), 1e-12))  # half a std at a time
        values = values + step
        if float(np.abs(step).max()) < _SETTLED:
            break
    return values


def _residual(stored: Fingerprint, model: MomentModel, affine: Affine) -> Residual:
    return Residual.of(stored, model.predict(affine))


def _packed(affine: Affine) -> Doubles:
    """The parameters: log a, and b divided by a times the whole raw range (which is -u)."""
    scale = np.array(affine.scale)
    return np.concatenate([np.log(scale), np.array(affine.shift) / (scale * _UNIT)])


def _affine(values: Doubles, like: Affine) -> Affine:
    count = len(like.scale)
    scale = np.exp(values[:count])
    return Affine(like.order, tuple(scale.tolist()), tuple((values[count:] * scale * _UNIT).tolist()))


def _linear(values: Doubles, like: Affine, stored: Fingerprint, model: MomentModel) -> tuple[Doubles, Doubles]:
    """The residual ``(2 K,)`` at some parameters ``(P,)``, and its slopes ``(2 K, P)`` by finite differences."""
    moved = values + _STEP * np.concatenate([np.zeros((1, len(values))), np.eye(len(values))])
    left = left_by(stored, *model.pooled([_affine(each, like) for each in moved]))
    return left[0], (left[1:] - left[0]).T / _STEP


def _result(values: Doubles, errors: Doubles, like: Affine, images: int, confidence: float, misfit: float) -> Estimated:
    """From the parameters log a and -u: s = exp(-log a) / 255."""
    from scipy import special

    count = len(like.scale)
    half = float(special.stdtrit(max(1, images - 1), 0.5 + confidence / 2)) * np.sqrt(np.maximum(np.diag(errors), 0.0))
    std = np.exp(-values[:count]) / _UNIT
    means = [Interval(float(-v), float(-v - h), float(-v + h)) for v, h in zip(values[count:], half[count:], strict=True)]
    with np.errstate(over="ignore"):  # of constants that the moments do not tell the interval has no bound
        stds = [Interval(float(s), float(s * np.exp(-h)), float(s * np.exp(h))) for s, h in zip(std, half[:count], strict=True)]
    channels = {1: "L"}.get(count, "BGR" if like.order == (2, 1, 0) else "RGB")
    return Estimated(
        channels,
        tuple(means),
        tuple(stds),
        _affine(values, like),
        misfit,
        errors=tuple(map(tuple, errors.tolist())),
        images=images,
    )


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
    for _ in range(_ROUNDS):
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
